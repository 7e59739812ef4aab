#include "generator/render.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "generator/edge.h"
#include "generator/linkcheck.h"
#include "generator/links.h"
#include "generator/lint.h"
#include "generator/partials.h"
#include "generator/plan.h"
#include "generator/plan_tenant.h"
#include "generator/pull.h"
#include "model/sanitize.h"
#include "generator/view.h"

#define STATIC_TEXT_MAX                                                                \
    (4u << 20)               /* bytes of a static file that is searched for secrets */
#define PAGE_MAX (64u << 20) /* bytes of one rendered file */

struct job { /* a tenant in the making */
    struct site site;
    const struct sink *out; /* NULL: nothing is written */
    struct worker *worker;
    struct links links;
    struct linkcheck *linkcheck; /* only with check */
    struct sanitize *sanitize;   /* once there is rich text */
    struct buf page;             /* reused for every output */
    struct arena page_json;      /* the names of the page in hand */
    json_t *lists; /* template -> its named lists, the same on every page */
    void **trees;  /* of the sink, canonical first */
    size_t n_trees;
    bool failed;
    bool machine; /* the disk failed, not the input */
};

static void step(struct job *j, const char *file) {
    if (j->worker) worker_step(j->worker, file);
}

/* The tree could not be written: the machine's fault, not the user's. */
static void machine_error(struct job *j, const void *tree) {
    if (!j->machine) j->out->report(tree, j->site.diags);
    j->failed = j->machine = true;
}

/* ---- secrets and documents ---- */

/* Files that are copied as they are; pictures and the like hold no text. */
static void check_static(struct site *s, const char *path) {
    static const char *const suffixes[] = {"txt", "json", "js", "mjs", "css", "html",
        "xml", "svg", "md", "csv", "yml", "yaml", "env"};
    struct str suffix = path_suffix(str_from(path));
    bool text = !suffix.len;
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++)
        text |= str_is(suffix, suffixes[i]);
    if (!text) return;
    struct buf bytes;
    buf_init(&bytes, 0);
    char *name = arena_printf(&s->arena, "%s/%s", s->tenant.id, path);
    /* What cannot be read is reported when it is published. */
    if (!root_read(&s->build->workspace.tenants, name, STATIC_TEXT_MAX, &bytes))
        secrets_check(
            buf_view(&bytes), arena_printf(&s->arena, "tenants/%s", name), 1, s->diags);
    buf_dispose(&bytes);
}

/* Documents are searched by documents_check. */
static void check_secrets(struct site *s) {
    for (size_t i = 0; i < s->n_statics; i++) check_static(s, s->statics[i]);
    secrets_check(s->tenant.text, s->tenant.file, 1, s->diags);
    for (size_t i = 0; i < s->content.n; i++)
        if (!s->content.items[i].hidden)
            secrets_check(
                s->content.items[i].text, s->content.items[i].file, 1, s->diags);
}

static bool is_published(void *ctx, struct str url) {
    struct site *s = ctx;
    struct str path = path_from_url(&s->arena, url);
    return plan_find(s, path) || plan_is_external(s, path) ||
           map_get(&s->redirects, path) || media_find(&s->media, path, NULL);
}

static const char *owner_of(void *ctx, struct str host) {
    struct site *s = ctx;
    const struct host *h = hosts_find((struct hosts *)&s->build->hosts, host);
    if (!s->asked) s->asked = json_object();
    /* What is no host name is nobody's, whatever the tenants list. */
    if (host_valid(host))
        json_set_str(s->asked, arena_str(&s->arena, host), h ? h->tenant : "");
    return h ? h->tenant : NULL;
}

static void check_documents(struct site *s) {
    struct document_context c = {
        .tenant = &s->tenant, .published = is_published, .owner = owner_of, .ctx = s};
    documents_check(s->documents, s->n_documents, &c, s->diags);
}

static bool lint_image(void *ctx, const char *path, struct lint_image *out) {
    struct site *s = ctx;
    struct media *m = media_find(&s->media, str_from(path), NULL);
    if (m) *out = (struct lint_image){m->info, m->size};
    return m != NULL;
}

/* ---- Markdown ---- */

/* The result looks like Markdown's. */
static bool sanitize_item(
    struct job *j, const struct item *it, struct markdown_result *out) {
    struct sanitize_result r;
    struct sanitize_options o = {
        .file = it->file, .first_line = 1, .resolve = links_resolve, .ctx = &j->links};
    if (!j->sanitize) j->sanitize = sanitize_new();
    if (!sanitize_html(j->sanitize, it->fm.body, &o, j->site.diags, &r)) return false;
    unsigned n = r.dropped.elements + r.dropped.attributes + r.dropped.addresses;
    if (n)
        diag_add(j->site.diags, DIAG_WARNING,
            r.dropped.place.file ? r.dropped.place : DIAG_FILE(it->file),
            "%s is left out%s: pages hold only harmless HTML", r.dropped.first,
            n > 1 ? ", and more" : "");
    *out = (struct markdown_result){.html = r.html,
        .toc = r.toc,
        .summary = r.summary,
        .words = r.words,
        .ids = r.ids};
    return true;
}

static bool markdown_item(
    struct job *j, const struct item *it, struct markdown_result *out) {
    struct site *s = &j->site;
    struct markdown_options o = {.file = it->file,
        .first_line = it->fm.body_line,
        .trust_html = s->build->workspace.trust_html && !it->row,
        .resolve = links_resolve,
        .ctx = &j->links};
    return markdown_render(s->build->markdown, it->fm.body, &o, s->diags, out);
}

static void render_item(struct job *j, struct item *it) {
    struct site *s = &j->site;
    struct markdown_result r = {0};
    step(j, it->file);
    links_begin(&j->links, it);
    if (!(it->html ? sanitize_item(j, it, &r) : markdown_item(j, it, &r))) {
        j->failed = true;
        r = (struct markdown_result){.html = STR(""), .summary = STR("")};
    }
    view_item_body(s, it, &r);
    if (j->links.moved.used && !it->html)
        json_set_text(it->view, "source_md", links_source(&j->links));
    it->ids = r.ids;
    json_decref(r.toc);
}

static void render_markdown(struct job *j) {
    struct content *c = &j->site.content;
    j->links.s = &j->site;
    for (size_t i = 0; i < c->n; i++)
        if (!c->items[i].hidden && c->items[i].view) render_item(j, &c->items[i]);
    links_check_fragments(&j->links);
}

/* ---- pages ---- */

static json_t *flagged_slice(json_t *list, size_t from, size_t count) {
    json_t *out = json_array();
    size_t n = json_array_size(list);
    if (from > n) from = n;
    if (count > n - from) count = n - from;
    for (size_t i = 0; i < count; i++) {
        json_t *v = json_array_get(list, from + i);
        json_array_append_new(out, view_flagged(v, i == 0, i + 1 == count));
    }
    return out;
}

static void pager_neighbour(
    struct site *s, json_t *v, const char *which, const char *path) {
    char *key = arena_printf(&s->arena, "%s_path", which);
    json_set_str(v, key, path);
    key = arena_printf(&s->arena, "%s_url", which);
    json_set_str(v, key, *path ? view_absolute(s, path) : "");
}

static json_t *pager_view(struct site *s, const struct pager *p) {
    json_t *v = json_object(), *pages = json_array();
    size_t from = (size_t)(p->number - 1) * p->size;
    json_object_set_new(v, "items", flagged_slice(p->over, from, p->size));
    json_set_int(v, "number", p->number);
    json_set_int(v, "total", p->total);
    json_set_bool(v, "first", p->number == 1);
    json_set_bool(v, "last", p->number == p->total);
    json_set_bool(v, "many", p->total > 1);
    pager_neighbour(s, v, "prev", p->number > 1 ? p->paths[p->number - 2] : "");
    pager_neighbour(s, v, "next", p->number < p->total ? p->paths[p->number] : "");
    for (unsigned i = 1; i <= p->total; i++) {
        json_t *page = json_object();
        json_set_int(page, "number", i);
        json_set_str(page, "path", p->paths[i - 1]);
        json_set_bool(page, "current", i == p->number);
        json_array_append_new(pages, page);
    }
    json_object_set_new(v, "pages", pages);
    return v;
}

static bool has_tag(const json_t *item, const char *tag) {
    json_t *t;
    size_t i;
    json_array_foreach(json_object_get(item, "tags"), i, t) {
        /* In front matter of any shape a tag is a plain word. */
        const char *name =
            json_is_string(t) ? json_string_value(t) : json_path_string(t, "name");
        const char *slug = json_path_string(t, "slug");
        if ((name && !strcmp(name, tag)) || (slug && !strcmp(slug, tag))) return true;
    }
    return false;
}

/* {from: posts, tag: news, limit: 5} */
static json_t *named_list(struct site *s, json_t *def) {
    json_t *from = json_path(s->view, json_path_string(def, "from")), *limit, *item;
    const char *tag = json_path_string(def, "tag");
    json_t *chosen = json_array();
    size_t i, most = (size_t)-1;
    limit = json_object_get(def, "limit");
    if (json_is_integer(limit) && json_integer_value(limit) >= 0)
        most = (size_t)json_integer_value(limit);
    json_array_foreach(from, i, item) {
        if (json_array_size(chosen) >= most) break;
        if (!tag || has_tag(item, tag)) json_array_append(chosen, item);
    }
    json_t *out = flagged_slice(chosen, 0, json_array_size(chosen));
    json_decref(chosen);
    return out;
}

/* Borrowed.  NULL: the template names none. */
static json_t *named_lists(struct job *j, const struct theme_file *f) {
    json_t *lists = json_object_get(j->lists, f->file), *def;
    const char *name;
    if (lists || !f->lists) return lists;
    lists = json_object();
    json_object_foreach(f->lists, name, def)
        json_object_set_new(lists, name, named_list(&j->site, def));
    json_object_set_new(j->lists, f->file, lists);
    return lists;
}

/* The innermost context: page, pager and the template's lists. */
static json_t *page_view(struct site *s, const struct output *o, json_t *lists) {
    json_t *names = json_object(), *page = json_copy(o->file->meta);
    const char *path = plan_url_path(&s->arena, o->path);
    view_set_address(s, page, path);
    json_set_str(page, "output", o->path);
    json_set_str(page, "template", o->file->file);
    json_set_bool(page, "is_home", !strcmp(path, "/"));
    json_object_set_new(names, "page", page);
    if (o->pager.total) json_object_set_new(names, "pager", pager_view(s, &o->pager));
    if (lists) json_object_update(names, lists);
    return names;
}

static bool render_output(struct job *j, const struct output *o) {
    struct site *s = &j->site;
    if (!o->file->body) return false;
    step(j, o->from);
    json_t *lists = named_lists(j, o->file);
    struct arena *task = json_use_arena(&j->page_json);
    json_t *names = page_view(s, o, lists), *stack[3];
    size_t n = view_stack(stack, s, o->element, names);
    struct partials p;
    struct template_env env = partials_env(&p, s, str_from(o->path));
    buf_reset(&j->page);
    bool ok = template_render(
        o->file->body, escape_for(str_from(o->path)), stack, n, &env, &j->page);
    json_decref(names);
    json_use_arena(task);
    arena_reset(&j->page_json);
    return ok;
}

/* The lines counted are those of the output; a note names the template to change. */
static bool check_edge(struct site *s, const struct output *o,
    bool (*check)(struct str text, const char *file, struct diag_list *diags),
    struct str text) {
    char *name = arena_printf(&s->arena, "%s/%s", s->tenant.canonical, o->path);
    struct diag_list found;
    diag_init(&found);
    bool ok = check(text, name, &found);
    for (const struct diag *d = found.first; d; d = d->next) {
        diag_add(s->diags, d->level, d->place, "%s", d->message);
        diag_note(s->diags, DIAG_FILE(o->from), "rendered from this template");
    }
    diag_dispose(&found);
    return ok;
}

static bool check_rendered(struct job *j, const struct output *o) {
    struct site *s = &j->site;
    struct str text = buf_view(&j->page);
    if (!strcmp(o->path, "_headers")) return check_edge(s, o, edge_check_headers, text);
    if (!strcmp(o->path, "_redirects"))
        return check_edge(s, o, edge_check_redirects, text);
    if (j->linkcheck) linkcheck_page(j->linkcheck, o, text);
    return true;
}

/* ---- publish ---- */

static void put_copy(struct job *j, void *tree, const struct output *o) {
    struct stat st;
    int fd = root_open_file(o->root, o->source, &st);
    if (fd < 0) {
        diag_add(j->site.diags, DIAG_ERROR, DIAG_FILE(o->from),
            "cannot be published: %s", file_error(errno));
        j->failed = true;
        return;
    }
    int err = tree ? j->out->put_fd(tree, o, fd, (size_t)st.st_size) : 0;
    if (err) machine_error(j, tree);
    close(fd);
}

static void put_bytes(
    struct job *j, void *tree, const struct output *o, struct str bytes) {
    if (tree && j->out->put(tree, o, bytes)) machine_error(j, tree);
}

static void put_output(struct job *j, void *tree, const struct output *o) {
    if (o->kind == OUTPUT_COPY)
        put_copy(j, tree, o);
    else if (o->kind == OUTPUT_BYTES)
        put_bytes(j, tree, o, o->bytes);
    else if (render_output(j, o) && check_rendered(j, o))
        put_bytes(j, tree, o, buf_view(&j->page));
    else
        j->failed = true;
}

static void *tree_start(struct job *j, const char *host) {
    if (!j->out) return NULL;
    void *tree = j->out->begin(j->out->ctx, host);
    j->trees[j->n_trees++] = tree;
    return tree;
}

/* The whole site, into the tree of `host`. */
static void publish_site(struct job *j, const char *host) {
    void *tree = tree_start(j, host);
    for (size_t i = 0; i < j->site.plan.n; i++)
        put_output(j, tree, j->site.plan.items[i]);
}

/* alias/ of the theme, into the tree of another domain. */
static void publish_alias(struct job *j, const char *host) {
    struct site *s = &j->site;
    struct theme_files files = theme_below(s->theme, "alias/", &s->arena);
    void *tree = tree_start(j, host);
    json_t *alias = json_object();
    json_set_str(alias, "host", host);
    json_object_set_new(s->view, "alias", alias);
    for (size_t i = 0; i < files.n; i++) {
        const struct theme_file *f = files.items[i];
        struct output o = {.path = f->path + strlen("alias/"),
            .kind = f->is_template ? OUTPUT_TEMPLATE : OUTPUT_COPY,
            .file = f,
            .root = f->root,
            .source = f->rel,
            .from = f->file};
        put_output(j, tree, &o);
    }
    json_object_del(s->view, "alias");
}

static void publish_all(struct job *j) {
    struct tenant *t = &j->site.tenant;
    publish_site(j, t->canonical);
    for (size_t i = 0; i < t->n_domains; i++) {
        if (!strcmp(t->domains[i], t->canonical)) continue;
        if (t->mirror)
            publish_site(j, t->domains[i]);
        else
            publish_alias(j, t->domains[i]);
    }
}

static void commit_all(struct job *j) {
    for (size_t i = 0; i < j->n_trees && !j->failed; i++) {
        if (j->out->finish(j->trees[i])) machine_error(j, j->trees[i]);
    }
    /* The redirects of the other domains come first: they never lead to a page that is
     * not there yet. */
    for (size_t i = j->n_trees; i-- > 0 && !j->failed;) {
        if (j->out->commit(j->trees[i], j->site.build->options->durable))
            machine_error(j, j->trees[i]);
    }
}

/* ---- result ---- */

static json_t *path_list(const char **paths, size_t n) {
    json_t *out = json_array();
    for (size_t i = 0; i < n; i++) json_array_append_new(out, json_string(paths[i]));
    return out;
}

static json_t *site_result(struct job *j, size_t i) {
    const struct tree_stats *st = j->out->stats(j->trees[i]);
    const struct tenant *t = &j->site.tenant;
    json_t *v = json_object();
    const char *host = t->canonical;
    for (size_t d = 0, k = 0; d < t->n_domains && i; d++)
        if (strcmp(t->domains[d], t->canonical) && ++k == i) host = t->domains[d];
    size_t pages = 0;
    for (size_t k = 0; k < j->site.plan.n; k++)
        pages += str_ends(str_from(j->site.plan.items[k]->path), ".html");
    bool redirects = i > 0 && !t->mirror;
    json_set_str(v, "host", host);
    json_set_bool(v, "alias", i > 0);
    json_set_bool(v, "redirects", redirects);
    json_set_int(v, "pages", redirects ? 0 : (json_int_t)pages);
    json_set_int(v, "files", (json_int_t)st->files);
    json_set_int(v, "bytes", (json_int_t)st->bytes);
    json_set_int(v, "written", (json_int_t)st->written);
    json_set_int(v, "removed", (json_int_t)st->removed);
    json_set_bool(v, "fresh", st->fresh);
    /* All of a new site is new; only a machine wants to read that. */
    if (!st->fresh || j->site.build->options->json) {
        json_object_set_new(v, "changed", path_list(st->changed, st->n_changed));
        json_object_set_new(
            v, "removed_paths", path_list(st->removed_paths, st->n_removed));
    }
    return v;
}

static void make_result(struct job *j, json_t *result, double began) {
    json_t *sites = json_array();
    bool ok = !j->failed && !j->site.diags->errors;
    for (size_t i = 0; i < j->n_trees && ok; i++)
        json_array_append_new(sites, site_result(j, i));
    json_set_bool(result, "ok", ok);
    json_set_bool(result, "machine", j->machine);
    json_object_set_new(result, "sites", sites);
    json_set_int(result, "outputs", (json_int_t)j->site.plan.n);
    json_set_int(result, "drafts", j->site.content.n_drafts);
    json_set_int(result, "future", j->site.content.n_future);
    json_set_int(result, "since", j->site.content.since);
    json_set_int(result, "until", j->site.content.until);
    json_set_str(result, "theme", j->site.tenant.theme);
    if (j->site.asked) json_object_set(result, "asked", j->site.asked);
    json_object_set_new(result, "seconds", json_real(clock_seconds() - began));
}

static void job_dispose(struct job *j) {
    for (size_t i = 0; i < j->n_trees; i++) j->out->end(j->trees[i]);
    mem_free(j->trees);
    linkcheck_free(j->linkcheck);
    if (j->sanitize) sanitize_free(j->sanitize);
    links_dispose(&j->links);
    buf_dispose(&j->page);
    arena_dispose(&j->page_json);
    json_drop(j->lists);
    site_dispose(&j->site);
}

static void make_site(struct job *j) {
    struct site *s = &j->site;
    if (!site_plan(s)) j->failed = true;
    check_secrets(s);
    check_documents(s);
    render_markdown(j);
    if (!plan_media(s)) j->failed = true;
    view_finish(s);
    if (s->build->options->check) {
        lint_brand(&s->tenant, lint_image, s, s->diags);
        j->linkcheck = linkcheck_new(s);
    }
    /* Templates are rendered even so, to report their errors too. */
    if (j->failed || s->diags->errors) j->out = NULL;
    j->trees = mem_calloc(s->tenant.n_domains + 1, sizeof *j->trees);
    publish_all(j);
    if (j->linkcheck) linkcheck_finish(j->linkcheck);
    if (s->diags->errors) j->failed = true;
    if (j->out && !j->failed) commit_all(j);
    if (j->out && !j->failed) pull_published(s);
}

void render_tenant(const struct build *b, const char *id, const struct sink *out,
    struct worker *w, struct diag_list *diags, json_t *result) {
    struct job j = {.out = out, .worker = w, .lists = json_object()};
    struct site *s = &j.site;
    double began = clock_seconds();
    buf_init(&j.page, PAGE_MAX);
    arena_init(&j.page_json);
    if (site_open(s, b, id, diags)) {
        step(&j, arena_printf(&s->arena, "%s/%s", b->workspace.content.name, id));
        if (!site_read(s)) j.failed = true;
        if (s->theme)
            make_site(&j);
        else
            j.failed = true;
    } else {
        site_read(s); /* its mistakes do not depend on the config */
        j.failed = true;
    }
    make_result(&j, result, began);
    job_dispose(&j);
}

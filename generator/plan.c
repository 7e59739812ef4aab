#include "generator/plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/yaml.h"
#include "generator/assets.h"
#include "generator/view.h"

#define PAGES_MAX 10000 /* of one paginated series */

/* ---- adding ---- */

static struct diag_place meta_place(const struct theme_file *f, const char *pointer) {
    struct diag_place place = DIAG_FILE(f->file);
    if (f->yaml.len)
        yaml_locate(f->yaml, f->meta_line, pointer, false, &place.line, &place.col);
    return place;
}

/* What gives an output its path: a slug, the template's path, else the file itself. */
static struct diag_place path_place(const struct output *o) {
    if (o->content && json_object_get(o->content->fm.values, "slug"))
        return frontmatter_place(&o->content->fm, o->content->file, "/slug", false);
    if (!o->content && o->file && o->file->each_path)
        return template_start(o->file->each_path);
    return DIAG_FILE(o->from);
}

static bool path_taken(
    struct site *s, const struct output *o, const struct output *by) {
    const char *rule = "rename one of them";
    if (strcmp(o->path, by->path))
        rule = "one is a file where the other needs a folder";
    else if (o->content)
        rule = "rename one of them, or give the page another slug";
    diag_add(s->diags, DIAG_ERROR, path_place(o), "/%s is also made by %s; %s", o->path,
        by->from, rule);
    return false;
}

static bool path_safe(struct site *s, const struct output *o) {
    if (path_is_safe(str_from(o->path)) && str_is_utf8(str_from(o->path), NULL))
        return true;
    struct diag_place place = DIAG_FILE(o->from);
    if (o->file && o->file->each_path) place = template_start(o->file->each_path);
    diag_add(s->diags, DIAG_ERROR, place,
        "\"%s\" is no path inside a site: it must be relative and UTF-8, without . or "
        ".. "
        "parts, backslashes or control characters",
        o->path);
    if (o->content)
        diag_note(s->diags, DIAG_FILE(o->content->file), "made for this file");
    s->plan.unsure = true;
    return false;
}

/* Adds o (in the arena), unless its path is unsafe or taken. */
static bool plan_add(struct site *s, struct output *o) {
    struct plan *p = &s->plan;
    if (!path_safe(s, o)) return false;
    const struct output *other = map_get(&p->by_path, str_from(o->path));
    if (other) return path_taken(s, o, other);
    map_set(&p->by_path, str_from(o->path), o);
    p->items = mem_grow(p->items, &p->cap, p->n + 1, sizeof *p->items);
    p->items[p->n++] = o;
    return true;
}

static bool plan_copy(
    struct site *s, const char *path, const struct root *root, const char *source) {
    struct output *o = arena_alloc(&s->arena, sizeof *o);
    o->path = path;
    o->kind = OUTPUT_COPY;
    o->root = root;
    o->source = source;
    o->from = arena_printf(&s->arena, "%s/%s", root->name, source);
    return plan_add(s, o);
}

/* No file may stand where another output needs a folder. */
static bool check_folders(struct site *s) {
    bool ok = true;
    for (size_t i = 0; i < s->plan.n; i++) {
        const struct output *o = s->plan.items[i];
        struct str dir = path_dir(str_from(o->path));
        for (; dir.len; dir = path_dir(dir)) {
            const struct output *file = map_get(&s->plan.by_path, dir);
            if (file) ok = path_taken(s, o, file);
        }
    }
    return ok;
}

/* ---- files ---- */

static char *tenant_path(struct site *s, const char *below) {
    return arena_printf(&s->arena, "%s/%s", s->tenant.id, below);
}

static bool plan_public_config(struct site *s) {
    struct buf text;
    struct output *o = arena_alloc(&s->arena, sizeof *o);
    json_t *config = tenant_public(&s->tenant, s->pricing);
    buf_init(&text, 0);
    json_write(&text, config, 2);
    buf_char(&text, '\n');
    o->path = arena_printf(&s->arena, "tenants/%s/config.json", s->tenant.id);
    o->kind = OUTPUT_BYTES;
    o->bytes = arena_copy(&s->arena, buf_view(&text));
    o->from = s->tenant.file;
    buf_dispose(&text);
    json_decref(config);
    return plan_add(s, o);
}

static bool plan_files(struct site *s) {
    const struct root *tenants = &s->build->workspace.tenants;
    bool ok = plan_public_config(s);
    for (size_t i = 0; i < s->n_documents; i++)
        ok &= plan_copy(
            s, s->documents[i].name, tenants, tenant_path(s, s->documents[i].name));
    for (size_t i = 0; i < s->n_statics; i++)
        ok &= plan_copy(s, s->statics[i] + strlen("static/"), tenants,
            tenant_path(s, s->statics[i]));
    for (size_t i = 0; i < s->theme->n_assets; i++) {
        const struct asset *as = &s->theme->assets[i];
        struct output *o = arena_alloc(&s->arena, sizeof *o);
        o->path = as->output;
        o->kind = as->bytes.ptr ? OUTPUT_BYTES : OUTPUT_COPY;
        o->bytes = as->bytes;
        o->root = as->file->root;
        o->source = as->file->rel;
        o->from = as->file->file;
        ok &= plan_add(s, o);
    }
    return ok;
}

bool plan_media(struct site *s) {
    bool ok = true;
    for (size_t i = 0; i < s->media.n; i++) {
        const struct media *m = s->media.items[i];
        ok &= plan_copy(s, m->output, m->root, m->path);
        if (m->plain) ok &= plan_copy(s, m->plain, m->root, m->path);
    }
    return ok;
}

/* ---- templates ---- */

char *plan_url_path(struct arena *a, const char *output) {
    struct str path = str_from(output);
    if (str_is(path_base(path), "index.html")) path.len -= strlen("index.html");
    return path_to_url(a, path);
}

struct planner {
    struct site *s;
    const struct theme_file *f;
    json_t *element;      /* of `each`; NULL: once */
    struct item *content; /* behind the element, or NULL */
};

/* A path template of the file, evaluated with the element and, for pages, the number.
 */
static char *eval_path(struct planner *p, const struct template *t, unsigned number) {
    json_t *extra = json_object(), *stack[3];
    struct buf out;
    if (number) json_set_int(extra, "number", number);
    size_t n = view_stack(stack, p->s, p->element, extra);
    struct template_env env = {.strict = true, .diags = p->s->diags};
    buf_init(&out, 4096);
    char *path = template_render(t, ESCAPE_NONE, stack, n, &env, &out)
                     ? arena_str(&p->s->arena, buf_view(&out))
                     : NULL;
    buf_dispose(&out);
    json_decref(extra);
    return path;
}

static bool in_sitemap(const struct planner *p, const char *path) {
    return str_ends(str_from(path), ".html") && strcmp(path, "404.html") &&
           !p->f->no_sitemap && (!p->content || !p->content->no_sitemap);
}

static struct output *plan_page(struct planner *p, const char *path) {
    struct output *o = arena_alloc(&p->s->arena, sizeof *o);
    o->path = path;
    o->file = p->f;
    o->element = p->element;
    o->content = p->content;
    o->from = p->content ? p->content->file : p->f->file;
    o->in_sitemap = in_sitemap(p, path);
    return plan_add(p->s, o) ? o : NULL;
}

/* The page at which an element is read: the first .html made of it. */
static void give_address(struct planner *p, const char *path) {
    if (!json_is_object(p->element) || !str_ends(str_from(path), ".html")) return;
    if (json_truthy(json_object_get(p->element, "path"))) return;
    char *url = plan_url_path(&p->s->arena, path);
    view_set_address(p->s, p->element, url);
    if (p->content) p->content->path = url;
}

/* All pages of a paginated list; `first` is the path of page 1. */
static bool plan_pages(struct planner *p, const char *first) {
    struct site *s = p->s;
    json_t *over = p->element ? json_path(p->element, p->f->over) : NULL;
    if (!over) over = json_path(s->view, p->f->over);
    size_t n = json_array_size(over), total = (n + p->f->size - 1) / p->f->size;
    if (total < 1) total = 1;
    if (total > PAGES_MAX) {
        diag_add(s->diags, DIAG_ERROR, DIAG_FILE(p->f->file),
            "more than %d pages; raise size", PAGES_MAX);
        return false;
    }
    const char **paths = arena_alloc(&s->arena, total * sizeof *paths);
    bool ok = true;
    for (unsigned i = 1; i <= total; i++) {
        const char *path = i == 1 ? first : eval_path(p, p->f->page_path, i);
        struct output *o = path ? plan_page(p, path) : NULL;
        paths[i - 1] = path ? plan_url_path(&s->arena, path) : "";
        if (o) o->pager = (struct pager){over, i, (unsigned)total, p->f->size, paths};
        ok &= o != NULL;
    }
    return ok;
}

static bool plan_one(struct planner *p, const char *path) {
    if (!path) p->s->plan.unsure = true;
    if (!path) return false;
    give_address(p, path);
    if (p->f->over) return plan_pages(p, path);
    return plan_page(p, path) != NULL;
}

static const struct collection *collection_of(const struct site *s, const char *name) {
    for (size_t i = 0; i < s->n_collections; i++)
        if (!strcmp(s->collections[i].name, name)) return &s->collections[i];
    return NULL;
}

/* Not every tenant has every collection, so only a likely slip is worth a word. */
static void check_list_name(
    struct site *s, const struct theme_file *f, const char *name, const char *pointer) {
    const char *known[64], *key;
    size_t n = 0;
    json_t *v;
    if (!name || json_path(s->view, name)) return;
    json_object_foreach(s->view, key,
        v) if (json_is_array(v) && n < sizeof known / sizeof *known) known[n++] = key;
    const char *near = diag_suggest(str_from(name), known, n);
    if (near)
        diag_add(s->diags, DIAG_WARNING, meta_place(f, pointer),
            "there is no list \"%s\"; did you mean \"%s\"?", name, near);
}

static void check_lists(struct site *s, const struct theme_file *f) {
    const char *name;
    json_t *def;
    check_list_name(s, f, f->each, "/each");
    /* With each, `over` may be a list of the element. */
    if (!f->each) check_list_name(s, f, f->over, "/paginate/over");
    json_object_foreach(f->lists, name, def) check_list_name(s, f,
        json_path_string(def, "from"), arena_printf(&s->arena, "/lists/%s/from", name));
}

static bool plan_each(struct site *s, const struct theme_file *f) {
    json_t *list = json_path(s->view, f->each), *element;
    const struct collection *c = collection_of(s, f->each);
    size_t i;
    bool ok = true;
    json_array_foreach(list, i, element) {
        struct planner p = {s, f, element, c ? c->items[i] : NULL};
        ok &= plan_one(&p, eval_path(&p, f->each_path, 0));
    }
    return ok;
}

static bool is_wanted(const struct site *s, const struct theme_file *f) {
    if (!f->when) return true;
    bool negate = f->when[0] == '!';
    return json_truthy(json_path(s->view, f->when + negate)) != negate;
}

static bool plan_templates(struct site *s) {
    struct theme_files files = theme_below(s->theme, "site/", &s->arena);
    bool ok = true;
    for (size_t i = 0; i < files.n; i++) {
        const struct theme_file *f = files.items[i];
        const char *path = f->path + strlen("site/");
        struct planner p = {s, f, NULL, NULL};
        if (!f->is_template)
            ok &= plan_copy(s, path, f->root, f->rel);
        else if (f->lost)
            s->plan.unsure = true;
        else if (is_wanted(s, f)) {
            check_lists(s, f);
            ok &= f->each ? plan_each(s, f) : plan_one(&p, path);
        }
        ok &= !f->broken;
    }
    return ok;
}

/* ---- redirects ---- */

static void add_redirect(struct site *s, const struct item *it, const char *from) {
    s->aliases[s->n_aliases] = (struct alias){from, it};
    map_set(&s->redirects, str_from(from), &s->aliases[s->n_aliases++]);
}

/* "/old/" of "/old" and the other way round; NULL for a file. */
static char *with_other_end(struct arena *a, struct str path) {
    if (path.ptr[path.len - 1] == '/')
        return arena_str(a, str_slice(path, 0, path.len - 1));
    if (path_suffix(path).len) return NULL;
    return arena_printf(a, STR_FMT "/", STR_ARG(path));
}

static bool plan_alias(
    struct site *s, const struct item *it, const char *from, size_t i) {
    char *pointer = arena_printf(&s->arena, "/aliases/%zu", i);
    struct diag_place place = frontmatter_place(&it->fm, it->file, pointer, false);
    const struct output *page = plan_find(s, str_from(from));
    const struct alias *other = map_get(&s->redirects, str_from(from));
    if (page)
        diag_add(s->diags, DIAG_ERROR, place, "alias %s is also a page, made by %s",
            from, page->from);
    else if (other && other->to != it)
        diag_add(s->diags, DIAG_ERROR, place, "alias %s is also one of %s", from,
            other->to->file);
    if (page || other) return !page && other->to == it;
    add_redirect(s, it, from);
    /* Hosts tell /old from /old/, people do not. */
    char *twin = with_other_end(&s->arena, str_from(from));
    if (twin && !map_get(&s->redirects, str_from(twin))) add_redirect(s, it, twin);
    return true;
}

static bool plan_aliases(struct site *s) {
    size_t most = 0;
    bool ok = true;
    struct item *landing = s->content.landing;
    if (landing && !landing->hidden) landing->path = "/";
    for (size_t i = 0; i < s->content.n; i++) most += s->content.items[i].n_aliases;
    s->aliases = arena_alloc(&s->arena, (2 * most + 1) * sizeof *s->aliases);
    for (size_t i = 0; i < s->content.n; i++) {
        const struct item *it = &s->content.items[i];
        if (it->hidden || !it->path) continue;
        for (size_t k = 0; k < it->n_aliases; k++)
            ok &= plan_alias(s, it, it->aliases[k], k);
    }
    return ok;
}

/* ---- the whole ---- */

static int by_path(const void *a, const void *b) {
    return strcmp(
        (*(struct output *const *)a)->path, (*(struct output *const *)b)->path);
}

bool plan_site(struct site *s) {
    bool ok = plan_files(s);
    ok &= plan_templates(s);
    ok &= check_folders(s);
    if (s->plan.n) qsort(s->plan.items, s->plan.n, sizeof *s->plan.items, by_path);
    ok &= plan_aliases(s);
    view_addresses(s);
    return ok;
}

void plan_dispose(struct plan *p) {
    mem_free(p->items);
    map_dispose(&p->by_path);
}

/* ---- looking up ---- */

const struct output *plan_find(const struct site *s, struct str path) {
    char name[1200];
    if (!path.len || path.ptr[0] != '/' || path.len + 16 > sizeof name) return NULL;
    memcpy(name, path.ptr + 1, path.len - 1);
    name[path.len - 1] = 0;
    struct str file = {name, path.len - 1};
    const struct output *o = map_get(&s->plan.by_path, file);
    if (o) return o;
    const char *index =
        !file.len || name[file.len - 1] == '/' ? "index.html" : "/index.html";
    memcpy(name + file.len, index, strlen(index) + 1);
    return map_get(&s->plan.by_path, str_from(name));
}

static bool has_prefix(struct str path, const char *prefix) {
    size_t n = strlen(prefix);
    if (!n || !str_starts(path, prefix)) return false;
    return prefix[n - 1] == '/' || path.len == n || path.ptr[n] == '/';
}

bool plan_is_external(const struct site *s, struct str path) {
    const struct workspace *w = &s->build->workspace;
    for (size_t i = 0; i < w->n_external_paths; i++)
        if (has_prefix(path, w->external_paths[i])) return true;
    const char *auth = json_path_string(s->tenant.config, "routes.authLanding");
    return has_prefix(path, "/api/") || has_prefix(path, "/login") ||
           (auth && strcmp(auth, "/") && has_prefix(path, auth));
}

const char *plan_suggest(struct site *s, struct str path) {
    const char **known = mem_alloc((s->plan.n + 1) * sizeof *known);
    for (size_t i = 0; i < s->plan.n; i++) {
        struct output *o = s->plan.items[i];
        if (!o->url) o->url = plan_url_path(&s->arena, o->path);
        known[i] = o->url;
    }
    const char *best = diag_suggest(path, known, s->plan.n);
    mem_free(known);
    return best;
}

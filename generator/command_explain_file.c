/* tenantry explain: theme files, content, addresses, and other files of a tenant. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "generator/command_explain.h"
#include "generator/plan.h"
#include "generator/view.h"

#define OUTPUTS_SHOWN 10 /* of one template, for people */

/* ---- outputs ---- */

static json_t *output_json(struct site *s, const struct output *o) {
    json_t *v = json_object();
    json_set_str(v, "url", view_absolute(s, plan_url_path(&s->arena, o->path)));
    json_set_str(v, "output", o->path);
    if (o->file) json_set_str(v, "template", o->file->file);
    if (o->content) json_set_str(v, "content", o->content->file);
    return v;
}

/* Every output that `makes` accepts; returns how many. */
static size_t say_outputs(struct explain *e,
    bool (*makes)(const struct output *o, const void *what), const void *what) {
    struct site *s = &e->site;
    json_t *list = json_array();
    size_t n = 0;
    for (size_t i = 0; i < s->plan.n; i++) {
        const struct output *o = s->plan.items[i];
        if (!makes(o, what)) continue;
        json_array_append_new(list, output_json(s, o));
        if (n++ < OUTPUTS_SHOWN)
            explain_line(e, "makes", "%s", plan_url_path(&s->arena, o->path));
    }
    if (n > OUTPUTS_SHOWN) explain_line(e, "", "and %zu more", n - OUTPUTS_SHOWN);
    json_object_set_new(e->v, "outputs", list);
    return n;
}

/* ---- theme files ---- */

/* "templates/night/partials/x.html", "tenants/acme/templates/x" -> the path in a theme.
 */
static struct str theme_path(struct explain *e) {
    struct str key = str_from(e->key), rest = key, part;
    const char *own =
        arena_printf(&e->arena, "tenants/%s/templates/", e->site.tenant.id);
    if (str_starts(key, own)) return str_slice(key, strlen(own), key.len);
    if (!str_starts(key, "templates/")) return key;
    str_cut(&rest, '/', &part);
    str_cut(&rest, '/', &part);
    return rest;
}

static void say_layer(struct explain *e, const struct theme *t,
    const struct theme_file *f, const char *state) {
    const struct site *s = &e->site;
    json_t *v = json_object();
    bool own = t == s->overlay;
    const char *layer = arena_printf(
        &e->arena, "%s %s", own ? "tenant" : "theme", own ? s->tenant.id : t->name);
    json_set_str(v, "layer", layer);
    json_set_str(v, "file", f->file);
    json_set_str(v, "state", state);
    json_array_append_new(json_object_get(e->v, "layers"), v);
    explain_line(e, state, "%s (%s)", f->file, layer);
}

static bool from_template(const struct output *o, const void *file) {
    return o->file == file;
}

bool explain_theme(struct explain *e) {
    struct site *s = &e->site;
    struct str path = theme_path(e);
    const struct theme_file *winner = NULL;
    for (const struct theme *t = s->theme; t; t = t->base) {
        const struct theme_file *f = map_get(&t->index, path);
        if (!f) continue;
        if (!winner) {
            buf_printf(&e->text, STR_FMT "\n", STR_ARG(path));
            json_set_str(e->v, "kind", "theme");
            json_set_text(e->v, "path", path);
            json_object_set_new(e->v, "layers", json_array());
        }
        say_layer(e, t, f, winner ? "beneath" : f->off ? "off" : "wins");
        if (!winner) winner = f;
    }
    if (!winner) return false;
    if (winner->off) explain_line(e, "", "it switches the file off for this tenant");
    if (str_starts(path, "site/")) say_outputs(e, from_template, winner);
    return true;
}

/* ---- content ---- */

/* "content/acme/terms.md", "content/_shared/terms.md", "content/terms.md", "terms.md"
 */
static struct str content_path(const struct explain *e) {
    struct str key = str_from(e->key);
    if (!str_starts(key, "content/")) return key;
    key = str_slice(key, strlen("content/"), key.len);
    const char *layers[] = {"_shared", e->site.tenant.id};
    for (size_t i = 0; i < 2; i++) {
        size_t n = strlen(layers[i]);
        if (str_starts(key, layers[i]) && key.len > n && key.ptr[n] == '/')
            return str_slice(key, n + 1, key.len);
    }
    return key;
}

static bool from_item(const struct output *o, const void *item) {
    return o->content == item;
}

static bool is_home(const struct output *o, const void *unused) {
    (void)unused;
    return !strcmp(o->path, "index.html");
}

static void say_beneath(struct explain *e, const struct item *it) {
    const struct root *content = &e->in.build.workspace.content;
    struct stat st;
    if (!strcmp(it->owner, "_shared")) return;
    const char *below = arena_printf(&e->arena, "_shared/%s", it->rel);
    int fd = root_open_file(content, below, &st);
    if (fd < 0) return;
    close(fd);
    explain_fact(e, "beneath", "beneath",
        arena_printf(&e->arena, "%s/%s", content->name, below));
}

static const char *hidden_because(const struct item *it) {
    if (it->draft) return "it is a draft (--drafts shows it)";
    if (it->future) return "its date lies in the future (--drafts shows it)";
    return "it has expired";
}

static void say_template(struct explain *e, const struct item *it) {
    struct site *s = &e->site;
    for (size_t i = 0; i < s->plan.n; i++) {
        const struct output *o = s->plan.items[i];
        if (o->content != it || !str_ends(str_from(o->path), ".html")) continue;
        explain_fact(e, "template", "template", o->file->file);
        return;
    }
}

bool explain_content(struct explain *e) {
    struct site *s = &e->site;
    const struct item *it = map_get(&s->content.by_rel, content_path(e));
    if (!it) return false;
    bool landing = it == s->content.landing;
    buf_printf(&e->text, "%s\n", it->rel);
    json_set_str(e->v, "kind", "content");
    explain_fact(e, "file", "wins", it->file);
    say_beneath(e, it);
    if (it->title && *it->title) explain_fact(e, "title", "title", it->title);
    if (landing) {
        const char *name = json_path_string(s->view, "site.landing");
        const struct theme_file *f =
            name ? theme_find(
                       s->theme, str_from(arena_printf(&e->arena, "%s.html", name)))
                 : NULL;
        if (f) explain_fact(e, "template", "template", f->file);
    }
    say_template(e, it);
    if (!landing && it->hidden)
        explain_fact(e, "hidden", "hidden", hidden_because(it));
    else if (!say_outputs(e, landing ? is_home : from_item, it))
        explain_line(e, "makes", "no page of its own; the theme shows it in lists");
    return true;
}

/* ---- addresses ---- */

/* The path of "https://acme.example/blog/?x#y", "/blog/", "blog/index.html"; ptr NULL:
 * another's address. */
static struct str address_path(struct explain *e) {
    struct str key = str_from(e->key);
    size_t at;
    if (str_find_char(key, '#', &at)) key.len = at;
    if (str_find_char(key, '?', &at)) key.len = at;
    if (!str_find(key, "://", &at))
        return key.len && key.ptr[0] == '/'
                   ? key
                   : str_from(arena_printf(&e->arena, "/" STR_FMT, STR_ARG(key)));
    struct str host = str_slice(key, at + 3, key.len);
    struct str path = STR("/");
    if (str_find_char(host, '/', &at)) {
        path = str_slice(host, at, host.len);
        host.len = at;
    }
    const struct host *owner = hosts_find(&e->in.build.hosts, host);
    bool ours = owner && !strcmp(owner->tenant, e->site.tenant.id);
    return ours ? path : (struct str){0};
}

static void say_address(struct explain *e, const char *path) {
    json_set_str(e->v, "kind", "address");
    json_set_str(e->v, "url", view_absolute(&e->site, path));
    buf_printf(&e->text, "%s\n", view_absolute(&e->site, path));
}

static void say_output(struct explain *e, const struct output *o) {
    struct site *s = &e->site;
    const struct item *landing =
        is_home(o, NULL) && !o->content ? s->content.landing : NULL;
    const struct item *it = o->content ? o->content : landing;
    say_address(e, plan_url_path(&s->arena, o->path));
    explain_fact(e, "output", "output", o->path);
    if (o->file)
        explain_fact(e, "template", "template", o->file->file);
    else
        explain_fact(e, "source", "copy of", o->from);
    if (it) explain_fact(e, "content", "content", it->file);
    if (o->pager.total > 1)
        explain_line(e, "page", "%u of %u", o->pager.number, o->pager.total);
}

static bool answer_media(struct explain *e, struct str path) {
    struct site *s = &e->site;
    const struct media *m = media_find(&s->media, path, NULL);
    for (size_t i = 0; i < s->media.n && !m; i++)
        if (str_is(path, s->media.items[i]->url)) m = s->media.items[i];
    if (!m) return false;
    say_address(e, m->url);
    explain_fact(e, "output", "output", m->output);
    const char *file = arena_printf(&e->arena, "%s/%s", m->root->name, m->path);
    explain_fact(e, "source", "copy of", file);
    return true;
}

static bool answer_redirect(struct explain *e, struct str path) {
    struct site *s = &e->site;
    const struct alias *a = map_get(&s->redirects, path);
    if (!a) return false;
    say_address(e, a->from);
    explain_fact(e, "redirect", "redirects", a->to->path);
    explain_fact(e, "content", "because", a->to->file);
    return true;
}

static bool answer_external(struct explain *e, struct str path) {
    if (!plan_is_external(&e->site, path)) return false;
    say_address(e, arena_str(&e->arena, path));
    json_set_bool(e->v, "external", true);
    explain_line(e, "external",
        "belongs to an application on the same domain "
        "(routes.authLanding, externalPaths of tenantry.json)");
    return true;
}

bool explain_address(struct explain *e) {
    struct str path = address_path(e);
    if (!path.ptr || !e->site.view) return false;
    const struct output *o = plan_find(&e->site, path);
    if (o) {
        say_output(e, o);
        return true;
    }
    if (answer_redirect(e, path) || answer_media(e, path)) return true;
    bool address = e->key[0] == '/' || strstr(e->key, "://");
    return address && answer_external(e, path);
}

/* ---- other files: documents, static files, images ---- */

static bool from_file(const struct output *o, const void *file) {
    return !strcmp(o->from, file);
}

bool explain_source(struct explain *e) {
    struct site *s = &e->site;
    bool found = false;
    for (size_t i = 0; i < s->plan.n; i++) found |= from_file(s->plan.items[i], e->key);
    if (found) {
        buf_printf(&e->text, "%s\n", e->key);
        json_set_str(e->v, "kind", "file");
        say_outputs(e, from_file, e->key);
        return true;
    }
    const char *own = arena_printf(&e->arena, "tenants/%s/", s->tenant.id);
    return s->view && str_starts(str_from(e->key), own) &&
           answer_media(e, str_from(e->key + strlen(own)));
}

/* ---- names ---- */

void explain_file_names(struct explain *e, struct explain_names *names) {
    struct site *s = &e->site;
    for (const struct theme *t = s->theme; t; t = t->base)
        for (size_t i = 0; i < t->n; i++) explain_names_add(names, t->files[i].path);
    for (size_t i = 0; i < s->content.n; i++)
        explain_names_add(
            names, arena_printf(&e->arena, "content/%s", s->content.items[i].rel));
    for (size_t i = 0; i < s->plan.n; i++)
        explain_names_add(names, plan_url_path(&e->arena, s->plan.items[i]->path));
}

#include "generator/theme.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "generator/assets.h"
#include "generator/documents.h"
#include "generator/frontmatter.h"

#define TEMPLATE_MAX (1u << 20) /* bytes of one template */

/* ---- one file ---- */

static bool is_template_path(struct str path) {
    static const char *const suffixes[] = {
        "html", "xml", "svg", "json", "webmanifest", "txt", "md", "css", "js"};
    struct str suffix = path_suffix(path), base = path_base(path);
    if (str_starts(path, "assets/")) return false;
    if (!suffix.len || suffix.len + 1 == base.len) return true; /* _headers, .name */
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++)
        if (str_is(suffix, suffixes[i])) return true;
    return false;
}

struct loader { /* a file being read, and what is needed to report on it */
    struct arena *arena;
    struct theme_file *f;
    struct frontmatter fm;
    struct diag_list *diags;
};

static void meta_error(struct loader *l, const char *pointer, const char *what) {
    struct diag_place place = frontmatter_place(&l->fm, l->f->file, pointer, false);
    diag_add(l->diags, DIAG_ERROR, place, "%s", what);
    l->f->broken = l->f->lost = true;
}

static const char *meta_name(struct loader *l, const char *key, const char *what) {
    json_t *v = json_object_get(l->fm.values, key);
    if (!v) return NULL;
    if (json_is_string(v) && json_string_length(v)) return json_string_value(v);
    char *pointer = arena_printf(l->arena, "/%s", key);
    meta_error(l, pointer, what);
    return NULL;
}

static bool is_quote(const struct frontmatter *fm, struct diag_place place) {
    struct str rest = fm->yaml, line;
    for (unsigned n = fm->yaml_line; str_cut(&rest, '\n', &line); n++) {
        if (n != place.line) continue;
        char c = place.col && place.col <= line.len ? line.ptr[place.col - 1] : ' ';
        return c == '"' || c == '\'';
    }
    return false;
}

static const struct template *meta_template(
    struct loader *l, json_t *v, const char *pointer) {
    if (!json_is_string(v) || !json_string_length(v)) {
        meta_error(
            l, pointer, "path: expected text such as \"blog/{{slug}}/index.html\"");
        return NULL;
    }
    struct diag_place place = frontmatter_place(&l->fm, l->f->file, pointer, false);
    if (is_quote(&l->fm, place)) place.col++;
    struct str text = str_from(arena_strdup(l->arena, json_string_value(v)));
    const struct template *t = template_compile_at(l->arena, place, text, l->diags);
    if (!t) l->f->broken = l->f->lost = true;
    return t;
}

static void read_paginate(struct loader *l) {
    json_t *p = json_object_get(l->fm.values, "paginate");
    if (!p) return;
    json_t *over = json_object_get(p, "over"), *size = json_object_get(p, "size");
    if (!json_is_string(over) || !json_is_integer(size) ||
        json_integer_value(size) < 1 || json_integer_value(size) > 10000) {
        meta_error(l, "/paginate",
            "paginate: expected {over: LIST, size: 1 to 10000, path: "
            "\"...{{number}}...\"}");
        return;
    }
    l->f->over = json_string_value(over);
    l->f->size = (unsigned)json_integer_value(size);
    json_t *path = json_object_get(p, "path");
    if (!path)
        meta_error(l, "/paginate",
            "paginate: `path` is missing, such as \"blog/page/{{number}}/index.html\"");
    else
        l->f->page_path = meta_template(l, path, "/paginate/path");
}

static void read_list(struct loader *l, const char *name, json_t *def) {
    char *pointer = arena_printf(l->arena, "/lists/%s", name);
    json_t *tag = json_object_get(def, "tag"), *limit = json_object_get(def, "limit");
    if (!json_is_string(json_object_get(def, "from")))
        meta_error(l, pointer, "a list needs `from`, the name of a collection");
    if (tag && !json_is_string(tag))
        meta_error(l, arena_printf(l->arena, "%s/tag", pointer),
            "tag: expected the name of a tag");
    if (limit && (!json_is_integer(limit) || json_integer_value(limit) < 0))
        meta_error(l, arena_printf(l->arena, "%s/limit", pointer),
            "limit: expected a whole number, such as 5");
}

static void read_lists(struct loader *l) {
    json_t *lists = json_object_get(l->fm.values, "lists"), *def;
    const char *name;
    if (!lists) return;
    if (!json_is_object(lists)) {
        meta_error(
            l, "/lists", "lists: expected {NAME: {from: LIST, tag: TAG, limit: N}}");
        return;
    }
    json_object_foreach(lists, name, def) read_list(l, name, def);
    l->f->lists = lists;
}

static void read_when(struct loader *l) {
    json_t *when = json_object_get(l->fm.values, "when");
    if (json_is_boolean(when)) {
        l->f->off = json_is_false(when);
        return;
    }
    l->f->when = meta_name(l, "when", "when: expected the name of a value, or false");
}

static void read_meta(struct loader *l) {
    struct theme_file *f = l->f;
    f->meta = l->fm.values;
    f->meta_line = l->fm.yaml_line;
    f->yaml = l->fm.yaml;
    read_when(l);
    f->each = meta_name(l, "each", "each: expected the name of a collection");
    f->no_sitemap = json_is_false(json_object_get(l->fm.values, "sitemap"));
    json_t *path = json_object_get(l->fm.values, "path");
    if (f->each && !path)
        meta_error(
            l, "/each", "`each` needs `path`, such as \"blog/{{slug}}/index.html\"");
    else if (f->each)
        f->each_path = meta_template(l, path, "/path");
    read_paginate(l);
    read_lists(l);
}

static void load_template(
    struct theme_file *f, struct arena *a, struct diag_list *diags) {
    struct buf text;
    buf_init(&text, 0);
    int err = root_read(f->root, f->rel, TEMPLATE_MAX, &text);
    if (err) {
        diag_unreadable(diags, f->file, err);
        f->broken = f->lost = true;
        f->meta = json_object();
        buf_dispose(&text);
        return;
    }
    struct str copy = arena_copy(a, buf_view(&text));
    f->off = copy.len == 0;
    struct loader l = {.arena = a, .f = f, .diags = diags};
    f->broken = f->lost = !frontmatter_parse(&l.fm, copy, f->file, diags);
    if (!l.fm.values) l.fm.values = json_object();
    read_meta(&l);
    bool open = secrets_check(copy, f->file, 1, diags) > 0;
    if (!f->lost && !open)
        f->body = template_compile(a, f->file, l.fm.body_line, l.fm.body, diags);
    if (!f->body) f->broken = true;
    buf_dispose(&text);
}

/* ---- one layer ---- */

static int by_path(const void *a, const void *b) {
    return strcmp(
        ((const struct theme_file *)a)->path, ((const struct theme_file *)b)->path);
}

/* The files of a layer: `prefix` is the folder in root, `label` what messages call it.
 */
static void layer_fill(struct theme *t, const struct root *root, const char *prefix,
    const char *label, char **paths, size_t n, struct diag_list *diags) {
    t->files = arena_alloc(&t->arena, (n + 1) * sizeof *t->files);
    for (size_t i = 0; i < n; i++) {
        struct theme_file *f = &t->files[t->n++];
        f->path = arena_strdup(&t->arena, paths[i]);
        f->rel = arena_printf(&t->arena, "%s/%s", prefix, paths[i]);
        f->file = arena_printf(&t->arena, "%s/%s", label, paths[i]);
        f->root = root;
        f->is_template = is_template_path(str_from(f->path));
    }
    qsort(t->files, t->n, sizeof *t->files, by_path);
    for (size_t i = 0; i < t->n; i++) {
        struct theme_file *f = &t->files[i];
        if (f->is_template) load_template(f, &t->arena, diags);
        map_set(&t->index, str_from(f->path), f);
    }
}

static struct theme *theme_new(const char *name, struct theme *base) {
    struct theme *t = mem_calloc(1, sizeof *t);
    arena_init(&t->arena);
    t->name = arena_strdup(&t->arena, name);
    t->base = base;
    return t;
}

void theme_free(struct theme *t) {
    if (!t) return;
    for (size_t i = 0; i < t->n; i++) json_decref(t->files[i].meta);
    json_decref(t->asset_urls);
    map_dispose(&t->index);
    arena_dispose(&t->arena);
    mem_free(t);
}

struct theme *theme_overlay(struct theme *base, const struct workspace *w,
    const char *tenant, char **files, size_t n, struct diag_list *diags) {
    struct theme *t = theme_new(base->name, base);
    char *prefix = arena_printf(&t->arena, "%s/templates", tenant);
    char *label = arena_printf(&t->arena, "tenants/%s/templates", tenant);
    layer_fill(t, &w->tenants, prefix, label, files, n, diags);
    assets_load(t, diags);
    return t;
}

/* ---- the themes of a workspace ---- */

void themes_init(struct themes *t, const struct workspace *w) {
    *t = (struct themes){.workspace = w};
    arena_init(&t->arena);
}

void themes_dispose(struct themes *t) {
    for (size_t i = 0; i < t->n; i++) theme_free(t->items[i]);
    mem_free(t->items);
    map_dispose(&t->broken);
    arena_dispose(&t->arena);
}

struct theme *themes_find(const struct themes *t, const char *name) {
    for (size_t i = 0; i < t->n; i++)
        if (!strcmp(t->items[i]->name, name)) return t->items[i];
    return NULL;
}

/* A theme that is wanted, and where that is said. */
struct wanted {
    const char *name;
    struct diag_place place;
    const struct wanted *child; /* the theme that names it as parent, or NULL */
};

/* theme.json, while its parent is read. */
struct settings {
    const char *file;
    struct str text;
    struct diag_list *diags;
};

static struct diag_place settings_place(
    const struct settings *s, const char *pointer, bool key) {
    struct diag_place place = DIAG_FILE(s->file);
    if (!json_locate(s->text, pointer, key, &place.line, &place.col))
        place.line = place.col = 0;
    return place;
}

static bool check_settings(const struct settings *s, struct arena *a, json_t *v) {
    static const char *const known[] = {"parent"};
    const char *key;
    json_t *value;
    if (!json_is_object(v)) {
        diag_add(s->diags, DIAG_ERROR, settings_place(s, "", false),
            "expected {\"parent\": \"NAME\"}");
        return false;
    }
    json_object_foreach(v, key, value) {
        if (!strcmp(key, "parent")) continue;
        bool near = diag_suggest(str_from(key), known, 1);
        diag_add(s->diags, DIAG_WARNING,
            settings_place(s, arena_printf(a, "/%s", key), true), "%s: unknown key%s",
            key,
            near ? "; did you mean \"parent\"?" : "; theme.json knows only \"parent\"");
    }
    value = json_object_get(v, "parent");
    if (!value || json_is_string(value)) return true;
    diag_add(s->diags, DIAG_ERROR, settings_place(s, "/parent", false),
        "parent: expected the name of a theme, such as \"default\"");
    return false;
}

/* The parent named by theme.json, "default" without one, name NULL for default itself.
 * False: theme.json is wrong. */
static bool read_parent(struct theme *t, const struct root *templates,
    struct wanted *parent, struct diag_list *diags) {
    char *path = arena_printf(&t->arena, "%s/theme.json", t->name);
    char *file = arena_printf(&t->arena, "%s/%s", templates->name, path);
    *parent = (struct wanted){.name = strcmp(t->name, "default") ? "default" : NULL};
    struct buf text;
    buf_init(&text, 0);
    int err = root_read(templates, path, TEMPLATE_MAX, &text);
    struct settings s = {file, buf_view(&text), diags};
    json_t *v = err ? NULL : json_parse(s.text, file, diags);
    bool ok = err == ENOENT || (v && check_settings(&s, &t->arena, v));
    const char *name = json_string_value(json_object_get(v, "parent"));
    if (ok && name)
        *parent = (struct wanted){
            arena_strdup(&t->arena, name), settings_place(&s, "/parent", false), NULL};
    if (err && err != ENOENT) diag_unreadable(diags, file, err);
    json_decref(v);
    buf_dispose(&text);
    return ok;
}

static void report_absent(
    const struct themes *t, const struct wanted *w, struct diag_list *diags) {
    const struct root *root = &t->workspace->templates;
    struct arena a;
    struct file_list list = {0};
    arena_init(&a);
    if (root->fd >= 0) file_list_dir(root, ".", &a, &list);
    const char **names = arena_alloc(&a, (list.n + 1) * sizeof *names);
    size_t n = 0;
    for (size_t i = 0; i < list.n; i++)
        if (list.items[i].dir) names[n++] = list.items[i].path;
    const char *near = diag_suggest(str_from(w->name), names, n);
    /* Nobody asks for the default theme in writing. */
    if (!strcmp(w->name, "default"))
        diag_add(diags, DIAG_ERROR,
            DIAG_FILE(arena_printf(&a, "%s/default", root->name)),
            "the default theme is not there; every other theme rests on it%s",
            n ? "" : " (--templates names the folder of the themes)");
    else
        diag_add(diags, DIAG_ERROR, w->place, "there is no theme \"%s\" in %s/%s%s%s",
            w->name, root->name, near ? "; did you mean \"" : "", near ? near : "",
            near ? "\"?" : "");
    arena_dispose(&a);
}

static char **walk_layer(struct theme *t, const struct themes *all,
    const struct wanted *w, size_t *n, struct diag_list *diags) {
    const struct root *root = &all->workspace->templates;
    struct file_list list = {0};
    int err = root->fd < 0 || !path_is_safe(str_from(t->name))
                  ? ENOENT
                  : file_walk(root, t->name, false, &t->arena, &list);
    if (err == ENOENT) report_absent(all, w, diags);
    if (err && err != ENOENT)
        diag_unreadable(
            diags, arena_printf(&t->arena, "%s/%s", root->name, t->name), err);
    if (err) return NULL;
    char **paths = arena_alloc(&t->arena, (list.n + 1) * sizeof *paths);
    *n = 0;
    for (size_t i = 0; i < list.n; i++)
        if (strcmp(list.items[i].path, "theme.json") &&
            strcmp(list.items[i].path, "README.md"))
            paths[(*n)++] = (char *)list.items[i].path;
    return paths;
}

/* "sea > lake > sea" */
static bool check_circle(const struct wanted *w, struct diag_list *diags) {
    const struct wanted *first = w->child;
    while (first && strcmp(first->name, w->name)) first = first->child;
    if (!first) return true;
    struct buf chain;
    buf_init(&chain, 0);
    buf_cstr(&chain, w->name);
    for (const struct wanted *c = w->child;; c = c->child) {
        buf_printf(&chain, " < %s", c->name);
        if (c == first) break;
    }
    diag_add(diags, DIAG_ERROR, w->place,
        "the parents of \"%s\" lead back to itself (" STR_FMT
        "); name another, or none",
        w->name, STR_ARG(buf_view(&chain)));
    buf_dispose(&chain);
    return false;
}

static struct theme *load(
    struct themes *t, const struct wanted *w, struct diag_list *diags) {
    struct theme *known = themes_find(t, w->name);
    if (known) return known;
    /* What is wrong inside a theme is said once; that one is missing, wherever it is
     * named. */
    if (map_get(&t->broken, str_from(w->name)) || !check_circle(w, diags)) return NULL;
    const struct root *root = &t->workspace->templates;
    struct theme *theme = theme_new(w->name, NULL);
    struct wanted parent = {0};
    size_t n = 0;
    char **paths = walk_layer(theme, t, w, &n, diags);
    bool ok = paths && read_parent(theme, root, &parent, diags);
    parent.child = w;
    if (ok && parent.name) ok = (theme->base = load(t, &parent, diags));
    if (!ok) {
        if (paths) map_set(&t->broken, str_from(arena_strdup(&t->arena, w->name)), t);
        theme_free(theme);
        return NULL;
    }
    char *label = arena_printf(&theme->arena, "%s/%s", root->name, w->name);
    layer_fill(theme, root, theme->name, label, paths, n, diags);
    assets_load(theme, diags);
    t->items = mem_grow(t->items, &t->cap, t->n + 1, sizeof *t->items);
    t->items[t->n++] = theme;
    return theme;
}

struct theme *themes_get(struct themes *t, const char *name, struct diag_place place,
    struct diag_list *diags) {
    struct wanted w = {name, place, NULL};
    return load(t, &w, diags);
}

/* ---- looking things up ---- */

static const struct theme_file *find_any(const struct theme *t, struct str path) {
    for (; t; t = t->base) {
        const struct theme_file *f = map_get(&t->index, path);
        if (f) return f;
    }
    return NULL;
}

const struct theme_file *theme_find(const struct theme *t, struct str path) {
    const struct theme_file *f = find_any(t, path);
    return f && !f->off ? f : NULL;
}

static int by_file_path(const void *a, const void *b) {
    return strcmp((*(const struct theme_file *const *)a)->path,
        (*(const struct theme_file *const *)b)->path);
}

struct theme_files theme_below(
    const struct theme *t, const char *folder, struct arena *a) {
    size_t total = 0;
    for (const struct theme *l = t; l; l = l->base) total += l->n;
    struct theme_files out = {arena_alloc(a, (total + 1) * sizeof *out.items), 0};
    for (const struct theme *l = t; l; l = l->base)
        for (size_t i = 0; i < l->n; i++) {
            const struct theme_file *f = &l->files[i];
            if (!strncmp(f->path, folder, strlen(folder)) && !f->off &&
                find_any(t, str_from(f->path)) == f)
                out.items[out.n++] = f;
        }
    qsort(out.items, out.n, sizeof *out.items, by_file_path);
    return out;
}

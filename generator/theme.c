#include "generator/theme.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "generator/assets.h"
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
    l->f->broken = true;
}

static const char *meta_name(struct loader *l, const char *key, const char *what) {
    json_t *v = json_object_get(l->fm.values, key);
    if (!v) return NULL;
    if (json_is_string(v) && json_string_length(v)) return json_string_value(v);
    char *pointer = arena_printf(l->arena, "/%s", key);
    meta_error(l, pointer, what);
    return NULL;
}

static const struct template *meta_template(struct loader *l, json_t *v, const char *pointer) {
    if (!json_is_string(v) || !json_string_length(v)) {
        meta_error(l, pointer, "path: expected text such as \"blog/{{slug}}/index.html\"");
        return NULL;
    }
    struct diag_place place = frontmatter_place(&l->fm, l->f->file, pointer, false);
    struct str text = str_from(arena_strdup(l->arena, json_string_value(v)));
    const struct template *t =
        template_compile(l->arena, l->f->file, place.line, text, l->diags);
    if (!t) l->f->broken = true;
    return t;
}

static void read_paginate(struct loader *l) {
    json_t *p = json_object_get(l->fm.values, "paginate");
    if (!p) return;
    json_t *over = json_object_get(p, "over"), *size = json_object_get(p, "size");
    if (!json_is_string(over) || !json_is_integer(size) || json_integer_value(size) < 1 ||
        json_integer_value(size) > 10000) {
        meta_error(l, "/paginate",
            "paginate: expected {over: LIST, size: 1 to 10000, path: \"...{{number}}...\"}");
        return;
    }
    l->f->over = json_string_value(over);
    l->f->size = (unsigned)json_integer_value(size);
    l->f->page_path =
        meta_template(l, json_object_get(p, "path"), "/paginate/path");
}

static void read_lists(struct loader *l) {
    json_t *lists = json_object_get(l->fm.values, "lists"), *def;
    const char *name;
    if (!lists) return;
    if (!json_is_object(lists)) {
        meta_error(l, "/lists", "lists: expected {NAME: {from: LIST, tag: TAG, limit: N}}");
        return;
    }
    json_object_foreach(lists, name, def) {
        char *pointer = arena_printf(l->arena, "/lists/%s", name);
        if (!json_is_string(json_object_get(def, "from")))
            meta_error(l, pointer, "a list needs `from`, the name of a collection");
    }
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
    read_when(l);
    f->each = meta_name(l, "each", "each: expected the name of a collection");
    f->no_sitemap = json_is_false(json_object_get(l->fm.values, "sitemap"));
    json_t *path = json_object_get(l->fm.values, "path");
    if (f->each && !path)
        meta_error(l, "/each", "`each` needs `path`, such as \"blog/{{slug}}/index.html\"");
    else if (f->each)
        f->each_path = meta_template(l, path, "/path");
    read_paginate(l);
    read_lists(l);
}

static void load_template(struct theme_file *f, struct arena *a, struct diag_list *diags) {
    struct buf text;
    buf_init(&text, 0);
    int err = root_read(f->root, f->rel, TEMPLATE_MAX, &text);
    if (err) {
        diag_add(diags, DIAG_ERROR, DIAG_FILE(f->file), "cannot be read: %s", file_error(err));
        f->broken = true;
        f->meta = json_object();
        buf_dispose(&text);
        return;
    }
    struct str copy = arena_copy(a, buf_view(&text));
    f->off = copy.len == 0;
    struct loader l = {.arena = a, .f = f, .diags = diags};
    f->broken = !frontmatter_parse(&l.fm, copy, f->file, diags);
    if (!l.fm.values) l.fm.values = json_object();
    read_meta(&l);
    if (!f->broken) f->body = template_compile(a, f->file, l.fm.body_line, l.fm.body, diags);
    if (!f->body) f->broken = true;
    buf_dispose(&text);
}

/* ---- one layer ---- */

static int by_path(const void *a, const void *b) {
    return strcmp(((const struct theme_file *)a)->path, ((const struct theme_file *)b)->path);
}

/* The files of a layer: `prefix` is the folder in root, `label` what messages call it. */
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

struct theme *theme_overlay(struct theme *base, const struct workspace *w, const char *tenant,
    char **files, size_t n, struct diag_list *diags) {
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
}

void themes_dispose(struct themes *t) {
    for (size_t i = 0; i < t->n; i++) theme_free(t->items[i]);
    mem_free(t->items);
}

static struct theme *themes_find(const struct themes *t, const char *name) {
    for (size_t i = 0; i < t->n; i++)
        if (!strcmp(t->items[i]->name, name)) return t->items[i];
    return NULL;
}

/* The parent named by theme.json, "default" without one, NULL for default itself.
 * False: theme.json is wrong. */
static bool read_parent(struct theme *t, const struct root *templates, const char **parent,
    struct diag_list *diags) {
    char *path = arena_printf(&t->arena, "%s/theme.json", t->name);
    char *file = arena_printf(&t->arena, "%s/%s", templates->name, path);
    *parent = strcmp(t->name, "default") ? "default" : NULL;
    struct buf text;
    buf_init(&text, 0);
    int err = root_read(templates, path, TEMPLATE_MAX, &text);
    json_t *v = err ? NULL : json_parse(buf_view(&text), file, diags);
    json_t *name = json_object_get(v, "parent");
    bool ok = err == ENOENT || (v && json_is_object(v) && (!name || json_is_string(name)));
    if (ok && name) *parent = arena_strdup(&t->arena, json_string_value(name));
    if (!ok && (v || err))
        diag_add(diags, DIAG_ERROR, DIAG_FILE(file), "%s",
            err ? file_error(err) : "expected {\"parent\": \"NAME\"}");
    json_decref(v);
    buf_dispose(&text);
    return ok;
}

static char **walk_layer(struct theme *t, const struct root *root, const char *folder,
    size_t *n, struct diag_list *diags, const char *label) {
    struct file_list list = {0};
    int err = file_walk(root, folder, false, &t->arena, &list);
    if (err) {
        diag_add(diags, DIAG_ERROR, DIAG_FILE(label),
            "cannot be read: %s",
            err == ENOENT ? "there is no theme folder of this name" : file_error(err));
        return NULL;
    }
    char **paths = arena_alloc(&t->arena, (list.n + 1) * sizeof *paths);
    *n = 0;
    for (size_t i = 0; i < list.n; i++)
        if (strcmp(list.items[i].path, "theme.json") && strcmp(list.items[i].path, "README.md"))
            paths[(*n)++] = (char *)list.items[i].path;
    return paths;
}

static struct theme *load(struct themes *t, const char *name, unsigned depth,
    struct diag_list *diags) {
    struct theme *known = themes_find(t, name);
    if (known) return known;
    const struct root *root = &t->workspace->templates;
    struct theme *theme = theme_new(name, NULL);
    char *label = arena_printf(&theme->arena, "%s/%s", root->name, name);
    const char *parent = NULL;
    size_t n = 0;
    char **paths = walk_layer(theme, root, name, &n, diags, label);
    bool ok = paths && read_parent(theme, root, &parent, diags);
    if (ok && depth > 8) {
        diag_add(diags, DIAG_ERROR, DIAG_FILE(arena_printf(&theme->arena, "%s/theme.json", label)),
            "its parents lead back to itself, or are more than 8");
        ok = false;
    }
    if (ok && parent) ok = (theme->base = load(t, parent, depth + 1, diags));
    if (!ok) {
        theme_free(theme);
        return NULL;
    }
    layer_fill(theme, root, name, label, paths, n, diags);
    assets_load(theme, diags);
    t->items = mem_grow(t->items, &t->cap, t->n + 1, sizeof *t->items);
    t->items[t->n++] = theme;
    return theme;
}

struct theme *themes_get(struct themes *t, const char *name, struct diag_list *diags) {
    return load(t, name, 0, diags);
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

struct theme_files theme_below(const struct theme *t, const char *folder, struct arena *a) {
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

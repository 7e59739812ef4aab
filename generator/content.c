#include "generator/content.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/slug.h"

#define CONTENT_MAX                                                                    \
    (1u << 20) /* bytes of one Markdown file; the renderer's own cap is lower */

/* ---- front matter ---- */

struct reader {
    struct content *c;
    struct item *it;
    struct diag_list *diags;
    int64_t now;
    bool drafts, ok;
    bool published; /* whatever its date says */
};

__attribute__((format(printf, 3, 4))) static void item_error(
    struct reader *r, const char *pointer, const char *fmt, ...) {
    struct diag_place place =
        frontmatter_place(&r->it->fm, r->it->file, pointer, false);
    struct buf message;
    va_list ap;
    buf_init(&message, 0);
    va_start(ap, fmt);
    buf_vprintf(&message, fmt, ap);
    va_end(ap);
    diag_add(r->diags, DIAG_ERROR, place, "%s", message.ptr);
    buf_dispose(&message);
    r->ok = false;
}

static const char *text_of(struct reader *r, const char *key) {
    json_t *v = json_object_get(r->it->fm.values, key);
    if (!v || json_is_null(v)) return NULL;
    if (json_is_string(v)) return arena_strdup(&r->c->arena, json_string_value(v));
    char *pointer = arena_printf(&r->c->arena, "/%s", key);
    if (json_is_integer(v)) /* title: 2026 */
        return arena_printf(
            &r->c->arena, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
    item_error(r, pointer, "%s: expected text; put it in quotes", key);
    return NULL;
}

static bool flag_of(struct reader *r, const char *key) {
    json_t *v = json_object_get(r->it->fm.values, key);
    if (v && !json_is_boolean(v) && !json_is_null(v))
        item_error(r, arena_printf(&r->c->arena, "/%s", key),
            "%s: expected true or false", key);
    return json_is_true(v);
}

static bool time_of(struct reader *r, const char *key, int64_t *t) {
    json_t *v = json_object_get(r->it->fm.values, key);
    if (!v || json_is_null(v)) return false;
    if (json_is_string(v) && clock_parse(str_from(json_string_value(v)), t))
        return true;
    item_error(r, arena_printf(&r->c->arena, "/%s", key),
        "%s: expected a date such as 2026-01-31 or 2026-01-31T09:00:00Z", key);
    return false;
}

static void read_tags(struct reader *r) {
    json_t *tags = json_object_get(r->it->fm.values, "tags"), *tag;
    size_t i;
    if (!tags || json_is_null(tags)) return;
    if (!json_is_array(tags)) {
        item_error(r, "/tags", "%s: expected a list such as [news, tips]", "tags");
        return;
    }
    r->it->tags =
        arena_alloc(&r->c->arena, (json_array_size(tags) + 1) * sizeof *r->it->tags);
    json_array_foreach(tags, i, tag) {
        const char *name = json_string_value(tag);
        bool seen = false;
        for (size_t k = 0; name && k < r->it->n_tags; k++)
            seen |= !strcmp(r->it->tags[k], name);
        if (!name || !*name)
            item_error(r, arena_printf(&r->c->arena, "/tags/%zu", i),
                "%s: expected a list of words; put numbers in quotes", "tags");
        else if (!seen)
            r->it->tags[r->it->n_tags++] = arena_strdup(&r->c->arena, name);
    }
}

static void read_aliases(struct reader *r) {
    json_t *list = json_object_get(r->it->fm.values, "aliases"), *v;
    size_t i;
    if (!list || json_is_null(list)) return;
    if (!json_is_array(list))
        item_error(
            r, "/aliases", "%s: expected a list such as [/old-name/]", "aliases");
    r->it->aliases =
        arena_alloc(&r->c->arena, (json_array_size(list) + 1) * sizeof(char *));
    json_array_foreach(list, i, v) {
        struct str path = str_from(json_string_value(v));
        bool safe = path.len > 1 && path.ptr[0] == '/' && path.ptr[1] != '/';
        for (size_t k = 0; k < path.len; k++)
            safe &= path.ptr[k] > ' ' && path.ptr[k] < 127 &&
                    !strchr("*:?#\\\"", path.ptr[k]);
        if (!safe)
            item_error(r, arena_printf(&r->c->arena, "/aliases/%zu", i),
                "aliases: \"%s\" is not a path such as /old-name/",
                path.len ? path.ptr : "");
        else
            r->it->aliases[r->it->n_aliases++] = arena_str(&r->c->arena, path);
    }
}

static bool slug_is_safe(struct str s) {
    bool ok = s.len && s.ptr[0] != '/' && s.ptr[s.len - 1] != '/';
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        ok &= (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
              (c >= '0' && c <= '9') || strchr("-_.~/", c);
    }
    return ok && path_is_safe(s);
}

/* "posts/Hello World.md" below its collection -> "hello-world" */
static const char *slug_from_path(struct arena *a, struct str stem) {
    if (str_is(path_base(stem), "index") && path_dir(stem).len) stem = path_dir(stem);
    if (slug_is_safe(stem)) return arena_str(a, stem);
    struct buf out;
    struct str part;
    buf_init(&out, 0);
    while (str_cut(&stem, '/', &part)) {
        if (out.len) buf_char(&out, '/');
        buf_cstr(&out, slug_make(a, part));
    }
    char *slug = arena_str(a, buf_view(&out));
    buf_dispose(&out);
    return slug;
}

static void read_slug(struct reader *r, struct str stem) {
    const char *slug = text_of(r, "slug");
    if (slug && !slug_is_safe(str_from(slug))) {
        item_error(r, "/slug",
            "slug: \"%s\" has characters that do not belong in an address; "
            "use letters, digits, - and _",
            slug);
        slug = NULL;
    }
    r->it->slug = slug ? slug : slug_from_path(&r->c->arena, stem);
}

static void read_title(struct reader *r) {
    r->it->title = text_of(r, "title");
    if (!*r->it->collection) return;
    if (r->it->title && !*r->it->title)
        item_error(r, "/title", "title: it is empty; say what the page is called");
    if (r->it->title) return;
    json_t *wrong = json_object_get(r->it->fm.values, "title");
    if (wrong && !json_is_null(wrong))
        return; /* text_of() said what is wrong with it */
    static const char *const known[] = {"title"};
    const char *key;
    json_t *v;
    json_object_foreach(r->it->fm.values, key, v) {
        if (!diag_suggest(str_from(key), known, 1)) continue;
        item_error(r, arena_printf(&r->c->arena, "/%s", key),
            "`title` is missing; is \"%s\" a slip of the pen?", key);
        return;
    }
    diag_add(r->diags, DIAG_ERROR, DIAG_AT(r->it->file, 1, 1), "`title` is missing: %s",
        r->it->fm.yaml.len ? "add a line \"title: ...\" to the front matter"
                           : "begin the file with three lines: ---, title: ..., ---");
    r->ok = false;
}

/* Something becomes visible or goes at `t`. */
static void note_moment(struct reader *r, int64_t t) {
    if (t > r->now && t < r->c->until) r->c->until = t;
    if (t <= r->now && t > r->c->since) r->c->since = t;
}

static void read_visibility(struct reader *r) {
    struct item *it = r->it;
    int64_t publish = 0, expires = 0;
    it->has_date = time_of(r, "date", &it->date);
    it->has_updated = time_of(r, "updated", &it->updated);
    bool has_publish = time_of(r, "publish", &publish);
    bool has_expires = time_of(r, "expires", &expires);
    bool expired = has_expires && expires <= r->now;
    if (has_expires) note_moment(r, expires);
    if (has_publish || it->has_date) note_moment(r, has_publish ? publish : it->date);
    it->draft = flag_of(r, "draft");
    it->future = has_publish ? publish > r->now : it->has_date && it->date > r->now;
    it->future &= !r->published;
    it->hidden = expired || (!r->drafts && (it->draft || it->future));
    r->c->n_drafts += it->draft;
    r->c->n_future += it->future && !it->draft;
    r->c->n_expired += expired;
}

static void read_item(struct reader *r) {
    struct item *it = r->it;
    size_t len = strlen(it->rel), suffix = strlen(".md");
    struct str stem = {it->rel, len > suffix ? len - suffix : 0}, part;
    size_t slash;
    it->collection = "pages";
    if (str_find_char(stem, '/', &slash)) {
        part = str_slice(stem, 0, slash);
        struct str below = str_slice(stem, slash + 1, stem.len);
        if (str_is(below, "index")) /* prints/index.md is the page /prints/ */
            stem = part;
        else {
            it->collection = arena_str(&r->c->arena, part);
            stem = below;
        }
    } else if (str_is(stem, "index"))
        it->collection = "";
    json_t *weight = json_object_get(it->fm.values, "weight");
    if (weight && !json_is_integer(weight))
        item_error(r, "/weight", "%s: expected a whole number", "weight");
    it->weight = json_integer_value(weight);
    read_slug(r, stem);
    read_title(r);
    read_visibility(r);
    read_tags(r);
    read_aliases(r);
    it->no_sitemap = json_is_false(json_object_get(it->fm.values, "sitemap"));
    const char *layout = text_of(r, "layout");
    it->layout = layout && *layout ? layout : "default";
    text_of(r, "description");
}

/* ---- files ---- */

static bool load_item(struct content *c, struct item *it, const char *path,
    const struct options *o, struct diag_list *diags) {
    struct buf text;
    buf_init(&text, 0);
    int err = root_read(&c->workspace->content, path, CONTENT_MAX, &text);
    if (err) {
        if (err == EFBIG)
            diag_add(diags, DIAG_ERROR, DIAG_FILE(it->file),
                "over 1 MiB, too long for a Markdown file; split it");
        else
            diag_unreadable(diags, it->file, err);
        buf_dispose(&text);
        it->fm.values = json_object();
        it->hidden = true;
        it->title = it->slug = it->collection = "";
        return false;
    }
    it->text = arena_copy(&c->arena, buf_view(&text));
    buf_dispose(&text);
    bool ok = frontmatter_parse(&it->fm, it->text, it->file, diags);
    if (!it->fm.values) it->fm.values = json_object();
    /* After bad YAML every key would seem to be missing. */
    struct diag_list scratch;
    diag_init(&scratch);
    struct reader r = {.c = c,
        .it = it,
        .diags = ok ? diags : &scratch,
        .now = o->now,
        .drafts = o->drafts,
        .ok = ok};
    read_item(&r);
    diag_dispose(&scratch);
    return r.ok;
}

struct found { /* one file of the two layers */
    const char *rel, *path, *owner;
};

static int by_rel(const void *a, const void *b) {
    return strcmp(((const struct found *)a)->rel, ((const struct found *)b)->rel);
}

static bool is_visible(const char *rel) {
    return rel[0] != '.' && rel[0] != '_' && !strstr(rel, "/.") && !strstr(rel, "/_") &&
           strcmp(rel, "README.md");
}

static bool find_layer(struct content *c, const char *owner, struct map *seen,
    struct found **found, size_t *n, size_t *cap, struct diag_list *diags) {
    struct file_list list = {0};
    int err = file_walk(&c->workspace->content, owner, false, &c->arena, &list);
    if (err && err != ENOENT)
        diag_unreadable(diags,
            arena_printf(&c->arena, "%s/%s", c->workspace->content.name, owner), err);
    for (size_t i = 0; i < list.n; i++) {
        const char *rel = list.items[i].path;
        if (!is_visible(rel) || map_get(seen, str_from(rel))) continue;
        map_set(seen, str_from(rel), c);
        *found = mem_grow(*found, cap, *n + 1, sizeof **found);
        (*found)[(*n)++] =
            (struct found){rel, arena_printf(&c->arena, "%s/%s", owner, rel), owner};
    }
    return !err || err == ENOENT;
}

static bool add_found(struct content *c, const struct found *f, const struct options *o,
    struct diag_list *diags) {
    struct arena *a = &c->arena;
    if (!str_ends(str_from(f->rel), ".md")) {
        struct content_file *file = arena_alloc(a, sizeof *file);
        *file = (struct content_file){f->rel, f->path};
        map_set(&c->files, str_from(f->rel), file);
        return true;
    }
    struct item *it = &c->items[c->n++];
    it->rel = f->rel;
    it->owner = f->owner;
    it->file = arena_printf(a, "%s/%s", c->workspace->content.name, f->path);
    map_set(&c->by_rel, str_from(it->rel), it);
    bool ok = load_item(c, it, f->path, o, diags);
    if (!strcmp(it->rel, "index.md")) c->landing = it;
    return ok;
}

bool content_load(struct content *c, const struct workspace *w, const char *tenant,
    const struct options *o, struct diag_list *diags) {
    *c = (struct content){
        .workspace = w, .tenant = tenant, .since = INT64_MIN, .until = INT64_MAX};
    arena_init(&c->arena);
    struct map seen = {0};
    struct found *found = NULL;
    size_t n = 0, cap = 0;
    bool ok = find_layer(c, tenant, &seen, &found, &n, &cap, diags);
    ok &= find_layer(c, "_shared", &seen, &found, &n, &cap, diags);
    map_dispose(&seen);
    if (n) qsort(found, n, sizeof *found, by_rel);
    c->items = mem_calloc(n + 1, sizeof *c->items);
    for (size_t i = 0; i < n; i++) ok &= add_found(c, &found[i], o, diags);
    mem_free(found);
    return ok;
}

/* ---- rows ---- */

static int items_by_rel(const void *a, const void *b) {
    return strcmp(((const struct item *)a)->rel, ((const struct item *)b)->rel);
}

static bool add_row(struct content *c, const struct content_row *row,
    const struct options *o, struct diag_list *diags) {
    struct item *it = &c->items[c->n++];
    struct reader r = {.c = c,
        .it = it,
        .diags = diags,
        .now = o->now,
        .drafts = o->drafts,
        .published = row->published,
        .ok = true};
    it->rel = arena_printf(&c->arena, "posts/%s.md", row->slug);
    it->file = row->file;
    it->owner = c->tenant;
    it->row = true;
    it->html = row->html;
    it->text = row->body;
    it->fm = (struct frontmatter){
        .yaml_line = 1, .body = row->body, .body_line = 1, .values = row->values};
    if (row->wrong) {
        it->hidden = true;
        it->title = it->collection = "";
        it->slug = row->slug;
        return false;
    }
    read_item(&r);
    return r.ok;
}

/* Looked for among the files alone: two rows cannot have the same slug. */
static bool check_clash(
    struct content *c, size_t n_files, const struct item *it, struct diag_list *diags) {
    for (size_t i = 0; i < n_files; i++) {
        const struct item *file = &c->items[i];
        if (strcmp(file->collection, "posts") || strcmp(file->slug, it->slug)) continue;
        diag_add(diags, DIAG_ERROR, DIAG_FILE(it->file),
            "its slug \"%s\" is also that of %s; rename one of them", it->slug,
            file->file);
        return false;
    }
    return true;
}

bool content_join(struct content *c, const struct content_row *rows, size_t n,
    const struct options *o, struct diag_list *diags) {
    size_t n_files = c->n;
    bool ok = true;
    struct item *all = mem_calloc(n_files + n + 1, sizeof *all);
    if (n_files) memcpy(all, c->items, n_files * sizeof *all);
    mem_free(c->items);
    c->items = all;
    for (size_t i = 0; i < n; i++) {
        ok &= add_row(c, &rows[i], o, diags);
        struct item *it = &c->items[n_files + i];
        if (check_clash(c, n_files, it, diags)) continue;
        it->hidden = true; /* the plan would say it again */
        ok = false;
    }
    if (c->n) qsort(c->items, c->n, sizeof *c->items, items_by_rel);
    map_dispose(&c->by_rel);
    c->by_rel = (struct map){0};
    c->landing = NULL;
    for (size_t i = 0; i < c->n; i++) {
        struct item *it = &c->items[i];
        map_add(&c->by_rel, str_from(it->rel), it);
        if (!strcmp(it->rel, "index.md")) c->landing = it;
    }
    return ok;
}

void content_dispose(struct content *c) {
    for (size_t i = 0; i < c->n; i++) {
        frontmatter_dispose(&c->items[i].fm);
        json_drop(c->items[i].view);
        json_drop(c->items[i].ids);
    }
    mem_free(c->items);
    map_dispose(&c->by_rel);
    map_dispose(&c->files);
    arena_dispose(&c->arena);
}

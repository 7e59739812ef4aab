/* Items, collections and tags as templates see them. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/slug.h"
#include "generator/view.h"

#define WORDS_PER_MINUTE 230 /* silent reading of English, Brysbaert 2019: 238 */

/* ---- one item ---- */

static json_t *external_image(const char *url) {
    json_t *v = json_object();
    json_set_str(v, "url", url);
    json_set_str(v, "type", "");
    json_set_int(v, "width", 0);
    json_set_int(v, "height", 0);
    return v;
}

/* The published file behind an `image` key.  New reference; NULL: reported. */
static json_t *item_image(
    struct site *s, const struct item *it, const char *ref, const char *pointer) {
    if (!*ref) return json_null();
    if (media_is_external(str_from(ref))) return external_image(ref);
    char *dir = arena_str(&s->arena, path_dir(str_from(it->rel)));
    struct media *m = media_find(&s->media, str_from(ref), dir);
    if (m) {
        m->used = true;
        return json_incref(m->view);
    }
    diag_add(s->diags, DIAG_ERROR, frontmatter_place(&it->fm, it->file, pointer, false),
        "image \"%s\" is not there: expected a file beside this one, or images/... of "
        "the tenant",
        ref);
    return NULL;
}

static bool holds_values(const json_t *v) {
    return json_is_array(v) || json_is_object(v);
}

/* Replaces every text under a key `image`, however deep. */
static bool resolve_images(
    struct site *s, const struct item *it, json_t *v, const char *pointer) {
    const char *key;
    json_t *child;
    size_t i;
    void *next;
    bool ok = true;
    json_array_foreach(v, i, child) if (holds_values(child)) ok &=
        resolve_images(s, it, child, arena_printf(&s->arena, "%s/%zu", pointer, i));
    json_object_foreach_safe(v, next, key, child) {
        bool is_image = json_is_string(child) && !strcmp(key, "image");
        if (!is_image && !holds_values(child)) continue;
        char *below = arena_printf(&s->arena, "%s/%s", pointer, key);
        if (!is_image) {
            ok &= resolve_images(s, it, child, below);
            continue;
        }
        json_t *image = item_image(s, it, json_string_value(child), below);
        ok &= image != NULL;
        json_object_set_new(v, key, image ? image : json_null());
    }
    return ok;
}

/* Keys only the generator may make would let a file put raw HTML into a page. */
static void drop_reserved(struct site *s, const struct item *it, json_t *v) {
    const char *key;
    json_t *child;
    void *next;
    json_object_foreach_safe(v, next, key, child) {
        if (!str_ends(str_from(key), "_html") && !str_ends(str_from(key), "_md"))
            continue;
        char *pointer = arena_printf(&s->arena, "/%s", key);
        diag_add(s->diags, DIAG_WARNING,
            frontmatter_place(&it->fm, it->file, pointer, true),
            "%s: names ending in _html or _md are made by the generator; left out",
            key);
        json_object_del(v, key);
    }
}

static void set_default(json_t *v, const char *key, json_t *value) {
    if (json_object_get(v, key))
        json_decref(value);
    else
        json_object_set_new_nocheck(v, key, value);
}

/* The front matter's own object becomes the view: what later passes need of it stands
 * in struct item by then. Every known key is there, so that a list inside an item's
 * page never shows the outer item's value. */
static bool item_view(struct site *s, struct item *it) {
    json_t *v = it->view = json_incref(it->fm.values);
    drop_reserved(s, it, v);
    bool ok = resolve_images(s, it, v, "");
    json_set_str(v, "title", it->title);
    json_set_str(v, "slug", it->slug);
    json_set_str(v, "collection", it->collection);
    json_set_str(v, "layout", it->layout);
    json_set_str(v, "path", "");
    json_set_str(v, "url", "");
    json_set_str(v, "mark", it->draft ? "draft" : it->future ? "future" : "");
    json_object_set_new_nocheck(v, "draft", json_boolean(it->draft));
    json_t *date = it->has_date ? view_date(s, it->date) : json_null();
    json_object_set_new_nocheck(v, "date", date);
    json_object_set_new_nocheck(
        v, "updated", it->has_updated ? view_date(s, it->updated) : json_incref(date));
    static const char *const texts[] = {"description", "author", "summary"};
    for (size_t i = 0; i < 3; i++) set_default(v, texts[i], json_string_nocheck(""));
    static const char *const nulls[] = {"image", "prev", "next", "expires", "publish"};
    for (size_t i = 0; i < 5; i++) set_default(v, nulls[i], json_null());
    static const char *const counts[] = {"comment_count", "reaction_count"};
    for (size_t i = 0; i < 2; i++) set_default(v, counts[i], json_integer(0));
    json_object_set_new_nocheck(v, "tags", json_array());
    json_object_set_new_nocheck(v, "toc", json_array());
    return ok;
}

void view_item_body(struct site *s, struct item *it, const struct markdown_result *r) {
    json_t *v = it->view;
    (void)s;
    json_set_text(v, "content_html", r->html);
    if (!json_truthy(json_object_get(v, "summary")))
        json_set_text(v, "summary", r->summary);
    if (!json_truthy(json_object_get(v, "description")))
        json_object_set(v, "description", json_object_get(v, "summary"));
    json_object_set_new_nocheck(
        v, "toc", json_array_size(r->toc) > 1 ? json_incref(r->toc) : json_array());
    json_set_int(v, "words", r->words);
    json_set_int(v, "reading_minutes", r->words / WORDS_PER_MINUTE + 1);
    /* An editor's own HTML is nowhere published as it is. */
    json_set_text(v, "source_md", it->html ? r->html : it->fm.body);
}

/* ---- collections ---- */

static int newest_first(const void *a, const void *b) {
    const struct item *x = *(struct item *const *)a, *y = *(struct item *const *)b;
    int64_t dx = x->has_date ? x->date : INT64_MIN,
            dy = y->has_date ? y->date : INT64_MIN;
    if (dx != dy) return dx < dy ? 1 : -1;
    return strcmp(x->rel, y->rel);
}

static int by_weight(const void *a, const void *b) {
    const struct item *x = *(struct item *const *)a, *y = *(struct item *const *)b;
    if (x->weight != y->weight) return x->weight < y->weight ? -1 : 1;
    int order = strcmp(x->title, y->title);
    return order ? order : strcmp(x->rel, y->rel);
}

static struct collection *collection_get(struct site *s, const char *name) {
    for (size_t i = 0; i < s->n_collections; i++)
        if (!strcmp(s->collections[i].name, name)) return &s->collections[i];
    struct collection *c = &s->collections[s->n_collections++];
    *c = (struct collection){.name = name};
    c->items = arena_alloc(&s->arena, (s->content.n + 1) * sizeof *c->items);
    return c;
}

/* A collection takes a name in the outermost context, so it must not hide one that is
 * there. */
static bool collection_check(struct site *s, const struct collection *c) {
    static const char *const later[] = {"tags", "urls", "redirects", "landing", "page",
        "pager", "feed", "alias", "lists"};
    bool taken = json_object_get(s->view, c->name) != NULL;
    for (size_t i = 0; i < sizeof later / sizeof *later; i++)
        taken |= !strcmp(c->name, later[i]);
    if (!taken) return true;
    diag_add(s->diags, DIAG_ERROR, DIAG_FILE(c->items[0]->file),
        "a collection cannot be called \"%s\": templates know that name as something "
        "else; "
        "rename the folder",
        c->name);
    return false;
}

static void collection_list(struct site *s, struct collection *c) {
    if (c->n) {
        bool pages = !strcmp(c->name, "pages");
        qsort(c->items, c->n, sizeof *c->items, pages ? by_weight : newest_first);
    }
    c->list = json_array();
    for (size_t i = 0; i < c->n; i++) {
        json_set_bool(c->items[i]->view, "first", i == 0);
        json_set_bool(c->items[i]->view, "last", i + 1 == c->n);
        json_array_append(c->list, c->items[i]->view);
    }
    json_object_set_new(s->view, c->name, c->list);
}

/* ---- tags ---- */

/* Letter case aside, two words on one page are likely meant to be two tags. */
static void check_tag_name(
    struct site *s, const struct tag *t, const struct item *it, size_t i) {
    const char *name = it->tags[i], *pointer = arena_printf(&s->arena, "/tags/%zu", i);
    if (!strcasecmp(t->name, name)) return;
    diag_add(s->diags, DIAG_WARNING,
        frontmatter_place(&it->fm, it->file, pointer, false),
        "the tag \"%s\" has the same address as \"%s\" in %s (both are \"%s\"), so "
        "they are one; rename one of them",
        name, t->name, t->file, t->slug);
}

static struct tag *tag_get(
    struct site *s, struct map *by_slug, const struct item *it, size_t i) {
    const char *name = it->tags[i];
    char *slug = slug_make(&s->arena, str_from(name));
    struct tag *t = map_get(by_slug, str_from(slug));
    if (t && strcmp(t->name, name)) check_tag_name(s, t, it, i);
    if (t) return t;
    t = &s->tags[s->n_tags++];
    t->slug = slug;
    t->name = name;
    t->file = it->file;
    t->ref = json_object();
    json_set_str(t->ref, "name", name);
    json_set_str(t->ref, "slug", slug);
    json_set_str(t->ref, "path", "");
    json_set_str(t->ref, "url", "");
    t->view = json_copy(t->ref);
    json_object_set_new(t->view, "items", json_array());
    map_set(by_slug, str_from(slug), t);
    return t;
}

static bool has_value(const json_t *list, const json_t *value) {
    for (size_t i = 0; i < json_array_size(list); i++)
        if (json_array_get(list, i) == value) return true;
    return false;
}

static void tag_item(
    struct site *s, struct map *by_slug, struct item *it, bool listed) {
    json_t *tags = json_object_get(it->view, "tags");
    for (size_t i = 0; i < it->n_tags; i++) {
        struct tag *t = tag_get(s, by_slug, it, i);
        if (has_value(tags, t->ref)) continue; /* [News, news] */
        json_array_append(tags, t->ref);
        if (listed) json_array_append(json_object_get(t->view, "items"), it->view);
    }
}

static int by_name(const void *a, const void *b) {
    const struct tag *x = a, *y = b;
    int order =
        strcasecmp(json_path_string(x->ref, "name"), json_path_string(y->ref, "name"));
    return order ? order : strcmp(x->slug, y->slug);
}

static void view_tags(struct site *s) {
    struct map by_slug = {0};
    size_t most = 0;
    for (size_t i = 0; i < s->content.n; i++) most += s->content.items[i].n_tags;
    s->tags = arena_alloc(&s->arena, (most + 1) * sizeof *s->tags);
    for (size_t c = 0; c < s->n_collections; c++)
        for (size_t i = 0; i < s->collections[c].n; i++)
            tag_item(s, &by_slug, s->collections[c].items[i],
                !strcmp(s->collections[c].name, "posts"));
    map_dispose(&by_slug);
    qsort(s->tags, s->n_tags, sizeof *s->tags, by_name);
    json_t *list = json_array();
    for (size_t i = 0; i < s->n_tags; i++) {
        struct tag *t = &s->tags[i];
        size_t count = json_array_size(json_object_get(t->view, "items"));
        json_set_int(t->view, "count", (json_int_t)count);
        if (count)
            json_array_append_new(list, t->view);
        else
            json_decref(t->view);
        if (!count) t->view = NULL;
    }
    json_object_set_new(s->view, "tags", list);
}

static bool view_landing(struct site *s) {
    struct item *it = s->content.landing;
    if (!it || it->hidden) {
        json_object_set_new(s->view, "landing", json_object());
        return true;
    }
    it->view = json_incref(it->fm.values);
    drop_reserved(s, it, it->view);
    bool ok = resolve_images(s, it, it->view, "");
    json_share(s->view, "landing", it->view);
    return ok;
}

/* When the newest post changed; known before the plan, so that a theme can leave out
 * the blog of a tenant without posts. */
static void view_feed(struct site *s) {
    json_t *feed = json_object();
    const char *updated = "";
    for (size_t i = 0; i < s->collections[0].n; i++) {
        const char *t =
            json_path_string(s->collections[0].items[i]->view, "updated.rfc3339");
        if (t && strcmp(t, updated) > 0) updated = t;
    }
    json_set_str(feed, "updated", updated);
    json_object_set_new(s->view, "feed", feed);
}

/* A list as a section repeats; these ask only whether there is any. */
static void view_has(struct site *s) {
    static const char *const lists[] = {"posts", "pages", "tags"};
    json_t *has = json_object_get(s->view, "has");
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        json_set_bool(
            has, lists[i], json_array_size(json_object_get(s->view, lists[i])) > 0);
}

bool view_collections(struct site *s) {
    s->collections =
        arena_alloc(&s->arena, (s->content.n + 3) * sizeof *s->collections);
    collection_get(s, "posts");
    collection_get(s, "pages");
    bool ok = true;
    for (size_t i = 0; i < s->content.n; i++) {
        struct item *it = &s->content.items[i];
        if (it->hidden || it == s->content.landing) continue;
        ok &= item_view(s, it);
        struct collection *c = collection_get(s, it->collection);
        c->items[c->n++] = it;
    }
    for (size_t i = 0; i < s->n_collections; i++) {
        bool fine = !s->collections[i].n || collection_check(s, &s->collections[i]);
        if (fine) collection_list(s, &s->collections[i]);
        ok &= fine;
    }
    view_tags(s);
    view_feed(s);
    view_has(s);
    return view_landing(s) && ok;
}

/* ---- after the plan ---- */

static json_t *neighbour(const struct item *it) {
    json_t *v = json_object();
    json_set_str(v, "title", it->title);
    json_share(v, "path", json_object_get(it->view, "path"));
    json_share(v, "url", json_object_get(it->view, "url"));
    return v;
}

void view_addresses(struct site *s) {
    for (size_t i = 0; i < s->content.n; i++)
        if (s->content.items[i].path)
            view_set_address(s, s->content.items[i].view, s->content.items[i].path);
    for (size_t c = 0; c < s->n_collections; c++) {
        const struct collection *l = &s->collections[c];
        for (size_t i = 0; i < l->n; i++) {
            /* Newest first: the one before in time stands after in the list. */
            if (i + 1 < l->n)
                json_object_set_new_nocheck(
                    l->items[i]->view, "prev", neighbour(l->items[i + 1]));
            if (i > 0)
                json_object_set_new_nocheck(
                    l->items[i]->view, "next", neighbour(l->items[i - 1]));
        }
    }
    for (size_t i = 0; i < s->n_tags; i++) {
        if (!s->tags[i].view) continue;
        json_share(s->tags[i].ref, "path", json_object_get(s->tags[i].view, "path"));
        json_share(s->tags[i].ref, "url", json_object_get(s->tags[i].view, "url"));
    }
}

static const char *item_lastmod(struct site *s, const struct item *it) {
    if (!it || !(it->has_updated || it->has_date)) return "";
    return clock_iso_date(&s->arena, it->has_updated ? it->updated : it->date);
}

static const char *output_lastmod(struct site *s, const struct output *o) {
    if (o->content) return item_lastmod(s, o->content);
    const char *last = "";
    json_t *v;
    size_t i;
    if (o->pager.over) {
        size_t from = (size_t)(o->pager.number - 1) * o->pager.size;
        for (i = from; i < from + o->pager.size; i++) {
            v = json_array_get(o->pager.over, i);
            const char *iso = json_path_string(v, "updated.iso");
            if (iso && strcmp(iso, last) > 0) last = iso;
        }
    }
    return last;
}

static void view_urls(struct site *s) {
    json_t *urls = json_array();
    for (size_t i = 0; i < s->plan.n; i++) {
        const struct output *o = s->plan.items[i];
        if (!o->in_sitemap) continue;
        struct str path = str_from(o->path);
        if (str_is(path_base(path), "index.html")) path.len -= strlen("index.html");
        json_t *u = json_object();
        view_set_address(s, u, path_to_url(&s->arena, path));
        json_set_str(u, "lastmod", output_lastmod(s, o));
        json_array_append_new(urls, u);
    }
    json_object_set_new(s->view, "urls", urls);
}

static void view_redirects(struct site *s) {
    json_t *list = json_array();
    for (size_t i = 0; i < s->n_aliases; i++) {
        json_t *r = json_object();
        json_set_str(r, "from", s->aliases[i].from);
        json_set_str(r, "to", s->aliases[i].to->path);
        json_set_int(r, "code", 301);
        json_array_append_new(list, r);
    }
    json_object_set_new(s->view, "redirects", list);
}

json_t *view_flagged(json_t *item, bool first, bool last) {
    json_t *is_first = json_boolean(first), *is_last = json_boolean(last);
    if (!json_is_object(item) || (json_object_get(item, "first") == is_first &&
                                     json_object_get(item, "last") == is_last))
        return json_incref(item);
    json_t *copy = json_copy(item);
    json_set_bool(copy, "first", first);
    json_set_bool(copy, "last", last);
    return copy;
}

/* Lists of a tag that has a page get elements of their own, since first and last differ
 * from the whole list's. */
static void flag_tag_items(struct tag *t) {
    json_t *items = json_object_get(t->view, "items");
    if (!json_truthy(json_object_get(t->view, "path"))) return;
    size_t n = json_array_size(items);
    for (size_t i = 0; i < n; i++) {
        json_t *item = json_array_get(items, i);
        json_array_set_new(items, i, view_flagged(item, i == 0, i + 1 == n));
    }
}

void view_finish(struct site *s) {
    view_urls(s);
    view_redirects(s);
    for (size_t i = 0; i < s->n_tags; i++)
        if (s->tags[i].view) flag_tag_items(&s->tags[i]);
}

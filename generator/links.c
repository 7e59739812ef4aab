#include "generator/links.h"

#include <string.h>

#include "base/mem.h"
#include "generator/plan.h"

/* "a/b.md?x#y" in its parts. */
struct reference {
    struct str path, query, fragment; /* query with '?', fragment with '#' */
};

static struct reference reference_split(struct arena *a, struct str target) {
    struct reference r = {.path = target};
    size_t at;
    if (str_find_char(target, '#', &at)) {
        r.fragment = str_slice(target, at, target.len);
        r.path = str_slice(target, 0, at);
    }
    if (str_find_char(r.path, '?', &at)) {
        r.query = str_slice(r.path, at, r.path.len);
        r.path = str_slice(r.path, 0, at);
    }
    r.path = path_from_url(a, r.path);
    return r;
}

/* What a dead reference becomes, so that the check of whole pages does not report it
 * again. */
static const struct link_target dead = {.url = "about:invalid"};

static void dead_link(struct links *l, struct str target, struct diag_place place) {
    if (l->s->plan.unsure) return;
    const char *near = plan_suggest(l->s, reference_split(&l->s->arena, target).path);
    diag_add(l->s->diags, DIAG_ERROR, place,
        "dead link: nothing is published at \"" STR_FMT "\"%s%s%s", STR_ARG(target),
        near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

static void want_fragment(struct links *l, const struct item *to, struct str fragment,
    struct diag_place place) {
    if (fragment.len < 2) return;
    l->fragments = mem_grow(l->fragments, &l->cap, l->n + 1, sizeof *l->fragments);
    char *id = arena_str(&l->s->arena, str_slice(fragment, 1, fragment.len));
    l->fragments[l->n++] = (struct fragment){to, id, place};
}

static struct link_target target_url(
    struct links *l, const char *path, struct reference r) {
    char *url = arena_printf(&l->s->arena, "%s" STR_FMT STR_FMT, path, STR_ARG(r.query),
        STR_ARG(r.fragment));
    return (struct link_target){.url = url};
}

static struct link_target media_target(struct media *m) {
    m->used = true;
    return (struct link_target){m->url, m->info.width, m->info.height};
}

/* A path from the top of the domain. */

static struct link_target resolve_absolute(
    struct links *l, struct reference r, struct str target, struct diag_place place) {
    struct site *s = l->s;
    struct media *m = media_find(&s->media, r.path, NULL);
    if (m) return media_target(m);
    const struct output *o = plan_find(s, r.path);
    if (o) {
        if (o->content) want_fragment(l, o->content, r.fragment, place);
        return target_url(l, plan_url_path(&s->arena, o->path), r);
    }
    if (plan_is_external(s, r.path) || map_get(&s->redirects, r.path))
        return (struct link_target){0};
    dead_link(l, target, place);
    return dead;
}

/* The file whose own name is nearest, in whichever folder. */
static const char *suggest_file(const struct links *l, const char *rel) {
    const struct content *c = &l->s->content;
    const char **known = mem_alloc((c->n + 1) * sizeof *known), *found = NULL;
    struct str stem = path_base(str_from(rel));
    stem.len -= strlen(".md");
    for (size_t i = 0; i < c->n; i++) {
        struct str name = path_base(str_from(c->items[i].rel));
        known[i] =
            arena_str(&l->s->arena, str_slice(name, 0, name.len - strlen(".md")));
    }
    const char *near = diag_suggest(stem, known, c->n);
    for (size_t i = 0; near && i < c->n; i++)
        if (known[i] == near) found = c->items[i].file;
    mem_free(known);
    return found;
}

static void no_such_file(struct links *l, const char *rel, struct diag_place place) {
    const char *near = suggest_file(l, rel);
    diag_add(l->s->diags, DIAG_ERROR, place,
        "dead link: there is no file content/%s/%s%s%s%s", l->s->tenant.id, rel,
        near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

/* A link to another Markdown file, by its place in the content folder. */
static struct link_target resolve_item(
    struct links *l, const char *rel, struct reference r, struct diag_place place) {
    const struct item *to = map_get(&l->s->content.by_rel, str_from(rel));
    if (!to) {
        no_such_file(l, rel, place);
        return dead;
    }
    if (to == l->s->content.landing) return target_url(l, "/", r);
    if (!to->hidden && !to->path && l->s->plan.unsure) return dead;
    if (to->hidden || !to->path) {
        diag_add(l->s->diags, DIAG_ERROR, place, "dead link: %s is not published (%s)",
            to->file,
            to->draft    ? "a draft"
            : to->future ? "its date is yet to come"
            : to->hidden ? "expired"
                         : "the theme makes no page of its collection");
        return dead;
    }
    want_fragment(l, to, r.fragment, place);
    return target_url(l, to->path, r);
}

static struct link_target resolve_relative(
    struct links *l, struct reference r, struct str target, struct diag_place place) {
    struct site *s = l->s;
    char *dir = arena_str(&s->arena, path_dir(str_from(l->item->rel)));
    if (str_ends(r.path, ".md")) {
        char *rel = path_resolve(&s->arena, str_from(dir), r.path);
        if (rel) return resolve_item(l, rel, r, place);
    }
    struct media *m = media_find(&s->media, r.path, dir);
    if (m) return media_target(m);
    dead_link(l, target, place);
    return dead;
}

static bool leaves_site(struct str target) {
    size_t colon = 0;
    bool scheme = str_find_char(target, ':', &colon) && colon > 1;
    for (size_t i = 0; i < colon && scheme; i++) {
        char c = target.ptr[i];
        scheme = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                 (i && strchr("+-.0123456789", c));
    }
    return scheme || str_starts(target, "//");
}

/* The file beside the item, or the tenant's image, whose name is nearest. */
static const char *suggest_image(struct links *l, struct str path, struct str dir) {
    struct site *s = l->s;
    const struct map *files = &s->content.files;
    const char **known = mem_alloc((s->n_images + files->used + 1) * sizeof *known);
    size_t n = 0;
    for (size_t i = 0; i < s->n_images; i++) known[n++] = s->images[i];
    for (size_t i = 0; i < files->size; i++) {
        struct str rel = files->slots[i].key;
        if (rel.ptr && str_equal(path_dir(rel), dir))
            known[n++] = arena_str(&s->arena, path_base(rel));
    }
    const char *best = diag_suggest(path, known, n);
    mem_free(known);
    return best;
}

static struct link_target resolve_image(
    struct links *l, struct str target, struct diag_place place) {
    struct site *s = l->s;
    char *dir = arena_str(&s->arena, path_dir(str_from(l->item->rel)));
    struct reference r = reference_split(&l->s->arena, target);
    struct media *m = media_find(&s->media, r.path, dir);
    if (m) return media_target(m);
    if (target.len && target.ptr[0] == '/' &&
        (plan_find(s, r.path) || plan_is_external(s, r.path)))
        return (struct link_target){0};
    const char *near = suggest_image(l, r.path, str_from(dir));
    diag_add(s->diags, DIAG_ERROR, place, "image \"" STR_FMT "\" is not there%s%s%s",
        STR_ARG(target),
        near ? "; did you mean \""
             : ": expected a file beside this one, or images/... in tenants/",
        near ? near : s->tenant.id, near ? "\"?" : "/");
    return dead;
}

static struct link_target resolve(
    struct links *l, struct str target, bool image, struct diag_place place) {
    if (leaves_site(target)) return (struct link_target){0};
    if (image) return resolve_image(l, target, place);
    if (!target.len) {
        diag_add(l->s->diags, DIAG_ERROR, place, "a link without a destination");
        return (struct link_target){0};
    }
    struct reference r = reference_split(&l->s->arena, target);
    if (r.path.len && r.path.ptr[0] == '/')
        return resolve_absolute(l, r, target, place);
    if (r.path.len) return resolve_relative(l, r, target, place);
    want_fragment(l, l->item, r.fragment, place);
    return (struct link_target){0};
}

struct link_target links_resolve(
    void *ctx, struct str target, bool image, struct diag_place place) {
    struct links *l = ctx;
    struct link_target t = resolve(l, target, image, place);
    if (t.url && !str_is(target, t.url))
        map_set(&l->moved, str_from(arena_str(&l->s->arena, target)), (char *)t.url);
    return t;
}

void links_begin(struct links *l, const struct item *item) {
    l->item = item;
    map_dispose(&l->moved);
    l->moved = (struct map){0};
}

static bool has_id(const json_t *ids, const char *id) {
    json_t *v;
    size_t i;
    json_array_foreach(ids, i, v) if (!strcmp(json_string_value(v), id)) return true;
    return false;
}

static void report_fragment(struct links *l, const struct fragment *f) {
    struct site *s = l->s;
    size_t n = json_array_size(f->to->ids);
    const char **known = mem_alloc((n + 1) * sizeof *known);
    for (size_t i = 0; i < n; i++)
        known[i] = json_string_value(json_array_get(f->to->ids, i));
    const char *near = diag_suggest(str_from(f->id), known, n);
    diag_add(s->diags, DIAG_ERROR, f->place,
        "dead link: %s has no heading with the id \"%s\"%s%s%s", f->to->file, f->id,
        near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    mem_free(known);
    if (f->to->path)
        map_set(&s->dead_fragments,
            str_from(arena_printf(&s->arena, "%s#%s", f->to->path, f->id)), s);
}

void links_check_fragments(struct links *l) {
    for (size_t i = 0; i < l->n; i++) {
        const struct fragment *f = &l->fragments[i];
        if (!f->to->ids || has_id(f->to->ids, f->id)) continue;
        report_fragment(l, f);
    }
}

void links_dispose(struct links *l) {
    mem_free(l->fragments);
    map_dispose(&l->moved);
}

#include "generator/linkcheck.h"

#include <string.h>

#include "base/mem.h"
#include "generator/plan.h"

struct found_link {
    const char *path;     /* from the top of the domain, no query */
    const char *fragment; /* "" or an id */
    const char *as_written;
    const struct output *on;
};
struct linkcheck {
    struct site *s;
    struct map seen; /* "path#fragment" -> anything */
    struct map ids;  /* "/blog/#id" -> anything */
    struct map read; /* "/blog/" -> anything */
    struct found_link *links;
    size_t n, cap;
};

struct linkcheck *linkcheck_new(struct site *s) {
    struct linkcheck *l = mem_calloc(1, sizeof *l);
    l->s = s;
    return l;
}

void linkcheck_free(struct linkcheck *l) {
    if (!l) return;
    map_dispose(&l->seen);
    map_dispose(&l->ids);
    map_dispose(&l->read);
    mem_free(l->links);
    mem_free(l);
}

/* The five escapes that templates and the Markdown renderer write, undone. */
static char *unescape(struct arena *a, struct str s) {
    static const struct {
        const char *name, *text;
    } entities[] = {{"&amp;", "&"}, {"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""},
        {"&#39;", "'"}, {"&#x27;", "'"}};
    char *out = arena_alloc(a, s.len + 1), *p = out;
    for (size_t i = 0; i < s.len;) {
        size_t k = 0, n = sizeof entities / sizeof *entities;
        struct str rest = str_slice(s, i, s.len);
        while (k < n && !str_starts(rest, entities[k].name)) k++;
        if (k < n) {
            *p++ = *entities[k].text;
            i += strlen(entities[k].name);
        } else
            *p++ = s.ptr[i++];
    }
    *p = 0;
    return out;
}

static bool has_scheme(const char *url) {
    size_t n = strspn(
        url, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.");
    return n > 1 && url[n] == ':';
}

/* The site path a reference means, or NULL when it leaves the site. */
static char *site_path(struct linkcheck *l, const char *url, const struct output *on) {
    struct arena *a = &l->s->arena;
    const char *own = l->s->tenant.url;
    size_t n = strlen(own);
    if (!strncmp(url, own, n) && (url[n] == '/' || !url[n])) {
        url += n;
        if (!*url) url = "/";
    }
    if (has_scheme(url) || !strncmp(url, "//", 2)) return NULL;
    struct str path = str_slice(str_from(url), 0, strcspn(url, "?#"));
    if (!path.len) return plan_url_path(a, on->path);
    if (path.ptr[0] == '/') return arena_str(a, path);
    char *full = path_resolve(a, path_dir(str_from(on->path)), path);
    bool folder = path.ptr[path.len - 1] == '/';
    return full ? arena_printf(a, "/%s%s", full, folder && *full ? "/" : "")
                : arena_strdup(a, "/..");
}

static void note_link(struct linkcheck *l, struct str value, const struct output *on) {
    struct arena *a = &l->s->arena;
    char *url = unescape(a, value);
    char *path = site_path(l, url, on);
    if (!path) return;
    const char *hash = strchr(url, '#');
    const char *fragment = hash ? hash + 1 : "";
    char *key = arena_printf(a, "%s#%s", path, fragment);
    if (map_get(&l->seen, str_from(key))) return;
    map_set(&l->seen, str_from(key), l);
    l->links = mem_grow(l->links, &l->cap, l->n + 1, sizeof *l->links);
    l->links[l->n++] = (struct found_link){path, fragment, url, on};
}

static void note_id(struct linkcheck *l, struct str id, const struct output *on) {
    struct arena *a = &l->s->arena;
    char *key = arena_printf(a, "%s#%s", plan_url_path(a, on->path), unescape(a, id));
    map_set(&l->ids, str_from(key), l);
}

/* One attribute; *rest moves past it.  False: the tag ends here. */
static bool next_attribute(struct str *rest, struct str *name, struct str *value) {
    struct str r = *rest;
    size_t i = 0;
    while (i < r.len && (r.ptr[i] <= ' ' || r.ptr[i] == '/')) i++;
    if (i >= r.len || r.ptr[i] == '>') return false;
    size_t from = i;
    while (i < r.len && r.ptr[i] > ' ' && !strchr("=>/", r.ptr[i])) i++;
    *name = str_slice(r, from, i);
    *value = STR("");
    if (i < r.len && r.ptr[i] == '=') {
        char quote = ++i < r.len ? r.ptr[i] : ' ';
        bool quoted = quote == '"' || quote == '\'';
        from = i += quoted;
        while (i < r.len &&
               (quoted ? r.ptr[i] != quote : r.ptr[i] > ' ' && r.ptr[i] != '>'))
            i++;
        *value = str_slice(r, from, i);
        i += quoted;
    }
    if (i == from && !value->len && !name->len) i++;
    *rest = str_slice(r, i, r.len);
    return true;
}

static bool skip_past(struct str *html, const char *needle) {
    size_t at;
    if (!str_find(*html, needle, &at)) return false;
    *html = str_slice(*html, at + strlen(needle), html->len);
    return true;
}

/* `html` begins after a '<'. */
static void read_tag(struct linkcheck *l, struct str *html, const struct output *o) {
    struct str name, value;
    bool raw = str_starts(*html, "script"), style = str_starts(*html, "style");
    size_t n = 0;
    while (n < html->len && html->ptr[n] > ' ' && html->ptr[n] != '>') n++;
    *html = str_slice(*html, n, html->len);
    while (next_attribute(html, &name, &value)) {
        if (str_is(name, "href") || str_is(name, "src") || str_is(name, "poster"))
            note_link(l, value, o);
        else if (str_is(name, "id"))
            note_id(l, value, o);
    }
    if (raw) skip_past(html, "</script");
    if (style) skip_past(html, "</style");
}

void linkcheck_page(struct linkcheck *l, const struct output *o, struct str html) {
    size_t at;
    if (!str_ends(str_from(o->path), ".html")) return;
    map_set(&l->read, str_from(plan_url_path(&l->s->arena, o->path)), l);
    while (str_find_char(html, '<', &at)) {
        html = str_slice(html, at + 1, html.len);
        if (str_starts(html, "!--")) {
            if (!skip_past(&html, "-->")) return;
        } else if (html.len && ((html.ptr[0] | 32) >= 'a' && (html.ptr[0] | 32) <= 'z'))
            read_tag(l, &html, o);
    }
}

/* ---- where a dead link is written ---- */

/* The reference as a whole word: between quotes, blanks or brackets. */
static bool find_written(struct str text, const char *url, size_t *at) {
    static const char around[] = "\"' \t\n()[]<>";
    size_t n = strlen(url);
    for (size_t from = 0; str_find(str_slice(text, from, text.len), url, at);
         from += *at + 1) {
        size_t here = from + *at;
        bool before = here && strchr(around, text.ptr[here - 1]);
        bool after = here + n < text.len && strchr(around, text.ptr[here + n]);
        if (!before || !after) continue;
        *at = here;
        return true;
    }
    return false;
}

static bool place_in(
    struct str text, const char *file, const char *url, struct diag_place *place) {
    size_t at;
    if (!find_written(text, url, &at)) return false;
    place->file = file;
    str_line_col(text, at, &place->line, &place->col);
    return true;
}

static bool place_in_template(
    const struct theme_file *f, const char *url, struct diag_place *place) {
    struct buf text;
    if (!f->is_template || !str_ends(str_from(f->path), ".html")) return false;
    buf_init(&text, 0);
    bool found = !root_read(f->root, f->rel, 1u << 20, &text) &&
                 place_in(buf_view(&text), f->file, url, place);
    buf_dispose(&text);
    return found;
}

/* Pages are made of templates, the config and front matter: the one in which the link
 * stands as it is, else the page's own template. */
static struct diag_place link_place(struct linkcheck *l, const struct found_link *f) {
    struct site *s = l->s;
    struct diag_place place = DIAG_FILE(f->on->file ? f->on->file->file : f->on->from);
    if (f->on->file && place_in_template(f->on->file, f->as_written, &place))
        return place;
    for (const struct theme *t = s->theme; t; t = t->base)
        for (size_t i = 0; i < t->n; i++)
            if (theme_find(s->theme, str_from(t->files[i].path)) == &t->files[i] &&
                place_in_template(&t->files[i], f->as_written, &place))
                return place;
    if (place_in(s->tenant.text, s->tenant.file, f->as_written, &place)) return place;
    for (size_t i = 0; i < s->content.n; i++)
        if (place_in(s->content.items[i].text, s->content.items[i].file, f->as_written,
                &place))
            return place;
    return place;
}

static void report_dead(struct linkcheck *l, const struct found_link *f) {
    struct site *s = l->s;
    if (s->plan.unsure) return;
    const char *near = plan_suggest(s, str_from(f->path));
    diag_add(s->diags, DIAG_ERROR, link_place(l, f),
        "dead link: page %s points to \"%s\", and nothing is published there%s%s%s",
        plan_url_path(&s->arena, f->on->path), f->as_written,
        near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

static void check_link(struct linkcheck *l, const struct found_link *f) {
    struct site *s = l->s;
    struct str path = path_from_url(&s->arena, str_from(f->path));
    const struct output *to = plan_find(s, path);
    if (!to) {
        if (!plan_is_external(s, path) && !map_get(&s->redirects, str_from(f->path)))
            report_dead(l, f);
        return;
    }
    if (!*f->fragment || !str_ends(str_from(to->path), ".html")) return;
    char *url = plan_url_path(&s->arena, to->path);
    struct str id = path_from_url(&s->arena, str_from(f->fragment));
    struct str key = str_from(arena_printf(&s->arena, "%s#" STR_FMT, url, STR_ARG(id)));
    if (map_get(&l->ids, key) || map_get(&s->dead_fragments, key)) return;
    if (!map_get(&l->read, str_from(url)))
        return; /* it failed to render, which was reported */
    diag_add(s->diags, DIAG_ERROR, link_place(l, f),
        "dead link: page %s points to \"%s\", but that page has no id \"%s\"",
        plan_url_path(&s->arena, f->on->path), f->as_written, f->fragment);
}

void linkcheck_finish(struct linkcheck *l) {
    for (size_t i = 0; i < l->n; i++) check_link(l, &l->links[i]);
}

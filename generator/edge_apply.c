#include "generator/edge_apply.h"

#include <string.h>
#include <strings.h>

#include "generator/edge_nginx.h"

struct match {
    struct str captures[EDGE_MAX_CAPTURES];
    bool decoded; /* they were taken from the decoded path */
};

static bool path_matches(const struct edge_pattern *pattern, const struct edge_path *p,
    struct arena *a, struct match *m) {
    *m = (struct match){0};
    if (pattern->host.len && !nginx_host_matches(pattern, p->host)) return false;
    if (edge_match(pattern->path, p->raw, m->captures)) return true;
    const char *decoded = nginx_path(a, pattern->path);
    m->decoded = true;
    return decoded && edge_match(str_from(decoded), p->path, m->captures);
}

/* What was decoded goes into a URL or header encoded again. */
static void put_encoded(struct buf *out, struct str s) {
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c > ' ' && c < 127 && !strchr("\"<>\\^`{|}%?#", c))
            buf_char(out, (char)c);
        else
            buf_printf(out, "%%%02X", c);
    }
}

static void substitute(
    struct buf *out, struct str text, struct str pattern, const struct match *m) {
    struct edge_piece piece;
    while (edge_piece_next(&text, &piece)) {
        unsigned k =
            piece.kind == EDGE_NAME ? edge_capture_index(pattern, piece.text) : 0;
        if (k && m->decoded)
            put_encoded(out, m->captures[k]);
        else if (k)
            buf_str(out, m->captures[k]);
        else if (piece.kind == EDGE_LITERAL)
            buf_str(out, piece.text);
        else
            buf_printf(out, "%s" STR_FMT, piece.kind == EDGE_NAME ? ":" : "*",
                piece.kind == EDGE_NAME ? (int)piece.text.len : 0, piece.text.ptr);
    }
}

static char *filled(
    struct arena *a, struct str text, struct str pattern, const struct match *m) {
    struct buf b;
    buf_init(&b, 0);
    substitute(&b, text, pattern, m);
    char *out = arena_str(a, buf_view(&b));
    buf_dispose(&b);
    return out;
}

/* ---- headers ---- */

static bool same_name(struct str a, struct str b) {
    return a.len == b.len && !strncasecmp(a.ptr, b.ptr, a.len);
}

static void field_remove(struct edge_fields *f, struct str name) {
    size_t n = 0;
    for (size_t i = 0; i < f->n; i++)
        if (!same_name(f->items[i].name, name)) f->items[n++] = f->items[i];
    f->n = n;
}

static void field_add(
    struct edge_fields *f, struct arena *a, struct str name, struct str value) {
    for (size_t i = 0; i < f->n; i++) {
        struct edge_field *old = &f->items[i];
        if (!same_name(old->name, name)) continue;
        old->value = str_from(
            arena_printf(a, STR_FMT ", " STR_FMT, STR_ARG(old->value), STR_ARG(value)));
        return;
    }
    f->items[f->n++] = (struct edge_field){name, value};
}

struct edge_fields edge_headers_apply(
    const struct edge_headers *h, const struct edge_path *p, struct arena *a) {
    struct edge_fields out = {0};
    size_t most = 0;
    for (size_t i = 0; i < h->n; i++) most += h->rules[i].n;
    out.items = arena_alloc(a, (most + 1) * sizeof *out.items);
    for (size_t i = 0; i < h->n; i++) {
        const struct edge_header_rule *rule = &h->rules[i];
        struct match m;
        if (!path_matches(&rule->pattern, p, a, &m)) continue;
        for (size_t k = 0; k < rule->n; k++) {
            const struct edge_header *header = &rule->headers[k];
            if (header->unset)
                field_remove(&out, header->name);
            else
                field_add(&out, a, header->name,
                    str_from(filled(a, header->value, rule->pattern.path, &m)));
        }
    }
    return out;
}

/* ---- redirects ---- */

static const char *target_of(const struct edge_redirect *rule, const struct match *m,
    struct str query, struct arena *a) {
    size_t hash = rule->to.len, at;
    str_find_char(rule->to, '#', &hash);
    struct str to = str_slice(rule->to, 0, hash), pattern = rule->from.path;
    bool own = str_find_char(to, '?', &at);
    char *path = filled(a, to, pattern, m);
    char *rest = filled(a, str_slice(rule->to, hash, rule->to.len), pattern, m);
    bool with = query.len && !own && rule->code != 200;
    return arena_printf(a, "%s%s" STR_FMT "%s", path, with ? "?" : "",
        with ? (int)query.len : 0, query.ptr ? query.ptr : "", rest);
}

unsigned edge_redirects_apply(const struct edge_redirects *d, const struct edge_path *p,
    struct str query, struct arena *a, const char **target) {
    for (int dynamic = 0; dynamic < 2; dynamic++)
        for (size_t i = 0; i < d->n; i++) {
            const struct edge_redirect *rule = &d->rules[i];
            struct match m;
            if (rule->from.dynamic != dynamic) continue;
            if (!path_matches(&rule->from, p, a, &m)) continue;
            *target = target_of(rule, &m, query, a);
            /* "//host" and "/\host" would lead to another host. */
            if ((*target)[0] == '/' && strchr("/\\", (*target)[1]) && (*target)[1])
                continue;
            return rule->code;
        }
    return 0;
}

/* Destinations: what they may be, what they become, and where they stand. */
#include "generator/markdown_internal.h"
#include <ctype.h>
#include <string.h>

#define MAX_WIDE_SEARCHES 256

/* cmark ends lines at \n, \r\n and \r alike. */
static const char *line_start(const char *p, const char *end, bool cr) {
    const char *nl = memchr(p, '\n', (size_t)(end - p));
    const char *r = cr ? memchr(p, '\r', (size_t)((nl ? nl : end) - p)) : NULL;
    if (r && r + 1 != nl) return r + 1;
    return nl ? nl + 1 : NULL;
}

static size_t *lines_grow(struct markdown_doc *d, size_t *room) {
    size_t *more = memory_take(&d->m->memory, 2 * *room * sizeof(size_t));
    memcpy(more, d->lines, *room * sizeof(size_t));
    *room *= 2;
    return more;
}

static void find_lines(struct markdown_doc *d) {
    const char *p = d->text.ptr, *end = p + d->text.len;
    bool cr = memchr(p, '\r', d->text.len) != NULL;
    size_t n = 1, room = 256;
    d->lines = memory_take(&d->m->memory, room * sizeof(size_t));
    for (const char *at = p; (at = line_start(at, end, cr));) {
        if (n + 1 == room) d->lines = lines_grow(d, &room);
        d->lines[n++] = (size_t)(at - p);
    }
    d->lines[n] = d->text.len;
    d->n_lines = n;
    d->search_left = MAX_WIDE_SEARCHES;
}

struct diag_place link_line(const struct markdown_doc *d, cmark_node *node) {
    int line = 0;
    while (node && (line = cmark_node_get_start_line(node)) < 1)
        node = cmark_node_parent(node);
    if (line < 1) line = 1;
    return DIAG_AT(d->o->file, d->o->first_line + (unsigned)line - 1, 0);
}

static struct diag_place place_at(struct markdown_doc *d, size_t at) {
    size_t low = 0, high = d->n_lines;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if (d->lines[middle] <= at)
            low = middle;
        else
            high = middle;
    }
    return DIAG_AT(d->o->file, d->o->first_line + (unsigned)low,
        (unsigned)(at - d->lines[low]) + 1);
}

/* A short destination also occurs inside words; a real one stands free. */
static bool stands_free(struct str text, size_t at, size_t len) {
    unsigned char before = at ? (unsigned char)text.ptr[at - 1] : ' ';
    unsigned char after = at + len < text.len ? (unsigned char)text.ptr[at + len] : ' ';
    return !isalnum(before) && before != '/' && !isalnum(after) && after != '/' &&
           before != '[' && after != ']';
}

static bool find_between(
    struct markdown_doc *d, struct str needle, size_t from, size_t to, size_t *at) {
    const char *p = d->text.ptr;
    while (from < to && needle.len) {
        const char *hit = memmem(p + from, to - from, needle.ptr, needle.len);
        if (!hit) return false;
        *at = (size_t)(hit - p);
        if (*needle.ptr == '<' || stands_free(d->text, *at, needle.len)) return true;
        from = *at + 1;
    }
    return false;
}

static void block_range(struct markdown_doc *d, size_t *from, size_t *to) {
    cmark_node *node = d->block;
    while (node && cmark_node_get_start_line(node) < 1) node = cmark_node_parent(node);
    size_t first = node ? (size_t)cmark_node_get_start_line(node) : 1;
    int end = node ? cmark_node_get_end_line(node) : 0;
    size_t last = end < (int)first ? first : (size_t)end;
    if (first > d->n_lines) first = d->n_lines;
    if (last > d->n_lines) last = d->n_lines;
    *from = d->lines[first - 1];
    *to = d->lines[last];
}

/* The line that defines a reference: "[label]: needle". */
static bool find_definition(struct markdown_doc *d, struct str needle, size_t *at) {
    const char *p = d->text.ptr;
    for (size_t from = 0; find_between(d, needle, from, d->text.len, at);
         from = *at + 1) {
        size_t i = *at;
        if (i && p[i - 1] == '<') i--;
        while (i && isspace((unsigned char)p[i - 1])) i--;
        if (i >= 2 && p[i - 1] == ':' && p[i - 2] == ']') return true;
        if (!d->search_left || !--d->search_left) return false;
    }
    return false;
}

struct diag_place link_place(struct markdown_doc *d, struct str needle) {
    size_t from, to, at;
    if (!d->lines) find_lines(d);
    block_range(d, &from, &to);
    size_t start = d->cursor > from && d->cursor < to ? d->cursor : from;
    bool found = find_between(d, needle, start, to, &at);
    /* An image inside a link comes after the link, but stands before its destination.
     */
    if (!found && start > from && d->search_left) {
        d->search_left--;
        found = find_between(d, needle, from, start, &at);
    }
    if (found) {
        if (at >= start) d->cursor = at + needle.len;
        return place_at(d, at);
    }
    if (d->search_left) {
        d->search_left--;
        if (find_definition(d, needle, &at)) return place_at(d, at);
    }
    struct diag_place place = place_at(d, from);
    place.col = 0;
    return place;
}

/* As a browser reads it: case, leading blanks and embedded tabs or newlines do not
 * count. */
static bool has_scheme(struct str url, const char *scheme, size_t *end) {
    size_t i = 0;
    while (i < url.len && (unsigned char)url.ptr[i] <= ' ') i++;
    for (; i < url.len && *scheme; i++) {
        if (strchr("\t\r\n", url.ptr[i])) continue;
        if (tolower((unsigned char)url.ptr[i]) != *scheme++) return false;
    }
    *end = i;
    return !*scheme;
}

static bool is_dangerous(struct str url) {
    static const char *const schemes[] = {"javascript:", "vbscript:", "file:"};
    static const char *const images[] = {
        "image/png", "image/gif", "image/jpeg", "image/webp"};
    size_t end;
    for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++)
        if (has_scheme(url, schemes[i], &end)) return true;
    if (!has_scheme(url, "data:", &end)) return false;
    struct str rest = str_slice(url, end, url.len);
    for (size_t i = 0; i < sizeof(images) / sizeof(*images); i++) {
        if (!has_scheme(rest, images[i], &end)) continue;
        if (end == rest.len || rest.ptr[end] == ';' || rest.ptr[end] == ',')
            return false;
    }
    return true;
}

/* An e-mail or www. link is written without the scheme cmark puts before it. */
static struct str as_written(struct markdown_doc *d, struct str url) {
    static const char *const added[] = {"mailto:", "http://"};
    for (size_t i = 0; i < 2; i++) {
        if (!str_starts(url, added[i])) continue;
        struct str bare = str_slice(url, strlen(added[i]), url.len);
        if (i == 0 || str_starts(bare, "www.")) {
            size_t from, to, at;
            if (!d->lines) find_lines(d);
            block_range(d, &from, &to);
            if (d->cursor > from && d->cursor < to) from = d->cursor;
            if (!d->search_left) return url;
            d->search_left--;
            return find_between(d, url, from, to, &at) ? url : bare;
        }
    }
    return url;
}

struct link_target link_target(struct markdown_doc *d, cmark_node *node, bool image) {
    const char *destination = cmark_node_get_url(node);
    struct str url = str_from(destination);
    struct link_target as_is = {.url = destination ? destination : ""};
    bool dangerous = is_dangerous(url);
    if (!dangerous && !d->o->resolve) return as_is;
    struct diag_place place = link_place(d, as_written(d, url));
    if (dangerous) {
        d->failed = true;
        diag_add(d->diags, DIAG_ERROR, place,
            "\"%.40s\" is not a destination a page may have; use http:, https:, "
            "mailto: "
            "or a path",
            destination);
        return as_is;
    }
    struct link_target t = d->o->resolve(d->o->ctx, url, image, place);
    if (!t.url) t.url = as_is.url;
    return t;
}

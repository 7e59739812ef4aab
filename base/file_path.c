/* The text of paths: nothing here asks the file system. */
#include "base/file.h"

#include <string.h>

static bool part_is_safe(struct str part) {
    if (part.len == 0 || part.len > 255) return false;
    if (str_is(part, ".") || str_is(part, "..")) return false;
    for (size_t i = 0; i < part.len; i++) {
        unsigned char c = (unsigned char)part.ptr[i];
        if (c < 0x20 || c == 0x7F || c == '\\') return false;
    }
    return true;
}

bool path_is_safe(struct str path) {
    struct str part;
    if (path.len == 0 || path.len > 1024) return false;
    while (str_cut(&path, '/', &part)) {
        if (!part_is_safe(part)) return false;
    }
    return true;
}

/* Where the last part begins. */
static size_t base_at(struct str path) {
    size_t at = path.len;
    while (at > 0 && path.ptr[at - 1] != '/') at--;
    return at;
}

struct str path_base(struct str path) {
    return str_slice(path, base_at(path), path.len);
}

struct str path_dir(struct str path) {
    size_t at = base_at(path);
    return str_slice(path, 0, at > 0 ? at - 1 : 0);
}

struct str path_suffix(struct str path) {
    struct str base = path_base(path);
    for (size_t i = base.len; i > 1; i--) {
        if (base.ptr[i - 1] == '.') return str_slice(base, i, base.len);
    }
    return STR("");
}

/* Applies the parts of `path` to what stands in b; false: above the top. */
static bool resolve_parts(struct buf *b, struct str path) {
    struct str part;
    while (str_cut(&path, '/', &part)) {
        if (part.len == 0 || str_is(part, ".")) continue;
        if (!str_is(part, "..")) {
            if (b->len) buf_char(b, '/');
            buf_str(b, part);
            continue;
        }
        if (b->len == 0) return false;
        b->len = path_dir(buf_view(b)).len;
        b->ptr[b->len] = '\0';
    }
    return true;
}

char *path_resolve(struct arena *a, struct str dir, struct str rel) {
    struct buf b;
    buf_init(&b, 0);
    bool from_top = rel.len && rel.ptr[0] == '/';
    bool ok = (from_top || resolve_parts(&b, dir)) && resolve_parts(&b, rel);
    char *path = ok ? arena_str(a, buf_view(&b)) : NULL;
    buf_dispose(&b);
    return path;
}

/* What cannot stand in the path of a URL as it is. */
static const bool escaped_in_url[256] = {[0 ... ' '] = true,
    ['"'] = true,
    ['#'] = true,
    ['%'] = true,
    ['<'] = true,
    ['>'] = true,
    ['?'] = true,
    ['\\'] = true,
    ['^'] = true,
    ['`'] = true,
    ['{' ... '}'] = true,
    [127 ... 255] = true};

char *path_to_url(struct arena *a, struct str path) {
    static const char hex[] = "0123456789ABCDEF";
    char *url = arena_take(a, 3 * path.len + 2), *to = url;
    *to++ = '/';
    for (size_t i = 0; i < path.len; i++) {
        unsigned char c = (unsigned char)path.ptr[i];
        if (!escaped_in_url[c]) {
            *to++ = (char)c;
            continue;
        }
        *to++ = '%';
        *to++ = hex[c >> 4];
        *to++ = hex[c & 15];
    }
    *to = '\0';
    return url;
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    c = (char)(c | 32);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

struct str path_from_url(struct arena *a, struct str url) {
    if (!str_find_char(url, '%', NULL)) return url;
    char *path = arena_take(a, url.len + 1);
    size_t n = 0;
    for (size_t i = 0; i < url.len; i++, n++) {
        bool two_more = url.ptr[i] == '%' && i + 2 < url.len;
        int high = two_more ? hex_digit(url.ptr[i + 1]) : -1;
        int low = two_more ? hex_digit(url.ptr[i + 2]) : -1;
        bool escape = high >= 0 && low >= 0;
        path[n] = escape ? (char)(high << 4 | low) : url.ptr[i];
        if (escape) i += 2;
        if (!path[n]) return url;
    }
    path[n] = '\0';
    return (struct str){path, n};
}

/* struct str: borrowed slices of bytes. */
#include "base/str.h"

#include <stdint.h>
#include <string.h>

struct str str_from(const char *cstr) {
    return cstr ? (struct str){cstr, strlen(cstr)} : STR("");
}

struct str str_slice(struct str s, size_t from, size_t to) {
    if (to > s.len) to = s.len;
    if (from > to) from = to;
    if (!s.ptr) return STR("");
    return (struct str){s.ptr + from, to - from};
}

bool str_equal(struct str a, struct str b) {
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool str_is(struct str a, const char *cstr) {
    return str_equal(a, str_from(cstr));
}

int str_compare(struct str a, struct str b) {
    size_t n = a.len < b.len ? a.len : b.len;
    int order = n ? memcmp(a.ptr, b.ptr, n) : 0;
    if (order) return order;
    return (a.len > b.len) - (a.len < b.len);
}

bool str_starts(struct str s, const char *prefix) {
    size_t n = strlen(prefix);
    return s.len >= n && (n == 0 || memcmp(s.ptr, prefix, n) == 0);
}

bool str_ends(struct str s, const char *suffix) {
    size_t n = strlen(suffix);
    return s.len >= n && (n == 0 || memcmp(s.ptr + s.len - n, suffix, n) == 0);
}

static bool is_space(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct str str_trim(struct str s) {
    size_t from = 0;
    size_t to = s.len;
    while (from < to && is_space(s.ptr[from])) from++;
    while (to > from && is_space(s.ptr[to - 1])) to--;
    return str_slice(s, from, to);
}

bool str_find(struct str s, const char *needle, size_t *at) {
    size_t n = strlen(needle);
    const char *hit = n == 0      ? s.ptr
                      : s.len < n ? NULL
                                  : memmem(s.ptr, s.len, needle, n);
    if (!hit && n) return false;
    if (at) *at = n ? (size_t)(hit - s.ptr) : 0;
    return true;
}

bool str_find_char(struct str s, char c, size_t *at) {
    const char *hit = s.len ? memchr(s.ptr, c, s.len) : NULL;
    if (!hit) return false;
    if (at) *at = (size_t)(hit - s.ptr);
    return true;
}

bool str_cut(struct str *rest, char sep, struct str *part) {
    if (!rest->ptr) return false;
    size_t at;
    if (str_find_char(*rest, sep, &at)) {
        *part = str_slice(*rest, 0, at);
        *rest = str_slice(*rest, at + 1, rest->len);
        return true;
    }
    *part = *rest;
    /* A null pointer marks the end: after "a," one empty part is still to come. */
    *rest = (struct str){NULL, 0};
    return true;
}

/* Length of the valid sequence at p, or 0. */
static size_t utf8_sequence(const unsigned char *p, size_t left) {
    unsigned char c = p[0];
    if (c < 0x80) return 1;
    if (c < 0xC2 || c > 0xF4) return 0;
    size_t n = c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
    if (left < n) return 0;
    /* The second byte excludes overlong forms, surrogates and what is above U+10FFFF.
     */
    unsigned char low = c == 0xE0 ? 0xA0 : c == 0xF0 ? 0x90 : 0x80;
    unsigned char high = c == 0xED ? 0x9F : c == 0xF4 ? 0x8F : 0xBF;
    if (p[1] < low || p[1] > high) return 0;
    for (size_t i = 2; i < n; i++) {
        if ((p[i] & 0xC0) != 0x80) return 0;
    }
    return n;
}

bool str_is_utf8(struct str s, size_t *bad_at) {
    const unsigned char *p = (const unsigned char *)s.ptr;
    size_t i = 0;
    while (i < s.len) {
        uint64_t words[4];
        while (s.len - i >= sizeof(words)) {
            memcpy(words, p + i, sizeof(words));
            uint64_t any = words[0] | words[1] | words[2] | words[3];
            if (any & UINT64_C(0x8080808080808080)) break;
            i += sizeof(words);
        }
        while (i < s.len && p[i] < 0x80) i++;
        if (i == s.len) break;
        size_t n = utf8_sequence(p + i, s.len - i);
        if (n == 0) {
            if (bad_at) *bad_at = i;
            return false;
        }
        i += n;
    }
    return true;
}

static bool is_text_control(unsigned char c) {
    return ((c < ' ') & (c != '\t') & (c != '\n') & (c != '\r')) | (c == 0x7F);
}

enum { CONTROL_BLOCK = 64 };

/* No branch and a fixed length, so that compilers do it to many bytes at once. */
static bool block_has_control(const char *p) {
    unsigned char any = 0;
    for (size_t i = 0; i < CONTROL_BLOCK; i++)
        any |= is_text_control((unsigned char)p[i]);
    return any;
}

bool str_find_control(struct str s, size_t *at) {
    size_t i = 0;
    while (s.len - i >= CONTROL_BLOCK && !block_has_control(s.ptr + i))
        i += CONTROL_BLOCK;
    for (; i < s.len; i++) {
        if (!is_text_control((unsigned char)s.ptr[i])) continue;
        *at = i;
        return true;
    }
    return false;
}

void str_line_col(struct str text, size_t at, unsigned *line, unsigned *col) {
    if (at > text.len) at = text.len;
    size_t start = 0;
    unsigned n = 1;
    size_t next;
    while (str_find_char(str_slice(text, start, at), '\n', &next)) {
        start += next + 1;
        n++;
    }
    *line = n;
    *col = (unsigned)(at - start) + 1;
}

enum { WORD_MAX = 64 };

/* A column of the table of distances at a time, its steps down and up kept as bits
 * (Myers 1999, with Hyyro's transposition).  Two neighbours exchanged count as one
 * edit: the commonest slip of the fingers. */
unsigned str_distance(struct str a, struct str b) {
    if (a.len > WORD_MAX || b.len > WORD_MAX)
        return str_equal(a, b) ? 0 : (unsigned)(a.len > b.len ? a.len : b.len);
    if (!a.len) return (unsigned)b.len;
    uint64_t where[256] = {0}; /* of each character in a */
    uint64_t last = (uint64_t)1 << (a.len - 1);
    uint64_t down = ~(uint64_t)0, up = 0, same = 0, before = 0;
    unsigned distance = (unsigned)a.len;
    for (size_t i = 0; i < a.len; i++)
        where[(unsigned char)a.ptr[i]] |= (uint64_t)1 << i;
    for (size_t j = 0; j < b.len; j++) {
        uint64_t match = where[(unsigned char)b.ptr[j]];
        uint64_t swapped = (~same & match) << 1 & before;
        same = (((match & down) + down) ^ down) | match | up | swapped;
        uint64_t right = up | ~(same | down), left = same & down;
        distance += (right & last) != 0;
        distance -= (left & last) != 0;
        right = right << 1 | 1;
        down = left << 1 | ~(same | right);
        up = right & same;
        before = match;
    }
    return distance;
}

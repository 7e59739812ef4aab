/* struct buf: the owned, growing buffer of base/str.h. */
#include "base/mem.h"
#include "base/str.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

void buf_init(struct buf *b, size_t max) {
    *b = (struct buf){.max = max};
}

void buf_dispose(struct buf *b) {
    mem_free(b->ptr);
    *b = (struct buf){.max = b->max};
}

void buf_reset(struct buf *b) {
    b->len = 0;
    b->full = false;
    if (b->ptr) b->ptr[0] = '\0';
}

void buf_reserve(struct buf *b, size_t extra) {
    size_t need;
    if (__builtin_add_overflow(b->len, extra, &need)) mem_exhausted();
    if (need < b->size) return;
    if (need == SIZE_MAX) mem_exhausted();
    bool first = !b->ptr;
    if (first && need >= 128) {
        b->ptr = mem_alloc(need + 1);
        b->size = need + 1;
    } else {
        if (first) b->size = 128;
        b->ptr = first ? mem_alloc(b->size) : mem_grow(b->ptr, &b->size, need + 1, 1);
    }
    if (first) b->ptr[0] = '\0';
}

static bool fits(struct buf *b, size_t n) {
    if (b->full) return false;
    if (b->max == 0 || (b->len <= b->max && n <= b->max - b->len)) return true;
    b->full = true;
    return false;
}

static __attribute__((noinline)) bool append_slow(
    struct buf *b, const void *bytes, size_t n) {
    if (!fits(b, n)) return false;
    buf_reserve(b, n);
    if (n) memcpy(b->ptr + b->len, bytes, n);
    b->len += n;
    b->ptr[b->len] = '\0';
    return true;
}

static inline bool append(struct buf *b, const void *bytes, size_t n) {
    bool roomy = n < b->size - b->len && n > 0;
    bool capped = b->max && (b->full || b->len + n > b->max);
    if (!roomy || capped) return append_slow(b, bytes, n);
    memcpy(b->ptr + b->len, bytes, n);
    b->len += n;
    b->ptr[b->len] = '\0';
    return true;
}

bool buf_append(struct buf *b, const void *bytes, size_t n) {
    return append(b, bytes, n);
}

bool buf_str(struct buf *b, struct str s) {
    return append(b, s.ptr, s.len);
}

bool buf_char(struct buf *b, char c) {
    return append(b, &c, 1);
}

bool buf_printf(struct buf *b, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    bool ok = buf_vprintf(b, fmt, ap);
    va_end(ap);
    return ok;
}

bool buf_vprintf(struct buf *b, const char *fmt, va_list ap) {
    if (b->full) return false;
    buf_reserve(b, 63);
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(b->ptr + b->len, b->size - b->len, fmt, ap);
    bool ok = n >= 0 && fits(b, (size_t)n);
    if (ok && (size_t)n >= b->size - b->len) {
        buf_reserve(b, (size_t)n);
        vsnprintf(b->ptr + b->len, b->size - b->len, fmt, again);
    }
    va_end(again);
    if (ok) b->len += (size_t)n;
    b->ptr[b->len] = '\0';
    return ok;
}

struct str buf_view(const struct buf *b) {
    return b->ptr ? (struct str){b->ptr, b->len} : STR("");
}

/* 0: as it is; 'u': \u00xx; '<': only when html_safe; 'e': so may a line or paragraph
 * separator begin; else the letter behind a backslash. */
static const char json_escape[256] = {
    [0x00 ... 0x07] = 'u',
    ['\b'] = 'b',
    ['\t'] = 't',
    ['\n'] = 'n',
    ['\v'] = 'u',
    ['\f'] = 'f',
    ['\r'] = 'r',
    [0x0E ... 0x1F] = 'u',
    ['"'] = '"',
    ['\\'] = '\\',
    ['<'] = '<',
    [0x7F] = 'u',
    [0xE2] = 'e',
};

static bool append_json_escape(struct buf *b, unsigned char c, char kind) {
    if (kind != 'u' && kind != '<') return append(b, (char[]){'\\', kind}, 2);
    static const char hex[] = "0123456789abcdef";
    char text[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
    return append(b, text, sizeof(text));
}

/* U+2028 and U+2029 end a line in the JavaScript of older browsers. */
static bool is_separator(struct str s, size_t i) {
    return s.len - i > 2 && (unsigned char)s.ptr[i + 1] == 0x80 &&
           ((unsigned char)s.ptr[i + 2] & 0xFE) == 0xA8;
}

bool buf_json(struct buf *b, struct str s, bool html_safe) {
    size_t from = 0;
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        char kind = json_escape[c];
        if (__builtin_expect(!kind, 1)) continue;
        if ((kind == '<' || kind == 'e') && !html_safe) continue;
        if (kind == 'e' && !is_separator(s, i)) continue;
        if (i > from && !append(b, s.ptr + from, i - from)) return false;
        bool ok = kind != 'e' ? append_json_escape(b, c, kind)
                              : append(b, s.ptr[i + 2] & 1 ? "\\u2029" : "\\u2028", 6);
        if (!ok) return false;
        if (kind == 'e') i += 2;
        from = i + 1;
    }
    return append(b, s.ptr + from, s.len - from);
}

static const unsigned char html_escape[256] = {
    ['&'] = 1, ['<'] = 2, ['>'] = 3, ['"'] = 4, ['\''] = 5};
static const struct str html_entities[] = {
    {"", 0}, {"&amp;", 5}, {"&lt;", 4}, {"&gt;", 4}, {"&quot;", 6}, {"&#39;", 5}};

bool buf_html(struct buf *b, struct str s) {
    size_t from = 0;
    for (size_t i = 0; i < s.len; i++) {
        unsigned char kind = html_escape[(unsigned char)s.ptr[i]];
        if (__builtin_expect(!kind, 1)) continue;
        if (i > from && !append(b, s.ptr + from, i - from)) return false;
        if (!append(b, html_entities[kind].ptr, html_entities[kind].len)) return false;
        from = i + 1;
    }
    return append(b, s.ptr + from, s.len - from);
}

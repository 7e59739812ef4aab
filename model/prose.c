/* What Markdown and rich text share once they are text. */
#include "model/prose.h"
#include <ctype.h>
#include <stdint.h>
#include <string.h>

/* The high bit of every byte above ' ' set, the rest clear. */
static uint64_t solid_bytes(uint64_t x) {
    const uint64_t low = 0x7F7F7F7F7F7F7F7Full;
    return (((x & low) + 0x5F5F5F5F5F5F5F5Full) | x) & ~low;
}

/* Eight bytes at a time: this runs over all text of all pages. */
unsigned prose_words(const char *s, size_t len, bool *inside) {
    uint64_t before = *inside ? 0x80 : 0, x;
    unsigned words = 0;
    size_t i = 0;
    for (; len - i >= sizeof x; i += sizeof x) {
        memcpy(&x, s + i, sizeof x);
        uint64_t solid = solid_bytes(x);
        uint64_t starts = (solid & ~(solid << 8 | before)) >> 7;
        words += (unsigned)(starts * 0x0101010101010101ull >> 56);
        before = solid >> 56;
    }
    bool in_word = before != 0;
    for (; i < len; i++) {
        bool solid = (unsigned char)s[i] > ' ';
        words += solid && !in_word;
        in_word = solid;
    }
    *inside = in_word;
    return words;
}

static size_t char_length(const char *p) {
    unsigned char c = (unsigned char)*p;
    return c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
}

struct str prose_shorten(struct buf *b, struct str s, size_t max) {
    size_t at = 0, chars = 0, word = 0;
    while (at < s.len && chars < max - 1) {
        if (s.ptr[at] == ' ') word = at;
        at += char_length(s.ptr + at);
        chars++;
    }
    if (at >= s.len || at + char_length(s.ptr + at) >= s.len) return s;
    if (s.ptr[at] == ' ') word = at;
    buf_reset(b);
    buf_str(b, str_trim(str_slice(s, 0, word ? word : at)));
    buf_cstr(b, "\xE2\x80\xA6");
    return buf_view(b);
}

struct range {
    unsigned first, last;
};
/* Blanks, punctuation, symbols and pictures, which no id keeps. */
static const struct range dropped[] = {{0x80, 0xA9}, {0xAB, 0xB4}, {0xB6, 0xB9},
    {0xBB, 0xBF}, {0xD7, 0xD7}, {0xF7, 0xF7}, {0x2000, 0x206F}, {0x20A0, 0x20CF},
    {0x2100, 0x2BFF}, {0x2E00, 0x2E7F}, {0x3000, 0x3004}, {0x3008, 0x3020},
    {0x3030, 0x3030}, {0xE000, 0xF8FF}, {0xFE00, 0xFE6F}, {0xFEFF, 0xFF0F},
    {0xFF1A, 0xFF20}, {0xFF3B, 0xFF40}, {0xFF5B, 0xFF65}, {0xFFE0, 0xFFFF},
    {0x1F000, 0x1FAFF}, {0xE0000, 0x10FFFF}};

static unsigned char_at(const char *p, size_t n) {
    unsigned c = (unsigned char)*p & (0xFFu >> (n + 1));
    for (size_t i = 1; i < n; i++) c = c << 6 | ((unsigned char)p[i] & 0x3F);
    return c;
}

static bool is_dropped(unsigned c) {
    for (size_t i = 0; i < sizeof(dropped) / sizeof(*dropped); i++)
        if (c >= dropped[i].first && c <= dropped[i].last) return true;
    return false;
}

/* Capitals of Latin-1, Latin Extended-A, Greek and Cyrillic: every `step`-th of the
 * range stands `by` before its small letter.  Our own table, since a locale's would
 * give another machine other ids. */
static const struct capitals {
    unsigned short first, last;
    short by, step;
} capitals[] = {{0xC0, 0xD6, 32, 1}, {0xD8, 0xDE, 32, 1}, {0x100, 0x12E, 1, 2},
    {0x132, 0x136, 1, 2}, {0x139, 0x147, 1, 2}, {0x14A, 0x176, 1, 2},
    {0x178, 0x178, -121, 1}, {0x179, 0x17D, 1, 2}, {0x386, 0x386, 38, 1},
    {0x388, 0x38A, 37, 1}, {0x38C, 0x38C, 64, 1}, {0x38E, 0x38F, 63, 1},
    {0x391, 0x3A1, 32, 1}, {0x3A3, 0x3AB, 32, 1}, {0x400, 0x40F, 80, 1},
    {0x410, 0x42F, 32, 1}, {0x460, 0x480, 1, 2}, {0x48A, 0x4BE, 1, 2},
    {0x4C0, 0x4C0, 15, 1}, {0x4C1, 0x4CD, 1, 2}, {0x4D0, 0x52E, 1, 2}};

static unsigned small_letter(unsigned c) {
    for (size_t i = 0; i < sizeof(capitals) / sizeof(*capitals); i++) {
        const struct capitals *r = &capitals[i];
        if (c < r->first || c > r->last) continue;
        return (c - r->first) % (unsigned)r->step ? c : c + (unsigned)r->by;
    }
    return c;
}

static bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

void prose_slug(struct buf *b, const char *s) {
    while (is_blank(*s)) s++;
    size_t len = strlen(s), at = 0;
    while (len && is_blank(s[len - 1])) len--;
    buf_reset(b);
    buf_reserve(b, len + 1);
    for (size_t i = 0, n; i < len; i += n) {
        unsigned char c = (unsigned char)s[i];
        n = char_length(s + i);
        if (n > 1) {
            unsigned code = char_at(s + i, n);
            if (is_dropped(code)) continue;
            memcpy(b->ptr + at, s + i, n);
            if (n == 2) { /* so has every small letter of the table */
                code = small_letter(code);
                b->ptr[at] = (char)(0xC0 | code >> 6);
                b->ptr[at + 1] = (char)(0x80 | (code & 0x3F));
            }
            at += n;
        } else if (isalnum(c))
            b->ptr[at++] = (char)tolower(c);
        else if (is_blank((char)c))
            b->ptr[at++] = '-';
        else if (c == '-' || c == '_')
            b->ptr[at++] = (char)c;
    }
    b->ptr[at] = '\0';
    b->len = at;
}

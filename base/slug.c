#include "base/slug.h"

#include <stdio.h>

/* The letters U+00C0 to U+017F without their marks, two places for each. */
static const char latin[] =
    "a a a a a a aec e e e e i i i i d n o o o o o - o u u u u y thss"
    "a a a a a a aec e e e e i i i i d n o o o o o - o u u u u y thy "
    "a a a a a a c c c c c c c c d d d d e e e e e e e e e e g g g g "
    "g g g g h h h h i i i i i i i i i i ijijj j k k k l l l l l l l "
    "l l l n n n n n n n n n o o o o o o oeoer r r r r r s s s s s s "
    "s s t t t t t t u u u u u u u u u u u u w w y y y z z z z z z s ";

/* The character at the head of s, which is cut off; 0: not UTF-8. */
static unsigned next_character(struct str *s) {
    unsigned char first = (unsigned char)s->ptr[0];
    size_t n = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    struct str bytes = str_slice(*s, 0, n);
    unsigned c = n == 1 ? first : first & (0xFFu >> (n + 1));
    bool whole = first < 0x80 || str_is_utf8(bytes, NULL);
    for (size_t i = 1; i < bytes.len; i++)
        c = c << 6 | ((unsigned char)bytes.ptr[i] & 0x3F);
    *s = str_slice(*s, whole ? n : 1, s->len);
    return whole ? c : 0;
}

static bool is_word(unsigned c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Punctuation, symbols and pictures, of which an address says nothing. */
static bool is_mark(unsigned c) {
    static const unsigned ranges[][2] = {{0, 0xBF}, {0x2000, 0x2BFF}, {0x3000, 0x3004},
        {0x3008, 0x3020}, {0x30FB, 0x30FB}, {0xFE00, 0xFE0F}, {0xFF00, 0xFF0F},
        {0x1F000, 0x1FFFF}};
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (c >= ranges[i][0] && c <= ranges[i][1]) return true;
    return false;
}

/* How a character reads in an address; "-" stands for a gap. */
static const char *spell(unsigned c, char space[8]) {
    if (c == '+') return "-plus-";
    if (c == '#') return "-sharp-";
    if (c == '&') return "-and-";
    if (c >= 0x300 && c <= 0x36F) return ""; /* the mark of a letter that came before */
    space[1] = space[2] = '\0';
    if (is_word(c)) {
        space[0] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
    } else if (c >= 0xC0 && c <= 0x17F) {
        const char *letters = latin + 2 * (c - 0xC0);
        space[0] = letters[0];
        if (letters[1] != ' ') space[1] = letters[1];
    } else if (is_mark(c)) {
        return "-";
    } else {
        snprintf(space, 8, "%04x", c);
    }
    return space;
}

char *slug_make(struct arena *a, struct str text) {
    char *slug = arena_alloc(a, 7 * text.len + 2), space[8];
    size_t n = 0;
    while (text.len) {
        const char *c = spell(next_character(&text), space);
        for (; *c; c++)
            if (*c != '-' || (n && slug[n - 1] != '-')) slug[n++] = *c;
    }
    while (n && slug[n - 1] == '-') n--;
    if (!n) slug[n++] = 'x';
    slug[n] = 0;
    return slug;
}

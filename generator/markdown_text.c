/* Text taken out of a document: ids, table of contents, summary, word count. */
#include "generator/markdown_internal.h"
#include <ctype.h>
#include <stdint.h>
#include <string.h>

#define LEAD_MAX 4096

/* The high bit of every byte above ' ' set, the rest clear. */
static uint64_t solid_bytes(uint64_t x) {
    const uint64_t low = 0x7F7F7F7F7F7F7F7Full;
    return (((x & low) + 0x5F5F5F5F5F5F5F5Full) | x) & ~low;
}

/* Eight bytes at a time: this runs over all text of all pages. */
void text_words(struct markdown_doc *d, const char *s, size_t len) {
    uint64_t before = d->in_word ? 0x80 : 0, x;
    size_t i = 0;
    for (; len - i >= sizeof x; i += sizeof x) {
        memcpy(&x, s + i, sizeof x);
        uint64_t solid = solid_bytes(x);
        uint64_t starts = (solid & ~(solid << 8 | before)) >> 7;
        d->words += (unsigned)(starts * 0x0101010101010101ull >> 56);
        before = solid >> 56;
    }
    bool in_word = before != 0;
    for (; i < len; i++) {
        bool solid = (unsigned char)s[i] > ' ';
        d->words += solid && !in_word;
        in_word = solid;
    }
    d->in_word = in_word;
}

/* Runs of blanks count as one; none at the beginning. */
void text_lead(struct markdown_doc *d, const char *s) {
    struct buf *lead = &d->m->lead;
    while (*s && lead->len < LEAD_MAX) {
        size_t n = 0;
        while (s[n] && s[n] != ' ' && s[n] != '\t' && s[n] != '\n') n++;
        if (n > LEAD_MAX - lead->len) n = LEAD_MAX - lead->len;
        buf_append(lead, s, n);
        s += n;
        if (!*s || lead->len >= LEAD_MAX) return;
        if (lead->len && lead->ptr[lead->len - 1] != ' ') buf_char(lead, ' ');
        s++;
    }
}

/* cmark-gfm cuts what looks like a footnote label across two lines by columns, not
 * characters, and may leave half a character. */
void text_repair(struct buf *b) {
    struct str rest = buf_view(b);
    size_t bad, at = 0;
    if (str_is_utf8(rest, &bad)) return;
    while (!str_is_utf8(rest, &bad)) {
        memmove(b->ptr + at, rest.ptr, bad);
        at += bad;
        rest = str_slice(rest, bad + 1, rest.len);
    }
    memmove(b->ptr + at, rest.ptr, rest.len);
    b->len = at + rest.len;
    b->ptr[b->len] = '\0';
}

static size_t char_length(const char *p) {
    unsigned char c = (unsigned char)*p;
    return c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
}

/* At most `max` characters, whole words, with an ellipsis when something is missing. */
static struct str shorten(struct markdown_doc *d, struct str s, size_t max) {
    size_t at = 0, chars = 0, word = 0;
    while (at < s.len && chars < max - 1) {
        if (s.ptr[at] == ' ') word = at;
        at += char_length(s.ptr + at);
        chars++;
    }
    if (at >= s.len || at + char_length(s.ptr + at) >= s.len) return s;
    if (s.ptr[at] == ' ') word = at;
    struct buf *b = &d->m->scratch;
    buf_reset(b);
    buf_str(b, str_trim(str_slice(s, 0, word ? word : at)));
    buf_cstr(b, "\xE2\x80\xA6");
    return buf_view(b);
}

/* The cap on the lead may have cut a character in two. */
static struct str whole_chars(struct str s) {
    size_t bad;
    return str_is_utf8(s, &bad) ? s : str_slice(s, 0, bad);
}

struct str text_summary(struct markdown_doc *d) {
    struct str lead = buf_view(&d->m->lead);
    if (!d->more && d->lead_first) lead.len = d->lead_first;
    return shorten(d, str_trim(whole_chars(lead)), MARKDOWN_SUMMARY_CHARS);
}

static void append_heading_text(struct buf *b, cmark_node *node) {
    switch (cmark_node_get_type(node)) {
    case CMARK_NODE_TEXT:
    case CMARK_NODE_CODE:
        buf_cstr(b, cmark_node_get_literal(node));
        break;
    case CMARK_NODE_SOFTBREAK:
    case CMARK_NODE_LINEBREAK:
        buf_char(b, ' ');
        break;
    default:
        break;
    }
}

static void heading_text(struct buf *b, cmark_node *heading) {
    cmark_node *n = cmark_node_first_child(heading);
    buf_reset(b);
    while (n) {
        append_heading_text(b, n);
        cmark_node *next = cmark_node_first_child(n);
        while (!next && n != heading && !(next = cmark_node_next(n))) {
            n = cmark_node_parent(n);
            if (n == heading) break;
        }
        n = next;
    }
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

/* Sets b to the slug of s: lower case, blanks as hyphens, letters and digits kept. */
static void make_slug(struct buf *b, const char *s) {
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

static unsigned hash_of(const char *s) {
    unsigned h = 2166136261u;
    for (; *s; s++) h = (h ^ (unsigned char)*s) * 16777619u;
    return h;
}

static struct slug *slug_slot(struct markdown_doc *d, const char *id, unsigned hash) {
    size_t i = hash & (d->slugs_size - 1);
    while (
        d->slugs[i].id && (d->slugs[i].hash != hash || strcmp(d->slugs[i].id, id) != 0))
        i = (i + 1) & (d->slugs_size - 1);
    return &d->slugs[i];
}

static void slugs_grow(struct markdown_doc *d) {
    struct slug *old = d->slugs;
    size_t size = d->slugs_size;
    if (d->n_slugs * 2 < size) return;
    d->slugs_size = size ? size * 2 : 16;
    d->slugs = memory_take(&d->m->memory, d->slugs_size * sizeof(*d->slugs));
    for (size_t i = 0; i < size; i++)
        if (old[i].id) *slug_slot(d, old[i].id, old[i].hash) = old[i];
}

static const char *slug_add(struct markdown_doc *d, const char *id) {
    slugs_grow(d);
    unsigned hash = hash_of(id);
    struct slug *slot = slug_slot(d, id, hash);
    if (slot->id) return slot->id;
    size_t size = strlen(id) + 1;
    char *copy = memory_take(&d->m->memory, size);
    memcpy(copy, id, size);
    *slot = (struct slug){copy, hash, 1};
    d->n_slugs++;
    return copy;
}

static bool slug_known(struct markdown_doc *d, const char *id, struct slug **slot) {
    slugs_grow(d);
    *slot = slug_slot(d, id, hash_of(id));
    return (*slot)->id != NULL;
}

/* b holds the slug; appends -1, -2 ... until the id is free. */
static const char *slug_unique(struct markdown_doc *d, struct buf *b) {
    struct slug *base, *slot;
    if (!slug_known(d, b->ptr, &base)) return slug_add(d, b->ptr);
    size_t len = b->len;
    unsigned n = base->next;
    do {
        b->len = len;
        buf_printf(b, "-%u", n++);
    } while (slug_known(d, b->ptr, &slot));
    const char *id = slug_add(d, b->ptr);
    b->ptr[len] = '\0';
    slug_known(d, b->ptr, &base); /* the table may have moved */
    base->next = n;
    return id;
}

static void add_to_toc(
    struct markdown_doc *d, int level, const char *id, struct buf *text) {
    json_t *entry = json_object();
    json_set_int(entry, "level", level);
    json_set_str(entry, "id", id);
    json_set_text(entry, "text", str_trim(buf_view(text)));
    size_t len = text->len;
    buf_printf(text, "#%s", id);
    json_set_str(entry, "url", text->ptr + len);
    json_array_append_new(d->m->toc, entry);
}

const char *text_heading(struct markdown_doc *d, cmark_node *heading) {
    struct buf *text = &d->m->scratch, *slug = &d->m->slug;
    heading_text(text, heading);
    if (d->features.footnotes) text_repair(text);
    if (!text->len) buf_cstr(text, "");
    make_slug(slug, text->ptr ? text->ptr : "");
    if (!slug->len) buf_cstr(slug, "section");
    const char *id = slug_unique(d, slug);
    json_array_append_new(d->m->ids, json_string_nocheck(id));
    int level = cmark_node_get_heading_level(heading);
    if (level == 2 || level == 3) add_to_toc(d, level, id, text);
    return id;
}

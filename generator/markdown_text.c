/* Text taken out of a document: ids, table of contents, summary, word count. */
#include "generator/markdown_internal.h"
#include <string.h>
#include "model/prose.h"

#define LEAD_MAX 4096

void text_words(struct markdown_doc *d, const char *s, size_t len) {
    d->words += prose_words(s, len, &d->in_word);
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

/* The cap on the lead may have cut a character in two. */
static struct str whole_chars(struct str s) {
    size_t bad;
    return str_is_utf8(s, &bad) ? s : str_slice(s, 0, bad);
}

struct str text_summary(struct markdown_doc *d) {
    struct str lead = buf_view(&d->m->lead);
    if (!d->more && d->lead_first) lead.len = d->lead_first;
    return prose_shorten(
        &d->m->scratch, str_trim(whole_chars(lead)), MARKDOWN_SUMMARY_CHARS);
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
    prose_slug(slug, text->ptr ? text->ptr : "");
    if (!slug->len) buf_cstr(slug, "section");
    const char *id = slug_unique(d, slug);
    json_array_append_new(d->m->ids, json_string_nocheck(id));
    int level = cmark_node_get_heading_level(heading);
    if (level == 2 || level == 3) add_to_toc(d, level, id, text);
    return id;
}

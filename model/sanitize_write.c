/* From libxml2's tree, as it walks it, to the HTML that is published: only what the
 * list names, nested as a browser's parser would nest it. */
#include "base/html.h"
#include "model/prose.h"
#include "model/sanitize_internal.h"

#define LEAD_MAX 4096

static const char text_special[256] = {[0 ... 8] = 1,
    [0x0B ... 0x1F] = 1,
    ['"'] = 1,
    ['&'] = 1,
    ['\''] = 1,
    ['<'] = 1,
    ['>'] = 1,
    [0x7F] = 1,
    [0xC2] = 1};

/* One special byte, or the two of U+0080 to U+009F; how many were used up. */
static size_t write_special(struct buf *b, const char *s, size_t left) {
    unsigned char c = (unsigned char)*s;
    if (c == 0xC2) {
        bool control = left > 1 && (unsigned char)s[1] < 0xA0;
        if (!control) buf_char(b, *s);
        return control ? 2 : 1;
    }
    if (c == '\r')
        buf_char(b, '\n');
    else if (c >= ' ' && c != 0x7F)
        buf_html(b, (struct str){s, 1});
    return 1;
}

void write_text(struct buf *b, const char *s, size_t len) {
    size_t from = 0, i = 0;
    while (i < len) {
        if (!text_special[(unsigned char)s[i]]) {
            i++;
            continue;
        }
        buf_append(b, s + from, i - from);
        i += write_special(b, s + i, len - i);
        from = i;
    }
    buf_append(b, s + from, len - from);
}

/* The innermost entry that stands in the output; NULL at the top. */
static struct entry *inmost(struct sanitize_run *r) {
    for (size_t i = r->n; i; i--)
        if (r->stack[i - 1].state == OPEN) return &r->stack[i - 1];
    return NULL;
}

static bool is_around_cells(const struct entry *in) {
    if (!in) return false;
    return (in->e->traits & (TABLE | ROW)) ||
           ((in->e->traits & SECTION) && !(in->e->traits & SCOPE));
}

static bool push(struct sanitize_run *r, struct entry entry) {
    r->deep |= r->n == SANITIZE_MAX_DEPTH;
    if (!r->deep) r->stack[r->n++] = entry;
    return !r->deep;
}

/* Words do not go on across the edges of blocks, whether or not these are written. */
static void end_word(struct sanitize_run *r, const struct element *e, bool written) {
    if (!(e->traits & BREAK)) return;
    r->gap = !written && (r->gap || r->in_word);
    r->in_word = false;
    struct buf *text = r->heading ? &r->s->heading : &r->s->lead;
    if (text->len && text->ptr[text->len - 1] != ' ') buf_char(text, ' ');
}

static void heading_begin(struct sanitize_run *r, const struct element *e) {
    r->heading = e;
    r->heading_at = r->s->html.len;
    buf_reset(&r->s->heading);
}

/* The id stands before what it is made of. */
static void heading_end(struct sanitize_run *r) {
    struct buf *b = &r->s->html, *id = &r->s->scratch;
    const char *name = heading_note(r, r->heading->name[1] - '0');
    size_t tail = b->len - r->heading_at;
    buf_reset(id);
    buf_cstr(id, " id=\"");
    buf_html(id, str_from(name));
    buf_char(id, '"');
    r->heading = NULL;
    if (!buf_append(b, id->ptr, id->len)) return;
    char *at = b->ptr + r->heading_at;
    memmove(at + id->len, at, tail);
    memcpy(at, id->ptr, id->len);
}

static void shut(struct sanitize_run *r, struct entry *entry) {
    const struct element *e = entry->e;
    if (e) end_word(r, e, entry->state != UNWRAPPED || e->fate == VOID);
    if (entry->state != OPEN) return;
    entry->state = CLOSED;
    if (e == r->heading) heading_end(r);
    if (e->attributes & 1u << ATT_HREF) r->links--;
    buf_cstr(&r->s->html, "</");
    buf_cstr(&r->s->html, e->name);
    buf_char(&r->s->html, '>');
}

static bool open_implied(struct sanitize_run *r, const char *name) {
    struct entry entry = {element_find(str_from(name)), OPEN, true};
    buf_printf(&r->s->html, "<%s>", name);
    return push(r, entry);
}

/* Ends our own entries on top as long as they are of one of the kinds. */
static void close_implied(struct sanitize_run *r, unsigned kinds) {
    while (
        r->n && r->stack[r->n - 1].implied && (r->stack[r->n - 1].e->traits & kinds)) {
        shut(r, &r->stack[r->n - 1]);
        r->n--;
    }
}

/* Makes room for a part of a table, with the parts that may be left out in between. */
static bool fits_table(struct sanitize_run *r, const struct element *e) {
    if (e->traits & SECTION) close_implied(r, SECTION | ROW);
    if (e->traits & ROW) close_implied(r, ROW);
    struct entry *in = inmost(r);
    if (!is_around_cells(in)) return false;
    unsigned around = in->e->traits;
    if (e->traits & SECTION) return around & TABLE;
    if (around & TABLE) {
        if (!open_implied(r, "tbody")) return false;
        around = SECTION;
    }
    if (e->traits & ROW) return around & SECTION;
    return (around & ROW) || open_implied(r, "tr");
}

static bool fits(struct sanitize_run *r, const struct element *e) {
    if (e->parent == IN_TABLE) return fits_table(r, e);
    const struct entry *in = inmost(r);
    if (is_around_cells(in)) return false;
    if ((e->traits & BLOCK) && r->heading) return false;
    if ((e->attributes & 1u << ATT_HREF) && r->links) return false;
    switch (e->parent) {
    case IN_LIST:
        return in && (in->e->traits & LIST);
    case IN_DL:
        return in && !strcmp(in->e->name, "dl");
    case IN_RUBY:
        return in && !strcmp(in->e->name, "ruby");
    default:
        return true;
    }
}

/* And a heading right inside another ends that one. */
static void close_heading(struct sanitize_run *r) {
    struct entry *in = inmost(r);
    if (in && in->e == r->heading) shut(r, in);
}

/* A browser ends the paragraph, and all in it, when a block begins. */
static void close_paragraph(struct sanitize_run *r) {
    size_t i = r->n;
    for (; i; i--) {
        const struct entry *entry = &r->stack[i - 1];
        if (entry->state != OPEN) continue;
        if (entry->e->traits & SCOPE) return;
        if (!strcmp(entry->e->name, "p")) break;
    }
    if (!i) return;
    for (size_t k = r->n; k >= i; k--) shut(r, &r->stack[k - 1]);
}

static bool write_open(
    struct sanitize_run *r, const struct element *e, const char *const *attributes) {
    struct buf *b = &r->s->html;
    size_t len = b->len;
    buf_char(b, '<');
    buf_cstr(b, e->name);
    size_t after_name = b->len;
    if (!write_attributes(r, b, e, attributes)) {
        b->len = len;
        return false;
    }
    buf_char(b, '>');
    if (!(e->traits & HEADING)) return true;
    heading_begin(r, e);
    r->heading_at = after_name;
    return true;
}

static bool on_open(void *ctx, const char *name, const char *const *attributes) {
    struct sanitize_run *r = ctx;
    const struct element *e = element_find(str_from(name));
    if (e && (e->as || (e->fate != KEEP && e->fate != VOID))) e = NULL;
    struct entry entry = {e, UNWRAPPED, false};
    if (e && (e->traits & HEADING)) close_heading(r);
    bool fit = e && fits(r, e);
    if (fit && (e->traits & HEADING) && ++r->headings > SANITIZE_MAX_HEADINGS)
        return false;
    if (e) end_word(r, e, fit);
    if (fit) {
        if (e->traits & BLOCK) close_paragraph(r);
        if (write_open(r, e, attributes)) entry.state = OPEN;
        if (e->fate == VOID) entry.state = UNWRAPPED;
        if (entry.state == OPEN && e->attributes & 1u << ATT_HREF) r->links++;
    }
    return !r->deep && push(r, entry);
}

static void on_close(void *ctx, const char *name) {
    struct sanitize_run *r = ctx;
    (void)name;
    close_implied(r, ~0u);
    if (!r->n) return;
    shut(r, &r->stack[r->n - 1]);
    r->n--;
}

static bool is_blank(const char *s, size_t len) {
    for (size_t i = 0; i < len; i++)
        if (!strchr(" \n\t\r", s[i]) || !s[i]) return false;
    return true;
}

/* Runs of blanks count as one; none at the beginning. */
static void put_collapsed(struct buf *b, const char *s, size_t len, size_t max) {
    for (size_t i = 0, n; i < len && b->len < max; i += n) {
        bool blank = (unsigned char)s[i] <= ' ';
        for (n = 1; i + n < len && ((unsigned char)s[i + n] <= ' ') == blank; n++) {
        }
        if (!blank)
            buf_append(b, s + i, n < max - b->len ? n : max - b->len);
        else if (b->len && b->ptr[b->len - 1] != ' ')
            buf_char(b, ' ');
    }
}

static void on_text(void *ctx, const char *s, size_t len) {
    struct sanitize_run *r = ctx;
    if (is_around_cells(inmost(r))) {
        if (!is_blank(s, len)) {
            drop_text(r);
            return;
        }
    }
    if (r->gap && len && (unsigned char)*s > ' ') buf_char(&r->s->html, ' ');
    r->gap = false;
    write_text(&r->s->html, s, len);
    r->out->words += prose_words(s, len, &r->in_word);
    if (r->heading)
        put_collapsed(&r->s->heading, s, len, (size_t)-1);
    else if (r->s->lead.len < LEAD_MAX)
        put_collapsed(&r->s->lead, s, len, LEAD_MAX);
}

bool sanitize_write(struct sanitize_run *r) {
    static const struct html_events events = {on_open, on_close, on_text};
    enum html_outcome outcome = html_parse(buf_view(&r->s->text), &events, r);
    struct diag_place whole = DIAG_FILE(r->o->file);
    if (r->deep)
        diag_add(r->diags, DIAG_ERROR, whole,
            "the HTML is nested too deep; the limit is %u elements",
            SANITIZE_MAX_DEPTH);
    else if (r->headings > SANITIZE_MAX_HEADINGS)
        diag_add(r->diags, DIAG_ERROR, whole,
            "the HTML has more headings than a post may have; the limit is %u",
            SANITIZE_MAX_HEADINGS);
    else if (outcome != HTML_READ)
        diag_add(r->diags, DIAG_ERROR, whole,
            "the HTML cannot be read to its end; expected well-formed HTML");
    else if (r->s->html.full)
        diag_add(r->diags, DIAG_ERROR, whole,
            "the HTML becomes larger than %u MiB, the limit, when it is made safe",
            SANITIZE_MAX_OUT / 1024 / 1024);
    return !r->deep && outcome == HTML_READ && !r->s->html.full;
}

/* From what editors send to tags that libxml2 and a browser cannot read differently:
 * tokens by the rules of browsers, written again without any ambiguity. */
#include "model/sanitize_internal.h"

#define NAME_MAX_BYTES 32

struct reader {
    struct sanitize_run *r;
    struct buf *b;
    const char *from, *p, *end;
    struct str skipped; /* name of the element that goes with its content */
    unsigned skip;      /* how many of them are open */
};
struct tag {
    char bytes[NAME_MAX_BYTES];
    struct str name; /* lower case; of a name too long, its beginning */
    size_t at;
    bool whole, self_closing;
    const struct element *e;
};

static bool is_letter(char c) {
    return (c | 32) >= 'a' && (c | 32) <= 'z';
}

static bool is_space(char c) {
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

/* Lower case into `bytes`; names that do not fit are on no list. */
static struct str small_name(struct str name, char bytes[NAME_MAX_BYTES]) {
    size_t n = name.len < NAME_MAX_BYTES ? name.len : NAME_MAX_BYTES;
    for (size_t i = 0; i < n; i++) {
        char c = name.ptr[i];
        bytes[i] = c >= 'A' && c <= 'Z' ? (char)(c | 32) : c;
    }
    return (struct str){bytes, n};
}

static bool ends_name(char c) {
    return is_space(c) || c == '/' || c == '>';
}

static void read_name(struct reader *d, struct tag *t) {
    const char *start = d->p;
    while (d->p < d->end && !ends_name(*d->p)) d->p++;
    struct str name = {start, (size_t)(d->p - start)};
    t->name = small_name(name, t->bytes);
    t->whole = name.len < NAME_MAX_BYTES;
    t->e = t->whole ? element_find(t->name) : NULL;
}

/* Text of an attribute: entities stay as they are, libxml2 reads them. */
static void put_value(struct buf *b, struct str value) {
    size_t from = 0;
    for (size_t i = 0; i < value.len; i++) {
        char c = value.ptr[i];
        if (c != '"' && c != '<' && c != '>') continue;
        buf_append(b, value.ptr + from, i - from);
        buf_cstr(b, c == '"' ? "&quot;" : c == '<' ? "&lt;" : "&gt;");
        from = i + 1;
    }
    buf_append(b, value.ptr + from, value.len - from);
}

/* After the `=`.  False: the text ends first. */
static bool read_value(struct reader *d, struct str *value) {
    while (d->p < d->end && is_space(*d->p)) d->p++;
    if (d->p == d->end) return false;
    char quote = *d->p;
    if (quote == '"' || quote == '\'') {
        const char *start = ++d->p;
        const char *stop = memchr(start, quote, (size_t)(d->end - start));
        if (!stop) return false;
        *value = (struct str){start, (size_t)(stop - start)};
        d->p = stop + 1;
        return true;
    }
    const char *start = d->p;
    while (d->p < d->end && !is_space(*d->p) && *d->p != '>') d->p++;
    *value = (struct str){start, (size_t)(d->p - start)};
    return d->p < d->end;
}

static bool read_attribute(struct reader *d, struct str *name, struct str *value) {
    const char *start = d->p++; /* a `=` in front belongs to the name */
    while (d->p < d->end && !ends_name(*d->p) && *d->p != '=') d->p++;
    *name = (struct str){start, (size_t)(d->p - start)};
    *value = (struct str){"", 0};
    while (d->p < d->end && is_space(*d->p)) d->p++;
    if (d->p == d->end) return false;
    if (*d->p != '=') return true;
    d->p++;
    return read_value(d, value);
}

static void put_attribute(struct reader *d, struct tag *t, struct str name,
    struct str value, unsigned *seen) {
    char bytes[NAME_MAX_BYTES];
    struct str small = small_name(name, bytes);
    int id = attribute_find(small);
    if (id >= 0 && !(*seen & 1u << id) && (t->e->attributes & 1u << id)) {
        *seen |= 1u << id;
        buf_printf(d->b, " %s=\"", attribute_names[id]);
        put_value(d->b, value);
        buf_char(d->b, '"');
        return;
    }
    bool own =
        attribute_is_ours(small) || ((t->e->traits & HEADING) && str_is(small, "id"));
    if (!own) drop_attribute(d->r, small, t->name, t->at);
}

/* Up to and with the `>`, appending to b when the tag is kept.  False: the text ends
 * within. */
static bool read_attributes(struct reader *d, struct tag *t, bool keep) {
    unsigned seen = 0;
    struct str name, value;
    while (d->p < d->end) {
        char c = *d->p;
        if (c == '>') {
            t->self_closing = d->p[-1] == '/';
            d->p++;
            return true;
        }
        if (is_space(c) || c == '/') {
            d->p++;
            continue;
        }
        if (!read_attribute(d, &name, &value)) break;
        if (keep) put_attribute(d, t, name, value, &seen);
    }
    d->p = d->end;
    return false;
}

/* Past the end tag of an element whose content is no markup. */
static void skip_raw(struct reader *d, const struct tag *t) {
    const char *p = d->p;
    size_t n = t->name.len;
    d->p = d->end;
    while ((p = memchr(p, '<', (size_t)(d->end - p)))) {
        p++;
        if ((size_t)(d->end - p) < n + 2 || *p != '/') continue;
        char bytes[NAME_MAX_BYTES];
        struct str name = small_name((struct str){p + 1, n}, bytes);
        if (!str_equal(name, t->name) || !ends_name(p[1 + n])) continue;
        d->p = p + 1 + n;
        struct tag closing = {.at = t->at};
        read_attributes(d, &closing, false);
        return;
    }
}

static void skip_open(struct reader *d, const struct tag *t) {
    if (t->self_closing && (str_is(t->name, "svg") || str_is(t->name, "math"))) return;
    d->skipped = str_from(t->e->name);
    d->skip++;
}

static void leave_out(struct reader *d, const struct tag *t) {
    if (!d->skip) drop_element(d->r, t->name, t->at);
    if (!t->e) return;
    if (t->e->fate == RAW && str_is(t->name, "plaintext"))
        d->p = d->end;
    else if (t->e->fate == RAW)
        skip_raw(d, t);
    else if (t->e->fate == WITH_CONTENT && (!d->skip || str_equal(d->skipped, t->name)))
        skip_open(d, t);
}

static void put_open(struct reader *d, struct tag *t) {
    buf_printf(d->b, "<%s", t->e->as ? t->e->as : t->e->name);
    if (t->e->attributes & (1u << ATT_HREF | 1u << ATT_SRC))
        buf_printf(d->b, " " PLACE_ATTRIBUTE "=\"%zu\"", t->at);
}

static void read_open(struct reader *d) {
    struct tag t = {.at = (size_t)(d->p - 1 - d->from)};
    size_t len = d->b->len;
    read_name(d, &t);
    bool keep = !d->skip && t.e && (t.e->fate == KEEP || t.e->fate == VOID);
    if (keep) put_open(d, &t);
    if (!read_attributes(d, &t, keep)) {
        d->b->len = len;
        if (!d->skip) drop_element(d->r, t.name, t.at);
    } else if (!keep) {
        leave_out(d, &t);
    } else {
        buf_char(d->b, '>');
        /* libxml2 knows the elements of HTML 4 only. */
        if (str_is(t.name, "wbr")) buf_cstr(d->b, "</wbr>");
    }
}

static void read_close(struct reader *d) {
    struct tag t = {.at = (size_t)(d->p - 2 - d->from)};
    read_name(d, &t);
    if (!read_attributes(d, &t, false)) return;
    if (d->skip) {
        if (str_equal(t.name, d->skipped)) d->skip--;
    } else if (t.e && t.e->fate == KEEP)
        buf_printf(d->b, "</%s>", t.e->as ? t.e->as : t.e->name);
}

static void skip_past(struct reader *d, const char *needle) {
    const char *hit = memmem(d->p, (size_t)(d->end - d->p), needle, strlen(needle));
    d->p = hit ? hit + strlen(needle) : d->end;
}

static bool starts(const struct reader *d, const char *prefix) {
    return str_starts((struct str){d->p, (size_t)(d->end - d->p)}, prefix);
}

/* After `<!--`.  `>` and `->` end it at once; later `-->` or `--!>` does. */
static void skip_comment(struct reader *d) {
    size_t at = (size_t)(d->p - d->from) - 4;
    if (starts(d, ">") || starts(d, "->")) {
        skip_past(d, ">");
        return;
    }
    for (;;) {
        skip_past(d, "--");
        if (d->p == d->end) break;
        while (*d->p == '-' && d->p + 1 < d->end) d->p++;
        if (starts(d, ">") || starts(d, "!>")) {
            skip_past(d, ">");
            return;
        }
    }
    if (!d->skip) drop_element(d->r, STR("!--"), at); /* with all the rest */
}

/* After a `<`. */
static void read_markup(struct reader *d) {
    if (d->p < d->end && is_letter(*d->p)) {
        read_open(d);
    } else if (d->p + 1 < d->end && *d->p == '/' && is_letter(d->p[1])) {
        d->p++;
        read_close(d);
    } else if (starts(d, "!--")) {
        d->p += 3;
        skip_comment(d);
    } else if (d->p + 1 < d->end && strchr("!?/", *d->p)) {
        skip_past(d, ">");
    } else if (!d->skip) {
        buf_cstr(d->b, "&lt;");
    }
}

void sanitize_read(struct sanitize_run *r) {
    struct reader d = {.r = r,
        .b = &r->s->text,
        .from = r->source.ptr,
        .p = r->source.ptr,
        .end = r->source.ptr + r->source.len};
    while (d.p < d.end && !d.b->full) {
        const char *lt = memchr(d.p, '<', (size_t)(d.end - d.p));
        if (!lt) lt = d.end;
        if (!d.skip) buf_append(d.b, d.p, (size_t)(lt - d.p));
        d.p = lt;
        if (d.p == d.end) return;
        d.p++;
        read_markup(&d);
    }
}

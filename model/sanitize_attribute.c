/* The attributes of one tag, each by the rule of its value. */
#include "model/sanitize_internal.h"
#include <ctype.h>

#define REL " rel=\"noopener nofollow ugc\""
#define LAZY " loading=\"lazy\" decoding=\"async\""

struct writing {
    struct sanitize_run *r;
    struct buf *b;
    const struct element *e;
    size_t at; /* of the tag in the source */
    bool external, alt, refused, has_address;
    unsigned width, height; /* by `resolve` */
    unsigned seen;
};

static bool only(struct str s, const char *allowed, size_t max) {
    for (size_t i = 0; i < s.len; i++)
        if (!isalnum((unsigned char)s.ptr[i]) && !strchr(allowed, s.ptr[i]))
            return false;
    return s.len && s.len <= max;
}

static bool is_number(struct str s, unsigned max) {
    unsigned n = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (!isdigit((unsigned char)s.ptr[i]) || i == 5) return false;
        n = n * 10 + (unsigned)(s.ptr[i] - '0');
    }
    return n >= 1 && n <= max;
}

static bool is_one_of(struct str s, const char *const *words) {
    for (; *words; words++)
        if (str_is(s, *words)) return true;
    return false;
}

static bool is_integer(struct str s) {
    if (str_starts(s, "-")) s = str_slice(s, 1, s.len);
    return str_is(s, "0") || is_number(s, 99999);
}

/* The one class there may be; what else stands beside it is refused. */
static struct str language_class(struct str classes, bool *others) {
    struct str part, found = {0};
    for (size_t i = 0; i < classes.len; i += part.len + 1) {
        size_t n = i;
        while (n < classes.len && !isspace((unsigned char)classes.ptr[n])) n++;
        part = str_slice(classes, i, n);
        struct str language = str_slice(part, strlen("language-"), part.len);
        bool fits = str_starts(part, "language-") && only(language, "_+#.-", 40);
        if (fits && !found.len)
            found = part;
        else
            *others |= part.len > 0;
    }
    return found;
}

static bool value_fits(enum attribute_id id, struct str v) {
    static const char *const dirs[] = {"ltr", "rtl", "auto", NULL};
    static const char *const scopes[] = {"row", "col", "rowgroup", "colgroup", NULL};
    static const char *const types[] = {"1", "a", "A", "i", "I", NULL};
    switch (id) {
    case ATT_LANG:
        return only(v, "-", 35);
    case ATT_DIR:
        return is_one_of(v, dirs);
    case ATT_SCOPE:
        return is_one_of(v, scopes);
    case ATT_TYPE:
        return is_one_of(v, types);
    case ATT_COLSPAN:
    case ATT_ROWSPAN:
        return is_number(v, 1000);
    case ATT_WIDTH:
    case ATT_HEIGHT:
        return is_number(v, 99999);
    case ATT_START:
    case ATT_VALUE:
        return is_integer(v);
    case ATT_DATETIME:
        return only(v, " :+-.", 40);
    default:
        return true;
    }
}

static void refuse(struct writing *w, enum attribute_id id) {
    drop_attribute(w->r, str_from(attribute_names[id]), str_from(w->e->name), w->at);
}

static void put(struct buf *b, enum attribute_id id, struct str v) {
    buf_printf(b, " %s=\"", attribute_names[id]);
    write_text(b, v.ptr, v.len);
    buf_char(b, '"');
}

static void refuse_address(struct writing *w, enum attribute_id id) {
    drop_address(w->r, attribute_names[id], w->e->name, w->at);
    w->refused = true;
}

static void put_address(struct writing *w, enum attribute_id id, struct str v) {
    const struct sanitize_options *o = w->r->o;
    struct buf *address = &w->r->s->address;
    bool image = id == ATT_SRC;
    if (!address_clean(address, v, image)) {
        refuse_address(w, id);
        return;
    }
    if (o->resolve) {
        struct link_target t =
            o->resolve(o->ctx, buf_view(address), image, place_of(w->r, w->at));
        w->width = t.width;
        w->height = t.height;
        if (t.url && !address_clean(address, str_from(t.url), image)) {
            w->refused = true; /* whoever gave it knows */
            return;
        }
    }
    w->has_address = true;
    w->external = !image && address_is_external(buf_view(address));
    buf_printf(w->b, " %s=\"", attribute_names[id]);
    address_write(w->b, buf_view(address));
    buf_char(w->b, '"');
}

static void put_attribute(struct writing *w, enum attribute_id id, const char *value) {
    struct str v = str_from(value ? value : "");
    bool others = false;
    w->seen |= 1u << id;
    switch (id) {
    case ATT_HREF:
    case ATT_SRC:
        put_address(w, id, v);
        return;
    case ATT_OPEN:
    case ATT_REVERSED:
        put(w->b, id, STR(""));
        return;
    case ATT_CLASS:
        v = language_class(v, &others);
        if (others) refuse(w, id);
        if (v.len) put(w->b, id, v);
        return;
    default:
        break;
    }
    if (id != ATT_TITLE && id != ATT_ALT) v = str_trim(v);
    if (value_fits(id, v))
        put(w->b, id, v);
    else
        refuse(w, id);
}

static void put_ours(struct writing *w) {
    bool image = w->e->attributes & 1u << ATT_SRC;
    bool sized = w->seen & (1u << ATT_WIDTH | 1u << ATT_HEIGHT);
    if (w->external) buf_cstr(w->b, REL);
    if (!image) return;
    if (!(w->seen & 1u << ATT_ALT)) buf_cstr(w->b, " alt=\"\"");
    if (!sized && w->width && w->height)
        buf_printf(w->b, " width=\"%u\" height=\"%u\"", w->width, w->height);
    buf_cstr(w->b, LAZY);
}

bool write_attributes(struct sanitize_run *r, struct buf *b, const struct element *e,
    const char *const *attributes) {
    struct writing w = {.r = r, .b = b, .e = e, .at = AT_UNKNOWN};
    size_t len = b->len;
    bool needs = e->attributes & (1u << ATT_HREF | 1u << ATT_SRC);
    for (; *attributes; attributes += 2) {
        const char *value = attributes[1];
        if (!strcmp(*attributes, PLACE_ATTRIBUTE)) {
            if (value) w.at = strtoul(value, NULL, 10);
            continue;
        }
        int id = attribute_find(str_from(*attributes));
        if (id >= 0 && (e->attributes & 1u << id) && !(w.seen & 1u << id))
            put_attribute(&w, (enum attribute_id)id, value);
    }
    if (needs && !w.has_address) {
        b->len = len;
        if (!w.refused && (e->attributes & 1u << ATT_SRC))
            drop_element(r, str_from(e->name), w.at);
        return false;
    }
    put_ours(&w);
    return true;
}

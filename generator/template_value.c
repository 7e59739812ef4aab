/* Mustache: looking names up, writing values, and the errors of rendering. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "generator/template_render.h"

enum { NOTES_MAX = 8, SUGGEST_MAX = 2000 };

/* ---- errors ---- */

static bool place_has_error(const struct diag_list *l, struct diag_place place) {
    for (const struct diag *d = l->first; d; d = d->next)
        if (d->level == DIAG_ERROR && d->place.line == place.line &&
            d->place.col == place.col && d->place.file && place.file &&
            strcmp(d->place.file, place.file) == 0 &&
            strcmp(d->tenant ? d->tenant : "", l->tenant ? l->tenant : "") == 0)
            return true;
    return false;
}

static void note_chain(struct diag_list *l, const struct frame *f) {
    unsigned left = NOTES_MAX;
    const struct node *last = NULL;
    for (; f->caller; f = f->caller) {
        struct diag_place place = template_place(f->caller->t, f->site->at);
        if (f->site == last) continue; /* a template that includes itself */
        last = f->site;
        if (left-- == 0) {
            diag_note(l, place, "and so on");
            return;
        }
        if (f->site->kind == NODE_BLOCK)
            diag_note(
                l, place, "as block \"" STR_FMT "\" from here", STR_ARG(f->site->name));
        else
            diag_note(l, place, "included from here");
    }
}

/* One error for a place, however often the place is rendered. */
void render_error(struct render *r, const struct frame *f, const struct node *node,
    const char *fmt, ...) {
    struct diag_place place = template_place(f->t, node->at);
    r->failed = true;
    if (place_has_error(r->env->diags, place)) return;
    struct buf message;
    buf_init(&message, 0);
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(&message, fmt, ap);
    va_end(ap);
    diag_add(r->env->diags, DIAG_ERROR, place, "%s", message.ptr);
    buf_dispose(&message);
    note_chain(r->env->diags, f);
}

void render_full(struct render *r, const struct frame *f, const struct node *node) {
    if (!r->stop)
        render_error(r, f, node, "the output is larger than %zu bytes", r->out->max);
    r->failed = r->stop = true;
}

const char *value_kind(const json_t *v) {
    switch (json_typeof(v)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "a list";
    case JSON_STRING:
        return "text";
    case JSON_NULL:
        return "null";
    case JSON_TRUE:
    case JSON_FALSE:
        return "true or false";
    default:
        return "a number";
    }
}

/* ---- names ---- */

static json_t *find_first(const struct render *r, struct str part) {
    for (size_t i = r->n; i-- > 0;) {
        if (!json_is_object(r->stack[i])) continue;
        json_t *v = json_object_getn(r->stack[i], part.ptr, part.len);
        if (v) return v;
    }
    return NULL;
}

json_t *name_find(const struct render *r, const struct node *node) {
    if (node->nparts == 0) return r->n ? r->stack[r->n - 1] : NULL;
    json_t *v = find_first(r, node->parts[0]);
    for (unsigned i = 1; v && i < node->nparts; i++)
        v = json_object_getn(v, node->parts[i].ptr, node->parts[i].len);
    return v;
}

static size_t object_names(json_t *obj, const char **names, size_t n) {
    if (!json_is_object(obj)) return n;
    for (void *it = json_object_iter(obj); it && n < SUGGEST_MAX;
         it = json_object_iter_next(obj, it))
        names[n++] = json_object_iter_key(it);
    return n;
}

/* The known name nearest to `part`: in obj, or without it in the whole stack. */
static const char *suggest_name(const struct render *r, json_t *obj, struct str part) {
    const char **names = mem_alloc(SUGGEST_MAX * sizeof *names);
    size_t n = 0;
    if (obj) n = object_names(obj, names, n);
    for (size_t i = r->n; !obj && i-- > 0;) n = object_names(r->stack[i], names, n);
    const char *near = diag_suggest(part, names, n);
    mem_free(names);
    return near;
}

void name_unknown(struct render *r, const struct frame *f, const struct node *node) {
    if (node->nparts == 0) {
        render_error(r, f, node, "there is no current item for {{.}}");
        return;
    }
    json_t *obj = NULL, *v = find_first(r, node->parts[0]);
    unsigned i = 0;
    while (v) {
        obj = v;
        struct str part = node->parts[++i];
        v = json_object_getn(v, part.ptr, part.len);
    }
    struct str part = node->parts[i];
    struct str before = {node->name.ptr, (size_t)(part.ptr - node->name.ptr)};
    if (obj && !json_is_object(obj)) {
        render_error(r, f, node,
            "unknown name \"" STR_FMT "\": \"" STR_FMT "\" is %s and holds no names",
            STR_ARG(node->name), (int)before.len - 1, before.ptr, value_kind(obj));
        return;
    }
    const char *near = suggest_name(r, obj, part);
    const char *rest = part.ptr + part.len;
    if (near)
        render_error(r, f, node,
            "unknown name \"" STR_FMT "\"; did you mean \"" STR_FMT "%s%.*s\"?",
            STR_ARG(node->name), STR_ARG(before), near,
            (int)(node->name.ptr + node->name.len - rest), rest);
    else
        render_error(r, f, node,
            "unknown name \"" STR_FMT "\"; if it may be missing, test it: "
            "{{#" STR_FMT "}}...{{/" STR_FMT "}}",
            STR_ARG(node->name), STR_ARG(node->name), STR_ARG(node->name));
}

/* ---- values ---- */

static bool is_control(unsigned char ch) {
    return ch < ' ' || ch == 127;
}

/* The first byte that has no business in this kind of output, or 0 for none; *found. */
static bool find_forbidden(struct str s, const char *also, char *ch) {
    for (size_t i = 0; i < s.len; i++) {
        *ch = s.ptr[i];
        if (is_control((unsigned char)*ch) || strchr(also, *ch)) return true;
    }
    return false;
}

static void put_checked(struct render *r, const struct frame *f,
    const struct node *node, struct str s, const char *also) {
    char ch;
    if (!find_forbidden(s, also, &ch)) {
        if (!buf_str(r->out, s)) render_full(r, f, node);
        return;
    }
    char name[16];
    snprintf(name, sizeof name, is_control((unsigned char)ch) ? "\\x%02x" : "%c",
        (unsigned)(unsigned char)ch);
    render_error(r, f, node,
        "the value of \"" STR_FMT "\" contains %s \"%s\", which cannot stand in %s",
        STR_ARG(node->name),
        ch == '\n'                      ? "a line break"
        : is_control((unsigned char)ch) ? "the control character"
                                        : "the character",
        ch == '\n' ? "\\n" : name, *also ? "a style sheet" : "this kind of file");
}

static void put_text(
    struct render *r, const struct frame *f, const struct node *node, struct str s) {
    bool ok = true;
    if (node->flags & NODE_RAW) {
        ok = buf_str(r->out, s);
    } else {
        switch (f->escape) {
        case ESCAPE_HTML:
        case ESCAPE_SPEC:
            ok = buf_html(r->out, s);
            break;
        case ESCAPE_JSON:
            ok = buf_json(r->out, s, true);
            break;
        case ESCAPE_CSS:
            put_checked(r, f, node, s, "<{};");
            break;
        case ESCAPE_NONE:
            if (node->flags & NODE_MARKDOWN)
                ok = buf_str(r->out, s);
            else
                put_checked(r, f, node, s, "");
            break;
        }
    }
    if (!ok) render_full(r, f, node);
}

/* The fewest digits that read back as the same number, without an exponent where a
 * person would write none. */
static void real_text(double v, char *text, size_t size) {
    int digits = 1, exponent = 0;
    do snprintf(text, size, "%.*e", digits - 1, v);
    while (strtod(text, NULL) != v && ++digits <= 17);
    const char *e = strchr(text, 'e');
    if (e) exponent = (int)strtol(e + 1, NULL, 10);
    if (v == 0)
        snprintf(text, size, "0");
    else if (exponent >= -7 && exponent < 21)
        snprintf(text, size, "%.*f", digits > exponent ? digits - 1 - exponent : 0, v);
}

struct str value_text(const json_t *v, char *space, size_t size) {
    switch (json_typeof(v)) {
    case JSON_STRING:
        return (struct str){json_string_value(v), json_string_length(v)};
    case JSON_INTEGER:
        snprintf(space, size, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
        break;
    case JSON_REAL:
        real_text(json_real_value(v), space, size);
        break;
    case JSON_TRUE:
        return STR("true");
    case JSON_FALSE:
        return STR("false");
    default:
        return STR("");
    }
    return str_from(space);
}

void render_value(struct render *r, const struct frame *f, const struct node *node) {
    const json_t *v = name_find(r, node);
    bool strict = r->env->strict;
    if (strict && node->flags & NODE_UNSAFE) return; /* reported by enter() */
    if (!v) {
        if (strict && !(node->flags & NODE_TESTED)) name_unknown(r, f, node);
        return;
    }
    if (json_is_array(v) || json_is_object(v)) {
        if (strict)
            render_error(r, f, node,
                "\"" STR_FMT "\" is %s, which has no text; %s {{#" STR_FMT "}}",
                STR_ARG(node->name), value_kind(v),
                json_is_array(v) ? "loop over it with" : "use its names inside",
                STR_ARG(node->name));
        return;
    }
    char space[64];
    put_text(r, f, node, value_text(v, space, sizeof space));
}

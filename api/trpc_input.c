/* Whether a call's input is what its procedure takes. */
#include <stdarg.h>
#include <stdio.h>

#include "api/trpc.h"
#include "base/clock.h"
#include "base/uuid.h"

void trpc_wrong(struct trpc_call *t, const char *field, const char *fmt, ...) {
    char message[256];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(message, sizeof message, fmt, ap);
    va_end(ap);
    if (!t->wrong) t->wrong = json_object();
    json_t *messages = json_object_get(t->wrong, field);
    if (!messages) {
        messages = json_array();
        json_object_set_new(t->wrong, field, messages);
    }
    json_array_append_new(messages, json_string(message));
}

static size_t characters(struct str s) {
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++) n += ((unsigned char)s.ptr[i] & 0xC0) != 0x80;
    return n;
}

static const char *read_text(
    struct trpc_call *t, const struct trpc_field *f, const json_t *v) {
    size_t at;
    bool line = f->type == TRPC_LINE;
    if (!json_is_string(v)) {
        trpc_wrong(t, f->name, "must be a string");
        return NULL;
    }
    struct str s = {json_string_value(v), json_string_length(v)};
    if (line) s = str_trim(s);
    size_t n = characters(s);
    if ((long)n < f->min || (long)n > f->max)
        trpc_wrong(
            t, f->name, "must have %ld to %ld characters, not %zu", f->min, f->max, n);
    else if (str_find_control(s, &at) ||
             (line && s.ptr && memchr(s.ptr, '\n', s.len)) ||
             (line && memchr(s.ptr, '\r', s.len)))
        trpc_wrong(t, f->name,
            line ? "must be one line without control characters"
                 : "must hold no control characters");
    return arena_str(t->input.arena, s);
}

static const char *read_id(
    struct trpc_call *t, const struct trpc_field *f, const json_t *v) {
    struct str s = {json_string_value(v), json_string_length(v)};
    char *id = s.ptr ? uuid_read(t->input.arena, s) : NULL;
    if (!s.ptr)
        trpc_wrong(t, f->name, "must be a string, an id");
    else if (!id)
        trpc_fail(t, 404, "%s", f->missing); /* as if it were nobody's */
    return id;
}

static const char *read_integer(
    struct trpc_call *t, const struct trpc_field *f, const json_t *v) {
    double n = json_number_value(v);
    bool whole = json_is_number(v) && n >= (double)f->min && n <= (double)f->max &&
                 n == (double)(long)n;
    if (!whole) {
        trpc_wrong(
            t, f->name, "must be a whole number from %ld to %ld", f->min, f->max);
        return NULL;
    }
    return arena_printf(t->input.arena, "%ld", (long)n);
}

static const char *read_word(
    struct trpc_call *t, const struct trpc_field *f, const json_t *v) {
    const char *s = json_string_value(v);
    struct buf list;
    for (size_t i = 0; s && f->words[i]; i++)
        if (!strcmp(s, f->words[i])) return f->words[i];
    buf_init(&list, 0);
    for (size_t i = 0; f->words[i]; i++)
        buf_printf(&list, "%s%s", i ? ", " : "", f->words[i]);
    trpc_wrong(t, f->name, "must be one of %s", list.ptr);
    buf_dispose(&list);
    return NULL;
}

static const char *read_date(
    struct trpc_call *t, const struct trpc_field *f, const json_t *v) {
    const char *s = json_string_value(v);
    int64_t when;
    if (s && clock_parse(str_from(s), &when)) return s;
    trpc_wrong(t, f->name, "must be a Date, or a text such as 2026-01-02T03:04:05Z");
    return NULL;
}

/* A type of superjson's that the field does not take. */
static bool is_alien(
    const struct trpc_call *t, const struct trpc_field *f, const json_t *v) {
    const char *type = superjson_type(&t->input, v);
    return type && !(f->type == TRPC_DATE && !strcmp(type, "Date"));
}

static const char *read_field(
    struct trpc_call *t, const struct trpc_field *f, const json_t *v) {
    if (is_alien(t, f, v)) {
        trpc_wrong(t, f->name, "must not be a %s", superjson_type(&t->input, v));
        return NULL;
    }
    switch (f->type) {
    case TRPC_ID:
        return read_id(t, f, v);
    case TRPC_TEXT:
    case TRPC_LINE:
        return read_text(t, f, v);
    case TRPC_INTEGER:
        return read_integer(t, f, v);
    case TRPC_WORD:
        return read_word(t, f, v);
    case TRPC_DATE:
        break;
    }
    return read_date(t, f, v);
}

bool trpc_input_read(struct trpc_call *t) {
    const json_t *in = t->input.json;
    if (in && !json_is_null(in) && !json_is_object(in)) {
        trpc_fail(t, 400, "the input must be an object");
        return false;
    }
    for (const struct trpc_field *f = t->procedure->input; f->name; f++) {
        const json_t *v = json_object_get(in, f->name);
        const char *value = f->otherwise;
        if (v && !json_is_null(v))
            value = read_field(t, f, v);
        else if (f->required)
            trpc_wrong(t, f->name, "is required");
        trpc_add_value(t, value);
    }
    return !t->error && !t->wrong;
}

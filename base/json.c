/* jansson: setting up, looking up, setting, writing.  Text with positions: json_text.c.
 */
#include "base/json.h"
#include "base/mem.h"

#include <string.h>

void json_setup(void) {
    json_set_alloc_funcs(mem_alloc, mem_free);
    json_object_seed(0x5DEECE66);
}

/* jansson's allocator interface passes no context: the arena that the task of this
 * thread lives in. */
static _Thread_local struct arena *task_arena;

static void *task_alloc(size_t size) {
    return arena_take(task_arena, size);
}

static void task_free(void *ptr) {
    (void)ptr;
}

struct arena *json_use_arena(struct arena *a) {
    struct arena *before = task_arena;
    task_arena = a;
    json_set_alloc_funcs(a ? task_alloc : mem_alloc, a ? task_free : mem_free);
    return before;
}

void json_drop(json_t *v) {
    if (!task_arena) json_decref(v);
}

json_t *json_path(const json_t *obj, const char *dotted) {
    struct str rest = str_from(dotted);
    struct str part;
    const json_t *v = obj;
    while (v && str_cut(&rest, '.', &part)) v = json_object_getn(v, part.ptr, part.len);
    return (json_t *)v;
}

const char *json_path_string(const json_t *obj, const char *dotted) {
    return json_string_value(json_path(obj, dotted));
}

bool json_truthy(const json_t *v) {
    if (!v) return false;
    switch (json_typeof(v)) {
    case JSON_NULL:
    case JSON_FALSE:
        return false;
    case JSON_INTEGER:
        return json_integer_value(v) != 0;
    case JSON_REAL:
        return json_real_value(v) != 0.0;
    case JSON_STRING:
        return json_string_length(v) > 0;
    case JSON_ARRAY:
        return json_array_size(v) > 0;
    case JSON_OBJECT:
    case JSON_TRUE:
        break;
    }
    return true;
}

static void write_value(struct buf *b, const json_t *v, int indent, int depth);

static void write_text(struct buf *b, struct str s) {
    buf_char(b, '"');
    buf_json(b, s, false);
    buf_char(b, '"');
}

static void write_break(struct buf *b, int indent, int depth) {
    if (indent <= 0) return;
    buf_char(b, '\n');
    for (int i = 0; i < indent * depth; i++) buf_char(b, ' ');
}

static void write_array(struct buf *b, const json_t *v, int indent, int depth) {
    size_t n = json_array_size(v);
    buf_char(b, '[');
    for (size_t i = 0; i < n; i++) {
        if (i) buf_char(b, ',');
        write_break(b, indent, depth + 1);
        write_value(b, json_array_get(v, i), indent, depth + 1);
    }
    if (n) write_break(b, indent, depth);
    buf_char(b, ']');
}

static void write_object(struct buf *b, const json_t *v, int indent, int depth) {
    json_t *obj = (json_t *)v; /* jansson's iterators are not const-correct */
    bool first = true;
    buf_char(b, '{');
    for (void *it = json_object_iter(obj); it; it = json_object_iter_next(obj, it)) {
        if (!first) buf_char(b, ',');
        first = false;
        write_break(b, indent, depth + 1);
        const char *key = json_object_iter_key(it);
        write_text(b, (struct str){key, json_object_iter_key_len(it)});
        buf_append(b, ": ", indent > 0 ? 2 : 1);
        write_value(b, json_object_iter_value(it), indent, depth + 1);
    }
    if (!first) write_break(b, indent, depth);
    buf_char(b, '}');
}

/* jansson's own number formatting does not depend on the locale. */
static void write_real(struct buf *b, const json_t *v) {
    char text[64];
    size_t n =
        json_dumpb(v, text, sizeof(text), JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
    buf_append(b, text, n <= sizeof(text) ? n : 0);
}

static void write_value(struct buf *b, const json_t *v, int indent, int depth) {
    if (!v) {
        buf_cstr(b, "null");
        return;
    }
    switch (json_typeof(v)) {
    case JSON_NULL:
        buf_cstr(b, "null");
        break;
    case JSON_FALSE:
        buf_cstr(b, "false");
        break;
    case JSON_TRUE:
        buf_cstr(b, "true");
        break;
    case JSON_INTEGER:
        buf_printf(b, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
        break;
    case JSON_REAL:
        write_real(b, v);
        break;
    case JSON_STRING:
        write_text(b, (struct str){json_string_value(v), json_string_length(v)});
        break;
    case JSON_ARRAY:
        write_array(b, v, indent, depth);
        break;
    case JSON_OBJECT:
        write_object(b, v, indent, depth);
        break;
    }
}

void json_write(struct buf *b, const json_t *v, int indent) {
    write_value(b, v, indent, 0);
}

/* The nocheck variants: every text was found to be UTF-8 when it was read. */
void json_set_text(json_t *obj, const char *key, struct str value) {
    json_t *text = json_stringn_nocheck(value.len ? value.ptr : "", value.len);
    json_object_set_new_nocheck(obj, key, text);
}

void json_set_str(json_t *obj, const char *key, const char *value) {
    json_set_text(obj, key, str_from(value));
}

void json_set_int(json_t *obj, const char *key, json_int_t value) {
    json_object_set_new_nocheck(obj, key, json_integer(value));
}

void json_set_bool(json_t *obj, const char *key, bool value) {
    json_object_set_new_nocheck(obj, key, json_boolean(value));
}

void json_share(json_t *obj, const char *key, json_t *value) {
    json_object_set_nocheck(obj, key, value);
}

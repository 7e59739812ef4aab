#include "api/superjson.h"

#include <stdlib.h>

static const char *const names[] = {
    "Date", "bigint", "undefined", "number", "set", "map", "regexp", "URL", "Error"};
#define UNDEFINED "undefined"

void superjson_init(struct superjson *s, struct arena *a) {
    *s = (struct superjson){.arena = a};
}

void superjson_dispose(struct superjson *s) {
    json_decref(s->json);
    map_dispose(&s->types);
    s->json = NULL;
}

/* ---- which value has which type ---- */

const char *superjson_type(const struct superjson *s, const json_t *value) {
    return map_get(&s->types, (struct str){(const char *)&value, sizeof value});
}

void superjson_mark(struct superjson *s, const json_t *value, const char *type) {
    struct str key = {(const char *)&value, sizeof value};
    map_set(&s->types, arena_copy(s->arena, key), (void *)type);
}

json_t *superjson_undefined(struct superjson *s) {
    json_t *v = json_string(""); /* null itself is there once for all */
    superjson_mark(s, v, UNDEFINED);
    return v;
}

/* ---- reading ---- */

struct reading {
    struct superjson *s;
    bool legacy; /* before version 1 a backslash stood for itself */
    const char *why;
};
struct place { /* of a value: its container and its key there */
    json_t *in;
    const char *key; /* of an object */
    size_t index;    /* of an array */
};

static json_t *place_get(const struct reading *r, const struct place *p) {
    if (!p->in) return r->s->json;
    return p->key ? json_object_get(p->in, p->key) : json_array_get(p->in, p->index);
}

static bool step_into(const struct reading *r, struct place *p, const char *part) {
    json_t *in = place_get(r, p);
    char *end;
    *p = (struct place){.in = in};
    if (json_is_object(in)) {
        p->key = part;
        return json_object_get(in, part) != NULL;
    }
    if (!json_is_array(in) || part[0] < '0' || part[0] > '9') return false;
    p->index = strtoul(part, &end, 10);
    return !*end && p->index < json_array_size(in);
}

/* One part of a path, without its escapes.  NULL: a wrong escape. */
static const char *next_part(struct reading *r, const char **rest) {
    struct arena *a = r->s->arena;
    char *part = arena_alloc(a, strlen(*rest) + 1), *to = part;
    const char *p = *rest;
    for (; *p && *p != '.'; p++) {
        bool escape = *p == '\\' && (p[1] == '.' || (p[1] == '\\' && !r->legacy));
        if (*p == '\\' && !escape && !r->legacy) return NULL;
        p += escape;
        *to++ = *p;
    }
    *rest = *p ? p + 1 : NULL;
    return part;
}

static bool follow(struct reading *r, struct place *p, const char *path) {
    while (path) {
        const char *part = next_part(r, &path);
        if (!part || !step_into(r, p, part)) {
            r->why = "meta.values names what is not there";
            return false;
        }
    }
    return true;
}

static bool note(struct reading *r, const struct place *p, const char *type) {
    json_t *v = place_get(r, p);
    const char *known = NULL;
    for (size_t i = 0; type && i < sizeof names / sizeof *names; i++)
        if (!strcmp(type, names[i])) known = names[i];
    bool undefined = known && !strcmp(known, UNDEFINED);
    if (!known || (!undefined && (json_is_null(v) || json_is_boolean(v)))) {
        r->why = "meta.values names a type that is not known, or not that of its value";
        return false;
    }
    if (!undefined) {
        superjson_mark(r->s, v, known);
    } else if (!p->in) {
        json_decref(r->s->json);
        r->s->json = NULL;
    } else if (p->key)
        json_object_del(p->in, p->key);
    else
        json_array_set_new(p->in, p->index, json_null());
    return true;
}

static bool apply(struct reading *r, struct place p, const json_t *tree);

static bool apply_all(struct reading *r, struct place p, const json_t *trees) {
    const char *key;
    json_t *tree;
    json_object_foreach((json_t *)trees, key, tree) {
        struct place at = p;
        if (!follow(r, &at, key) || !apply(r, at, tree)) return false;
    }
    return true;
}

/* [type], [type, {path: tree}] or {path: tree}; the depth is that of JSON (64). */
static bool apply(struct reading *r, struct place p, const json_t *tree) {
    if (json_is_object(tree)) return apply_all(r, p, tree);
    const json_t *inner = json_array_get(tree, 1);
    return (!inner || apply_all(r, p, inner)) &&
           note(r, &p, json_string_value(json_array_get(tree, 0)));
}

bool superjson_read(struct superjson *s, const json_t *payload, const char **why) {
    const json_t *meta = json_object_get(payload, "meta");
    const json_t *values = json_object_get(meta, "values");
    struct reading r = {.s = s,
        .legacy = json_integer_value(json_object_get(meta, "v")) < 1,
        .why = "the input is not superjson's {\"json\": ..., \"meta\": ...}"};
    bool fine = json_is_object(payload) && (!meta || json_is_object(meta)) &&
                (!values || json_is_object(values) || json_is_array(values));
    if (fine) {
        json_decref(s->json);
        s->json = json_deep_copy(json_object_get(payload, "json"));
        fine = !values || apply(&r, (struct place){0}, values);
    }
    *why = r.why;
    return fine;
}

/* ---- writing ---- */

static void put_escaped(struct buf *b, const char *key) {
    for (; *key; key++) {
        if (*key == '.' || *key == '\\') buf_char(b, '\\');
        buf_char(b, *key);
    }
}

/* The tree of the value at `key` becomes part of that of what holds it. */
static void adopt(json_t *trees, const char *key, json_t *tree) {
    struct buf path;
    const char *below;
    json_t *inner;
    if (!tree) return;
    buf_init(&path, 0);
    put_escaped(&path, key);
    buf_cstr(&path, "");
    if (json_is_array(tree)) {
        json_object_set(trees, path.ptr ? path.ptr : "", tree);
    } else {
        size_t len = path.len;
        json_object_foreach(tree, below, inner) {
            path.len = len;
            buf_printf(&path, ".%s", below);
            json_object_set(trees, path.ptr, inner);
        }
    }
    json_decref(tree);
    buf_dispose(&path);
}

static bool is_undefined(const struct superjson *s, const json_t *v) {
    const char *type = superjson_type(s, v);
    return type && !strcmp(type, UNDEFINED);
}

/* What is to be said of v; NULL: nothing.  New reference. */
static json_t *describe(struct superjson *s, json_t *v) {
    const char *type = superjson_type(s, v), *key;
    json_t *trees = json_object(), *child;
    size_t i;
    void *next;
    char number[24];
    json_object_foreach_safe(v, next, key, child) {
        adopt(trees, key, describe(s, child));
        if (is_undefined(s, child)) json_object_set_new(v, key, json_null());
    }
    json_array_foreach(v, i, child) {
        snprintf(number, sizeof number, "%zu", i);
        adopt(trees, number, describe(s, child));
        if (is_undefined(s, child)) json_array_set_new(v, i, json_null());
    }
    bool inner = json_object_size(trees);
    if (inner && !type) return trees;
    json_t *tree = type ? json_pack("[s]", type) : NULL;
    if (inner) json_array_append(tree, trees);
    json_decref(trees);
    return tree;
}

void superjson_write(struct buf *b, struct superjson *s, json_t *value) {
    json_t *trees = describe(s, value);
    buf_cstr(b, "{\"json\":");
    json_write(b, value && !is_undefined(s, value) ? value : json_null(), 0);
    if (trees) {
        buf_cstr(b, ",\"meta\":{\"values\":");
        json_write(b, trees, 0);
        buf_cstr(b, ",\"v\":1}");
    }
    json_decref(trees);
    buf_char(b, '}');
}

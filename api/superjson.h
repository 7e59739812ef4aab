/* superjson: a JSON value, and beside it what JSON cannot say: which texts are dates or
 * big integers, what is undefined.
 *
 * {"json": {"at": "2026-01-02T03:04:05.000Z"}, "meta": {"values": {"at": ["Date"]},
 * "v": 1}} */
#ifndef API_SUPERJSON_H
#define API_SUPERJSON_H
#include "base/json.h"

struct superjson {
    json_t *json;     /* NULL: nothing, or undefined; owned */
    struct map types; /* a value's address, as bytes -> the name of its type */
    struct arena *arena;
};
/* Empty; what it notes lives in `a`. */
void superjson_init(struct superjson *s, struct arena *a);
void superjson_dispose(struct superjson *s);
/* Reads {"json", "meta"}.  A member that is undefined goes, an element becomes null.
 * False: *why says what is wrong. */
bool superjson_read(struct superjson *s, const json_t *payload, const char **why);
/* "Date", "bigint", "undefined", "number", "set", "map", "regexp", "URL", "Error";
 * NULL: what JSON says it is. */
const char *superjson_type(const struct superjson *s, const json_t *value);
/* `type` is a literal, `value` in the tree once and neither null nor a boolean. */
void superjson_mark(struct superjson *s, const json_t *value, const char *type);
/* A value to put where nothing is.  New reference. */
json_t *superjson_undefined(struct superjson *s);
/* Appends {"json": value, "meta": ...}, `value` being s->json or a tree around it.
 * What superjson_undefined made is null in it from then on. */
void superjson_write(struct buf *b, struct superjson *s, json_t *value);
#endif

/* jansson, and what it lacks: positions. */
#ifndef BASE_JSON_H
#define BASE_JSON_H
#include <jansson.h>
#include "base/diag.h"
#include "base/str.h"

/* Once per program: jansson allocates through mem_*, so json_* constructors never
 * return NULL, and object hashing is seeded with a constant (output never depends on
 * it). */
void json_setup(void);
/* From now on, in this process, JSON lives in `a` and is freed with it (arena_reset),
 * not one by one: values made before stay valid, values made after end with the arena.
 * For workers, where a task makes and drops some ten thousand values.  NULL: the heap.
 * Returns what was used before. */
struct arena *json_use_arena(struct arena *a);
/* json_decref for what ends together with the arena in use: without one it frees v,
 * with one it saves the walk through all of v. */
void json_drop(json_t *v);
/* Parses one value. Syntax errors, duplicate keys, bad UTF-8, depth > 64 are reported
 * with position. */
json_t *json_parse(struct str text, const char *file, struct diag_list *diags);
/* Finds the value (or, with `key`, the member's key) at a JSON pointer
 * ("/plans/0/price") in valid JSON text. */
bool json_locate(
    struct str text, const char *pointer, bool key, unsigned *line, unsigned *col);
/* "/pricing/plans/0/price" -> "pricing.plans[0].price" */
char *json_pointer_human(struct arena *a, const char *pointer);
/* By dotted path ("branding.name"); NULL when absent. Borrowed. */
json_t *json_path(const json_t *obj, const char *dotted);
const char *json_path_string(
    const json_t *obj, const char *dotted); /* NULL when absent or no string */
bool json_truthy(
    const json_t *v); /* false: NULL null false 0 "" [] ; all else true ({} too) */
/* Appends v: keys in the order they were inserted, no spaces (indent 0) or indented by
 * n. */
void json_write(struct buf *b, const json_t *v, int indent);
/* Sets key to a new string; takes the reference of nothing. NULL value sets "". */
void json_set_str(json_t *obj, const char *key, const char *value);
void json_set_text(
    json_t *obj, const char *key, struct str value); /* value must be UTF-8 */
void json_set_int(json_t *obj, const char *key, json_int_t value);
void json_set_bool(json_t *obj, const char *key, bool value);
/* json_object_set that keeps the caller's reference (for sharing one list in many
 * objects). */
void json_share(json_t *obj, const char *key, json_t *value);
#endif

/* Hash map from text to a pointer.  Keys and values are borrowed: they must outlive the
 * map. */
#ifndef BASE_MAP_H
#define BASE_MAP_H
#include "base/str.h"

struct map_slot {
    struct str key; /* ptr NULL: free */
    void *value;
};
struct map {
    struct map_slot *slots;
    size_t size, used; /* size is 0 or a power of two */
};
void map_dispose(struct map *m); /* a zeroed struct map is empty and ready */
void *map_get(const struct map *m, struct str key); /* NULL: not there */
/* Adds the pair unless the key is there; returns the value that is in the map now. */
void *map_add(struct map *m, struct str key, void *value);
void map_set(struct map *m, struct str key, void *value); /* adds or replaces */
#endif

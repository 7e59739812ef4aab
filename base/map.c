#include "base/map.h"

#include <stdint.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"

static struct map_slot *find_slot(const struct map *m, struct str key) {
    size_t mask = m->size - 1, i = (size_t)hash_name(key) & mask;
    while (m->slots[i].key.ptr && !str_equal(m->slots[i].key, key)) i = (i + 1) & mask;
    return &m->slots[i];
}

static void grow(struct map *m) {
    struct map old = *m;
    m->size = old.size ? old.size * 2 : 16;
    m->slots = mem_calloc(m->size, sizeof *m->slots);
    for (size_t i = 0; i < old.size; i++)
        if (old.slots[i].key.ptr) *find_slot(m, old.slots[i].key) = old.slots[i];
    mem_free(old.slots);
}

void map_dispose(struct map *m) {
    mem_free(m->slots);
    memset(m, 0, sizeof *m);
}

void *map_get(const struct map *m, struct str key) {
    return m->size ? find_slot(m, key)->value : NULL;
}

static struct map_slot *slot_for(struct map *m, struct str key) {
    if ((m->used + 1) * 4 > m->size * 3) grow(m);
    struct map_slot *slot = find_slot(m, key);
    if (!slot->key.ptr) {
        slot->key = key.ptr ? key : STR("");
        m->used++;
    }
    return slot;
}

void *map_add(struct map *m, struct str key, void *value) {
    struct map_slot *slot = slot_for(m, key);
    if (!slot->value) slot->value = value;
    return slot->value;
}

void map_set(struct map *m, struct str key, void *value) {
    slot_for(m, key)->value = value;
}

/* Memory that lives and dies together. */
#include "base/arena.h"
#include "base/mem.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { BLOCK_FIRST = 64 * 1024, BLOCK_LARGEST = 8 * 1024 * 1024 };

struct arena_block {
    struct arena_block *next;
    size_t size; /* bytes in data */
    size_t used;
    alignas(max_align_t) char data[];
};

void arena_init(struct arena *a) {
    *a = (struct arena){0};
}

static void free_blocks(struct arena_block *b, const struct arena_block *keep) {
    while (b) {
        struct arena_block *next = b->next;
        if (b != keep) mem_free(b);
        b = next;
    }
}

void arena_dispose(struct arena *a) {
    free_blocks(a->block, NULL);
    arena_init(a);
}

void arena_reset(struct arena *a) {
    struct arena_block *keep = NULL;
    for (struct arena_block *b = a->block; b; b = b->next) {
        /* One huge allocation must not be held for ever. */
        bool better = b->size <= BLOCK_LARGEST && (!keep || b->size > keep->size);
        if (better) keep = b;
    }
    free_blocks(a->block, keep);
    arena_init(a);
    if (!keep) return;
    keep->next = NULL;
    keep->used = 0;
    a->block = keep;
    a->total = sizeof(*keep) + keep->size;
}

static size_t block_room(const struct arena_block *b) {
    return b ? b->size - b->used : 0;
}

/* Blocks double, so that their number stays small whatever is stored. */
static __attribute__((noinline)) struct arena_block *add_block(
    struct arena *a, size_t need) {
    size_t whole = a->total < BLOCK_FIRST ? BLOCK_FIRST : a->total;
    if (whole > BLOCK_LARGEST) whole = BLOCK_LARGEST;
    size_t size = whole - sizeof(struct arena_block);
    if (size < need) size = need;
    if (size > SIZE_MAX / 2) mem_exhausted();
    struct arena_block *b = mem_alloc(sizeof(*b) + size);
    b->size = size;
    b->used = 0;
    a->total += sizeof(*b) + size;
    /* A block made for one big item goes behind one that still has more room. */
    if (a->block && size - need < block_room(a->block)) {
        b->next = a->block->next;
        a->block->next = b;
    } else {
        b->next = a->block;
        a->block = b;
    }
    return b;
}

static void *take(struct arena *a, size_t size, size_t align) {
    struct arena_block *b = a->block;
    size_t at = b ? (b->used + align - 1) & ~(align - 1) : 0;
    if (!b || at > b->size || size > b->size - at) {
        b = add_block(a, size);
        at = 0;
    }
    b->used = at + size;
    return b->data + at;
}

void *arena_alloc(struct arena *a, size_t size) {
    return memset(take(a, size, alignof(max_align_t)), 0, size);
}

void *arena_take(struct arena *a, size_t size) {
    return take(a, size, alignof(max_align_t));
}

char *arena_str(struct arena *a, struct str s) {
    char *copy = take(a, s.len + 1, 1);
    if (s.len) memcpy(copy, s.ptr, s.len);
    copy[s.len] = '\0';
    return copy;
}

char *arena_strdup(struct arena *a, const char *s) {
    return arena_str(a, str_from(s));
}

struct str arena_copy(struct arena *a, struct str s) {
    return (struct str){arena_str(a, s), s.len};
}

char *arena_printf(struct arena *a, const char *fmt, ...) {
    struct arena_block *b = a->block;
    size_t room = block_room(b);
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(room ? b->data + b->used : NULL, room, fmt, ap);
    va_end(ap);
    if (n < 0) return arena_strdup(a, "");
    char *text = take(a, (size_t)n + 1, 1);
    if ((size_t)n < room) return text;
    va_start(ap, fmt);
    vsnprintf(text, (size_t)n + 1, fmt, ap);
    va_end(ap);
    return text;
}

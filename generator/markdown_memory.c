#include "generator/markdown_internal.h"
#include <stdint.h>
#include <string.h>
#include "base/mem.h"

#define BLOCK_SIZE (256u * 1024)

struct memory_block {
    struct memory_block *next;
    size_t size, at;
    char bytes[];
};

/* cmark's allocator interface passes no context.  Set by memory_activate for the time
 * of one document; per thread, so that two renderers never meet. */
static _Thread_local struct markdown_memory *active;

static __attribute__((noinline)) struct memory_block *add_block(
    struct markdown_memory *m, size_t need) {
    size_t size = need > BLOCK_SIZE ? need : BLOCK_SIZE;
    if (size > MARKDOWN_MEMORY - m->used) longjmp(m->escape, 1);
    struct memory_block *b = mem_alloc(sizeof(*b) + size);
    b->next = m->block;
    b->size = size;
    b->at = 0;
    m->block = b;
    m->used += size;
    return b;
}

/* Every piece is preceded by its size, which realloc needs to know. */
static void *take(struct markdown_memory *m, size_t size) {
    if (size > MARKDOWN_MEMORY) longjmp(m->escape, 1);
    size_t need = sizeof(size_t) + ((size + 7) & ~(size_t)7);
    struct memory_block *b = m->block;
    if (!b || need > b->size - b->at) b = add_block(m, need);
    char *at = b->bytes + b->at;
    b->at += need;
    memcpy(at, &size, sizeof(size));
    return at + sizeof(size_t);
}

static void *active_calloc(size_t n, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes)) longjmp(active->escape, 1);
    return memset(take(active, bytes), 0, bytes);
}

static void *active_realloc(void *old, size_t size) {
    if (!old) return take(active, size);
    size_t had;
    memcpy(&had, (char *)old - sizeof(had), sizeof(had));
    if (size <= had) return old;
    void *p = take(active, size);
    return memcpy(p, old, had);
}

static void active_free(void *p) {
    (void)p;
}

static const cmark_mem allocator = {active_calloc, active_realloc, active_free};

void memory_init(struct markdown_memory *m) {
    m->block = NULL;
    m->used = 0;
}

void memory_reset(struct markdown_memory *m) {
    struct memory_block *keep = NULL;
    while (m->block) {
        struct memory_block *next = m->block->next;
        if (!keep && m->block->size == BLOCK_SIZE)
            keep = m->block;
        else
            mem_free(m->block);
        m->block = next;
    }
    m->block = keep;
    m->used = keep ? keep->size : 0;
    if (!keep) return;
    keep->next = NULL;
    keep->at = 0;
}

void memory_dispose(struct markdown_memory *m) {
    memory_reset(m);
    mem_free(m->block);
    m->block = NULL;
}

cmark_mem *memory_activate(struct markdown_memory *m) {
    active = m;
    return (cmark_mem *)(uintptr_t)&allocator;
}

void *memory_take(struct markdown_memory *m, size_t size) {
    return memset(take(m, size), 0, size);
}

/* Allocation that cannot fail: out of memory prints one line and ends the
 * process with status 3.  A build publishes by renaming a finished stage, so
 * dying at any allocation leaves the old site or the new one. */
#ifndef BASE_MEM_H
#define BASE_MEM_H
#include <stddef.h>

void *mem_alloc(size_t size); /* uninitialised; size 0 gives a valid pointer */
void *mem_calloc(
    size_t n, size_t size); /* zeroed; overflow of n * size ends the process */
void *mem_realloc(void *ptr, size_t size);
void *mem_grow(
    void *ptr, size_t *cap, size_t need, size_t item); /* double *cap until >= need */
char *mem_strdup(const char *s);
void mem_free(void *ptr); /* NULL is allowed */
/* Zeroed, and the same for processes that are forked from now on. */
void *mem_share(size_t size);
void mem_unshare(void *ptr, size_t size); /* NULL is allowed */
_Noreturn void mem_exhausted(void);
#endif

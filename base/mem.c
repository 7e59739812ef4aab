/* Allocation that cannot fail. */
#include "base/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

_Noreturn void mem_exhausted(void) {
    static const char line[] = "tenantry: out of memory\n";
    /* stdio might allocate; and nothing may run at exit in a half-done state. */
    if (write(STDERR_FILENO, line, sizeof(line) - 1) < 0) _exit(3);
    _exit(3);
}

void *mem_alloc(size_t size) {
    void *ptr = malloc(size ? size : 1);
    if (!ptr) mem_exhausted();
    return ptr;
}

void *mem_calloc(size_t n, size_t size) {
    if (n == 0 || size == 0) n = size = 1;
    void *ptr = calloc(n, size);
    if (!ptr) mem_exhausted();
    return ptr;
}

void *mem_realloc(void *ptr, size_t size) {
    void *moved = realloc(ptr, size ? size : 1);
    if (!moved) mem_exhausted();
    return moved;
}

void *mem_grow(void *ptr, size_t *cap, size_t need, size_t item) {
    if (need <= *cap && ptr) return ptr;
    size_t n = *cap ? *cap : 8;
    while (n < need) {
        if (n > SIZE_MAX / 2) mem_exhausted();
        n *= 2;
    }
    size_t bytes;
    if (__builtin_mul_overflow(n, item, &bytes)) mem_exhausted();
    ptr = mem_realloc(ptr, bytes);
    *cap = n;
    return ptr;
}

char *mem_strdup(const char *s) {
    size_t size = strlen(s) + 1;
    return memcpy(mem_alloc(size), s, size);
}

void mem_free(void *ptr) {
    free(ptr);
}

void *mem_share(size_t size) {
    void *ptr =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (ptr == MAP_FAILED) mem_exhausted();
    return ptr;
}

void mem_unshare(void *ptr, size_t size) {
    if (ptr) munmap(ptr, size);
}

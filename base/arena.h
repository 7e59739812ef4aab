/* Memory that lives and dies together: a workspace, a task, a page. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H
#include <stddef.h>
#include "base/str.h"

struct arena_block;
struct arena {
    struct arena_block *block; /* newest first */
    size_t total;              /* bytes asked of the system */
};
void arena_init(struct arena *a);
void arena_dispose(struct arena *a);
void arena_reset(struct arena *a);               /* forgets all, keeps one block */
void *arena_alloc(struct arena *a, size_t size); /* zeroed, aligned for any type */
void *arena_take(struct arena *a, size_t size);  /* the same, not zeroed */
char *arena_strdup(struct arena *a, const char *s);
char *arena_str(struct arena *a, struct str s); /* NUL-terminated copy */
char *arena_printf(struct arena *a, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
struct str arena_copy(struct arena *a, struct str s);
#endif

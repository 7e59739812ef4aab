/* What the kinds of workers share: worker.c (numbered tasks, one task) and
 * worker_pool.c.
 */
#ifndef GENERATOR_WORKER_INTERNAL_H
#define GENERATOR_WORKER_INTERNAL_H
#include <stdatomic.h>
#include "generator/worker.h"

struct worker {         /* in memory shared with the parent */
    atomic_long task;   /* index + 1 of the task in hand; 0: none */
    atomic_ulong steps; /* how many it began */
    char file[512];
};
/* In a new worker: it ends with its parent and has bounded memory. */
void worker_settle(void);
_Noreturn void worker_end(void); /* all is well */
bool worker_write(int fd, const void *bytes, size_t n);
/* Why a worker ended with this status; `stuck`: it was killed for that. */
void worker_why(bool stuck, int status, char *why, size_t size);
#endif

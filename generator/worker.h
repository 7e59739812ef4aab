/* A few forked processes that take numbered tasks and send back bytes.  A task that
 * hangs, crashes or runs out of memory costs its worker, which is replaced; the others
 * go on. */
#ifndef GENERATOR_WORKER_H
#define GENERATOR_WORKER_H
#include <stdbool.h>
#include "base/str.h"

#define STEP_CPU_SECONDS 5 /* processor time one step (a document, a page) may take */

#define STEP_SECONDS 60 /* and how long it may take by the clock */

struct worker; /* what a task knows of its process */
/* Says what the task is busy with from now on (a file of the user's, for the report
 * should it die), and starts the step's CPU budget anew. */
void worker_step(struct worker *w, const char *file);

struct worker_jobs {
    unsigned jobs; /* processes; at least 1 */
    size_t n;      /* tasks, taken in order */
    void *ctx;
    /* In the worker: does task i, appends its result. */
    void (*task)(void *ctx, size_t i, struct worker *w, struct buf *result);
    /* In the parent, in order of arrival.  result.ptr is NULL when the worker died:
     * then `why` says how ("took more than 5 s of processor time") and `file` what it
     * was busy with ("": nothing yet). */
    void (*done)(
        void *ctx, size_t i, struct str result, const char *file, const char *why);
};
/* 0, or errno when not even one process could be made. */
int workers_run(const struct worker_jobs *jobs);

/* One task in a process of its own, without waiting for it. */
struct worker_one;
/* `task` runs in the child as above.  NULL: see errno. */
struct worker_one *worker_start(
    void (*task)(void *ctx, struct worker *w, struct buf *result), void *ctx);
/* Can be read whenever worker_receive has something to do. */
int worker_fd(const struct worker_one *one);
/* True when it has ended: then worker_result. */
bool worker_receive(struct worker_one *one);
/* As `done` above.  All borrowed until worker_free. */
struct str worker_result(
    const struct worker_one *one, const char **file, const char **why);
void worker_kill(struct worker_one *one); /* it took too long */
void worker_free(struct worker_one *one); /* ends it first if need be */
#endif

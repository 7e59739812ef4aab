/* Forked processes that stay and wait for work: each has all that its parent had when
 * it was forked, and keeps what it opens (a connection) from one request to the next.
 * One that dies or hangs is replaced. */
#ifndef GENERATOR_WORKER_POOL_H
#define GENERATOR_WORKER_POOL_H
#include "base/loop.h"
#include "generator/worker.h"

struct worker_pool_settings {
    unsigned jobs; /* processes, made when they are needed */
    void *ctx;
    /* In the worker: does what `request` asks for, appends its result. */
    void (*task)(void *ctx, struct str request, struct worker *w, struct buf *result);
    /* In the parent, from the loop, `slot` being what worker_pool_give returned.  When
     * the worker died, result.ptr is NULL, and `file` and `why` are as in worker_jobs.
     */
    void (*done)(
        void *ctx, unsigned slot, struct str result, const char *file, const char *why);
};
struct worker_pool;
struct worker_pool *worker_pool_new(
    struct loop *l, const struct worker_pool_settings *s);
/* Hands a request to an idle worker.  False: all are busy, or none could be made. */
bool worker_pool_give(struct worker_pool *p, struct str request, unsigned *slot);
unsigned worker_pool_busy(const struct worker_pool *p);
/* From now on requests go to processes forked after this. */
void worker_pool_renew(struct worker_pool *p);
/* To be called every second or so: ends what has been at one step for too long. */
void worker_pool_check(struct worker_pool *p);
void worker_pool_free(struct worker_pool *p); /* whoever is busy is killed */
#endif

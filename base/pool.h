/* Postgres for an event loop: a few connections, and each question a transaction of its
 * own that crosses the wire once (libpq's pipeline mode).
 *
 * A connection is given out again only when it is idle, in no transaction, with the
 * role it logged in as and no setting of a transaction left. */
#ifndef BASE_POOL_H
#define BASE_POOL_H
#include <stdbool.h>
#include <stddef.h>
#include "base/loop.h"
#include "base/pg.h"

struct pool_settings {
    const char *url;
    unsigned connections; /* at most; opened when they are needed */
    unsigned waiting;     /* questions that may wait for a connection */
    double seconds; /* from asking to the answer, the wait included; then the server is
                       told to stop */
};
struct pool;
/* Connects when it is first asked. */
struct pool *pool_new(struct loop *l, const struct pool_settings *s);
/* What still waits is answered with POOL_AWAY. */
void pool_free(struct pool *p);

struct pool_local { /* set_config(name, value, true) */
    const char *name, *value;
};
enum pool_outcome {
    POOL_DONE,    /* committed */
    POOL_REFUSED, /* the server said no and rolled back: state, message */
    POOL_AWAY,    /* no connection, too many wait, or too late; nothing was changed */
    POOL_UNSURE   /* the connection broke while a writing one was under way */
};
struct pool_answer {
    enum pool_outcome outcome;
    struct pg_rows rows;    /* of POOL_DONE; borrowed until `done` returns */
    const char *state;      /* SQLSTATE of POOL_REFUSED; "" otherwise */
    const char *message;    /* for the log; "" when POOL_DONE */
    const char *constraint; /* the constraint that was violated, or "" */
};
struct pool_question {
    const char *role; /* the transaction's */
    bool writes;      /* else it is READ ONLY */
    const struct pool_local *locals;
    size_t n_locals;
    const char *sql; /* one statement; lives as long as the pool: prepared once for each
                        connection, by its address */
    const char *const *values; /* of $1 and on, as text; NULL is SQL's */
    int n_values;
    /* Called exactly once, never before pool_ask has returned. */
    void (*done)(void *ctx, const struct pool_answer *a);
    void *ctx;
};
/* Copies what the question points to, but for `sql`. */
void pool_ask(struct pool *p, const struct pool_question *q);

struct pool_figures {
    unsigned open, busy, waiting;
    unsigned long long asked, refused, away;
};
void pool_figures(const struct pool *p, struct pool_figures *out);
#endif

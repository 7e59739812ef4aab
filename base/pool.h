/* Postgres for an event loop: a few connections, and each question a transaction of its
 * own that crosses the wire once (libpq's pipeline mode).
 *
 * A connection is given out only when it is in no transaction, with the role it logged
 * in as and no setting of a transaction left.  A question that reads may go behind
 * others that read, before they are answered, as long as answers come quickly; each is
 * a transaction of its own all the same.  One that writes has the connection to itself.
 * Questions are answered in the order they were asked in, as far as connections become
 * free.
 *
 * Sessions are in UTC, and dates in ISO's form, whatever the connection string says.
 *
 * Nothing here blocks but libpq's look-up of a host name: name the server by a socket's
 * folder or a numeric address, or have a resolver on the same machine.
 *
 * A question past its time is stopped by the server itself (statement_timeout is what
 * is left of its time); one that the server does not stop loses its connection half a
 * second later, and a server that works on notices within another second
 * (client_connection_check_interval). */
#ifndef BASE_POOL_H
#define BASE_POOL_H
#include <stdbool.h>
#include <stddef.h>
#include "base/loop.h"
#include "base/pg.h"

struct pool_settings {
    const char *url;      /* lives as long as the pool */
    unsigned connections; /* at most; one is kept open, more when they are needed */
    unsigned waiting;     /* questions that may wait for a connection */
    double seconds;       /* from asking to the answer, the wait included */
    /* The server cannot be reached (why, on one line and without a password), or again
     * (NULL).  Only when that changes; NULL: nobody wants to know. */
    void (*told)(void *ctx, const char *why);
    void *ctx;
};
struct pool;
/* Connects as soon as the loop runs, and again whenever nothing is connected. */
struct pool *pool_new(struct loop *l, const struct pool_settings *s);
/* What is unanswered is answered: POOL_UNSURE when it writes and is under way,
 * otherwise POOL_AWAY. */
void pool_free(struct pool *p);
/* Calls `drained` from the loop, once, when all that was asked is answered; what is
 * asked from now on is answered with POOL_AWAY. */
void pool_drain(struct pool *p, void (*drained)(void *ctx), void *ctx);

struct pool_local { /* set_config(name, value, true) */
    const char *name, *value;
};
#define POOL_LOCALS_MAX 8
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
    const char *role;                /* the transaction's; at most 63 bytes */
    bool writes;                     /* else it is READ ONLY */
    const struct pool_local *locals; /* at most POOL_LOCALS_MAX */
    size_t n_locals;
    /* One statement, that neither ends the transaction nor changes what outlives it in
     * the session; lives as long as the pool: prepared for each connection and role, by
     * its address (again by those that follow before that is answered), and planned
     * once, whatever the values. */
    const char *sql;
    const char *const *values; /* of $1 and on, as text; NULL is SQL's */
    int n_values;
    /* Called exactly once, never before pool_ask has returned; must not call pool_free.
     */
    void (*done)(void *ctx, const struct pool_answer *a);
    void *ctx;
};
/* Copies what the question points to, but for `sql`.  A reading question whose
 * connection breaks is put once more; a writing one never. */
void pool_ask(struct pool *p, const struct pool_question *q);

struct pool_figures {
    unsigned open, busy, waiting;
    unsigned long long asked, refused, away, unsure;
    unsigned long long connected; /* attempts that succeeded */
    const char *why; /* the server cannot be reached; NULL: it can; borrowed */
};
void pool_figures(const struct pool *p, struct pool_figures *out);
#endif

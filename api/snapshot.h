/* Public answers kept in memory, a worker's own.
 *
 * An answer is kept for its tenant, route and parameters until the database says that
 * something of the tenant has changed: at once by a notification, within two seconds by
 * asking which tenants changed (comments and reactions do not notify), after a minute
 * in any case, and never beyond the moment that the answer itself names.  Requests for
 * what is just being asked wait for that answer.  While notifications cannot be heard
 * nothing older than two seconds counts; when the database does not answer, what was
 * good before may be sent for a minute after it was read.
 *
 * A change that was heard of is in every answer to a request that comes after it. */
#ifndef API_SNAPSHOT_H
#define API_SNAPSHOT_H
#include "api/call.h"

struct snapshots;
struct snapshots *snapshots_new(struct server *s);
void snapshots_free(struct snapshots *s); /* NULL is allowed */

struct snapshot_windows { /* seconds, of Cache-Control */
    unsigned max_age, s_maxage, stale_while_revalidate, stale_if_error;
};
struct snapshot_question {
    const struct snapshot_windows *windows; /* constant */
    struct str parameters; /* what besides tenant and route decides on the answer */
    void (*ask)(struct call *c); /* leads to snapshot_fill or snapshot_problem, at once
                                    or by snapshot_ask */
    void *handler;               /* the handler's own; in c's arena */
};
/* Answers c, at once or later. */
void snapshot_answer(struct call *c, const struct snapshot_question *q);

/* ---- for `ask` and `done`, whose c->handler is not the handler's ---- */

void *snapshot_handler(const struct call *c); /* of the question */

/* Asks as the public of c's tenant, whoever c is of; `done` has a committed answer. */
void snapshot_ask(struct call *c, const char *sql, const char *const *values, int n,
    void (*done)(struct call *c, const struct pool_answer *a));
/* The answer, JSON (copied), and how many seconds from the question on it is the right
 * one; below 0: until something changes. */
void snapshot_fill(struct call *c, struct str json, double seconds);
/* There is none for anybody who waits; nothing is kept. */
void snapshot_problem(struct call *c, int status, const char *detail);

/* "public, max-age=..., ...": no window ends later than `left` seconds from now (below
 * 0: no limit).  At most 160 bytes. */
void snapshot_cache_control(
    char out[160], const struct snapshot_windows *w, double left);
#endif

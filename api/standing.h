/* How a tenant stands: whether it is paid for, and what its plan allows.
 *
 * Each worker keeps what the database said, for a few seconds, or until it hears of a
 * change.  With each answer goes what was counted meanwhile. */
#ifndef API_STANDING_H
#define API_STANDING_H
#include "api/call.h"
#include "api/meter.h"

struct standing;
struct standings;
struct standings *standings_new(struct server *s, struct meters *m);
void standings_free(struct standings *all); /* NULL is allowed */
/* Writes what was counted; `done` is called once, at once or later. */
void standings_drain(struct standings *all, void (*done)(void *ctx), void *ctx);

/* Calls then(c, standing of c's tenant), at once or later; NULL: nothing is known of
 * it, or the database does not answer. */
void standing_find(
    struct call *c, void (*then)(struct call *c, const struct standing *st));
/* "active", "pending", "suspended", "closed" */
const char *standing_status(const struct standing *st);
bool standing_unpaid(const struct standing *st); /* that is why it is suspended */
/* What the plan says of a name: -1 no limit (or nothing), 0 not at all, else how many.
 */
int64_t standing_limit(const struct standing *st, const char *name);
/* Counts n of `metric` in this hour, all or none, as far as the plan allows. */
bool standing_take(
    struct call *c, const struct standing *st, const char *metric, int64_t n);
/* What is known of c's tenant right now; NULL: nothing. */
const struct standing *standing_now(const struct call *c);
/* What was used of it in this hour, as far as this server knows; -1: nothing is
 * counted under this name. */
int64_t standing_used(
    struct server *s, const char *tenant, const char *metric, int64_t hour);
/* The first second of this hour. */
int64_t standing_hour(void);
#endif

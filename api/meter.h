/* What tenants use by the hour, counted in memory that the workers share, so that no
 * request writes to the database; each worker adds what was counted to the database now
 * and then (api/standing.h).
 *
 * All workers of a server count in one place, exactly.  Of other servers on the same
 * database a meter knows what they have written. */
#ifndef API_METER_H
#define API_METER_H
#include <stdbool.h>
#include <stdint.h>

#define METER_HOUR 3600

struct meters;
/* Before the workers are forked. */
struct meters *meters_new(void);
void meters_free(struct meters *m); /* NULL is allowed */

/* Of one tenant and metric in one hour.  It may be given to others when that hour is
 * over by more than another one. */
struct meter;
/* `hour`: its first second.  NULL: there is no room; then it is not counted. */
struct meter *meter_find(
    struct meters *m, const char *tenant, const char *metric, int64_t hour);
/* NULL: nobody has counted there. */
struct meter *meter_look(
    struct meters *m, const char *tenant, const char *metric, int64_t hour);
/* Counts n, all or none, unless that would be more than `most` (-1: no limit). */
bool meter_take(struct meter *m, int64_t n, int64_t most);
/* What is counted and not yet written; whoever takes it writes it, or gives it back. */
int64_t meter_unwritten(struct meter *m);
void meter_give_back(struct meter *m, int64_t n);
/* The database has `written`. */
void meter_learn(struct meter *m, int64_t written);
int64_t meter_used(const struct meter *m);
#endif

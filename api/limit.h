/* How often a client, and all clients of a tenant together, may ask, and how often
 * somebody may fail: token buckets in memory that the workers share. */
#ifndef API_LIMIT_H
#define API_LIMIT_H
#include "api/settings.h"

struct limits;
/* Before the workers are forked. */
struct limits *limits_new(void);
void limits_free(struct limits *l); /* NULL is allowed */
/* Takes n from the client's bucket (IPv6: of its /64) at `now` (clock_seconds); all
 * that a bucket may hold, when that is less.  0: they were there; else the seconds
 * until they will be. */
double limit_client(struct limits *l, const struct settings *s, enum limit_class class,
    const struct net_address *client, unsigned n, double now);
/* The same of a tenant, by its slug. */
double limit_tenant(struct limits *l, const struct settings *s, enum limit_class class,
    const char *slug, unsigned n, double now);
/* Takes one attempt in the name of `who`, of those that are counted apart from all
 * requests: no number of clients makes them be forgotten.  0, or the seconds until
 * there is one. */
double limit_attempt(
    struct limits *l, const struct limit_rate *r, struct str who, double now);
/* The attempt was a good one: it does not count. */
void limit_forget(struct limits *l, const struct limit_rate *r, struct str who);
#endif

/* Which tenants the database has: uuids and status of s->tenants are kept as it says,
 * from the start, after every reconnection, and whenever it notifies. */
#ifndef API_ROSTER_H
#define API_ROSTER_H
#include "api/server.h"

struct roster;
/* `settled` is called once, when the first answer has come or there is none to be had
 * soon.  NULL: there is no database; settled was called. */
struct roster *roster_start(struct server *s, void (*settled)(void *ctx), void *ctx);
/* s->tenants is a new set: takes over what `old` knew, and asks. */
void roster_moved(struct roster *r, struct server *s, struct tenants *old);
void roster_stop(struct roster *r); /* NULL is allowed */
#endif

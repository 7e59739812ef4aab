/* What is checked of every request, in one place, before any handler sees it. */
#ifndef API_GUARD_H
#define API_GUARD_H
#include "api/call.h"

/* Who asks from where, and for which host: of a trusted proxy as X-Forwarded-For,
 * -Host and -Proto say, of anybody else those are not looked at.  (Forwarded is never
 * looked at: a proxy that knows only the other three would pass on a client's.)  Fills
 * host, client, secure, id.  NULL: fine; else why it is not: 400. */
const char *guard_read(struct call *c);
/* Whether this is somebody who may look behind the scenes: this host itself, asking for
 * itself, or a network of --metrics-from. */
bool guard_insider(const struct call *c);
/* One from the buckets of the client and, once it is known, of the tenant.  False:
 * answered (429). */
bool guard_limit(struct call *c);
/* The same for n more, and what they use up of the tenant's plan: of a request that
 * stands for several. */
bool guard_limit_more(struct call *c, unsigned n);
/* The headers that let a page of one of the tenant's own domains read the answer. */
void guard_share(struct call *c);
/* Answers OPTIONS: what such a page may send to this path, which takes `allow`. */
void guard_preflight(struct call *c, const char *allow);
/* The body is no longer than the route says, and the principal's rank is high enough.
 * False: answered (413, 401, 403). */
bool guard_body(struct call *c);
bool guard_rank(struct call *c);
/* The tenant is paid for, and its plan allows this host and this, and has some left:
 * calls then(c), at once or later, or answers (402, 403, 429). */
void guard_plan(struct call *c, void (*then)(struct call *c));
#endif

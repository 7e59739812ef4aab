/* The handlers of the route table (api/routes.c). */
#ifndef API_HANDLE_H
#define API_HANDLE_H
#include "api/call.h"

/* GET /healthz: the process runs. */
void handle_healthz(struct call *c);
/* GET /readyz: the database answers. */
void handle_readyz(struct call *c);
/* POST /api/webhooks/stripe: what Stripe says has happened. */
void handle_stripe_event(struct call *c);
#endif

/* The handlers of the route table (api/routes.c). */
#ifndef API_HANDLE_H
#define API_HANDLE_H
#include "api/call.h"

/* GET /healthz: the process runs. */
void handle_healthz(struct call *c);
/* GET /readyz: the database answers, and nobody has told the server to stop. */
void handle_readyz(struct call *c);
/* GET /metrics: the figures of all workers. */
void handle_metrics(struct call *c);

/* POST /api/auth/register, /login, /logout; GET /api/auth/session. */
void handle_register(struct call *c);
void handle_login(struct call *c);
void handle_logout(struct call *c);
void handle_session(struct call *c);
/* POST /api/invitations, /api/invitations/accept. */
void handle_invite(struct call *c);
void handle_accept(struct call *c);
/* POST and GET /api/keys, DELETE /api/keys/{id}. */
void handle_key_make(struct call *c);
void handle_key_list(struct call *c);
void handle_key_revoke(struct call *c);
/* GET /api/pricing/config, /api/plans, /api/posts, /api/posts/{slug}: what anybody may
 * read, whoever asks. */
void handle_pricing(struct call *c);
void handle_plans(struct call *c);
void handle_posts(struct call *c);
void handle_post(struct call *c);
/* POST /api/webhooks/stripe: what Stripe says has happened. */
void handle_stripe_event(struct call *c);
/* POST /api/stripe/create-checkout-session; GET /api/stripe/checkout-session; POST
 * /api/stripe/claim-checkout-session. */
void handle_checkout(struct call *c);
void handle_checkout_outcome(struct call *c);
void handle_checkout_claim(struct call *c);
/* POST /api/billing/subscribe, /portal, /change-plan, /cancel, /resume; GET
 * /api/billing. */
void handle_subscribe(struct call *c);
void handle_billing(struct call *c);
void handle_portal(struct call *c);
void handle_change_plan(struct call *c);
void handle_cancel(struct call *c);
void handle_resume(struct call *c);
/* GET /api/features: what the tenant has, and what its plan allows. */
void handle_features(struct call *c);
#endif

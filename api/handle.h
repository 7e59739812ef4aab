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
/* GET /api/pricing/config, /api/plans, /api/posts, /api/posts/{slug}: what anybody may
 * read, whoever asks. */
void handle_pricing(struct call *c);
void handle_plans(struct call *c);
void handle_posts(struct call *c);
void handle_post(struct call *c);
#endif

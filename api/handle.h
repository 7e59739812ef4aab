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
#endif

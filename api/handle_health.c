/* Whether it runs, and whether it can answer. */
#include "api/handle.h"

void handle_healthz(struct call *c) {
    call_reply(c, 200, "text/plain; charset=utf-8", STR("ok\n"));
}

static void ready(struct call *c, const struct pool_answer *a) {
    (void)a;
    call_reply(c, 200, "text/plain; charset=utf-8", STR("ready\n"));
}

void handle_readyz(struct call *c) {
    c->tenant = NULL;
    call_ask(
        c, &(struct call_question){.role = "tenantry_web",
               .sql = "select current_user, current_setting('transaction_read_only')",
               .done = ready});
}

/* Whether it runs, and whether it can answer. */
#include "api/handle.h"
#include "api/metrics.h"
#include "api/route.h"

void handle_healthz(struct call *c) {
    call_reply(c, 200, "text/plain; charset=utf-8", STR("ok\n"));
}

static void ready(struct call *c, const struct pool_answer *a) {
    (void)a;
    call_reply(c, 200, "text/plain; charset=utf-8", STR("ready\n"));
}

void handle_readyz(struct call *c) {
    if (c->server->draining) {
        call_problem(c, 503, "the server is shutting down");
        return;
    }
    if (c->server->pool && !c->server->listed) {
        call_problem(c, 503, "the tenants are not known yet");
        return;
    }
    call_ask(
        c, &(struct call_question){.role = "tenantry_web",
               .sql = "select current_user, current_setting('transaction_read_only')",
               .done = ready});
}

static const char *method_of(size_t i) {
    return routes[i].method;
}

static const char *path_of(size_t i) {
    return routes[i].path;
}

void handle_metrics(struct call *c) {
    struct buf out;
    buf_init(&out, 0);
    metrics_write(c->server->metrics, &out, method_of, path_of);
    call_reply(c, 200, "text/plain; version=0.0.4; charset=utf-8", buf_view(&out));
    buf_dispose(&out);
}

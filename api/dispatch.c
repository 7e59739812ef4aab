#include "api/dispatch.h"

#include "api/guard.h"
#include "api/identity.h"
#include "api/log.h"
#include "api/metrics.h"
#include "api/route.h"
#include "base/clock.h"

static struct call *call_begin(struct server *s, struct http_request *r) {
    struct call *c = arena_alloc(&r->arena, sizeof *c);
    c->server = s;
    c->request = r;
    c->began = clock_seconds();
    c->tenants = tenants_keep(s->tenants);
    r->context = c;
    return c;
}

static void handle(struct call *c) {
    if (guard_rank(c)) c->route->handle(c);
}

/* `allow`: the methods of a path that does not take this one. */
static void no_route(struct call *c, const char *allow) {
    if (!*allow)
        call_problem(c, 404, "there is no such path");
    else if (!strcmp(c->request->method, "OPTIONS"))
        guard_preflight(c, allow);
    else {
        call_header(c, "Allow", allow);
        call_problem(c, 405, "this path takes %s", allow);
    }
}

/* What caches keep is the same for everybody, and asks nobody who they are. */
static bool identity_matters(const struct route *r) {
    return !r->cached || r->who || r->signed_in;
}

static void find_handler(struct call *c) {
    char *allow;
    struct http_request *r = c->request;
    c->route = route_find(r->method, r->path, &r->arena, c->path, &allow);
    if (!c->route || !c->route->anywhere) c->tenant = tenants_find(c->tenants, c->host);
    bool hidden = c->route && c->route->insiders && !guard_insider(c);
    if (!guard_limit(c)) return;
    if (!c->tenant && !(c->route && c->route->anywhere))
        call_problem(c, 421, "this host is not served here");
    else if (!c->route || hidden)
        no_route(c, hidden ? "" : allow);
    else if (guard_body(c)) {
        guard_share(c);
        if (c->tenant && identity_matters(c->route))
            identity_find(c, handle);
        else
            handle(c);
    }
}

void dispatch(void *ctx, struct http_request *r) {
    struct call *c = call_begin(ctx, r);
    const char *wrong = guard_read(c);
    call_header(c, "X-Request-Id", c->id);
    if (wrong)
        call_problem(c, 400, "%s", wrong);
    else
        find_handler(c);
}

void dispatch_refuse(void *ctx, struct http_request *r, const char *why) {
    struct call *c = call_begin(ctx, r);
    metrics_count(c->server->metrics, c->server->worker, METRIC_MALFORMED);
    c->client_text = http_peer(r);
    c->id = server_next_id(c->server, &r->arena);
    call_header(c, "X-Request-Id", c->id);
    call_problem(c, 400, "%s", why);
}

void dispatch_answered(void *ctx, struct http_request *r, int status, size_t bytes) {
    struct server *s = ctx;
    struct call *c = r->context;
    double seconds = clock_seconds() - c->began;
    size_t route = c->route ? (size_t)(c->route - routes) : (size_t)-1;
    metrics_request(s->metrics, s->worker, route, status, seconds);
    if (!log_is_off(s->log))
        log_request(s->log, &(struct log_line){
                                .id = c->id,
                                .tenant = c->tenant ? c->tenant->slug : NULL,
                                .method = r->method,
                                .route = c->route ? c->route->path : NULL,
                                .status = status,
                                .bytes = bytes,
                                .seconds = seconds,
                                .client = c->client_text,
                                .note = c->note,
                                .worker = s->worker,
                            });
    json_decref(c->sent);
    tenants_drop(c->tenants);
}

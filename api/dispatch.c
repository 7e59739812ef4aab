#include "api/dispatch.h"

#include "api/route.h"
#include "base/clock.h"

void dispatch(void *ctx, struct http_request *r) {
    struct server *s = ctx;
    struct call *c = arena_alloc(&r->arena, sizeof *c);
    char *allow;
    c->server = s;
    c->request = r;
    c->began = clock_seconds();
    c->id = "";
    c->tenants = tenants_keep(s->tenants);
    c->tenant = tenants_find(s->tenants, r->host);
    c->route = route_find(r->method, r->path, &r->arena, c->path, &allow);
    if (!c->route && *allow) {
        call_header(c, "Allow", allow);
        call_problem(c, 405, "this path takes %s", allow);
    } else if (!c->route)
        call_problem(c, 404, "there is no such path");
    else if (!c->tenant && !c->route->anywhere)
        call_problem(c, 421, "this host is not served here");
    else
        c->route->handle(c);
}

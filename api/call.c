#include "api/call.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/problem.h"
#include "base/mem.h"

#define JSON "application/json; charset=utf-8"

/* ---- what was sent ---- */

struct str call_body(const struct call *c) {
    return http_body(c->request);
}

static bool is_json(const char *type) {
    size_t n = type ? strcspn(type, "; \t") : 0;
    return n == strlen("application/json") && !strncasecmp(type, "application/json", n);
}

json_t *call_json(struct call *c) {
    struct diag_list diags;
    json_t *v = NULL;
    if (!is_json(http_header(c->request, "Content-Type"))) {
        call_problem(c, 415, "the body must be application/json");
        return NULL;
    }
    diag_init(&diags);
    v = json_parse(call_body(c), "body", &diags);
    if (v && !json_is_object(v) && !json_is_array(v)) {
        json_decref(v);
        v = NULL;
    }
    diag_dispose(&diags);
    if (v)
        c->sent = v;
    else
        call_problem(c, 400, "the body is not a JSON object");
    return v;
}

/* ---- the one answer ---- */

void call_header(struct call *c, const char *name, const char *value) {
    http_add_header(c->request, name, str_from(value));
}

void call_reply(struct call *c, int status, const char *type, struct str body) {
    http_reply(c->request, status, type, body);
}

void call_reply_json(struct call *c, int status, struct str json) {
    call_reply(c, status, JSON, json);
}

void call_reply_value(struct call *c, const json_t *v) {
    struct buf text;
    buf_init(&text, 0);
    json_write(&text, v, 0);
    call_header(c, "Cache-Control", "private, no-store");
    call_reply_json(c, 200, buf_view(&text));
    buf_dispose(&text);
}

void call_reply_file(struct call *c, int status, const struct http_file *f) {
    http_reply_file(c->request, status, f);
}

static void reply_trpc(struct call *c, int status, const char *message) {
    struct buf text;
    json_t *error = problem_trpc(status, message, NULL);
    buf_init(&text, 0);
    buf_cstr(&text, "{\"error\":{\"json\":");
    json_write(&text, error, 0);
    buf_cstr(&text, "}}");
    call_reply(c, status, "application/json", buf_view(&text));
    buf_dispose(&text);
    json_decref(error);
}

void call_problem(struct call *c, int status, const char *fmt, ...) {
    struct buf text;
    va_list ap;
    char detail[512];
    va_start(ap, fmt);
    vsnprintf(detail, sizeof detail, fmt, ap);
    va_end(ap);
    if (status == 503) call_header(c, "Retry-After", "1");
    if (problem_is_trpc(c->request->path)) {
        reply_trpc(c, status, detail);
        return;
    }
    buf_init(&text, 0);
    problem_write(&text, status, detail, c->id);
    call_reply(c, status, "application/problem+json", buf_view(&text));
    buf_dispose(&text);
}

/* ---- the database ---- */

struct asked {
    struct call *call;
    void (*done)(struct call *c, const struct pool_answer *a);
    void (*failed)(struct call *c, const struct pool_answer *a);
};

static void answered(void *ctx, const struct pool_answer *a) {
    struct asked *asked = ctx;
    if (a->outcome == POOL_DONE)
        asked->done(asked->call, a);
    else if (asked->failed)
        asked->failed(asked->call, a);
    else
        call_failed(asked->call, a);
}

static const char *role_of(const struct call *c) {
    if (c->principal.rank >= RANK_ADMIN) return "tenantry_admin";
    return c->principal.rank >= RANK_GUEST ? "tenantry_member" : "tenantry_web";
}

void call_ask(struct call *c, const struct call_question *q) {
    if (!c->server->pool) {
        call_problem(c, 503, "this server has no database");
        return;
    }
    if (c->tenant && !c->server->listed) {
        call_problem(c, 503, "the database does not answer; try again");
        return;
    }
    if (c->tenant && !*c->tenant->uuid) {
        call_problem(c, 404, "nothing is kept of this tenant");
        return;
    }
    struct asked *asked = arena_alloc(&c->request->arena, sizeof *asked);
    *asked = (struct asked){c, q->done, q->failed};
    const struct pool_local locals[] = {
        {"app.current_tenant_id", c->tenant ? c->tenant->uuid : ""},
        {"app.current_user_id", c->principal.user ? c->principal.user : ""}};
    pool_ask(c->server->pool, &(struct pool_question){
                                  .role = q->role ? q->role : role_of(c),
                                  .writes = q->writes,
                                  .locals = locals,
                                  .n_locals = 2,
                                  .sql = q->sql,
                                  .values = q->values,
                                  .n_values = q->n_values,
                                  .done = answered,
                                  .ctx = asked,
                              });
}

int call_failure(const struct pool_answer *a, const char **detail) {
    *detail = "";
    if (a->outcome == POOL_AWAY) {
        *detail = "the database does not answer; try again";
        return 503;
    }
    if (a->outcome == POOL_UNSURE) {
        *detail = "the database went away; whether this was done is not known";
        return 500; /* 503 would invite to do it again */
    }
    if (a->outcome != POOL_REFUSED) return 500;
    if (!strncmp(a->state, "PT", 2)) {
        int status = (int)strtol(a->state + 2, NULL, 10);
        *detail = a->message;
        return status >= 400 && status <= 599 ? status : 500;
    }
    if (!strcmp(a->state, "23505")) return 409;
    /* Disk, memory, temporary files: nothing was done, and room can be made. */
    if (!strncmp(a->state, "53", 2) && strcmp(a->state, "53300") != 0) {
        *detail = "the database has no room; try again";
        return 503;
    }
    /* Serialization failure, deadlock, cancelled, shutting down, too many connections.
     */
    static const char *const passing[] = {"40001", "40P01", "57014", "57P01", "57P02",
        "57P03", "53300", "55P03", "25P03"};
    for (size_t i = 0; i < sizeof passing / sizeof *passing; i++)
        if (!strcmp(a->state, passing[i])) {
            *detail = "the database is busy; try again";
            return 503;
        }
    return 500;
}

void call_failed(struct call *c, const struct pool_answer *a) {
    const char *detail;
    int status = call_failure(a, &detail);
    call_problem(c, status, "%s", detail);
}

const char *call_value(const struct pool_answer *a) {
    return a->rows.rows == 1 && a->rows.cols == 1 ? pg_cell(&a->rows, 0, 0) : NULL;
}

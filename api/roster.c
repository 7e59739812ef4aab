#include "api/roster.h"

#include <stdio.h>

#include "base/listen.h"
#include "base/mem.h"

#define SOON_SECONDS 0.02  /* notifications that come together are one question */
#define AGAIN_SECONDS 1.0  /* when the question could not be answered */
#define SETTLE_SECONDS 3.0 /* that a slow database may hold up the start */

struct roster {
    struct server *server;
    struct listener *listener;
    struct loop_event *ask, *settle;
    bool asking, stale; /* stale: ask again as soon as the answer is there */
    bool stopped;       /* and freed by the answer on its way */
    void (*settled)(void *ctx);
    void *settled_ctx;
};

static void settle(void *ctx) {
    struct roster *r = ctx;
    void (*settled)(void *c) = r->settled;
    r->settled = NULL;
    if (settled) settled(r->settled_ctx);
}

/* ---- the question ---- */

static void take_row(struct tenants *t, const struct pg_rows *rows, int i) {
    struct api_tenant *a = tenants_named(t, str_from(pg_cell(rows, i, 1)));
    if (!a) return; /* of another workspace, or its config is broken */
    snprintf(a->uuid, sizeof a->uuid, "%s", pg_cell(rows, i, 0));
    snprintf(a->status, sizeof a->status, "%s", pg_cell(rows, i, 2));
}

static void take_rows(struct server *s, const struct pg_rows *rows) {
    for (size_t i = 0; i < s->tenants->n; i++)
        s->tenants->items[i].uuid[0] = s->tenants->items[i].status[0] = '\0';
    for (int i = 0; i < rows->rows; i++) take_row(s->tenants, rows, i);
    s->listed = true;
}

static void answered(void *ctx, const struct pool_answer *a) {
    struct roster *r = ctx;
    r->asking = false;
    if (r->stopped) {
        mem_free(r);
        return;
    }
    if (a->outcome == POOL_DONE) take_rows(r->server, &a->rows);
    if (r->stale || a->outcome != POOL_DONE)
        loop_arm(r->ask, a->outcome == POOL_DONE ? 0 : AGAIN_SECONDS);
    settle(r);
}

static void ask(void *ctx) {
    struct roster *r = ctx;
    r->stale = r->asking;
    if (r->asking) return;
    r->asking = true;
    pool_ask(r->server->pool,
        &(struct pool_question){.role = "tenantry_api",
            .sql = "select id, slug, status from tenantry.tenant_list()",
            .done = answered,
            .ctx = r});
}

/* ---- when to ask ---- */

static void heard(void *ctx, const char *slug) {
    struct roster *r = ctx;
    server_changed(r->server, slug);
    loop_arm(r->ask, SOON_SECONDS);
}

static void listening(void *ctx) {
    struct roster *r = ctx;
    r->server->listening = true;
    server_changed(r->server, NULL);
    ask(r);
}

static void lost(void *ctx, const char *why) {
    struct roster *r = ctx;
    if (r->server->worker == 0)
        fprintf(stderr, "tenantry-api: the database: %s\n", why);
    r->server->listening = false;
    settle(r);
}

void roster_moved(struct roster *r, struct server *s, struct tenants *old) {
    for (size_t i = 0; i < old->n; i++) {
        const struct api_tenant *from = &old->items[i];
        struct api_tenant *to =
            from->slug ? tenants_named(s->tenants, str_from(from->slug)) : NULL;
        if (!to) continue;
        memcpy(to->uuid, from->uuid, sizeof to->uuid);
        memcpy(to->status, from->status, sizeof to->status);
    }
    if (r) ask(r);
}

struct roster *roster_start(struct server *s, void (*settled)(void *ctx), void *ctx) {
    if (!s->pool) {
        settled(ctx);
        return NULL;
    }
    struct roster *r = mem_calloc(1, sizeof *r);
    r->server = s;
    r->settled = settled;
    r->settled_ctx = ctx;
    r->ask = loop_timer(s->loop, ask, r);
    r->settle = loop_timer(s->loop, settle, r);
    loop_arm(r->settle, SETTLE_SECONDS);
    r->listener = listen_new(s->loop, &(struct listen_settings){
                                          .url = s->settings->database,
                                          .channel = "tenantry",
                                          .heard = heard,
                                          .listening = listening,
                                          .lost = lost,
                                          .ctx = r,
                                      });
    return r;
}

void roster_stop(struct roster *r) {
    if (!r) return;
    listen_free(r->listener);
    loop_event_free(r->ask);
    loop_event_free(r->settle);
    r->stopped = true;
    if (!r->asking) mem_free(r);
}

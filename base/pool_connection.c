/* Connections that come and go. */
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/pool_internal.h"

/* ---- going ---- */

static void stop_watching(struct pool_connection *c) {
    loop_event_free(c->readable);
    loop_event_free(c->writable);
    c->readable = c->writable = NULL;
}

void pool_connection_close(struct pool_connection *c) {
    stop_watching(c); /* before the descriptor is another's */
    for (unsigned i = 0; i < c->n_flights; i++) {
        PQclear(c->flights[i].rows);
        PQclear(c->flights[i].error);
    }
    c->n_flights = 0;
    c->unsent = false;
    PQfinish(c->conn);
    c->conn = NULL;
    map_dispose(&c->prepared);
    arena_reset(&c->names);
    c->n_prepared = 0;
    c->answered = false;
    c->state = POOL_CLOSED;
}

unsigned pool_connection_asked(
    const struct pool_connection *c, struct pool_asked *asked[POOL_DEPTH]) {
    for (unsigned i = 0; i < c->n_flights; i++) asked[i] = c->flights[i].asked;
    return c->n_flights;
}

/* Whether the server may have committed what it was asked: the end of the transaction
 * was on its way, and the server had not said no before it came to that. */
static bool may_be_done(const struct pool_flight *f) {
    bool sent = f->n_legs && f->legs[f->n_legs - 1] == LEG_SYNC;
    bool no = f->error && PQresultErrorField(f->error, PG_DIAG_SQLSTATE) &&
              f->failed != LEG_SYNC;
    return f->asked->q.writes && sent && !no;
}

/* When to try again: at once after a connection that was good, else after a pause. */
static void plan_retry(struct pool *p, bool was_good, double now) {
    if (was_good)
        p->pause = 0;
    else if (p->pause * 2 < POOL_PAUSE_MIN)
        p->pause = POOL_PAUSE_MIN;
    else
        p->pause = p->pause * 2 < POOL_PAUSE_MAX ? p->pause * 2 : POOL_PAUSE_MAX;
    p->retry_at = now + p->pause;
    loop_arm(p->tick, p->pause < POOL_TICK_SECONDS ? p->pause : POOL_TICK_SECONDS);
}

static bool any_open(const struct pool *p) {
    for (unsigned i = 0; i < p->settings.connections; i++)
        if (p->connections[i].state >= POOL_IDLE) return true;
    return false;
}

static void put_again_or_end(
    struct pool *p, struct pool_asked *q, bool unsure, double now, const char *why) {
    if (unsure)
        pool_end_soon(p, q, POOL_UNSURE, why);
    else if (!q->q.writes && !q->again && now < q->deadline) {
        q->again = true;
        pool_again(p, q);
    } else
        pool_end_soon(p, q, POOL_AWAY, why);
}

void pool_connection_lost(struct pool_connection *c, const char *why) {
    struct pool *p = c->pool;
    double now = clock_seconds();
    bool was_open = c->state >= POOL_IDLE;
    bool was_good = was_open && (c->answered || now - c->since >= POOL_LASTING_SECONDS);
    bool unsure =
        c->n_flights && may_be_done(&c->flights[0]); /* one that writes is alone */
    bool late = c->n_flights && now >= c->flights[0].asked->deadline;
    struct pool_asked *asked[POOL_DEPTH];
    unsigned n = pool_connection_asked(c, asked);
    struct buf said;
    buf_init(&said, sizeof p->why - 1);
    pg_message(&said, why); /* before the connection, whose it may be, is closed */
    if (!said.len) buf_cstr(&said, "the connection is gone");
    /* What ended it may have ended others that do not show it yet: whoever is put again
     * is not to meet with one of them. */
    if (was_open && c->generation == p->generation) p->generation++;
    pool_connection_close(c);
    plan_retry(p, was_good, now);
    /* The last first, as each is put in front of those that wait. */
    while (n--) put_again_or_end(p, asked[n], unsure, now, said.ptr);
    /* One that was open may only have been cut off: the next attempt tells. */
    if ((!was_open || late) && !any_open(p)) pool_away(p, said.ptr);
    buf_dispose(&said);
}

/* ---- coming ---- */

static void on_connecting(void *ctx);
static void on_readable(void *ctx);

/* While libpq connects, even its socket may change. */
static void await(struct pool_connection *c, bool write, void (*call)(void *ctx)) {
    stop_watching(c);
    c->readable = loop_socket(c->pool->loop, PQsocket(c->conn), !write, write, call, c);
}

static void ignore_notice(void *ctx, const PGresult *r) {
    (void)ctx;
    (void)r;
}

/* libpq would quote what it cannot read, a password for one. */
static const char *reason(const struct pool_connection *c) {
    PQconninfoOption *options = PQconninfoParse(c->pool->settings.url, NULL);
    PQconninfoFree(options);
    return options ? PQerrorMessage(c->conn)
                   : "not a connection string such as postgresql://user@host/name";
}

/* The connection string's own settings, between those it may change and those that
 * what is read relies on. */
static void put_options(struct buf *out, const char *url) {
    PQconninfoOption *options = PQconninfoParse(url, NULL);
    buf_cstr(out, "-c client_connection_check_interval=1000"
                  " -c plan_cache_mode=force_generic_plan");
    for (PQconninfoOption *o = options; o && o->keyword; o++)
        if (o->val && !strcmp(o->keyword, "options")) buf_printf(out, " %s", o->val);
    buf_cstr(out, " -c TimeZone=UTC -c DateStyle=ISO");
    PQconninfoFree(options);
}

void pool_connection_open(struct pool_connection *c) {
    /* What stands before dbname is overridden by the connection string. */
    static const char *const names[] = {"keepalives", "keepalives_idle",
        "keepalives_interval", "keepalives_count", "tcp_user_timeout",
        "fallback_application_name", "client_encoding", "dbname", "options", NULL};
    const char *url = c->pool->settings.url;
    struct buf options;
    buf_init(&options, 0);
    put_options(&options, url);
    const char *const values[] = {
        "1", "5", "2", "3", "10000", "tenantry-api", "UTF8", url, options.ptr, NULL};
    c->conn = PQconnectStartParams(names, values, 1);
    buf_dispose(&options);
    if (!c->conn) mem_exhausted();
    c->state = POOL_CONNECTING;
    c->since = clock_seconds();
    c->generation = c->pool->generation;
    PQsetNoticeReceiver(c->conn, ignore_notice, NULL);
    if (PQstatus(c->conn) == CONNECTION_BAD)
        pool_connection_lost(c, reason(c));
    else
        await(c, true, on_connecting);
}

static void connected(struct pool_connection *c) {
    if (PQsetnonblocking(c->conn, 1) || !PQenterPipelineMode(c->conn)) {
        pool_connection_lost(c, PQerrorMessage(c->conn));
        return;
    }
    c->state = POOL_IDLE;
    c->since = c->pool->heard = clock_seconds();
    await(c, false, on_readable);
    c->pool->figures.connected++;
    pool_back(c->pool);
    pool_serve(c->pool);
}

static void on_connecting(void *ctx) {
    struct pool_connection *c = ctx;
    switch (PQconnectPoll(c->conn)) {
    case PGRES_POLLING_READING:
        await(c, false, on_connecting);
        return;
    case PGRES_POLLING_WRITING:
        await(c, true, on_connecting);
        return;
    case PGRES_POLLING_OK:
        connected(c);
        return;
    default:
        pool_connection_lost(c, reason(c));
    }
}

/* ---- in use ---- */

static void on_readable(void *ctx) {
    struct pool_connection *c = ctx;
    /* libpq may have to write before the server says more. */
    if (!c->writable || pool_connection_flush(c)) pool_land(c);
}

static void on_writable(void *ctx) {
    pool_connection_flush(ctx);
}

bool pool_connection_flush(struct pool_connection *c) {
    int left = PQflush(c->conn);
    c->unsent = false; /* or `writable` sees to it */
    if (left < 0) {
        pool_connection_lost(c, PQerrorMessage(c->conn));
        return false;
    }
    if (left && !c->writable)
        c->writable =
            loop_socket(c->pool->loop, PQsocket(c->conn), false, true, on_writable, c);
    if (!left) {
        loop_event_free(c->writable);
        c->writable = NULL;
    }
    return true;
}

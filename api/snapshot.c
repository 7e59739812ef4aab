#include "api/snapshot.h"

#include <math.h>
#include <stdio.h>

#include "api/metrics.h"
#include "api/route.h"
#include "api/snapshot_store.h"
#include "base/clock.h"
#include "base/mem.h"

#define LIFE_SECONDS 60.0   /* what nobody is told of (a member's name) gets this old */
#define UNHEARD_SECONDS 2.0 /* good for, while nobody could tell of a change */
#define STALE_SECONDS 60.0  /* and while the database does not answer */
#define POLL_SECONDS 2.0
#define JSON "application/json; charset=utf-8"

struct waiter {
    struct waiter *next;
    struct call *call;
};
/* A question under way, and who waits for its answer. */
struct flight {
    struct flight *next;
    struct snapshots *snapshots;
    struct str key;
    const char *slug;
    bool listed; /* others may join, and the answer may be kept */
    double asked;
    struct call *call; /* who asks */
    struct snapshot_question question;
    struct waiter *waiters;
    void (*done)(struct call *c, const struct pool_answer *a);
};
struct snapshots {
    struct server *server;
    bool enabled;
    struct snapshot_store store;
    struct flight *flights;
    struct tenants *tenants; /* whose configs the answers were made of */
    struct loop_event *poll;
    bool polling;
    struct arena seen; /* of `since` */
    char *since;       /* pg_current_snapshot() of the last look; NULL: none */
};

/* ---- forgetting ---- */

/* The answers on their way are older than what was just heard. */
static void unlist(struct snapshots *s, const char *slug) {
    struct flight **at = &s->flights, *f;
    while ((f = *at)) {
        if (slug && strcmp(f->slug, slug)) {
            at = &f->next;
            continue;
        }
        f->listed = false;
        *at = f->next;
    }
}

static void forget(struct snapshots *s, const char *slug) {
    store_forget(&s->store, slug);
    unlist(s, slug);
}

static void on_change(struct server *s, const char *slug) {
    forget(s->snapshots, slug);
}

static void move_on(struct snapshots *s, struct tenants *t) {
    forget(s, NULL);
    tenants_drop(s->tenants);
    s->tenants = tenants_keep(t);
}

static void on_reload(struct server *s) {
    move_on(s->snapshots, s->tenants);
}

/* ---- asking what has changed ---- */

static void take_changes(struct snapshots *s, const struct pool_answer *a) {
    struct str slugs = str_from(pg_cell(&a->rows, 0, 0)), slug;
    if (!s->since) forget(s, NULL); /* since when, nobody knows */
    while (str_cut(&slugs, ' ', &slug)) {
        struct arena scratch;
        arena_init(&scratch);
        if (slug.len) forget(s, arena_str(&scratch, slug));
        arena_dispose(&scratch);
    }
    arena_reset(&s->seen);
    s->since = arena_strdup(&s->seen, pg_cell(&a->rows, 0, 1));
}

static void polled(void *ctx, const struct pool_answer *a) {
    struct snapshots *s = ctx;
    s->polling = false;
    if (a->outcome == POOL_DONE && a->rows.rows == 1) take_changes(s, a);
    loop_arm(s->poll, POLL_SECONDS);
}

static void poll(void *ctx) {
    struct snapshots *s = ctx;
    if (s->polling) return;
    if (!s->store.entries && s->since) { /* the next look covers this time as well */
        loop_arm(s->poll, POLL_SECONDS);
        return;
    }
    const char *values[] = {s->since};
    s->polling = true;
    pool_ask(s->server->pool,
        &(struct pool_question){.role = "tenantry_api",
            .sql = "select coalesce(string_agg(t, ' '), ''), pg_current_snapshot()"
                   " from tenantry.tenants_changed($1::pg_snapshot) t",
            .values = values,
            .n_values = 1,
            .done = polled,
            .ctx = s});
}

/* ---- the answer to one ---- */

static bool is_private(const struct call *c) {
    const char *cookie = http_header(c->request, "Cookie");
    return c->principal.user || http_header(c->request, "Authorization") ||
           (cookie && strstr(cookie, "tenantry_"));
}

void snapshot_cache_control(
    char out[160], const struct snapshot_windows *w, double left) {
    unsigned limit = left < 0 || left > 1e8 ? 100000000 : (unsigned)left;
    unsigned max_age = w->max_age < limit ? w->max_age : limit;
    unsigned shared = w->s_maxage < limit ? w->s_maxage : limit;
    unsigned rest = limit - (shared > max_age ? shared : max_age);
    unsigned again = w->stale_while_revalidate, error = w->stale_if_error;
    snprintf(out, 160,
        "public, max-age=%u, s-maxage=%u, stale-while-revalidate=%u,"
        " stale-if-error=%u",
        max_age, shared, again < rest ? again : rest, error < rest ? error : rest);
}

/* Made anew only when the second is another. */
static const char *cache_control(struct snapshot_entry *e, double now) {
    double left = e->right > 0 ? fmax(e->right - now, 0) : -1;
    long second = left < 0 ? -1 : (long)fmin(left, 1e8);
    if (second != e->control_left) {
        snapshot_cache_control(e->control, e->windows, left);
        e->control_left = second;
    }
    return e->control;
}

static void send(struct call *c, struct snapshot_entry *e) {
    call_header(c, "Content-Type", JSON);
    call_header(c, "Cache-Control",
        is_private(c) ? "private, no-store" : cache_control(e, clock_seconds()));
    entry_keep(e);
    call_reply_file(c, 200,
        &(struct http_file){.bytes = buf_view(&e->body),
            .etag = e->etag,
            .release = entry_drop,
            .ctx = e});
}

/* ---- what is in memory ---- */

static bool is_right(const struct snapshot_entry *e, double now, double seconds) {
    return now < e->asked + seconds && (e->right <= 0 || now < e->right);
}

static bool is_fresh(
    const struct snapshots *s, const struct snapshot_entry *e, double now) {
    bool told = !s->server->pool || s->server->listening;
    return is_right(e, now, told ? LIFE_SECONDS : UNHEARD_SECONDS);
}

static struct str key_of(struct call *c, struct str parameters) {
    const char *slug = c->tenant->slug, *path = c->route->path;
    struct str key = {NULL, strlen(slug) + strlen(path) + parameters.len + 2};
    char *p = arena_take(&c->request->arena, key.len), *to = p;
    to = (char *)memcpy(to, slug, strlen(slug)) + strlen(slug);
    *to++ = '\n';
    to = (char *)memcpy(to, path, strlen(path)) + strlen(path);
    *to++ = '\n';
    if (parameters.len) memcpy(to, parameters.ptr, parameters.len);
    key.ptr = p;
    return key;
}

/* ---- flights ---- */

static void join(struct flight *f, struct call *c) {
    struct waiter *w = arena_alloc(&c->request->arena, sizeof *w);
    w->call = c;
    w->next = f->waiters;
    f->waiters = w;
}

static struct flight *flight_find(const struct snapshots *s, struct str key) {
    struct flight *f = s->flights;
    while (f && !str_equal(f->key, key)) f = f->next;
    return f;
}

/* A flight is in its asker's arena, which outlives every answer but its own. */
static struct flight *flight_new(struct snapshots *s, struct call *c, struct str key,
    const struct snapshot_question *q) {
    struct flight *f = arena_alloc(&c->request->arena, sizeof *f);
    *f = (struct flight){.snapshots = s,
        .key = key,
        .slug = c->tenant->slug,
        .listed = s->enabled && c->tenants == s->tenants,
        .asked = clock_seconds(),
        .call = c,
        .question = *q};
    if (!f->listed) return f;
    f->next = s->flights;
    s->flights = f;
    return f;
}

static void count(struct call *c, enum metric which) {
    metrics_count(c->server->metrics, c->server->worker, which);
}

void snapshot_answer(struct call *c, const struct snapshot_question *q) {
    struct snapshots *s = c->server->snapshots;
    struct str key = key_of(c, q->parameters);
    bool current = s->enabled && c->tenants == s->tenants;
    struct snapshot_entry *e = current ? store_find(&s->store, key) : NULL;
    if (e && is_fresh(s, e, clock_seconds())) {
        count(c, METRIC_SNAPSHOT_HIT);
        send(c, e);
        return;
    }
    struct flight *f = current ? flight_find(s, key) : NULL;
    if (f) {
        count(c, METRIC_SNAPSHOT_HIT);
        join(f, c);
        return;
    }
    count(c, METRIC_SNAPSHOT_MISS);
    f = flight_new(s, c, key, q);
    c->handler = f;
    q->ask(c);
}

void *snapshot_handler(const struct call *c) {
    return ((struct flight *)c->handler)->question.handler;
}

static void unlink_flight(struct flight *f) {
    struct flight **at = &f->snapshots->flights;
    if (!f->listed) return;
    while (*at != f) at = &(*at)->next;
    *at = f->next;
}

/* Everybody who waits, then who asked, with whom the flight ends. */
static void send_all(struct flight *f, struct snapshot_entry *e) {
    struct call *asker = f->call;
    for (struct waiter *w = f->waiters, *next; w; w = next) {
        next = w->next;
        send(w->call, e);
    }
    send(asker, e);
}

void snapshot_fill(struct call *c, struct str json, double seconds) {
    struct flight *f = c->handler;
    struct snapshots *s = f->snapshots;
    struct snapshot_entry *e = entry_new(f->key, json);
    e->windows = f->question.windows;
    e->asked = f->asked;
    e->right = seconds < 0 ? 0 : f->asked + seconds;
    unlink_flight(f);
    if (f->listed) store_add(&s->store, f->slug, e);
    send_all(f, e);
    entry_drop(e);
}

void snapshot_problem(struct call *c, int status, const char *detail) {
    struct flight *f = c->handler;
    unlink_flight(f);
    for (struct waiter *w = f->waiters, *next; w; w = next) {
        next = w->next;
        call_problem(w->call, status, "%s", detail);
    }
    call_problem(c, status, "%s", detail);
}

/* ---- the database ---- */

static void failed(struct flight *f, const struct pool_answer *a) {
    struct snapshots *s = f->snapshots;
    const char *detail;
    int status = call_failure(a, &detail);
    struct snapshot_entry *e =
        status == 503 && f->listed ? store_find(&s->store, f->key) : NULL;
    if (!e || !is_right(e, clock_seconds(), STALE_SECONDS)) {
        snapshot_problem(f->call, status, detail);
        return;
    }
    unlink_flight(f);
    entry_keep(e);
    send_all(f, e);
    entry_drop(e);
}

static void answered(void *ctx, const struct pool_answer *a) {
    struct flight *f = ctx;
    if (a->outcome == POOL_DONE)
        f->done(f->call, a);
    else
        failed(f, a);
}

void snapshot_ask(struct call *c, const char *sql, const char *const *values, int n,
    void (*done)(struct call *c, const struct pool_answer *a)) {
    struct flight *f = c->handler;
    /* What is read here is in an index in the order of the page; planned once for all
     * tenants, a large one's rows would look like a handful to sort. */
    const struct pool_local locals[] = {
        {"app.current_tenant_id", c->tenant->uuid}, {"enable_sort", "off"}};
    f->done = done;
    pool_ask(c->server->pool, &(struct pool_question){.role = "tenantry_web",
                                  .locals = locals,
                                  .n_locals = 2,
                                  .sql = sql,
                                  .values = values,
                                  .n_values = n,
                                  .done = answered,
                                  .ctx = f});
}

/* ---- the whole ---- */

struct snapshots *snapshots_new(struct server *server) {
    struct snapshots *s = mem_calloc(1, sizeof *s);
    s->server = server;
    s->enabled = server->settings->snapshots;
    store_init(&s->store);
    arena_init(&s->seen);
    s->tenants = tenants_keep(server->tenants);
    server_on_change(server, on_change);
    server_on_reload(server, on_reload);
    if (!s->enabled || !server->pool) return s;
    s->poll = loop_timer(server->loop, poll, s);
    loop_arm(s->poll, 0);
    return s;
}

void snapshots_free(struct snapshots *s) {
    if (!s) return;
    loop_event_free(s->poll);
    store_dispose(&s->store);
    arena_dispose(&s->seen);
    tenants_drop(s->tenants);
    mem_free(s);
}

#include "api/standing.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/mem.h"

#define WEBHOOK "tenantry_webhook"
#define WRITE_SECONDS 2.0 /* between writing what was counted */
#define FRESH_SECONDS 4.0 /* then it is asked anew, while the old answer does */
#define COUNTED 4         /* metrics of a tenant */

struct waiter {
    struct call *call;
    void (*then)(struct call *c, const struct standing *st);
    uint64_t changes; /* heard of when it came */
    struct waiter *next;
};
struct counter { /* one metric, in this hour and in the one before */
    const char *name;
    int64_t hour;
    struct meter *now, *before;
};
struct standing {
    struct standings *all;
    struct standing *next;
    char tenant[37], slug[64];
    char status[16];
    bool unpaid;
    json_t *limits;
    struct counter counters[COUNTED];
    bool known, asking;
    /* Changes heard of; how many of them the question, and what is known, came after.
     */
    uint64_t changes, asked_changes, known_changes;
    double asked;
    int64_t asked_hour, known_hour; /* whose use that is */
    struct waiter *waiters;
};
struct standings {
    struct server *server;
    struct meters *meters;
    struct map map; /* uuid -> struct standing */
    struct standing *first;
    struct loop_event *timer;
    unsigned writing;
    void (*drained)(void *ctx);
    void *drained_ctx;
};

int64_t standing_hour(void) {
    int64_t now = clock_now();
    return now - now % METER_HOUR;
}

/* ---- counting ---- */

static struct counter *counter_of(struct standing *st, const char *metric) {
    int64_t hour = standing_hour();
    for (unsigned i = 0; i < COUNTED; i++) {
        struct counter *k = &st->counters[i];
        if (k->name && strcmp(k->name, metric) != 0) continue;
        k->name = metric;
        if (k->hour != hour) {
            k->before = k->hour == hour - METER_HOUR ? k->now : NULL;
            k->now = meter_find(st->all->meters, st->tenant, metric, hour);
            k->hour = hour;
        }
        return k;
    }
    return NULL;
}

static struct standing *find(const struct standings *all, const char *tenant) {
    return all && *tenant ? map_get(&all->map, str_from(tenant)) : NULL;
}

bool standing_take(
    struct call *c, const struct standing *st, const char *metric, int64_t n) {
    struct standing *own = find(c->server->standings, st->tenant);
    struct counter *k = own ? counter_of(own, metric) : NULL;
    return !k || !k->now || meter_take(k->now, n, standing_limit(st, metric));
}

const struct standing *standing_now(const struct call *c) {
    const struct standing *st =
        c->tenant ? find(c->server->standings, c->tenant->uuid) : NULL;
    return st && st->known ? st : NULL;
}

int64_t standing_used(
    struct server *s, const char *tenant, const char *metric, int64_t hour) {
    const struct meter *m = meter_look(s->standings->meters, tenant, metric, hour);
    return m ? meter_used(m) : -1;
}

/* ---- what the database said ---- */

static void learn_used(struct standing *st, const json_t *used, int64_t hour) {
    const char *metric;
    json_t *n;
    json_object_foreach((json_t *)used, metric, n) {
        struct meter *m = meter_find(st->all->meters, st->tenant, metric, hour);
        if (m) meter_learn(m, (int64_t)json_number_value(n));
    }
}

static void learn(struct standing *st, const struct pool_answer *a) {
    const char *text = call_value(a);
    json_t *v = text ? json_loads(text, 0, NULL) : NULL;
    const char *status = json_path_string(v, "status");
    const char *reason = json_path_string(v, "reason");
    if (status) {
        snprintf(st->status, sizeof st->status, "%s", status);
        st->unpaid = reason && !strcmp(reason, "payment");
        json_decref(st->limits);
        st->limits = json_incref(json_object_get(v, "limits"));
        learn_used(st, json_object_get(v, "used"), st->asked_hour);
        st->known = true;
        st->known_hour = st->asked_hour;
        st->known_changes = st->asked_changes;
    }
    json_decref(v);
}

static void put(struct standing *st, bool writes, const char *sql, int64_t hour,
    const char *counted, void (*done)(void *ctx, const struct pool_answer *a),
    void *ctx) {
    char seconds[24];
    const struct pool_local here = {"app.current_tenant_id", st->tenant};
    snprintf(seconds, sizeof seconds, "%lld", (long long)hour);
    const char *const values[] = {seconds, counted};
    pool_ask(st->all->server->pool, &(struct pool_question){.role = WEBHOOK,
                                        .writes = writes,
                                        .locals = &here,
                                        .n_locals = 1,
                                        .sql = sql,
                                        .values = values,
                                        .n_values = counted ? 2 : 1,
                                        .done = done,
                                        .ctx = ctx});
}

static void ask(struct standing *st);

/* Takes out those whom the answer does for; the others came after a change that may not
 * be in it.  Later changes are not theirs: a tenant that always changes has answers. */
static struct waiter *take_served(struct standing *st, bool all) {
    struct waiter *served = NULL, **p = &st->waiters;
    while (*p) {
        struct waiter *w = *p;
        if (all || w->changes <= st->asked_changes) {
            *p = w->next;
            w->next = served;
            served = w;
        } else
            p = &w->next;
    }
    return served;
}

static void answered(void *ctx, const struct pool_answer *a) {
    struct standing *st = ctx;
    st->asking = false;
    if (a->outcome == POOL_DONE) learn(st, a);
    struct waiter *w = take_served(st, a->outcome != POOL_DONE);
    if (st->waiters) ask(st);
    while (w) {
        struct waiter *next = w->next; /* then() may end the call, and w with it */
        w->then(w->call, st->known ? st : NULL);
        w = next;
    }
}

static void ask(struct standing *st) {
    st->asking = true;
    st->asked_changes = st->changes;
    st->asked = clock_seconds();
    st->asked_hour = standing_hour();
    put(st, false, "select tenantry.tenant_standing(to_timestamp($1::bigint))",
        st->asked_hour, NULL, answered, st);
}

static struct standing *standing_of(
    struct standings *all, const struct api_tenant *tenant) {
    struct standing *st = map_get(&all->map, str_from(tenant->uuid));
    if (st) return st;
    st = mem_calloc(1, sizeof *st);
    st->all = all;
    snprintf(st->tenant, sizeof st->tenant, "%s", tenant->uuid);
    snprintf(st->slug, sizeof st->slug, "%s", tenant->slug);
    st->next = all->first;
    all->first = st;
    return map_add(&all->map, str_from(st->tenant), st);
}

void standing_find(
    struct call *c, void (*then)(struct call *c, const struct standing *st)) {
    struct server *s = c->server;
    if (!s->pool || !s->listed || !*c->tenant->uuid) {
        then(c, NULL);
        return;
    }
    struct standing *st = standing_of(s->standings, c->tenant);
    bool due = clock_seconds() - st->asked > FRESH_SECONDS;
    /* Also while the question is on its way: nobody is let in by the limits of before.
     */
    bool wait = !st->known || st->known_changes != st->changes ||
                st->known_hour != standing_hour();
    if (wait) {
        struct waiter *w = arena_alloc(&c->request->arena, sizeof *w);
        *w = (struct waiter){c, then, st->changes, st->waiters};
        st->waiters = w;
    }
    if ((wait || due) && !st->asking) ask(st);
    if (!wait) then(c, st);
}

/* ---- reading ---- */

const char *standing_status(const struct standing *st) {
    return st->status;
}

bool standing_unpaid(const struct standing *st) {
    return st->unpaid;
}

int64_t standing_limit(const struct standing *st, const char *name) {
    const json_t *v = json_object_get(st->limits, name);
    double n = json_number_value(v);
    if (json_is_false(v)) return 0;
    return !json_is_number(v) || n < 0 || n > 9e15 ? -1 : (int64_t)n;
}

/* ---- writing ---- */

struct written { /* one hour of one tenant, on its way */
    struct standing *standing;
    int64_t hour;
    struct meter *meters[COUNTED];
    int64_t n[COUNTED];
};

static void one_less(struct standings *all) {
    if (--all->writing || !all->drained) return;
    void (*drained)(void *ctx) = all->drained;
    all->drained = NULL;
    drained(all->drained_ctx);
}

static void written(void *ctx, const struct pool_answer *a) {
    struct written *w = ctx;
    struct standing *st = w->standing;
    /* Unsure: it may be there, and nobody is to be charged twice. */
    bool lost = a->outcome == POOL_AWAY || a->outcome == POOL_REFUSED;
    for (unsigned i = 0; i < COUNTED && lost; i++)
        if (w->n[i]) meter_give_back(w->meters[i], w->n[i]);
    if (a->outcome == POOL_DONE && w->hour == standing_hour()) {
        json_t *v = json_loads(call_value(a), 0, NULL);
        learn_used(st, json_object_get(v, "used"), w->hour);
        json_decref(v);
    }
    mem_free(w);
    one_less(st->all);
}

/* What was counted in that hour, if anything. */
static void write_hour(struct standing *st, int64_t hour) {
    struct written *w = mem_calloc(1, sizeof *w);
    struct buf counted;
    bool any = false;
    *w = (struct written){.standing = st, .hour = hour};
    buf_init(&counted, 0);
    for (unsigned i = 0; i < COUNTED; i++) {
        const struct counter *k = &st->counters[i];
        w->meters[i] = k->hour == hour                ? k->now
                       : k->hour == hour + METER_HOUR ? k->before
                                                      : NULL;
        w->n[i] = w->meters[i] ? meter_unwritten(w->meters[i]) : 0;
        if (!w->n[i]) continue;
        buf_printf(
            &counted, "%s\"%s\":%lld", any ? "," : "{", k->name, (long long)w->n[i]);
        any = true;
    }
    if (any) {
        buf_char(&counted, '}');
        st->all->writing++;
        put(st, true,
            "select tenantry.tenant_count(to_timestamp($1::bigint), $2::text::jsonb)",
            hour, counted.ptr, written, w);
    } else
        mem_free(w);
    buf_dispose(&counted);
}

static void write_all(struct standings *all) {
    int64_t hour = standing_hour();
    for (struct standing *st = all->first; st; st = st->next) {
        write_hour(st, hour - METER_HOUR);
        write_hour(st, hour);
    }
}

static void tick(void *ctx) {
    struct standings *all = ctx;
    if (all->server->pool) write_all(all);
    loop_arm(all->timer, WRITE_SECONDS);
}

void standings_drain(struct standings *all, void (*done)(void *ctx), void *ctx) {
    loop_disarm(all->timer);
    all->drained = done;
    all->drained_ctx = ctx;
    all->writing++;
    if (all->server->pool) write_all(all);
    one_less(all);
}

/* ---- opening ---- */

static void changed(struct server *s, const char *slug) {
    for (struct standing *st = s->standings->first; st; st = st->next)
        if (!slug || !strcmp(st->slug, slug)) st->changes++;
}

struct standings *standings_new(struct server *s, struct meters *m) {
    struct standings *all = mem_calloc(1, sizeof *all);
    all->server = s;
    all->meters = m;
    all->timer = loop_timer(s->loop, tick, all);
    loop_arm(all->timer, WRITE_SECONDS);
    server_on_change(s, changed);
    return all;
}

void standings_free(struct standings *all) {
    if (!all) return;
    loop_event_free(all->timer);
    for (struct standing *st = all->first, *next; st; st = next) {
        next = st->next;
        json_decref(st->limits);
        mem_free(st);
    }
    map_dispose(&all->map);
    mem_free(all);
}

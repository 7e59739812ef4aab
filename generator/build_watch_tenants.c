/* Which tenants are to be made anew, in which order, and when. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "generator/build_watch_internal.h"

#define CLOCK_MAX 3600. /* seconds that the timer is set for at most */

const char *watch_reason(enum watch_cause why) {
    static const char *const reasons[] = {[CAUSE_NONE] = "",
        [CAUSE_COMPARED] = "compared anew",
        [CAUSE_SHARED] = "what it shares with others changed",
        [CAUSE_CLOCK] = "a date was reached",
        [CAUSE_FILES] = "its files changed",
        [CAUSE_ROWS] = "its rows changed",
        [CAUSE_NEW] = "it is new"};
    return reasons[why];
}

/* ---- the queues ---- */

static struct watched_list *queue_of(struct watcher *w, enum watch_cause why) {
    return why >= CAUSE_DIRECT ? &w->direct : &w->rest;
}

void tenant_mark(struct watcher *w, struct watched *t, enum watch_cause why) {
    if (!t->here) return;
    if (t->busy) {
        if (why > t->again) t->again = why;
        return;
    }
    if (why <= t->queued) return;
    if (t->queued) TAILQ_REMOVE(queue_of(w, t->queued), t, queue);
    t->queued = why;
    TAILQ_INSERT_TAIL(queue_of(w, why), t, queue);
}

void tenants_mark(struct watcher *w, enum watch_cause why) {
    for (size_t i = 0; i < w->n_tenants; i++) tenant_mark(w, w->tenants[i], why);
}

struct watched *tenants_next(struct watcher *w, bool direct) {
    struct watched *t = TAILQ_FIRST(&w->direct);
    if (!t && !direct) t = TAILQ_FIRST(&w->rest);
    if (!t) return NULL;
    TAILQ_REMOVE(queue_of(w, t->queued), t, queue);
    t->busy = t->retry > t->queued ? t->retry : t->queued;
    t->queued = t->retry = CAUSE_NONE;
    return t;
}

/* ---- time ---- */

static double real_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void tenants_arm(struct watcher *w) {
    int64_t next = INT64_MAX;
    for (size_t i = 0; i < w->n_tenants; i++)
        if (w->tenants[i]->until < next) next = w->tenants[i]->until;
    if (next == INT64_MAX) return;
    double left = (double)next - real_seconds() + 0.001;
    loop_arm(w->clock, left < CLOCK_MAX ? left : CLOCK_MAX);
}

void tenants_tick(struct watcher *w) {
    int64_t now = clock_now();
    double at = clock_seconds();
    for (size_t i = 0; i < w->n_tenants; i++) {
        struct watched *t = w->tenants[i];
        if (t->until <= now) {
            t->until = INT64_MAX; /* until it is made */
            tenant_mark(w, t, CAUSE_CLOCK);
        }
        if (t->retry && t->retry_at <= at) tenant_mark(w, t, t->retry);
    }
}

void tenants_retry(struct watcher *w) {
    for (size_t i = 0; i < w->n_tenants; i++)
        if (w->tenants[i]->retry) tenant_mark(w, w->tenants[i], w->tenants[i]->retry);
}

/* ---- who there is ---- */

static struct watched *tenant_new(struct watcher *w, const char *id) {
    struct watched *t = mem_calloc(1, sizeof *t);
    t->id = mem_strdup(id);
    t->until = INT64_MAX;
    w->tenants =
        mem_grow(w->tenants, &w->cap_tenants, w->n_tenants + 1, sizeof *w->tenants);
    w->tenants[w->n_tenants++] = t;
    map_set(&w->by_id, str_from(t->id), t);
    return t;
}

static void tenant_free(struct watched *t) {
    json_decref(t->result);
    mem_free(t->id);
    mem_free(t);
}

/* One that a worker has in hand stays until it is done with. */
static void forget_gone(struct watcher *w) {
    size_t n = 0;
    map_dispose(&w->by_id);
    w->by_id = (struct map){0};
    for (size_t i = 0; i < w->n_tenants; i++) {
        struct watched *t = w->tenants[i];
        if (!t->here && !t->busy) {
            if (t->queued) TAILQ_REMOVE(queue_of(w, t->queued), t, queue);
            tenant_free(t);
            continue;
        }
        w->tenants[n++] = t;
        map_set(&w->by_id, str_from(t->id), t);
    }
    w->n_tenants = n;
}

void tenants_meet(struct watcher *w) {
    struct run *r = &w->run;
    const struct workspace *ws = &r->in.build.workspace;
    const char *lender = ws->default_tenant;
    bool lent = false;
    for (size_t i = 0; i < w->n_tenants; i++) w->tenants[i]->here = false;
    for (size_t i = 0, k = 0; i < r->in.n_ids; i++) {
        while (ws->ids[k] != r->in.ids[i]) k++; /* ids are some of these, in order */
        struct watched *t = map_get(&w->by_id, str_from(r->in.ids[i]));
        bool broken = map_get(&r->in.broken, str_from(r->in.ids[i]));
        struct hash config = r->in.configs[k];
        bool is_new = !t;
        if (!t) t = tenant_new(w, r->in.ids[i]);
        bool same = broken == t->broken && !memcmp(&config, &t->config, sizeof config);
        t->here = true;
        t->broken = broken;
        t->config = config;
        if (is_new)
            tenant_mark(w, t, CAUSE_NEW);
        else if (!same)
            tenant_mark(w, t, CAUSE_FILES);
        lent = lent || (!same && lender && !strcmp(lender, t->id));
    }
    if (lent) tenants_mark(w, CAUSE_SHARED);
    forget_gone(w);
}

void tenants_dispose(struct watcher *w) {
    for (size_t i = 0; i < w->n_tenants; i++) tenant_free(w->tenants[i]);
    mem_free(w->tenants);
    map_dispose(&w->by_id);
}

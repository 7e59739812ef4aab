#include "generator/build_watch.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "generator/build_watch_internal.h"
#include "generator/database.h"

#define TICK_SECONDS 1.0
#define LOOK_SECONDS 5.0       /* between two looks that nothing asked for */
#define COMPARE_SECONDS 3600.0 /* between two rounds that compare everything */
#define HOSTS_SECONDS 0.2      /* that hosts.json may wait while tenants are made */
#define HOLD_SECONDS 1.0       /* that readers of the output are kept waiting */
#define LATER_SECONDS 0.01     /* before the lock is asked for again */
#define STOP_SECONDS 5.0 /* that what is in hand may take when it is told to end */

/* ---- publishing ---- */

/* Readers get their turn whenever nothing is in hand, and now and then in between. */
static bool hold_lock(struct watcher *w) {
    bool idle = !worker_pool_busy(w->pool);
    double now = clock_seconds();
    if (w->locked && now - w->locked_since > HOLD_SECONDS) {
        if (!idle) return false;
        out_unlock(&w->run.out);
        w->locked = false;
        loop_arm(w->later, LATER_SECONDS);
        return false;
    }
    if (w->locked) return true;
    w->locked = out_lock(&w->run.out);
    w->locked_since = now;
    if (!w->locked) loop_arm(w->later, LATER_SECONDS);
    return w->locked;
}

static void say_removed(struct watcher *w) {
    struct run *r = &w->run;
    json_t *name;
    size_t i;
    json_array_foreach(r->removed_trees, i, name) {
        if (!w->options.json && w->options.verbosity >= 0)
            printf(
                "%s: removed, no tenant lists it any more\n", json_string_value(name));
        if (!w->options.json) continue;
        json_t *v = json_object();
        json_set_str(v, "type", "removed");
        json_object_set(v, "tree", name);
        report_line(v);
        json_decref(v);
    }
    json_array_clear(r->removed_trees);
    fflush(stdout);
}

static void publish_hosts(struct watcher *w) {
    struct run *r = &w->run;
    json_array_clear(r->results);
    for (size_t i = 0; i < r->in.n_ids; i++) {
        const struct watched *t = map_get(&w->by_id, str_from(r->in.ids[i]));
        json_array_append_new(
            r->results, t && t->result ? json_incref(t->result) : json_object());
    }
    w->hosts_changed = r->machine_failed = false;
    diag_reset(&r->diags);
    run_publish_hosts(r);
    const struct workspace *ws = &r->in.build.workspace;
    if (!w->options.n_only && !ws->unclear) pull_forget(w->pull, ws->ids, ws->n_ids);
    if (r->machine_failed) w->hosts_changed = true; /* with the next tick */
    watch_say(w, &r->diags, &w->hosts_said);
    say_removed(w);
}

/* hosts.json comes after the trees it names; with many to make, not after each. */
static void publish_when_due(struct watcher *w) {
    bool idle = !worker_pool_busy(w->pool);
    bool waits = !TAILQ_EMPTY(&w->direct) || !idle;
    if (!w->hosts_changed || w->unusable) return;
    if (waits && clock_seconds() - w->hosts_since < HOSTS_SECONDS) return;
    if (!w->locked && !hold_lock(w)) return;
    publish_hosts(w);
    w->hosts_since = clock_seconds();
}

/* ---- handing out work ---- */

static bool give_render(struct watcher *w) {
    /* One worker stays free for what comes, where there is more than one. */
    unsigned busy = worker_pool_busy(w->pool);
    bool direct = busy && busy + 1 >= w->options.jobs;
    if (TAILQ_EMPTY(&w->direct) && (direct || TAILQ_EMPTY(&w->rest))) return false;
    if (!hold_lock(w)) return false;
    struct watched *t = tenants_next(w, direct);
    struct buf request;
    unsigned slot;
    buf_init(&request, 0);
    buf_printf(&request, "%c%lld %s", REQUEST_RENDER, (long long)clock_now(), t->id);
    bool given = worker_pool_give(w->pool, buf_view(&request), &slot);
    buf_dispose(&request);
    if (given) {
        w->slots[slot].tenant = t;
        return true;
    }
    enum watch_cause why = t->busy;
    t->busy = CAUSE_NONE;
    tenant_mark(w, t, why);
    return false;
}

void watcher_go_on(struct watcher *w) {
    bool ready = w->connected && !w->unusable && !w->stopping;
    /* Before anything that a look might add to: then each is made once. */
    bool looks = ready && w->look_wanted && !w->looking;
    if (looks && !rows_look(w)) ready = false;
    while (ready && worker_pool_busy(w->pool) < w->options.jobs && give_render(w))
        continue;
    publish_when_due(w);
    if (worker_pool_busy(w->pool)) return;
    if (w->untidy && w->locked) out_tidy(&w->run.out);
    w->untidy = w->untidy && !w->locked;
    if (w->locked && TAILQ_EMPTY(&w->direct) && TAILQ_EMPTY(&w->rest)) {
        out_unlock(&w->run.out);
        w->locked = false;
    }
    if (w->stopping) loop_stop(w->loop);
}

/* ---- what came of it ---- */

static bool is_published(const json_t *result) {
    return json_is_true(json_object_get(result, "ok"));
}

static bool changes_hosts(const json_t *before, const json_t *result) {
    const json_t *sites = json_object_get(result, "sites"), *site;
    const json_t *old = json_object_get(before, "sites");
    size_t i;
    if (!is_published(result)) return false;
    if (!is_published(before) || json_array_size(old) != json_array_size(sites))
        return true;
    json_array_foreach(sites, i, site) {
        const json_t *was = json_array_get(old, i);
        if (site_changes_rules(site) ||
            strcmp(json_path_string(site, "host"), json_path_string(was, "host")) ||
            json_is_true(json_object_get(site, "redirects")) !=
                json_is_true(json_object_get(was, "redirects")))
            return true;
    }
    return false;
}

static bool has_changes(const json_t *result) {
    const json_t *site;
    size_t i;
    json_array_foreach(json_object_get(result, "sites"), i,
        site) if (json_integer_value(json_object_get(site, "written")) +
                  json_integer_value(json_object_get(site, "removed"))) return true;
    return false;
}

/* Lists of addresses are told once, not kept. */
static void drop_lists(json_t *result) {
    json_t *site;
    size_t i;
    json_array_foreach(json_object_get(result, "sites"), i, site) {
        json_object_del(site, "changed");
        json_object_del(site, "removed_paths");
        json_object_del(site, "fresh");
    }
    json_object_del(result, "asked");
}

static void tell(struct watcher *w, struct watched *t, const json_t *result,
    const struct diag_list *diags, enum watch_cause why) {
    struct hash said = t->said;
    bool ok = is_published(result), was = is_published(t->result);
    watch_say(w, diags, &t->said);
    bool news = ok ? why >= CAUSE_DIRECT || has_changes(result) || !was
                   : memcmp(&said, &t->said, sizeof said) != 0;
    if (news || w->options.verbosity > 0)
        report_rebuild(&w->run.report, result, watch_reason(why), diags);
}

static void keep_until(struct watched *t, const json_t *result) {
    const json_t *until = json_object_get(result, "until");
    t->until = until ? json_integer_value(until) : INT64_MAX;
}

/* The machine failed, not the tenant: what it had to say stays as it was. */
static void try_again(struct watcher *w, struct watched *t, enum watch_cause why,
    const struct diag_list *diags) {
    double pause = t->tries ? (double)(1u << (t->tries < 5 ? t->tries - 1 : 5)) : 0;
    if (t->tries++) watch_say(w, diags, &w->database_said);
    if (!pause && w->connected) {
        tenant_mark(w, t, why); /* a connection that was cut while it was idle */
        return;
    }
    t->retry = why;
    t->retry_at = clock_seconds() + pause;
}

static void take_result(struct watcher *w, struct watched *t, json_t *result,
    const struct diag_list *diags, enum watch_cause why) {
    if (json_is_true(json_object_get(result, "machine"))) {
        try_again(w, t, why, diags);
        json_decref(result);
        return;
    }
    t->tries = 0;
    keep_until(t, result);
    tell(w, t, result, diags, why);
    if (changes_hosts(t->result, result)) w->hosts_changed = true;
    drop_lists(result);
    json_decref(t->result);
    t->result = result;
}

static json_t *no_result(const struct watched *t, struct diag_list *diags,
    const char *file, const char *why) {
    json_t *result = json_object();
    char *name = arena_strdup(&diags->arena, file);
    diags->tenant = t->id;
    diag_add(diags, DIAG_ERROR, *name ? DIAG_FILE(name) : DIAG_NOWHERE,
        "%s; this tenant keeps the site it has", why);
    json_set_str(result, "tenant", t->id);
    json_set_bool(result, "ok", false);
    return result;
}

void watcher_result(struct watcher *w, struct watched *t, struct str bytes,
    const char *file, const char *why) {
    enum watch_cause cause = t->busy, again = t->again;
    struct diag_list diags, ignored;
    struct str text;
    json_t *result = NULL;
    diag_init(&diags);
    diag_init(&ignored);
    if (bytes.ptr && result_take(&bytes, &text)) {
        result = json_parse(text, "result", &ignored);
        diag_unpack(&diags, bytes);
    } else
        w->untidy = true;
    if (!result) result = no_result(t, &diags, file, why);
    /* A server that stopped answering had it in hand for too long. */
    if (!bytes.ptr && !w->connected) json_set_bool(result, "machine", true);
    t->busy = t->again = CAUSE_NONE;
    take_result(w, t, result, &diags, cause);
    if (again) tenant_mark(w, t, again);
    if (!t->here) w->hosts_changed = true; /* what it published goes, too */
    diag_dispose(&diags);
    diag_dispose(&ignored);
    tenants_arm(w);
}

static void done(
    void *ctx, unsigned slot, struct str bytes, const char *file, const char *why) {
    struct watcher *w = ctx;
    struct watched *t = w->slots[slot].tenant;
    if (t)
        watcher_result(w, t, bytes, file, why);
    else
        rows_looked(w, bytes, why);
    watcher_go_on(w);
}

/* ---- time and signals ---- */

static void on_clock(void *ctx) {
    struct watcher *w = ctx;
    tenants_tick(w);
    tenants_arm(w);
    watcher_go_on(w);
}

static void on_tick(void *ctx) {
    struct watcher *w = ctx;
    double now = clock_seconds();
    loop_arm(w->tick, TICK_SECONDS);
    if (w->stopping) return;
    worker_pool_check(w->pool);
    if (now - w->looked > LOOK_SECONDS) w->look_wanted = true;
    if (now - w->compared > COMPARE_SECONDS) {
        w->compared = now;
        tenants_mark(w, CAUSE_COMPARED);
    }
    on_clock(w);
}

static void on_later(void *ctx) {
    watcher_go_on(ctx);
}

static void on_stop(void *ctx) {
    struct watcher *w = ctx;
    if (w->stopping++) loop_stop(w->loop);
    loop_arm(w->tick, STOP_SECONDS);
    watcher_go_on(w);
}

/* Publishing swaps whole trees, so what still has not ended may be killed. */
static void on_tick_or_stop(void *ctx) {
    struct watcher *w = ctx;
    if (w->stopping)
        loop_stop(w->loop);
    else
        on_tick(w);
}

/* ---- the whole of it ---- */

/* What is changed from here on is found by the first look. */
static bool first_look(struct watcher *w) {
    struct pull_look look;
    struct diag_list *diags = &w->run.diags;
    struct arena a;
    arena_init(&a);
    struct pull *p = pull_live(&w->options, w->url);
    bool ok = pull_look(p, NULL, &look, &a, diags);
    if (ok) w->snapshot = mem_strdup(look.snapshot);
    pull_close(p);
    arena_dispose(&a);
    return ok;
}

static bool begin(struct watcher *w) {
    if (!files_watch(w)) {
        diag_add(&w->run.diags, DIAG_ERROR, DIAG_NOWHERE, "cannot watch files: %s",
            strerror(errno));
        return false;
    }
    return first_look(w);
}

/* Goes on from what the first build made. */
static void take_over(struct watcher *w) {
    struct run *r = &w->run;
    pull_close(r->in.build.pull);
    r->in.build.pull = w->pull;
    pull_keep(w->pull, r->out.fd);
    tenants_meet(w);
    TAILQ_INIT(&w->direct); /* they are new to the queue only */
    for (size_t i = 0; i < r->in.n_ids; i++) {
        struct watched *t = map_get(&w->by_id, str_from(r->in.ids[i]));
        t->queued = CAUSE_NONE;
        t->result = json_incref(json_array_get(r->results, i));
        keep_until(t, t->result);
        drop_lists(t->result);
        t->said = watch_hash(&r->by_task[i]);
        diag_dispose(&r->by_task[i]);
    }
    mem_free(r->by_task);
    r->by_task = NULL;
    out_unlock(&r->out);
    w->compared = clock_seconds();
}

static void say_following(struct watcher *w) {
    struct arena a;
    arena_init(&a);
    if (w->options.json) {
        json_t *v = json_object();
        json_set_str(v, "type", "following");
        json_set_int(v, "tenants", (json_int_t)w->n_tenants);
        report_line(v);
        json_decref(v);
    } else if (w->options.verbosity >= 0)
        printf("following %zu tenant%s in %s and %s\n", w->n_tenants,
            w->n_tenants == 1 ? "" : "s", w->options.dir, pg_describe(&a, w->url));
    fflush(stdout);
    arena_dispose(&a);
}

static void follow(struct watcher *w) {
    struct worker_pool_settings settings = {
        .jobs = w->options.jobs, .ctx = w, .task = watch_task, .done = done};
    take_over(w);
    w->pool = worker_pool_new(w->loop, &settings);
    w->slots = mem_calloc(settings.jobs, sizeof *w->slots);
    w->tick = loop_timer(w->loop, on_tick_or_stop, w);
    w->clock = loop_timer(w->loop, on_clock, w);
    w->later = loop_timer(w->loop, on_later, w);
    w->signals[0] = loop_signal(w->loop, SIGTERM, on_stop, w);
    w->signals[1] = loop_signal(w->loop, SIGINT, on_stop, w);
    files_follow(w);
    rows_follow(w);
    loop_arm(w->tick, TICK_SECONDS);
    tenants_arm(w);
    say_following(w);
    loop_run(w->loop);
}

static void dispose(struct watcher *w) {
    worker_pool_free(w->pool);
    w->run.in.build.pull = NULL; /* it goes with the rows */
    files_dispose(w);
    rows_dispose(w);
    tenants_dispose(w);
    loop_event_free(w->tick);
    loop_event_free(w->clock);
    loop_event_free(w->later);
    loop_event_free(w->signals[0]);
    loop_event_free(w->signals[1]);
    mem_free(w->slots);
    loop_free(w->loop);
}

int build_watch(const struct options *o) {
    struct watcher w = {.options = *o, .url = database_given(o), .loop = loop_new()};
    TAILQ_INIT(&w.direct);
    TAILQ_INIT(&w.rest);
    run_init(&w.run, &w.options);
    w.pull = pull_live(&w.options, w.url);
    bool ready = w.loop && begin(&w);
    if (!ready) report_diags(&w.run.report, &w.run.diags, -1);
    int code = EXIT_MACHINE;
    if (ready) {
        ready = run_build(&w.run);
        code = run_exit_code(&w.run);
    }
    if (ready && code != EXIT_MACHINE) {
        follow(&w);
        code = EXIT_FINE;
    }
    dispose(&w);
    run_dispose(&w.run);
    return code;
}

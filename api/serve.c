#include "api/serve.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include "api/dispatch.h"
#include "api/identity.h"
#include "api/log.h"
#include "api/metrics.h"
#include "api/richtext.h"
#include "api/roster.h"
#include "api/snapshot.h"
#include "api/standing.h"
#include "base/fetch.h"

#define MEASURE_SECONDS 0.5
#define SPARE_FILES 128 /* of the descriptors, for all that is no client */

enum { EXIT_FINE, EXIT_MACHINE = 3 };

struct worker {
    struct server server;
    const struct serve_plan *plan;
    struct roster *roster;
    bool failed, drained;
    struct loop_event *term, *interrupt, *hangup, *reopen, *late, *figures;
};

/* ---- figures ---- */

static void measure(void *ctx) {
    struct worker *w = ctx;
    struct server *s = &w->server;
    struct pool_figures p = {0};
    if (s->pool) pool_figures(s->pool, &p);
    const unsigned long long now[GAUGE_COUNT] = {
        [GAUGE_CONNECTIONS] = s->http ? http_connections(s->http) : 0,
        [GAUGE_POOL_OPEN] = p.open,
        [GAUGE_POOL_BUSY] = p.busy,
        [GAUGE_POOL_WAITING] = p.waiting,
        [GAUGE_POOL_ASKED] = p.asked,
        [GAUGE_POOL_REFUSED] = p.refused,
        [GAUGE_POOL_AWAY] = p.away};
    for (enum gauge i = 0; i < GAUGE_COUNT; i++)
        metrics_set(s->metrics, s->worker, i, now[i]);
    for (unsigned n = log_dropped(s->log); n; n--)
        metrics_count(s->metrics, s->worker, METRIC_LOG_DROPPED);
    loop_arm(w->figures, MEASURE_SECONDS);
}

/* ---- signals ---- */

static void written(void *ctx) {
    struct worker *w = ctx;
    loop_stop(w->server.loop);
}

/* Nobody is there any more; what they used is written down. */
static void drained(void *ctx) {
    struct worker *w = ctx;
    if (!w->drained) standings_drain(w->server.standings, written, w);
    w->drained = true;
}

static void stop(void *ctx) {
    struct worker *w = ctx;
    if (w->server.draining) return;
    w->server.draining = true;
    if (!w->server.http) { /* nobody was let in yet */
        loop_stop(w->server.loop);
        return;
    }
    loop_arm(w->late, w->plan->settings->drain_seconds);
    http_drain(w->server.http, drained, w);
}

/* The parent has found no fault with the workspace, and said what there was to say. */
static void reload(void *ctx) {
    struct worker *w = ctx;
    struct server *s = &w->server;
    struct diag_list diags;
    diag_init(&diags);
    struct tenants *new = tenants_open(s->settings->directory, &diags);
    if (new && !diags.errors) {
        struct tenants *old = s->tenants;
        s->tenants = new;
        roster_moved(w->roster, s, old);
        tenants_drop(old);
        server_reloaded(s);
    } else
        tenants_drop(new);
    diag_dispose(&diags);
    log_reopen(s->log);
}

static void reopen(void *ctx) {
    struct worker *w = ctx;
    log_reopen(w->server.log);
}

static void signals_open(struct worker *w) {
    struct loop *l = w->server.loop;
    w->late = loop_timer(l, drained, w);
    w->figures = loop_timer(l, measure, w);
    loop_arm(w->figures, 0);
    w->term = loop_signal(l, SIGTERM, stop, w);
    w->interrupt = loop_signal(l, SIGINT, stop, w);
    w->hangup = loop_signal(l, SIGHUP, reload, w);
    w->reopen = loop_signal(l, SIGUSR1, reopen, w);
}

static void signals_close(struct worker *w) {
    loop_event_free(w->late);
    loop_event_free(w->figures);
    loop_event_free(w->term);
    loop_event_free(w->interrupt);
    loop_event_free(w->hangup);
    loop_event_free(w->reopen);
}

/* ---- opening ---- */

/* What the kernel lets us have: accepting beyond it would fail again and again. */
static unsigned most_clients(const struct settings *s) {
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files)) return s->clients;
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    rlim_t most = files.rlim_cur > 2 * SPARE_FILES ? files.rlim_cur - SPARE_FILES
                                                   : files.rlim_cur / 2 + 1;
    return s->clients < most ? s->clients : (unsigned)most;
}

static bool open_http(struct worker *w) {
    struct server *s = &w->server;
    s->http = http_new(s->loop, &(struct http_settings){.handle = dispatch,
                                    .refuse = dispatch_refuse,
                                    .answered = dispatch_answered,
                                    .ctx = s,
                                    .connections = most_clients(s->settings),
                                    .header_seconds = s->settings->header_seconds,
                                    .idle_seconds = 60,
                                    .answer_seconds = 30,
                                    .header_bytes = 16u << 10,
                                    .body_bytes = 1u << 20,
                                    .bodies_bytes = 32u << 20});
    for (unsigned i = 0; i < w->plan->n_sockets; i++) {
        int err = http_listen_fd(s->http, w->plan->sockets[i]);
        if (!err) continue;
        fprintf(stderr, "tenantry-api: cannot listen: %s\n", strerror(err));
        return false;
    }
    return true;
}

/* Listening begins only now: who comes earlier waits in the kernel. */
static void settled(void *ctx) {
    struct worker *w = ctx;
    if (!open_http(w)) {
        w->failed = true;
        loop_stop(w->server.loop);
        return;
    }
    ssize_t n = write(w->plan->ready, "", 1);
    (void)n; /* nobody may be there to read it */
    close(w->plan->ready);
}

/* Everything that a server has besides its requests is opened here. */
static bool server_open(struct server *s, struct meters *meters) {
    const struct settings *set = s->settings;
    if (getrandom(&s->ids, sizeof s->ids, 0) != sizeof s->ids) return false;
    s->log = log_open(s->loop, set->log);
    if (!s->log)
        fprintf(stderr, "tenantry-api: cannot write to %s: %s\n", set->log,
            strerror(errno));
    s->fetch = fetch_new(s->loop);
    s->identity = identity_new(s->loop, s->fetch, set);
    server_on_reload(s, identity_reload);
    if (!s->log) return false;
    if (set->database)
        s->pool = pool_new(s->loop, &(struct pool_settings){
                                        .url = set->database,
                                        .connections = set->connections,
                                        .waiting = 1024,
                                        .seconds = 5,
                                    });
    s->richtext = richtext_new();
    s->snapshots = snapshots_new(s);
    s->standings = standings_new(s, meters);
    return true;
}

static void server_close(struct server *s) {
    /* What still waits for the database is answered before there is no one to answer.
     */
    if (s->pool) pool_free(s->pool);
    snapshots_free(s->snapshots);
    standings_free(s->standings);
    richtext_free(s->richtext);
    identity_free(s->identity);
    fetch_free(s->fetch);
    http_free(s->http);
    log_close(s->log);
    tenants_drop(s->tenants);
    loop_free(s->loop);
}

int serve(const struct serve_plan *plan) {
    struct worker w = {.plan = plan,
        .server = {.settings = plan->settings,
            .tenants = plan->tenants,
            .metrics = plan->metrics,
            .limits = plan->limits,
            .worker = plan->number}};
    w.server.loop = loop_new();
    if (!w.server.loop) return EXIT_MACHINE;
    w.failed = !server_open(&w.server, plan->meters);
    if (!w.failed) {
        signals_open(&w);
        sigprocmask(SIG_SETMASK, plan->mask, NULL);
        w.roster = roster_start(&w.server, settled, &w);
        if (!w.failed) loop_run(w.server.loop);
        roster_stop(w.roster);
        signals_close(&w);
    }
    server_close(&w.server);
    return w.failed ? EXIT_MACHINE : EXIT_FINE;
}

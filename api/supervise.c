#include "api/supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/limit.h"
#include "api/meter.h"
#include "api/metrics.h"
#include "api/notify.h"
#include "api/route.h"
#include "api/serve.h"
#include "api/workspace_report.h"
#include "base/clock.h"
#include "base/mem.h"

#define PAUSE_FIRST 0.05 /* before a worker that died is started anew, doubled ... */
#define PAUSE_MAX 5.0    /* ... up to this */
#define LASTING 10.0     /* one that lived so long was a good one */
#define KILL_SECONDS 2.0 /* past the time to drain */

enum { EXIT_FINE, EXIT_INPUT, EXIT_USAGE, EXIT_MACHINE };

struct worker {
    pid_t pid;  /* 0: there is none now */
    int ready;  /* to read its word from; -1: said, or there is none */
    bool began; /* this one has said that it is ready */
    double since, pause, restart_at;
    int sockets[SETTINGS_LISTEN_MAX];
};
struct supervisor {
    const struct settings *settings;
    struct tenants *tenants;
    struct metrics *metrics;
    struct limits *limits;
    struct meters *meters;
    struct worker *workers;
    unsigned ports[SETTINGS_LISTEN_MAX];
    int signals; /* signalfd */
    bool announced, stopping, failed;
    double kill_at;
    sigset_t mask, before;
};

/* ---- sockets ---- */

static int cannot_listen(const struct settings_listen *l, int err) {
    fprintf(stderr, "tenantry-api: cannot listen on %s port %u: %s\n", l->address,
        l->port, strerror(err));
    if (err == EACCES)
        fputs("Ports below 1024 are for root; nginx in front may have them.\n", stderr);
    return EXIT_MACHINE;
}

/* One socket for each worker and address.  They stay here when a worker dies, so that
 * who connects meanwhile waits for the next one. */
static int open_sockets(struct supervisor *v) {
    const struct settings *s = v->settings;
    for (unsigned a = 0; a < s->n_listen; a++) {
        v->ports[a] = s->listen[a].port;
        for (unsigned w = 0; w < s->workers; w++) {
            int fd = http_socket(
                s->listen[a].address, &v->ports[a], w ? HTTP_MORE : HTTP_FIRST);
            if (fd < 0) return cannot_listen(&s->listen[a], errno);
            v->workers[w].sockets[a] = fd;
        }
    }
    return -1;
}

static void close_sockets(struct supervisor *v, const struct worker *but) {
    for (unsigned w = 0; w < v->settings->workers; w++)
        for (unsigned a = 0; a < v->settings->n_listen; a++) {
            struct worker *at = &v->workers[w];
            if (at == but || at->sockets[a] < 0) continue;
            close(at->sockets[a]);
            at->sockets[a] = -1;
        }
}

/* ---- workers ---- */

static _Noreturn void be_worker(struct supervisor *v, struct worker *w, int ready) {
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    close_sockets(v, w);
    for (unsigned i = 0; i < v->settings->workers; i++)
        if (v->workers[i].ready >= 0) close(v->workers[i].ready);
    close(v->signals);
    int code = serve(&(struct serve_plan){
        .settings = v->settings,
        .tenants = v->tenants,
        .metrics = v->metrics,
        .limits = v->limits,
        .meters = v->meters,
        .number = (unsigned)(w - v->workers),
        .sockets = w->sockets,
        .n_sockets = v->settings->n_listen,
        .mask = &v->before,
        .ready = ready,
    });
    mem_free(v->workers);
    exit(code);
}

static void worker_start(struct supervisor *v, struct worker *w) {
    int ends[2];
    double now = clock_seconds();
    w->restart_at = now + PAUSE_MAX;
    if (pipe2(ends, O_CLOEXEC)) return;
    pid_t pid = fork();
    if (!pid) {
        close(ends[0]);
        be_worker(v, w, ends[1]);
    }
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return;
    }
    w->pid = pid;
    w->ready = ends[0];
    w->began = false;
    w->since = now;
}

static void announce(struct supervisor *v) {
    for (unsigned w = 0; w < v->settings->workers; w++)
        if (!v->workers[w].began) return;
    v->announced = true;
    for (unsigned a = 0; a < v->settings->n_listen; a++) {
        const char *address = v->settings->listen[a].address;
        bool v6 = strchr(address, ':');
        printf("listening on http://%s%s%s:%u\n", v6 ? "[" : "", address, v6 ? "]" : "",
            v->ports[a]);
    }
    fflush(stdout);
    notify_ready();
}

static void hear_ready(struct supervisor *v, struct worker *w) {
    char byte;
    w->began = read(w->ready, &byte, 1) == 1;
    close(w->ready);
    w->ready = -1;
    if (!v->announced) announce(v);
}

static void tell_workers(const struct supervisor *v, int signal) {
    for (unsigned i = 0; i < v->settings->workers; i++)
        if (v->workers[i].pid > 0) kill(v->workers[i].pid, signal);
}

/* ---- signals ---- */

static void stop(struct supervisor *v) {
    double now = clock_seconds();
    /* The second time it is meant. */
    v->kill_at = v->stopping ? now : now + v->settings->drain_seconds + KILL_SECONDS;
    if (v->stopping) return;
    v->stopping = true;
    notify_stopping();
    close_sockets(v, NULL); /* the workers' are the last ones now */
    tell_workers(v, SIGTERM);
}

/* Nothing is taken over from a workspace with an error in it. */
static void reload(struct supervisor *v) {
    notify_reloading();
    struct tenants *new = workspace_read(v->settings->directory, true);
    if (new) {
        tenants_drop(v->tenants);
        v->tenants = new;
        metrics_count(v->metrics, 0, METRIC_RELOADS);
        fputs("tenantry-api: reloaded\n", stderr);
    } else
        fputs("tenantry-api: not reloaded: what was read before stays\n", stderr);
    tell_workers(v, new ? SIGHUP : SIGUSR1);
    notify_ready();
}

static void describe_end(char text[64], int status) {
    if (WIFSIGNALED(status))
        snprintf(text, 64, "was ended by signal %d", WTERMSIG(status));
    else
        snprintf(text, 64, "ended with status %d", WEXITSTATUS(status));
}

static void worker_ended(struct supervisor *v, struct worker *w, int status) {
    char how[64];
    double now = clock_seconds();
    pid_t pid = w->pid;
    w->pid = 0;
    if (w->ready >= 0) close(w->ready);
    w->ready = -1;
    describe_end(how, status);
    if (v->stopping) {
        bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
        if (status && !killed)
            fprintf(stderr, "tenantry-api: a worker %s while it stopped\n", how);
        return;
    }
    if (!v->announced) {
        fprintf(stderr, "tenantry-api: a worker %s at the start\n", how);
        v->failed = true;
        stop(v);
        return;
    }
    metrics_count(v->metrics, 0, METRIC_RESTARTS);
    if (now - w->since > LASTING) w->pause = 0;
    w->restart_at = now + w->pause;
    fprintf(stderr, "tenantry-api: worker %u (process %d) %s; the next one %s\n",
        (unsigned)(w - v->workers), (int)pid, how,
        w->pause > 0 ? "follows in a while" : "follows");
    w->pause = w->pause > 0 ? w->pause * 2 : PAUSE_FIRST;
    if (w->pause > PAUSE_MAX) w->pause = PAUSE_MAX;
}

static void reap(struct supervisor *v) {
    pid_t pid;
    int status;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        for (unsigned i = 0; i < v->settings->workers; i++)
            if (v->workers[i].pid == pid) worker_ended(v, &v->workers[i], status);
}

static void hear_signals(struct supervisor *v) {
    struct signalfd_siginfo info;
    while (read(v->signals, &info, sizeof info) == sizeof info)
        switch (info.ssi_signo) {
        case SIGCHLD:
            reap(v);
            break;
        case SIGHUP:
            reload(v);
            break;
        case SIGUSR1:
            tell_workers(v, SIGUSR1);
            break;
        default:
            stop(v);
        }
}

/* ---- waiting ---- */

static unsigned alive(const struct supervisor *v) {
    unsigned n = 0;
    for (unsigned i = 0; i < v->settings->workers; i++) n += v->workers[i].pid > 0;
    return n;
}

/* Starts what is due; milliseconds until something is, -1: nothing will be. */
static int next_due(struct supervisor *v) {
    double now = clock_seconds(), due = v->stopping ? v->kill_at : 0;
    if (v->stopping && now >= due) {
        tell_workers(v, SIGKILL);
        due = now + 1;
    }
    for (unsigned i = 0; i < v->settings->workers && !v->stopping; i++) {
        struct worker *w = &v->workers[i];
        if (!w->pid && now >= w->restart_at) worker_start(v, w);
        if (!w->pid && (due <= 0 || w->restart_at < due)) due = w->restart_at;
    }
    return due > 0 ? (int)((due - now) * 1000) + 1 : -1;
}

static void wait_once(struct supervisor *v) {
    unsigned n = v->settings->workers;
    int timeout = next_due(v); /* first: workers begin in there, and never return */
    struct pollfd *fds = mem_calloc(n + 1, sizeof *fds);
    fds[0] = (struct pollfd){.fd = v->signals, .events = POLLIN};
    for (unsigned i = 0; i < n; i++)
        fds[i + 1] = (struct pollfd){.fd = v->workers[i].ready, .events = POLLIN};
    if (poll(fds, n + 1, timeout) > 0) {
        for (unsigned i = 0; i < n; i++)
            if (fds[i + 1].revents) hear_ready(v, &v->workers[i]);
        if (fds[0].revents) hear_signals(v);
    }
    mem_free(fds);
}

static bool signals_open(struct supervisor *v) {
    static const int all[] = {SIGCHLD, SIGHUP, SIGINT, SIGTERM, SIGUSR1};
    sigemptyset(&v->mask);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) sigaddset(&v->mask, all[i]);
    sigprocmask(SIG_BLOCK, &v->mask, &v->before);
    v->signals = signalfd(-1, &v->mask, SFD_NONBLOCK | SFD_CLOEXEC);
    return v->signals >= 0;
}

int supervise(const struct settings *s, struct tenants *t) {
    struct supervisor v = {.settings = s, .tenants = t, .signals = -1};
    v.metrics = metrics_new(s->workers, routes_count());
    v.limits = limits_new();
    v.meters = meters_new();
    v.workers = mem_calloc(s->workers, sizeof *v.workers);
    for (unsigned i = 0; i < s->workers; i++) {
        v.workers[i].ready = -1;
        for (unsigned a = 0; a < SETTINGS_LISTEN_MAX; a++) v.workers[i].sockets[a] = -1;
    }
    int code = open_sockets(&v);
    if (code < 0 && !signals_open(&v)) code = EXIT_MACHINE;
    if (code < 0) {
        do wait_once(&v);
        while (!v.stopping || alive(&v));
        code = v.failed ? EXIT_MACHINE : EXIT_FINE;
    }
    close_sockets(&v, NULL);
    if (v.signals >= 0) close(v.signals);
    tenants_drop(v.tenants);
    metrics_free(v.metrics);
    limits_free(v.limits);
    meters_free(v.meters);
    mem_free(v.workers);
    return code;
}

#include "generator/worker_pool.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "generator/worker_internal.h"

struct slot {
    struct worker_pool *pool;
    unsigned number;
    pid_t pid; /* 0: no process */
    int fd;    /* requests go, results come */
    struct loop_event *event;
    struct worker *shared;
    struct buf in;
    bool busy;
    bool old; /* was forked before worker_pool_renew: ends with what it does */
    bool stuck;
    unsigned long steps; /* as last seen ... */
    double since;        /* ... for the first time at this moment */
};
struct worker_pool {
    struct loop *loop;
    struct worker_pool_settings settings;
    struct slot *slots;
    unsigned n;
};

/* ---- in the worker ---- */

static bool read_all(int fd, void *bytes, size_t n) {
    char *p = bytes;
    while (n) {
        ssize_t got = read(fd, p, n);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return false;
        p += got;
        n -= (size_t)got;
    }
    return true;
}

static bool read_request(int fd, struct buf *request) {
    uint64_t len;
    buf_reset(request);
    if (!read_all(fd, &len, sizeof len)) return false;
    buf_reserve(request, (size_t)len + 1);
    if (!read_all(fd, request->ptr, (size_t)len)) return false;
    request->len = (size_t)len;
    return true;
}

static _Noreturn void serve(const struct worker_pool *p, struct worker *w, int fd) {
    struct buf request, result;
    buf_init(&request, 0);
    buf_init(&result, 0);
    while (read_request(fd, &request)) {
        worker_step(w, "");
        buf_reset(&result);
        p->settings.task(p->settings.ctx, buf_view(&request), w, &result);
        uint64_t len = result.len;
        if (!worker_write(fd, &len, sizeof len) ||
            !worker_write(fd, result.ptr, result.len))
            _exit(3);
    }
    buf_dispose(&request);
    buf_dispose(&result);
    worker_end();
}

static _Noreturn void child(struct worker_pool *p, const struct slot *own, int fd) {
    sigset_t none;
    /* A signal for the whole group is the parent's to obey, between two publishes. */
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    worker_settle();
    for (unsigned i = 0; i < p->n; i++)
        if (p->slots[i].pid) close(p->slots[i].fd);
    serve(p, own->shared, fd);
}

/* ---- in the parent ---- */

static void receive(void *ctx);

static bool start(struct slot *s) {
    int fds[2];
    sigset_t all, old;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds)) return false;
    fflush(stdout);
    /* The parent's handlers must not run in the child before it has reset them. */
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &old);
    pid_t pid = fork();
    if (pid == 0) {
        close(fds[0]);
        child(s->pool, s, fds[1]);
    }
    sigprocmask(SIG_SETMASK, &old, NULL);
    close(fds[1]);
    if (pid < 0) {
        close(fds[0]);
        return false;
    }
    fcntl(fds[0], F_SETFL, O_NONBLOCK);
    s->pid = pid;
    s->fd = fds[0];
    s->busy = s->old = s->stuck = false;
    buf_reset(&s->in);
    s->event = loop_fd(s->pool->loop, s->fd, receive, s);
    return true;
}

/* Waits for the process, which ends when its socket is shut.  Its status. */
static int stop(struct slot *s) {
    int status = 0;
    if (!s->pid) return 0;
    loop_event_free(s->event);
    s->event = NULL;
    shutdown(s->fd, SHUT_RDWR); /* later workers hold the same socket */
    while (waitpid(s->pid, &status, 0) < 0 && errno == EINTR) continue;
    close(s->fd);
    s->pid = 0;
    return status;
}

static void died(struct slot *s) {
    char why[128];
    bool busy = s->busy;
    worker_why(s->stuck, stop(s), why, sizeof why);
    s->busy = false;
    if (!busy) return;
    const struct worker_pool_settings *o = &s->pool->settings;
    o->done(o->ctx, s->number, (struct str){NULL, 0}, s->shared->file, why);
}

/* Hands on a whole result. */
static void take_result(struct slot *s) {
    uint64_t len;
    if (!s->busy || s->in.len < sizeof len) return;
    memcpy(&len, s->in.ptr, sizeof len);
    if (s->in.len - sizeof len < len) return;
    struct buf whole = s->in; /* `done` may give the slot its next request */
    buf_init(&s->in, 0);
    s->busy = false;
    if (s->old) stop(s);
    const struct worker_pool_settings *o = &s->pool->settings;
    o->done(
        o->ctx, s->number, str_slice(buf_view(&whole), sizeof len, whole.len), "", "");
    buf_dispose(&whole);
}

static void receive(void *ctx) {
    struct slot *s = ctx;
    for (;;) {
        buf_reserve(&s->in, 64 << 10);
        ssize_t n = read(s->fd, s->in.ptr + s->in.len, 64 << 10);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN) break;
        if (n <= 0) {
            died(s);
            return;
        }
        s->in.len += (size_t)n;
    }
    take_result(s);
}

static bool send_request(struct slot *s, struct str request) {
    struct buf bytes;
    buf_init(&bytes, 0);
    buf_append(&bytes, &(uint64_t){request.len}, sizeof(uint64_t));
    buf_str(&bytes, request);
    /* Requests are short: an idle worker's socket has room for one. */
    bool ok = worker_write(s->fd, bytes.ptr, bytes.len);
    buf_dispose(&bytes);
    return ok;
}

bool worker_pool_give(struct worker_pool *p, struct str request, unsigned *slot) {
    struct slot *s = NULL;
    for (unsigned i = 0; i < p->n; i++) {
        if (p->slots[i].busy) continue;
        if (!s || (p->slots[i].pid && !s->pid)) s = &p->slots[i];
    }
    if (!s) return false;
    if (!s->pid && !start(s)) return false;
    s->steps = atomic_load(&s->shared->steps);
    s->since = clock_seconds();
    if (!send_request(s, request)) {
        stop(s); /* it died while it waited */
        if (!start(s) || !send_request(s, request)) return false;
    }
    s->busy = true;
    *slot = s->number;
    return true;
}

unsigned worker_pool_busy(const struct worker_pool *p) {
    unsigned n = 0;
    for (unsigned i = 0; i < p->n; i++) n += p->slots[i].busy;
    return n;
}

void worker_pool_renew(struct worker_pool *p) {
    for (unsigned i = 0; i < p->n; i++) {
        struct slot *s = &p->slots[i];
        s->old = true;
        if (!s->busy) stop(s);
    }
}

void worker_pool_check(struct worker_pool *p) {
    double now = clock_seconds();
    for (unsigned i = 0; i < p->n; i++) {
        struct slot *s = &p->slots[i];
        unsigned long steps = atomic_load(&s->shared->steps);
        if (!s->busy || steps != s->steps) {
            s->steps = steps;
            s->since = now;
        } else if (now - s->since > STEP_SECONDS && !s->stuck) {
            s->stuck = true;
            kill(s->pid, SIGKILL);
        }
    }
}

struct worker_pool *worker_pool_new(
    struct loop *l, const struct worker_pool_settings *settings) {
    struct worker_pool *p = mem_calloc(1, sizeof *p);
    p->loop = l;
    p->settings = *settings;
    p->slots = mem_calloc(settings->jobs, sizeof *p->slots);
    for (; p->n < settings->jobs; p->n++) {
        struct slot *s = &p->slots[p->n];
        s->pool = p;
        s->number = p->n;
        buf_init(&s->in, 0);
        s->shared = mem_share(sizeof *s->shared);
    }
    return p;
}

void worker_pool_free(struct worker_pool *p) {
    if (!p) return;
    for (unsigned i = 0; i < p->n; i++) {
        struct slot *s = &p->slots[i];
        if (s->pid && s->busy) kill(s->pid, SIGKILL);
        stop(s);
        buf_dispose(&s->in);
        mem_unshare(s->shared, sizeof *s->shared);
    }
    mem_free(p->slots);
    mem_free(p);
}

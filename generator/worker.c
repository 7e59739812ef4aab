#include "generator/worker_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#endif

#include "base/clock.h"
#include "base/mem.h"

#define WORKERS_MAX 256
#define WORKER_MEMORY                                                                  \
    (2ul << 30) /* bytes of address space: far above any honest tenant */

struct shared {
    atomic_size_t next;
    struct worker workers[];
};
struct process {
    pid_t pid; /* 0: not running */
    int fd;    /* where its results arrive */
    struct buf in;
    bool idle_death;     /* the one before it died without a task in hand */
    unsigned long steps; /* as last seen ... */
    double since;        /* ... for the first time at this moment */
    bool stuck;          /* killed because that was too long ago */
};
struct crew {
    const struct worker_jobs *jobs;
    struct shared *shared;
    struct process *processes;
    bool *reported;
    unsigned n;
};
struct frame {
    uint64_t index, len;
};

/* ---- in the worker ---- */

void worker_step(struct worker *w, const char *file) {
    /* SIGPROF's default action ends the process: no handler, nothing to be unsafe in.
     */
    struct itimerval budget = {.it_value = {.tv_sec = STEP_CPU_SECONDS}};
    setitimer(ITIMER_PROF, &budget, NULL);
    size_t len = strnlen(file, sizeof w->file - 1);
    memcpy(w->file, file, len);
    w->file[len] = '\0';
    atomic_fetch_add(&w->steps, 1);
}

bool worker_write(int fd, const void *bytes, size_t n) {
    const char *p = bytes;
    while (n) {
        ssize_t w = write(fd, p, n);
        if (w < 0 && errno == EINTR) continue;
        if (w <= 0) return false;
        p += w;
        n -= (size_t)w;
    }
    return true;
}

void worker_settle(void) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    struct rlimit r = {WORKER_MEMORY, WORKER_MEMORY};
    setrlimit(RLIMIT_AS, &r);
#endif
}

/* _exit() skips what the sanitizer does at the end of a process. */
_Noreturn void worker_end(void) {
#ifdef __SANITIZE_ADDRESS__
    __lsan_do_leak_check();
#endif
    _exit(0);
}

static _Noreturn void worker_main(const struct crew *c, struct worker *w, int fd) {
    struct buf result;
    size_t i;
    buf_init(&result, 0);
    signal(SIGINT, SIG_DFL);
    worker_settle();
    while ((i = atomic_fetch_add(&c->shared->next, 1)) < c->jobs->n) {
        atomic_store(&w->task, (long)i + 1);
        worker_step(w, "");
        buf_reset(&result);
        c->jobs->task(c->jobs->ctx, i, w, &result);
        struct frame f = {i, result.len};
        if (!worker_write(fd, &f, sizeof f) ||
            !worker_write(fd, result.ptr, result.len))
            _exit(3);
        atomic_store(&w->task, 0);
    }
    buf_dispose(&result);
    worker_end();
}

/* ---- in the parent ---- */

static int start(struct crew *c, unsigned k) {
    int pipe_fds[2];
    struct worker *w = &c->shared->workers[k];
    if (pipe2(pipe_fds, O_CLOEXEC)) return errno;
    atomic_store(&w->task, 0);
    w->file[0] = 0;
    pid_t pid = fork();
    if (pid == 0) {
        for (unsigned i = 0; i < c->n; i++)
            if (c->processes[i].pid) close(c->processes[i].fd);
        close(pipe_fds[0]);
        worker_main(c, w, pipe_fds[1]);
    }
    int err = errno;
    close(pipe_fds[1]);
    if (pid < 0) {
        close(pipe_fds[0]);
        return err;
    }
    c->processes[k].pid = pid;
    c->processes[k].fd = pipe_fds[0];
    c->processes[k].since = clock_seconds();
    buf_reset(&c->processes[k].in);
    return 0;
}

static void report(
    struct crew *c, size_t i, struct str result, const char *file, const char *why) {
    if (i >= c->jobs->n || c->reported[i]) return;
    c->reported[i] = true;
    c->jobs->done(c->jobs->ctx, i, result, file, why);
}

/* Hands on every whole frame that has arrived. */
static void take_frames(struct crew *c, struct process *p) {
    size_t at = 0;
    struct frame f;
    while (p->in.len - at >= sizeof f) {
        memcpy(&f, p->in.ptr + at, sizeof f);
        if (p->in.len - at - sizeof f < f.len) break;
        report(c, (size_t)f.index,
            (struct str){p->in.ptr + at + sizeof f, (size_t)f.len}, "", "");
        at += sizeof f + (size_t)f.len;
    }
    if (!at) return;
    memmove(p->in.ptr, p->in.ptr + at, p->in.len - at);
    p->in.len -= at;
}

void worker_why(bool stuck, int status, char *why, size_t size) {
    int sig = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    if (stuck)
        snprintf(why, size, "got no further for %d s", STEP_SECONDS);
    else if (sig == SIGPROF)
        snprintf(why, size, "took more than %d s of processor time", STEP_CPU_SECONDS);
    else if (sig)
        snprintf(why, size, "crashed the renderer (%s)", strsignal(sig));
    else if (WEXITSTATUS(status) == 3)
        snprintf(why, size, "needed more than %lu MiB of memory", WORKER_MEMORY >> 20);
    else
        snprintf(why, size, "ended the renderer (status %d)", WEXITSTATUS(status));
}

/* A worker's pipe is closed: it is done, or it died with a task in hand. */
static void reap(struct crew *c, unsigned k) {
    struct process *p = &c->processes[k];
    struct worker *w = &c->shared->workers[k];
    int status = 0;
    while (waitpid(p->pid, &status, 0) < 0 && errno == EINTR) continue;
    close(p->fd);
    p->pid = 0;
    long task = atomic_load(&w->task);
    char why[128];
    worker_why(p->stuck, status, why, sizeof why);
    p->stuck = false;
    if (task) report(c, (size_t)task - 1, (struct str){NULL, 0}, w->file, why);
    /* One that dies again before it took a task would do so forever. */
    bool hopeless = !task && p->idle_death;
    p->idle_death = !task;
    if (atomic_load(&c->shared->next) < c->jobs->n && !hopeless) start(c, k);
}

static void receive(struct crew *c, unsigned k) {
    struct process *p = &c->processes[k];
    buf_reserve(&p->in, 64 << 10);
    ssize_t n = read(p->fd, p->in.ptr + p->in.len, 64 << 10);
    if (n < 0 && errno == EINTR) return;
    if (n <= 0) {
        reap(c, k);
        return;
    }
    p->in.len += (size_t)n;
    take_frames(c, p);
}

/* A worker that waits for ever (a dead network disk) uses no processor time: it is
 * ended when it has been at one step for too long. */
static void end_stuck(struct crew *c) {
    double now = clock_seconds();
    for (unsigned k = 0; k < c->n; k++) {
        struct process *p = &c->processes[k];
        unsigned long steps = atomic_load(&c->shared->workers[k].steps);
        if (!p->pid || steps != p->steps || !atomic_load(&c->shared->workers[k].task)) {
            p->steps = steps;
            p->since = now;
        } else if (now - p->since > STEP_SECONDS) {
            p->stuck = true;
            kill(p->pid, SIGKILL);
        }
    }
}

static void run(struct crew *c) {
    struct pollfd fds[WORKERS_MAX];
    for (;;) {
        nfds_t n = 0;
        unsigned who[WORKERS_MAX];
        for (unsigned k = 0; k < c->n; k++) {
            if (!c->processes[k].pid) continue;
            who[n] = k;
            fds[n++] = (struct pollfd){.fd = c->processes[k].fd, .events = POLLIN};
        }
        if (!n) return;
        int ready = poll(fds, n, 1000);
        end_stuck(c);
        if (ready <= 0) continue;
        for (nfds_t i = 0; i < n; i++)
            if (fds[i].revents) receive(c, who[i]);
    }
}

int workers_run(const struct worker_jobs *jobs) {
    unsigned n = jobs->jobs < 1             ? 1
                 : jobs->jobs > WORKERS_MAX ? WORKERS_MAX
                                            : jobs->jobs;
    if (n > jobs->n) n = (unsigned)jobs->n;
    size_t size = sizeof(struct shared) + n * sizeof(struct worker);
    struct crew c = {.jobs = jobs, .n = n};
    c.shared =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (c.shared == MAP_FAILED) return errno;
    c.processes = mem_calloc(n + 1, sizeof *c.processes);
    c.reported = mem_calloc(jobs->n + 1, sizeof *c.reported);
    int err = 0;
    unsigned started = 0;
    for (unsigned k = 0; k < n; k++) {
        int e = start(&c, k);
        started += !e;
        if (e) err = e;
    }
    run(&c);
    if (started)
        for (size_t i = 0; i < jobs->n; i++)
            report(&c, i, (struct str){NULL, 0}, "",
                "was given up: its process was killed");
    for (unsigned k = 0; k < n; k++) buf_dispose(&c.processes[k].in);
    mem_free(c.processes);
    mem_free(c.reported);
    munmap(c.shared, size);
    return started || !jobs->n ? 0 : err;
}

/* ---- one task ---- */

struct worker_one {
    pid_t pid; /* 0: ended */
    int fd;
    struct buf in;
    struct worker *shared;
    bool killed;
    char why[128];
};

static _Noreturn void one_main(struct worker_one *one, int fd,
    void (*task)(void *ctx, struct worker *w, struct buf *result), void *ctx) {
    struct buf result;
    sigset_t none;
    buf_init(&result, 0);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    worker_settle();
    worker_step(one->shared, "");
    task(ctx, one->shared, &result);
    _exit(worker_write(fd, result.ptr, result.len) ? 0 : 3);
}

struct worker_one *worker_start(
    void (*task)(void *ctx, struct worker *w, struct buf *result), void *ctx) {
    int fds[2];
    struct worker *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE,
        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) return NULL;
    if (pipe2(fds, O_CLOEXEC)) {
        munmap(shared, sizeof *shared);
        return NULL;
    }
    struct worker_one *one = mem_calloc(1, sizeof *one);
    *one = (struct worker_one){.fd = fds[0], .shared = shared};
    buf_init(&one->in, 0);
    /* The parent's handlers must not run in the child before it has reset them. */
    sigset_t all, old;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &old);
    pid_t pid = fork();
    if (pid == 0) one_main(one, fds[1], task, ctx);
    int err = errno;
    sigprocmask(SIG_SETMASK, &old, NULL);
    close(fds[1]);
    if (pid > 0) {
        one->pid = pid;
        fcntl(one->fd, F_SETFL, O_NONBLOCK);
        return one;
    }
    worker_free(one);
    errno = err;
    return NULL;
}

int worker_fd(const struct worker_one *one) {
    return one->fd;
}

static void one_reap(struct worker_one *one) {
    int status = 0;
    if (!one->pid) return;
    while (waitpid(one->pid, &status, 0) < 0 && errno == EINTR) continue;
    one->pid = 0;
    if (one->killed || status)
        worker_why(one->killed, status, one->why, sizeof one->why);
}

bool worker_receive(struct worker_one *one) {
    for (;;) {
        buf_reserve(&one->in, 64 << 10);
        ssize_t n = read(one->fd, one->in.ptr + one->in.len, 64 << 10);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN) return false;
        if (n <= 0) break;
        one->in.len += (size_t)n;
    }
    one_reap(one);
    return true;
}

struct str worker_result(
    const struct worker_one *one, const char **file, const char **why) {
    *file = one->shared->file;
    *why = one->why;
    return one->why[0] ? (struct str){NULL, 0} : buf_view(&one->in);
}

void worker_kill(struct worker_one *one) {
    if (!one->pid) return;
    one->killed = true;
    kill(one->pid, SIGKILL);
}

void worker_free(struct worker_one *one) {
    if (!one) return;
    worker_kill(one);
    one_reap(one);
    close(one->fd);
    munmap(one->shared, sizeof *one->shared);
    buf_dispose(&one->in);
    mem_free(one);
}

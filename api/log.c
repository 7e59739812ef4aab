#include "api/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

#define KEPT_MAX (1u << 20) /* bytes of lines that wait for whoever reads them */
#define AGAIN_SECONDS 0.05

struct log {
    char *path; /* NULL: stderr, or nowhere */
    int fd;     /* -1: off */
    bool plain; /* a file: takes any length at once, and never makes us wait */
    struct buf lines;
    struct loop_event *soon;
    unsigned dropped;
    long long second; /* that `stamp` is of */
    char stamp[24];
};

static bool open_file(struct log *g) {
    int fd =
        open(g->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0640);
    if (fd < 0) return false;
    if (g->fd >= 0) close(g->fd);
    g->fd = fd;
    return true;
}

static void look_at(struct log *g) {
    struct stat st;
    g->plain = g->fd >= 0 && !fstat(g->fd, &st) && S_ISREG(st.st_mode);
}

/* ---- writing ---- */

/* As many whole lines as a pipe takes without waiting. */
static size_t portion(const struct log *g) {
    if (g->plain || g->lines.len <= PIPE_BUF) return g->lines.len;
    size_t n = PIPE_BUF;
    while (n && g->lines.ptr[n - 1] != '\n') n--;
    return n ? n : PIPE_BUF;
}

static bool takes_more(const struct log *g) {
    struct pollfd p = {.fd = g->fd, .events = POLLOUT};
    return g->plain || (poll(&p, 1, 0) == 1 && p.revents & POLLOUT);
}

static void flush(void *ctx) {
    struct log *g = ctx;
    size_t done = 0;
    struct buf rest = g->lines;
    while (g->lines.len && takes_more(g)) {
        ssize_t n = write(g->fd, g->lines.ptr, portion(g));
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        done += (size_t)n;
        g->lines.ptr += n;
        g->lines.len -= (size_t)n;
    }
    size_t left = g->lines.len;
    g->lines = rest;
    if (left) {
        memmove(g->lines.ptr, g->lines.ptr + done, left + 1);
        loop_arm(g->soon, AGAIN_SECONDS);
    }
    g->lines.len = left;
}

/* ---- opening ---- */

struct log *log_open(struct loop *l, const char *where) {
    struct log *g = mem_calloc(1, sizeof *g);
    bool off = !strcmp(where, "off"), err = !strcmp(where, "stderr");
    buf_init(&g->lines, 0);
    g->fd = -1;
    g->soon = loop_timer(l, flush, g);
    if (err) g->fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    if (!off && !err) {
        g->path = mem_strdup(where);
        if (!open_file(g)) {
            int why = errno;
            log_close(g);
            errno = why;
            return NULL;
        }
    }
    look_at(g);
    return g;
}

void log_reopen(struct log *g) {
    if (!g->path) return;
    flush(g);
    if (!open_file(g))
        fprintf(stderr, "tenantry-api: cannot open %s again: %s\n", g->path,
            strerror(errno));
    look_at(g);
}

void log_close(struct log *g) {
    if (!g) return;
    if (g->fd >= 0) {
        flush(g);
        close(g->fd);
    }
    loop_event_free(g->soon);
    buf_dispose(&g->lines);
    mem_free(g->path);
    mem_free(g);
}

bool log_is_off(const struct log *g) {
    return g->fd < 0;
}

unsigned log_dropped(struct log *g) {
    unsigned n = g->dropped;
    g->dropped = 0;
    return n;
}

/* ---- lines ---- */

static void stamp(struct log *g, struct buf *b) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (now.tv_sec != g->second) {
        struct tm tm;
        time_t t = now.tv_sec;
        gmtime_r(&t, &tm);
        strftime(g->stamp, sizeof g->stamp, "%Y-%m-%dT%H:%M:%S", &tm);
        g->second = now.tv_sec;
    }
    buf_printf(b, "{\"time\":\"%s.%03ldZ\"", g->stamp, now.tv_nsec / 1000000);
}

static void text(struct buf *b, const char *name, const char *value) {
    if (!value) return;
    buf_printf(b, ",\"%s\":\"", name);
    buf_json(b, str_from(value), false);
    buf_char(b, '"');
}

void log_request(struct log *g, const struct log_line *line) {
    if (g->fd < 0) return;
    if (g->lines.len > KEPT_MAX) {
        g->dropped++;
        return;
    }
    if (!g->lines.len) loop_arm(g->soon, 0);
    struct buf *b = &g->lines;
    stamp(g, b);
    text(b, "id", line->id);
    text(b, "tenant", line->tenant);
    text(b, "method", line->method);
    text(b, "route", line->route);
    buf_printf(b, ",\"status\":%d,\"bytes\":%zu,\"ms\":%.3f", line->status, line->bytes,
        line->seconds * 1e3);
    text(b, "client", line->client);
    text(b, "note", line->note);
    buf_printf(b, ",\"worker\":%u}\n", line->worker);
}

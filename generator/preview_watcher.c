/* The browsers that listen, and what they are told. */
#include <stdio.h>

#include "base/mem.h"
#include "generator/preview.h"

#define FRONT_SECONDS 0.1        /* between two updates of the front page */
#define FRONT_SECONDS_EACH 0.001 /* ... and per tenant, when it is only checking */
#define PING_SECONDS 10

bool watchers_of_front(const struct preview *p) {
    for (const struct preview_watcher *w = p->watchers; w; w = w->next)
        if (!w->tenant) return true;
    return false;
}

bool watchers_of(const struct preview *p, const struct preview_tenant *t) {
    for (const struct preview_watcher *w = p->watchers; w; w = w->next)
        if (w->tenant == t) return true;
    return false;
}

static void watcher_gone(void *ctx) {
    struct preview_watcher *w = ctx, **at = &w->preview->watchers;
    while (*at != w) at = &(*at)->next;
    *at = w->next;
    mem_free(w->page);
    mem_free(w);
}

void watcher_subscribe(struct preview *p, struct http_request *r,
    struct preview_tenant *t, const char *page) {
    struct preview_watcher *w = mem_calloc(1, sizeof *w);
    *w = (struct preview_watcher){.preview = p, .request = r, .tenant = t};
    w->page = page ? mem_strdup(page) : NULL;
    w->next = p->watchers;
    p->watchers = w;
    char hello[64];
    if (t) t->errors_told = render_errors(p, t);
    snprintf(hello, sizeof hello, "{\"version\":%u,\"errors\":%u}", t ? t->version : 0,
        t ? t->errors_told : 0);
    /* Sent first: a stream may end as soon as it has begun. */
    http_stream(r, watcher_gone, w);
    for (w = p->watchers; w && w->request != r; w = w->next) continue;
    if (w) http_stream_send(r, "hello", str_from(hello));
    /* Nobody looked at it, so it was not made anew meanwhile. */
    if (t && t->stale && !t->worker) render_start(p, t);
    render_check(p);
}

static void send_front(void *ctx) {
    struct preview *p = ctx;
    p->front_due = p->front_soon = false;
    for (struct preview_watcher *w = p->watchers; w; w = w->next)
        if (!w->tenant) http_stream_send(w->request, "front", STR("{}"));
}

void watchers_front(struct preview *p, bool soon) {
    if (!watchers_of_front(p) || (p->front_due && (p->front_soon || !soon))) return;
    p->front_due = true;
    p->front_soon = soon;
    loop_arm(p->front_timer,
        FRONT_SECONDS + (soon ? 0 : (double)p->n_tenants * FRONT_SECONDS_EACH));
}

static void ping(void *ctx) {
    struct preview *p = ctx;
    for (struct preview_watcher *w = p->watchers; w; w = w->next)
        http_stream_ping(w->request);
    loop_arm(p->ping, PING_SECONDS);
}

static const char *kind_of(
    const struct preview_site *was, const struct preview_site *now, const char *page) {
    enum page_change c = was ? preview_site_compare(was, now, page) : PAGE_RELOAD;
    return c == PAGE_RELOAD ? "reload" : c == PAGE_STYLE ? "style" : "same";
}

static void tell_watchers(struct preview *p, struct preview_tenant *t,
    const struct preview_site *was, bool good) {
    char data[160];
    unsigned errors = render_errors(p, t);
    t->errors_told = errors;
    for (struct preview_watcher *w = p->watchers; w; w = w->next) {
        if (w->tenant != t) continue;
        const char *kind = good ? kind_of(was, t->site, w->page) : "same";
        snprintf(data, sizeof data,
            "{\"kind\":\"%s\",\"version\":%u,\"errors\":%u,\"ms\":%.1f}", kind,
            t->version, errors, t->seconds * 1000);
        http_stream_send(w->request, "change", str_from(data));
    }
}

/* What is wrong with a tenant may change though its own files do not: somebody else
 * claims its domain. */
void watchers_errors(struct preview *p) {
    for (struct preview_watcher *w = p->watchers; w; w = w->next) {
        struct preview_tenant *t = w->tenant;
        if (!t || t->stale || t->worker || render_errors(p, t) == t->errors_told)
            continue;
        t->version++;
        tell_watchers(p, t, t->site, true);
    }
}

static void log_rendered(struct preview *p, struct preview_tenant *t, bool good) {
    if (p->options.json || p->options.verbosity < 0) return;
    struct diag_list diags;
    diag_init(&diags);
    render_diags(p, t, &diags);
    if (p->options.verbosity > 0 || !good)
        printf("%s: %s in %.0f ms\n", t->id, good ? "made" : "not made",
            t->seconds * 1000);
    fflush(stdout);
    for (const struct diag *d = diags.first; d; d = d->next)
        if (d->level == DIAG_ERROR)
            diag_print_human(d, p->build.workspace.dir.fd, false, stderr);
    diag_dispose(&diags);
}

void watchers_rendered(struct preview *p, struct preview_tenant *t,
    const struct preview_site *was, bool good) {
    t->version++;
    tell_watchers(p, t, was, good);
    watchers_front(p, true);
    log_rendered(p, t, good);
}

void watchers_open(struct preview *p) {
    p->front_timer = loop_timer(p->loop, send_front, p);
    p->ping = loop_timer(p->loop, ping, p);
    loop_arm(p->ping, PING_SECONDS);
}

void watchers_dispose(struct preview *p) {
    loop_event_free(p->front_timer);
    loop_event_free(p->ping);
}

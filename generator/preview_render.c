/* Making sites, each in a process of its own, a few at a time. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "generator/preview.h"
#include "generator/render.h"

#define SITES_MAX ((size_t)1 << 30) /* bytes of sites in memory, about */

/* ---- in the worker ---- */

static void task(void *ctx, struct worker *w, struct buf *result) {
    struct preview_tenant *t = ctx;
    struct memory_sink memory;
    struct diag_list diags;
    struct arena arena;
    uint64_t header[2] = {0};
    arena_init(&arena);
    json_use_arena(&arena);
    memory_sink_init(&memory);
    diag_init(&diags);
    struct sink sink = memory_sink(&memory);
    json_t *v = json_object();
    bool keep = t->fd >= 0;
    render_tenant(&t->preview->build, t->id, keep ? &sink : NULL, w, &diags, v);
    bool ok = json_is_true(json_object_get(v, "ok"));
    if (ok && keep && memory_sink_flush(&memory, t->fd)) {
        diag_add(&diags, DIAG_ERROR, DIAG_NOWHERE, "no memory left for the site");
        ok = false;
    }
    diag_sort(&diags);
    buf_append(result, header, sizeof header);
    if (ok) buf_str(result, buf_view(&memory.index));
    header[0] = ok;
    header[1] = result->len - sizeof header;
    memcpy(result->ptr, header, sizeof header);
    diag_pack(&diags, result);
}

/* ---- in the server ---- */

/* Who waits for it goes before who watches, and who watches before the rest. */
static struct preview_tenant *next_queued(struct preview *p) {
    struct preview_tenant *best = NULL;
    int best_rank = -1;
    for (size_t i = 0; i < p->n_tenants; i++) {
        struct preview_tenant *t = p->tenants[i];
        int rank = t->waiting ? 2 : watchers_of(p, t);
        if (!t->queued || rank <= best_rank) continue;
        best = t;
        best_rank = rank;
    }
    return best;
}

static void worker_done(struct preview *p, struct preview_tenant *t) {
    loop_event_free(t->readable);
    loop_event_free(t->patience);
    worker_free(t->worker);
    if (t->fd >= 0) close(t->fd);
    t->readable = t->patience = NULL;
    t->worker = NULL;
    t->fd = -1;
    p->running--;
}

static void answer_waiting(struct preview *p, struct preview_tenant *t) {
    struct preview_waiting *w = t->waiting, *next;
    t->waiting = NULL;
    for (; w; w = next) {
        next = w->next;
        w->ready(p, w->request);
        mem_free(w);
    }
}

/* The site that the worker made, or NULL; its messages into t->diags. */
static struct preview_site *take_result(struct preview_tenant *t) {
    const char *file, *why;
    uint64_t header[2];
    struct str bytes = worker_result(t->worker, &file, &why);
    struct preview_site *site = NULL;
    diag_reset(&t->diags);
    t->diags.tenant = t->id;
    if (!bytes.ptr || bytes.len < sizeof header) {
        diag_add(&t->diags, DIAG_ERROR, *file ? DIAG_FILE(file) : DIAG_NOWHERE, "%s",
            *why ? why : "the renderer ended without a word");
        return NULL;
    }
    memcpy(header, bytes.ptr, sizeof header);
    bytes = str_slice(bytes, sizeof header, bytes.len);
    if (header[0] && t->fd >= 0)
        site = preview_site_receive(str_slice(bytes, 0, header[1]), t->fd);
    diag_unpack(&t->diags, str_slice(bytes, header[1], bytes.len));
    return site;
}

/* Of the sites that nobody looks at, those go that were not asked for the longest. */
static void keep_within(struct preview *p, const struct preview_tenant *newest) {
    while (p->site_bytes > SITES_MAX) {
        struct preview_tenant *oldest = NULL;
        for (size_t i = 0; i < p->n_tenants; i++) {
            struct preview_tenant *t = p->tenants[i];
            if (!t->site || t == newest || t->waiting || watchers_of(p, t)) continue;
            if (!oldest || t->used < oldest->used) oldest = t;
        }
        if (!oldest) return;
        render_forget(p, oldest);
        oldest->stale = true;
    }
}

void render_forget(struct preview *p, struct preview_tenant *t) {
    if (!t->site) return;
    p->site_bytes -= t->site->size;
    preview_site_release(t->site);
    t->site = NULL;
}

static void take_site(
    struct preview *p, struct preview_tenant *t, struct preview_site *site) {
    struct preview_site *was = t->site;
    t->tried = true;
    t->failed = !site;
    if (site) {
        t->site = site;
        p->site_bytes += site->size;
        if (was) p->site_bytes -= was->size;
        keep_within(p, t);
    }
    watchers_rendered(p, t, was, site != NULL);
    if (site) preview_site_release(was);
}

static void finished(struct preview *p, struct preview_tenant *t) {
    bool check = t->fd < 0;
    struct preview_site *site = take_result(t);
    t->seconds = clock_seconds() - t->began;
    t->checked = !t->again;
    worker_done(p, t);
    if (check) {
        p->checking = false;
        t->again |= t->waiting != NULL;
        watchers_front(p, false);
    } else
        take_site(p, t, site);
    if (t->again) {
        t->again = false;
        render_outdated(t);
        if (!check || t->waiting || watchers_of(p, t)) render_start(p, t);
    } else
        answer_waiting(p, t);
    struct preview_tenant *next = next_queued(p);
    if (next) render_start(p, next);
    render_check(p);
}

static void readable(void *ctx) {
    struct preview_tenant *t = ctx;
    if (worker_receive(t->worker)) finished(t->preview, t);
}

static void out_of_patience(void *ctx) {
    struct preview_tenant *t = ctx;
    worker_kill(t->worker);
}

static void cannot_start(struct preview *p, struct preview_tenant *t, int err) {
    diag_reset(&t->diags);
    diag_add(&t->diags, DIAG_ERROR, DIAG_NOWHERE, "cannot start a worker: %s",
        strerror(err));
    t->tried = t->failed = t->checked = true;
    if (t->fd >= 0) close(t->fd);
    t->fd = -1;
    watchers_rendered(p, t, t->site, false);
    answer_waiting(p, t);
}

void render_outdated(struct preview_tenant *t) {
    t->stale = true;
    t->checked = false;
    if (t->worker) t->again = true;
}

/* With t->fd, into memory; without, into nothing. */
static bool start_worker(struct preview *p, struct preview_tenant *t) {
    if (!p->fixed_clock) p->options.now = clock_now();
    /* Compiled here, once for all; the worker inherits it. */
    themes_get(
        &p->build.themes, t->theme ? t->theme : "default", t->theme_place, &p->themes);
    t->began = clock_seconds();
    t->worker = worker_start(task, t);
    if (!t->worker) return false;
    p->running++;
    t->readable = loop_fd(p->loop, worker_fd(t->worker), readable, t);
    t->patience = loop_timer(p->loop, out_of_patience, t);
    loop_arm(t->patience, STEP_SECONDS);
    return true;
}

void render_start(struct preview *p, struct preview_tenant *t) {
    if (t->worker) {
        t->again = true;
        return;
    }
    t->queued = p->running >= p->options.jobs + p->checking;
    if (t->queued) return;
    t->stale = false;
    t->fd = memfd_create("tenantry-preview", MFD_CLOEXEC);
    if (t->fd < 0 || !start_worker(p, t)) cannot_start(p, t, errno);
}

static struct preview_tenant *next_unchecked(struct preview *p) {
    for (size_t i = 0; i < p->n_tenants; i++) {
        struct preview_tenant *t = p->tenants[i];
        if (!t->checked && !t->worker && !t->queued) return t;
    }
    return NULL;
}

void render_check(struct preview *p) {
    if (p->checking || p->running || !watchers_of_front(p)) return;
    struct preview_tenant *t = next_unchecked(p);
    if (!t) return;
    p->checking = start_worker(p, t);
    t->checked = !p->checking; /* it is tried once */
}

void render_cancel(struct preview *p, struct preview_tenant *t) {
    if (t->worker && t->fd < 0) p->checking = false;
    if (t->worker) worker_done(p, t);
    t->queued = t->again = false;
    answer_waiting(p, t);
}

void render_wait(struct preview *p, struct preview_tenant *t, struct http_request *r,
    void (*ready)(struct preview *p, struct http_request *r)) {
    if (!t->stale && !t->worker) {
        ready(p, r);
        return;
    }
    struct preview_waiting *w = mem_calloc(1, sizeof *w), **at = &t->waiting;
    *w = (struct preview_waiting){.request = r, .ready = ready};
    while (*at) at = &(*at)->next;
    *at = w;
    if (!t->worker && !t->queued) render_start(p, t);
}

static bool has_same(const struct diag_list *l, const struct diag *d) {
    for (const struct diag *e = l->first; e; e = e->next)
        if (e->place.line == d->place.line && e->place.col == d->place.col &&
            !strcmp(e->message, d->message) && !e->place.file == !d->place.file &&
            (!e->place.file || !strcmp(e->place.file, d->place.file)))
            return true;
    return false;
}

static void add_unless_there(struct diag_list *out, const struct diag *d) {
    if (has_same(out, d)) return;
    diag_add(out, d->level, d->place, "%s", d->message);
    if (d->secret) diag_secret(out);
    for (const struct diag_note *n = d->notes; n; n = n->next)
        diag_note(out, n->place, "%s", n->message);
}

void render_diags(struct preview *p, struct preview_tenant *t, struct diag_list *out) {
    const struct diag_list *own = t->tried || t->checked ? &t->diags : &t->config_diags;
    world_diags(p, t, out);
    for (const struct diag *d = own->first; d; d = d->next) add_unless_there(out, d);
}

unsigned render_errors(struct preview *p, struct preview_tenant *t) {
    struct diag_list all;
    diag_init(&all);
    render_diags(p, t, &all);
    unsigned n = all.errors;
    diag_dispose(&all);
    return n;
}

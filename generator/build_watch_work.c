/* What a worker of a build that stays does, and how things are said. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "generator/build_watch_internal.h"
#include "generator/render.h"

/* ---- in the worker ---- */

/* The site of one tenant as its files and rows are now. */
static void render(
    struct watcher *w, struct str request, struct worker *worker, struct buf *result) {
    struct run *r = &w->run;
    struct diag_list diags;
    struct str clock;
    struct buf text;
    str_cut(&request, ' ', &clock);
    w->options.now = strtoll(clock.ptr, NULL, 10);
    json_use_arena(&r->task_arena);
    json_t *v = json_object();
    diag_init(&diags);
    buf_init(&text, 0);
    char *id = arena_str(&r->task_arena, request);
    bool broken = map_get(&r->in.broken, request);
    struct sink out = sink_publish(&r->out);
    json_set_str(v, "tenant", id);
    render_tenant(&r->in.build, id, broken ? NULL : &out, worker, &diags, v);
    if (broken) json_set_bool(v, "ok", false);
    if (diags.machine) json_set_bool(v, "machine", true);
    diag_sort(&diags);
    json_write(&text, v, 0);
    result_put(result, buf_view(&text));
    diag_pack(&diags, result);
    buf_dispose(&text);
    diag_dispose(&diags);
    arena_reset(&r->task_arena);
}

static void look(
    struct watcher *w, struct str since, struct worker *worker, struct buf *result) {
    struct diag_list diags;
    struct pull_look l = {.snapshot = ""};
    worker_step(worker, "the database");
    diag_init(&diags);
    pull_look(w->pull, arena_str(&diags.arena, since), &l, &diags.arena, &diags);
    result_put(result, str_from(l.snapshot));
    result_put(result, l.slugs);
    diag_pack(&diags, result);
    diag_dispose(&diags);
}

void watch_task(
    void *ctx, struct str request, struct worker *worker, struct buf *result) {
    struct str rest = str_slice(request, 1, request.len);
    if (*request.ptr == REQUEST_LOOK)
        look(ctx, rest, worker, result);
    else
        render(ctx, rest, worker, result);
}

/* ---- in the parent ---- */

struct hash watch_hash(const struct diag_list *diags) {
    struct buf packed;
    buf_init(&packed, 0);
    if (diags->first) diag_pack(diags, &packed);
    struct hash h = diags->first ? hash_of(buf_view(&packed)) : (struct hash){0};
    buf_dispose(&packed);
    return h;
}

void watch_say(struct watcher *w, const struct diag_list *diags, struct hash *said) {
    struct hash now = watch_hash(diags);
    if (!memcmp(&now, said, sizeof now)) return;
    *said = now;
    struct root dir = {.fd = -1};
    if (diags->first) root_open(&dir, AT_FDCWD, w->options.dir, w->options.dir);
    report_diags(&w->run.report, diags, dir.fd);
    if (dir.fd >= 0) root_close(&dir);
    fflush(stdout);
}

void watch_trouble(struct watcher *w, const char *message) {
    struct diag_list diags;
    diag_init(&diags);
    diag_add(&diags, DIAG_WARNING, DIAG_NOWHERE, "%s", message);
    watch_say(w, &diags, &(struct hash){0});
    diag_dispose(&diags);
}

/* Following the workspace's files: which tenants a changed one is of, and when what all
 * share has to be read again. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "generator/build_watch_internal.h"

#define QUIET_SECONDS 0.002 /* after the last change before anything is made anew */
#define LONGEST_SECONDS 0.1 /* ... but never later than this after the first */

/* ---- what a path means ---- */

static bool is_passed_over(struct str name) {
    return name.len && (name.ptr[0] == '.' || name.ptr[0] == '_');
}

static void tenant_file(struct watcher *w, struct str id) {
    struct watched *t = map_get(&w->by_id, id);
    if (t) tenant_mark(w, t, CAUSE_FILES);
}

static void in_tenants(struct watcher *w, struct str id, struct str rest) {
    if (is_passed_over(id)) return;
    /* The folder itself, or what decides about domains, theme and the lent prices. */
    if (!rest.len || str_is(rest, "config.json")) w->reload = true;
    tenant_file(w, id);
}

static void in_content(struct watcher *w, struct str id) {
    if (str_is(id, "_shared"))
        w->all = true;
    else
        tenant_file(w, id);
}

/* False: it is none of ours (out/, an editor's own). */
static bool take_path(struct watcher *w, const char *path) {
    struct str rest = str_from(path), top, id = {0};
    str_cut(&rest, '/', &top);
    bool below = rest.ptr && str_cut(&rest, '/', &id);
    bool tenants = str_is(top, "tenants"), content = str_is(top, "content");
    bool templates = str_is(top, "templates");
    if (!tenants && !content && !templates && !str_is(top, "tenantry.json"))
        return false;
    if (tenants && below)
        in_tenants(w, id, rest.ptr ? rest : STR(""));
    else if (content && below)
        in_content(w, id);
    else
        w->reload = w->all = true;
    return true;
}

static void changed(void *ctx, const char *path) {
    struct watcher *w = ctx;
    if (!path) w->reload = w->all = true; /* too much happened: anything may have */
    if (path && !take_path(w, path)) return;
    if (w->changed_since <= 0) w->changed_since = clock_seconds();
}

/* ---- reading anew what all share ---- */

struct hash domains_hash(struct build *b) {
    struct buf text;
    buf_init(&text, 0);
    for (size_t i = 0; i < b->hosts.n; i++)
        buf_printf(&text, "%s %s\n", b->hosts.items[i].key, b->hosts.items[i].tenant);
    struct hash h = hash_of(buf_view(&text));
    buf_dispose(&text);
    return h;
}

static void adopt(struct watcher *w, struct build_inputs *old) {
    struct run *r = &w->run;
    r->in.build.pull = w->pull;
    tenants_meet(w);
    struct hash domains = domains_hash(&r->in.build);
    /* Documents may name a host whose owner is another one now. */
    if (memcmp(&domains, &w->domains, sizeof domains)) w->all = true;
    w->domains = domains;
    if (w->all) tenants_mark(w, CAUSE_SHARED);
    w->all = false;
    w->hosts_changed = true;
    build_close(old);
    worker_pool_renew(w->pool);
}

/* When it cannot be read, what is published stays, and nothing is made until it can. */
static void reload(struct watcher *w) {
    struct run *r = &w->run;
    struct build_inputs old = r->in;
    w->reload = false;
    diag_reset(&r->diags);
    w->unusable = !run_read(r);
    watch_say(w, &r->diags, &w->shared_said);
    if (!w->unusable) {
        adopt(w, &old);
        return;
    }
    build_close(&r->in);
    r->in = old;
    w->all = true; /* once it can be read again */
}

static void settle(void *ctx) {
    struct watcher *w = ctx;
    w->changed_since = 0;
    if (w->reload)
        reload(w);
    else if (w->all && !w->unusable) {
        tenants_mark(w, CAUSE_SHARED);
        w->all = false;
    }
    watcher_go_on(w);
}

static void read_changes(void *ctx) {
    struct watcher *w = ctx;
    watch_read(w->files, changed, w);
    if (w->changed_since <= 0) return;
    double left = w->changed_since + LONGEST_SECONDS - clock_seconds();
    loop_arm(w->settle, left < QUIET_SECONDS ? left : QUIET_SECONDS);
}

/* ---- watching ---- */

static void say_watch(struct watcher *w, int err) {
    if (err == ENOSPC)
        watch_trouble(w, "the system watches no more folders, so some changes of files "
                         "go unseen; raise fs.inotify.max_user_watches");
    else if (err)
        watch_trouble(
            w, "some folders cannot be watched, so changes in them go unseen");
}

static char *below(const struct watcher *w, const char *name, struct arena *a) {
    return arena_printf(a, "%s/%s", w->options.dir, name);
}

bool files_watch(struct watcher *w) {
    static const char *const names[] = {"tenants", "content", "templates"};
    struct arena a;
    w->files = watch_new();
    if (!w->files) return false;
    arena_init(&a);
    int err = watch_add(w->files, w->options.dir, "", false);
    for (int i = 0; i < 3; i++) {
        const char *path = below(w, names[i], &a);
        if (i == 2 && w->options.templates) path = w->options.templates;
        int more = watch_add(w->files, path, names[i], true);
        if (more) err = more;
    }
    arena_dispose(&a);
    say_watch(w, err);
    return true;
}

void files_follow(struct watcher *w) {
    w->domains = domains_hash(&w->run.in.build);
    w->settle = loop_timer(w->loop, settle, w);
    w->files_event = loop_fd(w->loop, watch_fd(w->files), read_changes, w);
}

void files_dispose(struct watcher *w) {
    loop_event_free(w->files_event);
    loop_event_free(w->settle);
    watch_free(w->files);
}

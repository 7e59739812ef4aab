/* From a change on the disk to the browsers that show what came of it. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "generator/preview.h"

#define QUIET_SECONDS 0.001 /* after the last change before anything is made anew */
#define DIRECT_MAX                                                                     \
    8 /* tenants edited at once that are made because of the front page */
#define LONGEST_SECONDS 0.05 /* ... but never later than this after the first */

/* ---- what a path means ---- */

struct change { /* the first three parts of a path */
    struct str top, second, rest;
    bool direct; /* it names the folder of `second` itself */
};

static struct change change_read(const char *path) {
    struct change c = {{0}, {0}, {0}, true};
    struct str s = str_from(path);
    str_cut(&s, '/', &c.top);
    if (s.ptr) str_cut(&s, '/', &c.second);
    c.direct = !s.ptr;
    c.rest = s.ptr ? s : STR("");
    return c;
}

enum { CHANGED_FILES = 1, CHANGED_CONFIG };

static void tenant_changed(struct preview *p, struct str id, bool config) {
    struct preview_tenant *t = map_get(&p->by_id, id);
    if (!t) return;
    uintptr_t was = (uintptr_t)map_get(&p->changed, str_from(t->id));
    uintptr_t now = config ? CHANGED_CONFIG : CHANGED_FILES;
    if (now > was) map_set(&p->changed, str_from(t->id), (void *)now);
}

static bool is_passed_over(struct str name) {
    return name.len && (name.ptr[0] == '.' || name.ptr[0] == '_');
}

static void in_tenants(struct preview *p, const struct change *c) {
    if (is_passed_over(c->second)) return;
    bool config = c->direct || str_is(c->rest, "config.json");
    if (c->direct || !map_get(&p->by_id, c->second)) p->pending.workspace = true;
    tenant_changed(p, c->second, config);
}

static void in_content(struct preview *p, const struct change *c) {
    if (str_is(c->second, "_shared"))
        p->pending.shared = true;
    else
        tenant_changed(p, c->second, false);
}

static void note(struct preview *p, const char *path) {
    struct preview_pending *n = &p->pending;
    if (!n->files++) snprintf(n->first, sizeof n->first, "%s", path ? path : "");
}

static void changed(void *ctx, const char *path) {
    struct preview *p = ctx;
    if (!path) {
        note(p, "(more changes than the system reports)");
        p->pending.all = true;
        return;
    }
    struct change c = change_read(path);
    bool tenants = str_is(c.top, "tenants"), content = str_is(c.top, "content");
    bool templates = str_is(c.top, "templates");
    if (str_is(path_base(str_from(path)), "4913")) return; /* how vim tries a folder */
    if (str_is(str_from(path), "tenantry.json"))
        p->pending.all = true;
    else if (!tenants && !content && !templates)
        return; /* out/, and whatever else lies beside the workspace's own */
    else if (!c.second.ptr)
        p->pending.all = true;
    else if (tenants)
        in_tenants(p, &c);
    else if (content)
        in_content(p, &c);
    else
        p->pending.templates = true;
    note(p, path);
}

/* ---- applying ---- */

static void stale_all(struct preview *p) {
    for (size_t i = 0; i < p->n_tenants; i++) render_outdated(p->tenants[i]);
}

/* Makes anew what somebody looks at; the rest when it is asked for. */
static void render_watched(struct preview *p, const struct map *direct) {
    bool front = watchers_of_front(p) && direct->used <= DIRECT_MAX;
    for (size_t i = 0; i < p->n_tenants; i++) {
        struct preview_tenant *t = p->tenants[i];
        bool named = map_get(direct, str_from(t->id)) != NULL;
        if (t->stale && !t->worker &&
            (t->waiting || watchers_of(p, t) || (front && named)))
            render_start(p, t);
    }
}

static bool affects_all(const struct preview_tenant *t, const struct preview *p) {
    const char *id = p->build.workspace.default_tenant;
    return id && !strcmp(id, t->id);
}

/* The ids in the map outlive this: tenants go with world_reload only. */
static void apply_tenants(struct preview *p, struct map *direct) {
    bool config = false;
    for (size_t i = 0; i < p->n_tenants; i++) {
        struct preview_tenant *t = p->tenants[i];
        uintptr_t how = (uintptr_t)map_get(direct, str_from(t->id));
        if (!how) continue;
        render_outdated(t);
        if (how != CHANGED_CONFIG) continue;
        world_config(p, t);
        config = true;
        if (affects_all(t, p)) stale_all(p);
    }
    if (!config) return;
    world_hosts(p);
    watchers_front(p, true);
}

/* world_reload may free tenants, whose ids are the keys. */
static struct map keep_keys(struct preview *p, struct arena *a) {
    struct map out = {0};
    for (size_t i = 0; i < p->changed.size; i++)
        if (p->changed.slots[i].key.ptr)
            map_set(&out, arena_copy(a, p->changed.slots[i].key),
                p->changed.slots[i].value);
    map_dispose(&p->changed);
    p->changed = (struct map){0};
    return out;
}

static void reload_configs(struct preview *p) {
    for (size_t i = 0; i < p->n_tenants; i++) world_config(p, p->tenants[i]);
    world_hosts(p);
}

static void log_changes(struct preview *p, const struct preview_pending *n) {
    if (p->options.verbosity < 1 || p->options.json) return;
    printf("changed: %s", n->first);
    if (n->files > 1) printf(" and %u more", n->files - 1);
    printf("\n");
    fflush(stdout);
}

static void settle(void *ctx) {
    struct preview *p = ctx;
    struct preview_pending n = p->pending;
    struct arena arena;
    arena_init(&arena);
    struct map direct = keep_keys(p, &arena);
    p->pending = (struct preview_pending){0};
    log_changes(p, &n);
    if (n.all || n.workspace) {
        world_reload(p);
        watchers_front(p, true);
    }
    if (n.all) reload_configs(p);
    if (n.templates && !n.all && !n.workspace) world_themes(p);
    if (n.all || n.templates || n.shared) stale_all(p);
    apply_tenants(p, &direct);
    render_watched(p, &direct);
    watchers_errors(p);
    render_check(p);
    map_dispose(&direct);
    arena_dispose(&arena);
}

static void read_changes(void *ctx) {
    struct preview *p = ctx;
    unsigned before = p->pending.files;
    watch_read(p->watch, changed, p);
    if (p->pending.files == before) return;
    double now = clock_seconds();
    if (p->pending.since <= 0) p->pending.since = now;
    double left = p->pending.since + LONGEST_SECONDS - now;
    loop_arm(p->settle, left < QUIET_SECONDS ? left : QUIET_SECONDS);
}

/* ---- watching ---- */

static void say_watch(struct preview *p, int err) {
    if (!err) return;
    diag_add(&p->shared, DIAG_WARNING, DIAG_NOWHERE,
        err == ENOSPC
            ? "the system watches no more folders, so some changes go unseen; "
              "raise fs.inotify.max_user_watches"
            : "cannot watch for changes: %s",
        strerror(err));
}

static char *below(const struct preview *p, const char *name, struct arena *a) {
    return arena_printf(a, "%s/%s", p->options.dir, name);
}

bool change_watch(struct preview *p) {
    struct arena a;
    p->watch = watch_new();
    if (!p->watch) return false;
    arena_init(&a);
    int err = watch_add(p->watch, p->options.dir, "", false), more;
    static const char *const names[] = {"tenants", "content", "templates"};
    for (int i = 0; i < 3; i++) {
        if (i == 2 && p->options.templates) continue;
        more = watch_add(p->watch, below(p, names[i], &a), names[i], true);
        if (more) err = more;
    }
    if (p->options.templates) {
        more = watch_add(p->watch, p->options.templates, "templates", true);
        if (more) err = more;
    }
    arena_dispose(&a);
    say_watch(p, err);
    p->settle = loop_timer(p->loop, settle, p);
    p->watch_event = loop_fd(p->loop, watch_fd(p->watch), read_changes, p);
    return true;
}

void change_dispose(struct preview *p) {
    loop_event_free(p->watch_event);
    loop_event_free(p->settle);
    watch_free(p->watch);
    map_dispose(&p->changed);
}

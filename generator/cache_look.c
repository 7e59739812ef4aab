/* Holding what was recorded against what is there now. */
#include <fcntl.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "generator/cache_internal.h"

/* ---- what many tenants depend on ---- */

static void look_at_set(struct cache *c, const struct root *r, const char *name,
    struct str old, struct shared_set *set) {
    *set = (struct shared_set){.name = name};
    buf_init(&set->scan, 0);
    if (old.len && scan_stands(r, old))
        buf_str(&set->scan, old);
    else {
        scan_take(r, name, old, &set->scan);
        scan_hash(r, &set->scan);
        if (old.len)
            set->difference = scan_difference(&c->arena, old, buf_view(&set->scan));
        c->dirty = true;
    }
    set->digest = scan_digest(buf_view(&set->scan));
}

static struct str old_theme(const struct cache *c, const char *name) {
    for (size_t i = 0; i < c->n_old_themes; i++)
        if (str_is(c->theme_names[i], name)) return c->theme_scans[i];
    return (struct str){"", 0};
}

static void look_at_themes(struct cache *c) {
    struct file_list list = {0};
    file_list_dir(&c->templates, ".", &c->arena, &list);
    c->themes = mem_calloc(list.n + 1, sizeof *c->themes);
    for (size_t i = 0; i < list.n; i++) {
        const char *name = list.items[i].path;
        if (!list.items[i].dir) continue;
        look_at_set(
            c, &c->templates, name, old_theme(c, name), &c->themes[c->n_themes++]);
    }
    c->dirty |= c->n_themes != c->n_old_themes;
}

static void look_at_settings(struct cache *c) {
    struct stamp now;
    stamp_take(c->dir.fd, "tenantry.json", true, &now);
    struct cache_head *h = &c->head;
    if (!c->why_empty && stamp_equal(&now, &h->settings_stamp)) return;
    h->settings_stamp = now;
    if (!stamp_settle(now.changed)) h->settings_stamp.inode = UINT64_MAX;
    h->settings = hash_file(&c->dir, "tenantry.json");
    c->dirty = true;
}

bool cache_shared_stands(const struct cache *c) {
    struct stamp now;
    stamp_take(c->dir.fd, "tenantry.json", true, &now);
    bool ok = stamp_equal(&now, &c->head.settings_stamp) &&
              scan_stands(&c->content, buf_view(&c->shared.scan));
    for (size_t i = 0; i < c->n_themes && ok; i++)
        ok = scan_stands(&c->templates, buf_view(&c->themes[i].scan));
    return ok;
}

static const struct shared_set *find_theme(const struct cache *c, struct str name) {
    for (size_t i = 0; i < c->n_themes; i++)
        if (str_is(name, c->themes[i].name)) return &c->themes[i];
    return NULL;
}

struct hash cache_theme(const struct cache *c, struct str layers) {
    struct str name;
    struct buf all;
    struct hash h = {0};
    bool ok = layers.len > 0;
    buf_init(&all, 0);
    while (layers.len && str_cut(&layers, 0, &name)) {
        const struct shared_set *set = find_theme(c, name);
        ok &= set != NULL;
        buf_append(&all, name.ptr, name.len + 1);
        if (set) buf_append(&all, &set->digest, sizeof set->digest);
    }
    if (ok) h = hash_of(buf_view(&all));
    buf_dispose(&all);
    return h;
}

struct hash cache_text_hash(const char *text) {
    return hash_of(str_from(text));
}

/* ---- which tenants there are ---- */

/* Where a link in tenants/ leads, the folder does not tell. */
static bool has_links(struct cache *c) {
    struct file_list list = {0};
    struct stat st;
    bool found = file_list_dir(&c->tenants, ".", &c->arena, &list) != 0;
    for (size_t i = 0; i < list.n && !found; i++)
        found = fstatat(c->tenants.fd, list.items[i].path, &st, AT_SYMLINK_NOFOLLOW) ||
                S_ISLNK(st.st_mode);
    return found;
}

static void look_at_tenants(struct cache *c) {
    struct stamp now = {0};
    if (c->tenants.fd >= 0) stamp_take(c->tenants.fd, "", true, &now);
    c->same_tenants = now.inode && stamp_equal(&now, &c->head.tenants);
    if (c->same_tenants) return;
    bool sure = now.inode && stamp_settle(now.changed) && !has_links(c);
    c->head.tenants = sure ? now : (struct stamp){0};
    c->dirty = true;
}

/* ---- one tenant ---- */

static uint32_t option_bits(const struct options *o) {
    return (o->drafts ? CACHE_DRAFTS : 0) | (o->noindex ? CACHE_NOINDEX : 0);
}

static const char *options_differ(const struct cache *c, const struct record *r) {
    uint32_t differ = r->head.options ^ option_bits(c->options);
    struct hash templates = cache_text_hash(c->templates.name);
    if (differ & CACHE_DRAFTS) return "option --drafts";
    if (differ & CACHE_NOINDEX) return "option --noindex";
    return hash_equal(&templates, &r->head.templates) ? NULL : "option --templates";
}

static const char *theme_differs(struct cache *c, const struct record *r) {
    struct hash now = cache_theme(c, r->layers);
    struct str layers = r->layers, name = {0};
    if (hash_equal(&now, &r->head.theme)) return NULL;
    while (layers.len && str_cut(&layers, 0, &name)) {
        const struct shared_set *set = find_theme(c, name);
        if (set && set->difference)
            return arena_printf(&c->arena, "theme %s: %s", set->name, set->difference);
    }
    return arena_printf(
        &c->arena, "theme %s changed", r->layers.len ? r->layers.ptr : "");
}

static const char *shared_differs(struct cache *c, const struct record *r) {
    if (!hash_equal(&r->head.settings, &c->head.settings))
        return "tenantry.json changed";
    if (hash_equal(&r->head.shared, &c->shared.digest)) return NULL;
    return c->shared.difference
               ? arena_printf(&c->arena, "content/_shared/%s", c->shared.difference)
               : "content/_shared changed";
}

/* One of its two folders.  When only times changed, the new ones are kept. */
static const char *folder_differs(
    struct cache *c, const struct root *root, const char *id, struct str *scan) {
    if (scan_stands(root, *scan)) return NULL;
    struct buf now;
    buf_init(&now, 0);
    scan_take(root, id, *scan, &now);
    scan_hash(root, &now);
    const char *what = scan_difference(&c->arena, *scan, buf_view(&now));
    if (!what) {
        /* From take: aligned as the structs in it need. */
        char *copy = arena_take(&c->arena, now.len);
        memcpy(copy, now.ptr, now.len);
        *scan = (struct str){copy, now.len};
        c->dirty = true;
    }
    buf_dispose(&now);
    return what ? arena_printf(&c->arena, "%s/%s/%s", root->name, id, what) : NULL;
}

static const char *clock_differs(struct cache *c, const struct record *r) {
    int64_t now = c->options->now;
    if (now >= r->head.until)
        return arena_printf(
            &c->arena, "clock passed %s", clock_rfc3339(&c->arena, r->head.until));
    if (now < r->head.since)
        return arena_printf(&c->arena, "clock went back before %s",
            clock_rfc3339(&c->arena, r->head.since));
    return NULL;
}

static const char *trees_differ(struct cache *c, const struct record *r) {
    struct str rest = r->hosts, host = {0};
    for (size_t at = 0; rest.len && str_cut(&rest, 0, &host);
         at += sizeof(struct stamp)) {
        struct stamp was = {0}, now;
        if (at + sizeof was <= r->trees.len)
            memcpy(&was, r->trees.ptr + at, sizeof was);
        stamp_take(c->out->fd, host.ptr, false, &now);
        if (!was.inode || !stamp_equal(&was, &now))
            return arena_printf(
                &c->arena, "its tree %s is not as it was left", host.ptr);
    }
    return NULL;
}

static const char *find_reason(struct cache *c, struct record *r) {
    const char *id = r->id.ptr, *why = options_differ(c, r);
    if (!why) why = shared_differs(c, r);
    if (!why) why = theme_differs(c, r);
    if (!why) why = folder_differs(c, &c->tenants, id, &r->tenant);
    if (!why) why = folder_differs(c, &c->content, id, &r->content);
    if (!why) why = clock_differs(c, r);
    return why ? why : trees_differ(c, r);
}

static bool is_asked_for(const struct options *o, const char *id) {
    for (size_t i = 0; i < o->n_only; i++)
        if (!strcmp(o->only[i], id)) return true;
    return !o->n_only;
}

void cache_look(struct cache *c) {
    look_at_settings(c);
    look_at_set(c, &c->content, "_shared", c->shared_scan, &c->shared);
    look_at_themes(c);
    look_at_tenants(c);
    for (size_t i = 0; i < c->n; i++) {
        struct record *r = &c->records[i];
        if (!is_asked_for(c->options, r->id.ptr)) continue;
        r->looked_at = true;
        r->reason = find_reason(c, r);
    }
}

#include "generator/cache.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "generator/cache_internal.h"

/* ---- the cache of one build ---- */

bool cache_exists(const char *out) {
    struct stat st;
    int fd = open(*out ? out : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return false;
    bool found = fstatat(fd, CACHE_FILE, &st, AT_SYMLINK_NOFOLLOW) == 0;
    close(fd);
    return found;
}

static void open_roots(struct cache *c) {
    const struct options *o = c->options;
    const char *templates = o->templates;
    root_open(&c->dir, AT_FDCWD, o->dir, o->dir);
    root_open(&c->tenants, c->dir.fd, "tenants", "tenants");
    root_open(&c->content, c->dir.fd, "content", "content");
    root_open(&c->templates, templates ? AT_FDCWD : c->dir.fd,
        templates ? templates : "templates", templates ? templates : "templates");
    c->tenants.fenced = c->content.fenced = true;
}

struct cache *cache_open(const struct options *o, const struct out_dir *out) {
    struct cache *c = mem_calloc(1, sizeof *c);
    c->options = o;
    c->out = out;
    arena_init(&c->arena);
    open_roots(c);
    cache_load(c);
    cache_look(c);
    return c;
}

void cache_close(struct cache *c) {
    if (!c) return;
    struct root *roots[] = {&c->dir, &c->tenants, &c->content, &c->templates};
    for (size_t i = 0; i < 4; i++) root_close(roots[i]);
    for (size_t i = 0; i < c->n_themes; i++) buf_dispose(&c->themes[i].scan);
    buf_dispose(&c->shared.scan);
    mem_free(c->themes);
    mem_free(c->records);
    map_dispose(&c->by_id);
    arena_dispose(&c->arena);
    if (c->map) munmap(c->map, c->map_size);
    mem_free(c);
}

/* ---- nothing changed ---- */

static bool left_so(const struct cache *c, const char *name, const struct stamp *was) {
    struct stamp now;
    stamp_take(c->out->fd, name, false, &now);
    return now.inode && stamp_equal(&now, was);
}

bool cache_hosts_stand(const struct cache *c) {
    return c->head.whole && left_so(c, "hosts.json", &c->head.hosts_json) &&
           left_so(c, "nginx.conf", &c->head.nginx_conf);
}

static bool out_stands(const struct cache *c) {
    return left_so(c, ".", &c->head.out) && cache_hosts_stand(c);
}

/* Whether the default tenant's config is that of which head.lender is the pricing. */
static bool lender_stands(const struct cache *c) {
    const struct record *r = c->lender_id.len ? cache_find(c, c->lender_id.ptr) : NULL;
    if (!r) return false;
    struct buf path;
    buf_init(&path, 0);
    buf_printf(&path, "%s/config.json", r->id.ptr);
    struct hash now = scan_find(r->tenant, path.ptr);
    buf_dispose(&path);
    return hash_equal(&now, &c->head.lender_config);
}

bool cache_is_current(const struct cache *c) {
    if (c->options->n_only || !c->head.whole || !c->same_tenants || !c->n) return false;
    if (!out_stands(c) || !lender_stands(c)) return false;
    for (size_t i = 0; i < c->n; i++)
        if (c->records[i].reason ||
            !hash_equal(&c->records[i].head.lender, &c->head.lender))
            return false;
    return true;
}

const char **cache_ids(struct cache *c, size_t *n) {
    const char **ids = arena_alloc(&c->arena, (c->n + 1) * sizeof *ids);
    for (*n = 0; *n < c->n; ++*n) ids[*n] = c->records[*n].id.ptr;
    return ids;
}

void cache_shared_diags(const struct cache *c, struct diag_list *diags) {
    diag_unpack(diags, c->diags);
}

/* ---- what only the parsed workspace tells ---- */

static void meet_lender(
    struct cache *c, const struct build *b, const struct hash *configs) {
    struct buf text;
    buf_init(&text, 0);
    const char *id = b->has_lender ? b->lender.id : "";
    buf_printf(&text, "%s\n", id);
    json_t *pricing =
        b->has_lender ? json_object_get(b->lender.config, "pricing") : NULL;
    if (pricing) json_write(&text, pricing, 0);
    c->head.lender = hash_of(buf_view(&text));
    c->head.lender_config = (struct hash){0};
    for (size_t i = 0; i < b->workspace.n_ids; i++)
        if (!strcmp(b->workspace.ids[i], id)) c->head.lender_config = configs[i];
    char *copy = arena_strdup(&c->arena, id);
    c->lender_id = (struct str){copy, strlen(copy) + 1};
    buf_dispose(&text);
}

bool cache_tenant(const struct cache *c, const char *id, struct hash *config,
    const char **theme, struct hosts *hosts, size_t *n_domains) {
    const struct record *r = cache_find(c, id);
    if (!r || !r->id.len || !r->looked_at || r->reason || !r->layers.len) return false;
    char *path = arena_printf(&hosts->arena, "%s/config.json", id);
    char *file = arena_printf(&hosts->arena, "%s/%s", c->tenants.name, path);
    struct str rest = r->domains, domain, at;
    *config = scan_find(r->tenant, path);
    *theme = r->layers.ptr;
    *n_domains = 0;
    while (rest.len && str_cut(&rest, 0, &domain) && str_cut(&rest, 0, &at)) {
        struct diag_place place = DIAG_FILE(file);
        char *colon;
        place.line = (unsigned)strtoul(at.ptr, &colon, 10);
        if (*colon == ':') place.col = (unsigned)strtoul(colon + 1, NULL, 10);
        hosts_add(hosts, r->id.ptr, domain.ptr, place);
        ++*n_domains;
    }
    return *n_domains > 0;
}

static const char *owner_of(const struct build *b, struct str host) {
    const struct host *h = hosts_find((struct hosts *)&b->hosts, host);
    return h ? h->tenant : "";
}

static const char *hosts_differ(
    struct cache *c, const struct build *b, const struct record *r) {
    struct str rest = r->asked, host, owner;
    while (rest.len && str_cut(&rest, 0, &host) && str_cut(&rest, 0, &owner))
        if (!str_is(owner, owner_of(b, host)))
            return arena_printf(&c->arena,
                "the host " STR_FMT ", which its documents name, has another owner",
                STR_ARG(host));
    return NULL;
}

void cache_meet(struct cache *c, const struct build *b, const struct hash *configs) {
    meet_lender(c, b, configs);
    for (size_t i = 0; i < b->workspace.n_ids; i++) {
        const char *id = b->workspace.ids[i];
        struct record *r = cache_find(c, id);
        if (!r || r->reason) continue;
        char *path = arena_printf(&c->arena, "%s/config.json", id);
        struct hash config = scan_find(r->tenant, path);
        if (!hash_equal(&config, &configs[i]))
            r->reason = arena_printf(&c->arena, "tenants/%s changed", path);
        else if (!hash_equal(&r->head.lender, &c->head.lender))
            r->reason = "the default tenant or its pricing changed";
        else
            r->reason = hosts_differ(c, b, r);
    }
}

const char *cache_reason(const struct cache *c, const char *id) {
    const struct record *r = cache_find(c, id);
    if (c->why_empty) return c->why_empty;
    if (!r || !r->id.len || !r->looked_at) return "not built yet, or it had errors";
    return r->reason;
}

json_t *cache_result(const struct cache *c, const char *id, struct diag_list *diags) {
    const struct record *r = cache_find(c, id);
    struct diag_list ignored;
    size_t i;
    json_t *site;
    diag_init(&ignored);
    json_t *v = r ? json_parse(r->result, "cache", &ignored) : NULL;
    diag_dispose(&ignored);
    if (r) diag_unpack(diags, r->diags);
    if (!v) v = json_object();
    json_array_foreach(json_object_get(v, "sites"), i, site) {
        json_object_set_new(site, "changed", json_array());
        json_object_set_new(site, "removed_paths", json_array());
    }
    return v;
}

/* ---- recording, in the worker ---- */

void cache_watch_begin(const struct cache *c, const char *id, struct cache_watch *w) {
    const struct record *r = cache_find(c, id);
    static const struct str none = {"", 0};
    w->id = id;
    buf_init(&w->tenant, 0);
    buf_init(&w->content, 0);
    scan_take(&c->tenants, id, r ? r->tenant : none, &w->tenant);
    scan_take(&c->content, id, r ? r->content : none, &w->content);
}

static void put_word(struct buf *b, const char *word) {
    buf_append(b, word, strlen(word) + 1);
}

/* Its theme's name and those of the themes that it is layered over. */
static void put_layers(struct buf *b, const struct build *build, const char *name) {
    const struct theme *t = NULL;
    for (size_t i = 0; i < build->themes.n && name; i++)
        if (!strcmp(build->themes.items[i]->name, name)) t = build->themes.items[i];
    for (; t; t = t->base) put_word(b, t->name);
}

static void put_result(struct buf *b, const json_t *result) {
    json_t *v = json_deep_copy(result), *site;
    size_t i;
    json_object_del(v, "asked");
    json_object_set_new(v, "seconds", json_real(0));
    json_array_foreach(json_object_get(v, "sites"), i, site) {
        json_set_int(site, "written", 0);
        json_set_int(site, "removed", 0);
        json_set_bool(site, "fresh", false);
        json_object_del(site, "changed");
        json_object_del(site, "removed_paths");
    }
    json_write(b, v, 0);
    json_decref(v);
}

static void fill_head(const struct cache *c, struct record *r, const json_t *result) {
    r->head = (struct record_head){.settings = c->head.settings,
        .shared = c->shared.digest,
        .theme = cache_theme(c, r->layers),
        .lender = c->head.lender,
        .templates = hash_of(str_from(c->templates.name)),
        .options = (c->options->drafts ? CACHE_DRAFTS : 0) |
                   (c->options->noindex ? CACHE_NOINDEX : 0),
        .since = json_integer_value(json_object_get(result, "since")),
        .until = json_integer_value(json_object_get(result, "until"))};
}

enum text { TEXT_LAYERS, TEXT_ASKED, TEXT_HOSTS, TEXT_RESULT, TEXT_DIAGS, N_TEXTS };

static void write_record(const struct cache *c, const struct build *b,
    const struct cache_watch *w, const json_t *result, const struct diag_list *diags,
    struct buf *record) {
    struct buf texts[N_TEXTS];
    const char *host;
    json_t *v;
    size_t i;
    for (i = 0; i < N_TEXTS; i++) buf_init(&texts[i], 0);
    put_layers(&texts[TEXT_LAYERS], b, json_path_string(result, "theme"));
    json_object_foreach(json_object_get(result, "asked"), host, v) {
        put_word(&texts[TEXT_ASKED], host);
        put_word(&texts[TEXT_ASKED], json_string_value(v));
    }
    json_array_foreach(json_object_get(result, "sites"), i, v)
        put_word(&texts[TEXT_HOSTS], json_path_string(v, "host"));
    put_result(&texts[TEXT_RESULT], result);
    diag_pack(diags, &texts[TEXT_DIAGS]);
    struct record r = {.id = str_from(w->id),
        .layers = buf_view(&texts[TEXT_LAYERS]),
        .asked = buf_view(&texts[TEXT_ASKED]),
        .hosts = buf_view(&texts[TEXT_HOSTS]),
        .result = buf_view(&texts[TEXT_RESULT]),
        .diags = buf_view(&texts[TEXT_DIAGS]),
        .tenant = buf_view(&w->tenant),
        .content = buf_view(&w->content)};
    fill_head(c, &r, result);
    record_put(record, &r);
    for (i = 0; i < N_TEXTS; i++) buf_dispose(&texts[i]);
}

void cache_watch_end(const struct cache *c, const struct build *b,
    struct cache_watch *w, const struct hash *config, json_t *result,
    const struct diag_list *diags, struct buf *record) {
    if (json_is_true(json_object_get(result, "ok"))) {
        struct buf path;
        buf_init(&path, 0);
        buf_printf(&path, "%s/config.json", w->id);
        scan_hash(&c->tenants, &w->tenant);
        scan_hash(&c->content, &w->content);
        struct hash mine = scan_find(buf_view(&w->tenant), path.ptr);
        /* The snapshots are those of what was read only when they hold to the end. */
        if (hash_equal(&mine, config) &&
            scan_stands(&c->tenants, buf_view(&w->tenant)) &&
            scan_stands(&c->content, buf_view(&w->content)))
            write_record(c, b, w, result, diags, record);
        buf_dispose(&path);
    }
    buf_dispose(&w->tenant);
    buf_dispose(&w->content);
}

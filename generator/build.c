#include "generator/build_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "generator/database.h"
#include "generator/hostmap.h"
#include "generator/pull.h"
#include "generator/render.h"
#include "generator/report.h"

/* ---- one run ---- */

static const char *publishes(void *ctx, const char *key) {
    struct run *r = ctx;
    return hostmap_tenant(r->hosts, key);
}

static void lost(void *ctx, const char *tenant) {
    struct run *r = ctx;
    map_set(&r->in.broken, str_from(tenant), r);
}

static bool open_folder(struct run *r, struct diag_list *diags) {
    const struct options *o = r->options;
    return o->watch ? out_open_watch(&r->out, o->out, diags)
                    : out_open(&r->out, o->out, true, diags);
}

/* The cache is read before anything else is.  It lies in the output folder, which is
 * left alone until the workspace proves usable, unless it is there already. */
static void open_cache(struct run *r) {
    const struct options *o = r->options;
    r->out.fd = -1;
    if (o->check) return;
    if (cache_exists(o->out)) {
        struct diag_list later; /* open_out says it again */
        diag_init(&later);
        r->has_out = open_folder(r, &later);
        diag_dispose(&later);
    }
    r->cache = cache_open(o, &r->out);
}

static bool open_out(struct run *r) {
    const struct options *o = r->options;
    r->hosts = json_object();
    if (o->check) return true;
    if (!r->has_out && !open_folder(r, &r->diags)) {
        r->machine_failed = true;
        return false;
    }
    r->has_out = true;
    json_decref(r->hosts);
    r->hosts = hostmap_read(&r->out);
    return true;
}

/* ---- what is to be done ---- */

static const struct hash *config_of(const struct run *r, const char *id) {
    static const struct hash unknown;
    const struct workspace *w = &r->in.build.workspace;
    for (size_t i = 0; i < w->n_ids; i++)
        if (w->ids[i] == id) return &r->in.configs[i];
    return &unknown;
}

static const char *reason_for(const struct run *r, const char *id) {
    if (!r->cache) return "check";
    if (r->in.build.pull)
        return r->stale ? "rows that are kept are read" : "a database is read";
    if (map_get(&r->in.broken, str_from(id))) return "it has errors";
    return cache_reason(r->cache, id);
}

static void choose_tenants(struct run *r) {
    if (r->cache) cache_meet(r->cache, &r->in.build, r->in.configs);
    r->todo = mem_calloc(r->in.n_ids + 1, sizeof *r->todo);
    for (size_t i = 0; i < r->in.n_ids; i++) {
        const char *why = reason_for(r, r->in.ids[i]);
        if (!why) continue;
        r->todo[r->n_todo++] = i;
        report_reason(&r->report, r->in.ids[i], why);
    }
    fflush(stdout); /* before there are more processes that might */
}

static void init_lists(struct run *r) {
    r->by_task = mem_calloc(r->in.n_ids + 1, sizeof *r->by_task);
    for (size_t i = 0; i < r->in.n_ids; i++) diag_init(&r->by_task[i]);
}

/* ---- workers ---- */

/* A result on its way: its JSON, what the cache wants to know, its diagnostics. */
void result_put(struct buf *result, struct str bytes) {
    buf_append(result, &(uint64_t){bytes.len}, sizeof(uint64_t));
    buf_str(result, bytes);
}

bool result_take(struct str *bytes, struct str *block) {
    uint64_t len;
    if (bytes->len < sizeof len) return false;
    memcpy(&len, bytes->ptr, sizeof len);
    *bytes = str_slice(*bytes, sizeof len, bytes->len);
    if (len > bytes->len) return false;
    *block = str_slice(*bytes, 0, (size_t)len);
    *bytes = str_slice(*bytes, (size_t)len, bytes->len);
    return true;
}

/* Makes tenant i and, when it is published, a record of it for the cache. */
static void make_tenant(struct run *r, size_t i, struct worker *w, json_t *v,
    struct diag_list *diags, struct buf *record) {
    const char *id = r->in.ids[i];
    /* A broken tenant is rendered too, into nothing: all its mistakes are reported at
     * once. */
    bool broken = map_get(&r->in.broken, str_from(id));
    bool publish = r->writing && !broken;
    struct sink out = sink_publish(&r->out);
    struct cache_watch watch;
    /* A record of files alone would call current what rows may have changed. */
    bool known = publish && !r->in.build.pull;
    if (known) cache_watch_begin(r->cache, id, &watch);
    render_tenant(&r->in.build, id, publish ? &out : NULL, w, diags, v);
    if (broken) json_set_bool(v, "ok", false);
    diag_sort(diags);
    if (known)
        cache_watch_end(
            r->cache, &r->in.build, &watch, config_of(r, id), v, diags, record);
}

static void run_task(void *ctx, size_t task, struct worker *w, struct buf *result) {
    struct run *r = ctx;
    struct diag_list diags;
    struct buf record, text;
    size_t i = r->todo[task];
    json_use_arena(&r->task_arena);
    json_t *v = json_object();
    diag_init(&diags);
    buf_init(&record, 0);
    buf_init(&text, 0);
    json_set_str(v, "tenant", r->in.ids[i]);
    make_tenant(r, i, w, v, &diags, &record);
    json_write(&text, v, 0);
    result_put(result, buf_view(&text));
    result_put(result, buf_view(&record));
    diag_pack(&diags, result);
    buf_dispose(&text);
    buf_dispose(&record);
    diag_dispose(&diags);
    arena_reset(&r->task_arena);
}

static json_t *take_result(struct run *r, size_t i, struct str bytes) {
    struct str text, record;
    struct diag_list ignored;
    if (!result_take(&bytes, &text) || !result_take(&bytes, &record)) return NULL;
    diag_init(&ignored);
    json_t *v = json_parse(text, "result", &ignored);
    diag_dispose(&ignored);
    diag_unpack(&r->by_task[i], bytes);
    if (v && r->writing) cache_add(r->cache, r->in.ids[i], record);
    return v;
}

static void task_done(
    void *ctx, size_t task, struct str bytes, const char *file, const char *why) {
    struct run *r = ctx;
    size_t i = r->todo[task];
    json_t *v = bytes.ptr ? take_result(r, i, bytes) : NULL;
    if (!v) {
        char *name = arena_strdup(&r->diags.arena, file);
        v = json_object();
        json_set_str(v, "tenant", r->in.ids[i]);
        json_set_bool(v, "ok", false);
        r->by_task[i].tenant = r->in.ids[i];
        diag_add(&r->by_task[i], DIAG_ERROR, *name ? DIAG_FILE(name) : DIAG_NOWHERE,
            "%s; this tenant keeps the site it has", why);
        if (r->writing) cache_add(r->cache, r->in.ids[i], STR(""));
    }
    json_array_set_new(r->results, i, v);
    if (json_is_true(json_object_get(v, "machine"))) r->machine_failed = true;
    report_progress(&r->report, ++r->done, r->n_todo);
}

/* What was said and made before stands for the tenants that did not change. */
static void recall_tenants(struct run *r) {
    json_decref(r->results);
    r->results = json_array();
    for (size_t i = 0, k = 0; i < r->in.n_ids; i++) {
        bool made = k < r->n_todo && r->todo[k] == i;
        k += made;
        diag_reset(&r->by_task[i]);
        json_array_append_new(
            r->results, made ? json_object()
                             : cache_result(r->cache, r->in.ids[i], &r->by_task[i]));
    }
}

static void run_workers(struct run *r, bool writing) {
    struct worker_jobs jobs = {.jobs = r->options->jobs,
        .n = r->n_todo,
        .ctx = r,
        .task = run_task,
        .done = task_done};
    r->writing = writing;
    r->done = 0;
    recall_tenants(r);
    int err = workers_run(&jobs);
    if (!err) return;
    diag_add(&r->diags, DIAG_ERROR, DIAG_NOWHERE, "cannot start a worker: %s",
        strerror(err));
    r->machine_failed = true;
}

/* Each worker lays its own report beside the others'; put together they read in tenant
 * order. */
static void merge_diags(struct run *r) {
    for (size_t i = 0; i < r->in.n_ids; i++) diag_merge(&r->diags, &r->by_task[i]);
}

static unsigned count_all(const struct run *r, bool warnings) {
    unsigned n = warnings ? r->diags.warnings : r->diags.errors;
    for (size_t i = 0; i < r->in.n_ids; i++)
        n += warnings ? r->by_task[i].warnings : r->by_task[i].errors;
    return n;
}

/* ---- publishing what belongs to no single tenant ---- */

struct keep { /* tenant id -> its result when it was published, NULL when it keeps what
                 it has */
    struct map published, present;
};

/* Of the old map go: tenants published anew, and in a whole build those whose folder is
 * gone. */
static bool leaves_map(void *ctx, const char *tenant) {
    struct keep *k = ctx;
    struct str id = str_from(tenant);
    return map_get(&k->published, id) || (k->present.used && !map_get(&k->present, id));
}

static void update_hosts(struct run *r, bool whole) {
    const struct workspace *w = &r->in.build.workspace;
    struct keep keep = {0};
    json_t *result;
    size_t i;
    json_array_foreach(
        r->results, i, result) if (json_is_true(json_object_get(result, "ok")))
        map_set(&keep.published, str_from(r->in.ids[i]), result);
    for (i = 0; whole && i < w->n_ids; i++)
        map_set(&keep.present, str_from(w->ids[i]), r);
    if (whole && !w->n_ids) map_set(&keep.present, STR(""), r);
    hostmap_drop(r->hosts, leaves_map, &keep);
    json_array_foreach(
        r->results, i, result) if (json_is_true(json_object_get(result, "ok")))
        hostmap_put(r->hosts, r->in.ids[i], json_object_get(result, "sites"));
    map_dispose(&keep.published);
    map_dispose(&keep.present);
}

static bool keep_tree(void *ctx, const char *name) {
    struct run *r = ctx;
    if (json_object_get(r->hosts, name)) return true;
    /* A tenant with errors keeps its trees, even when hosts.json was lost. */
    const struct host *h = hosts_find(&r->in.build.hosts, str_from(name));
    return h && !strcmp(h->name, name);
}

static void tree_removed(void *ctx, const char *name) {
    struct run *r = ctx;
    json_array_append_new(r->removed_trees, json_string(name));
}

static bool names_edge_file(const json_t *paths) {
    const json_t *path;
    size_t i;
    json_array_foreach(paths, i, path) {
        const char *s = json_string_value(path);
        if (!strcmp(s, "_headers") || !strcmp(s, "_redirects")) return true;
    }
    return false;
}

bool site_changes_rules(const json_t *site) {
    return json_is_true(json_object_get(site, "fresh")) ||
           names_edge_file(json_object_get(site, "changed")) ||
           names_edge_file(json_object_get(site, "removed_paths"));
}

/* Whether nothing that hosts.json and nginx.conf are made of changed since they were
 * written: the map, which trees there are, and the rules in them. */
static bool hosts_stand(const struct run *r, const json_t *before) {
    const json_t *result, *site;
    size_t i, k;
    if (!cache_hosts_stand(r->cache) || r->in.broken.used) return false;
    if (!json_equal(before, r->hosts)) return false;
    json_array_foreach(r->results, i, result) {
        if (!json_is_true(json_object_get(result, "ok"))) return false;
        json_array_foreach(json_object_get(result, "sites"), k, site) {
            if (site_changes_rules(site)) return false;
        }
    }
    return true;
}

void run_publish_hosts(struct run *r) {
    bool whole = !r->options->n_only && !r->in.build.workspace.unclear;
    size_t known = json_object_size(r->hosts);
    json_t *before = json_deep_copy(r->hosts);
    update_hosts(r, whole);
    /* Results of a build that stays do not tell what changed. */
    bool stand = !r->options->watch && hosts_stand(r, before);
    json_decref(before);
    int err = stand ? 0 : hostmap_write(&r->out, r->hosts);
    /* After a failing disk nothing is removed.  Which trees a broken config owns is
     * only known from hosts.json: without it nothing is removed. */
    if (!err && whole && !r->machine_failed && (known || !r->in.broken.used))
        err = out_sweep(&r->out, keep_tree, tree_removed, r);
    if (!err) return;
    diag_add(&r->diags, DIAG_ERROR, DIAG_NOWHERE, "cannot write %s: %s",
        r->options->out, strerror(err));
    r->machine_failed = true;
}

/* ---- the data flow ---- */

/* With --strict, anything wrong and no site counts as made. */
static void withhold_sites(struct run *r) {
    json_t *result;
    size_t i;
    json_array_foreach(r->results, i, result)
        json_object_set_new(result, "sites", json_array());
}

static void make_sites(struct run *r) {
    const struct options *o = r->options;
    if (o->strict && !o->check) {
        run_workers(r, false);
        if (count_all(r, false) + count_all(r, true)) {
            withhold_sites(r);
            return;
        }
    }
    if (r->in.build.pull && !o->check) pull_keep(r->in.build.pull, r->out.fd);
    run_workers(r, !o->check);
    if (o->check) return;
    run_publish_hosts(r);
    /* Of less than the whole, or with errors, what the parent said is not all. */
    bool whole = !o->n_only && !r->in.build.workspace.unclear && !count_all(r, false) &&
                 !r->in.build.pull;
    const struct workspace *w = &r->in.build.workspace;
    if (r->in.build.pull && !o->n_only && !w->unclear && !r->machine_failed)
        pull_forget(r->in.build.pull, w->ids, w->n_ids);
    if (!r->machine_failed)
        cache_write(r->cache, &r->in.build, whole ? &r->diags : NULL);
}

/* Before anything is touched: without an answer all stays as it is. */
static bool open_database(struct run *r) {
    const char *url = database_given(r->options);
    struct pull_age age;
    if (!url) return true;
    struct pull *p = r->in.build.pull = pull_open(r->options, url, &r->diags);
    if (!p) return false;
    const char *why = pull_stale(p, r->in.ids, r->in.n_ids, &age);
    r->stale = why;
    if (!why) return true;
    if (age.n || !r->in.n_ids) {
        report_stale(&r->report, why, &age);
        return true;
    }
    return database_trouble(&r->diags, NULL,
        "the database does not answer (%s), and no rows are kept in %s; a build that "
        "reaches the database keeps them",
        why, r->options->out);
}

bool run_read(struct run *r) {
    if (!build_open(&r->in, r->options, &r->diags)) return false;
    hosts_check(&r->in.build.hosts, publishes, lost, r, &r->diags);
    return true;
}

static bool build_all(struct run *r) {
    r->opened = true;
    if (!build_open_known(&r->in, r->options, r->cache, &r->diags)) return false;
    if (!open_database(r) || !open_out(r)) return false;
    hosts_check(&r->in.build.hosts, publishes, lost, r, &r->diags);
    init_lists(r);
    choose_tenants(r);
    make_sites(r);
    merge_diags(r);
    return true;
}

/* Nothing changed: all is as the last build left and told it. */
static bool recall_all(struct run *r) {
    const struct options *o = r->options;
    r->in.ids = cache_ids(r->cache, &r->in.n_ids);
    init_lists(r);
    cache_shared_diags(r->cache, &r->diags);
    recall_tenants(r);
    if (o->strict && count_all(r, false) + count_all(r, true)) withhold_sites(r);
    merge_diags(r);
    cache_write(r->cache, NULL, NULL);
    return true;
}

int run_exit_code(const struct run *r) {
    if (r->machine_failed || r->diags.machine) return EXIT_MACHINE;
    if (r->diags.errors || (r->options->strict && r->diags.warnings)) return EXIT_INPUT;
    return EXIT_FINE;
}

void run_dispose(struct run *r) {
    for (size_t i = 0; i < r->in.n_ids && r->by_task; i++) diag_dispose(&r->by_task[i]);
    mem_free(r->by_task);
    mem_free(r->todo);
    json_decref(r->results);
    json_decref(r->hosts);
    json_decref(r->removed_trees);
    pull_close(r->in.build.pull);
    if (r->opened) build_close(&r->in);
    cache_close(r->cache);
    if (r->has_out) out_close(&r->out);
    diag_dispose(&r->diags);
}

static void report_all(struct run *r, bool ready) {
    const struct options *o = r->options;
    struct root dir = {.fd = -1};
    if (r->diags.first) root_open(&dir, AT_FDCWD, o->dir, o->dir);
    report_diags(&r->report, &r->diags, dir.fd);
    if (dir.fd >= 0) root_close(&dir);
    if (ready)
        report_summary(&r->report, r->results, r->removed_trees, &r->diags, o->out);
}

void run_init(struct run *r, const struct options *o) {
    *r = (struct run){
        .options = o, .results = json_array(), .removed_trees = json_array()};
    report_init(&r->report, o);
    diag_init(&r->diags);
}

bool run_build(struct run *r) {
    open_cache(r);
    bool unchanged =
        r->cache && !database_given(r->options) && cache_is_current(r->cache);
    bool ready = unchanged ? recall_all(r) : build_all(r);
    report_all(r, ready);
    return ready;
}

int build_run(const struct options *o) {
    struct run r;
    run_init(&r, o);
    run_build(&r);
    int code = run_exit_code(&r);
    run_dispose(&r);
    return code;
}

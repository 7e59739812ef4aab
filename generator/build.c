#include "generator/build.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "generator/hostmap.h"
#include "generator/render.h"
#include "generator/report.h"

/* ---- what all tenants share ---- */

static bool is_asked_for(const struct options *o, const char *id) {
    for (size_t i = 0; i < o->n_only; i++)
        if (!strcmp(o->only[i], id)) return true;
    return !o->n_only;
}

static void check_asked_for(struct build_inputs *in, const struct options *o) {
    const struct workspace *w = &in->build.workspace;
    for (size_t i = 0; i < o->n_only; i++) {
        bool found = false;
        for (size_t k = 0; k < w->n_ids; k++) found |= !strcmp(w->ids[k], o->only[i]);
        if (found) continue;
        const char *near = diag_suggest(str_from(o->only[i]), w->ids, w->n_ids);
        diag_add(in->diags, DIAG_ERROR, DIAG_NOWHERE, "there is no tenant \"%s\"%s%s%s",
            o->only[i], near ? "; did you mean \"" : "", near ? near : "",
            near ? "\"?" : "");
    }
}

static void add_domains(
    struct build_inputs *in, const struct tenant *t, const char *id) {
    for (size_t i = 0; i < t->n_domains; i++) {
        char pointer[32];
        snprintf(pointer, sizeof pointer, "/domains/%zu", i);
        hosts_add(&in->build.hosts, id, t->domains[i], tenant_place(t, pointer, false));
    }
    map_set(&in->domains_of, str_from(id), (void *)(uintptr_t)t->n_domains);
}

/* The part of each config that the other tenants' builds depend on: its domains and its
 * theme.  The worker reads it again: memory then does not grow with the number of
 * tenants. */
static void read_tenant(struct build_inputs *in, const char *id) {
    struct build *b = &in->build;
    struct tenant t;
    in->diags->tenant = id;
    if (tenant_load(&t, &b->workspace.tenants, id, in->diags)) {
        add_domains(in, &t, id);
        if (is_asked_for(b->options, id))
            themes_get(
                &b->themes, t.theme, tenant_place(&t, "/theme/name", false), in->diags);
    } else {
        map_set(&in->broken, str_from(id), in);
        /* Which theme it has is not known, but every theme rests on this one. */
        if (is_asked_for(b->options, id))
            themes_get(&b->themes, "default", DIAG_NOWHERE, in->diags);
    }
    if (b->workspace.default_tenant && !strcmp(id, b->workspace.default_tenant) &&
        !map_get(&in->broken, str_from(id))) {
        b->lender = t;
        b->has_lender = true;
    } else
        tenant_dispose(&t);
    in->diags->tenant = NULL;
}

bool build_open(
    struct build_inputs *in, const struct options *o, struct diag_list *diags) {
    *in = (struct build_inputs){.diags = diags};
    struct build *b = &in->build;
    b->options = o;
    hosts_init(&b->hosts);
    /* With wrong settings nothing is built, but the configs are read to report on them
     * too. */
    bool opened = workspace_open(&b->workspace, o->dir, o->templates, diags);
    themes_init(&b->themes, &b->workspace);
    b->markdown = markdown_new();
    if (opened) check_asked_for(in, o);
    if (opened && !b->workspace.n_ids && !diags->errors)
        diag_add(diags, DIAG_WARNING, DIAG_FILE(b->workspace.tenants.name),
            "there is no tenant in it; `tenantry new tenant` makes one");
    in->ids = mem_calloc(b->workspace.n_ids + 1, sizeof *in->ids);
    for (size_t i = 0; i < b->workspace.n_ids; i++) {
        const char *id = b->workspace.ids[i];
        read_tenant(in, id);
        if (is_asked_for(o, id)) in->ids[in->n_ids++] = id;
    }
    return opened;
}

void build_close(struct build_inputs *in) {
    struct build *b = &in->build;
    if (b->has_lender) tenant_dispose(&b->lender);
    if (b->markdown) markdown_free(b->markdown);
    themes_dispose(&b->themes);
    hosts_dispose(&b->hosts);
    workspace_close(&b->workspace);
    mem_free(in->ids);
    map_dispose(&in->broken);
    map_dispose(&in->domains_of);
}

/* ---- one run ---- */

struct run {
    const struct options *options;
    struct build_inputs in;
    struct diag_list diags;    /* of the whole, in tenant order */
    struct diag_list *by_task; /* of each tenant made */
    struct out_dir out;
    bool has_out;
    json_t *hosts;   /* hosts.json as it is, and as it will be */
    json_t *results; /* per tenant, in order */
    json_t *removed_trees;
    struct report report;
    size_t done;
    bool machine_failed;
    bool writing;            /* this pass publishes */
    struct arena task_arena; /* in a worker: the JSON of the tenant in hand */
};

static const char *publishes(void *ctx, const char *key) {
    struct run *r = ctx;
    return hostmap_tenant(r->hosts, key);
}

static void lost(void *ctx, const char *tenant) {
    struct run *r = ctx;
    map_set(&r->in.broken, str_from(tenant), r);
}

static bool open_out(struct run *r) {
    const struct options *o = r->options;
    r->hosts = json_object();
    if (o->check) return true;
    if (!out_open(&r->out, o->out, true, &r->diags)) {
        r->machine_failed = true;
        return false;
    }
    r->has_out = true;
    json_decref(r->hosts);
    r->hosts = hostmap_read(&r->out);
    return true;
}

/* ---- workers ---- */

static void run_task(void *ctx, size_t i, struct worker *w, struct buf *result) {
    struct run *r = ctx;
    struct diag_list diags;
    const char *id = r->in.ids[i];
    json_use_arena(&r->task_arena);
    json_t *v = json_object();
    diag_init(&diags);
    json_set_str(v, "tenant", id);
    /* A broken tenant is rendered too, into nothing: all its mistakes are reported at
     * once. */
    bool broken = map_get(&r->in.broken, str_from(id));
    render_tenant(
        &r->in.build, id, r->writing && !broken ? &r->out : NULL, w, &diags, v);
    if (broken) json_set_bool(v, "ok", false);
    buf_append(result, &(uint64_t){0}, sizeof(uint64_t));
    json_write(result, v, 0);
    uint64_t len = result->len - sizeof len;
    memcpy(result->ptr, &len, sizeof len);
    diag_sort(&diags);
    diag_pack(&diags, result);
    diag_dispose(&diags);
    arena_reset(&r->task_arena);
}

static json_t *take_result(struct run *r, size_t i, struct str bytes) {
    uint64_t len;
    struct diag_list ignored;
    if (bytes.len < sizeof len) return NULL;
    memcpy(&len, bytes.ptr, sizeof len);
    bytes = str_slice(bytes, sizeof len, bytes.len);
    if (len > bytes.len) return NULL;
    diag_init(&ignored);
    json_t *v = json_parse(str_slice(bytes, 0, len), "result", &ignored);
    diag_dispose(&ignored);
    diag_unpack(&r->by_task[i], str_slice(bytes, len, bytes.len));
    return v;
}

static void task_done(
    void *ctx, size_t i, struct str bytes, const char *file, const char *why) {
    struct run *r = ctx;
    json_t *v = bytes.ptr ? take_result(r, i, bytes) : NULL;
    if (!v) {
        char *name = arena_strdup(&r->diags.arena, file);
        v = json_object();
        json_set_str(v, "tenant", r->in.ids[i]);
        json_set_bool(v, "ok", false);
        r->by_task[i].tenant = r->in.ids[i];
        diag_add(&r->by_task[i], DIAG_ERROR, *name ? DIAG_FILE(name) : DIAG_NOWHERE,
            "%s; this tenant keeps the site it has", why);
    }
    json_array_set_new(r->results, i, v);
    if (json_is_true(json_object_get(v, "machine"))) r->machine_failed = true;
    report_progress(&r->report, ++r->done, r->in.n_ids);
}

static void run_workers(struct run *r, bool writing) {
    struct worker_jobs jobs = {.jobs = r->options->jobs,
        .n = r->in.n_ids,
        .ctx = r,
        .task = run_task,
        .done = task_done};
    r->writing = writing;
    r->done = 0;
    json_decref(r->results);
    r->results = json_array();
    for (size_t i = 0; i < r->in.n_ids; i++) {
        json_array_append_new(r->results, json_object());
        diag_reset(&r->by_task[i]);
    }
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

static void publish_hosts(struct run *r) {
    bool whole = !r->options->n_only && !r->in.build.workspace.unclear;
    size_t known = json_object_size(r->hosts);
    update_hosts(r, whole);
    int err = hostmap_write(&r->out, r->hosts);
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

static void make_sites(struct run *r) {
    const struct options *o = r->options;
    if (o->strict && !o->check) {
        run_workers(r, false);
        if (count_all(r, false) + count_all(r, true)) return;
    }
    run_workers(r, !o->check);
    if (!o->check) publish_hosts(r);
}

static int exit_code(const struct run *r) {
    if (r->machine_failed || r->diags.machine) return EXIT_MACHINE;
    if (r->diags.errors || (r->options->strict && r->diags.warnings)) return EXIT_INPUT;
    return EXIT_FINE;
}

static void run_dispose(struct run *r) {
    for (size_t i = 0; i < r->in.n_ids && r->by_task; i++) diag_dispose(&r->by_task[i]);
    mem_free(r->by_task);
    json_decref(r->results);
    json_decref(r->hosts);
    json_decref(r->removed_trees);
    if (r->has_out) out_close(&r->out);
    build_close(&r->in);
    diag_dispose(&r->diags);
}

int build_run(const struct options *o) {
    struct run r = {
        .options = o, .results = json_array(), .removed_trees = json_array()};
    report_init(&r.report, o);
    diag_init(&r.diags);
    bool ready = build_open(&r.in, o, &r.diags) && open_out(&r);
    if (ready) {
        hosts_check(&r.in.build.hosts, publishes, lost, &r, &r.diags);
        r.by_task = mem_calloc(r.in.n_ids + 1, sizeof *r.by_task);
        for (size_t i = 0; i < r.in.n_ids; i++) diag_init(&r.by_task[i]);
        make_sites(&r);
        merge_diags(&r);
    }
    report_diags(&r.report, &r.diags, r.in.build.workspace.dir.fd);
    if (ready) report_summary(&r.report, r.results, r.removed_trees, &r.diags, o->out);
    int code = exit_code(&r);
    run_dispose(&r);
    return code;
}

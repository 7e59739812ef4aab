/* tenantry list */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "generator/build.h"
#include "generator/command.h"
#include "generator/command_print.h"
#include "generator/plan.h"
#include "generator/plan_tenant.h"
#include "generator/view.h"

struct list { /* one run of the command */
    const struct options *options;
    struct build_inputs in;
    struct diag_list diags;
    json_t *rows;
};

static json_t *row_new(struct list *l, const char *type, const char *tenant) {
    json_t *row = json_object();
    json_set_str(row, "type", type);
    json_set_str(row, "tenant", tenant);
    json_array_append_new(l->rows, row);
    return row;
}

/* ---- tenants, hosts ---- */

static json_t *domain_list(const struct tenant *t) {
    json_t *domains = json_array();
    for (size_t i = 0; i < t->n_domains; i++)
        json_array_append_new(domains, json_string(t->domains[i]));
    return domains;
}

static void list_tenant(struct list *l, const struct tenant *t, bool ok) {
    const struct workspace *w = &l->in.build.workspace;
    const char *name = json_path_string(t->config, "branding.name");
    bool is_default = w->default_tenant && !strcmp(w->default_tenant, t->id);
    json_t *row = row_new(l, "tenant", t->id);
    json_set_str(row, "name", name ? name : "");
    json_set_str(row, "url", t->url ? t->url : "");
    json_set_str(row, "theme", t->theme);
    json_object_set_new(row, "domains", domain_list(t));
    json_set_bool(row, "default", is_default);
    json_set_bool(row, "ok", ok);
    json_set_str(row, "remark",
        !ok          ? "has errors"
        : is_default ? "default tenant"
                     : "");
}

static void list_host(struct list *l, const struct tenant *t, const char *host) {
    bool canonical = !strcmp(host, t->canonical);
    json_t *row = row_new(l, "host", t->id);
    json_set_str(row, "host", host);
    json_set_str(row, "kind",
        canonical   ? "canonical"
        : t->mirror ? "mirror"
                    : "redirect");
    json_set_str(row, "canonical", t->canonical);
}

/* The canonical host first, then the config's order. */
static void list_hosts_of(struct list *l, const struct tenant *t, bool ok) {
    if (!ok || !t->canonical) return;
    list_host(l, t, t->canonical);
    for (size_t i = 0; i < t->n_domains; i++)
        if (strcmp(t->domains[i], t->canonical)) list_host(l, t, t->domains[i]);
}

static void each_config(
    struct list *l, void (*visit)(struct list *l, const struct tenant *t, bool ok)) {
    for (size_t i = 0; i < l->in.n_ids; i++) {
        struct diag_list known; /* build_open reported them */
        struct tenant t;
        diag_init(&known);
        bool ok = tenant_load(&t, &l->in.build.workspace.tenants, l->in.ids[i], &known);
        visit(l, &t, ok && !map_get(&l->in.broken, str_from(l->in.ids[i])));
        tenant_dispose(&t);
        diag_dispose(&known);
    }
}

static void list_tenants(struct list *l) {
    each_config(l, list_tenant);
}

static void list_hosts(struct list *l) {
    each_config(l, list_hosts_of);
}

/* ---- pages, drafts ---- */

static void each_site(struct list *l, void (*visit)(struct list *l, struct site *s)) {
    for (size_t i = 0; i < l->in.n_ids; i++) {
        const char *id = l->in.ids[i];
        struct site s;
        if (map_get(&l->in.broken, str_from(id))) continue;
        if (site_open(&s, &l->in.build, id, &l->diags)) {
            site_read(&s);
            if (s.theme && site_plan(&s)) visit(l, &s);
        }
        site_dispose(&s);
        l->diags.tenant = NULL;
    }
}

/* The file that holds the page's own words; "" when its template alone makes it. */
static const char *page_source(const struct site *s, const struct output *o) {
    if (o->content || !o->file) return o->from;
    bool landing = !strcmp(o->path, "index.html") && s->content.landing;
    return landing ? s->content.landing->file : "";
}

static void list_page(struct list *l, struct site *s, const struct output *o) {
    char *path = plan_url_path(&s->arena, o->path);
    json_t *row = row_new(l, "page", s->tenant.id);
    json_set_str(row, "url", view_absolute(s, path));
    json_set_str(row, "path", path);
    json_set_str(row, "output", o->path);
    json_set_str(row, "source", page_source(s, o));
    json_set_str(row, "template", o->file ? o->file->file : "");
}

static void list_pages_of(struct list *l, struct site *s) {
    for (size_t i = 0; i < s->plan.n; i++)
        if (str_ends(str_from(s->plan.items[i]->path), ".html"))
            list_page(l, s, s->plan.items[i]);
}

static void list_pages(struct list *l) {
    each_site(l, list_pages_of);
}

/* The day on which an item appears, went, or is dated. */
static const char *draft_date(
    struct site *s, const struct item *it, const char *state) {
    const char *key = !strcmp(state, "expired") ? "expires" : "publish";
    const char *text = json_path_string(it->fm.values, key);
    int64_t t = it->date;
    bool known = text && clock_parse(str_from(text), &t);
    if (known || it->has_date) return clock_iso_date(&s->arena, t);
    return "";
}

static void list_draft(struct list *l, struct site *s, const struct item *it) {
    /* With --drafts on, only what has expired is still hidden. */
    const char *state = it->hidden ? "expired" : it->draft ? "draft" : "future";
    json_t *row = row_new(l, "draft", s->tenant.id);
    json_set_str(row, "state", state);
    json_set_str(row, "date", draft_date(s, it, state));
    json_set_str(row, "source", it->file);
    json_set_str(row, "title", it->title ? it->title : "");
    json_set_str(row, "url", it->path ? view_absolute(s, it->path) : "");
}

static void list_drafts_of(struct list *l, struct site *s) {
    for (size_t i = 0; i < s->content.n; i++) {
        const struct item *it = &s->content.items[i];
        bool dated = json_object_get(it->fm.values, "expires");
        if (it->hidden ? dated : it->draft || it->future) list_draft(l, s, it);
    }
}

static void list_drafts(struct list *l) {
    each_site(l, list_drafts_of);
}

/* ---- the command ---- */

static const struct subject {
    const char *name;
    void (*run)(struct list *l);
    const char *keys[5]; /* columns of the table */
} subjects[] = {
    {"tenants", list_tenants, {"tenant", "name", "url", "theme", "remark"}},
    {"hosts", list_hosts, {"host", "tenant", "kind"}},
    {"pages", list_pages, {"tenant", "url", "source", "template"}},
    {"drafts", list_drafts, {"tenant", "state", "date", "source", "title"}},
};
#define N_SUBJECTS (sizeof subjects / sizeof *subjects)

static const struct option list_options[] = {
    {"tenant", required_argument, NULL, OPT_TENANT},
    {"templates", required_argument, NULL, OPT_TEMPLATES},
    {"drafts", no_argument, NULL, OPT_DRAFTS},
    {"clock", required_argument, NULL, OPT_CLOCK},
    {0},
};

static void lost(void *ctx, const char *tenant) {
    struct list *l = ctx;
    map_set(&l->in.broken, str_from(tenant), l);
}

static size_t count_keys(const struct subject *s) {
    size_t n = 0;
    while (n < 5 && s->keys[n]) n++;
    return n;
}

static int list_run(const struct subject *subject, struct options *o) {
    struct list l = {.options = o, .rows = json_array()};
    if (subject->run == list_drafts) o->drafts = true;
    diag_init(&l.diags);
    if (build_open(&l.in, o, &l.diags)) {
        hosts_check(&l.in.build.hosts, NULL, lost, &l, &l.diags);
        subject->run(&l);
    }
    print_diags(&l.diags, l.in.build.workspace.dir.fd, o);
    print_rows(l.rows, subject->keys, count_keys(subject), o);
    int code = l.diags.errors ? EXIT_INPUT : EXIT_FINE;
    json_decref(l.rows);
    build_close(&l.in);
    diag_dispose(&l.diags);
    return print_end(code);
}

static const struct subject *subject_find(const char *name) {
    for (size_t i = 0; i < N_SUBJECTS; i++)
        if (!strcmp(subjects[i].name, name)) return &subjects[i];
    return NULL;
}

static int unknown_subject(const struct command *c, const char *name) {
    const char *names[N_SUBJECTS];
    for (size_t i = 0; i < N_SUBJECTS; i++) names[i] = subjects[i].name;
    const char *near = diag_suggest(str_from(name), names, N_SUBJECTS);
    return command_misuse(c, "cannot list \"%s\"; %s%s%s", name,
        near ? "did you mean \"" : "it lists tenants, hosts, pages or drafts",
        near ? near : "", near ? "\"?" : "");
}

static int list_choose(
    const struct command *c, int argc, char **argv, struct command_line *line) {
    if (line->first >= argc)
        return command_misuse(c, "say what: tenants, hosts, pages or drafts");
    if (line->first + 1 < argc)
        return command_misuse(c, "unexpected argument \"%s\"", argv[line->first + 1]);
    const struct subject *subject = subject_find(argv[line->first]);
    if (!subject) return unknown_subject(c, argv[line->first]);
    return list_run(subject, &line->options);
}

int command_list(const struct command *c, int argc, char **argv) {
    struct command_line line;
    int code = command_parse(c, argc, argv, list_options, &line);
    if (code < 0) code = list_choose(c, argc, argv, &line);
    command_line_dispose(&line);
    return code;
}

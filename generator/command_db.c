/* tenantry db */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "generator/build.h"
#include "generator/command.h"
#include "generator/command_db_tenant.h"
#include "generator/command_print.h"
#include "generator/database.h"

enum {
    DB_MIGRATIONS,
    DB_USER,
    DB_PLANS,
    DB_DISCARD,
    DB_NAME,
    DB_OWNER,
    DB_FREE,
    DB_DAYS
};

static const struct option db_options[] = {
    {"database", required_argument, NULL, OPT_DATABASE},
    {"migrations", required_argument, NULL, OPT_EXTRA + DB_MIGRATIONS},
    {"user", required_argument, NULL, OPT_EXTRA + DB_USER},
    {"plans", no_argument, NULL, OPT_EXTRA + DB_PLANS},
    {"discard", no_argument, NULL, OPT_EXTRA + DB_DISCARD},
    {"name", required_argument, NULL, OPT_EXTRA + DB_NAME},
    {"owner", required_argument, NULL, OPT_EXTRA + DB_OWNER},
    {"free", no_argument, NULL, OPT_EXTRA + DB_FREE},
    {"days", required_argument, NULL, OPT_EXTRA + DB_DAYS},
    {0},
};

struct run {
    const struct command *command;
    const struct command_line *line;
    const struct options *options;
    struct tenant_request tenant; /* of `db tenant` */
    struct diag_list diags;
    struct arena arena;
};

/* What went wrong is in r->diags. */
static int code_of(const struct run *r, bool ok) {
    if (ok) return EXIT_FINE;
    return r->diags.machine ? EXIT_MACHINE : EXIT_INPUT;
}

/* A sentence for people, or an object of the same facts. */
static void say(const struct run *r, json_t *facts, const char *sentence) {
    if (r->options->json)
        print_object(facts);
    else if (r->options->verbosity >= 0)
        printf("%s\n", sentence);
    json_decref(facts);
}

static json_t *facts(const char *type) {
    json_t *v = json_object();
    json_set_str(v, "type", type);
    return v;
}

static const char *plural(size_t n) {
    return n == 1 ? "" : "s";
}

/* ---- migrate, seed ---- */

static bool migrate(struct run *r, struct database *d) {
    struct migrations m;
    size_t applied = 0;
    if (!migrations_load(&m, r->line->extra[DB_MIGRATIONS], &r->arena, &r->diags))
        return false;
    bool ok = database_migrate(d, &m, &applied);
    if (!ok && !applied) return false;
    json_t *v = facts("migrated");
    json_set_int(v, "applied", (json_int_t)applied);
    json_set_int(v, "migrations", (json_int_t)m.n);
    say(r, v,
        applied ? arena_printf(
                      &r->arena, "applied %zu migration%s", applied, plural(applied))
                : arena_printf(
                      &r->arena, "the schema is up to date (%zu migrations)", m.n));
    return ok;
}

static bool seed(struct run *r, struct database *d) {
    struct workspace w;
    struct seed_counts c = {0};
    bool plans = r->line->extra[DB_PLANS] != NULL;
    bool ok = workspace_open(&w, r->options->dir, NULL, &r->diags) &&
              database_seed(d, &w, plans, &c);
    workspace_close(&w);
    json_t *v = facts("seeded");
    json_set_int(v, "tenants", (json_int_t)c.tenants);
    json_set_int(v, "plans", (json_int_t)c.plans);
    json_set_int(v, "posts", (json_int_t)c.posts);
    say(r, v,
        arena_printf(&r->arena, "seeded %zu new tenant%s, %zu plan%s, %zu post%s",
            c.tenants, plural(c.tenants), c.plans, plural(c.plans), c.posts,
            plural(c.posts)));
    return ok;
}

/* ---- status ---- */

static bool add_tenant_row(struct database *d, json_t *rows, const char *id,
    const char *slug, const char *status) {
    const char *const values[] = {id};
    struct pg_rows counts;
    static const char *const names[] = {"posts", "plans"};
    json_t *row = facts("tenant");
    json_set_str(row, "tenant", slug);
    json_set_str(row, "status", status);
    bool ok = pg_ask(&d->pg,
        "with entered as materialized ("
        " select set_config('app.current_tenant_id', $1, true) as id)"
        " select (select count(*) || ' posts' from tenantry.posts p"
        "  where p.tenant_id = entered.id::uuid),"
        " (select count(*) || ' plans' from tenantry.plans p"
        "  where p.tenant_id = entered.id::uuid) from entered",
        values, 1, &counts);
    for (int i = 0; ok && i < 2; i++)
        json_set_str(row, names[i], pg_cell(&counts, 0, i));
    pg_rows_clear(&counts);
    json_array_append_new(rows, row);
    return ok;
}

static bool show_tenants(struct run *r, struct database *d) {
    static const char *const keys[] = {"tenant", "status", "posts", "plans"};
    struct pg_rows list = {0};
    json_t *rows = json_array();
    bool ok = pg_run(&d->pg, "begin read only");
    ok = ok && pg_ask(&d->pg, "select id, slug, status from tenantry.tenant_list()",
                   NULL, 0, &list);
    for (int i = 0; ok && i < list.rows; i++)
        ok = add_tenant_row(
            d, rows, pg_cell(&list, i, 0), pg_cell(&list, i, 1), pg_cell(&list, i, 2));
    if (ok) print_rows(rows, keys, 4, r->options);
    pg_rows_clear(&list);
    json_decref(rows);
    return (ok && pg_run(&d->pg, "commit")) ||
           database_failed(d, "cannot list its tenants");
}

static bool show_server(struct run *r, struct database *d, const struct migrations *m) {
    char *version = pg_value(
        &d->pg, "select current_setting('server_version')", NULL, 0, &r->arena);
    char *user = pg_value(&d->pg, "select current_user", NULL, 0, &r->arena);
    if (!version || !user) return database_failed(d, "cannot be asked");
    const char *where = pg_describe(&r->arena, d->url);
    json_t *v = facts("database");
    json_set_str(v, "where", where);
    json_set_str(v, "server", version);
    json_set_str(v, "user", user);
    json_set_int(v, "migrations", (json_int_t)m->n);
    json_set_int(v, "pending", (json_int_t)m->pending);
    say(r, v,
        arena_printf(&r->arena,
            "%s, Postgres %s, as %s\n%zu of %zu migrations applied%s", where, version,
            user, m->n - m->pending, m->n,
            m->pending ? "; `tenantry db migrate` applies the rest" : ""));
    return true;
}

static bool status(struct run *r, struct database *d) {
    struct migrations m;
    if (!migrations_load(&m, r->line->extra[DB_MIGRATIONS], &r->arena, &r->diags))
        return false;
    bool ok = migrations_compare(&m, d);
    if (!pg_connected(&d->pg) || !show_server(r, d, &m)) return false;
    return ok && (m.pending || show_tenants(r, d));
}

/* ---- start, stop, url ---- */

static bool prepare(struct run *r, const char *url) {
    struct database d;
    bool ok =
        database_open(&d, r->options, url, &r->diags) && migrate(r, &d) && seed(r, &d);
    database_close(&d);
    return ok;
}

static int start(struct run *r) {
    struct server s;
    bool started = false;
    bool ok = server_find(&s, r->options->dir, &r->diags) && server_start(&s, &started);
    if (ok) {
        json_t *v = facts("server");
        json_set_bool(v, "started", started);
        json_set_str(v, "url", s.url);
        say(r, v,
            arena_printf(
                &r->arena, "%s: %s", started ? "started" : "running already", s.shown));
        ok = prepare(r, s.url);
    }
    if (ok && !r->options->json && r->options->verbosity >= 0)
        printf("look inside with: psql \"$(tenantry db url)\"\n");
    server_dispose(&s);
    return code_of(r, ok);
}

static int stop(struct run *r) {
    struct server s;
    bool stopped = false, discard = r->line->extra[DB_DISCARD] != NULL;
    bool ok = server_find(&s, r->options->dir, &r->diags) &&
              server_stop(&s, discard, &stopped);
    if (ok) {
        json_t *v = facts("server");
        json_set_bool(v, "stopped", stopped);
        json_set_bool(v, "discarded", discard);
        say(r, v,
            discard   ? "stopped, and removed with all it held"
            : stopped ? "stopped"
                      : "it was not running");
    }
    server_dispose(&s);
    return code_of(r, ok);
}

static int url(struct run *r) {
    struct server s;
    const char *user = r->line->extra[DB_USER];
    bool ok = server_find(&s, r->options->dir, &r->diags);
    if (ok && !(server_exists(&s) && server_running(&s)))
        ok = database_trouble(&r->diags, s.shown,
            "there is no server running here; `tenantry db start` starts one");
    if (ok && r->options->json) {
        json_t *v = facts("server");
        json_set_str(v, "url", user ? server_url(&s, &r->arena, user) : s.url);
        print_object(v);
        json_decref(v);
    } else if (ok)
        printf("%s\n", user ? server_url(&s, &r->arena, user) : s.url);
    server_dispose(&s);
    return code_of(r, ok);
}

/* ---- dispatch ---- */

/* For what works on any database. */
static int with_database(struct run *r, bool (*act)(struct run *, struct database *)) {
    struct database d;
    const char *where = database_url(r->options, &r->arena);
    if (!where) {
        database_trouble(&r->diags, NULL,
            "which database? give --database or DATABASE_URL, or start a throw-away "
            "one "
            "with `tenantry db start`");
        return EXIT_MACHINE;
    }
    bool ok = database_open(&d, r->options, where, &r->diags) && act(r, &d);
    database_close(&d);
    return code_of(r, ok);
}

static int run_migrate(struct run *r) {
    return with_database(r, migrate);
}

static int run_seed(struct run *r) {
    return with_database(r, seed);
}

static int run_status(struct run *r) {
    return with_database(r, status);
}

static bool tenant(struct run *r, struct database *d) {
    return command_db_tenant(&r->tenant, d);
}

static int run_tenant(struct run *r) {
    if (!command_db_tenant_fits(&r->tenant, &r->diags)) return EXIT_USAGE;
    return with_database(r, tenant);
}

static const struct action {
    const char *name;
    int (*run)(struct run *r);
    unsigned options; /* bits of the enum above that it knows */
} actions[] = {
    {"start", start, 1u << DB_MIGRATIONS | 1u << DB_PLANS},
    {"stop", stop, 1u << DB_DISCARD},
    {"url", url, 1u << DB_USER},
    {"migrate", run_migrate, 1u << DB_MIGRATIONS},
    {"seed", run_seed, 1u << DB_PLANS},
    {"status", run_status, 1u << DB_MIGRATIONS},
    {"tenant", run_tenant,
        1u << DB_NAME | 1u << DB_OWNER | 1u << DB_FREE | 1u << DB_DAYS},
};
#define N_ACTIONS (sizeof actions / sizeof *actions)

static const struct action *find_action(const char *name) {
    for (size_t i = 0; i < N_ACTIONS; i++)
        if (!strcmp(actions[i].name, name)) return &actions[i];
    return NULL;
}

static int misuse(const struct command *c, const char *name) {
    const char *names[N_ACTIONS];
    for (size_t i = 0; i < N_ACTIONS; i++) names[i] = actions[i].name;
    const char *near = name ? diag_suggest(str_from(name), names, N_ACTIONS) : NULL;
    if (!name)
        return command_misuse(
            c, "say what: start, stop, url, migrate, seed, status or tenant");
    return command_misuse(c, "there is nothing called \"%s\"%s%s%s", name,
        near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

static int act(const struct command *c, const struct command_line *line,
    const struct action *a, char **words, int n_words) {
    for (unsigned i = 0; db_options[i].name; i++) {
        int k = db_options[i].val - OPT_EXTRA;
        if (k >= 0 && line->extra[k] && !(a->options & 1u << k))
            return command_misuse(
                c, "`db %s` has no option --%s", a->name, db_options[i].name);
    }
    struct run r = {.command = c, .line = line, .options = &line->options};
    r.tenant = (struct tenant_request){.options = r.options,
        .what = n_words > 0 ? words[0] : NULL,
        .id = n_words > 1 ? words[1] : NULL,
        .name = line->extra[DB_NAME],
        .owner = line->extra[DB_OWNER],
        .free = line->extra[DB_FREE] != NULL,
        .days = line->extra[DB_DAYS]};
    diag_init(&r.diags);
    arena_init(&r.arena);
    int code = a->run(&r);
    fflush(stdout);
    print_diags(&r.diags, AT_FDCWD, r.options);
    arena_dispose(&r.arena);
    diag_dispose(&r.diags);
    return print_end(code);
}

int command_db(const struct command *c, int argc, char **argv) {
    struct command_line line;
    int code = command_parse(c, argc, argv, db_options, &line);
    const char *name = line.first < argc ? argv[line.first] : NULL;
    if (code < 0) {
        const struct action *a = name ? find_action(name) : NULL;
        if (!a)
            code = misuse(c, name);
        else {
            int first = line.first + 1;
            int most = a->run == run_tenant ? first + 2 : first;
            code = most < argc
                       ? command_misuse(c, "unexpected argument \"%s\"", argv[most])
                       : act(c, &line, a, argv + first, argc - first);
        }
    }
    command_line_dispose(&line);
    return code;
}

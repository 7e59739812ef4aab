#include "generator/pull.h"

#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "generator/database.h"

#define SNAPSHOT_NAME_MAX 64

struct pull {
    struct database keeper; /* of the parent: holds the snapshot */
    struct database reader; /* of a worker, once it needs one */
    bool reading;           /* reader is open */
    char snapshot[SNAPSHOT_NAME_MAX];
};

/* ---- the snapshot ---- */

static bool take_snapshot(struct pull *p) {
    struct database *d = &p->keeper;
    /* However long the build goes on, the snapshot must last. */
    if (!pg_run(&d->pg, "begin isolation level repeatable read read only;"
                        " set local idle_in_transaction_session_timeout = 0"))
        return database_failed(d, "reading");
    const char *name =
        pg_value(&d->pg, "select pg_export_snapshot()", NULL, 0, &d->arena);
    if (!name || strlen(name) >= sizeof p->snapshot || strpbrk(name, "'\\"))
        return database_failed(d, "exporting a snapshot");
    memcpy(p->snapshot, name, strlen(name) + 1);
    /* Without the schema no tenant could be read: said once, and without a lock that
     * would keep a migration waiting as long as the build goes on. */
    if (pg_run(&d->pg, "set local role tenantry_builder;"
                       " select has_table_privilege('tenantry.posts', 'select')"))
        return true;
    return database_failed(d, "reading as tenantry_builder (`tenantry db migrate` "
                              "makes the role; tenantry_builder may log in)");
}

struct pull *pull_open(
    const struct options *o, const char *url, struct diag_list *diags) {
    struct pull *p = mem_calloc(1, sizeof *p);
    if (database_open(&p->keeper, o, url, diags) && take_snapshot(p)) return p;
    pull_close(p);
    return NULL;
}

struct pull *pull_live(const struct options *o, const char *url) {
    struct pull *p = mem_calloc(1, sizeof *p);
    p->keeper.options = o;
    p->keeper.url = url;
    return p;
}

void pull_close(struct pull *p) {
    if (!p) return;
    if (p->reading) database_close(&p->reader);
    database_close(&p->keeper);
    mem_free(p);
}

/* ---- in a worker ---- */

/* The connection of this process: what the parent opened is its own. */
struct database *pull_reader(struct pull *p, struct diag_list *diags) {
    struct database *d = &p->reader;
    if (p->reading && !pg_connected(&d->pg)) {
        database_close(d);
        p->reading = false;
    }
    if (!p->reading) {
        if (!database_open(d, p->keeper.options, p->keeper.url, diags)) {
            database_close(d);
            return NULL;
        }
        p->reading = true;
    }
    d->diags = diags;
    return d;
}

/* The transaction of one tenant.  *known: it has a row. */
static bool enter(struct pull *p, struct database *d, struct site *s, bool *known) {
    const char *shared =
        *p->snapshot
            ? arena_printf(&s->arena, " set transaction snapshot '%s';", p->snapshot)
            : "";
    char *begin = arena_printf(&s->arena,
        "begin isolation level repeatable read read only;%s"
        " set local role tenantry_builder;"
        " set local datestyle = 'ISO'; set local timezone = 'UTC'",
        shared);
    const char *const slug[] = {s->tenant.id};
    if (!pg_run(&d->pg, begin)) return database_failed(d, "reading the snapshot");
    const char *id = pg_value(&d->pg,
        "select set_config('app.current_tenant_id',"
        " coalesce(tenantry.tenant_id($1)::text, ''), true)",
        slug, 1, &s->arena);
    *known = id && *id;
    return id || database_failed(d, "finding the tenant");
}

static json_t *promotions_of(const struct pg_rows *rows) {
    json_t *list = json_array();
    static const char *const keys[] = {"name", "headline", "starts", "ends"};
    for (int i = 0; i < rows->rows; i++) {
        json_t *v = json_object();
        for (int k = 0; k < 4; k++) json_set_str(v, keys[k], pg_cell(rows, i, k));
        json_array_append_new(list, v);
    }
    return list;
}

static bool read_rows(struct database *d, struct site *s) {
    const struct options *o = s->build->options;
    struct pg_rows plans = {0}, promotions = {0};
    const char *now = clock_rfc3339(&s->arena, o->now);
    const char *const values[] = {now, o->drafts ? "t" : "f"};
    bool ok = pg_ask(&d->pg, pull_posts_sql, values, 2, &s->rows.posts) &&
              pg_ask(&d->pg, pull_plans_sql, NULL, 0, &plans) &&
              pg_ask(&d->pg, pull_promotions_sql, values, 1, &promotions) &&
              (!o->watch || pull_until(d, now, s));
    if (ok) {
        s->rows.promotions = promotions_of(&promotions);
        ok = pull_plans(s, &plans);
        ok = pull_posts(s) && ok;
    } else
        database_failed(d, "reading the rows");
    pg_rows_clear(&plans);
    pg_rows_clear(&promotions);
    return ok;
}

bool pull_tenant(struct pull *p, struct site *s) {
    bool known = false;
    struct database *d = pull_reader(p, s->diags);
    if (!d) return false;
    bool ok = enter(p, d, s, &known) && (!known || read_rows(d, s));
    if (pg_connected(&d->pg) && pg_in_transaction(&d->pg)) pg_run(&d->pg, "rollback");
    return ok;
}

void pull_rows_dispose(struct site_rows *rows) {
    json_drop(rows->plans);
    json_drop(rows->promotions);
    pg_rows_clear(&rows->posts);
}

const char *pull_place(struct site *s, const char *table, const char *id) {
    return arena_printf(&s->arena, "%s of %s, id %s", table, s->tenant.id, id);
}

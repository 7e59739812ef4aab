/* What somebody who follows the rows needs to know: what changed, and what will. */
#include <stdlib.h>

#include "generator/database.h"
#include "generator/pull.h"

static const char look_sql[] =
    "select pg_current_snapshot()::text,"
    " array_to_string(array(select tenantry.tenants_changed($1::pg_snapshot)), e'\\n')";

/* $1: the build's clock.  A fraction of a second counts as the next one, since the
 * clock counts whole ones. */
static const char until_sql[] =
    "select ceil(extract(epoch from min(t)))::bigint from ("
    "select p.publish_at from tenantry.posts p where p.status = 'SCHEDULED'"
    " union all select p.expires_at from tenantry.posts p"
    " union all select r.starts_at from tenantry.promotions r where r.active"
    " union all select r.ends_at from tenantry.promotions r where r.active"
    ") moments (t) where t > $1::timestamptz and t < '10000-01-01'";

static bool look(
    struct database *d, const char *since, struct pull_look *l, struct arena *a) {
    struct pg_rows rows;
    bool ok = pg_run(&d->pg, "begin read only; set local role tenantry_builder") &&
              pg_ask(&d->pg, look_sql, &since, 1, &rows);
    if (!ok)
        return database_failed(d, "looking for changes (`tenantry db migrate` brings "
                                  "an older schema up to date)");
    l->snapshot = arena_strdup(a, pg_cell(&rows, 0, 0));
    l->slugs = arena_copy(a, str_from(pg_cell(&rows, 0, 1)));
    pg_rows_clear(&rows);
    return true;
}

bool pull_look(struct pull *p, const char *since, struct pull_look *l, struct arena *a,
    struct diag_list *diags) {
    struct database *d = pull_reader(p, diags);
    bool ok = d && look(d, since, l, a);
    if (d && pg_connected(&d->pg) && pg_in_transaction(&d->pg))
        pg_run(&d->pg, "rollback");
    return ok;
}

bool pull_until(struct database *d, const char *now, struct site *s) {
    struct pg_rows rows;
    bool ok = pg_ask(&d->pg, until_sql, &now, 1, &rows);
    const char *text = ok ? pg_cell(&rows, 0, 0) : NULL;
    int64_t t = text ? strtoll(text, NULL, 10) : INT64_MAX;
    if (t < s->content.until) s->content.until = t;
    pg_rows_clear(&rows);
    return ok;
}

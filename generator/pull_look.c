/* What somebody who follows the rows needs to know. */
#include "generator/database.h"
#include "generator/pull.h"

static const char look_sql[] =
    "select pg_current_snapshot()::text,"
    " array_to_string(array(select tenantry.tenants_changed($1::pg_snapshot)), e'\\n')";

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

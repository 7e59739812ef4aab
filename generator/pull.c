#include "generator/pull.h"

#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "generator/pull_kept.h"
#include "generator/pull_rows.h"

#define SNAPSHOT_NAME_MAX 64
#define RETRY_SECONDS 5 /* until a worker asks again where nobody answered */

struct pull {
    struct database keeper;           /* of the parent: holds the snapshot */
    struct database reader;           /* of a worker, once it needs one */
    bool reading;                     /* reader is open */
    double lost;                      /* when it was not to be had; 0: it was */
    char snapshot[SNAPSHOT_NAME_MAX]; /* "": none */
    int64_t taken;                    /* when the snapshot was */
    bool stale;                       /* nobody answers: what is kept is read */
    int keep_fd;                      /* the output folder; -1: rows are not kept */
};

/* ---- the snapshot ---- */

static bool take_snapshot(struct pull *p) {
    struct database *d = &p->keeper;
    /* However long the build goes on, the snapshot must last. */
    if (!pg_run(&d->pg, "begin isolation level repeatable read read only;"
                        " set local idle_in_transaction_session_timeout = 0"))
        return database_failed(d, "reading");
    p->taken = clock_now();
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

/* Nobody answers. */
static bool do_without(struct pull *p) {
    /* What is no connection string has nobody behind it, today or tomorrow. */
    p->stale = p->keeper.options->stale && pg_is_url(p->keeper.url);
    return p->stale || database_unanswered(&p->keeper);
}

struct pull *pull_open(
    const struct options *o, const char *url, struct diag_list *diags) {
    struct pull *p = mem_calloc(1, sizeof *p);
    p->keep_fd = -1;
    bool answers = database_connect(&p->keeper, o, url, diags);
    if (answers ? take_snapshot(p) : do_without(p)) return p;
    pull_close(p);
    return NULL;
}

struct pull *pull_live(const struct options *o, const char *url) {
    struct pull *p = mem_calloc(1, sizeof *p);
    p->keep_fd = -1;
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

/* ---- what is kept ---- */

void pull_keep(struct pull *p, int out_fd) {
    p->keep_fd = p->stale ? -1 : out_fd;
}

void pull_forget(struct pull *p, const char *const *ids, size_t n) {
    if (p->keep_fd >= 0) kept_sweep(p->keep_fd, ids, n);
}

const char *pull_stale(
    const struct pull *p, const char *const *ids, size_t n, struct pull_age *age) {
    const struct database *d = &p->keeper;
    if (!p->stale) return NULL;
    kept_age(d->options->out, ids, n, age);
    return d->pg.error.len ? d->pg.error.ptr : "no reason given";
}

void pull_published(struct site *s) {
    struct keeper *k = s->rows.keeper;
    int err = k ? keep_commit(k, s->tenant.id, s->build->options->durable) : 0;
    if (err)
        diag_add(s->diags, DIAG_WARNING, DIAG_FILE(KEPT_FOLDER),
            "the rows of %s cannot be kept for --stale: %s", s->tenant.id,
            strerror(err));
}

/* ---- in a worker ---- */

/* The connection of this process: what the parent opened is its own. */
struct database *pull_reader(struct pull *p, struct diag_list *diags) {
    struct database *d = &p->reader;
    if (p->lost && clock_seconds() - p->lost < RETRY_SECONDS) {
        d->diags = diags;
        database_unanswered(d);
        return NULL;
    }
    if (p->reading && (p->lost || !pg_connected(&d->pg))) {
        database_close(d);
        p->reading = false;
    }
    if (!p->reading) {
        p->reading = true;
        p->lost = 0;
        if (!database_connect(d, p->keeper.options, p->keeper.url, diags)) {
            p->lost = clock_seconds();
            database_unanswered(d);
            return NULL;
        }
    }
    d->diags = diags;
    return d;
}

/* All that a tenant takes, in one flight.  What went before a failure is undone by the
 * rollback, which is not skipped. */
static bool send_all(struct pull *p, struct site *s) {
    struct pg *pg = &p->reader.pg;
    const char *const slug[] = {s->tenant.id};
    bool ok = pg_batch_begin(pg) &&
              pg_send(pg, "begin isolation level repeatable read read only", NULL, 0);
    if (*p->snapshot)
        ok = ok &&
             pg_send(pg,
                 arena_printf(&s->arena, "set transaction snapshot '%s'", p->snapshot),
                 NULL, 0);
    ok = ok && pg_send(pg, "set local role tenantry_builder", NULL, 0) &&
         pg_send(pg,
             "select set_config('datestyle', 'ISO', true),"
             " set_config('timezone', 'UTC', true)",
             NULL, 0) &&
         pg_send(pg,
             "select set_config('app.current_tenant_id',"
             " coalesce(tenantry.tenant_id($1)::text, ''), true)",
             slug, 1);
    for (unsigned i = 0; i < PULL_TABLES; i++)
        ok = ok && pg_send(pg, pull_table(i)->sql, NULL, 0);
    return ok && pg_sync(pg) && pg_send(pg, "rollback", NULL, 0) && pg_sync(pg);
}

/* The transaction of one tenant.  *known: it has a row. */
static bool enter(struct pull *p, struct database *d, bool *known) {
    struct pg_rows row;
    enum pg_step step = PG_DONE;
    for (int i = *p->snapshot ? 4 : 3; i > 0 && step == PG_DONE; i--)
        while ((step = pg_next(&d->pg, &row)) == PG_ROW) continue;
    if (step == PG_FAILED) return database_failed(d, "reading the snapshot");
    while ((step = pg_next(&d->pg, &row)) == PG_ROW) {
        const char *id = pg_cell(&row, 0, 0);
        *known = id && *id;
    }
    return step == PG_DONE || database_failed(d, "finding the tenant");
}

static bool read_table(struct database *d, unsigned table, struct pull_rows *r) {
    const struct pull_table *t = pull_table(table);
    const char *cells[PULL_COLUMNS];
    struct pg_rows row;
    enum pg_step step;
    while ((step = pg_next(&d->pg, &row)) == PG_ROW) {
        for (unsigned i = 0; i < t->columns; i++) cells[i] = pg_cell(&row, 0, (int)i);
        if (r->s->rows.keeper) keep_row(r->s->rows.keeper, table, cells);
        t->take(r, cells);
    }
    return step == PG_DONE || database_failed(d, "reading the rows");
}

static bool read_all(struct pull *p, struct database *d, struct pull_rows *r) {
    struct keeper *k = r->s->rows.keeper;
    bool known = false;
    if (!send_all(p, r->s)) return database_failed(d, "asking for the rows");
    if (!enter(p, d, &known)) return false;
    if (known) pull_rows_known(r);
    if (known && k) keep_known(k);
    for (unsigned i = 0; i < PULL_TABLES; i++)
        if (!read_table(d, i, r)) return false;
    if (k) keep_finish(k);
    return true;
}

static bool read_database(struct pull *p, struct pull_rows *r) {
    struct site *s = r->s;
    struct database *d = pull_reader(p, s->diags);
    if (!d) return false;
    if (p->keep_fd >= 0) {
        if (!*p->snapshot) p->taken = clock_now();
        s->rows.keeper = arena_alloc(&s->arena, sizeof *s->rows.keeper);
        keep_begin(s->rows.keeper, p->keep_fd, s->tenant.id, p->taken);
    }
    bool ok = read_all(p, d, r);
    pg_batch_end(&d->pg);
    return ok;
}

bool pull_tenant(struct pull *p, struct site *s) {
    struct pull_rows r = {.s = s, .lasting = p->stale, .ok = true};
    bool read = p->stale ? kept_read(&r, p->keeper.options->out, &s->rows.kept)
                         : read_database(p, &r);
    if (read) return pull_rows_join(&r);
    pull_rows_drop(&r);
    return false;
}

void pull_rows_dispose(struct site_rows *rows) {
    json_drop(rows->plans);
    json_drop(rows->promotions);
    if (rows->keeper) keep_drop(rows->keeper);
    buf_dispose(&rows->kept);
}

const char *pull_place(struct site *s, const char *table, const char *id) {
    return arena_printf(&s->arena, "%s of %s, id %s", table, s->tenant.id, id);
}

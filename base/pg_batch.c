/* Many commands in one flight: libpq's pipeline mode, row by row. */
#include "base/pg.h"
#include "base/pg_internal.h"
#include "base/pg_library.h"

static bool sent(struct pg *p, int ok) {
    if (!ok) pg_keep_error(p, NULL);
    return ok;
}

bool pg_batch_begin(struct pg *p) {
    p->begun = false;
    return sent(p, PQenterPipelineMode(p->conn));
}

bool pg_send(struct pg *p, const char *sql, const char *const *values, int n) {
    return sent(p, PQsendQueryParams(p->conn, sql, n, NULL, values, NULL, NULL, 0));
}

bool pg_sync(struct pg *p) {
    return sent(p, PQpipelineSync(p->conn));
}

static void drop_row(struct pg *p) {
    PQclear(p->row);
    p->row = NULL;
}

/* The next of the results of a command; NULL: there is no more. */
static PGresult *take(struct pg *p) {
    drop_row(p);
    /* Only now it is known which command's rows are meant. */
    if (!p->begun) PQsetSingleRowMode(p->conn);
    p->begun = true;
    return p->row = PQgetResult(p->conn);
}

enum pg_step pg_next(struct pg *p, struct pg_rows *row) {
    bool ok = true;
    PGresult *r;
    while ((r = take(p))) {
        switch (PQresultStatus(r)) {
        case PGRES_SINGLE_TUPLE:
            *row = (struct pg_rows){r, 1, PQnfields(r)};
            return PG_ROW;
        case PGRES_TUPLES_OK: /* how rows end */
        case PGRES_COMMAND_OK:
        case PGRES_EMPTY_QUERY:
            break;
        case PGRES_PIPELINE_ABORTED: /* the failure was told */
            ok = false;
            break;
        default:
            pg_keep_error(p, r);
            ok = false;
        }
    }
    p->begun = false;
    if (ok && PQstatus(p->conn) == CONNECTION_OK) return PG_DONE;
    if (ok) pg_keep_error(p, NULL);
    return PG_FAILED;
}

bool pg_pass(struct pg *p) {
    unsigned ends = 0;
    while (PQstatus(p->conn) == CONNECTION_OK) {
        PGresult *r = take(p);
        p->begun = r;
        if (r && PQresultStatus(r) == PGRES_PIPELINE_SYNC) {
            drop_row(p);
            p->begun = false;
            return true;
        }
        /* Each command ends with a NULL; two in a row: nothing is left. */
        ends = r ? 0 : ends + 1;
        if (ends == 2) return true;
    }
    return false;
}

bool pg_batch_end(struct pg *p) {
    while (!PQexitPipelineMode(p->conn))
        if (!pg_pass(p)) return false;
    drop_row(p);
    return true;
}

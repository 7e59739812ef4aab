#include "base/pg.h"

#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/pg_internal.h"
#include "base/pg_library.h"

/* Seconds that a server has to obey a request to stop. */
#define CANCEL_SECONDS 5

/* libpq's messages end with a line feed and go over several lines. */
void pg_message(struct buf *out, const char *message) {
    struct str rest = str_trim(str_from(message)), line;
    buf_reset(out);
    while (str_cut(&rest, '\n', &line)) {
        line = str_trim(line);
        if (!line.len) continue;
        if (out->len) buf_cstr(out, "; ");
        buf_str(out, line);
    }
}

static void keep_error(struct pg *p, const char *message, const char *state) {
    pg_message(&p->error, message);
    snprintf(p->state, sizeof p->state, "%s", state ? state : "");
    p->position = 0;
}

void pg_keep_error(struct pg *p, const void *result) {
    const PGresult *r = result;
    const char *state = r ? PQresultErrorField(r, PG_DIAG_SQLSTATE) : NULL;
    const char *message = r ? PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    const char *at = r ? PQresultErrorField(r, PG_DIAG_STATEMENT_POSITION) : NULL;
    keep_error(p, message ? message : PQerrorMessage(p->conn), state);
    p->position = at ? (unsigned)strtoul(at, NULL, 10) : 0;
}

static void ignore_notice(void *ctx, const PGresult *r) {
    (void)ctx;
    (void)r;
}

bool pg_is_url(const char *url) {
    PQconninfoOption *options = PQconninfoParse(url, NULL);
    PQconninfoFree(options);
    return options;
}

bool pg_open(struct pg *p, const char *url) {
    /* What stands before dbname is overridden by the connection string. */
    static const char *const names[] = {"connect_timeout", "fallback_application_name",
        "client_encoding", "dbname", NULL};
    const char *const values[] = {"5", "tenantry", "UTF8", url, NULL};
    *p = (struct pg){0};
    buf_init(&p->error, 4096);
    if (pg_library_missing()) {
        keep_error(p, pg_library_missing(), NULL);
        return false;
    }
    p->conn = PQconnectdbParams(names, values, 1);
    if (!p->conn) mem_exhausted();
    if (PQstatus(p->conn) != CONNECTION_OK) {
        /* What cannot be read might hold a password, and libpq would quote it. */
        if (!pg_is_url(url))
            keep_error(
                p, "not a connection string such as postgresql://user@host/name", NULL);
        else
            keep_error(p, PQerrorMessage(p->conn), NULL);
        return false;
    }
    PQsetNoticeReceiver(p->conn, ignore_notice, NULL);
    return true;
}

void pg_close(struct pg *p) {
    if (p->row) PQclear(p->row);
    p->row = NULL;
    if (p->conn) PQfinish(p->conn);
    p->conn = NULL;
    buf_dispose(&p->error);
}

static bool succeeded(ExecStatusType s) {
    return s == PGRES_COMMAND_OK || s == PGRES_TUPLES_OK || s == PGRES_EMPTY_QUERY;
}

bool pg_run(struct pg *p, const char *sql) {
    PGresult *r = PQexec(p->conn, sql);
    bool ok = succeeded(PQresultStatus(r));
    if (!ok) pg_keep_error(p, r);
    PQclear(r);
    return ok;
}

/* Whether an answer was there before `until` (clock_seconds). */
static bool await_answer(PGconn *conn, double until) {
    while (PQisBusy(conn)) {
        double left = until - clock_seconds();
        struct pollfd fd = {.fd = PQsocket(conn), .events = POLLIN};
        if (left <= 0) return false;
        int n = poll(&fd, 1, (int)(left * 1000) + 1);
        if (n < 0 && errno != EINTR) return true;
        if (n > 0 && !PQconsumeInput(conn)) return true;
    }
    return true;
}

static void cancel(PGconn *conn) {
    char why[256];
    PGcancel *c = PQgetCancel(conn);
    if (c) PQcancel(c, why, sizeof why);
    PQfreeCancel(c);
}

/* Reads what is left; the first failure is the one that counts. */
static bool collect(struct pg *p, bool *late, double until) {
    bool ok = true;
    for (;;) {
        if (!await_answer(p->conn, until)) {
            if (*late) {
                keep_error(p, "the server did not stop when told to", NULL);
                PQreset(p->conn);
                return false;
            }
            *late = true;
            cancel(p->conn);
            until = clock_seconds() + CANCEL_SECONDS;
            continue;
        }
        PGresult *r = PQgetResult(p->conn);
        if (!r) return ok;
        if (ok && !succeeded(PQresultStatus(r))) {
            pg_keep_error(p, r);
            ok = false;
        }
        PQclear(r);
    }
}

bool pg_run_within(struct pg *p, const char *sql, double seconds, bool *late) {
    *late = false;
    if (!PQsendQuery(p->conn, sql)) {
        keep_error(p, PQerrorMessage(p->conn), NULL);
        return false;
    }
    bool ok = collect(p, late, clock_seconds() + seconds);
    /* Told to stop when it had just ended: it was too late all the same. */
    if (ok && *late) keep_error(p, "canceled", "57014");
    return ok && !*late;
}

bool pg_ask(struct pg *p, const char *sql, const char *const *values, int n,
    struct pg_rows *rows) {
    PGresult *r = PQexecParams(p->conn, sql, n, NULL, values, NULL, NULL, 0);
    *rows = (struct pg_rows){r, PQntuples(r), PQnfields(r)};
    if (succeeded(PQresultStatus(r))) return true;
    pg_keep_error(p, r);
    return false;
}

char *pg_value(
    struct pg *p, const char *sql, const char *const *values, int n, struct arena *a) {
    struct pg_rows rows;
    const char *cell = NULL;
    if (pg_ask(p, sql, values, n, &rows) && rows.rows && rows.cols)
        cell = pg_cell(&rows, 0, 0);
    char *copy = cell ? arena_strdup(a, cell) : NULL;
    pg_rows_clear(&rows);
    return copy;
}

void pg_rows_clear(struct pg_rows *rows) {
    PQclear(rows->result);
    *rows = (struct pg_rows){0};
}

const char *pg_cell(const struct pg_rows *rows, int row, int col) {
    return PQgetisnull(rows->result, row, col) ? NULL
                                               : PQgetvalue(rows->result, row, col);
}

bool pg_is(const struct pg *p, const char *state) {
    return !strcmp(p->state, state);
}

bool pg_in_transaction(const struct pg *p) {
    return PQtransactionStatus(p->conn) != PQTRANS_IDLE;
}

bool pg_connected(const struct pg *p) {
    return p->conn && PQstatus(p->conn) == CONNECTION_OK;
}

char *pg_describe(struct arena *a, const char *url) {
    PQconninfoOption *options = PQconninfoParse(url, NULL);
    const char *name = "", *host = "";
    for (PQconninfoOption *o = options; o && o->keyword; o++) {
        if (o->val && !strcmp(o->keyword, "dbname")) name = o->val;
        if (o->val && !strcmp(o->keyword, "host")) host = o->val;
    }
    char *text = *host ? arena_printf(a, "database %s at %s", name, host)
                       : arena_printf(a, "database %s", name);
    PQconninfoFree(options);
    return text;
}

char *pg_url_escape(struct arena *a, const char *text) {
    static const char digits[] = "0123456789ABCDEF";
    char *out = arena_alloc(a, 3 * strlen(text) + 1), *o = out;
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        if (isalnum(*p) || strchr("-._~", *p)) {
            *o++ = (char)*p;
            continue;
        }
        *o++ = '%';
        *o++ = digits[*p >> 4];
        *o++ = digits[*p & 15];
    }
    return out;
}

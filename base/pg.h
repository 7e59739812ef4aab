/* Postgres, by libpq: one connection, asked one question at a time, or several in one
 * flight. */
#ifndef BASE_PG_H
#define BASE_PG_H
#include <stdbool.h>
#include "base/arena.h"
#include "base/str.h"

struct pg {
    void *conn;    /* libpq's; NULL: not connected */
    char state[6]; /* SQLSTATE of the last failure; "": the connection itself failed */
    struct buf error;  /* what the last failure said, on one line */
    unsigned position; /* the character of the SQL it is about, from 1; 0: unknown */
    void *row;         /* libpq's: the row pg_next gave out last */
    bool begun;        /* pg_next is within a command */
};
struct pg_rows {
    void *result; /* libpq's */
    int rows, cols;
};
/* Connects to a connection string or URL.  False: p->error says why; p is safe to
 * close. Waits 5 seconds unless the string says otherwise. */
bool pg_open(struct pg *p, const char *url);
void pg_close(struct pg *p);
/* Runs commands that return nothing anybody wants: several may be separated by
 * semicolons and are then one transaction. */
bool pg_run(struct pg *p, const char *sql);
/* The same; after `seconds` the server is told to stop, *late is set and the result is
 * false.  What cannot be stopped in time is cut off. */
bool pg_run_within(struct pg *p, const char *sql, double seconds, bool *late);
/* One command with values for $1 and on (text; NULL is SQL's).  Rows are the caller's
 * to clear, also when false. */
bool pg_ask(struct pg *p, const char *sql, const char *const *values, int n,
    struct pg_rows *rows);
/* As pg_ask, of the one value of one row, copied; NULL when there is none or it failed.
 */
char *pg_value(
    struct pg *p, const char *sql, const char *const *values, int n, struct arena *a);
void pg_rows_clear(struct pg_rows *rows);
/* Borrowed until the rows are cleared; NULL is SQL's. */
const char *pg_cell(const struct pg_rows *rows, int row, int col);
/* ---- many commands in one flight ----
 *
 * Between pg_batch_begin and pg_batch_end commands are sent without waiting for what
 * was sent before them, and their rows are taken one by one, so that of a long answer
 * only one row is held.  They should be few: nothing is read while they are sent. */

bool pg_batch_begin(struct pg *p);
/* One command as for pg_ask.  False: the connection failed; see p->error. */
bool pg_send(struct pg *p, const char *sql, const char *const *values, int n);
/* A failure skips what was sent after it, up to here. */
bool pg_sync(struct pg *p);
enum pg_step {
    PG_ROW,   /* the next row of the command in hand */
    PG_DONE,  /* it had no more; the next call is about the next command */
    PG_FAILED /* the same, for it failed or was skipped; p->error tells the first
                 failure since the last pg_sync */
};
/* *row is borrowed until the next call. */
enum pg_step pg_next(struct pg *p, struct pg_rows *row);
/* Passes over what is left before the next pg_sync, and that. */
bool pg_pass(struct pg *p);
/* Passes over all that is left.  False: the connection is of no further use. */
bool pg_batch_end(struct pg *p);

/* ---- */

bool pg_is(const struct pg *p, const char *state); /* the last failure's SQLSTATE */
bool pg_in_transaction(const struct pg *p);
bool pg_connected(const struct pg *p);
bool pg_is_url(const char *url); /* can be read as a connection string */
/* Where a connection string leads, without any password: "database acme at /run/x". */
char *pg_describe(struct arena *a, const char *url);
/* Sets `out` to a message of libpq's, on one line. */
void pg_message(struct buf *out, const char *message);
/* Escaped as the value of a part of a connection URL. */
char *pg_url_escape(struct arena *a, const char *text);
#endif

/* Applying migrations: once each, under a lock, without getting in anybody's way. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "generator/database.h"

#define HOLD_SECONDS 0.9     /* how long a migration may hold what it has locked */
#define LOCK_TIMEOUT "400ms" /* how long others may queue behind one that waits */
#define ALONE_SECONDS (24.0 * 60 * 60)
#define TRY_SECONDS 120.0 /* how long locks that others hold are tried for */
#define HOLD_TRIES 3
#define DEPLOYER_SECONDS (60.0 * 60) /* how long another deployer is waited for */

/* ---- what is applied ---- */

static struct migration *find(struct migrations *m, const char *name) {
    for (size_t i = 0; i < m->n; i++)
        if (!strcmp(m->items[i].name, name)) return &m->items[i];
    return NULL;
}

static bool compare_one(struct migrations *m, struct database *d, const char *name,
    const char *digest, const char *applied) {
    struct migration *one = find(m, name);
    if (!one) {
        diag_add(d->diags, DIAG_ERROR, DIAG_NOWHERE,
            "the database has the migration %s, which is not among the files: this "
            "program is older than the database, or the file was removed; bring it "
            "back",
            name);
        return false;
    }
    one->applied = arena_strdup(&d->arena, applied);
    m->pending--;
    if (!strcmp(one->digest, digest)) return true;
    diag_add(d->diags, DIAG_ERROR, DIAG_FILE(one->file),
        "was changed after it was applied (%s); restore it, and put the change into a "
        "new migration",
        applied);
    return false;
}

static bool in_order(const struct migrations *m, struct database *d) {
    const struct migration *newest = NULL;
    bool ok = true;
    for (size_t i = m->n; i--;) {
        const struct migration *one = &m->items[i];
        if (one->applied && !newest) newest = one;
        if (one->applied || !newest) continue;
        diag_add(d->diags, DIAG_ERROR, DIAG_FILE(one->file),
            "comes before %s, which is applied already; give it a higher number",
            newest->name);
        ok = false;
    }
    return ok;
}

bool migrations_compare(struct migrations *m, struct database *d) {
    struct pg_rows rows;
    bool ok = true;
    char *there = pg_value(&d->pg,
        "select to_regclass('tenantry.migrations') is not null", NULL, 0, &d->arena);
    m->pending = m->n;
    for (size_t i = 0; i < m->n; i++) m->items[i].applied = NULL;
    if (!there) return database_failed(d, "cannot look for the schema");
    if (*there == 'f') return true;
    if (!pg_ask(&d->pg,
            "select name, sha256, to_char(applied_at at time zone 'UTC', "
            "'YYYY-MM-DD HH24:MI') from tenantry.migrations order by name",
            NULL, 0, &rows))
        ok = database_failed(d, "cannot read which migrations are applied");
    for (int i = 0; ok && i < rows.rows; i++)
        ok &= compare_one(
            m, d, pg_cell(&rows, i, 0), pg_cell(&rows, i, 1), pg_cell(&rows, i, 2));
    pg_rows_clear(&rows);
    return ok && in_order(m, d);
}

/* ---- one at a time ---- */

static void wait_seconds(double seconds) {
    struct timespec t = {
        (time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
    nanosleep(&t, NULL);
}

/* Asks again and again instead of waiting in the server: a waiting command would hold a
 * snapshot, and the other's CREATE INDEX CONCURRENTLY would wait for that. */
static bool lock(struct database *d) {
    double until = clock_seconds() + DEPLOYER_SECONDS;
    for (;;) {
        char *got = pg_value(&d->pg,
            "select pg_try_advisory_lock(hashtextextended('tenantry migrations', 0))",
            NULL, 0, &d->arena);
        if (!got) return database_failed(d, "cannot lock out other deployers");
        if (*got == 't') return true;
        if (clock_seconds() > until)
            return database_trouble(d->diags, NULL,
                "another deployer has been migrating this database for an hour");
        wait_seconds(0.05);
    }
}

static bool make_ledger(struct database *d) {
    return pg_run(&d->pg, "create schema if not exists tenantry;"
                          "create table if not exists tenantry.migrations ("
                          " name text primary key, sha256 text not null,"
                          " applied_at timestamptz not null default now(),"
                          " applied_by text not null default session_user)") ||
           database_failed(d, "cannot make the schema tenantry");
}

static bool record(struct database *d, const struct migration *m) {
    const char *const values[] = {m->name, m->digest};
    struct pg_rows rows;
    bool ok =
        pg_ask(&d->pg, "insert into tenantry.migrations (name, sha256) values ($1, $2)",
            values, 2, &rows);
    pg_rows_clear(&rows);
    return ok;
}

/* ---- applying ---- */

enum outcome { DONE, TRY_AGAIN, HELD_TOO_LONG, FAILED };

static enum outcome judge(const struct pg *p) {
    bool contended = pg_is(p, "55P03") || pg_is(p, "40P01") || pg_is(p, "40001");
    return contended ? TRY_AGAIN : FAILED;
}

static enum outcome apply_once(
    struct database *d, const struct migration *m, double seconds) {
    bool late = false;
    struct pg *p = &d->pg;
    bool ok = pg_run(p, "begin; set local lock_timeout = '" LOCK_TIMEOUT "'") &&
              pg_run_within(p, m->text.ptr, seconds, &late);
    bool ended = ok && !pg_in_transaction(p);
    /* The file may have become another role. */
    ok = ok && !ended && pg_run(p, "reset role; reset search_path") && record(d, m) &&
         pg_run(p, "commit");
    if (ok) return DONE;
    enum outcome result = late ? HELD_TOO_LONG : judge(p);
    if (ended) {
        diag_add(d->diags, DIAG_ERROR, DIAG_FILE(m->file),
            "ends its transaction itself; leave out commit and rollback, or begin the "
            "file with \"-- tenantry: no transaction\"");
        return DONE;
    }
    return result;
}

static bool mentions_concurrently(const char *sql) {
    return strcasestr(sql, "concurrently") != NULL;
}

static bool run_alone(struct database *d, const char *sql) {
    bool late;
    /* One that works concurrently waits for others without making anybody wait. */
    const char *limit = mentions_concurrently(sql)
                            ? "set lock_timeout = 0; set statement_timeout = 0"
                            : "set lock_timeout = '" LOCK_TIMEOUT "'";
    return pg_run(&d->pg, limit) && pg_run_within(&d->pg, sql, ALONE_SECONDS, &late);
}

/* Statement by statement; each ends with a semicolon at the end of a line. */
static enum outcome apply_alone(struct database *d, const struct migration *m) {
    struct str rest = m->text, line;
    struct buf sql;
    bool ok = true;
    buf_init(&sql, 0);
    while (ok && str_cut(&rest, '\n', &line)) {
        struct str trimmed = str_trim(line);
        if (!trimmed.len || str_starts(trimmed, "--")) continue;
        buf_str(&sql, line);
        buf_char(&sql, '\n');
        if (!str_ends(trimmed, ";")) continue;
        ok = run_alone(d, sql.ptr);
        buf_reset(&sql);
    }
    if (ok && sql.len) ok = run_alone(d, sql.ptr);
    buf_dispose(&sql);
    /* There, a position is not one of the file. */
    d->pg.position = 0;
    ok = ok && pg_run(&d->pg, "reset all; reset role") && record(d, m);
    return ok ? DONE : judge(&d->pg);
}

static struct diag_place place(const struct database *d, const struct migration *m) {
    struct diag_place at = DIAG_FILE(m->file);
    size_t i = 0, characters = d->pg.position;
    if (!characters) return at;
    for (; i < m->text.len && characters; i++)
        if ((m->text.ptr[i] & 0xC0) != 0x80) characters--;
    str_line_col(m->text, i ? i - 1 : 0, &at.line, &at.col);
    return at;
}

static bool give_up(struct database *d, const struct migration *m, enum outcome why) {
    if (!pg_connected(&d->pg)) return database_failed(d, m->name);
    if (why == HELD_TOO_LONG)
        diag_add(d->diags, DIAG_ERROR, DIAG_FILE(m->file),
            "would hold its locks for more than %.1f s on this database, and was "
            "rolled back; split it, or do the long part in a file that begins with "
            "\"-- tenantry: no transaction\"",
            HOLD_SECONDS);
    else if (why == TRY_AGAIN)
        return database_trouble(d->diags, m->file,
            "others have held the locks it needs for %.0f s (%s); try again later",
            TRY_SECONDS, d->pg.error.ptr);
    else
        diag_add(d->diags, DIAG_ERROR, place(d, m), "%s; %s", d->pg.error.ptr,
            m->alone ? "what it did before stays" : "was rolled back");
    return false;
}

/* `limited`: somebody may be using the database. */
static bool apply(struct database *d, const struct migration *m, bool limited) {
    double until = clock_seconds() + TRY_SECONDS, pause = 0.1;
    unsigned errors = d->diags->errors;
    for (int held = 0;;) {
        enum outcome o = m->alone
                             ? apply_alone(d, m)
                             : apply_once(d, m, limited ? HOLD_SECONDS : ALONE_SECONDS);
        if (o == DONE) return d->diags->errors == errors;
        held += o == HELD_TOO_LONG;
        bool last = o == FAILED || held == HOLD_TRIES || clock_seconds() > until ||
                    !pg_connected(&d->pg);
        if (last && !give_up(d, m, o)) {
            if (pg_connected(&d->pg)) pg_run(&d->pg, "rollback; reset all; reset role");
            return false;
        }
        pg_run(&d->pg, "rollback; reset all; reset role");
        /* Each time a little longer, so that whoever holds the lock gets done. */
        wait_seconds(pause);
        if (pause < 1.5) pause *= 1.4;
    }
}

static bool apply_pending(struct database *d, struct migrations *m, size_t *applied) {
    bool limited = m->pending < m->n;
    for (size_t i = 0; i < m->n; i++) {
        if (m->items[i].applied) continue;
        if (!apply(d, &m->items[i], limited)) return false;
        ++*applied;
    }
    m->pending = 0;
    return true;
}

bool database_migrate(struct database *d, struct migrations *m, size_t *applied) {
    *applied = 0;
    if (!migrations_compare(m, d)) return false;
    if (!m->pending) return true;
    if (!lock(d)) return false;
    /* Somebody else may just have done it. */
    bool ok = migrations_compare(m, d);
    if (ok && m->pending == m->n) ok = make_ledger(d);
    ok = ok && apply_pending(d, m, applied);
    if (pg_connected(&d->pg))
        pg_run(&d->pg,
            "select pg_advisory_unlock(hashtextextended('tenantry migrations', 0))");
    return ok;
}

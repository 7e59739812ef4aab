/* hygiene URL ADMIN_URL QUESTIONS SEED: a pool under everything that can happen to it,
 * on a real Postgres that tests/api/pool.py has prepared.  Whenever a connection is
 * given back, it is looked at; in the end, whether what was said to be done was done.
 * Prints what is wrong, then "N questions, ... , N wrong". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/pool_internal.h"

#define UNDER_WAY 24 /* questions at a time, at most; now and then there are few */
#define CONNECTIONS 4

enum kind {
    READ,
    WRITE,
    BY_ZERO,
    UNIQUE,
    DEFERRED,
    READ_ONLY,
    BECOME_WRITER,
    RAISE,
    SLOW,
    SLOW_WRITE,
    END_SELF,
    END_SELF_WRITING,
    HUGE,
    NULLS,
    CURSOR,
    NO_SYNTAX,
    BAD_LOCAL,
    BAD_ROLE,
    KINDS
};
static const struct {
    const char *name, *sql;
    bool writes;
    unsigned weight;
    const char *state; /* SQLSTATE it is refused with; "": it is done; NULL: either */
} kinds[KINDS] = {
    [READ] = {"read",
        "select current_user, current_setting('app.current_tenant_id', true),"
        " current_setting('transaction_read_only'), $1::text",
        false, 300, ""},
    [WRITE] = {"write", "insert into hygiene.ledger (id) values ($1::int)", true, 200,
        ""},
    [BY_ZERO] = {"division", "select 1 / (length($1::text) * 0)", false, 60, "22012"},
    [UNIQUE] = {"unique",
        "insert into hygiene.ledger (id) values ($1::int), (-1), (-1)", true, 60,
        "23505"},
    [DEFERRED] = {"deferred",
        "insert into hygiene.ledger (id, parent) values ($1::int, -7)", true, 100,
        "23503"},
    [READ_ONLY] = {"read-only", "insert into hygiene.ledger (id) values ($1::int)",
        false, 60, "25006"},
    [BECOME_WRITER] = {"becoming a writer",
        "select set_config('transaction_read_only', 'off', true), $1::text", false, 30,
        "25001"},
    [RAISE] = {"raise", "select hygiene.refuse($1)", true, 60, "PT404"},
    [SLOW] = {"slow", "select pg_sleep(3), $1::text", false, 4, "57014"},
    [SLOW_WRITE] = {"slow write", "select hygiene.slowly($1::int)", true, 4, "57014"},
    [END_SELF] = {"end", "select pg_terminate_backend(pg_backend_pid()), $1::text",
        false, 6, NULL},
    [END_SELF_WRITING] = {"write and end", "select hygiene.write_and_end($1::int)",
        true, 6, NULL},
    [HUGE] = {"huge", "select repeat('x', 3000000), $1::text", false, 8, ""},
    [NULLS] = {"null", "select $1::text, null, ''", false, 60, ""},
    [CURSOR] = {"cursor", "select hygiene.opens($1)", false, 60, ""},
    [NO_SYNTAX] = {"syntax", "selec $1", false, 30, "42601"},
    [BAD_LOCAL] = {"setting", "select 1, $1::text", false, 30, "22023"},
    [BAD_ROLE] = {"role", "select 2, $1::text", false, 30, "42501"},
};
static const char *const roles[] = {
    "tenantry_web", "tenantry_member", "tenantry_admin", "tenantry_webhook"};

enum fate { WANTED, UNWANTED, EITHER };
struct one {
    struct all *all;
    enum kind kind;
    unsigned number, role;
    char text[16], tenant[48];
    bool asked, returned;
};
struct all {
    struct loop *loop;
    struct pool *pool;
    PGconn *admin;
    struct one *ones;
    enum fate *fates; /* of the rows in the ledger, by number */
    struct loop_event *again;
    unsigned n, begun, ended, wrong, looked, outcomes[4], cuts, kills, cancels, deepest;
};

static void wrong(struct all *a, const char *what, const char *detail) {
    if (++a->wrong < 20) printf("wrong: %s: %s\n", what, detail);
}

static unsigned pick(unsigned n) {
    return (unsigned)random() % n;
}

/* ---- a connection that was given back ---- */

static const char look[] =
    "select concat_ws('|', current_user, session_user, current_setting('role'),"
    " nullif(current_setting('app.current_tenant_id', true), ''),"
    " nullif(current_setting('app.current_user_id', true), ''),"
    " current_setting('transaction_read_only'),"
    " current_setting('statement_timeout'),"
    " current_setting('client_connection_check_interval'),"
    " (select count(*) from pg_cursors))";
#define CLEAN "tenantry_api|tenantry_api|none|off|5s|1s|0"

static void look_at(struct all *a, struct pool_connection *c) {
    a->looked++;
    if (PQtransactionStatus(c->conn) != PQTRANS_IDLE)
        wrong(a, "given back", "in a transaction");
    if (c->n_flights || c->unsent) wrong(a, "given back", "with something left");
    if (!PQexitPipelineMode(c->conn)) {
        wrong(a, "given back with answers left", PQerrorMessage(c->conn));
        return;
    }
    PGresult *r = PQexec(c->conn, look);
    if (PQresultStatus(r) == PGRES_TUPLES_OK && strcmp(PQgetvalue(r, 0, 0), CLEAN))
        wrong(a, "given back", PQgetvalue(r, 0, 0));
    PQclear(r); /* a connection that was just ended cannot say */
    if (PQstatus(c->conn) == CONNECTION_OK) PQenterPipelineMode(c->conn);
}

static void look_at_idle(struct all *a) {
    for (unsigned i = 0; i < CONNECTIONS; i++) {
        struct pool_connection *c = &a->pool->connections[i];
        if (c->n_flights > a->deepest) a->deepest = c->n_flights;
        if (c->state == POOL_IDLE && PQstatus(c->conn) == CONNECTION_OK) look_at(a, c);
    }
}

/* ---- answers ---- */

static void check_done(
    struct all *a, const struct one *o, const struct pool_answer *got) {
    const struct pg_rows *r = &got->rows;
    char want[160], have[160] = "";
    if (o->kind == READ) {
        snprintf(want, sizeof want, "%s|%s|on|%s", roles[o->role], o->tenant, o->text);
        if (r->rows == 1)
            snprintf(have, sizeof have, "%s|%s|%s|%s", pg_cell(r, 0, 0),
                pg_cell(r, 0, 1), pg_cell(r, 0, 2), pg_cell(r, 0, 3));
        if (strcmp(want, have)) wrong(a, "an answer is another's", have);
    }
    if (o->kind == HUGE && (r->rows != 1 || strlen(pg_cell(r, 0, 0)) != 3000000))
        wrong(a, "huge", "cut short");
    if (o->kind == NULLS && (pg_cell(r, 0, 0) || pg_cell(r, 0, 1) || !pg_cell(r, 0, 2)))
        wrong(a, "null", "is none");
}

static void check_outcome(
    struct all *a, const struct one *o, const struct pool_answer *got) {
    static const char *const names[] = {"done", "refused", "away", "unsure"};
    const char *state = kinds[o->kind].state;
    char said[300];
    snprintf(said, sizeof said, "%s %s \"%s\"", names[got->outcome], got->state,
        got->message);
    bool passing = !strncmp(got->state, "57", 2) || !strcmp(got->state, "08P01");
    bool fine = true;
    if (got->outcome == POOL_DONE) fine = state && !*state;
    if (got->outcome == POOL_REFUSED)
        fine = passing || !state || !strcmp(state, got->state);
    if (got->outcome == POOL_UNSURE) fine = kinds[o->kind].writes;
    if (!fine) wrong(a, kinds[o->kind].name, said);
    if (got->outcome == POOL_DONE) check_done(a, o, got);
}

static void ask_more(struct all *a);

static void done(void *ctx, const struct pool_answer *got) {
    struct one *o = ctx;
    struct all *a = o->all;
    if (o->asked) wrong(a, kinds[o->kind].name, "answered twice");
    if (!o->returned) wrong(a, kinds[o->kind].name, "answered before it was asked");
    o->asked = true;
    a->outcomes[got->outcome]++;
    a->ended++;
    check_outcome(a, o, got);
    a->fates[o->number] = got->outcome == POOL_UNSURE ? EITHER
                          : got->outcome != POOL_DONE ? UNWANTED
                          : o->kind == WRITE          ? WANTED
                                                      : UNWANTED;
    look_at_idle(a);
    ask_more(a);
}

/* ---- questions, and what happens to them ---- */

static enum kind pick_kind(void) {
    unsigned sum = 0;
    for (int k = 0; k < KINDS; k++) sum += kinds[k].weight;
    unsigned at = pick(sum);
    for (int k = 0; k < KINDS; k++) {
        if (at < kinds[k].weight) return (enum kind)k;
        at -= kinds[k].weight;
    }
    return READ;
}

static void ask(struct all *a) {
    struct one *o = &a->ones[a->begun];
    o->all = a;
    o->number = a->begun++;
    o->kind = pick_kind();
    o->role = pick(4);
    snprintf(o->text, sizeof o->text, "%u", o->number);
    snprintf(o->tenant, sizeof o->tenant, "tenant-%u", o->number);
    const struct pool_local locals[] = {{"app.current_tenant_id", o->tenant},
        {"app.current_user_id", "somebody"}, {"work_mem", "none"}};
    const char *values[] = {o->kind == NULLS ? NULL : o->text};
    bool few = o->kind != READ && !pick(4);
    a->fates[o->number] = EITHER;
    pool_ask(
        a->pool, &(struct pool_question){
                     .role = o->kind == BAD_ROLE ? "tenantry_owner" : roles[o->role],
                     .writes = kinds[o->kind].writes,
                     .locals = locals,
                     .n_locals = o->kind == BAD_LOCAL ? 3u
                                 : few                ? 0u
                                                      : 1 + pick(2),
                     .sql = kinds[o->kind].sql,
                     .values = values,
                     .n_values = 1,
                     .done = done,
                     .ctx = o});
    o->returned = true;
}

static void admin_does(struct all *a, const char *what) {
    char sql[200];
    snprintf(sql, sizeof sql,
        "select %s(pid) from (select pid from pg_stat_activity where usename ="
        " 'tenantry_api' order by random() limit 1) x",
        what);
    PQclear(PQexec(a->admin, sql));
}

/* Now and then somebody cuts a wire, or stops a backend from outside. */
static void disturb(struct all *a) {
    struct pool_connection *c = &a->pool->connections[pick(CONNECTIONS)];
    unsigned what = pick(300);
    if (what < 5 && c->state == POOL_BUSY) {
        shutdown(PQsocket(c->conn), pick(2) ? SHUT_RDWR : SHUT_RD);
        a->cuts++;
    }
    if (what == 5) {
        admin_does(a, "pg_terminate_backend");
        a->kills++;
    }
    if (what > 5 && what < 10) {
        admin_does(a, "pg_cancel_backend");
        a->cancels++;
    }
}

static void ask_more(struct all *a) {
    if (a->ended == a->n) loop_stop(a->loop);
    /* While the server is taken for away, everything would be asked in vain. */
    if (a->pool->why[0]) {
        loop_arm(a->again, 0.02);
        return;
    }
    unsigned room = 1 + pick(pick(3) ? 6 : UNDER_WAY);
    while (a->begun < a->n && a->begun - a->ended < room) ask(a);
    disturb(a);
}

/* ---- the ledger ---- */

static void check_ledger(struct all *a) {
    PGresult *r =
        PQexec(a->admin, "select id, count(*) from hygiene.ledger group by 1");
    unsigned char *found = calloc(a->n, 1);
    char said[80];
    if (PQresultStatus(r) != PGRES_TUPLES_OK)
        wrong(a, "ledger", PQerrorMessage(a->admin));
    for (int i = 0; i < PQntuples(r); i++) {
        long id = strtol(PQgetvalue(r, i, 0), NULL, 10);
        if (id < 0 || id >= (long)a->n || strcmp(PQgetvalue(r, i, 1), "1"))
            wrong(a, "ledger", "a row of nobody's, or twice");
        else
            found[id] = 1;
    }
    for (unsigned i = 0; i < a->n; i++) {
        if (a->fates[i] == EITHER || found[i] == (a->fates[i] == WANTED)) continue;
        snprintf(said, sizeof said, "%s, number %u", kinds[a->ones[i].kind].name, i);
        wrong(a, found[i] ? "is done, but was said not to be" : "was lost", said);
    }
    PQclear(r);
    free(found);
}

static void go_on(void *ctx) {
    struct all *a = ctx;
    if (a->pool->figures.connected && !a->pool->why[0])
        ask_more(a);
    else
        loop_arm(a->again, 0.02);
}

int main(int argc, char **argv) {
    if (argc != 5) return 2;
    struct all a = {.loop = loop_new(), .n = (unsigned)strtoul(argv[3], NULL, 10)};
    srandom((unsigned)strtoul(argv[4], NULL, 10));
    a.admin = PQconnectdbParams(
        (const char *[]){"dbname", NULL}, (const char *[]){argv[2], NULL}, 1);
    a.ones = calloc(a.n, sizeof *a.ones);
    a.fates = calloc(a.n, sizeof *a.fates);
    a.pool = pool_new(a.loop, &(struct pool_settings){.url = argv[1],
                                  .connections = CONNECTIONS,
                                  .waiting = 100,
                                  .seconds = 0.6});
    a.again = loop_timer(a.loop, go_on, &a);
    loop_arm(a.again, 0.02);
    loop_run(a.loop);
    loop_event_free(a.again);
    pool_free(a.pool);
    check_ledger(&a);
    printf("%u questions: %u done, %u refused, %u away, %u unsure; %u wires cut, %u "
           "ended, %u canceled; %u looks, at most %u on one connection, %u wrong\n",
        a.ended, a.outcomes[0], a.outcomes[1], a.outcomes[2], a.outcomes[3], a.cuts,
        a.kills, a.cancels, a.looked, a.deepest, a.wrong);
    PQfinish(a.admin);
    loop_free(a.loop);
    free(a.ones);
    free(a.fates);
    return a.wrong > 0;
}

/* One question's way over the wire: settings, question, end of the transaction. */
#include <stdio.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/pool_internal.h"

/* ---- there ---- */

/* The statement that makes n settings, and access mode, role and time limit besides. */
static const char *const setups[POOL_LOCALS_MAX + 1] = {
#define HEAD                                                                           \
    "select set_config('transaction_read_only',$1,true),set_config('role',$2,true),"   \
    "set_config('statement_timeout',$3,true)"
#define L(a, b) ",set_config($" #a ",$" #b ",true)"
#define L2 L(4, 5) L(6, 7)
#define L4 L2 L(8, 9) L(10, 11)
#define L6 L4 L(12, 13) L(14, 15)
    HEAD, HEAD L(4, 5), HEAD L2, HEAD L2 L(8, 9), HEAD L4, HEAD L4 L(12, 13), HEAD L6,
    HEAD L6 L(16, 17), HEAD L6 L(16, 17) L(18, 19)
#undef L6
#undef L4
#undef L2
#undef L
#undef HEAD
};

/* Row-level security makes a plan depend on the role: with one statement for all roles
 * it would be planned anew whenever the role changes. */
static struct str key_of(const char *sql, const char *role, char key[80]) {
    memcpy(key, &sql, sizeof sql);
    size_t n = strnlen(role, 80 - sizeof sql);
    memcpy(key + sizeof sql, role, n);
    return (struct str){key, sizeof sql + n};
}

static size_t number_of(
    const struct pool_connection *c, const char *sql, const char *role) {
    char key[80];
    return (size_t)map_get(&c->prepared, key_of(sql, role, key));
}

static void remember(
    struct pool_connection *c, const char *sql, const char *role, size_t number) {
    char key[80];
    /* A number in a pointer's place: the map only hands it back. */
    map_set(
        &c->prepared, arena_copy(&c->names, key_of(sql, role, key)), (void *)number);
}

struct statement {
    const char *sql, *role; /* role "": the same for all */
    const char *const *values;
    int n;
    enum pool_leg prepare, ask;
};

static bool send_one(
    struct pool_connection *c, struct pool_flight *f, const struct statement *s) {
    char name[24];
    size_t number = number_of(c, s->sql, s->role);
    bool known = number > 0;
    if (!known) number = ++c->n_prepared;
    snprintf(name, sizeof name, "s%zu", number);
    if (!known) {
        if (!PQsendPrepare(c->conn, name, s->sql, 0, NULL)) return false;
        f->numbers[s->prepare == LEG_PREPARE] = number;
        f->legs[f->n_legs++] = s->prepare;
    }
    if (!PQsendQueryPrepared(c->conn, name, s->n, s->values, NULL, NULL, 0))
        return false;
    f->legs[f->n_legs++] = s->ask;
    return true;
}

/* What is left of the question's time; 0 would mean no limit. */
static void write_limit(char out[24], double deadline) {
    double left = (deadline - clock_seconds()) * 1000;
    snprintf(out, 24, "%d", left < 1 ? 1 : left > 1e9 ? 1000000000 : (int)left);
}

/* Without BEGIN: what stands before the Sync is one transaction, which ends with it. */
static bool send_flight(struct pool_connection *c, struct pool_flight *f) {
    const struct pool_question *q = &f->asked->q;
    char limit[24];
    const char *values[3 + 2 * POOL_LOCALS_MAX] = {
        q->writes ? "off" : "on", q->role, limit};
    write_limit(limit, f->asked->deadline);
    for (size_t i = 0; i < q->n_locals; i++) {
        values[3 + 2 * i] = q->locals[i].name;
        values[4 + 2 * i] = q->locals[i].value;
    }
    const struct statement setup = {setups[q->n_locals], "", values,
        3 + 2 * (int)q->n_locals, LEG_PREPARE_SETUP, LEG_SETUP};
    const struct statement question = {
        q->sql, q->role, q->values, q->n_values, LEG_PREPARE, LEG_ASK};
    if (!send_one(c, f, &setup) || !send_one(c, f, &question) ||
        !PQpipelineSync(c->conn))
        return false;
    f->legs[f->n_legs++] = LEG_SYNC;
    return true;
}

void pool_fly(struct pool_connection *c, struct pool_asked *q) {
    struct pool_flight *f = &c->flights[c->n_flights++];
    *f = (struct pool_flight){.asked = q};
    if (c->state == POOL_IDLE) c->flown = clock_seconds();
    c->state = POOL_BUSY;
    c->unsent = true;
    if (!send_flight(c, f)) pool_connection_lost(c, PQerrorMessage(c->conn));
}

/* ---- and back ---- */

static const char *field(const PGresult *r, int which) {
    const char *text = r ? PQresultErrorField(r, which) : NULL;
    return text ? text : "";
}

/* An error of libpq's own, not of the server's. */
static bool is_local(const PGresult *r) {
    return PQresultStatus(r) == PGRES_FATAL_ERROR && !*field(r, PG_DIAG_SQLSTATE);
}

static void keep_result(struct pool_connection *c, PGresult *r) {
    ExecStatusType s = PQresultStatus(r);
    struct pool_flight *f = &c->flights[0];
    enum pool_leg leg = f->legs[f->leg];
    const struct pool_question *q = &f->asked->q;
    bool fine = s == PGRES_COMMAND_OK || s == PGRES_TUPLES_OK;
    if (fine && leg == LEG_PREPARE_SETUP)
        remember(c, setups[q->n_locals], "", f->numbers[0]);
    if (fine && leg == LEG_PREPARE) remember(c, q->sql, q->role, f->numbers[1]);
    if (fine && leg == LEG_ASK && !f->rows)
        f->rows = r;
    else if (s == PGRES_FATAL_ERROR && !f->error) {
        f->error = r;
        f->failed = leg;
    } else
        PQclear(r);
}

/* A statement that was prepared before somebody changed what it is about, or that is
 * not there any more.  By the place in the server's source: messages are translated. */
static bool is_stale(const PGresult *error) {
    const char *state = field(error, PG_DIAG_SQLSTATE);
    if (!strcmp(state, "26000")) return true;
    return !strcmp(state, "0A000") &&
           !strcmp(field(error, PG_DIAG_SOURCE_FUNCTION), "RevalidateCachedQuery");
}

static struct pool_answer answer_of(PGresult *rows, PGresult *error) {
    if (!error && rows)
        return (struct pool_answer){.outcome = POOL_DONE,
            .rows = {rows, PQntuples(rows), PQnfields(rows)},
            .state = "",
            .message = "",
            .constraint = ""};
    return (struct pool_answer){.outcome = POOL_REFUSED,
        .state = field(error, PG_DIAG_SQLSTATE),
        .message = error ? field(error, PG_DIAG_MESSAGE_PRIMARY) : "no answer",
        .constraint = field(error, PG_DIAG_CONSTRAINT_NAME)};
}

/* Takes the first flight off; the server is at the next one. */
static struct pool_flight take_flight(struct pool_connection *c) {
    struct pool_flight f = c->flights[0];
    c->n_flights--;
    for (unsigned i = 0; i < c->n_flights; i++) c->flights[i] = c->flights[i + 1];
    c->flown = clock_seconds();
    if (!c->n_flights) c->state = POOL_IDLE;
    return f;
}

static void flight_end(struct pool_connection *c) {
    struct pool *p = c->pool;
    struct pool_flight f = take_flight(c);
    bool stale = f.error && is_stale(f.error);
    c->answered = true;
    if (stale && c->generation == p->generation) p->generation++;
    pool_back(p);
    /* With more on its way, libpq could not tell. */
    if (c->state == POOL_IDLE && PQtransactionStatus(c->conn) != PQTRANS_IDLE)
        pool_connection_lost(c, "a transaction was left open");
    if (stale &&
        !f.asked->again) { /* it was rolled back, so even a writing one may go again */
        f.asked->again = true;
        pool_again(p, f.asked);
    } else {
        struct pool_answer a = answer_of(f.rows, f.error);
        if (a.outcome == POOL_REFUSED) p->figures.refused++;
        pool_end(f.asked, &a);
    }
    PQclear(f.rows);
    PQclear(f.error);
}

/* Takes results until one is incomplete; the connection may be closed then, or at other
 * questions.  False: an error of libpq's own ended it. */
static bool take_results(struct pool_connection *c, bool *ended) {
    unsigned nothing = 0;
    while (c->state == POOL_BUSY && !PQisBusy(c->conn) && nothing < 3) {
        struct pool_flight *f = &c->flights[0];
        PGresult *r = PQgetResult(c->conn);
        nothing = r ? 0 : nothing + 1;
        if (!r && f->legs[f->leg] != LEG_SYNC) f->leg++;
        if (!r) continue;
        if (PQresultStatus(r) == PGRES_PIPELINE_SYNC) {
            PQclear(r);
            flight_end(c);
            *ended = true;
            continue;
        }
        bool local = is_local(r);
        keep_result(c, r);
        if (local) return false;
    }
    return true;
}

void pool_land(struct pool_connection *c) {
    bool ended = false, broken = !PQconsumeInput(c->conn);
    c->pool->heard = clock_seconds();
    /* What came before the end still counts. */
    bool fine = take_results(c, &ended) && !broken;
    if (c->state >= POOL_IDLE && (!fine || PQstatus(c->conn) == CONNECTION_BAD))
        pool_connection_lost(c, PQerrorMessage(c->conn));
    if (ended) pool_serve(c->pool);
}

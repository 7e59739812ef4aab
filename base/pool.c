#include "base/pool.h"

#include <event2/event.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/pg_library.h"

#define CONNECT_SECONDS 5
#define RETRY_FIRST 0.05
#define RETRY_MAX 1.0
#define TICK_SECONDS 0.1 /* how exactly deadlines are kept */
#define LOCALS_MAX 8

enum state { CLOSED, CONNECTING, IDLE, BUSY };
/* What the server is still to answer of a flight. */
enum leg { LEG_PREPARE_SETUP, LEG_SETUP, LEG_PREPARE, LEG_ASK, LEG_SYNC };

struct question {
    struct question *next;
    struct pool_question asked;
    struct arena arena; /* of the copies */
    double deadline;
    bool again; /* a second attempt */
};
struct connection {
    struct pool *pool;
    PGconn *conn;
    enum state state;
    struct event *event;
    int fd;
    double since;        /* of the attempt to connect */
    struct map prepared; /* SQL's address, as bytes -> any */
    struct arena names;
    enum leg legs[5];
    unsigned n_legs, leg;
    struct question *question; /* under way */
    PGresult *rows, *error;
};
struct pool {
    struct loop *loop;
    struct pool_settings settings;
    struct connection *connections;
    struct question *first, **last;
    unsigned waiting;
    struct loop_event *tick, *soon;
    struct question *refused; /* to be told as soon as pool_ask has returned */
    double retry_at, retry_after;
    struct pool_figures figures;
    bool closing;
};

/* ---- answers ---- */

static void question_end(struct question *q, const struct pool_answer *a) {
    q->asked.done(q->asked.ctx, a);
    arena_dispose(&q->arena);
    mem_free(q);
}

static void question_away(struct pool *p, struct question *q, const char *why) {
    p->figures.away++;
    question_end(
        q, &(struct pool_answer){
               .outcome = POOL_AWAY, .state = "", .message = why, .constraint = ""});
}

static void push_front(struct pool *p, struct question *q) {
    q->next = p->first;
    p->first = q;
    if (!q->next) p->last = &q->next;
    p->waiting++;
}

static struct question *pop(struct pool *p) {
    struct question *q = p->first;
    if (!q) return NULL;
    p->first = q->next;
    if (!p->first) p->last = &p->first;
    p->waiting--;
    return q;
}

static void all_away(struct pool *p, const char *why) {
    struct question *list = p->first, *next;
    p->first = NULL;
    p->last = &p->first;
    p->waiting = 0;
    for (; list; list = next) {
        next = list->next;
        question_away(p, list, why);
    }
}

/* ---- connections ---- */

static void connection_close(struct connection *c) {
    if (c->event) event_free(c->event);
    c->event = NULL;
    PQclear(c->rows);
    PQclear(c->error);
    c->rows = c->error = NULL;
    if (c->conn) PQfinish(c->conn);
    c->conn = NULL;
    map_dispose(&c->prepared);
    c->prepared = (struct map){0};
    arena_reset(&c->names);
    c->state = CLOSED;
}

static bool any_alive(const struct pool *p) {
    for (unsigned i = 0; i < p->settings.connections; i++)
        if (p->connections[i].state >= IDLE) return true;
    return false;
}

/* The connection is of no more use; its question is put again, or told of it. */
static void connection_lost(struct connection *c, const char *why) {
    struct pool *p = c->pool;
    struct question *q = c->question;
    char said[256];
    snprintf(said, sizeof said, "%s", why);
    c->question = NULL;
    connection_close(c);
    p->retry_after = p->retry_after ? p->retry_after * 2 : RETRY_FIRST;
    if (p->retry_after > RETRY_MAX) p->retry_after = RETRY_MAX;
    p->retry_at = clock_seconds() + p->retry_after;
    if (q && q->asked.writes)
        question_end(q, &(struct pool_answer){.outcome = POOL_UNSURE,
                            .state = "",
                            .message = said,
                            .constraint = ""});
    else if (q && !q->again && !p->closing) {
        q->again = true;
        push_front(p, q);
    } else if (q)
        question_away(p, q, said);
    if (!any_alive(p)) all_away(p, said);
    loop_arm(p->tick, RETRY_FIRST);
}

static void on_ready(evutil_socket_t fd, short what, void *ctx);

/* Waits for what libpq needs next; its socket may change while it connects. */
static void wait_for(struct connection *c, short what) {
    int fd = PQsocket(c->conn);
    if (c->event) event_free(c->event);
    c->fd = fd;
    c->event = event_new(loop_base(c->pool->loop), fd, what | EV_PERSIST, on_ready, c);
    if (!c->event) mem_exhausted();
    event_add(c->event, NULL);
}

static void ignore_notice(void *ctx, const PGresult *r) {
    (void)ctx;
    (void)r;
}

static void connection_open(struct connection *c) {
    static const char *const names[] = {
        "fallback_application_name", "client_encoding", "dbname", NULL};
    const char *const values[] = {"tenantry-api", "UTF8", c->pool->settings.url, NULL};
    c->conn = PQconnectStartParams(names, values, 1);
    if (!c->conn) mem_exhausted();
    c->state = CONNECTING;
    c->since = clock_seconds();
    if (PQstatus(c->conn) == CONNECTION_BAD) {
        connection_lost(c, PQerrorMessage(c->conn));
        return;
    }
    PQsetNoticeReceiver(c->conn, ignore_notice, NULL);
    wait_for(c, EV_WRITE);
}

static void serve_next(struct pool *p);

static void go_on_connecting(struct connection *c) {
    switch (PQconnectPoll(c->conn)) {
    case PGRES_POLLING_READING:
        wait_for(c, EV_READ);
        return;
    case PGRES_POLLING_WRITING:
        wait_for(c, EV_WRITE);
        return;
    case PGRES_POLLING_OK:
        break;
    default:
        connection_lost(c, PQerrorMessage(c->conn));
        return;
    }
    if (PQsetnonblocking(c->conn, 1) || !PQenterPipelineMode(c->conn)) {
        connection_lost(c, PQerrorMessage(c->conn));
        return;
    }
    c->pool->retry_after = 0;
    c->state = IDLE;
    wait_for(c, EV_READ);
    serve_next(c->pool);
}

/* ---- a flight: settings, question, end of the transaction ---- */

static void add_leg(struct connection *c, enum leg leg) {
    c->legs[c->n_legs++] = leg;
}

static struct str address_of(const void *const *p) {
    return (struct str){(const char *)p, sizeof *p};
}

static bool is_prepared(const struct connection *c, const void *sql) {
    return map_get(&c->prepared, address_of(&sql)) != NULL;
}

static void name_of(const void *sql, char name[32]) {
    snprintf(name, 32, "s%llx", (unsigned long long)(size_t)sql);
}

/* The statement that makes n settings, and the role and the access mode besides. */
static const char *const setups[LOCALS_MAX + 1] = {
#define HEAD                                                                           \
    "select set_config('transaction_read_only',$1,true),set_config('role',$2,true)"
#define L(a, b) ",set_config($" #a ",$" #b ",true)"
    HEAD, HEAD L(3, 4), HEAD L(3, 4) L(5, 6), HEAD L(3, 4) L(5, 6) L(7, 8),
    HEAD L(3, 4) L(5, 6) L(7, 8) L(9, 10),
    HEAD L(3, 4) L(5, 6) L(7, 8) L(9, 10) L(11, 12),
    HEAD L(3, 4) L(5, 6) L(7, 8) L(9, 10) L(11, 12) L(13, 14),
    HEAD L(3, 4) L(5, 6) L(7, 8) L(9, 10) L(11, 12) L(13, 14) L(15, 16),
    HEAD L(3, 4) L(5, 6) L(7, 8) L(9, 10) L(11, 12) L(13, 14) L(15, 16) L(17, 18)
#undef L
#undef HEAD
};

static bool send_one(struct connection *c, const char *sql, enum leg prepare,
    enum leg ask, const char *const *values, int n) {
    char name[32];
    name_of(sql, name);
    if (!is_prepared(c, sql)) {
        if (!PQsendPrepare(c->conn, name, sql, 0, NULL)) return false;
        add_leg(c, prepare);
    }
    if (!PQsendQueryPrepared(c->conn, name, n, values, NULL, NULL, 0)) return false;
    add_leg(c, ask);
    return true;
}

/* Without BEGIN: what stands before the Sync is one transaction, which ends with it. */
static bool send_flight(struct connection *c, const struct pool_question *q) {
    const char *setup[2 + 2 * LOCALS_MAX] = {q->writes ? "off" : "on", q->role};
    c->n_legs = c->leg = 0;
    for (size_t i = 0; i < q->n_locals; i++) {
        setup[2 + 2 * i] = q->locals[i].name;
        setup[3 + 2 * i] = q->locals[i].value;
    }
    if (!send_one(c, setups[q->n_locals], LEG_PREPARE_SETUP, LEG_SETUP, setup,
            2 + 2 * (int)q->n_locals) ||
        !send_one(c, q->sql, LEG_PREPARE, LEG_ASK, q->values, q->n_values) ||
        !PQpipelineSync(c->conn))
        return false;
    add_leg(c, LEG_SYNC);
    return true;
}

static void flush(struct connection *c) {
    int left = PQflush(c->conn);
    if (left < 0)
        connection_lost(c, PQerrorMessage(c->conn));
    else
        wait_for(c, left ? EV_READ | EV_WRITE : EV_READ);
}

static void fly(struct connection *c, struct question *q) {
    c->question = q;
    c->state = BUSY;
    if (send_flight(c, &q->asked))
        flush(c);
    else
        connection_lost(c, PQerrorMessage(c->conn));
}

static void keep_result(struct connection *c, PGresult *r) {
    ExecStatusType s = PQresultStatus(r);
    enum leg leg = c->legs[c->leg];
    bool fine = s == PGRES_COMMAND_OK || s == PGRES_TUPLES_OK;
    if (fine && (leg == LEG_PREPARE || leg == LEG_PREPARE_SETUP)) {
        const struct pool_question *q = &c->question->asked;
        const void *sql = leg == LEG_PREPARE ? q->sql : setups[q->n_locals];
        map_set(&c->prepared, arena_copy(&c->names, address_of(&sql)), c);
    }
    if (fine && leg == LEG_ASK && !c->rows)
        c->rows = r;
    else if (s == PGRES_FATAL_ERROR && !c->error)
        c->error = r;
    else
        PQclear(r);
}

static const char *field(const PGresult *r, int which) {
    const char *text = PQresultErrorField(r, which);
    return text ? text : "";
}

static void flight_end(struct connection *c) {
    struct question *q = c->question;
    struct pool *p = c->pool;
    PGresult *rows = c->rows, *error = c->error;
    struct pool_answer a = {
        .outcome = POOL_DONE, .state = "", .message = "", .constraint = ""};
    c->question = NULL;
    c->rows = c->error = NULL;
    c->state = IDLE;
    if (error || !rows) {
        a.outcome = POOL_REFUSED;
        a.state = error ? field(error, PG_DIAG_SQLSTATE) : "";
        a.message = error ? field(error, PG_DIAG_MESSAGE_PRIMARY) : "no answer";
        a.constraint = error ? field(error, PG_DIAG_CONSTRAINT_NAME) : "";
        p->figures.refused++;
    } else
        a.rows = (struct pg_rows){rows, PQntuples(rows), PQnfields(rows)};
    if (PQtransactionStatus(c->conn) != PQTRANS_IDLE) {
        connection_lost(c, "a transaction was left open");
        c = NULL;
    }
    question_end(q, &a);
    PQclear(rows);
    PQclear(error);
    if (c && !p->closing) serve_next(p);
}

static void read_answers(struct connection *c) {
    if (!PQconsumeInput(c->conn)) {
        connection_lost(c, PQerrorMessage(c->conn));
        return;
    }
    while (c->state == BUSY && !PQisBusy(c->conn)) {
        PGresult *r = PQgetResult(c->conn);
        if (!r) { /* one leg has ended */
            c->leg++;
            continue;
        }
        bool end = PQresultStatus(r) == PGRES_PIPELINE_SYNC;
        if (!end) keep_result(c, r);
        if (!end) continue;
        PQclear(r);
        flight_end(c);
        return;
    }
    if (PQstatus(c->conn) == CONNECTION_BAD)
        connection_lost(c, PQerrorMessage(c->conn));
}

static void on_ready(evutil_socket_t fd, short what, void *ctx) {
    struct connection *c = ctx;
    (void)fd;
    if (c->state == CONNECTING) {
        go_on_connecting(c);
        return;
    }
    if (what & EV_WRITE) flush(c);
    if (c->state >= IDLE && what & EV_READ) read_answers(c);
}

/* ---- who waits ---- */

static void serve_next(struct pool *p) {
    struct connection *closed = NULL;
    bool connecting = false;
    for (unsigned i = 0; i < p->settings.connections && p->first; i++) {
        struct connection *c = &p->connections[i];
        if (c->state == IDLE) fly(c, pop(p));
        if (c->state == CLOSED) closed = c;
        connecting |= c->state == CONNECTING;
    }
    if (p->first && closed && !connecting && clock_seconds() >= p->retry_at)
        connection_open(closed);
    if (p->first) loop_arm(p->tick, TICK_SECONDS);
}

static void drop_late(struct pool *p, double now) {
    struct question **at = &p->first, *late = NULL, *q;
    while ((q = *at)) {
        if (q->deadline > now) {
            at = &q->next;
            continue;
        }
        *at = q->next;
        p->waiting--;
        q->next = late;
        late = q;
    }
    p->last = at;
    for (; late; late = q) {
        q = late->next;
        question_away(p, late, "no connection became free in time");
    }
}

static void tick(void *ctx) {
    struct pool *p = ctx;
    double now = clock_seconds();
    bool busy = false;
    for (unsigned i = 0; i < p->settings.connections; i++) {
        struct connection *c = &p->connections[i];
        if (c->state == CONNECTING && now > c->since + CONNECT_SECONDS)
            connection_lost(c, "the server does not answer");
        if (c->state == BUSY && now > c->question->deadline) {
            c->question->again = true;
            connection_lost(c, "the answer took too long");
        }
        busy |= c->state == BUSY || c->state == CONNECTING;
    }
    drop_late(p, now);
    serve_next(p);
    if (busy || p->first) loop_arm(p->tick, TICK_SECONDS);
}

static void tell_refused(void *ctx) {
    struct pool *p = ctx;
    struct question *list = p->refused, *next;
    p->refused = NULL;
    for (; list; list = next) {
        next = list->next;
        question_away(p, list, "too many questions wait");
    }
    serve_next(p);
}

static struct question *copy(const struct pool_question *given) {
    struct question *q = mem_calloc(1, sizeof *q);
    arena_init(&q->arena);
    q->asked = *given;
    struct pool_local *locals =
        arena_alloc(&q->arena, (given->n_locals + 1) * sizeof *locals);
    for (size_t i = 0; i < given->n_locals; i++) {
        locals[i].name = arena_strdup(&q->arena, given->locals[i].name);
        locals[i].value = arena_strdup(&q->arena, given->locals[i].value);
    }
    const char **values =
        arena_alloc(&q->arena, ((size_t)given->n_values + 1) * sizeof *values);
    for (int i = 0; i < given->n_values; i++)
        values[i] = given->values[i] ? arena_strdup(&q->arena, given->values[i]) : NULL;
    q->asked.role = arena_strdup(&q->arena, given->role);
    q->asked.locals = locals;
    q->asked.values = values;
    return q;
}

void pool_ask(struct pool *p, const struct pool_question *given) {
    struct question *q = copy(given);
    p->figures.asked++;
    q->deadline = clock_seconds() + p->settings.seconds;
    if (p->waiting >= p->settings.waiting) {
        q->next = p->refused;
        p->refused = q;
    } else {
        *p->last = q;
        p->last = &q->next;
        p->waiting++;
    }
    loop_arm(p->soon, 0);
}

/* ---- the pool ---- */

struct pool *pool_new(struct loop *l, const struct pool_settings *s) {
    struct pool *p = mem_calloc(1, sizeof *p);
    p->loop = l;
    p->settings = *s;
    p->last = &p->first;
    p->connections = mem_calloc(s->connections, sizeof *p->connections);
    for (unsigned i = 0; i < s->connections; i++) {
        p->connections[i].pool = p;
        arena_init(&p->connections[i].names);
    }
    p->tick = loop_timer(l, tick, p);
    p->soon = loop_timer(l, tell_refused, p);
    return p;
}

void pool_free(struct pool *p) {
    p->closing = true;
    for (unsigned i = 0; i < p->settings.connections; i++) {
        struct connection *c = &p->connections[i];
        struct question *q = c->question;
        c->question = NULL;
        connection_close(c);
        arena_dispose(&c->names);
        if (q) question_away(p, q, "the server is shutting down");
    }
    all_away(p, "the server is shutting down");
    for (struct question *q = p->refused, *next; q; q = next) {
        next = q->next;
        question_away(p, q, "the server is shutting down");
    }
    loop_event_free(p->tick);
    loop_event_free(p->soon);
    mem_free(p->connections);
    mem_free(p);
}

void pool_figures(const struct pool *p, struct pool_figures *out) {
    *out = p->figures;
    out->waiting = p->waiting;
    for (unsigned i = 0; i < p->settings.connections; i++) {
        out->open += p->connections[i].state >= IDLE;
        out->busy += p->connections[i].state == BUSY;
    }
}

#include "base/listen.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/pg.h"
#include "base/pg_library.h"

#define CONNECT_SECONDS 5.0 /* from the first packet to being in force */
#define PING_SECONDS 2.0    /* between two questions whether the server lives */
#define ANSWER_SECONDS 3.0  /* and how long the answer may take */
#define PAUSE_MIN 0.05      /* between two attempts, doubled ... */
#define PAUSE_MAX 1.0       /* ... up to this */
#define LASTING_SECONDS 1.0 /* a connection that held so long was a good one */

enum listen_state {
    LISTEN_PAUSED, /* until the timer goes off */
    LISTEN_CONNECTING,
    LISTEN_ASKING, /* LISTEN is on its way */
    LISTEN_IN_FORCE,
    LISTEN_PINGING /* the same, and the server owes an answer */
};
struct listener {
    struct loop *loop;
    struct listen_settings settings;
    char *url, *channel, *role;
    enum listen_state state;
    PGconn *conn; /* NULL: paused */
    struct loop_event *socket, *timer;
    bool writing;    /* the socket is watched for writing, too */
    double pause;    /* before the next attempt */
    double since;    /* it is in force */
    struct buf said; /* why it is lost, as last told; empty: it is not */
};

static void on_socket(void *ctx);

static void await(struct listener *n, bool read, bool write) {
    loop_event_free(n->socket);
    n->writing = write;
    n->socket = loop_socket(n->loop, PQsocket(n->conn), read, write, on_socket, n);
}

/* ---- between attempts ---- */

static void disconnect(struct listener *n) {
    loop_event_free(n->socket); /* before the descriptor is another's */
    n->socket = NULL;
    PQfinish(n->conn);
    n->conn = NULL;
}

static void tell_lost(struct listener *n, const char *why) {
    struct buf text;
    buf_init(&text, 4096);
    pg_message(&text, why);
    if (!text.len) buf_cstr(&text, "the connection is gone");
    bool other = !str_equal(buf_view(&text), buf_view(&n->said));
    if (other) {
        buf_reset(&n->said);
        buf_str(&n->said, buf_view(&text));
        n->settings.lost(n->settings.ctx, n->said.ptr);
    }
    buf_dispose(&text);
}

static void lose(struct listener *n, const char *why) {
    bool lasted =
        n->state >= LISTEN_IN_FORCE && clock_seconds() - n->since >= LASTING_SECONDS;
    if (lasted) n->pause = PAUSE_MIN;
    n->state = LISTEN_PAUSED;
    loop_arm(n->timer, n->pause);
    n->pause = n->pause * 2 < PAUSE_MAX ? n->pause * 2 : PAUSE_MAX;
    tell_lost(n, why); /* why may be the connection's own */
    disconnect(n);
}

/* ---- asking ---- */

static void ask(struct listener *n, const char *sql) {
    if (!PQsendQuery(n->conn, sql)) {
        lose(n, PQerrorMessage(n->conn));
        return;
    }
    int left = PQflush(n->conn);
    if (left < 0)
        lose(n, PQerrorMessage(n->conn));
    else
        await(n, true, left > 0);
}

static void ask_to_listen(struct listener *n) {
    char *channel = PQescapeIdentifier(n->conn, n->channel, strlen(n->channel));
    char *role = n->role ? PQescapeIdentifier(n->conn, n->role, strlen(n->role)) : NULL;
    struct buf sql;
    buf_init(&sql, 0);
    if (!channel || (n->role && !role)) {
        lose(n, PQerrorMessage(n->conn)); /* no text of the connection's encoding */
    } else {
        if (role) buf_printf(&sql, "set role %s; ", role);
        buf_printf(&sql, "listen %s", channel);
        n->state = LISTEN_ASKING;
        ask(n, sql.ptr);
    }
    buf_dispose(&sql);
    PQfreemem(channel);
    PQfreemem(role);
}

static void in_force(struct listener *n) {
    bool first = n->state == LISTEN_ASKING;
    n->state = LISTEN_IN_FORCE;
    loop_arm(n->timer, PING_SECONDS);
    if (!first) return;
    n->since = clock_seconds();
    buf_reset(&n->said);
    n->settings.listening(n->settings.ctx);
}

/* ---- what the server says ---- */

static void tell_heard(struct listener *n) {
    PGnotify *note;
    while ((note = PQnotifies(n->conn))) {
        n->settings.heard(n->settings.ctx, note->extra);
        PQfreemem(note);
    }
}

/* Takes what has arrived of the answer to LISTEN or a ping.  False: it was lost. */
static bool take_answers(struct listener *n) {
    bool asked = n->state == LISTEN_ASKING || n->state == LISTEN_PINGING;
    while (asked && !PQisBusy(n->conn)) {
        PGresult *r = PQgetResult(n->conn);
        if (!r) {
            in_force(n);
            return true;
        }
        ExecStatusType s = PQresultStatus(r);
        bool ok = s == PGRES_COMMAND_OK || s == PGRES_EMPTY_QUERY;
        if (!ok) lose(n, PQresultErrorMessage(r));
        PQclear(r);
        if (!ok) return false;
    }
    return true;
}

static void receive(struct listener *n) {
    int left = PQflush(n->conn);
    if (left < 0 || !PQconsumeInput(n->conn)) {
        tell_heard(n); /* what came before the end still counts */
        lose(n, PQerrorMessage(n->conn));
        return;
    }
    if (!take_answers(n)) return;
    tell_heard(n);
    if (PQstatus(n->conn) == CONNECTION_BAD)
        lose(n, PQerrorMessage(n->conn));
    else if (n->writing && !left)
        await(n, true, false);
}

/* ---- connecting ---- */

static void poll_connection(struct listener *n) {
    switch (PQconnectPoll(n->conn)) {
    case PGRES_POLLING_READING:
        await(n, true, false);
        return;
    case PGRES_POLLING_WRITING:
        await(n, false, true);
        return;
    case PGRES_POLLING_OK:
        PQsetnonblocking(n->conn, 1);
        ask_to_listen(n);
        return;
    default:
        lose(n, PQerrorMessage(n->conn));
    }
}

static void on_socket(void *ctx) {
    struct listener *n = ctx;
    if (n->state == LISTEN_CONNECTING)
        poll_connection(n);
    else
        receive(n);
}

static void ignore_notice(void *ctx, const PGresult *r) {
    (void)ctx;
    (void)r;
}

static void connect_start(struct listener *n) {
    /* What stands before dbname is overridden by the connection string. */
    static const char *const names[] = {"keepalives", "keepalives_idle",
        "keepalives_interval", "keepalives_count", "tcp_user_timeout",
        "fallback_application_name", "client_encoding", "dbname", NULL};
    const char *const values[] = {
        "1", "5", "2", "3", "10000", "tenantry", "UTF8", n->url, NULL};
    n->conn = PQconnectStartParams(names, values, 1);
    if (!n->conn) mem_exhausted();
    n->state = LISTEN_CONNECTING;
    loop_arm(n->timer, CONNECT_SECONDS);
    PQsetNoticeReceiver(n->conn, ignore_notice, NULL);
    if (PQstatus(n->conn) != CONNECTION_BAD) {
        await(n, false, true);
        return;
    }
    PQconninfoOption *options = PQconninfoParse(n->url, NULL);
    PQconninfoFree(options);
    /* What cannot be read might hold a password, and libpq would quote it. */
    lose(n, options ? PQerrorMessage(n->conn)
                    : "not a connection string such as postgresql://user@host/name");
}

static void on_timer(void *ctx) {
    struct listener *n = ctx;
    switch (n->state) {
    case LISTEN_PAUSED:
        connect_start(n);
        return;
    case LISTEN_IN_FORCE:
        n->state = LISTEN_PINGING;
        loop_arm(n->timer, ANSWER_SECONDS);
        ask(n, "");
        return;
    default:
        lose(n, "the server does not answer");
    }
}

/* ---- the whole of it ---- */

struct listener *listen_new(struct loop *l, const struct listen_settings *s) {
    struct listener *n = mem_calloc(1, sizeof *n);
    n->loop = l;
    n->settings = *s;
    n->url = mem_strdup(s->url);
    n->channel = mem_strdup(s->channel);
    n->role = s->role ? mem_strdup(s->role) : NULL;
    n->pause = PAUSE_MIN;
    buf_init(&n->said, 4096);
    n->timer = loop_timer(l, on_timer, n);
    loop_arm(n->timer, 0);
    return n;
}

void listen_free(struct listener *n) {
    if (!n) return;
    disconnect(n);
    loop_event_free(n->timer);
    buf_dispose(&n->said);
    mem_free(n->url);
    mem_free(n->channel);
    mem_free(n->role);
    mem_free(n);
}

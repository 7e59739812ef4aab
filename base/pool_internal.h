/* What pool*.c share: pool.c has the questions and who is next, pool_connection.c
 * connections that come and go, pool_flight.c one question's way over the wire. */
#ifndef BASE_POOL_INTERNAL_H
#define BASE_POOL_INTERNAL_H
#include "base/map.h"
#include "base/pg_library.h"
#include "base/pool.h"

#define POOL_TICK_SECONDS 0.1    /* how exactly deadlines are kept */
#define POOL_CONNECT_SECONDS 5.0 /* for an attempt to connect */
#define POOL_MUTE_SECONDS 1.0    /* in which a server that is well says something */
#define POOL_GRACE_SECONDS 0.5   /* for the server to stop a question by itself */
#define POOL_PAUSE_MIN 0.05      /* between two attempts that fail, doubled ... */
#define POOL_PAUSE_MAX 1.0       /* ... up to this */
#define POOL_LASTING_SECONDS 1.0 /* a connection that held so long was a good one */
#define POOL_DEPTH 16            /* questions at a time on one connection */
#define POOL_BRISK_SECONDS 0.002 /* what takes longer has no others put behind it */

enum pool_state { POOL_CLOSED, POOL_CONNECTING, POOL_IDLE, POOL_BUSY };
/* What the server is still to answer of a flight, in this order. */
enum pool_leg { LEG_PREPARE_SETUP, LEG_SETUP, LEG_PREPARE, LEG_ASK, LEG_SYNC };

struct pool_asked { /* a question with copies of what it points to, in one piece */
    struct pool_asked *next;
    struct pool_question q;
    double deadline;
    bool again;                /* this is its second attempt */
    enum pool_outcome outcome; /* of one that is in pool.ended */
    char why[160];
};
struct pool_flight { /* a question under way, and what has come of it */
    struct pool_asked *asked;
    enum pool_leg legs[5];
    unsigned n_legs, leg;
    size_t numbers[2]; /* of what it prepares: setup, question */
    PGresult *rows, *error;
    enum pool_leg failed; /* the leg that `error` is of */
};
struct pool_connection {
    struct pool *pool;
    PGconn *conn; /* NULL: closed */
    enum pool_state state;
    struct loop_event *readable, *writable; /* writable: only when there is a rest */
    double since;                           /* of the attempt; then, of its success */
    double flown;             /* since when the server is at the first flight */
    unsigned long generation; /* of the statements it has prepared */
    struct map prepared;      /* address of the SQL and role -> its number */
    struct arena names;       /* of the keys */
    size_t n_prepared;        /* numbers given, also to what then failed */
    bool answered;            /* a question, since it was opened */
    bool unsent;              /* libpq may hold something that is to be sent */
    /* Answered in this order; when there are several, all of them read. */
    struct pool_flight flights[POOL_DEPTH];
    unsigned n_flights; /* more than 0: POOL_BUSY */
};
struct pool_list {
    struct pool_asked *first, **last;
};
struct pool {
    struct loop *loop;
    struct pool_settings settings;
    struct pool_connection *connections;
    struct pool_list waiting, ended; /* ended: to be told from the loop */
    unsigned n_waiting;
    struct loop_event *tick, *soon;
    double retry_at, pause;   /* pause 0: the next attempt is the first */
    double heard;             /* when the server last answered anything */
    char why[256];            /* it cannot be reached; "": it can */
    unsigned long generation; /* connections of an older one are closed when idle */
    struct pool_figures figures;
    bool draining;
    void (*drained)(void *ctx); /* NULL: told, or nobody asked */
    void *drained_ctx;
};

/* ---- pool.c ---- */

/* Answers q from the loop, with an outcome other than POOL_DONE; takes q. */
void pool_end_soon(
    struct pool *p, struct pool_asked *q, enum pool_outcome o, const char *why);
/* Answers q now; takes q. */
void pool_end(struct pool_asked *q, const struct pool_answer *a);
/* Puts q in front of all that wait. */
void pool_again(struct pool *p, struct pool_asked *q);
/* Gives connections what waits, and opens another if that is not enough. */
void pool_serve(struct pool *p);
/* From now on questions are answered with POOL_AWAY at once, also those that wait. */
void pool_away(struct pool *p, const char *why);
/* The server is there. */
void pool_back(struct pool *p);

/* ---- pool_connection.c ---- */

void pool_connection_open(struct pool_connection *c);
void pool_connection_close(struct pool_connection *c);
/* The questions under way on it, in their order; how many. */
unsigned pool_connection_asked(
    const struct pool_connection *c, struct pool_asked *asked[POOL_DEPTH]);
/* It is of no more use: its questions are put again, or told of it. */
void pool_connection_lost(struct pool_connection *c, const char *why);
/* Sends what libpq still holds.  False: the connection was lost. */
bool pool_connection_flush(struct pool_connection *c);

/* ---- pool_flight.c ---- */

/* Puts q on its way on a connection that is idle, or where others read as well; takes
 * q.  pool_connection_flush sends it. */
void pool_fly(struct pool_connection *c, struct pool_asked *q);
/* Takes what the server has said, and ends the flights that are answered. */
void pool_land(struct pool_connection *c);
#endif

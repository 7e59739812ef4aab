/* One request on its way: whose host, who asks, what for, and its one answer.
 *
 * Everything in it is in c->request->arena or lives longer; it ends with its answer. */
#ifndef API_CALL_H
#define API_CALL_H
#include "api/server.h"
#include "base/json.h"

struct route;
enum rank {    /* of a member, lowest first */
    RANK_NONE, /* nobody is signed in, or whoever is, is no member here */
    RANK_GUEST,
    RANK_MEMBER,
    RANK_ADMIN,
    RANK_OWNER
};
struct principal {       /* who asks */
    const char *user;    /* uuid; NULL: nobody is signed in */
    enum rank rank;      /* in this tenant */
    const char *session; /* uuid of the browser's session; NULL: a token or a key */
    const char *scopes;  /* of an API key or token, separated by blanks; NULL: all */
};
struct call {
    struct server *server;
    struct http_request *request;
    const struct route *route; /* NULL: none has this path */
    struct tenants *tenants;   /* the set this request began with */
    struct api_tenant *tenant; /* NULL: the route needs none */
    struct principal principal;
    bool identified;              /* identity_find has been through */
    void (*then)(struct call *c); /* ... and goes on here */
    const char *id;               /* of the request, for logs and problems */
    struct str host;           /* asked for, as sent; a trusted proxy's word counts */
    struct net_address client; /* where it comes from, that of a proxy's client */
    const char *client_text;   /* the same, as written */
    bool secure;               /* it came to a trusted proxy by https */
    const char *path[2]; /* what {name} stands for in the route's path, in order */
    double began;        /* clock_seconds */
    json_t *sent;        /* the body, once call_json was asked for it; owned */
    void *handler;       /* the handler's own */
    const char *note;    /* for the log: what the status does not tell; NULL: nothing */
};

/* ---- what was sent ---- */

/* The body as a JSON object or array; NULL: answered (400, 415).  Owned by the call. */
json_t *call_json(struct call *c);
struct str call_body(const struct call *c);

/* ---- the one answer; each ends c ---- */

void call_reply(struct call *c, int status, const char *type, struct str body);
void call_reply_json(struct call *c, int status, struct str json);
/* 200, for nobody but whoever asks. */
void call_reply_value(struct call *c, const json_t *v);
/* Bytes that stay; the type is a header of the caller's. */
void call_reply_file(struct call *c, int status, const struct http_file *f);
void call_problem(struct call *c, int status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* For the answer that follows. */
void call_header(struct call *c, const char *name, const char *value);

/* ---- the database ---- */

/* Asks as tenantry_web, _member or _admin, as the principal's rank says, or as `role`
 * when not NULL; with app.current_tenant_id and app.current_user_id set.  Without a
 * database, or for a tenant that has no row, answered with 503 or 404. */
struct call_question {
    const char *role;
    bool writes;
    const char *sql; /* as in pool_question */
    const char *const *values;
    int n_values;
    /* a->outcome is POOL_DONE: everything else has been answered by call_failed, unless
     * `failed` is there to do it. */
    void (*done)(struct call *c, const struct pool_answer *a);
    void (*failed)(struct call *c, const struct pool_answer *a);
};
void call_ask(struct call *c, const struct call_question *q);
/* Answers for a question that failed: SQLSTATE PTnnn is status nnn with the message as
 * detail (functions raise it on purpose), a violated key 409, away 503 with
 * Retry-After; all else is 500 without a word about why, which is in the log. */
void call_failed(struct call *c, const struct pool_answer *a);
/* The status that call_failed answers with, and its detail ("": none). */
int call_failure(const struct pool_answer *a, const char **detail);
/* The one value of the answer's one row; NULL is SQL's, or there is no row. */
const char *call_value(const struct pool_answer *a);
#endif

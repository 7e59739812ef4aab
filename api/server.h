/* All that one worker process of the API has: nothing of it lives at file scope. */
#ifndef API_SERVER_H
#define API_SERVER_H
#include "api/settings.h"
#include "api/tenants.h"
#include "base/http.h"
#include "base/pool.h"

enum { SERVER_HOOKS = 8 };
struct server {
    const struct settings *settings;
    struct loop *loop;
    struct http *http;
    struct pool *pool; /* NULL: no database was named */
    struct tenants *tenants;
    struct identity *identity;
    struct fetch *fetch; /* for asking others */
    struct snapshots *snapshots;
    struct richtext *richtext;
    struct metrics *metrics; /* shared with the other workers, as are the limits */
    struct limits *limits;
    struct log *log;
    unsigned long long ids; /* the next request's, before it is scrambled */
    bool listed;            /* the database has said which tenants it has */
    bool listening;  /* it would tell of a change; else it may have been missed */
    bool draining;   /* told to stop: not ready any more */
    unsigned worker; /* from 0 */
    void (*changed[SERVER_HOOKS])(struct server *s, const char *slug);
    void (*reloaded[SERVER_HOOKS])(struct server *s);
    unsigned n_changed, n_reloaded;
};

/* Before serving: `call` is told whenever rows of a tenant may have changed in the
 * database; slug NULL: anybody's (it could not be heard for a while). */
void server_on_change(
    struct server *s, void (*call)(struct server *s, const char *slug));
/* The same of a reload (SIGHUP): s->tenants is another set now, and files of keys may
 * have changed.  Old sets live until their last request has ended. */
void server_on_reload(struct server *s, void (*call)(struct server *s));
void server_changed(struct server *s, const char *slug);
void server_reloaded(struct server *s);
/* An id for a request: 16 hexadecimal digits, unlike all others. */
const char *server_next_id(struct server *s, struct arena *a);
#endif

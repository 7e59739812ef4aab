/* Who wants to know when something changes in Postgres: a connection that listens on an
 * event loop, never blocks it (but where libpq looks up a host name), and comes back by
 * itself, within a second or two of the server. */
#ifndef BASE_LISTEN_H
#define BASE_LISTEN_H
#include "base/loop.h"

struct listen_settings { /* copied */
    const char *url;     /* a connection string or URL */
    const char *channel; /* taken as it is, upper case too */
    const char *role;    /* taken on with `set role`; NULL: none */
    /* A notification came.  Anybody who is connected may send one, so it says at most
     * that it is worth having a look. */
    void (*heard)(void *ctx, const char *payload);
    /* It listens, for the first time or again.  What was committed before may not have
     * been heard of: read all state anew. */
    void (*listening)(void *ctx);
    /* There is no connection, or no answer any more; it is tried again, after 50 ms at
     * first, every second in the end.  Told again only when the reason is another.
     * `why` is one line without any password. */
    void (*lost)(void *ctx, const char *why);
    void *ctx; /* of the three, none of which may call listen_free */
};
struct listener;
/* Calls back from the loop only, not from here. */
struct listener *listen_new(struct loop *l, const struct listen_settings *s);
void listen_free(struct listener *n); /* NULL is allowed */
#endif

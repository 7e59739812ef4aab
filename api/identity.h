/* Who asks: a browser's session, a JSON Web Token, or an API key.
 *
 * The database is the authority on what somebody may do here: a token's role can only
 * lower the rank of the membership, never raise it. */
#ifndef API_IDENTITY_H
#define API_IDENTITY_H
#include "api/call.h"

struct identity;
struct fetch;
/* What `f` still has under way when this ends must not be told any more. */
struct identity *identity_new(
    struct loop *l, struct fetch *f, const struct settings *s);
void identity_free(struct identity *i); /* NULL is allowed */
/* For server_on_reload: the keys of tokens may be others now. */
void identity_reload(struct server *s);

/* Fills c->principal and calls then(c), at once or later, or answers: 400 for two
 * Authorization headers, 401 for a token or key that is not valid, 403 for what a
 * cookie's browser sends in the name of another site, or of a key beyond its scopes,
 * 503 without a database.  Whoever sends nothing, or a cookie that is not valid any
 * more, goes on as nobody.  Asks the database once at most; the second time in a
 * request it just goes on. */
void identity_find(struct call *c, void (*then)(struct call *c));

/* Whether the browser says that a page of this very host sends this; *told is false
 * when it says nothing (or is none). */
bool identity_same_origin(const struct call *c, bool *told);
/* False: the browser says that a page of another site sends this; answered with 403. */
bool identity_from_here(struct call *c);
/* "owner" as a rank; RANK_NONE: no role of ours. */
enum rank identity_rank(const char *role);
/* What coming in needs. */
struct passwords *identity_passwords(struct identity *i);
/* The name of the cookie that holds the session's token. */
const char *identity_cookie(const struct settings *s);
#endif

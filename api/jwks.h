/* The keys that tokens are judged by: a secret, and what a JWKS (RFC 7517) holds, a
 * file or another server's.  The last good set is kept whatever happens to its source.
 */
#ifndef API_JWKS_H
#define API_JWKS_H
#include "api/jwt.h"
#include "api/settings.h"
#include "base/loop.h"

struct fetch;
struct jwks;
/* Begins to read the source at once. */
struct jwks *jwks_new(struct loop *l, struct fetch *f, const struct settings *s);
void jwks_free(struct jwks *k); /* who waits is called first; NULL is allowed */
/* All there are now; borrowed until the loop goes on. */
struct jwt_keys jwks_keys(const struct jwks *k);
/* Reads the source anew, unless that was done seconds ago, and calls done(ctx): at once
 * when there is nothing to wait for. */
void jwks_renew(struct jwks *k, void (*done)(void *ctx), void *ctx);
/* The same whenever it was done last, and nobody waits. */
void jwks_reload(struct jwks *k);

struct jwk_set {
    struct jwt_key *items;
    size_t n;
};
/* The usable keys of a JWKS document.  False: it is none, or has none; *why says which.
 */
bool jwk_set_read(struct jwk_set *set, struct str text, const char **why);
void jwk_set_dispose(struct jwk_set *set);
#endif

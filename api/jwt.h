/* JSON Web Tokens (RFC 7519), judged: text, keys and expectations in, claims or the
 * reason against them out.  No I/O, no clock.
 *
 * The key that the token's kid names decides on the algorithm, never the token. */
#ifndef API_JWT_H
#define API_JWT_H
#include <stdint.h>
#include "base/arena.h"
#include "base/jwk.h"

struct jwt_key {
    const char *id; /* kid; NULL: it has none, and only tokens without one are its */
    struct jwk *key;
};
struct jwt_keys {
    const struct jwt_key *items;
    size_t n;
};
struct jwt_expected {
    const char *issuer;   /* iss must be this; NULL: it is not looked at */
    const char *audience; /* aud must name this; NULL: aud may be absent, or must name
                             the tenant */
    const char *tenant,
        *slug;                /* whose host was asked: its uuid ("": none) and folder */
    const char *const *hosts; /* its domains */
    size_t n_hosts;
    const char *role;    /* the header x-hasura-role; NULL: not sent */
    int64_t now, leeway; /* seconds */
};
struct jwt_claims {
    const char *user; /* uuid, in lower case */
    const char *role; /* the one claimed; NULL: the token does not speak of roles */
};
enum jwt_verdict {
    JWT_FINE,
    JWT_MALFORMED,
    JWT_CRITICAL,
    JWT_UNKNOWN_KEY,
    JWT_ALGORITHM,
    JWT_SIGNATURE,
    JWT_EXPIRED,
    JWT_EARLY,
    JWT_ISSUER,
    JWT_AUDIENCE,
    JWT_TENANT,
    JWT_USER,
    JWT_ROLE
};
/* Claims are in the arena. */
enum jwt_verdict jwt_judge(struct str token, struct jwt_keys keys,
    const struct jwt_expected *expected, struct arena *a, struct jwt_claims *claims);
/* For the log; whoever sent the token is not told. */
const char *jwt_reason(enum jwt_verdict v);
#endif

/* Keys that signatures are checked with, from JSON Web Keys (RFC 7517) or a secret, by
 * OpenSSL's libcrypto. */
#ifndef BASE_JWK_H
#define BASE_JWK_H
#include "base/json.h"
#include "base/str.h"

enum jwk_algorithm { JWK_HS256, JWK_RS256, JWK_ES256, JWK_EDDSA };
const char *jwk_name(enum jwk_algorithm a); /* "HS256" */

struct jwk;
/* A public key to check signatures: RSA of 2048 to 8192 bits (RS256), P-256 (ES256) or
 * Ed25519 (EdDSA).  NULL: it is none, or of no use here; *why says so. */
struct jwk *jwk_new(const json_t *key, const char **why);
/* HS256; NULL when the secret is shorter than 32 bytes. */
struct jwk *jwk_secret(struct str secret);
void jwk_free(struct jwk *k); /* NULL is allowed */
enum jwk_algorithm jwk_algorithm(const struct jwk *k);
/* Of the key's own algorithm; the signature's form is that of RFC 7518. */
bool jwk_verify(const struct jwk *k, struct str bytes, struct str signature);
#endif

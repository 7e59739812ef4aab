/* Hashes, random bytes and their texts, by OpenSSL's libcrypto. */
#ifndef BASE_CRYPTO_H
#define BASE_CRYPTO_H
#include "base/arena.h"
#include "base/str.h"

#define SHA256_HEX_SIZE 65
void sha256_raw(struct str bytes, unsigned char out[32]);
void sha256_hex(
    struct str bytes, char out[SHA256_HEX_SIZE]); /* lower case, NUL-terminated */
void sha256_base64(
    struct str bytes, char out[45]); /* standard alphabet, padded, NUL-terminated */
/* Of what comes piece by piece. */
struct sha256 {
    void *ctx; /* OpenSSL's; NULL: not begun */
};
void sha256_begin(struct sha256 *h);
void sha256_add(struct sha256 *h, struct str bytes);
/* Ends it; `out` may be NULL. */
void sha256_end(struct sha256 *h, unsigned char out[32]);

void hmac_sha256(struct str key, struct str bytes, unsigned char out[32]);

/* In a time that tells their length at most. */
bool crypto_equal(struct str a, struct str b);
/* Of the kernel, fit for keys; a machine that has none ends the process. */
void crypto_random(void *out, size_t n);

/* Without padding (RFC 4648, section 5). */
char *base64url_encode(struct arena *a, struct str bytes);
/* Nothing but the one text base64url_encode makes of some bytes is taken: no padding,
 * no blanks, no bits left over. */
bool base64url_decode(struct arena *a, struct str text, struct str *bytes);
#endif

/* Hashes, by OpenSSL's libcrypto. */
#ifndef BASE_CRYPTO_H
#define BASE_CRYPTO_H
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
#endif

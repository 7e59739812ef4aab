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
#endif

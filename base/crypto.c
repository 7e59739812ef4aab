/* Hashes, by OpenSSL's libcrypto. */
#include "base/crypto.h"
#include "base/mem.h"

#include <openssl/evp.h>

void sha256_raw(struct str bytes, unsigned char out[32]) {
    const void *data = bytes.len ? bytes.ptr : "";
    /* With the algorithm built in, only an allocation can fail. */
    if (!EVP_Digest(data, bytes.len, out, NULL, EVP_sha256(), NULL)) mem_exhausted();
}

void sha256_hex(struct str bytes, char out[SHA256_HEX_SIZE]) {
    static const char digits[] = "0123456789abcdef";
    unsigned char raw[32];
    sha256_raw(bytes, raw);
    for (size_t i = 0; i < sizeof(raw); i++) {
        out[2 * i] = digits[raw[i] >> 4];
        out[2 * i + 1] = digits[raw[i] & 15];
    }
    out[2 * sizeof(raw)] = '\0';
}

void sha256_base64(struct str bytes, char out[45]) {
    unsigned char raw[32];
    sha256_raw(bytes, raw);
    EVP_EncodeBlock((unsigned char *)out, raw, sizeof(raw));
}

void sha256_begin(struct sha256 *h) {
    h->ctx = EVP_MD_CTX_new();
    if (!h->ctx || !EVP_DigestInit_ex(h->ctx, EVP_sha256(), NULL)) mem_exhausted();
}

void sha256_add(struct sha256 *h, struct str bytes) {
    if (!EVP_DigestUpdate(h->ctx, bytes.len ? bytes.ptr : "", bytes.len))
        mem_exhausted();
}

void sha256_end(struct sha256 *h, unsigned char out[32]) {
    if (out && !EVP_DigestFinal_ex(h->ctx, out, NULL)) mem_exhausted();
    EVP_MD_CTX_free(h->ctx);
    h->ctx = NULL;
}

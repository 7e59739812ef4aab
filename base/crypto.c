#include "base/crypto.h"
#include "base/mem.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sys/random.h>

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

void hmac_sha256(struct str key, struct str bytes, unsigned char out[32]) {
    const void *data = bytes.len ? bytes.ptr : "";
    if (!HMAC(EVP_sha256(), key.len ? key.ptr : "", (int)key.len, data, bytes.len, out,
            NULL))
        mem_exhausted();
}

bool crypto_equal(struct str a, struct str b) {
    return a.len == b.len && !CRYPTO_memcmp(a.ptr, b.ptr, a.len);
}

void crypto_random(void *out, size_t n) {
    unsigned char *at = out;
    while (n) {
        ssize_t got = getrandom(at, n, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) mem_exhausted();
        at += got;
        n -= (size_t)got;
    }
}

/* ---- base64url ---- */

char *base64url_encode(struct arena *a, struct str bytes) {
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    char *text = arena_alloc(a, bytes.len / 3 * 4 + 5), *out = text;
    unsigned have = 0, n_bits = 0;
    for (size_t i = 0; i < bytes.len; i++) {
        have = have << 8 | (unsigned char)bytes.ptr[i];
        for (n_bits += 8; n_bits >= 6; n_bits -= 6)
            *out++ = digits[have >> (n_bits - 6) & 63];
    }
    if (n_bits) *out++ = digits[have << (6 - n_bits) & 63];
    return text;
}

static int digit_value(char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

bool base64url_decode(struct arena *a, struct str text, struct str *bytes) {
    char *out = arena_alloc(a, text.len / 4 * 3 + 4);
    unsigned have = 0, n_bits = 0;
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        int value = digit_value(text.ptr[i]);
        if (value < 0) return false;
        have = have << 6 | (unsigned)value;
        n_bits += 6;
        if (n_bits < 8) continue;
        n_bits -= 8;
        out[n++] = (char)(have >> n_bits & 255);
    }
    *bytes = (struct str){out, n};
    return n_bits < 6 && !(have & ((1u << n_bits) - 1));
}

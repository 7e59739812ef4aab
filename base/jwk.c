#include "base/jwk.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include "base/crypto.h"
#include "base/mem.h"

#define SECRET_MIN 32
#define RSA_BITS_MIN 2048
#define RSA_BITS_MAX 8192

struct jwk {
    enum jwk_algorithm algorithm;
    EVP_PKEY *key; /* NULL: of a secret */
    struct str secret;
};

const char *jwk_name(enum jwk_algorithm a) {
    static const char *const names[] = {"HS256", "RS256", "ES256", "EdDSA"};
    return names[a];
}

enum jwk_algorithm jwk_algorithm(const struct jwk *k) {
    return k->algorithm;
}

/* ---- from JSON ---- */

/* The bytes of a member in base64url; empty when it is not there or wrong. */
static struct str member(const json_t *key, const char *name, struct arena *a) {
    json_t *v = json_object_get(key, name);
    struct str bytes = {"", 0};
    struct str text = {json_string_value(v), json_string_length(v)};
    if (!json_is_string(v) || !base64url_decode(a, text, &bytes)) return STR("");
    return bytes;
}

/* Whatever libcrypto says about a foreign key is not worth keeping. */
static EVP_PKEY *from_parameters(const char *type, OSSL_PARAM_BLD *made) {
    OSSL_PARAM *parameters = OSSL_PARAM_BLD_to_param(made);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY *key = NULL;
    if (!parameters || !ctx) mem_exhausted();
    if (EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, parameters) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(parameters);
    OSSL_PARAM_BLD_free(made);
    ERR_clear_error();
    return key;
}

static EVP_PKEY *read_rsa(const json_t *json, struct arena *a) {
    struct str n = member(json, "n", a), e = member(json, "e", a);
    if (!n.len || n.len > RSA_BITS_MAX / 8 || !e.len || e.len > 8) return NULL;
    BIGNUM *modulus = BN_bin2bn((const unsigned char *)n.ptr, (int)n.len, NULL);
    BIGNUM *exponent = BN_bin2bn((const unsigned char *)e.ptr, (int)e.len, NULL);
    OSSL_PARAM_BLD *made = OSSL_PARAM_BLD_new();
    if (!modulus || !exponent || !made) mem_exhausted();
    bool fine = BN_num_bits(modulus) >= RSA_BITS_MIN && BN_is_odd(modulus) &&
                BN_is_odd(exponent) && !BN_is_one(exponent);
    OSSL_PARAM_BLD_push_BN(made, OSSL_PKEY_PARAM_RSA_N, modulus);
    OSSL_PARAM_BLD_push_BN(made, OSSL_PKEY_PARAM_RSA_E, exponent);
    EVP_PKEY *key = from_parameters("RSA", made);
    BN_free(modulus);
    BN_free(exponent);
    if (fine) return key;
    EVP_PKEY_free(key);
    return NULL;
}

static EVP_PKEY *read_ec(const json_t *json, struct arena *a) {
    struct str x = member(json, "x", a), y = member(json, "y", a);
    char point[65] = {4}; /* not compressed */
    if (x.len != 32 || y.len != 32) return NULL;
    memcpy(point + 1, x.ptr, 32);
    memcpy(point + 33, y.ptr, 32);
    OSSL_PARAM_BLD *made = OSSL_PARAM_BLD_new();
    if (!made) mem_exhausted();
    OSSL_PARAM_BLD_push_utf8_string(made, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0);
    OSSL_PARAM_BLD_push_octet_string(made, OSSL_PKEY_PARAM_PUB_KEY, point, 65);
    EVP_PKEY *key = from_parameters("EC", made);
    EVP_PKEY_CTX *ctx = key ? EVP_PKEY_CTX_new(key, NULL) : NULL;
    bool fine = ctx && EVP_PKEY_public_check(ctx) == 1;
    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();
    if (fine) return key;
    EVP_PKEY_free(key);
    return NULL;
}

static EVP_PKEY *read_ed25519(const json_t *json, struct arena *a) {
    struct str x = member(json, "x", a);
    if (x.len != 32) return NULL;
    return EVP_PKEY_new_raw_public_key(
        EVP_PKEY_ED25519, NULL, (const unsigned char *)x.ptr, 32);
}

static bool is(const json_t *key, const char *name, const char *value) {
    const char *text = json_string_value(json_object_get(key, name));
    return text && !strcmp(text, value);
}

/* Absent is fine. */
static bool may_verify(const json_t *key, enum jwk_algorithm a) {
    const json_t *operations = json_object_get(key, "key_ops"), *one;
    size_t i;
    bool verifies = !operations;
    json_array_foreach(operations, i, one) {
        const char *name = json_string_value(one);
        verifies |= name && !strcmp(name, "verify");
    }
    return verifies && (!json_object_get(key, "use") || is(key, "use", "sig")) &&
           (!json_object_get(key, "alg") || is(key, "alg", jwk_name(a)));
}

struct jwk *jwk_new(const json_t *json, const char **why) {
    static const struct {
        const char *type, *curve;
        enum jwk_algorithm algorithm;
        EVP_PKEY *(*read)(const json_t *json, struct arena *a);
    } kinds[] = {{"RSA", NULL, JWK_RS256, read_rsa},
        {"EC", "P-256", JWK_ES256, read_ec},
        {"OKP", "Ed25519", JWK_EDDSA, read_ed25519}};
    struct arena a;
    struct jwk *k = NULL;
    arena_init(&a);
    *why = "it is none of RSA, EC P-256, OKP Ed25519";
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds && !k; i++) {
        if (!is(json, "kty", kinds[i].type)) continue;
        if (kinds[i].curve && !is(json, "crv", kinds[i].curve)) continue;
        *why = "its use, key_ops or alg says that it is for something else";
        if (!may_verify(json, kinds[i].algorithm)) break;
        *why = "its numbers are no public key";
        EVP_PKEY *key = kinds[i].read(json, &a);
        if (!key) break;
        k = mem_calloc(1, sizeof *k);
        *k = (struct jwk){.algorithm = kinds[i].algorithm, .key = key};
    }
    arena_dispose(&a);
    return k;
}

struct jwk *jwk_secret(struct str secret) {
    if (secret.len < SECRET_MIN) return NULL;
    struct jwk *k = mem_calloc(1, sizeof *k);
    k->secret =
        (struct str){memcpy(mem_alloc(secret.len), secret.ptr, secret.len), secret.len};
    return k;
}

void jwk_free(struct jwk *k) {
    if (!k) return;
    EVP_PKEY_free(k->key);
    if (k->secret.ptr) OPENSSL_cleanse((char *)k->secret.ptr, k->secret.len);
    mem_free((char *)k->secret.ptr);
    mem_free(k);
}

/* ---- signatures ---- */

static bool verify_hmac(const struct jwk *k, struct str bytes, struct str signature) {
    unsigned char right[32];
    hmac_sha256(k->secret, bytes, right);
    return crypto_equal(signature, (struct str){(const char *)right, sizeof right});
}

static bool verify_key(const struct jwk *k, const EVP_MD *digest, struct str bytes,
    const unsigned char *signature, size_t len) {
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (!ctx) mem_exhausted();
    bool right = EVP_DigestVerifyInit(ctx, NULL, digest, NULL, k->key) == 1 &&
                 EVP_DigestVerify(ctx, signature, len, (const unsigned char *)bytes.ptr,
                     bytes.len) == 1;
    EVP_MD_CTX_free(ctx);
    ERR_clear_error();
    return right;
}

/* r and s stand side by side in a token, and as ASN.1 for libcrypto. */
static bool verify_ecdsa(const struct jwk *k, struct str bytes, struct str signature) {
    const unsigned char *raw = (const unsigned char *)signature.ptr;
    unsigned char *der = NULL;
    if (signature.len != 64) return false;
    ECDSA_SIG *both = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(raw, 32, NULL), *s = BN_bin2bn(raw + 32, 32, NULL);
    if (!both || !r || !s || !ECDSA_SIG_set0(both, r, s)) mem_exhausted();
    int len = i2d_ECDSA_SIG(both, &der);
    bool right = len > 0 && verify_key(k, EVP_sha256(), bytes, der, (size_t)len);
    OPENSSL_free(der);
    ECDSA_SIG_free(both);
    return right;
}

bool jwk_verify(const struct jwk *k, struct str bytes, struct str signature) {
    const unsigned char *raw = (const unsigned char *)signature.ptr;
    switch (k->algorithm) {
    case JWK_HS256:
        return verify_hmac(k, bytes, signature);
    case JWK_RS256:
        return verify_key(k, EVP_sha256(), bytes, raw, signature.len);
    case JWK_ES256:
        return verify_ecdsa(k, bytes, signature);
    case JWK_EDDSA:
        return verify_key(k, NULL, bytes, raw, signature.len);
    }
    return false;
}

/* Tokens, sets of keys and forms of any kind: no crash; what nobody signed is never
 * taken; what is signed and taken has a user, an end and a tenant. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include "api/form.h"
#include "api/jwks.h"
#include "base/crypto.h"

#define SECRET "a secret of thirty-two bytes ...."
#define NOW 1700000000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum jwt_verdict judge(
    struct arena *a, struct str token, struct jwt_claims *claims) {
    static const char *const hosts[] = {"acme.com"};
    struct jwt_expected e = {.tenant = "11111111-2222-4333-8444-555555555555",
        .slug = "acme",
        .hosts = hosts,
        .n_hosts = 1,
        .now = NOW};
    struct jwt_key key = {NULL, jwk_secret(STR(SECRET))};
    enum jwt_verdict v = jwt_judge(token, (struct jwt_keys){&key, 1}, &e, a, claims);
    jwk_free(key.key);
    return v;
}

/* The first line is the header, all else the body. */
static void try_signed(struct arena *a, struct str text) {
    struct str header;
    struct jwt_claims claims;
    unsigned char mac[32];
    str_cut(&text, '\n', &header);
    if (!text.ptr) text = STR("");
    char *head = base64url_encode(a, header);
    char *part = arena_printf(a, "%s.%s", head, base64url_encode(a, text));
    hmac_sha256(STR(SECRET), str_from(part), mac);
    char *signature = base64url_encode(a, (struct str){(const char *)mac, sizeof mac});
    if (judge(a, str_from(arena_printf(a, "%s.%s", part, signature)), &claims)) return;
    size_t at;
    if (!claims.user || !str_find(text, "exp", &at) || !str_find(header, "alg", &at))
        abort();
}

static void try_base64(struct arena *a, struct str text) {
    struct str bytes;
    if (!base64url_decode(a, text, &bytes)) return;
    if (!str_is(text, base64url_encode(a, bytes))) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str text = {(const char *)data, size};
    struct arena a;
    struct jwt_claims claims;
    struct jwk_set set;
    const char *why;
    json_setup();
    arena_init(&a);
    if (!judge(&a, text, &claims)) abort();
    try_signed(&a, text);
    try_base64(&a, text);
    if (jwk_set_read(&set, text, &why)) jwk_set_dispose(&set);
    form_field(&a, text, "email");
    arena_dispose(&a);
    return 0;
}

/* Tokens are judged by the key's algorithm, for one tenant, or refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "api/jwt.h"
#include "base/crypto.h"

#define NOW 1700000000
#define USER "0b0c1a52-6a5c-4c0e-9d3e-0f6a3a1f0001"
#define TENANT "11111111-2222-4333-8444-555555555555"
#define SECRET "a secret of thirty-two bytes ...."
#define SUB "\"sub\":\"" USER "\""
#define EXP "\"exp\":1700000100"
#define HERE "\"tenant_id\":\"acme\""
#define GOOD "{" SUB "," EXP "," HERE "}"
#define HS "{\"alg\":\"HS256\"}"
#define HASURA "\"https://hasura.io/jwt/claims\":"
#define ROLES                                                                          \
    "\"x-hasura-default-role\":\"member\",\"x-hasura-allowed-roles\":[\"member\","     \
    "\"admin\"]"

static struct arena arena;

static int setup(void **state) {
    (void)state;
    arena_init(&arena);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    arena_dispose(&arena);
    return 0;
}

static char *sign(const char *header, const char *body) {
    unsigned char mac[32];
    char *head = base64url_encode(&arena, str_from(header));
    char *text =
        arena_printf(&arena, "%s.%s", head, base64url_encode(&arena, str_from(body)));
    hmac_sha256(STR(SECRET), str_from(text), mac);
    char *signature =
        base64url_encode(&arena, (struct str){(const char *)mac, sizeof mac});
    return arena_printf(&arena, "%s.%s", text, signature);
}

static const char *const hosts[] = {"acme.com", "acme.net"};

static struct jwt_expected usual(void) {
    return (struct jwt_expected){.tenant = TENANT,
        .slug = "acme",
        .hosts = hosts,
        .n_hosts = 2,
        .now = NOW,
        .leeway = 0};
}

static enum jwt_verdict judge(const char *token, const char *id,
    const struct jwt_expected *e, struct jwt_claims *claims) {
    struct jwt_key key = {id, jwk_secret(STR(SECRET))};
    enum jwt_verdict v =
        jwt_judge(str_from(token), (struct jwt_keys){&key, 1}, e, &arena, claims);
    jwk_free(key.key);
    return v;
}

static void test_headers(void **state) {
    static const struct {
        const char *header, *id;
        enum jwt_verdict verdict;
    } rows[] = {
        {HS, NULL, JWT_FINE},
        {"{\"alg\":\"HS256\",\"typ\":\"JWT\"}", NULL, JWT_FINE},
        {"{\"alg\":\"HS256\",\"typ\":\"application/at+jwt\"}", NULL, JWT_FINE},
        {"{\"alg\":\"HS256\",\"typ\":\"logout+jwt\"}", NULL, JWT_MALFORMED},
        {"{\"alg\":\"HS256\",\"typ\":1}", NULL, JWT_MALFORMED},
        {"{\"alg\":\"HS256\",\"kid\":\"one\"}", "one", JWT_FINE},
        {"{\"alg\":\"HS256\"}", "one", JWT_FINE}, /* the only key there is */
        {"{\"alg\":\"HS256\",\"kid\":\"two\"}", "one", JWT_UNKNOWN_KEY},
        {"{\"alg\":\"HS256\",\"kid\":\"one\"}", NULL, JWT_UNKNOWN_KEY},
        {"{\"alg\":\"HS256\",\"kid\":\"\"}", "one", JWT_UNKNOWN_KEY},
        {"{\"alg\":\"HS256\",\"kid\":null}", "one", JWT_MALFORMED},
        {"{\"alg\":\"none\"}", NULL, JWT_ALGORITHM},
        {"{\"alg\":\"None\"}", NULL, JWT_ALGORITHM},
        {"{\"alg\":\"hs256\"}", NULL, JWT_ALGORITHM},
        {"{\"alg\":\"HS512\"}", NULL, JWT_ALGORITHM},
        {"{\"alg\":\"RS256\"}", NULL, JWT_ALGORITHM},
        {"{\"alg\":[\"HS256\"]}", NULL, JWT_ALGORITHM},
        {"{}", NULL, JWT_ALGORITHM},
        {"{\"alg\":\"none\",\"alg\":\"HS256\"}", NULL, JWT_MALFORMED},
        {"{\"alg\":\"HS256\",\"crit\":[\"exp\"]}", NULL, JWT_CRITICAL},
        {"{\"alg\":\"HS256\",\"crit\":[]}", NULL, JWT_CRITICAL},
        {"{\"alg\":\"HS256\",\"b64\":false}", NULL, JWT_CRITICAL},
        {"[]", NULL, JWT_MALFORMED},
        {"", NULL, JWT_MALFORMED},
        {"{\"alg\":\"HS256\"}x", NULL, JWT_MALFORMED},
    };
    struct jwt_expected e = usual();
    struct jwt_claims claims;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        enum jwt_verdict v = judge(sign(rows[i].header, GOOD), rows[i].id, &e, &claims);
        if (v != rows[i].verdict) fail_msg("%s: %s", rows[i].header, jwt_reason(v));
    }
}

static const struct {
    const char *body;
    enum jwt_verdict verdict;
} bodies[] = {
    {GOOD, JWT_FINE},
    {"{" SUB "," HERE "}", JWT_MALFORMED},
    {"{" SUB "," HERE ",\"exp\":1700000000}", JWT_EXPIRED},
    {"{" SUB "," HERE ",\"exp\":1700000000.5}", JWT_FINE},
    {"{" SUB "," HERE ",\"exp\":1700000001}", JWT_FINE},
    {"{" SUB "," HERE ",\"exp\":\"1700000100\"}", JWT_MALFORMED},
    {"{" SUB "," HERE ",\"exp\":-1}", JWT_MALFORMED},
    {"{" SUB "," HERE ",\"exp\":1e300}", JWT_MALFORMED},
    {"{" SUB "," HERE "," EXP ",\"exp\":1}", JWT_MALFORMED},
    {"{" SUB "," HERE "," EXP ",\"nbf\":1700000000}", JWT_FINE},
    {"{" SUB "," HERE "," EXP ",\"nbf\":1700000001}", JWT_EARLY},
    {"{" SUB "," HERE "," EXP ",\"nbf\":null}", JWT_MALFORMED},
    {"{" SUB "," HERE "," EXP ",\"iat\":1700000000}", JWT_FINE},
    {"{" SUB "," HERE "," EXP ",\"iat\":1700000009}", JWT_EARLY},
    {"{" SUB "," EXP "}", JWT_TENANT},
    {"{" SUB "," EXP ",\"tenant_id\":\"" TENANT "\"}", JWT_FINE},
    {"{" SUB "," EXP ",\"tenant_id\":\"other\"}", JWT_TENANT},
    {"{" SUB "," EXP ",\"tenant_id\":\"\"}", JWT_TENANT},
    {"{" SUB "," EXP ",\"tenant_id\":[\"acme\"]}", JWT_TENANT},
    {"{" SUB "," EXP ",\"aud\":\"acme\"}", JWT_FINE},
    {"{" SUB "," EXP ",\"aud\":\"acme.net\"}", JWT_FINE},
    {"{" SUB "," EXP ",\"aud\":[\"x\",\"acme.com\"]}", JWT_FINE},
    {"{" SUB "," EXP ",\"aud\":[]}", JWT_AUDIENCE},
    {"{" SUB "," EXP ",\"aud\":{\"acme\":1}}", JWT_AUDIENCE},
    {"{" SUB "," HERE "," EXP ",\"aud\":\"other.com\"}", JWT_AUDIENCE},
    {"{" SUB ",\"tenant_id\":\"other\"," EXP ",\"aud\":\"acme\"}", JWT_TENANT},
    {"{" EXP "," HERE "}", JWT_USER},
    {"{" EXP "," HERE ",\"sub\":\"auth0|17\"}", JWT_USER},
    {"{" EXP "," HERE ",\"sub\":17}", JWT_USER},
    {"{" SUB "," EXP "," HERE "," HASURA "{" ROLES "}}", JWT_FINE},
    {"{" SUB "," EXP "," HERE "," HASURA "{}}", JWT_ROLE},
    {"{" SUB "," EXP "," HERE "," HASURA
     "{\"x-hasura-default-role\":\"owner\",\"x-hasura-allowed-roles\":[\"member\"]}"
     "}",
        JWT_ROLE},
    {"{" SUB "," EXP "," HASURA "{" ROLES ",\"X-Hasura-Tenant-Id\":\"acme\"}}",
        JWT_FINE},
    {"{" SUB "," EXP "," HASURA "{" ROLES ",\"x-hasura-tenant-id\":\"other\"}}",
        JWT_TENANT},
    {"{" SUB "," HERE "," EXP "," HASURA "{" ROLES
     ",\"x-hasura-tenant-id\":\"other\"}}",
        JWT_TENANT},
    {"{" SUB "," EXP "," HASURA "{" ROLES
     ",\"x-hasura-tenant-id\":\"acme\",\"X-Hasura-Tenant-Id\":\"other\"}}",
        JWT_MALFORMED},
    {"{" EXP "," HERE "," HASURA "{" ROLES ",\"x-hasura-user-id\":\"" USER "\"}}",
        JWT_FINE},
    {"{" SUB "," EXP "," HERE "," HASURA "{" ROLES ",\"x-hasura-user-id\":\"1\"}}",
        JWT_USER},
    {"{" SUB "," EXP "," HERE "," HASURA "[]}", JWT_MALFORMED},
    {"{" SUB "," EXP "," HERE "," HASURA "\"{\\\"x\\\":1\"}", JWT_MALFORMED},
    {"{" SUB "," EXP "," HERE "," HASURA
     "\"{\\\"x-hasura-default-role\\\":\\\"member\\\","
     "\\\"x-hasura-allowed-roles\\\":[\\\"member\\\"]}\"}",
        JWT_FINE},
    {"[]", JWT_MALFORMED},
    {"\"x\"", JWT_MALFORMED},
};

static void test_bodies(void **state) {
    struct jwt_expected e = usual();
    struct jwt_claims claims;
    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        enum jwt_verdict v = judge(sign(HS, bodies[i].body), NULL, &e, &claims);
        if (v != bodies[i].verdict) fail_msg("%s: %s", bodies[i].body, jwt_reason(v));
        if (!v) assert_string_equal(claims.user, USER);
    }
}

static void test_expected(void **state) {
    struct jwt_expected e = usual();
    struct jwt_claims claims;
    (void)state;
    const char *late = sign(HS, "{" SUB "," HERE ",\"exp\":1699999990}");
    assert_int_equal(judge(late, NULL, &e, &claims), JWT_EXPIRED);
    e.leeway = 10;
    assert_int_equal(judge(late, NULL, &e, &claims), JWT_EXPIRED);
    e.leeway = 11;
    assert_int_equal(judge(late, NULL, &e, &claims), JWT_FINE);
    e = usual();
    e.issuer = "https://id.acme.com";
    assert_int_equal(judge(sign(HS, GOOD), NULL, &e, &claims), JWT_ISSUER);
    const char *issued =
        sign(HS, "{" SUB "," EXP "," HERE ",\"iss\":\"https://id.acme.com\"}");
    assert_int_equal(judge(issued, NULL, &e, &claims), JWT_FINE);
    e = usual();
    e.audience = "tenantry";
    assert_int_equal(judge(sign(HS, GOOD), NULL, &e, &claims), JWT_AUDIENCE);
    const char *named = sign(HS, "{" SUB "," EXP "," HERE ",\"aud\":[\"tenantry\"]}");
    assert_int_equal(judge(named, NULL, &e, &claims), JWT_FINE);
    /* The audience of the whole API says nothing about a tenant. */
    const char *anywhere = sign(HS, "{" SUB "," EXP ",\"aud\":\"tenantry\"}");
    assert_int_equal(judge(anywhere, NULL, &e, &claims), JWT_TENANT);
}

static void test_roles(void **state) {
    struct jwt_expected e = usual();
    struct jwt_claims claims;
    (void)state;
    assert_int_equal(judge(sign(HS, GOOD), NULL, &e, &claims), JWT_FINE);
    assert_null(claims.role);
    const char *token = sign(HS, "{" SUB "," EXP "," HERE "," HASURA "{" ROLES "}}");
    assert_int_equal(judge(token, NULL, &e, &claims), JWT_FINE);
    assert_string_equal(claims.role, "member");
    e.role = "admin";
    assert_int_equal(judge(token, NULL, &e, &claims), JWT_FINE);
    assert_string_equal(claims.role, "admin");
    e.role = "owner";
    assert_int_equal(judge(token, NULL, &e, &claims), JWT_ROLE);
}

static void test_texts(void **state) {
    struct jwt_expected e = usual();
    struct jwt_claims claims;
    const char *good = sign(HS, GOOD);
    (void)state;
    /* Any one letter more, fewer or other, and it is refused. */
    for (size_t i = 0; i < strlen(good); i++) {
        char *other = arena_strdup(&arena, good);
        other[i] = good[i] == 'A' ? 'B' : 'A';
        assert_int_not_equal(judge(other, NULL, &e, &claims), JWT_FINE);
        other[i] = '=';
        assert_int_not_equal(judge(other, NULL, &e, &claims), JWT_FINE);
        memmove(other + i, good + i + 1, strlen(good + i));
        assert_int_not_equal(judge(other, NULL, &e, &claims), JWT_FINE);
    }
    static const char *const around[][2] = {
        {"", "."}, {"", "="}, {" ", ""}, {"", " "}, {"", "\n"}, {".", ""}, {"x.", ""}};
    for (size_t i = 0; i < sizeof around / sizeof *around; i++) {
        char *other = arena_printf(&arena, "%s%s%s", around[i][0], good, around[i][1]);
        assert_int_not_equal(judge(other, NULL, &e, &claims), JWT_FINE);
    }
    assert_int_equal(judge("", NULL, &e, &claims), JWT_MALFORMED);
    assert_int_equal(judge("a.b", NULL, &e, &claims), JWT_MALFORMED);
    assert_int_equal(judge("..", NULL, &e, &claims), JWT_MALFORMED);
}

static void test_two_keys(void **state) {
    struct jwt_expected e = usual();
    struct jwt_claims claims;
    struct jwt_key keys[] = {
        {"a", jwk_secret(STR("another secret of thirty-two bytes"))},
        {"b", jwk_secret(STR(SECRET))}};
    struct jwt_keys both = {keys, 2};
    const char *named = sign("{\"alg\":\"HS256\",\"kid\":\"b\"}", GOOD);
    const char *other = sign("{\"alg\":\"HS256\",\"kid\":\"a\"}", GOOD);
    (void)state;
    assert_int_equal(jwt_judge(str_from(named), both, &e, &arena, &claims), JWT_FINE);
    assert_int_equal(
        jwt_judge(str_from(other), both, &e, &arena, &claims), JWT_SIGNATURE);
    assert_int_equal(jwt_judge(str_from(sign(HS, GOOD)), both, &e, &arena, &claims),
        JWT_UNKNOWN_KEY);
    jwk_free(keys[0].key);
    jwk_free(keys[1].key);
}

static void test_base64(void **state) {
    static const struct {
        const char *text, *bytes; /* NULL: it is none */
    } rows[] = {{"", ""}, {"Zg", "f"}, {"Zm8", "fo"}, {"Zm9v", "foo"},
        {"_-8", "\xff\xef"}, {"Z", NULL}, {"Zh", NULL}, {"Zm9", NULL}, {"Zg==", NULL},
        {"Zg=", NULL}, {"Zm9vZ", NULL}, {"/+8", NULL}, {"Zm 9v", NULL},
        {"Zm9v\n", NULL}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct str bytes;
        bool fine = base64url_decode(&arena, str_from(rows[i].text), &bytes);
        assert_int_equal(fine, rows[i].bytes != NULL);
        if (!fine) continue;
        assert_true(str_is(bytes, rows[i].bytes));
        assert_string_equal(base64url_encode(&arena, bytes), rows[i].text);
    }
    assert_true(crypto_equal(STR("abc"), STR("abc")));
    assert_false(crypto_equal(STR("abc"), STR("abd")));
    assert_false(crypto_equal(STR("abc"), STR("ab")));
}

/* RFC 8037, appendix A. */
static void test_ed25519(void **state) {
    const char *why;
    json_t *json = json_pack("{ssssss}", "kty", "OKP", "crv", "Ed25519", "x",
        "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
    struct jwk *key = jwk_new(json, &why);
    struct str signature;
    (void)state;
    assert_non_null(key);
    assert_int_equal(jwk_algorithm(key), JWK_EDDSA);
    assert_true(base64url_decode(&arena,
        STR("hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7s"
            "VvpAr_MuM0KAg"),
        &signature));
    struct str text = STR("eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc");
    assert_true(jwk_verify(key, text, signature));
    assert_false(jwk_verify(key, str_slice(text, 1, text.len), signature));
    assert_false(jwk_verify(key, text, str_slice(signature, 0, 63)));
    jwk_free(key);
    static const char *const refused[][2] = {
        {"alg", "ES256"}, {"use", "enc"}, {"crv", "X25519"}, {"x", "AAAA"}};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        json_t *other = json_copy(json);
        json_set_str(other, refused[i][0], refused[i][1]);
        assert_null(jwk_new(other, &why));
        json_decref(other);
    }
    json_decref(json);
    assert_null(jwk_secret(STR("thirty-one bytes are not enough")));
}

int main(void) {
    json_setup();
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_headers),
        cmocka_unit_test(test_bodies), cmocka_unit_test(test_expected),
        cmocka_unit_test(test_roles), cmocka_unit_test(test_texts),
        cmocka_unit_test(test_two_keys), cmocka_unit_test(test_base64),
        cmocka_unit_test(test_ed25519)};
    return cmocka_run_group_tests(tests, setup, teardown);
}

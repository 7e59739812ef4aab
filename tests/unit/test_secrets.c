/* Real-looking keys are found, with position; documentation may show placeholders.
 * The keys are put together here so that no scanner takes this file for a leak. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "generator/documents.h"

#define RANDOM24 "51H8vTqKz9RfWmYx3LbNc7Pd"
#define RANDOM36 "16C7e42F292c6912E7710c838347Ae178B4a"
#define KEY_LINE "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj"

static unsigned count(const char *text) {
    struct diag_list diags;
    diag_init(&diags);
    unsigned n = secrets_check(str_from(text), "x.md", 1, &diags);
    assert_int_equal(n, diags.errors);
    assert_int_equal(diags.warnings, 0);
    diag_dispose(&diags);
    return n;
}

static void test_found(void **state) {
    (void)state;
    static const char *const texts[] = {
        "sk_"
        "live_" RANDOM24,
        "key=rk_"
        "live_" RANDOM24 ";",
        "whsec"
        "_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "AKI"
        "AJ7Q2RT5WXK3LMNP4",
        "gh"
        "p_" RANDOM36,
        "xox"
        "b-17653672481-19874698323-pdFZKVeTuE8sk7oOcHrzqqgy",
        "{\"priceId\": \"price"
        "_1Mq3xTLkdIwHu7ixWbGfC2mN\"}",
        "AI"
        "zaSyD3vT9kQ2mW8xN5bR7cL1pF4hJ6gY0eUsA",
        "-----BEGIN RSA PRIVATE"
        " KEY-----\n" KEY_LINE "\n",
        "-----BEGIN RSA PRIVATE"
        " KEY-----\nProc-Type: 4,ENCRYPTED\n"
        "DEK-Info: AES-256-CBC,9C1F7A30D2B84E65A1C7F3E09B2D4468\n\n" KEY_LINE "\n",
        "\"-----BEGIN PRIVATE"
        " KEY-----\\n" KEY_LINE "\\n\"",
        "\"say\\nsk_"
        "live_" RANDOM24 "\"", /* behind a JSON escape */
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (count(texts[i]) != 1) fail_msg("not found: %s", texts[i]);
}

static void test_placeholders(void **state) {
    (void)state;
    static const char *const texts[] = {
        "sk_live_...",
        "sk_live_xxxxxxxxxxxxxxxxxxxxxxxx",
        "sk_live_YOUR_API_KEY",
        "sk_live_yourSecretKeyGoesHere123456",
        "sk_live_abcdefghijklmnopqrstuvwx0123456789",
        "sk_live_000000000000000000000000",
        "sk_live_<your key>",
        "YOUR_API_KEY",
        "whsec_xxx",
        "whsec_your_webhook_secret_1_here",
        "AKIAIOSFODNN7EXAMPLE",
        "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "price_amount, price_text and price_comparisontable2024",
        "pk_live_" RANDOM24, /* publishable by its name */
        "xoxb-your-token",
        "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----",
        "",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (count(texts[i]) != 0) fail_msg("false alarm: %s", texts[i]);
}

static void test_position(void **state) {
    (void)state;
    struct diag_list diags;
    diag_init(&diags);
    const char *text = "one\n  sk_"
                       "live_" RANDOM24 " and\nwhsec_xxx\nxx rk_"
                       "live_" RANDOM24;
    assert_int_equal(secrets_check(str_from(text), "a.md", 10, &diags), 2);
    assert_string_equal(diags.first->place.file, "a.md");
    assert_int_equal(diags.first->place.line, 11);
    assert_int_equal(diags.first->place.col, 3);
    assert_int_equal(diags.last->place.line, 13);
    assert_int_equal(diags.last->place.col, 4);
    diag_dispose(&diags);
}

static void test_message_keeps_the_secret(void **state) {
    (void)state;
    struct diag_list diags;
    diag_init(&diags);
    secrets_check(STR("sk_"
                      "live_" RANDOM24),
        "a.md", 1, &diags);
    assert_null(strstr(diags.first->message, RANDOM24));
    assert_non_null(strstr(diags.first->message, "Stripe secret key"));
    diag_dispose(&diags);
}

/* A slice without a NUL at its end, and bytes of any value. */
static void test_bounds(void **state) {
    (void)state;
    struct diag_list diags;
    diag_init(&diags);
    char bytes[512];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (char)i;
    secrets_check((struct str){bytes, sizeof bytes}, "x", 1, &diags);
    const char *key = "sk_"
                      "live_" RANDOM24;
    for (size_t n = 0; n < strlen(key); n++) {
        char *copy = test_malloc(n + 1);
        memcpy(copy, key, n);
        secrets_check((struct str){copy, n}, "x", 1, &diags);
        test_free(copy);
    }
    diag_dispose(&diags);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_found),
        cmocka_unit_test(test_placeholders),
        cmocka_unit_test(test_position),
        cmocka_unit_test(test_message_keeps_the_secret),
        cmocka_unit_test(test_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

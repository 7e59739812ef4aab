/* Signatures, forms and the names of prices.  With --judge it reads cases, a line of
 * JSON each ({"header","body","secrets","now"}), and answers 1 or 0: for a comparison
 * with the package `stripe`. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "api/price_ids.h"
#include "api/stripe.h"
#include "base/json.h"

#define SECRET "whsec_test_secret"
#define BODY                                                                           \
    "{\"id\":\"evt_1\",\"object\":\"event\",\"type\":\"checkout.session.completed\"}"
#define MAC "2dad8104c9c9db9488ec9b0de7e8d2de1781249e3968b80dfd58e737aa883033"
#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"
#define AT 1614556800

static void signatures_are_judged(void **state) {
    (void)state;
    static const struct {
        const char *header, *secrets;
        long now;
        bool good;
    } rows[] = {
        {"t=1614556800,v1=" MAC, SECRET, AT, true},
        {"t=1614556800,v1=" MAC, SECRET, AT + 300, true},
        {"t=1614556800,v1=" MAC, SECRET, AT + 301, false},
        {"t=1614556800,v1=" MAC, SECRET, AT - 100000, true},
        {"t=1614556801,v1=" MAC, SECRET, AT, false},
        {"t=1614556800,v1=" ZEROS ",v1=" MAC, SECRET, AT, true},
        {"t=1614556800,v1=" MAC ",v1=" ZEROS, SECRET, AT, true},
        {"v1=" MAC ",t=1614556800", SECRET, AT, true},
        {"t=1,v1=" MAC ",t=1614556800", SECRET, AT, true},
        {"t=1614556800,t=1,v1=" MAC, SECRET, AT, false},
        {"t=1614556800,v0=" MAC, SECRET, AT, false},
        {"t=1614556800,v1=" MAC ",v1=", SECRET, AT, false},
        {"t=1614556800,v1=" MAC "0", SECRET, AT, false},
        {"t=1614556800,v1=" MAC "=", SECRET, AT, true},
        {"t= 1614556800x,v1=" MAC, SECRET, AT, true},
        {"t=01614556800,v1=" MAC, SECRET, AT, true},
        {"t=1614556800, v1=" MAC, SECRET, AT, false},
        {"t=,v1=" MAC, SECRET, AT, false},
        {"t=x,v1=" MAC, SECRET, AT, false},
        {"t=-1,v1=" MAC, SECRET, AT, false},
        {"t=99999999999999999999999,v1=" MAC, SECRET, AT, false},
        {"t=1614556800", SECRET, AT, false},
        {"", SECRET, AT, false},
        {NULL, SECRET, AT, false},
        {"t=1614556800,v1=" MAC, "whsec_other", AT, false},
        {"t=1614556800,v1=" MAC, "whsec_other, " SECRET, AT, true},
        {"t=1614556800,v1=" MAC, SECRET ",", AT, true},
        {"t=1614556800,v1=" MAC, "", AT, false},
        {"t=1614556800,v1=" MAC, ",", AT, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (stripe_signed(rows[i].header, STR(BODY), str_from(rows[i].secrets),
                rows[i].now) != rows[i].good)
            fail_msg("row %zu: %s", i, rows[i].header);
    assert_false(
        stripe_signed("t=1614556800,v1=" MAC, STR(BODY " "), str_from(SECRET), AT));
}

static void forms_are_escaped(void **state) {
    (void)state;
    struct buf form;
    buf_init(&form, 0);
    stripe_field(&form, "a[b]", "x y&z=\xc3\xa4");
    stripe_field(&form, "none", NULL);
    stripe_field(&form, "c", "-._~");
    assert_string_equal(form.ptr, "a[b]=x%20y%26z%3D%C3%A4&c=-._~");
    buf_dispose(&form);
}

static void prices_are_found(void **state) {
    (void)state;
    struct arena a;
    json_t *names = json_object();
    arena_init(&a);
    json_set_str(names, "ugly-duckling", "STRIPE_DUCKLING_PRICE_ID");
    assert_string_equal(price_id_upper(&a, "mama-duck.2"), "MAMA_DUCK_2");
    assert_null(price_id_find(&a, "acme", "ugly-duckling", names));
    setenv("STRIPE_DUCKLING_PRICE_ID", "price_mapped", 1);
    assert_string_equal(
        price_id_find(&a, "acme", "ugly-duckling", names), "price_mapped");
    assert_null(price_id_find(&a, "acme", "ugly-duckling", NULL));
    setenv("STRIPE_UGLY_DUCKLING_PRICE_ID", "price_plan", 1);
    assert_string_equal(
        price_id_find(&a, "acme", "ugly-duckling", names), "price_plan");
    setenv("STRIPE_ACME_UGLY_DUCKLING_PRICE_ID", "price_own", 1);
    assert_string_equal(price_id_find(&a, "acme", "ugly-duckling", names), "price_own");
    assert_string_equal(
        price_id_find(&a, "other", "ugly-duckling", names), "price_plan");
    setenv("STRIPE_ACME_UGLY_DUCKLING_PRICE_ID", "", 1);
    assert_string_equal(
        price_id_find(&a, "acme", "ugly-duckling", names), "price_plan");
    json_decref(names);
    arena_dispose(&a);
}

static void secrets_are_found(void **state) {
    (void)state;
    struct arena a;
    char path[] = "/tmp/test_api_stripe.XXXXXX";
    arena_init(&a);
    int fd = mkstemp(path);
    assert_true(fd >= 0 && dprintf(fd, "whsec_file\n") > 0);
    assert_null(stripe_secret_of(&a, "WEBHOOK_SECRET", "acme-1"));
    setenv("STRIPE_WEBHOOK_SECRET_FILE", path, 1);
    assert_string_equal(stripe_secret_of(&a, "WEBHOOK_SECRET", "acme-1"), "whsec_file");
    assert_string_equal(stripe_secret_of(&a, "WEBHOOK_SECRET", "file"), "whsec_file");
    setenv("STRIPE_WEBHOOK_SECRET_ACME_FILE", path, 1);
    assert_string_equal(
        stripe_secret_of(&a, "WEBHOOK_SECRET", "acme-file"), "whsec_file");
    unsetenv("STRIPE_WEBHOOK_SECRET_ACME_FILE");
    setenv("STRIPE_WEBHOOK_SECRET", "whsec_all", 1);
    assert_string_equal(stripe_secret_of(&a, "WEBHOOK_SECRET", "acme-1"), "whsec_all");
    setenv("STRIPE_WEBHOOK_SECRET_ACME_1", "whsec_own", 1);
    assert_string_equal(stripe_secret_of(&a, "WEBHOOK_SECRET", "acme-1"), "whsec_own");
    assert_string_equal(stripe_secret_of(&a, "WEBHOOK_SECRET", "acme"), "whsec_all");
    remove(path);
    arena_dispose(&a);
}

static int judge(void) {
    char *line = NULL;
    size_t size = 0;
    while (getline(&line, &size, stdin) > 0) {
        json_t *c = json_loads(line, JSON_ALLOW_NUL, NULL);
        const json_t *body = json_object_get(c, "body");
        struct str bytes = {json_string_value(body), json_string_length(body)};
        bool good = stripe_signed(json_string_value(json_object_get(c, "header")),
            bytes, str_from(json_string_value(json_object_get(c, "secrets"))),
            (long)json_integer_value(json_object_get(c, "now")));
        puts(good ? "1" : "0");
        json_decref(c);
    }
    free(line);
    return 0;
}

int main(int argc, char **argv) {
    if (argc > 1 && !strcmp(argv[1], "--judge")) return judge();
    const struct CMUnitTest tests[] = {cmocka_unit_test(signatures_are_judged),
        cmocka_unit_test(forms_are_escaped), cmocka_unit_test(prices_are_found),
        cmocka_unit_test(secrets_are_found)};
    return cmocka_run_group_tests_name("stripe", tests, NULL, NULL);
}

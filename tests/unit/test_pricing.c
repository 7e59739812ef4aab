/* Prices as text, the section that applies, and that no price id gets through. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "model/pricing.h"

static json_t *json_of(const char *text) {
    struct diag_list diags;
    diag_init(&diags);
    json_t *v = json_parse(str_from(text), "test.json", &diags);
    assert_non_null(v);
    diag_dispose(&diags);
    return v;
}

static void formats_amounts(void **state) {
    (void)state;
    static const struct {
        double amount;
        const char *currency, *text;
    } rows[] = {
        {19, "USD", "$19"},
        {19.5, "USD", "$19.50"},
        {1234.5, "USD", "$1,234.50"},
        {1234567, "USD", "$1,234,567"},
        {0, "USD", "$0"},
        {0.05, "USD", "$0.05"},
        {0.004, "USD", "$0"},
        {19.999, "USD", "$20"},
        {1.1, "usd", "$1.10"},
        {9, "EUR", "\u20ac9"},
        {900, "JPY", "\u00a5900"},
        {900.4, "JPY", "\u00a5900"},
        {12, "CHF", "CHF 12"},
        {1.5, "KWD", "KWD 1.500"},
        {12.5, "XYZ", "XYZ 12.50"},
        {-5, "USD", "-$5"},
        {-0.001, "USD", "$0"},
        {NAN, "USD", "$0"},
        {1e15, "JPY", "\u00a51,000,000,000,000,000"},
    };
    struct arena a;
    arena_init(&a);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_string_equal(
            pricing_format(&a, rows[i].amount, rows[i].currency), rows[i].text);
    }
    assert_non_null(pricing_format(&a, 1e300, "JPY"));
    assert_non_null(pricing_format(&a, INFINITY, "a very long text for a currency"));
    arena_dispose(&a);
}

static void chooses_the_section(void **state) {
    (void)state;
    json_t *own = json_of("{\"pricing\":{\"plans\":[]}}");
    json_t *lent = json_of("{\"pricing\":{\"headline\":\"x\",\"plans\":[]}}");
    json_t *none = json_of("{}");
    bool inherited = true;
    assert_ptr_equal(
        pricing_source(own, lent, &inherited), json_object_get(own, "pricing"));
    assert_false(inherited);
    assert_ptr_equal(
        pricing_source(none, lent, &inherited), json_object_get(lent, "pricing"));
    assert_true(inherited);
    assert_null(pricing_source(none, none, &inherited));
    assert_false(inherited);
    assert_null(pricing_source(none, NULL, &inherited));
    assert_null(pricing_view(NULL, false));
    json_decref(own);
    json_decref(lent);
    json_decref(none);
}

static const char *text_at(const json_t *plan, const char *key) {
    return json_string_value(json_object_get(plan, key));
}

static void prepares_plans(void **state) {
    (void)state;
    json_t *source = json_of(
        "{\"headline\":\"Plans\",\"currency\":\"eur\",\"unknown\":{\"a\":1},\"plans\":["
        "{\"id\":\"free\",\"name\":\"Free\",\"price\":0,\"credits\":1000},"
        "{\"id\":\"pro\",\"name\":\"Pro\",\"price\":19,\"credits\":1000000,\"bonus\":"
        "250,\"features\":[\"a\"],\"highlight\":true},"
        "{\"id\":\"team\",\"name\":\"Team\",\"price\":1999.5,\"comingSoon\":true}]}");
    json_t *view = pricing_view(source, true);
    assert_string_equal(text_at(view, "currency"), "EUR");
    assert_true(json_is_true(json_object_get(view, "inherited")));
    assert_string_equal(text_at(view, "headline"), "Plans");
    assert_non_null(json_path(view, "unknown.a"));
    const json_t *plans = json_object_get(view, "plans");
    const json_t *p = json_array_get(plans, 0);
    assert_string_equal(text_at(p, "price_text"), "Free");
    assert_string_equal(text_at(p, "price_amount"), "0.00");
    assert_true(json_is_true(json_object_get(p, "free")));
    assert_true(json_is_false(json_object_get(p, "buyable")));
    assert_true(json_is_true(json_object_get(p, "first")));
    assert_true(json_is_false(json_object_get(p, "last")));
    assert_true(json_is_array(json_object_get(p, "features")));
    assert_true(json_is_false(json_object_get(p, "has_bonus")));
    assert_string_equal(text_at(p, "credits_text"), "1,000");
    assert_string_equal(text_at(p, "bonus_text"), "0");
    p = json_array_get(plans, 1);
    assert_string_equal(text_at(p, "price_text"), "\u20ac19");
    assert_string_equal(text_at(p, "price_amount"), "19.00");
    assert_string_equal(text_at(p, "total_credits_text"), "1,000,250");
    assert_true(json_is_true(json_object_get(p, "buyable")));
    assert_true(json_is_true(json_object_get(p, "highlight")));
    assert_true(json_is_false(json_object_get(p, "comingSoon")));
    assert_int_equal(json_integer_value(json_object_get(p, "index")), 2);
    p = json_array_get(plans, 2);
    assert_string_equal(text_at(p, "price_text"), "\u20ac1,999.50");
    assert_true(json_is_false(json_object_get(p, "buyable")));
    assert_true(json_is_true(json_object_get(p, "last")));
    /* The source stays as it was. */
    assert_null(json_path(source, "inherited"));
    assert_null(json_object_get(json_path(source, "plans"), "0"));
    json_decref(view);
    json_decref(source);
}

static void secrets_never_leak(void **state) {
    (void)state;
    static const char canary[] = "CANARY";
    json_t *source = json_of(
        "{\"stripePriceId\":\"CANARY1\",\"note\":\"price_CANARY1234\","
        "\"x\":{\"deep\":[{\"price_id\":\"CANARY2\",\"monthlyStripePriceIds\":["
        "\"CANARY3\"]},"
        "\"price_1CANARYabc\",\"see price_1CANARYabc there\"]},"
        "\"price_1CANARYxyz\":\"monthly\",\"key\":\"sk_live_CANARY1234\","
        "\"hook\":\"whsec_CANARY123456\",\"picture\":\"images/price_comparison.png\","
        "\"plans\":[{\"id\":\"a\",\"price\":1,\"priceId\":\"CANARY4\",\"features\":["
        "\"price_"
        "CANARY56\",\"kept\"]}]}");
    json_t *view = pricing_view(source, false);
    struct buf out;
    buf_init(&out, 0);
    json_write(&out, view, 0);
    assert_null(strstr(out.ptr, canary));
    assert_non_null(strstr(out.ptr, "kept"));
    assert_non_null(strstr(out.ptr, "price_comparison.png"));
    buf_dispose(&out);
    json_decref(view);
    json_decref(source);
}

static void survives_other_shapes(void **state) {
    (void)state;
    static const char *const sources[] = {"{}", "{\"plans\":3}",
        "{\"plans\":[1,null,[]]}", "{\"plans\":[{}]}",
        "{\"currency\":7,\"plans\":[{\"price\":\"9\",\"id\":4}]}",
        "{\"plans\":[{\"price\":1e300,\"credits\":1e300,\"features\":\"x\"}]}"};
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
        json_t *source = json_of(sources[i]);
        json_t *view = pricing_view(source, false);
        assert_string_equal(text_at(view, "currency"), "USD");
        assert_true(json_is_array(json_object_get(view, "plans")));
        json_decref(view);
        json_decref(source);
    }
}

int main(void) {
    json_setup();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formats_amounts),
        cmocka_unit_test(chooses_the_section),
        cmocka_unit_test(prepares_plans),
        cmocka_unit_test(secrets_never_leak),
        cmocka_unit_test(survives_other_shapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

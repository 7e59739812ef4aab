/* Calendar time.  The C library's calendar is the oracle; its zone must not matter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <locale.h>
#include <time.h>

#include "base/clock.h"

static void times_are_read(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t t;
    } rows[] = {
        {"1970-01-01", 0},
        {"2026-01-02", 1767312000},
        {"2026-01-02T03:04", 1767323040},
        {"2026-01-02T03:04:05", 1767323045},
        {"2026-01-02 03:04:05", 1767323045},
        {"2026-01-02t03:04:05z", 1767323045},
        {"2026-01-02T03:04:05Z", 1767323045},
        {"2026-01-02T03:04:05.999Z", 1767323045},
        {"2026-01-02T03:04:05.123456789+01:00", 1767319445},
        {"2026-01-02T03:04-05:30", 1767342840},
        {"2026-01-02T03:04+00:00", 1767323040},
        {"2024-02-29", 1709164800},
        {"2000-02-29", 951782400},
        {"0001-01-01", INT64_C(-62135596800)},
        {"9999-12-31T23:59:59Z", INT64_C(253402300799)},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        int64_t t = 1;
        assert_true(clock_parse(str_from(rows[i].text), &t));
        assert_int_equal(t, rows[i].t);
    }
}

static void what_is_no_time_is_refused(void **state) {
    (void)state;
    static const char *const texts[] = {"", "2026", "2026-1-2", "2026-13-01",
        "2026-00-01", "2026-01-00", "2026-01-32", "2025-02-29", "1900-02-29",
        "2026-04-31", "0000-01-01", "10000-01-01", "2026-01-02T", "2026-01-02T03",
        "2026-01-02T24:00", "2026-01-02T03:60", "2026-01-02T03:04:60",
        "2026-01-02T03:04:05.", "2026-01-02T03:04:05,5", "2026-01-02T03:04+0100",
        "2026-01-02T03:04+24:00", "2026-01-02T03:04ZZ", "2026-01-02Z", " 2026-01-02",
        "2026-01-02 ", "2026/01/02", "-026-01-02", "2026-01-02T03:04 +01:00",
        "0001-01-01T00:00+01:00", "9999-12-31T23:59-00:01"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        int64_t t = 42;
        if (clock_parse(str_from(texts[i]), &t)) fail_msg("accepted \"%s\"", texts[i]);
        assert_int_equal(t, 42);
    }
    assert_false(clock_parse((struct str){"2026-01-02\0", 11}, &(int64_t){0}));
}

static void texts_are_written(void **state) {
    (void)state;
    struct arena a;
    arena_init(&a);
    int64_t t = 1767323045;
    assert_string_equal(clock_iso_date(&a, t), "2026-01-02");
    assert_string_equal(clock_rfc3339(&a, t), "2026-01-02T03:04:05Z");
    assert_string_equal(clock_rfc822(&a, t), "Fri, 02 Jan 2026 03:04:05 +0000");
    assert_string_equal(clock_long(&a, t), "January 2, 2026");
    assert_string_equal(clock_rfc3339(&a, -1), "1969-12-31T23:59:59Z");
    assert_string_equal(clock_iso_date(&a, INT64_C(-62135596800)), "0001-01-01");
    arena_dispose(&a);
}

/* Every 11th day of some 2,000 years, at a changing second of the day. */
static void every_day_agrees_with_the_c_library(void **state) {
    (void)state;
    struct arena a;
    arena_init(&a);
    int64_t step = 11 * 86400 + 4999;
    for (int64_t t = INT64_C(-30000000000); t < INT64_C(40000000000); t += step) {
        time_t value = (time_t)t;
        struct tm tm;
        char expected[64];
        assert_non_null(gmtime_r(&value, &tm));
        strftime(expected, sizeof(expected), "%a, %d %b %Y %H:%M:%S +0000", &tm);
        const char *written = clock_rfc822(&a, t);
        if (strcmp(written, expected) != 0) fail_msg("%s, not %s", written, expected);
        int64_t back;
        assert_true(clock_parse(str_from(clock_rfc3339(&a, t)), &back));
        assert_int_equal(back, t);
        arena_reset(&a);
    }
    arena_dispose(&a);
}

static void zone_and_locale_do_not_matter(void **state) {
    (void)state;
    setenv("TZ", "Asia/Kathmandu", 1);
    tzset();
    /* Where no such locale is installed, the zone alone is tested. */
    setlocale(LC_ALL, "de_DE.UTF-8");
    texts_are_written(state);
    times_are_read(state);
    setlocale(LC_ALL, "C");
    unsetenv("TZ");
    tzset();
}

static void the_build_time_is_chosen(void **state) {
    (void)state;
    int64_t t = 0;
    setenv("SOURCE_DATE_EPOCH", "1000000000", 1);
    assert_true(clock_choose("2026-01-02", &t));
    assert_int_equal(t, 1767312000);
    assert_true(clock_choose("1767323045", &t));
    assert_int_equal(t, 1767323045);
    assert_true(clock_choose(NULL, &t));
    assert_int_equal(t, 1000000000);
    assert_false(clock_choose("yesterday", &t));
    assert_false(clock_choose("", &t));
    assert_false(clock_choose("999999999999", &t)); /* the year 33658 */
    setenv("SOURCE_DATE_EPOCH", "2026-01-02", 1);
    assert_false(clock_choose(NULL, &t));
    setenv("SOURCE_DATE_EPOCH", "12x", 1);
    assert_false(clock_choose(NULL, &t));
    unsetenv("SOURCE_DATE_EPOCH");
    int64_t before = clock_now();
    assert_true(clock_choose(NULL, &t));
    assert_in_range(t, before, before + 5);
}

static void seconds_never_run_backwards(void **state) {
    (void)state;
    double before = clock_seconds();
    for (int i = 0; i < 1000; i++) {
        double now = clock_seconds();
        assert_true(now >= before);
        before = now;
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_read),
        cmocka_unit_test(what_is_no_time_is_refused),
        cmocka_unit_test(texts_are_written),
        cmocka_unit_test(every_day_agrees_with_the_c_library),
        cmocka_unit_test(zone_and_locale_do_not_matter),
        cmocka_unit_test(the_build_time_is_chosen),
        cmocka_unit_test(seconds_never_run_backwards),
    };
    return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}

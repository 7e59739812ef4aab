#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/meter.h"

#define HOUR ((int64_t)1780000000 / METER_HOUR * METER_HOUR)
#define TENANT "0b0c1a52-6a5c-4c0e-9d3e-0f6a3a1f0001"

static void test_counts(void **state) {
    struct meters *all = meters_new();
    struct meter *m = meter_find(all, TENANT, "apiCalls", HOUR);
    (void)state;
    assert_ptr_equal(m, meter_find(all, TENANT, "apiCalls", HOUR));
    assert_ptr_not_equal(m, meter_find(all, TENANT, "seats", HOUR));
    assert_ptr_not_equal(m, meter_find(all, TENANT, "apiCalls", HOUR + METER_HOUR));
    for (int i = 0; i < 3; i++) assert_true(meter_take(m, 1, 3));
    assert_false(meter_take(m, 1, 3));
    assert_false(meter_take(m, 1, 0));
    assert_true(meter_take(m, 1, -1));
    assert_int_equal(meter_used(m), 4);
    assert_false(meter_take(m, 3, 6)); /* all or none */
    assert_int_equal(meter_unwritten(m), 4);
    assert_int_equal(meter_unwritten(m), 0);
    assert_int_equal(meter_used(m), 4);
    meters_free(all);
}

static void test_others(void **state) {
    struct meters *all = meters_new();
    struct meter *m = meter_find(all, TENANT, "apiCalls", HOUR);
    (void)state;
    meter_learn(m, 10); /* another server's */
    assert_int_equal(meter_used(m), 10);
    assert_true(meter_take(m, 1, 12));
    meter_learn(m, 11); /* and one more of theirs, ours is not written */
    assert_int_equal(meter_used(m), 12);
    assert_false(meter_take(m, 1, 12));
    int64_t n = meter_unwritten(m);
    assert_int_equal(n, 1);
    meter_give_back(m, n); /* it could not be written */
    meter_learn(m, 3);     /* never less */
    assert_int_equal(meter_used(m), 12);
    assert_int_equal(meter_unwritten(m), 1);
    meters_free(all);
}

/* Of many processes, as many get one as there are. */
static void test_crowd(void **state) {
    enum { CROWD = 8, EACH = 2000, MOST = 5000 };
    (void)state;
    for (int round = 0; round < 20; round++) {
        struct meters *all = meters_new();
        for (int i = 0; i < CROWD; i++) {
            if (fork()) continue;
            struct meter *m = meter_find(all, TENANT, "apiCalls", HOUR);
            for (int n = 0; n < EACH; n++) meter_take(m, 1, MOST);
            _exit(0);
        }
        while (wait(NULL) > 0) {
        }
        struct meter *m = meter_find(all, TENANT, "apiCalls", HOUR);
        assert_int_equal(meter_used(m), MOST);
        assert_int_equal(meter_unwritten(m), MOST);
        meters_free(all);
    }
}

/* Slots of hours long over are given to others, but not what is to be written. */
static void test_hours(void **state) {
    struct meters *all = meters_new();
    char tenant[32];
    (void)state;
    struct meter *kept = meter_find(all, TENANT, "apiCalls", HOUR);
    meter_take(kept, 1, -1);
    for (int h = 1; h < 40; h++)
        for (int i = 0; i < 4000; i++) {
            snprintf(tenant, sizeof tenant, "tenant-%d", i);
            struct meter *m =
                meter_find(all, tenant, "apiCalls", HOUR + h * (int64_t)METER_HOUR);
            assert_non_null(m);
            assert_int_equal(meter_used(m), 0);
            assert_true(meter_take(m, 1, 1));
            meter_unwritten(m);
        }
    assert_ptr_equal(kept, meter_find(all, TENANT, "apiCalls", HOUR));
    assert_int_equal(meter_unwritten(kept), 1);
    meters_free(all);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_others),
        cmocka_unit_test(test_crowd),
        cmocka_unit_test(test_hours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/limit.h"

static struct settings settings_of(double rate, double burst) {
    struct settings s = {0};
    s.client_limits[LIMIT_READS] = s.tenant_limits[LIMIT_READS] =
        (struct limit_rate){rate, burst};
    return s;
}

static struct net_address address(const char *text) {
    struct net_address a;
    assert_true(net_read_address(str_from(text), &a));
    return a;
}

static double ask(
    struct limits *l, const struct settings *s, const char *from, double now) {
    struct net_address a = address(from);
    return limit_client(l, s, LIMIT_READS, &a, 1, now);
}

static void test_bucket(void **state) {
    struct limits *l = limits_new();
    struct settings s = settings_of(2, 5);
    (void)state;
    for (int i = 0; i < 5; i++) assert_true(ask(l, &s, "192.0.2.1", 100) <= 0);
    double wait = ask(l, &s, "192.0.2.1", 100);
    assert_true(wait > 0.49 && wait < 0.51);
    assert_true(ask(l, &s, "192.0.2.1", 100.4) > 0);
    assert_true(ask(l, &s, "192.0.2.1", 100.51) <= 0);
    assert_true(ask(l, &s, "192.0.2.1", 100.52) > 0);
    for (int i = 0; i < 5; i++) assert_true(ask(l, &s, "192.0.2.1", 200) <= 0);
    assert_true(ask(l, &s, "192.0.2.1", 200) > 0);
    limits_free(l);
}

static void test_whose(void **state) {
    struct limits *l = limits_new();
    struct settings s = settings_of(1, 1);
    (void)state;
    assert_true(ask(l, &s, "2001:db8::1", 1) <= 0);
    assert_true(ask(l, &s, "2001:db8::ffff:2", 1) > 0);
    assert_true(ask(l, &s, "2001:db8:0:1::1", 1) <= 0);
    assert_true(ask(l, &s, "192.0.2.1", 1) <= 0);
    assert_true(ask(l, &s, "192.0.2.2", 1) <= 0);
    assert_true(limit_tenant(l, &s, LIMIT_READS, "acme", 1, 1) <= 0);
    assert_true(limit_tenant(l, &s, LIMIT_READS, "acme", 1, 1) > 0);
    assert_true(limit_tenant(l, &s, LIMIT_READS, "zeta", 1, 1) <= 0);
    struct net_address a = address("192.0.2.1");
    for (int i = 0; i < 9; i++)
        assert_true(limit_client(l, &s, LIMIT_WRITES, &a, 1, 1) <= 0);
    limits_free(l);
}

/* Whoever floods the table with addresses gains nothing for the one that was limited.
 */
static void test_flood(void **state) {
    struct limits *l = limits_new();
    struct settings s = settings_of(0.01, 2);
    char text[32];
    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        snprintf(text, sizeof text, "10.0.%u.%u", i / 256, i % 256);
        assert_true(ask(l, &s, text, 1) <= 0);
    }
    for (int i = 0; i < 2; i++) ask(l, &s, "192.0.2.1", 2);
    assert_true(ask(l, &s, "192.0.2.1", 2) > 0);
    limits_free(l);
}

/* Of 4 processes that take as fast as they can, exactly the burst succeeds. */
static void test_shared(void **state) {
    struct limits *l = limits_new();
    struct settings s = settings_of(0.001, 1000);
    int got = 0, status;
    (void)state;
    for (int i = 0; i < 4; i++) {
        if (fork()) continue;
        int mine = 0;
        for (int k = 0; k < 900; k++) mine += ask(l, &s, "192.0.2.1", 1) <= 0;
        _exit(mine / 4); /* fits a status; the rest is below the tolerance */
    }
    while (wait(&status) > 0) got += WEXITSTATUS(status) * 4;
    assert_in_range(got, 985, 1000);
    limits_free(l);
}

/* Attempts to sign in, of one name: good ones do not count, and no number of clients
 * makes them be forgotten. */
static void test_attempts(void **state) {
    static const struct limit_rate rate = {1 / 20., 3};
    struct limits *l = limits_new();
    struct settings s = settings_of(1, 1);
    struct str who = str_from("account a@example.com");
    char text[32];
    (void)state;
    for (int i = 0; i < 9; i++) {
        assert_true(limit_attempt(l, &rate, who, 10) <= 0);
        limit_forget(l, &rate, who);
    }
    for (int i = 0; i < 3; i++) assert_true(limit_attempt(l, &rate, who, 10) <= 0);
    for (unsigned i = 0; i < 200000; i++) {
        snprintf(text, sizeof text, "10.%u.%u.%u", i / 65536, i / 256 % 256, i % 256);
        ask(l, &s, text, 10);
    }
    double wait = limit_attempt(l, &rate, who, 10);
    assert_true(wait > 19.9 && wait < 20.1);
    assert_true(limit_attempt(l, &rate, str_from("account b@example.com"), 10) <= 0);
    limits_free(l);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_bucket),
        cmocka_unit_test(test_whose), cmocka_unit_test(test_flood),
        cmocka_unit_test(test_attempts), cmocka_unit_test(test_shared)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

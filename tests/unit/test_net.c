#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/net.h"

static void test_networks(void **state) {
    static const struct {
        const char *network, *address;
        bool has;
    } rows[] = {
        {"10.0.0.0/8", "10.255.0.1", true},
        {"10.0.0.0/8", "11.0.0.1", false},
        {"192.0.2.128/25", "192.0.2.129", true},
        {"192.0.2.128/25", "192.0.2.127", false},
        {"127.0.0.1", "127.0.0.1", true},
        {"127.0.0.1", "127.0.0.2", false},
        {"0.0.0.0/0", "203.0.113.9", true},
        {"0.0.0.0/0", "2001:db8::1", false},
        {"2001:db8::/32", "2001:db8:ffff::1", true},
        {"2001:db8::/32", "2001:db9::1", false},
        {"::1", "::1", true},
        {"::/0", "2001:db8::1", true},
        {"10.0.0.0/8", "::ffff:10.1.2.3", true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct net n;
        struct net_address a;
        assert_true(net_read(str_from(rows[i].network), &n));
        assert_true(net_read_address(str_from(rows[i].address), &a));
        if (net_has(&n, &a) != rows[i].has)
            fail_msg("%s in %s", rows[i].address, rows[i].network);
    }
}

static void test_wrong(void **state) {
    static const char *const wrong[] = {"", "10", "10.0.0", "10.0.0.256", "10.0.0.0/33",
        "10.0.0.0/", "10.0.0.0/8x", "10.0.0.0/-1", "::/129", "::g", "localhost",
        "10.0.0.0/0008", "1.2.3.4 ", " 1.2.3.4", "[::1]"};
    struct net n;
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (net_read(str_from(wrong[i]), &n)) fail_msg("\"%s\"", wrong[i]);
    assert_false(net_read((struct str){"1.2.3.4\0", 8}, &n));
}

static void test_loopback(void **state) {
    static const struct {
        const char *address;
        bool loopback;
    } rows[] = {{"127.0.0.1", true}, {"127.9.9.9", true}, {"::1", true},
        {"::ffff:127.0.0.1", true}, {"128.0.0.1", false}, {"::", false},
        {"::2", false}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct net_address a;
        assert_true(net_read_address(str_from(rows[i].address), &a));
        assert_int_equal(net_is_loopback(&a), rows[i].loopback);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_networks),
        cmocka_unit_test(test_wrong), cmocka_unit_test(test_loopback)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

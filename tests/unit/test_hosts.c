/* Host names: cleaning, matching, contested domains. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "model/hosts.h"

#define L63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void cleans_names(void **state) {
    (void)state;
    static const struct {
        const char *given, *clean, *key; /* NULL: no host name */
    } rows[] = {
        {"fiveducks.ai", "fiveducks.ai", "fiveducks.ai"},
        {"FiveDucks.AI", "fiveducks.ai", "fiveducks.ai"},
        {"fiveducks.ai:8443", "fiveducks.ai", "fiveducks.ai"},
        {"fiveducks.ai:", "fiveducks.ai", "fiveducks.ai"},
        {"fiveducks.ai.", "fiveducks.ai", "fiveducks.ai"},
        {"fiveducks.ai.:443", "fiveducks.ai", "fiveducks.ai"},
        {"www.fiveducks.ai", "www.fiveducks.ai", "fiveducks.ai"},
        {"WWW.fiveducks.ai", "www.fiveducks.ai", "fiveducks.ai"},
        {"www.www.a.b", "www.www.a.b", "www.a.b"},
        {"www.com", "www.com", "www.com"},
        {"www", "www", "www"},
        {"localhost", "localhost", "localhost"},
        {"127.0.0.1:3000", "127.0.0.1", "127.0.0.1"},
        {"xn--bcher-kva.example", "xn--bcher-kva.example", "xn--bcher-kva.example"},
        {"a-b.example", "a-b.example", "a-b.example"},
        {L63 ".example", L63 ".example", L63 ".example"},
        {"a" L63 ".example", NULL, NULL},
        {L63 "." L63 "." L63 "." L63, NULL, NULL},
        {"", NULL, NULL},
        {".", NULL, NULL},
        {":80", NULL, NULL},
        {"*", NULL, NULL},
        {"*.acme.example", NULL, NULL},
        {"acme..example", NULL, NULL},
        {"acme.example..", NULL, NULL},
        {".acme.example", NULL, NULL},
        {"acme.example:80a", NULL, NULL},
        {"acme.example:123456", NULL, NULL},
        {"acme.example:80:80", NULL, NULL},
        {"-acme.example", NULL, NULL},
        {"acme-.example", NULL, NULL},
        {"acme_shop.example", NULL, NULL},
        {"acme example", NULL, NULL},
        {" acme.example", NULL, NULL},
        {"acme.example/x", NULL, NULL},
        {"https://acme.example", NULL, NULL},
        {"user@acme.example", NULL, NULL},
        {"b\xc3\xbc"
         "cher.example",
            NULL, NULL},
        {"[::1]:8080", NULL, NULL},
        {"::1", NULL, NULL},
    };
    struct arena a;
    arena_init(&a);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *clean = host_clean(&a, str_from(rows[i].given));
        char *key = host_key(&a, str_from(rows[i].given));
        assert_int_equal(host_valid(str_from(rows[i].given)), rows[i].clean != NULL);
        if (!rows[i].clean) {
            assert_null(clean);
            assert_null(key);
            continue;
        }
        assert_non_null(clean);
        assert_string_equal(clean, rows[i].clean);
        assert_string_equal(key, rows[i].key);
    }
    assert_null(host_clean(&a, (struct str){"a\0b", 3}));
    arena_dispose(&a);
}

static void finds_the_tenant(void **state) {
    (void)state;
    static const struct {
        const char *host, *tenant; /* NULL: nobody's */
    } rows[] = {
        {"fiveducks.ai", "5ducks"},
        {"FIVEDUCKS.ai:443", "5ducks"},
        {"fiveducks.ai.", "5ducks"},
        {"www.fiveducks.ai", "5ducks"},
        {"app.fiveducks.ai", "5ducks"},
        {"www.app.fiveducks.ai", "5ducks"},
        {"shop.fiveducks.ai", "shop"},
        {"www.shop.fiveducks.ai", "shop"},
        {"a.b.shop.fiveducks.ai", "shop"},
        {"workshop.fiveducks.ai", "5ducks"},
        {"notfiveducks.ai", NULL},
        {"fiveducks.ai.evil.example", NULL},
        {"fiveducks", NULL},
        {"ai", NULL},
        {"sendclaw.com", "sendclaw"},
        {"x.sendclaw.com", "sendclaw"},
        {"xn--bcher-kva.example", "books"},
        {"10.0.0.1", "ip"},
        {"9.10.0.0.1", NULL},
        {"10.0.0.1:8080", "ip"},
        {"localhost:5000", "local"},
        {"acme.localhost", "local"},
        {"unknown.example", NULL},
        {"", NULL},
        {"*", NULL},
        {"[::1]", NULL},
    };
    struct hosts h;
    hosts_init(&h);
    assert_null(hosts_find(&h, STR("fiveducks.ai")));
    hosts_add(&h, "5ducks", "fiveducks.ai", DIAG_NOWHERE);
    hosts_add(&h, "5ducks", "www.fiveducks.ai", DIAG_NOWHERE);
    hosts_add(&h, "5ducks", "app.fiveducks.ai", DIAG_NOWHERE);
    hosts_add(&h, "sendclaw", "WWW.SendClaw.com:443", DIAG_NOWHERE);
    hosts_add(&h, "broken", "", DIAG_NOWHERE);
    hosts_add(&h, "broken", "*", DIAG_NOWHERE);
    assert_non_null(hosts_find(&h, STR("sendclaw.com")));
    hosts_add(&h, "shop", "shop.fiveducks.ai", DIAG_NOWHERE);
    hosts_add(&h, "books", "xn--bcher-kva.example", DIAG_NOWHERE);
    hosts_add(&h, "ip", "10.0.0.1", DIAG_NOWHERE);
    hosts_add(&h, "local", "localhost", DIAG_NOWHERE);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct host *found = hosts_find(&h, str_from(rows[i].host));
        if (!rows[i].tenant)
            assert_null(found);
        else
            assert_non_null(found);
        if (found) assert_string_equal(found->tenant, rows[i].tenant);
    }
    hosts_dispose(&h);
}

static void finds_among_many(void **state) {
    (void)state;
    struct hosts h;
    hosts_init(&h);
    for (int i = 0; i < 10000; i++) {
        char id[16], name[64];
        snprintf(id, sizeof id, "t%d", i);
        snprintf(name, sizeof name, "w%d.brand-%d.example", i % 7, i);
        hosts_add(&h, id, name, DIAG_NOWHERE);
    }
    for (int i = 0; i < 10000; i += 13) {
        char id[16], name[80];
        snprintf(id, sizeof id, "t%d", i);
        snprintf(name, sizeof name, "deep.er.w%d.brand-%d.example", i % 7, i);
        const struct host *found = hosts_find(&h, str_from(name));
        assert_non_null(found);
        assert_string_equal(found->tenant, id);
    }
    assert_null(hosts_find(&h, STR("brand-1.example")));
    hosts_dispose(&h);
}

struct lost {
    char names[200];
};

static const char *beta_publishes(void *ctx, const char *key) {
    (void)ctx;
    return strcmp(key, "acme.example") == 0 ? "beta" : NULL;
}

static void remember(void *ctx, const char *tenant) {
    struct lost *l = ctx;
    size_t n = strlen(l->names);
    snprintf(l->names + n, sizeof l->names - n, "%s ", tenant);
}

static void contested_domains(void **state) {
    (void)state;
    struct lost lost = {""};
    struct hosts h;
    struct diag_list diags;
    diag_init(&diags);
    hosts_init(&h);
    hosts_add(&h, "acme", "acme.example", DIAG_AT("tenants/acme/config.json", 2, 15));
    hosts_add(
        &h, "beta", "www.acme.example", DIAG_AT("tenants/beta/config.json", 3, 7));
    hosts_add(&h, "gamma", "gamma.example", DIAG_AT("tenants/gamma/config.json", 1, 1));
    hosts_add(
        &h, "gamma", "www.gamma.example", DIAG_AT("tenants/gamma/config.json", 1, 2));
    assert_false(hosts_check(&h, beta_publishes, remember, &lost, &diags));
    assert_string_equal(lost.names, "acme ");
    assert_int_equal(diags.errors, 2);
    assert_int_equal(diags.notices, 0);
    assert_string_equal(diags.first->place.file, "tenants/acme/config.json");
    assert_string_equal(diags.first->tenant, "acme");
    assert_non_null(strstr(diags.first->message, "\"beta\""));
    assert_string_equal(diags.first->notes->place.file, "tenants/beta/config.json");
    assert_string_equal(diags.last->tenant, "beta");
    assert_non_null(strstr(diags.last->message, "\"acme\""));
    hosts_dispose(&h);
    diag_dispose(&diags);
}

static void nobody_publishes_yet(void **state) {
    (void)state;
    struct lost lost = {""};
    struct hosts h;
    struct diag_list diags;
    diag_init(&diags);
    hosts_init(&h);
    hosts_add(&h, "b", "acme.example", DIAG_NOWHERE);
    hosts_add(&h, "a", "acme.example", DIAG_NOWHERE);
    hosts_add(&h, "c", "acme.example", DIAG_NOWHERE);
    assert_false(hosts_check(&h, NULL, remember, &lost, &diags));
    assert_string_equal(lost.names, "b a c ");
    assert_int_equal(diags.errors, 3);
    hosts_dispose(&h);
    diag_dispose(&diags);
}

static void names_below_are_a_notice(void **state) {
    (void)state;
    struct hosts h;
    struct diag_list diags;
    diag_init(&diags);
    hosts_init(&h);
    hosts_add(&h, "acme", "acme.example", DIAG_AT("tenants/acme/config.json", 2, 15));
    hosts_add(
        &h, "acme", "app.acme.example", DIAG_AT("tenants/acme/config.json", 2, 31));
    hosts_add(
        &h, "shop", "shop.acme.example", DIAG_AT("tenants/shop/config.json", 3, 7));
    hosts_add(
        &h, "other", "notacme.example", DIAG_AT("tenants/other/config.json", 3, 7));
    assert_true(hosts_check(&h, NULL, NULL, NULL, &diags));
    assert_int_equal(diags.notices, 1);
    assert_string_equal(diags.first->place.file, "tenants/shop/config.json");
    assert_string_equal(diags.first->tenant, "shop");
    assert_null(diags.tenant);
    hosts_dispose(&h);
    diag_dispose(&diags);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cleans_names),
        cmocka_unit_test(finds_the_tenant),
        cmocka_unit_test(finds_among_many),
        cmocka_unit_test(contested_domains),
        cmocka_unit_test(nobody_publishes_yet),
        cmocka_unit_test(names_below_are_a_notice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

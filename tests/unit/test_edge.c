#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "generator/edge.h"

struct sample {
    const char *text;
    unsigned line, col;  /* 0: nothing may be reported */
    const char *message; /* a part of it; "warning: " before it: no error */
};

static void run_samples(bool (*check)(struct str, const char *, struct diag_list *),
    const struct sample *s, size_t n) {
    for (size_t i = 0; i < n; i++) {
        struct diag_list diags;
        diag_init(&diags);
        bool ok = check(str_from(s[i].text), "f", &diags);
        const struct diag *d = diags.first;
        if (!s[i].line) {
            if (d) print_error("%s: reported %s\n", s[i].text, d->message);
            assert_null(d);
            assert_true(ok);
        } else {
            bool warning = strncmp(s[i].message, "warning: ", 9) == 0;
            if (!d) print_error("not reported: %s\n", s[i].text);
            assert_non_null(d);
            if (!strstr(d->message, s[i].message + (warning ? 9 : 0)))
                print_error("%s\n  reported: %s\n", s[i].text, d->message);
            assert_non_null(strstr(d->message, s[i].message + (warning ? 9 : 0)));
            assert_int_equal(d->place.line, s[i].line);
            assert_int_equal(d->place.col, s[i].col);
            assert_int_equal(d->level, warning ? DIAG_WARNING : DIAG_ERROR);
            assert_int_equal(ok, warning);
        }
        diag_dispose(&diags);
    }
}

static void header_rules(void **state) {
    (void)state;
    static const struct sample samples[] = {
        {"", 0, 0, NULL},
        {"# nothing\n\n", 0, 0, NULL},
        {"/*\n  X-A: b\r\n  ! X-B\n", 0, 0, NULL},
        {"https://x.example/*\n  X-A: b\n", 0, 0, NULL},
        {"https://:p.pages.example/*\n X-A: b\n", 0, 0, NULL},
        {"/a/:x/*\n X-A: :x :splat :other\n", 0, 0, NULL},
        {"/*\n Link: </llms.txt>; rel=\"alternate\"\n", 0, 0, NULL},
        {"X-A: b\n", 1, 1, "no path yet"},
        {"/a\n/b\n X-A: b\n", 1, 1, "no headers follow \"/a\""},
        {"/b\n X-A: b\n/a\n", 3, 1, "no headers follow \"/a\""},
        {"/*\n  word\n", 2, 3, "neither a path nor"},
        {"/*\n  X A: b\n", 2, 4, "not a header name"},
        {"/*\n  : b\n", 2, 3, "no header name"},
        {"/*\n  X-A:\n", 2, 6, "no value"},
        {"/*\n  X-A: gr\xc3\xbc\xc3\x9f\n", 2, 10, "ASCII"},
        {"/*\n  !X-A\n", 2, 3, "! Name"},
        {"/a/*/b/*\n X-A: b\n", 1, 8, "one \"*\""},
        {"/a/*/:splat\n X-A: b\n", 1, 11, "not \":splat\" beside it"},
        {"/:a/:a\n X-A: b\n", 1, 6, "stands twice"},
        {"/a\n X-A: :splat\n", 2, 7, "the path has no \"*\""},
        {"http://x.example/*\n X-A: b\n", 1, 1, "must begin with"},
        {"https://x.example:8443/*\n X-A: b\n", 1, 18, "port"},
        {"https://x.example\n X-A: b\n", 1, 1, "did you mean"},
        {"/a?b\n X-A: b\n", 1, 3, "only the path"},
        {"/a b\n X-A: b\n", 1, 3, "%20"},
        {"/a\n X-A: b\n/a\n X-B: c\n", 3, 1, "has rules on line 1"},
    };
    run_samples(edge_check_headers, samples, sizeof samples / sizeof *samples);
}

static void redirect_rules(void **state) {
    (void)state;
    static const struct sample samples[] = {
        {"", 0, 0, NULL},
        {"/a /b 301\r\n# c\n /c\thttps://x.example/?y#z  308\n", 0, 0, NULL},
        {"/a /b 200\n/x/* /y/:splat 301\n/u/:n /v/:n/w 302\n", 0, 0, NULL},
        {"/a /a/ 301\n", 0, 0, NULL},
        {"/p/:y/:m/* /p/:splat 301\n", 0, 0, NULL},
        {"/* https://new.example/:splat 301\n", 0, 0, NULL},
        {"/spa/* /spa/ 200\n", 0, 0, NULL},
        {"/a /b\n", 1, 6, "warning: no status code"},
        {"/a /b 301\n/a /c 301\n", 2, 1, "warning: already redirected on line 1"},
        {"/a /b/:c 301\n", 1, 7, "warning: no placeholder"},
        {"/a/ /a 301\n", 1, 5, "warning: loops when"},
        {"/a\n", 1, 1, "no target"},
        {"/a /b 301 # why\n", 1, 11, "ends after the status code"},
        {"/a /b 404\n", 1, 7, "\"404\" is not one"},
        {"/a /b 301!\n", 1, 7, "\"301!\" is not one"},
        {"a /b 301\n", 1, 1, "must begin with \"/\""},
        {"https://x.example/a /b 301\n", 1, 1, "must begin with \"/\""},
        {"/a b 301\n", 1, 4, "must begin with one"},
        {"/a http://x.example/ 301\n", 1, 4, "https://"},
        {"/a //x.example/ 301\n", 1, 4, "one \"/\""},
        {"/a https://x.example/ 200\n", 1, 4, "code 200"},
        {"/a?x=1 /b 301\n", 1, 3, "only the path"},
        {"/a/*/* /b 301\n", 1, 6, "one \"*\""},
        {"/a /b/:splat 301\n", 1, 7, "has no \"*\""},
        {"/a/* /b 301\n/c /d 301\n", 2, 1, "put all static rules first"},
        {"/* /index.html 200\n", 1, 4, "loops"},
        {"/ /index 301\n", 1, 3, "loops"},
        {"/a /a 301\n", 1, 1, "loops"},
        {"/a /b 301\n/b /c?x 301\n/c /a#y 301\n", 1, 1, "loops"},
        {"/x /a 301\n/a /b 301\n/b /a 301\n", 2, 1, "loops"},
        {"/* /en/:splat 302\n", 1, 1, "loops"},
        {"/a/* /b/:splat 301\n/b/* /a/:splat 301\n", 1, 1, "loops"},
    };
    run_samples(edge_check_redirects, samples, sizeof samples / sizeof *samples);
}

static unsigned count_errors(
    bool (*check)(struct str, const char *, struct diag_list *),
    const struct buf *text) {
    struct diag_list diags;
    diag_init(&diags);
    check(buf_view(text), "f", &diags);
    unsigned n = diags.errors;
    diag_dispose(&diags);
    return n;
}

static void header_limits(void **state) {
    (void)state;
    struct buf b;
    buf_init(&b, 0);
    for (int i = 0; i < 100; i++) buf_printf(&b, "/p%d\n X-A: b\n", i);
    assert_int_equal(count_errors(edge_check_headers, &b), 0);
    buf_cstr(&b, "/more\n X-A: b\n");
    assert_int_equal(count_errors(edge_check_headers, &b), 1);
    buf_reset(&b);
    buf_printf(&b, "/*\n  X-A: %01995d\n", 0); /* 2,000 characters */
    assert_int_equal(count_errors(edge_check_headers, &b), 0);
    buf_printf(&b, "  X-B: %01996d\n", 0);
    assert_int_equal(count_errors(edge_check_headers, &b), 1);
    buf_dispose(&b);
}

static void redirect_limits(void **state) {
    (void)state;
    struct buf b;
    buf_init(&b, 0);
    for (int i = 0; i < 2000; i++) buf_printf(&b, "/s%d /t 301\n", i);
    for (int i = 0; i < 100; i++) buf_printf(&b, "/d%d/* /t 301\n", i);
    assert_int_equal(count_errors(edge_check_redirects, &b), 0);
    buf_cstr(&b, "/d/* /t 301\n");
    assert_int_equal(count_errors(edge_check_redirects, &b), 1);
    buf_reset(&b);
    for (int i = 0; i < 2001; i++) buf_printf(&b, "/s%d /t 301\n", i);
    assert_int_equal(count_errors(edge_check_redirects, &b), 1);
    buf_reset(&b);
    buf_printf(&b, "/a /%0994d 301\n", 0); /* 1,002 characters */
    assert_int_equal(count_errors(edge_check_redirects, &b), 1);
    buf_dispose(&b);
}

/* A pattern that could be matched in very many ways ends soon. */
static void ambiguous_patterns_end(void **state) {
    (void)state;
    struct buf b;
    buf_init(&b, 0);
    buf_cstr(&b, "/a /xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx 301\n"
                 "/:a:b:c:d:e:f:g:h:i:j:k:l:m*z /q 301\n");
    assert_int_equal(count_errors(edge_check_redirects, &b), 0);
    buf_dispose(&b);
}

static void all_errors_are_reported(void **state) {
    (void)state;
    struct buf b;
    buf_init(&b, 0);
    buf_cstr(&b, "x /b 999\n/a /b 301\n/c d 301\n");
    assert_int_equal(count_errors(edge_check_redirects, &b), 3);
    buf_dispose(&b);
}

static void expect(const struct buf *b, const char *part) {
    if (!strstr(b->ptr, part)) print_error("%s\nlacks %s\n", b->ptr, part);
    assert_non_null(strstr(b->ptr, part));
}

static void nginx_text(void **state) {
    (void)state;
    struct buf b;
    struct edge_nginx conf = {"/srv/a $b", "443 ssl, [::]:443 ssl"};
    struct edge_site site = {.host = "x.example",
        .headers = STR("/*\n  X-A: \"q\" \\ $1;}\n"),
        .redirects = STR("/a{;} /b$1 301\n/a%7B;} /c 301\n/bad\n")};
    buf_init(&b, 0);
    edge_nginx_head(&b, &conf);
    expect(&b, "    listen [::]:443 ssl default_server;\n");
    buf_reset(&b);
    edge_nginx_site(&b, &conf, &site);
    expect(&b, "    listen 443 ssl;\n    listen [::]:443 ssl;\n");
    expect(&b, "root \"/srv/a ${tenantry_dollar}b/x.example\";");
    expect(&b, "add_header X-A \"\\\"q\\\" \\\\ ${tenantry_dollar}1;}\" always;");
    expect(&b, "location = \"/a{;}\" {\n        return 301 "
               "\"/b${tenantry_dollar}1$is_args$args\";");
    assert_null(strstr(b.ptr, "\"/c$"));
    buf_reset(&b);
    conf.listen = NULL;
    edge_nginx_wildcard(&b, &conf, "x.example", "https://x.example");
    assert_string_equal(b.ptr,
        "\nserver {\n    listen 80;\n"
        "    server_name *.x.example;\n"
        "    include tenantry-server*.conf;\n"
        "    return 301 \"https://x.example$request_uri\";\n}\n");
    buf_dispose(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(header_rules),
        cmocka_unit_test(redirect_rules),
        cmocka_unit_test(header_limits),
        cmocka_unit_test(redirect_limits),
        cmocka_unit_test(ambiguous_patterns_end),
        cmocka_unit_test(all_errors_are_reported),
        cmocka_unit_test(nginx_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* superjson, both ways.  With the argument "echo": what comes in, a payload a line, is
 * read and written again, for tests/api/superjson.mjs to compare. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "api/superjson.h"

static json_t *parse(const char *text) {
    struct diag_list diags;
    diag_init(&diags);
    json_t *v = json_parse(str_from(text), "payload", &diags);
    diag_dispose(&diags);
    return v;
}

/* What becomes of a payload; "!" and why, when it is refused. */
static void echo(const char *text, struct buf *out) {
    struct arena a;
    struct superjson s;
    const char *why = "not JSON";
    arena_init(&a);
    superjson_init(&s, &a);
    json_t *payload = parse(text);
    if (payload && superjson_read(&s, payload, &why))
        superjson_write(out, &s, s.json);
    else
        buf_printf(out, "!%s", why);
    json_decref(payload);
    superjson_dispose(&s);
    arena_dispose(&a);
}

static void test_same(void **state) {
    static const char *const same[] = {"{\"json\":{\"a\":1}}", "{\"json\":null}",
        "{\"json\":\"2026-01-02T03:04:05.000Z\",\"meta\":{\"values\":[\"Date\"],\"v\":"
        "1}}",
        "{\"json\":{\"a\":[{\"at\":\"x\"}]},\"meta\":{\"values\":{\"a.0.at\":[\"Date\"]"
        "},\"v\":1}}",
        /* a key a.b, a key a\, the empty key */
        "{\"json\":{\"a.b\":\"1\",\"a\\\\\":\"2\",\"\":\"3\"},\"meta\":{\"values\":{"
        "\"a\\\\.b\":[\"bigint\"],\"a\\\\\\\\\":[\"bigint\"],\"\":[\"bigint\"]},\"v\":"
        "1}}",
        "{\"json\":{\"s\":[\"1\",[\"2\",\"3\"]]},\"meta\":{\"values\":{\"s\":[\"set\",{"
        "\"0\":"
        "[\"bigint\"],\"1\":[\"map\",{\"0\":[\"URL\"]}]}]},\"v\":1}}"};
    (void)state;
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        struct buf out;
        buf_init(&out, 0);
        echo(same[i], &out);
        assert_string_equal(out.ptr, same[i]);
        buf_dispose(&out);
    }
}

static void test_undefined_goes(void **state) {
    static const char *const cases[][2] = {
        {"{\"json\":{\"cursor\":null,\"n\":1},\"meta\":{\"values\":{\"cursor\":["
         "\"undefined\"]},\"v\":1}}",
            "{\"json\":{\"n\":1}}"},
        {"{\"json\":[null,2],\"meta\":{\"values\":{\"0\":[\"undefined\"]},\"v\":1}}",
            "{\"json\":[null,2]}"},
        {"{\"json\":null,\"meta\":{\"values\":[\"undefined\"],\"v\":1}}",
            "{\"json\":null}"},
        /* without v a backslash is one */
        {"{\"json\":{\"a\\\\b\":\"1\"},\"meta\":{\"values\":{\"a\\\\b\":[\"bigint\"]}}"
         "}",
            "{\"json\":{\"a\\\\b\":\"1\"},\"meta\":{\"values\":{\"a\\\\\\\\b\":["
            "\"bigint\"]},\"v\":1}}"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf out;
        buf_init(&out, 0);
        echo(cases[i][0], &out);
        assert_string_equal(out.ptr, cases[i][1]);
        buf_dispose(&out);
    }
}

static void test_refused(void **state) {
    static const char *const bad[] = {"[]", "3", "\"x\"", "null",
        "{\"json\":{},\"meta\":3}", "{\"json\":{},\"meta\":{\"values\":3}}",
        "{\"json\":{},\"meta\":{\"values\":{\"a\":[\"Date\"]},\"v\":1}}",
        "{\"json\":{\"a\":\"x\"},\"meta\":{\"values\":{\"a.b\":[\"Date\"]},\"v\":1}}",
        "{\"json\":{\"a\":[1]},\"meta\":{\"values\":{\"a.1\":[\"Date\"]},\"v\":1}}",
        "{\"json\":{\"a\":[1]},\"meta\":{\"values\":{\"a.-1\":[\"Date\"]},\"v\":1}}",
        "{\"json\":{\"a\":1},\"meta\":{\"values\":{\"a\":[\"Frog\"]},\"v\":1}}",
        "{\"json\":{\"a\":1},\"meta\":{\"values\":{\"a\":[[\"class\",\"X\"]]},\"v\":1}"
        "}",
        "{\"json\":{\"a\":1},\"meta\":{\"values\":{\"a\":[]},\"v\":1}}",
        "{\"json\":{\"a\":true},\"meta\":{\"values\":{\"a\":[\"Date\"]},\"v\":1}}",
        "{\"json\":{\"a\":null},\"meta\":{\"values\":{\"a\":[\"Date\"]},\"v\":1}}",
        "{\"json\":{\"a\":1},\"meta\":{\"values\":{\"a\":\"Date\"},\"v\":1}}",
        "{\"json\":{\"a\":1},\"meta\":{\"values\":{\"\\\\a\":[\"Date\"]},\"v\":1}}"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct buf out;
        buf_init(&out, 0);
        echo(bad[i], &out);
        assert_int_equal(out.ptr[0], '!');
        buf_dispose(&out);
    }
}

static void test_made_here(void **state) {
    struct arena a;
    struct superjson s;
    struct buf out;
    (void)state;
    arena_init(&a);
    buf_init(&out, 0);
    superjson_init(&s, &a);
    s.json = parse("{\"posts\":[{\"at\":\"2026-01-02T03:04:05.000Z\"}],\"next\":null}");
    json_object_set_new(s.json, "next", superjson_undefined(&s));
    superjson_mark(&s,
        json_object_get(json_array_get(json_object_get(s.json, "posts"), 0), "at"),
        "Date");
    json_t *around = json_pack("[i[O]]", 7, s.json);
    superjson_write(&out, &s, around);
    assert_string_equal(out.ptr, "{\"json\":[7,[{\"posts\":[{\"at\":\"2026-01-02T03:04:"
                                 "05.000Z\"}],\"next\":null}]],"
                                 "\"meta\":{\"values\":{\"1.0.posts.0.at\":[\"Date\"],"
                                 "\"1.0.next\":[\"undefined\"]},\"v\":1}}");
    json_decref(around);
    superjson_dispose(&s);
    buf_dispose(&out);
    arena_dispose(&a);
}

static int echo_lines(void) {
    char *line = NULL;
    size_t size = 0;
    ssize_t n;
    while ((n = getline(&line, &size, stdin)) > 0) {
        struct buf out;
        buf_init(&out, 0);
        line[n - 1] = '\0';
        echo(line, &out);
        puts(out.ptr);
        buf_dispose(&out);
    }
    free(line);
    return 0;
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_same),
        cmocka_unit_test(test_undefined_goes), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_made_here)};
    json_setup();
    if (argc > 1 && !strcmp(argv[1], "echo")) return echo_lines();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* JSON: what is refused and where, positions of values, lookups, writing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <fcntl.h>
#include <locale.h>
#include <stdio.h>

#include "base/file.h"
#include "base/json.h"

static void errors_name_the_place(void **state) {
    (void)state;
    static const struct {
        const char *text;
        unsigned line, col;
        const char *message;
    } rows[] = {
        {"{\"a\": 1,\n  x}", 2, 3,
            "not valid JSON: a name in double quotes is expected here"},
        {"{\"a\": 1,\n \"b\": 2,\n \"a\": 3}", 3, 2,
            "duplicate key \"a\"; keep only one of them"},
        {"[1,\n]", 1, 3, "not valid JSON: a comma before ']'; remove it"},
        {"{\"a\":1,}", 1, 7, "not valid JSON: a comma before '}'; remove it"},
        {"{\"a\":1\n \"b\":2}", 2, 2,
            "not valid JSON: a comma is missing before \"b\""},
        {"[1 2]", 1, 4, "not valid JSON: a comma is missing before 2"},
        {"", 1, 1, "not valid JSON: there is nothing in it"},
        {" \n\n", 1, 1, "not valid JSON: there is nothing in it"},
        {"\xEF\xBB\xBF{}", 1, 1,
            "not valid JSON: a byte order mark at the start; save the file without it"},
        {"{\"a\": \"x\\q\"}", 1, 10, "not valid JSON: invalid escape near '\"x\\q'"},
        {"{\"a\": \"x\ny\"}", 1, 7,
            "not valid JSON: this string does not end on its line; close the quotes, "
            "or write "
            "\\n for a line break"},
        {"{\"a\": \"x\001\"}", 1, 9,
            "not valid JSON: control character 0x1 near '\"x'"},
        {"{\"a\": \"caf\xE9\"}", 1, 11,
            "not valid UTF-8: byte 0xe9; save the file as UTF-8"},
        {"{'a':1}", 1, 2, "not valid JSON: strings stand in double quotes"},
        {"{}\n// why", 2, 1, "not valid JSON: comments are not allowed; remove it"},
        {"{\"a\":1\n\n", 1, 7,
            "not valid JSON: the file ends before its brackets are closed"},
        {"{\"a\": \"\\u0000\"}", 1, 7,
            "not valid JSON: \\u0000 is not allowed in a string"},
        {"{\"caf\xC3\xA9\": tru}", 1, 11, "not valid JSON: invalid token near 'tru'"},
        {"{\"a longer key than jansson quotes\" \"again, longer than it quotes\"}", 1,
            37, "not valid JSON: ':' expected"},
        {"[1e999]", 1, 2, "not valid JSON: real number overflow near '1e999'"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct diag_list l;
        diag_init(&l);
        assert_null(json_parse(str_from(rows[i].text), "c.json", &l));
        assert_int_equal(l.errors, 1);
        assert_string_equal(l.first->message, rows[i].message);
        assert_string_equal(l.first->place.file, "c.json");
        assert_int_equal(l.first->place.line, rows[i].line);
        assert_int_equal(l.first->place.col, rows[i].col);
        diag_dispose(&l);
    }
}

static json_t *parse_nested(size_t depth, struct diag_list *l) {
    struct buf b;
    buf_init(&b, 0);
    for (size_t i = 0; i < depth; i++) buf_char(&b, '[');
    for (size_t i = 0; i < depth; i++) buf_char(&b, ']');
    json_t *v = json_parse(buf_view(&b), "deep.json", l);
    buf_dispose(&b);
    return v;
}

static void depth_is_limited(void **state) {
    (void)state;
    struct diag_list l;
    diag_init(&l);
    json_t *v = parse_nested(64, &l);
    assert_non_null(v);
    json_decref(v);
    assert_null(parse_nested(65, &l));
    assert_string_equal(l.last->message, "nested too deeply; 64 levels are allowed");
    assert_int_equal(l.last->place.col, 65);
    assert_null(parse_nested(100000, &l));
    assert_string_equal(l.last->message, "nested too deeply; 64 levels are allowed");
    assert_int_equal(l.last->place.col, 65);
    assert_int_equal(l.errors, 2);
    diag_dispose(&l);
}

static void any_truncation_is_one_error(void **state) {
    (void)state;
    static const char text[] =
        "{\"a\": [1, -2.5e3, \"\\u00e9\\\"x\"], \"b\": {\"c\": null, \"d\": true}}";
    for (size_t n = 0; n < sizeof(text) - 1; n++) {
        /* A copy of exactly n bytes, so that a read behind it is caught. */
        char *copy = malloc(n ? n : 1);
        assert_non_null(copy);
        memcpy(copy, text, n);
        struct diag_list l;
        diag_init(&l);
        assert_null(json_parse((struct str){copy, n}, "t.json", &l));
        assert_int_equal(l.errors, 1);
        unsigned line, col;
        json_locate((struct str){copy, n}, "/b/d", false, &line, &col);
        json_locate((struct str){copy, n}, "/a/2", true, &line, &col);
        diag_dispose(&l);
        free(copy);
    }
}

static void check_locate(
    const char *text, const char *pointer, bool key, unsigned line, unsigned col) {
    unsigned l = 0, c = 0;
    bool found = json_locate(str_from(text), pointer, key, &l, &c);
    assert_int_equal(found, line > 0);
    assert_int_equal(l, line);
    assert_int_equal(c, col);
}

static void values_are_located(void **state) {
    (void)state;
    static const char text[] = "{\n"
                               "  \"name\": \"a, \\\"b\\\" {[\",\n"
                               "  \"plans\": [ {\"price\": 1},\n"
                               "    [[], {}],\n"
                               "    {\"id\": [7, 8], \"price\": 19.5}\n"
                               "  ],\n"
                               "  \"a/b\": 1, \"c~d\": 2, \"\": 3, \"t\\u00e9\": 4\n"
                               "}\n";
    check_locate(text, "", false, 1, 1);
    check_locate(text, "/name", false, 2, 11);
    check_locate(text, "/name", true, 2, 3);
    check_locate(text, "/plans", false, 3, 12);
    check_locate(text, "/plans/0/price", false, 3, 24);
    check_locate(text, "/plans/0/price", true, 3, 15);
    check_locate(text, "/plans/1/1", false, 4, 10);
    check_locate(text, "/plans/2/price", false, 5, 29);
    check_locate(text, "/plans/2/id/1", false, 5, 16);
    check_locate(text, "/plans/2/id/1", true, 5, 16);
    check_locate(text, "/a~1b", false, 7, 10);
    check_locate(text, "/c~0d", false, 7, 20);
    check_locate(text, "/", false, 7, 27);
    check_locate(text, "/t\xC3\xA9", false, 7, 41);
    check_locate(text, "/plans/3", false, 0, 0);
    check_locate(text, "/plans/x", false, 0, 0);
    check_locate(text, "/plans/1/0/0", false, 0, 0);
    check_locate(text, "/name/x", false, 0, 0);
    check_locate(text, "/nam", false, 0, 0);
    check_locate(text, "/names", false, 0, 0);
    check_locate(text, "name", false, 0, 0);
    check_locate("", "", false, 0, 0);
    check_locate("{}", "/a", false, 0, 0);
    check_locate("[]", "/0", false, 0, 0);
}

static void pointers_become_readable(void **state) {
    (void)state;
    struct arena a;
    arena_init(&a);
    assert_string_equal(
        json_pointer_human(&a, "/pricing/plans/0/price"), "pricing.plans[0].price");
    assert_string_equal(json_pointer_human(&a, "/0/1/a"), "[0][1].a");
    assert_string_equal(json_pointer_human(&a, "/a~1b/c~0d"), "a/b.c~d");
    assert_string_equal(json_pointer_human(&a, ""), "");
    arena_dispose(&a);
}

static json_t *parse(const char *text) {
    struct diag_list l;
    diag_init(&l);
    json_t *v = json_parse(str_from(text), "f", &l);
    assert_int_equal(l.errors, 0);
    diag_dispose(&l);
    assert_non_null(v);
    return v;
}

static void dotted_paths(void **state) {
    (void)state;
    json_t *v = parse("{\"branding\": {\"name\": \"5 Ducks\", \"n\": 5}}");
    assert_string_equal(json_path_string(v, "branding.name"), "5 Ducks");
    assert_null(json_path_string(v, "branding.n"));
    assert_int_equal(json_integer_value(json_path(v, "branding.n")), 5);
    assert_null(json_path(v, "branding.name.x"));
    assert_null(json_path(v, "brand"));
    assert_null(json_path(v, ""));
    assert_null(json_path(NULL, "a"));
    json_decref(v);
}

static void truth(void **state) {
    (void)state;
    static const char *const no[] = {"null", "false", "0", "0.0", "\"\"", "[]"};
    static const char *const yes[] = {"true", "1", "-0.5", "\"0\"", "[0]", "{}"};
    assert_false(json_truthy(NULL));
    for (size_t i = 0; i < sizeof(no) / sizeof(*no); i++) {
        json_t *v = parse(no[i]);
        assert_false(json_truthy(v));
        json_decref(v);
    }
    for (size_t i = 0; i < sizeof(yes) / sizeof(*yes); i++) {
        json_t *v = parse(yes[i]);
        assert_true(json_truthy(v));
        json_decref(v);
    }
}

static void check_written(const json_t *v, int indent, const char *expected) {
    struct buf b;
    buf_init(&b, 0);
    json_write(&b, v, indent);
    assert_string_equal(b.ptr, expected);
    buf_dispose(&b);
}

static const char all_kinds[] = "{\"z\":[1,2.0,19.99,0.1,-5,1e+21,true,false,null],"
                                "\"a\":{\"<\":\"\\u0001\\\"\xC3\xA9"
                                "/\"},\"m\":[],\"o\":{}}";

static void writing_keeps_order_and_numbers(void **state) {
    (void)state;
    json_t *v = parse(all_kinds);
    check_written(v, 0,
        "{\"z\":[1,2.0,19.99,0.1,-5,1e21,true,false,null],\"a\":{\"<\":"
        "\"\\u0001\\\"\xC3\xA9/\"},\"m\":[],\"o\":{}}");
    json_decref(v);
    v = parse("{\"b\":[1,{}],\"a\":{\"x\":[]}}");
    check_written(
        v, 2, "{\n  \"b\": [\n    1,\n    {}\n  ],\n  \"a\": {\n    \"x\": []\n  }\n}");
    json_decref(v);
    check_written(NULL, 0, "null");
}

static void what_was_written_reads_back(void **state) {
    (void)state;
    json_t *v = parse(all_kinds);
    for (int indent = 0; indent < 5; indent++) {
        struct buf b;
        buf_init(&b, 0);
        json_write(&b, v, indent);
        json_t *again = parse(b.ptr);
        assert_true(json_equal(v, again));
        json_decref(again);
        buf_dispose(&b);
    }
    json_decref(v);
}

/* Minimal systems have no locale with a decimal comma; glibc can be handed one. */
static bool set_comma_locale(const char *dir) {
    char command[256];
    if (setlocale(LC_ALL, "de_DE.UTF-8")) return true;
    snprintf(command, sizeof(command),
        "localedef -i de_DE -f UTF-8 %s/de_DE.UTF-8 >%s/log 2>&1", dir, dir);
    if (system(command) != 0) return false;
    setenv("LOCPATH", dir, 1);
    return setlocale(LC_ALL, "de_DE.UTF-8") != NULL;
}

static void the_locale_does_not_matter(void **state) {
    char dir[] = "/tmp/tenantry-locale-XXXXXX";
    assert_non_null(mkdtemp(dir));
    bool comma = set_comma_locale(dir);
    if (comma) {
        char text[8];
        snprintf(text, sizeof(text), "%.1f", 0.5);
        assert_string_equal(text, "0,5"); /* else the test would prove nothing */
        writing_keeps_order_and_numbers(state);
        what_was_written_reads_back(state);
    }
    setlocale(LC_ALL, "C");
    unsetenv("LOCPATH");
    file_remove_tree(AT_FDCWD, dir);
    if (!comma) skip();
}

static void members_are_set(void **state) {
    (void)state;
    json_t *obj = json_object();
    json_t *list = json_array();
    json_set_str(obj, "s", "text");
    json_set_str(obj, "none", NULL);
    json_set_text(obj, "part", str_slice(STR("abcdef"), 2, 4));
    json_set_text(obj, "null", (struct str){NULL, 0});
    json_set_int(obj, "n", 9007199254740993);
    json_set_bool(obj, "yes", true);
    json_share(obj, "list", list);
    json_share(obj, "same", list);
    json_share(obj, "absent", NULL);
    json_array_append_new(list, json_integer(1));
    check_written(obj, 0,
        "{\"s\":\"text\",\"none\":\"\",\"part\":\"cd\",\"null\":\"\","
        "\"n\":9007199254740993,\"yes\":true,\"list\":[1],\"same\":[1]}");
    json_decref(obj);
    assert_int_equal(json_array_size(list), 1); /* ours is still ours */
    json_decref(list);
}

static int setup(void **state) {
    (void)state;
    json_setup();
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_name_the_place),
        cmocka_unit_test(depth_is_limited),
        cmocka_unit_test(any_truncation_is_one_error),
        cmocka_unit_test(values_are_located),
        cmocka_unit_test(pointers_become_readable),
        cmocka_unit_test(dotted_paths),
        cmocka_unit_test(truth),
        cmocka_unit_test(writing_keeps_order_and_numbers),
        cmocka_unit_test(what_was_written_reads_back),
        cmocka_unit_test(the_locale_does_not_matter),
        cmocka_unit_test(members_are_set),
    };
    return cmocka_run_group_tests_name("json", tests, setup, NULL);
}

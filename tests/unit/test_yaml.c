#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "base/yaml.h"

struct outcome {
    struct diag_list diags;
    json_t *value;
    struct buf text; /* of value, as JSON */
};

static struct outcome parse(const char *yaml) {
    struct outcome o;
    diag_init(&o.diags);
    buf_init(&o.text, 0);
    o.value = yaml_parse(str_from(yaml), "a.md", 2, &o.diags);
    if (o.value) json_write(&o.text, o.value, 0);
    return o;
}

static void dispose(struct outcome *o) {
    json_decref(o->value);
    buf_dispose(&o->text);
    diag_dispose(&o->diags);
}

static void gives(const char *yaml, const char *json) {
    struct outcome o = parse(yaml);
    if (!o.value) fail_msg("%s: %s", yaml, o.diags.first->message);
    assert_string_equal(o.text.ptr, json);
    assert_int_equal(o.diags.errors, 0);
    dispose(&o);
}

/* A comment with a carriage return keeps the short cut away. */
static void gives_both_ways(const char *yaml, const char *json) {
    struct buf slow;
    buf_init(&slow, 0);
    buf_printf(&slow, "#\r\n%s", yaml);
    gives(yaml, json);
    gives(slow.ptr, json);
    buf_dispose(&slow);
}

static void fails(const char *yaml, unsigned line, unsigned col, const char *message) {
    struct outcome o = parse(yaml);
    assert_null(o.value);
    assert_true(o.diags.errors >= 1);
    assert_string_equal(o.diags.first->place.file, "a.md");
    if (!strstr(o.diags.first->message, message))
        fail_msg("\"%s\" lacks \"%s\"", o.diags.first->message, message);
    assert_int_equal(o.diags.first->place.line, line);
    assert_int_equal(o.diags.first->place.col, col);
    dispose(&o);
}

static void test_types(void **state) {
    (void)state;
    gives_both_ways("a: true\nb: false\nc: null\nd: ~\ne:\nf: yes\ng: True\n",
        "{\"a\":true,\"b\":false,\"c\":null,\"d\":null,\"e\":null,\"f\":\"yes\","
        "\"g\":\"True\"}");
    gives_both_ways("a: 0\nb: 12\nc: 007\nd: 1.10\ne: 2026-01-02\nf: 1e3\ng: 0x10\n",
        "{\"a\":0,\"b\":12,\"c\":\"007\",\"d\":\"1.10\",\"e\":\"2026-01-02\",\"f\":"
        "\"1e3\","
        "\"g\":\"0x10\"}");
    gives_both_ways("a: -5\nb: -0\nc: 9223372036854775807\nd: 9223372036854775808\n",
        "{\"a\":-5,\"b\":\"-0\",\"c\":9223372036854775807,"
        "\"d\":\"9223372036854775808\"}");
    gives_both_ways("a: \"true\"\nb: '12'\nc: \"\"\nd: ''\n",
        "{\"a\":\"true\",\"b\":\"12\",\"c\":\"\",\"d\":\"\"}");
}

static void test_short_cut_equals_full(void **state) {
    (void)state;
    gives_both_ways("title: A b:c d#e\n", "{\"title\":\"A b:c d#e\"}");
    gives_both_ways("a: [x, y z, 3, \"q, r\"]\n", "{\"a\":[\"x\",\"y z\",3,\"q, r\"]}");
    gives_both_ways(
        "a: [true, null, '1']\n\nb: x   \n", "{\"a\":[true,null,\"1\"],\"b\":\"x\"}");
    gives_both_ways("a: Grüße 🌻\n", "{\"a\":\"Grüße 🌻\"}");
    gives_both_ways("a: b\n  c\n", "{\"a\":\"b c\"}");
    gives_both_ways("a: \"x\\ty\"\n", "{\"a\":\"x\\ty\"}");
    gives_both_ways("a: 'it''s'\n", "{\"a\":\"it's\"}");
    gives_both_ways("a: x # note\n", "{\"a\":\"x\"}");
    gives_both_ways("a: []\nb: {}\n", "{\"a\":[],\"b\":{}}");
    gives_both_ways("a:\n- x\n- y: 1\n", "{\"a\":[\"x\",{\"y\":1}]}");
}

static void test_flow(void **state) {
    (void)state;
    gives_both_ways("paginate: {over: posts, size: 10, path: \"blog/{{number}}/\"}\n",
        "{\"paginate\":{\"over\":\"posts\",\"size\":10,\"path\":\"blog/{{number}}/"
        "\"}}");
    gives_both_ways("lists: {latest: {from: posts, tag: news, limit: 5}}\n",
        "{\"lists\":{\"latest\":{\"from\":\"posts\",\"tag\":\"news\",\"limit\":5}}}");
    gives_both_ways(
        "a: |\n  x\n  y\nb: >\n  x\n  y\n", "{\"a\":\"x\\ny\\n\",\"b\":\"x y\\n\"}");
}

static void test_empty(void **state) {
    (void)state;
    gives("", "{}");
    gives("\n\n", "{}");
    gives("# only a comment\n", "{}");
}

static void test_errors(void **state) {
    (void)state;
    fails("a: 1\nb: 2\na: 3\n", 4, 1, "\"a\" occurs twice");
    fails("a: {b: 1, b: 2}\n", 2, 11, "\"b\" occurs twice");
    fails("a: &x 1\n", 2, 4, "anchors");
    fails("a: *x\n", 2, 4, "aliases");
    fails("a: !!str 1\n", 2, 4, "tags");
    fails("- a\n", 2, 1, "\"key: value\"");
    fails("just text\n", 2, 1, "\"key: value\"");
    fails("a: b: c\n", 2, 5, "in quotes");
    fails("a: 1\n---\nb: 2\n", 3, 1, "second YAML document");
    fails("a: \"x\n", 2, 4, "never closed");
    fails("a: [1, 2\nb: 3\n", 3, 2, "bracket");
    fails("\tb: 1\n", 2, 1, "tab");
    fails("? [a]\n: b\n", 2, 3, "plain text");
    fails("\"\": b\n", 2, 1, "key is missing");
    fails("a: \"\\0\"\n", 2, 4, "NUL");
    fails("a: \x01\n", 2, 4, "control");
    fails("a: \xFF\n", 2, 4, "UTF-8");
}

static void test_all_errors_are_reported(void **state) {
    (void)state;
    struct outcome o = parse("a: &x 1\nb: *x\na: !t 2\n");
    assert_null(o.value);
    assert_int_equal(o.diags.errors, 4);
    dispose(&o);
}

static void test_limits(void **state) {
    (void)state;
    struct buf b;
    buf_init(&b, 0);
    buf_cstr(&b, "a: ");
    for (int i = 0; i < 31; i++) buf_char(&b, '[');
    for (int i = 0; i < 31; i++) buf_char(&b, ']');
    struct outcome o = parse(b.ptr);
    assert_non_null(o.value);
    dispose(&o);
    buf_reset(&b);
    buf_cstr(&b, "a: ");
    for (int i = 0; i < 20000; i++) buf_char(&b, '[');
    fails(b.ptr, 2, 35, "nested deeper");
    buf_reset(&b);
    while (b.len <= 64 * 1024) buf_cstr(&b, "# padding of the comment kind\n");
    fails(b.ptr, 2, 0, "limit");
    buf_dispose(&b);
}

static void located(
    const char *yaml, const char *pointer, bool key, unsigned line, unsigned col) {
    unsigned l = 0, c = 0;
    assert_true(yaml_locate(str_from(yaml), 2, pointer, key, &l, &c));
    assert_int_equal(l, line);
    assert_int_equal(c, col);
}

static void test_locate(void **state) {
    (void)state;
    const char *yaml =
        "title: Ünï\ntags: [ä, b]\nhero:\n  steps:\n    - x\n    - k/y: 1\n";
    unsigned line, col;
    located(yaml, "", false, 2, 1);
    located(yaml, "/title", false, 2, 8);
    located(yaml, "/title", true, 2, 1);
    located(yaml, "/tags/1", false, 3, 12);
    located(yaml, "/hero/steps/0", false, 6, 7);
    located(yaml, "/hero/steps/1/k~1y", true, 7, 7);
    located(yaml, "/hero/steps/1/k~1y", false, 7, 12);
    assert_false(yaml_locate(str_from(yaml), 2, "/nothing", true, &line, &col));
    assert_false(yaml_locate(str_from(yaml), 2, "/tags/2", true, &line, &col));
    assert_false(yaml_locate(str_from(yaml), 2, "/title/x", true, &line, &col));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_short_cut_equals_full),
        cmocka_unit_test(test_flow),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_all_errors_are_reported),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_locate),
    };
    json_setup();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "generator/frontmatter.h"

static void parses(
    const char *text, const char *json, const char *body, unsigned line) {
    struct frontmatter f;
    struct diag_list diags;
    struct buf b;
    diag_init(&diags);
    buf_init(&b, 0);
    assert_true(frontmatter_parse(&f, str_from(text), "a.md", &diags));
    json_write(&b, f.values, 0);
    assert_string_equal(b.ptr, json);
    assert_true(str_is(f.body, body));
    assert_int_equal(f.body_line, line);
    frontmatter_dispose(&f);
    buf_dispose(&b);
    diag_dispose(&diags);
}

static void fails(const char *text, unsigned line, unsigned col, const char *message) {
    struct frontmatter f;
    struct diag_list diags;
    diag_init(&diags);
    assert_false(frontmatter_parse(&f, str_from(text), "a.md", &diags));
    assert_int_equal(diags.errors, 1);
    assert_non_null(strstr(diags.first->message, message));
    assert_int_equal(diags.first->place.line, line);
    assert_int_equal(diags.first->place.col, col);
    frontmatter_dispose(&f);
    diag_dispose(&diags);
}

static void test_split(void **state) {
    (void)state;
    parses("", "{}", "", 1);
    parses("# x\n", "{}", "# x\n", 1);
    parses("---\na: 1\n---\nbody\n---\n", "{\"a\":1}", "body\n---\n", 4);
    parses("---\n---\nbody", "{}", "body", 3);
    parses("---  \na: 1\n---\t\n", "{\"a\":1}", "", 4);
    parses("---\na: 1\n---", "{\"a\":1}", "", 4);
    parses("----\na\n---\n", "{}", "----\na\n---\n", 1);
    parses(" ---\na\n---\n", "{}", " ---\na\n---\n", 1);
}

static void test_marks_of_other_editors(void **state) {
    (void)state;
    parses("\xEF\xBB\xBF---\na: x\n---\nb\n", "{\"a\":\"x\"}", "b\n", 4);
    parses("---\r\na: x\r\nb: [c, d]\r\n---\r\nbody\r\n",
        "{\"a\":\"x\",\"b\":[\"c\",\"d\"]}", "body\r\n", 5);
    parses("\xEF\xBB\xBF# x\n", "{}", "# x\n", 1);
}

static void test_errors(void **state) {
    (void)state;
    fails("---\na: 1\n", 1, 1, "closing");
    fails("---", 1, 1, "closing");
    fails("---\na: 1\na: 2\n---\n", 3, 1, "twice");
    fails("---\n- a\n---\n", 2, 1, "key: value");
    fails("---\na: 1\n---\n\nx \xC3( y\n", 5, 3, "UTF-8");
}

static void test_place(void **state) {
    (void)state;
    struct frontmatter f;
    struct diag_list diags;
    diag_init(&diags);
    struct str text = STR("---\ntitle: x\ntags: [a, b]\n---\n");
    assert_true(frontmatter_parse(&f, text, "a.md", &diags));
    struct diag_place p = frontmatter_place(&f, "a.md", "/tags/1", false);
    assert_string_equal(p.file, "a.md");
    assert_int_equal(p.line, 3);
    assert_int_equal(p.col, 11);
    p = frontmatter_place(&f, "a.md", "/tags", true);
    assert_int_equal(p.line, 3);
    assert_int_equal(p.col, 1);
    p = frontmatter_place(&f, "a.md", "/missing", true);
    assert_int_equal(p.line, 0);
    frontmatter_dispose(&f);
    diag_dispose(&diags);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_split),
        cmocka_unit_test(test_marks_of_other_editors),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_place),
    };
    json_setup();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

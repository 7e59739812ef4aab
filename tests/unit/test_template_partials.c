/* The template engine: partials, layouts, limits. */
#include "tests/unit/template_bench.h"

static void test_chain_of_partials(void **state) {
    (void)state;
    struct bench b;
    bench_init(&b);
    partial(&b, "header", "<h1>\n  {{>logo}}");
    partial(&b, "logo", "{{brand}}");
    assert_false(render(&b, "\n{{#l}}{{>header}}{{/l}}", "{'l':[1,2]}"));
    assert_string_equal(b.said,
        "logo:1:1: unknown name \"brand\"; if it may be missing, test it: "
        "{{#brand}}...{{/brand}}\n"
        "header:2:3: note: included from here\n"
        "t.html:2:7: note: included from here\n");
    bench_dispose(&b);
}

static void test_unknown_partial(void **state) {
    (void)state;
    fails("{{>haeder}}\n{{<bse}}{{/bse}}\n{{>qqq}}", "{}",
        "t.html:1:1: there is no partial \"haeder\"; did you mean \"header\"?\n"
        "t.html:2:1: there is no layout \"bse\"; did you mean \"base\"?\n"
        "t.html:3:1: there is no partial \"qqq\"\n");
}

static void test_broken_partial(void **state) {
    (void)state;
    struct bench b;
    bench_init(&b);
    partial(&b, "bad", "{{#a}}");
    assert_false(render(&b, "{{>bad}}", "{}"));
    assert_string_equal(b.said, "bad:1:1: {{#a}} is never closed: {{/a}} is missing\n");
    bench_dispose(&b);
}

static void test_dynamic_partial(void **state) {
    (void)state;
    struct bench b;
    bench_init(&b);
    partial(&b, "header", "H");
    expect(&b, "{{>*p.q}}{{#none}}{{>*none}}{{/none}}{{^none}}{{>*none}}{{/none}}",
        "{'p':{'q':'header'}}", "H");
    bench_dispose(&b);
    fails("{{>*p}}", "{}",
        "t.html:1:1: unknown name \"p\"; if it may be missing, test it: "
        "{{#p}}...{{/p}}\n");
    fails("{{>*p}}{{>*q}}", "{'p':'','q':{}}",
        "t.html:1:1: \"p\" is empty, so it names no partial\n"
        "t.html:1:8: \"q\" is an object, so it names no partial\n");
}

static void test_recursion_ends(void **state) {
    (void)state;
    struct bench b;
    bench_init(&b);
    b.lax = true;
    b.max_depth = 9;
    partial(&b, "a", "({{>b}}{{>b}}{{>b}}");
    partial(&b, "b", "{{>a}}{{>a}}");
    assert_false(render(&b, "{{>a}}", "{}"));
    assert_non_null(strstr(b.said, "nested deeper than 9: a > b > a"));
    assert_int_equal(b.diags.errors, 1);
    bench_dispose(&b);
}

static void test_sections_end(void **state) {
    (void)state;
    struct bench b;
    bench_init(&b);
    struct buf text;
    buf_init(&text, 0);
    for (int i = 0; i < 65; i++) buf_cstr(&text, "{{#a}}");
    for (int i = 0; i < 65; i++) buf_cstr(&text, "{{/a}}");
    assert_false(render(&b, text.ptr, "{'a':1}"));
    assert_string_equal(
        b.said, "t.html:1:385: sections and partials are nested deeper than 64\n");
    buf_dispose(&text);
    bench_dispose(&b);
}

static void test_output_cap(void **state) {
    (void)state;
    struct bench b;
    bench_init(&b);
    b.max_out = 100;
    assert_false(render(&b, "{{#l}}\n0123456789012345678901234567890\n{{/l}}",
        "{'l':[1,2,3,4,5,6,7,8]}"));
    assert_string_equal(b.said, "t.html:2:1: the output is larger than 100 bytes\n");
    assert_true(b.out.len <= 100);
    bench_dispose(&b);
}

/* ---- layouts ---- */

static void test_layout(void **state) {
    (void)state;
    struct bench b;
    bench_init(&b);
    partial(&b, "base",
        "<title>{{$title}}Site{{/title}}</title>\n"
        "<head>\n  {{$head}}{{/head}}\n</head>\n"
        "<main>\n  {{$main}}\n  {{/main}}\n</main>\n");
    expect(&b,
        "{{<base}}\n"
        "{{$title}}{{t}}{{/title}}\n"
        "{{$main}}\n    {{#l}}\n    <p>{{.}}\n\n    {{/l}}\n{{/main}}\n"
        "{{/base}}\n",
        "{'t':'T','l':[1,2]}",
        "<title>T</title>\n<head>\n</head>\n<main>\n  <p>1\n\n  <p>2\n\n</main>\n");
    expect(&b, "{{<base}}{{$head}}\n<meta>\n<link>\n{{/head}}{{/base}}", "{}",
        "<title>Site</title>\n<head>\n  <meta>\n  <link>\n</head>\n<main>\n</main>\n");
    bench_dispose(&b);
}

static void test_block_lines(void **state) {
    (void)state;
    struct bench b;
    bench_init(&b);
    partial(&b, "inline", "  <p>{{$x}}-{{/x}}</p>\n");
    partial(&b, "first", "  {{$x}}-{{/x}};\n");
    const char *lines = "{{<first}}{{$x}}\n   a\n   b\n{{/x}}{{/first}}";
    expect(&b, lines, "{}", "  a\n  b\n;\n");
    expect(&b, " {{>inline}}", "{}", "   <p>-</p>\n");
    expect(&b, "{{<inline}}{{$x}}a{{/x}}{{/inline}}", "{}", "  <p>a</p>\n");
    expect(&b, "{{<first}}{{/first}}", "{}", "  -;\n");
    partial(&b, "two", "  {{$x}}-{{/x}};\nnext\n");
    expect(&b, "  {{<two}}{{$x}}\n{{/x}}{{/two}}", "{}", "    ;\n  next\n");
    /* What comes first in the argument renders nothing: the indentation is not doubled.
     */
    partial(&b, "none", "");
    const char *late =
        "{{<first}}{{$x}}\n{{>none}}\n{{$y}}\n{{/y}}\na\n{{/x}}{{/first}}";
    expect(&b, late, "{}", "  a\n;\n");
    const char *nested =
        "{{<first}}{{$x}}\n {{#l}}\n  {{>inline}}\n {{/l}}\n{{/x}}{{/first}}";
    expect(&b, nested, "{'l':[1,2]}", "     <p>-</p>\n     <p>-</p>\n;\n");
    bench_dispose(&b);
}

static void test_block_error_names_both_places(void **state) {
    (void)state;
    struct bench b;
    bench_init(&b);
    partial(&b, "base", "<main>\n{{$main}}{{/main}}");
    assert_false(render(&b, "{{<base}}\n{{$main}}{{oops}}{{/main}}{{/base}}", "{}"));
    assert_string_equal(b.said,
        "t.html:2:10: unknown name \"oops\"; if it may be missing, test it: "
        "{{#oops}}...{{/oops}}\n"
        "base:2:1: note: as block \"main\" from here\n"
        "t.html:1:1: note: included from here\n");
    bench_dispose(&b);
}

static void test_ignored_in_parent(void **state) {
    (void)state;
    struct bench b;
    bench_init(&b);
    partial(&b, "base", "[{{$a}}{{/a}}]");
    assert_true(render(&b, "{{<base}}\n<p>{{x}}\n{{$a}}1{{/a}}{{/base}}", "{}"));
    assert_string_equal(b.out.ptr, "[1]");
    assert_string_equal(b.said, "t.html:2:1: warning: ignored: inside {{<base}} only "
                                "blocks count; put this into "
                                "{{$block}}...{{/block}}\n");
    bench_dispose(&b);
    fails("{{<base}}{{$a}}{{/a}}{{$a}}{{/a}}{{/base}}", "{}",
        "t.html:1:22: block \"a\" is filled twice in {{<base}}\n");
}

static void test_block_in_its_own_argument(void **state) {
    (void)state;
    struct bench b;
    bench_init(&b);
    partial(&b, "base", "[{{$a}}{{/a}}]");
    expect(&b, "{{<base}}{{$a}}1{{$a}}2{{/a}}{{/a}}{{/base}}", "{}", "[12]");
    bench_dispose(&b);
}

/* ---- in one go ---- */

static void test_eval(void **state) {
    (void)state;
    struct bench b;
    bench_init(&b);
    json_t *outer = json_pack("{s:s}", "lang", "en");
    json_t *inner = json_pack("{s:s}", "slug", "a-b");
    json_t *stack[] = {outer, inner};
    assert_true(template_eval(STR("{{lang}}/{{slug}}/index.html"), "f", 3, ESCAPE_NONE,
        stack, 2, &b.diags, &b.out));
    assert_string_equal(b.out.ptr, "en/a-b/index.html");
    assert_false(template_eval(
        STR("{{slag}}{{>p}}"), "f", 3, ESCAPE_NONE, stack, 2, &b.diags, &b.out));
    collect(&b);
    assert_string_equal(b.said, "f:3:1: unknown name \"slag\"; did you mean \"slug\"?\n"
                                "f:3:9: there is no partial \"p\"\n");
    json_decref(outer);
    json_decref(inner);
    bench_dispose(&b);
}

int main(void) {
    json_setup();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chain_of_partials),
        cmocka_unit_test(test_unknown_partial),
        cmocka_unit_test(test_broken_partial),
        cmocka_unit_test(test_dynamic_partial),
        cmocka_unit_test(test_recursion_ends),
        cmocka_unit_test(test_sections_end),
        cmocka_unit_test(test_output_cap),
        cmocka_unit_test(test_layout),
        cmocka_unit_test(test_block_lines),
        cmocka_unit_test(test_block_error_names_both_places),
        cmocka_unit_test(test_ignored_in_parent),
        cmocka_unit_test(test_block_in_its_own_argument),
        cmocka_unit_test(test_eval),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The template engine: values, escaping, syntax errors. */
#include "tests/unit/template_bench.h"

static void test_scalars(void **state) {
    (void)state;
    const char *data =
        "{'i':-12,'big':9007199254740993,'t':true,'f':false,'n':null,'s':'x'}";
    renders("{{i}} {{big}} {{t}} {{f}} [{{n}}] {{s}}", data,
        "-12 9007199254740993 true false [] x");
    renders("{{.}}", "7", "7");
    renders("{{#a}}{{#.}}{{.}},{{/.}}{{/a}}", "{'a':[[1,2],[3]]}", "1,2,3,");
}

static void test_reals(void **state) {
    (void)state;
    renders("{{#a}}{{.}} {{/a}}", "{'a':[0.1,1.21,19.0,1e3,100.5,0.00001,-2.5,1e20]}",
        "0.1 1.21 19 1000 100.5 0.00001 -2.5 100000000000000000000 ");
    renders("{{#a}}{{.}} {{/a}}", "{'a':[1e21,5e-324,0.30000000000000004,123456.789]}",
        "1e+21 5e-324 0.30000000000000004 123456.789 ");
    renders("{{a}}", "{'a':-0.0}", "0");
}

static void test_falsy(void **state) {
    (void)state;
    renders("{{#a}}yes{{/a}}{{^a}}no{{/a}}", "{}", "no");
    renders("{{#a}}{{#.}}y{{/.}}{{^.}}n{{/.}}{{/a}}",
        "{'a':[null,false,0,0.0,'',[],{},'0',1,true]}", "nnnnnnyyyy");
}

static void test_collections_have_no_text(void **state) {
    (void)state;
    fails("{{a}}", "{'a':[1]}",
        "t.html:1:1: \"a\" is a list, which has no text; loop over it with {{#a}}\n");
    fails("x\n {{a}}", "{'a':{}}",
        "t.html:2:2: \"a\" is an object, which has no text; use its names inside "
        "{{#a}}\n");
}

/* ---- unknown names ---- */

static void test_unknown_name(void **state) {
    (void)state;
    fails("{{titel}}", "{'title':1}",
        "t.html:1:1: unknown name \"titel\"; did you mean \"title\"?\n");
    fails("{{zzz}}", "{'title':1}",
        "t.html:1:1: unknown name \"zzz\"; if it may be missing, test it: "
        "{{#zzz}}...{{/zzz}}\n");
    fails("{{#item}}{{titel}}{{/item}}", "{'title':1,'item':{'x':1}}",
        "t.html:1:10: unknown name \"titel\"; did you mean \"title\"?\n");
}

static void test_unknown_part(void **state) {
    (void)state;
    fails("{{branding.nmae.x}}", "{'branding':{'name':1}}",
        "t.html:1:1: unknown name \"branding.nmae.x\"; "
        "did you mean \"branding.name.x\"?\n");
    fails("{{brandin.name}}", "{'branding':{'name':1}}",
        "t.html:1:1: unknown name \"brandin.name\"; did you mean \"branding.name\"?\n");
    fails("{{a.b.c}}", "{'a':{'b':'text'}}",
        "t.html:1:1: unknown name \"a.b.c\": \"a.b\" is text and holds no names\n");
}

static void test_tested_names(void **state) {
    (void)state;
    renders("{{#a}}{{a}}{{/a}}{{^a}}<{{a}}>{{/a}}", "{}", "<>");
    renders("{{#x.y}}{{x.y}}{{/x.y}}{{^x.y}}-{{x.y}}{{/x.y}}", "{}", "-");
    renders("{{^a}}{{#b}}{{a}}{{/b}}{{/a}}", "{'b':1}", "");
    fails("{{#a}}{{b}}{{/a}}", "{'a':1}",
        "t.html:1:7: unknown name \"b\"; if it may be missing, test it: "
        "{{#b}}...{{/b}}\n");
    /* Known and empty is no mistake. */
    renders("[{{a}}{{b}}]", "{'a':null,'b':''}", "[]");
}

static void test_one_error_a_place(void **state) {
    (void)state;
    fails("{{#l}}\n{{x1}} {{y1}}\n{{/l}}", "{'l':[1,2,3,4,5,6,7]}",
        "t.html:2:1: unknown name \"x1\"; if it may be missing, test it: "
        "{{#x1}}...{{/x1}}\n"
        "t.html:2:8: unknown name \"y1\"; if it may be missing, test it: "
        "{{#y1}}...{{/y1}}\n");
}

/* ---- escaping ---- */

static void test_escape_for(void **state) {
    (void)state;
    assert_int_equal(escape_for(STR("a/b.html")), ESCAPE_HTML);
    assert_int_equal(escape_for(STR("feed.xml")), ESCAPE_HTML);
    assert_int_equal(escape_for(STR("x.svg")), ESCAPE_HTML);
    assert_int_equal(escape_for(STR("manifest.webmanifest")), ESCAPE_JSON);
    assert_int_equal(escape_for(STR("a.json")), ESCAPE_JSON);
    assert_int_equal(escape_for(STR("a.js")), ESCAPE_JSON);
    assert_int_equal(escape_for(STR("a.css")), ESCAPE_CSS);
    assert_int_equal(escape_for(STR("_headers")), ESCAPE_NONE);
    assert_int_equal(escape_for(STR("llms.txt")), ESCAPE_NONE);
}

static void test_escape_classes(void **state) {
    (void)state;
    struct bench b;
    bench_init(&b);
    expect(&b, "{{a}}", "{'a':'<&>\\u0022\\u0027'}", "&lt;&amp;&gt;&quot;&#39;");
    b.escape = ESCAPE_JSON;
    expect(&b, "\"{{a}}\"", "{'a':'<b>\\u0022\\\\\\n\\u0001'}",
        "\"\\u003cb>\\\"\\\\\\n\\u0001\"");
    b.escape = ESCAPE_CSS;
    expect(&b, "hsl({{a}})", "{'a':'45 93% 47%'}", "hsl(45 93% 47%)");
    b.escape = ESCAPE_NONE;
    expect(&b, "{{a}}", "{'a':'<&>'}", "<&>");
    bench_dispose(&b);
}

static void test_css_refuses(void **state) {
    (void)state;
    fails_as(ESCAPE_CSS, "{{a}}", "{'a':'red;}'}",
        "t.html:1:1: the value of \"a\" contains the character \";\", "
        "which cannot stand in a style sheet\n");
    fails_as(ESCAPE_CSS, "{{a}}", "{'a':'a\\u0007'}",
        "t.html:1:1: the value of \"a\" contains the control character \"\\x07\", "
        "which cannot stand in a style sheet\n");
}

static void test_plain_refuses_control(void **state) {
    (void)state;
    fails_as(ESCAPE_NONE, "X-Name: {{a}}", "{'a':'x\\nSet-Cookie: y'}",
        "t.html:1:9: the value of \"a\" contains a line break \"\\n\", "
        "which cannot stand in this kind of file\n");
    renders_as(ESCAPE_NONE, "{{a_md}}", "{'a_md':'x\\ny'}", "x\ny");
}

static void test_raw(void **state) {
    (void)state;
    renders("{{{a_html}}}{{&b.c_md}}", "{'a_html':'<p>','b':{'c_md':'<'}}", "<p><");
    /* Also where nothing renders it, and every one of them. */
    fails("{{#no}}{{{a}}}{{/no}}\n{{&b.c}}", "{'b':{'c':1}}",
        "t.html:1:8: \"a\" may not go into the page unescaped: only names ending in "
        "_html or _md can; write {{a}}\n"
        "t.html:2:1: \"b.c\" may not go into the page unescaped: only names ending in "
        "_html or _md can; write {{b.c}}\n");
    struct bench b;
    bench_init(&b);
    b.lax = true;
    expect(&b, "{{{a}}}{{&a}}{{nope}}{{>nope}}", "{'a':'<'}", "<<");
    bench_dispose(&b);
}

static void test_partial_escapes_by_its_own_suffix(void **state) {
    (void)state;
    struct bench b;
    bench_init(&b);
    partial(&b, "ld.json", "{\"a\":\"{{a}}\"}");
    partial(&b, "plain", "{{a}}");
    expect(&b, "{{a}} {{>ld.json}} {{>plain}}", "{'a':'<&'}",
        "&lt;&amp; {\"a\":\"\\u003c&\"} &lt;&amp;");
    bench_dispose(&b);
}

/* ---- syntax errors ---- */

static void test_unclosed_section(void **state) {
    (void)state;
    fails("a\n{{#posts}}\n{{^b}}\n", "{}",
        "t.html:2:1: {{#posts}} is never closed: {{/posts}} is missing\n"
        "t.html:3:1: {{^b}} is never closed: {{/b}} is missing\n");
    fails("{{#a}}\n {{#b}}\n{{/a}}", "{}",
        "t.html:2:2: {{#b}} is not closed before {{/a}}\n"
        "t.html:3:1: note: {{/b}} is expected before this\n");
}

static void test_mismatched_close(void **state) {
    (void)state;
    fails("{{#posts}}\n{{/post}}\n{{/x}}", "{}",
        "t.html:2:1: {{/post}} does not close {{#posts}}\n"
        "t.html:1:1: note: opened here; {{/posts}} closes it\n"
        "t.html:3:1: {{/x}} closes nothing: no section is open here\n");
    fails("{{#posts}}{{/unrelated}}{{/posts}}", "{}",
        "t.html:1:11: {{/unrelated}} does not close {{#posts}}\n"
        "t.html:1:1: note: opened here; {{/posts}} closes it\n");
}

static void test_unclosed_tag(void **state) {
    (void)state;
    fails("a {{name", "{}", "t.html:1:3: this tag is not closed: }} is missing\n");
    fails("{{! all of it", "{}", "t.html:1:1: this tag is not closed: }} is missing\n");
    /* The next tag, and the partner of the broken one, are still seen. */
    fails("{{#a\n<p>{{b c}}</p>{{/a}}", "{}",
        "t.html:1:1: this tag is not closed: }} is missing\n"
        "t.html:2:4: a name cannot contain blanks: a tag is {{name}}, {{#name}}, "
        "{{^name}}, {{/name}}, {{>name}} and so on\n");
    fails("{{a {{b}}{{#c}}", "{}",
        "t.html:1:1: this tag is not closed: }} is missing\n"
        "t.html:1:10: {{#c}} is never closed: {{/c}} is missing\n");
    fails("{{{a}} {{/b}}", "{}",
        "t.html:1:1: this tag must end with }}}\n"
        "t.html:1:8: {{/b}} closes nothing: no section is open here\n");
}

static void test_bad_names(void **state) {
    (void)state;
    fails("{{}}{{#}}{{> }}{{{}}}", "{}",
        "t.html:1:1: empty tag: a name is missing, as in {{name}}\n"
        "t.html:1:5: empty tag: a name is missing, as in {{#name}}\n"
        "t.html:1:10: empty tag: a name is missing, as in {{>name}}\n"
        "t.html:1:16: empty tag: a name is missing, as in {{name}}\n");
    fails("{{a..b}} {{.a}} {{#a.}}{{/a.}}", "{}",
        "t.html:1:1: \"a..b\" is no dotted name: write a.b.c, or . for the current "
        "item\n"
        "t.html:1:10: \".a\" is no dotted name: write a.b.c, or . for the current "
        "item\n"
        "t.html:1:17: \"a.\" is no dotted name: write a.b.c, or . for the current "
        "item\n"
        "t.html:1:24: {{/a.}} closes nothing: no section is open here\n");
    fails("\xc3\xa4 {{a}} \xe4", "{}",
        "t.html:1:10: not UTF-8: save the template in that encoding\n");
}

static void test_bad_delimiters(void **state) {
    (void)state;
    static const char bad[] =
        "set-delimiter tag: two delimiters without blanks and = are "
        "wanted, as in {{=<% %>=}}\n";
    struct bench b;
    bench_init(&b);
    assert_false(render(&b, "{{=<%=}} {{=a b c=}} {{= = = =}}\n{{#x}}", "{}"));
    char want[1024];
    snprintf(want, sizeof want,
        "t.html:1:1: %st.html:1:10: %st.html:1:22: %s"
        "t.html:2:1: {{#x}} is never closed: {{/x}} is missing\n",
        bad, bad, bad);
    assert_string_equal(b.said, want);
    bench_dispose(&b);
    fails("{{= a b }}", "{}", "t.html:1:1: this tag must end with =}}\n");
}

static void test_error_flood_is_capped(void **state) {
    (void)state;
    struct bench b;
    bench_init(&b);
    char *text = arena_alloc(&b.arena, 5001);
    for (size_t i = 0; i < 5000; i++) text[i] = "{{}} "[i % 5];
    assert_null(template_compile(&b.arena, "t", 1, str_from(text), &b.diags));
    assert_int_equal(b.diags.errors, 100);
    bench_dispose(&b);
}

static void test_first_line(void **state) {
    (void)state;
    struct bench b;
    bench_init(&b);
    assert_null(template_compile(&b.arena, "t", 5, STR("x\n  {{}}"), &b.diags));
    collect(&b);
    assert_string_equal(
        b.said, "t:6:3: empty tag: a name is missing, as in {{name}}\n");
    bench_dispose(&b);
}

/* ---- partials ---- */

int main(void) {
    json_setup();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scalars),
        cmocka_unit_test(test_reals),
        cmocka_unit_test(test_falsy),
        cmocka_unit_test(test_collections_have_no_text),
        cmocka_unit_test(test_unknown_name),
        cmocka_unit_test(test_unknown_part),
        cmocka_unit_test(test_tested_names),
        cmocka_unit_test(test_one_error_a_place),
        cmocka_unit_test(test_escape_for),
        cmocka_unit_test(test_escape_classes),
        cmocka_unit_test(test_css_refuses),
        cmocka_unit_test(test_plain_refuses_control),
        cmocka_unit_test(test_raw),
        cmocka_unit_test(test_partial_escapes_by_its_own_suffix),
        cmocka_unit_test(test_unclosed_section),
        cmocka_unit_test(test_mismatched_close),
        cmocka_unit_test(test_unclosed_tag),
        cmocka_unit_test(test_bad_names),
        cmocka_unit_test(test_bad_delimiters),
        cmocka_unit_test(test_error_flood_is_capped),
        cmocka_unit_test(test_first_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The template language beyond the public Mustache spec: escaping, unknown names,
 * errors and their places, limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "generator/template.h"

/* One rendering after the other, with the same partials. */
struct bench {
    struct arena arena;
    struct diag_list diags;
    struct buf out;
    json_t *partials, *data;
    bool lax;
    unsigned max_depth;
    size_t max_out;
    enum escape escape;
    char said[8192]; /* all diagnostics, one a line */
};

static const struct template *find(void *ctx, struct str name, bool parent,
    enum escape from, enum escape *escape, bool *broken) {
    struct bench *b = ctx;
    (void)from, (void)parent;
    json_t *text = json_object_getn(b->partials, name.ptr, name.len);
    if (!text) return NULL;
    char *file = arena_str(&b->arena, name);
    size_t dot;
    if (str_find_char(name, '.', &dot)) *escape = escape_for(name);
    const struct template *t = template_compile(
        &b->arena, file, 1, str_from(json_string_value(text)), &b->diags);
    *broken = !t;
    return t;
}

static const char *suggest(void *ctx, struct str name, bool parent) {
    (void)ctx, (void)parent;
    static const char *const known[] = {"header", "base"};
    return diag_suggest(name, known, 2);
}

static void bench_init(struct bench *b) {
    *b = (struct bench){.escape = ESCAPE_HTML};
    arena_init(&b->arena);
    diag_init(&b->diags);
    b->partials = json_object();
}

static void bench_dispose(struct bench *b) {
    json_decref(b->partials);
    json_decref(b->data);
    buf_dispose(&b->out);
    diag_dispose(&b->diags);
    arena_dispose(&b->arena);
}

static void partial(struct bench *b, const char *name, const char *text) {
    json_object_set_new(b->partials, name, json_string(text));
}

static void say(
    struct buf *said, struct diag_place p, const char *what, const char *m) {
    buf_printf(said, "%s:%u:%u: %s%s\n", p.file, p.line, p.col, what, m);
}

static void collect(struct bench *b) {
    struct buf said;
    buf_init(&said, 0);
    buf_cstr(&said, "");
    for (const struct diag *d = b->diags.first; d; d = d->next) {
        say(&said, d->place, d->level == DIAG_WARNING ? "warning: " : "", d->message);
        for (const struct diag_note *n = d->notes; n; n = n->next)
            say(&said, n->place, "note: ", n->message);
    }
    assert_true(said.len < sizeof b->said);
    if (said.len) memcpy(b->said, said.ptr, said.len);
    b->said[said.len] = '\0';
    buf_dispose(&said);
}

/* `data`: JSON with ' for ". */
static bool render(struct bench *b, const char *text, const char *data) {
    char *json = arena_strdup(&b->arena, data);
    for (char *p = json; *p; p++)
        if (*p == '\'') *p = '"';
    json_decref(b->data);
    b->data = json_loads(json, JSON_DECODE_ANY, NULL);
    assert_non_null(b->data);
    struct template_env env = {.find = find,
        .suggest = suggest,
        .ctx = b,
        .strict = !b->lax,
        .max_depth = b->max_depth,
        .diags = &b->diags};
    buf_dispose(&b->out);
    buf_init(&b->out, b->max_out);
    buf_cstr(&b->out, "");
    const struct template *t =
        template_compile(&b->arena, "t.html", 1, str_from(text), &b->diags);
    bool ok = t && template_render(t, b->escape, &b->data, 1, &env, &b->out);
    collect(b);
    return ok;
}

static void expect(
    struct bench *b, const char *text, const char *data, const char *want) {
    bool ok = render(b, text, data);
    assert_string_equal(b->said, "");
    assert_true(ok);
    assert_string_equal(b->out.ptr ? b->out.ptr : "", want);
}

static void renders(const char *text, const char *data, const char *want) {
    struct bench b;
    bench_init(&b);
    expect(&b, text, data, want);
    bench_dispose(&b);
}

static void renders_as(
    enum escape escape, const char *text, const char *data, const char *want) {
    struct bench b;
    bench_init(&b);
    b.escape = escape;
    expect(&b, text, data, want);
    bench_dispose(&b);
}

static void fails_as(
    enum escape escape, const char *text, const char *data, const char *said) {
    struct bench b;
    bench_init(&b);
    b.escape = escape;
    assert_false(render(&b, text, data));
    assert_string_equal(b.said, said);
    bench_dispose(&b);
}

static void fails(const char *text, const char *data, const char *said) {
    fails_as(ESCAPE_HTML, text, data, said);
}

/* ---- values ---- */

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
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_scalars),
        cmocka_unit_test(test_reals), cmocka_unit_test(test_falsy),
        cmocka_unit_test(test_collections_have_no_text),
        cmocka_unit_test(test_unknown_name), cmocka_unit_test(test_unknown_part),
        cmocka_unit_test(test_tested_names), cmocka_unit_test(test_one_error_a_place),
        cmocka_unit_test(test_escape_for), cmocka_unit_test(test_escape_classes),
        cmocka_unit_test(test_css_refuses),
        cmocka_unit_test(test_plain_refuses_control), cmocka_unit_test(test_raw),
        cmocka_unit_test(test_partial_escapes_by_its_own_suffix),
        cmocka_unit_test(test_unclosed_section),
        cmocka_unit_test(test_mismatched_close), cmocka_unit_test(test_unclosed_tag),
        cmocka_unit_test(test_bad_names), cmocka_unit_test(test_bad_delimiters),
        cmocka_unit_test(test_error_flood_is_capped), cmocka_unit_test(test_first_line),
        cmocka_unit_test(test_chain_of_partials),
        cmocka_unit_test(test_unknown_partial), cmocka_unit_test(test_broken_partial),
        cmocka_unit_test(test_dynamic_partial), cmocka_unit_test(test_recursion_ends),
        cmocka_unit_test(test_sections_end), cmocka_unit_test(test_output_cap),
        cmocka_unit_test(test_layout), cmocka_unit_test(test_block_lines),
        cmocka_unit_test(test_block_error_names_both_places),
        cmocka_unit_test(test_ignored_in_parent),
        cmocka_unit_test(test_block_in_its_own_argument), cmocka_unit_test(test_eval)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

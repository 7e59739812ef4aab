/* test_sanitize [--inputs N | --dump N]: N generated inputs instead of 20,000 and no
 * other tests; or, for the judgement in a browser, what became of the payloads and of N
 * generated inputs, a JSON object with `in` and `out` a line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include "base/file.h"
#include "base/mem.h"
#include "model/sanitize.h"
#include "tests/support/html_judge.h"

#define PAYLOADS "tests/sanitize/payloads"

struct payloads {
    struct str all[600];
    size_t n;
};
struct outcome {
    struct sanitize *s;
    struct diag_list diags;
    struct sanitize_result r;
    bool ok;
};

static struct outcome run_with(struct str html, const struct sanitize_options *o) {
    struct outcome x;
    diag_init(&x.diags);
    x.s = sanitize_new();
    x.ok = sanitize_html(x.s, html, o, &x.diags, &x.r);
    return x;
}

static struct outcome run(struct str html) {
    static const struct sanitize_options plain = {.file = "posts", .first_line = 1};
    return run_with(html, &plain);
}

static void dispose(struct outcome *x) {
    json_decref(x->r.toc);
    json_decref(x->r.ids);
    diag_dispose(&x->diags);
    sanitize_free(x->s);
}

static void gives(const char *in, const char *out) {
    struct outcome x = run(str_from(in));
    if (!x.ok) fail_msg("%s: %s", in, x.diags.first->message);
    if (!str_is(x.r.html, out))
        fail_msg("%s\ngives %.*s\nnot   %s", in, STR_ARG(x.r.html), out);
    dispose(&x);
}

/* NULL, or what is wrong.  A second run must find nothing to drop; `same`: nor anything
 * to change, which does not hold for all heaps of rubbish, since libxml2 nests a few
 * elements otherwise than browsers. */
static const char *judge_outcome(const struct outcome *x, bool same) {
    if (!x->ok) return x->diags.errors ? NULL : "refused without a word";
    const char *fault = judge_html(x->r.html);
    if (fault) return fault;
    struct outcome again = run(x->r.html);
    if (!again.ok)
        fault = "it refuses what it wrote";
    else if (same && !str_equal(again.r.html, x->r.html))
        fault = "a second run changes it";
    else if (*again.r.dropped.first)
        fault = "a second run drops something";
    else
        fault = judge_html(again.r.html);
    dispose(&again);
    return fault;
}

static void judge(struct str in, bool same) {
    struct outcome x = run(in);
    const char *fault = judge_outcome(&x, same);
    if (fault)
        fail_msg("%s\nin:  %.*s\nout: %.*s", fault, STR_ARG(in), STR_ARG(x.r.html));
    dispose(&x);
}

/* ---- what stands in the file of payloads ---- */

static void put_code(struct buf *b, unsigned c) {
    if (c < 0x80)
        buf_char(b, (char)c);
    else if (c < 0x800)
        buf_append(b, (char[]){(char)(0xC0 | c >> 6), (char)(0x80 | (c & 63))}, 2);
    else
        buf_append(b,
            (char[]){(char)(0xE0 | c >> 12), (char)(0x80 | (c >> 6 & 63)),
                (char)(0x80 | (c & 63))},
            3);
}

static size_t put_escape(struct buf *b, const char *p) {
    static const char names[] = "nrt\\", stand[] = "\n\r\t\\";
    char hex[5] = "";
    const char *name = strchr(names, *p);
    if (name && *p) {
        buf_char(b, stand[name - names]);
        return 1;
    }
    size_t n = *p == 'x' ? 2 : 4;
    memcpy(hex, p + 1, n);
    unsigned c = (unsigned)strtoul(hex, NULL, 16);
    if (n == 2)
        buf_char(b, (char)c);
    else
        put_code(b, c);
    return n + 1;
}

static struct str unescape(struct arena *a, struct str line) {
    struct buf b;
    buf_init(&b, 0);
    for (size_t i = 0; i < line.len; i++)
        if (line.ptr[i] == '\\')
            i += put_escape(&b, line.ptr + i + 1);
        else
            buf_char(&b, line.ptr[i]);
    struct str copy = arena_copy(a, buf_view(&b));
    buf_dispose(&b);
    return copy;
}

static void read_payloads(struct arena *a, struct payloads *p) {
    char *bytes = mem_calloc(1, 1 << 20);
    FILE *f = fopen(PAYLOADS, "rb");
    if (!f) fail_msg("cannot read " PAYLOADS "; call it from the top of the checkout");
    struct str rest = {bytes, fread(bytes, 1, (1 << 20) - 8, f)}, line;
    fclose(f);
    while (str_cut(&rest, '\n', &line))
        if (line.len && *line.ptr != '#' && p->n < 600)
            p->all[p->n++] = unescape(a, line);
    mem_free(bytes);
}

/* ---- generated inputs ---- */

static const char *const pieces[] = {"<", ">", "</", "<!--", "-->", "--!>", "\"", "'",
    "`", "=", "/", " ", "\n", "&", "&#", "&lt;", "&#x3c;", "<svg>", "</svg>", "<math>",
    "<style>", "</style>", "<table>", "<tr>", "<td>", "</td>", "</table>", "<caption>",
    "<p>", "</p>", "<a href=/1>", "<a href=\"javascript:", "</a>", "<b>", "</b>",
    "<li>", "<ul>", "</ul>", "<h2>", "</h2>", "<img src=x onerror=alert(1)>",
    "<noscript>", "<template>", "<title>", "<textarea>", "<select>", "<form>",
    "<![CDATA[", "]]>", "<plaintext>", "<xmp>", " onerror=alert(1)", " title=\"", "\t",
    "\xE2\x80\xA8", "\xC2\xA0", "<div>", "</div>", "<pre>", "<ruby>", "<rt>", "<dl>",
    "<dd>", "<script>", "</script>", "<tbody>", "<details>", "<h3>", "<code>"};

static unsigned next(uint64_t *state) {
    *state = *state * 6364136223846793005ull + 1442695040888963407ull;
    return (unsigned)(*state >> 33);
}

static void put_piece(struct buf *b, const struct payloads *p, uint64_t *random) {
    struct str s = p->all[next(random) % p->n];
    size_t from = next(random) % (s.len + 1), to = next(random) % (s.len + 1);
    switch (next(random) % 5) {
    case 0:
        buf_str(b, s);
        break;
    case 1:
        buf_str(b, str_slice(s, from, s.len));
        break;
    case 2:
        buf_str(b, str_slice(s, from < to ? from : to, from < to ? to : from));
        break;
    default:
        buf_cstr(b, pieces[next(random) % (sizeof pieces / sizeof *pieces)]);
        break;
    }
}

static struct str whole_text(struct buf *b) {
    size_t out = 0;
    for (size_t i = 0; i < b->len; i++) {
        unsigned char c = (unsigned char)b->ptr[i];
        size_t n = c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4, bad;
        bool control = (c < ' ' && !strchr("\n\r\t", c)) || c == 0x7F || !c;
        if (control || i + n > b->len ||
            !str_is_utf8((struct str){b->ptr + i, n}, &bad))
            continue;
        memmove(b->ptr + out, b->ptr + i, n);
        out += n;
        i += n - 1;
    }
    return (struct str){b->ptr, out};
}

/* A mixture of payloads and markup; one in eight is left with bytes that must be
 * refused, if there are any. */
static struct str generate(struct buf *b, const struct payloads *p, uint64_t seed) {
    uint64_t random = seed * 0x9E3779B97F4A7C15ull + 1;
    buf_reset(b);
    buf_cstr(b, "");
    for (unsigned n = 1 + next(&random) % 10; n; n--) put_piece(b, p, &random);
    for (unsigned n = next(&random) % 4; n && b->len; n--) {
        size_t at = next(&random) % b->len;
        b->ptr[at] = "<>\"'=/ \n&-!xp"[next(&random) % 13];
    }
    if (next(&random) % 8 == 0) return buf_view(b);
    return whole_text(b);
}

static unsigned n_inputs = 20000;

static void test_generated(void **state) {
    struct arena a;
    struct payloads p = {0};
    struct buf b;
    (void)state;
    arena_init(&a);
    buf_init(&b, 0);
    read_payloads(&a, &p);
    for (unsigned i = 0; i < n_inputs; i++) judge(generate(&b, &p, i), false);
    buf_dispose(&b);
    arena_dispose(&a);
}

static void test_payloads(void **state) {
    struct arena a;
    struct payloads p = {0};
    (void)state;
    arena_init(&a);
    read_payloads(&a, &p);
    assert_true(p.n >= 200);
    for (size_t i = 0; i < p.n; i++) judge(p.all[i], true);
    arena_dispose(&a);
}

/* ---- case by case ---- */

static void test_kept(void **state) {
    (void)state;
    gives("", "");
    gives("plain", "plain");
    gives("<p>a <B>b</B> &amp; &eacute;&hellip;</p>", "<p>a <b>b</b> &amp; é…</p>");
    gives("a<br>b<hr/>c<wbr>d", "a<br>b<hr>c<wbr>d");
    gives("<center>x</center><strike>y</strike>", "<div>x</div><s>y</s>");
    gives("<p title='a \"b\"' lang=de dir=rtl>x",
        "<p title=\"a &quot;b&quot;\" lang=\"de\" dir=\"rtl\">x</p>");
    gives("<ol start=3 type=a reversed><li value=5>x<li>y</ol>",
        "<ol start=\"3\" type=\"a\" reversed=\"\"><li "
        "value=\"5\">x</li><li>y</li></ol>");
    gives("<pre><code class='x language-c++'>a &lt; b</code></pre>",
        "<pre><code class=\"language-c++\">a &lt; b</code></pre>");
    gives("<time datetime='2026-02-03T10:00Z'>x</time>",
        "<time datetime=\"2026-02-03T10:00Z\">x</time>");
    gives("<details open><summary>s</summary>x</details>",
        "<details open=\"\"><summary>s</summary>x</details>");
}

static void test_links(void **state) {
    (void)state;
    const char *rel = " rel=\"noopener nofollow ugc\">x</a>";
    struct buf b;
    buf_init(&b, 0);
    buf_printf(&b, "<a href=\"https://a.example/?b=1&amp;c=2\"%s", rel);
    gives("<a href='https://a.example/?b=1&c=2' target=_blank rel=opener>x</a>", b.ptr);
    buf_reset(&b);
    buf_printf(&b, "<a href=\"//a.example\"%s", rel);
    gives("<a href=//a.example>x</a>", b.ptr);
    buf_dispose(&b);
    gives("<a href=/1 target=_top>x</a>", "<a href=\"/1\">x</a>");
    gives("<a href=' a b.pdf#&#10;c '>x</a>", "<a href=\"a%20b.pdf#c\">x</a>");
    gives("<a href=mailto:a@b.example>x</a>", "<a href=\"mailto:a@b.example\">x</a>");
    gives("<a href='tel:+49301'>x</a>", "<a href=\"tel:+49301\">x</a>");
    gives("<a href=/\\e.example>x</a>", "<a href=\"/%5Ce.example\">x</a>");
    gives("<a href=javascript:alert(1)>x</a>", "x");
    gives("<a href='java&#9;script&#58;alert(1)'>x</a>", "x");
    gives("<a href=http:e.example>x</a>", "x");
    gives("<a name=x>x</a>", "x");
    gives(
        "<a href=/1>a<a href=/2>b</a></a>", "<a href=\"/1\">a</a><a href=\"/2\">b</a>");
}

static void test_images(void **state) {
    (void)state;
    const char *tail = "alt=\"\" loading=\"lazy\" decoding=\"async\">";
    struct buf b;
    buf_init(&b, 0);
    buf_printf(&b, "<img src=\"/a.png\" %s", tail);
    gives(
        "<img src=/a.png srcset='x 2x' onerror=alert(1) class=y loading=eager>", b.ptr);
    buf_dispose(&b);
    gives("<img src=a.png alt='b' width=3 height=4>",
        "<img src=\"a.png\" alt=\"b\" width=\"3\" height=\"4\" loading=\"lazy\" "
        "decoding=\"async\">");
    gives("a<img src=data:image/png;base64,AA==>b<img alt=x>", "ab");
    gives("<img src=mailto:a@b.example>", "");
}

static void test_removed(void **state) {
    (void)state;
    gives("a<script>x</script>b<style>y</style>c<iframe>z</iframe>d", "abcd");
    gives("a<svg><p>x</p><svg></svg>y</svg>b<math>z</math>c<template>q</template>d",
        "abcd");
    gives("<object><embed><p>x</p></object>y<foo-bar>z</foo-bar>", "yz");
    gives("<font color=red>x</font><button onclick=alert(1)>y</button>", "xy");
    gives("a<!-- b -->c<!d>e<?f?>g", "aceg");
    gives("<p onclick=alert(1) style='x' id=y class=z data-a=b>x</p>", "<p>x</p>");
    gives("a < b <3 <", "a &lt; b &lt;3 &lt;");
    gives("x<p title=\"y", "x");
}

static void test_nesting(void **state) {
    (void)state;
    gives("<p>a<div>b</div>c", "<p>a</p><div>b</div>c");
    gives("<p><b>a<div>b</div>c</b>", "<p><b>a</b></p><div>b</div>c");
    gives("<b><i>x</b>y</i>", "<b><i>x</i></b>y");
    gives("<li>x", "x");
    gives("<ul><li>a<ul><li>b</ul><li>c</ul>",
        "<ul><li>a<ul><li>b</li></ul></li><li>c</li></ul>");
    gives("<table><tr><td>a<td>b<tr><th scope=row colspan=2>c</table>",
        "<table><tbody><tr><td>a</td><td>b</td></tr>"
        "<tr><th scope=\"row\" colspan=\"2\">c</th></tr></tbody></table>");
    gives("<table>evil<caption>c</caption><td>a</table>",
        "<table><caption>c</caption><tbody><tr><td>a</td></tr></tbody></table>");
    gives("<td>x", "x");
    gives("<h2>a<h3>b</h3></h2>", "<h2 id=\"a\">a</h2><h3 id=\"b\">b</h3>");
}

static void test_headings(void **state) {
    (void)state;
    struct outcome x = run(STR("<h1>One</h1><h2 id=cookie>Über  <b>uns</b></h2>"
                               "<h2>über uns</h2><h3>?</h3>"));
    assert_true(x.ok);
    assert_true(str_is(x.r.html, "<h1 id=\"one\">One</h1>"
                                 "<h2 id=\"über-uns\">Über  <b>uns</b></h2>"
                                 "<h2 id=\"über-uns-1\">über uns</h2>"
                                 "<h3 id=\"section\">?</h3>"));
    struct buf b;
    buf_init(&b, 0);
    json_write(&b, x.r.ids, 0);
    assert_string_equal(b.ptr, "[\"one\",\"über-uns\",\"über-uns-1\",\"section\"]");
    assert_int_equal(json_array_size(x.r.toc), 3);
    json_t *entry = json_array_get(x.r.toc, 0);
    assert_string_equal(json_path_string(entry, "text"), "Über uns");
    assert_string_equal(json_path_string(entry, "url"), "#über-uns");
    buf_dispose(&b);
    dispose(&x);
}

static void test_text(void **state) {
    (void)state;
    struct outcome x =
        run(STR("<h2>Not this</h2><p>One\n two</p><p>three<script>no"
                "</script></p><ul><li>four</ul><table><td>five</table>"));
    assert_true(str_is(x.r.summary, "One two three four five"));
    assert_int_equal(x.r.words, 7);
    dispose(&x);
    struct buf b;
    buf_init(&b, 0);
    for (int i = 0; i < 2000; i++) buf_cstr(&b, "<p>wörd</p>");
    x = run(buf_view(&b));
    assert_int_equal(x.r.words, 2000);
    assert_true(x.r.summary.len > 300 && str_ends(x.r.summary, "wörd…"));
    buf_dispose(&b);
    dispose(&x);
}

static void drops(const char *in, const char *first, unsigned line, unsigned col) {
    struct outcome x = run(str_from(in));
    assert_true(x.ok);
    assert_string_equal(x.r.dropped.first, first);
    if (*first) assert_string_equal(x.r.dropped.place.file, "posts");
    assert_int_equal(x.r.dropped.place.line, line);
    assert_int_equal(x.r.dropped.place.col, col);
    dispose(&x);
}

static void test_dropped(void **state) {
    (void)state;
    drops("<p>a <!-- b --><a href=/1 rel=x>c</a><img src=x></p>", "", 0, 0);
    drops("<p>a</p>\n<p>b<script>x</script>", "<script>", 2, 5);
    drops("\n\n<p onclick=x>", "onclick of <p>", 3, 1);
    drops("<p>\n<a href=javascript:x>y</a>", "href of <a>", 2, 1);
    drops("x<blink>y</blink>", "<blink>", 1, 2);
    drops("x<!-- y", "<!-->", 1, 2);
    drops("<table>x</table>", "text outside the cells of a table", 1, 0);
    struct outcome x = run(STR("<p id=a class=b>x<svg/><embed><a href=data:x>y</a>"));
    assert_int_equal(x.r.dropped.elements, 2);
    assert_int_equal(x.r.dropped.attributes, 2);
    assert_int_equal(x.r.dropped.addresses, 1);
    dispose(&x);
}

static struct link_target resolve(
    void *ctx, struct str target, bool image, struct diag_place place) {
    buf_printf(ctx, "%u:%u %s " STR_FMT "\n", place.line, place.col,
        image ? "image" : "link", STR_ARG(target));
    if (str_is(target, "bad")) return (struct link_target){.url = "javascript:1"};
    if (image) return (struct link_target){"/images/x.png", 20, 10};
    return (struct link_target){0};
}

static void test_resolve(void **state) {
    (void)state;
    struct buf b;
    buf_init(&b, 0);
    struct sanitize_options o = {"posts", 5, resolve, &b};
    struct outcome x = run_with(STR("<p><a href='a&amp;b'>1</a>\n<img src=x.png>\n"
                                    "<a href=javascript:x>2</a><a href=bad>3</a>"),
        &o);
    assert_string_equal(b.ptr, "5:4 link a&b\n6:1 image x.png\n7:27 link bad\n");
    assert_true(
        str_is(x.r.html, "<p><a href=\"a&amp;b\">1</a>\n<img src=\"/images/x.png\" "
                         "alt=\"\" width=\"20\" "
                         "height=\"10\" loading=\"lazy\" decoding=\"async\">\n23</p>"));
    buf_dispose(&b);
    dispose(&x);
}

static void refuses(struct str in, unsigned line, unsigned col, const char *message) {
    struct outcome x = run(in);
    assert_false(x.ok);
    assert_int_equal(x.diags.errors, 1);
    assert_non_null(strstr(x.diags.first->message, message));
    assert_string_equal(x.diags.first->place.file, "posts");
    assert_int_equal(x.diags.first->place.line, line);
    assert_int_equal(x.diags.first->place.col, col);
    dispose(&x);
}

static void repeat(struct buf *b, const char *s, size_t bytes) {
    buf_reset(b);
    size_t n = strlen(s);
    buf_reserve(b, bytes + n);
    while (b->len < bytes) buf_append(b, s, n);
}

static void test_refused(void **state) {
    (void)state;
    struct buf b;
    buf_init(&b, 0);
    refuses(STR("a\nb\xFF"), 2, 2, "UTF-8");
    refuses(STR("a\nbc\x01"), 2, 3, "control character");
    refuses(STR("a\0b"), 1, 2, "control character");
    repeat(&b, "x", SANITIZE_MAX_BYTES + 1);
    refuses(buf_view(&b), 0, 0, "limit is 5 MiB");
    repeat(&b, "<div>", 5 * SANITIZE_MAX_DEPTH);
    struct outcome x = run(buf_view(&b));
    assert_true(x.ok);
    dispose(&x);
    buf_cstr(&b, "<b>");
    refuses(buf_view(&b), 0, 0, "too deep");
    repeat(&b, "<h2>x</h2>", 10 * (SANITIZE_MAX_HEADINGS + 1));
    refuses(buf_view(&b), 0, 0, "more headings");
    repeat(&b, "<", SANITIZE_MAX_BYTES);
    refuses(buf_view(&b), 1, 0, "too large");
    repeat(&b, "'", SANITIZE_MAX_BYTES);
    refuses(buf_view(&b), 0, 0, "becomes larger");
    buf_dispose(&b);
}

/* What made parsers slow; a quadratic step would take minutes. */
static const char *const heavy[] = {"x", "<b>", "<p>", "<a href=x>", "<i></i>", "<li>",
    "<td>", "<table>", "</p>", "</div>", "<!--", "<!-- -->", "<!", "<svg>", "<style>",
    "<script></script>", "&", "&amp;", "&#1;", "&a", "<a b='", "<p x=", "x ",
    "<h2>x</h2>", "<img src=x>", "<p a b c d e f>", "<x-y>", "]]>", "<h2>", "</b><b>",
    "<td><table>", "<select>", "<p><div>", "<wbr>", "\r\n", "<title>",
    "<a title=x href=javascript:x>"};

static double seconds_of(struct str in) {
    struct timespec a, b;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
    struct outcome x = run(in);
    dispose(&x);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
    return (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9;
}

static void test_linear(void **state) {
    (void)state;
    struct buf b;
    buf_init(&b, 0);
    for (size_t i = 0; i < sizeof heavy / sizeof *heavy; i++) {
        repeat(&b, heavy[i], SANITIZE_MAX_BYTES - 64);
        double s = seconds_of(buf_view(&b));
        if (getenv("SANITIZE_TIMES"))
            printf(
                "%-32.32s %.2f s %5.0f MB/s\n", heavy[i], s, (double)b.len / 1e6 / s);
        if (s > 30) fail_msg("5 MiB of %s took %.1f s", heavy[i], s);
    }
    repeat(&b, " a", SANITIZE_MAX_BYTES - 64);
    memcpy(b.ptr, "<p", 2);
    assert_true(seconds_of(buf_view(&b)) < 30);
    b.ptr[b.len - 1] = '>';
    assert_true(seconds_of(buf_view(&b)) < 30);
    buf_dispose(&b);
}

/* ---- for the browser ---- */

static void dump_one(struct str in, struct str out) {
    struct buf b;
    buf_init(&b, 0);
    buf_cstr(&b, "{\"in\":\"");
    buf_json(&b, in, true);
    buf_cstr(&b, "\",\"out\":\"");
    buf_json(&b, out, true);
    buf_cstr(&b, "\"}");
    puts(b.ptr);
    buf_dispose(&b);
}

static void dump(struct str in) {
    struct outcome x = run(in);
    if (x.ok) dump_one(in, x.r.html);
    dispose(&x);
}

static int dump_all(unsigned generated) {
    struct arena a;
    struct payloads p = {0};
    struct buf b;
    arena_init(&a);
    buf_init(&b, 0);
    read_payloads(&a, &p);
    for (size_t i = 0; i < p.n; i++) dump(p.all[i]);
    for (unsigned i = 0; i < generated; i++) dump(generate(&b, &p, 1000000000u + i));
    buf_dispose(&b);
    arena_dispose(&a);
    return 0;
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_generated),
        cmocka_unit_test(test_payloads), cmocka_unit_test(test_kept),
        cmocka_unit_test(test_links), cmocka_unit_test(test_images),
        cmocka_unit_test(test_removed), cmocka_unit_test(test_nesting),
        cmocka_unit_test(test_headings), cmocka_unit_test(test_text),
        cmocka_unit_test(test_dropped), cmocka_unit_test(test_resolve),
        cmocka_unit_test(test_refused), cmocka_unit_test(test_linear)};
    const struct CMUnitTest generated[] = {cmocka_unit_test(test_generated)};
    json_setup();
    if (argc != 3) return cmocka_run_group_tests(tests, NULL, NULL);
    n_inputs = (unsigned)strtoul(argv[2], NULL, 10);
    if (!strcmp(argv[1], "--dump")) return dump_all(n_inputs);
    return cmocka_run_group_tests(generated, NULL, NULL);
}

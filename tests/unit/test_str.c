/* Slices and buffers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/str.h"

static void slices_are_clamped(void **state) {
    (void)state;
    struct str s = STR("abcdef");
    assert_true(str_is(str_slice(s, 2, 4), "cd"));
    assert_true(str_is(str_slice(s, 4, 100), "ef"));
    assert_int_equal(str_slice(s, 9, 12).len, 0);
    assert_int_equal(str_slice(s, 4, 2).len, 0);
    assert_int_equal(str_from(NULL).len, 0);
    assert_true(str_equal((struct str){NULL, 0}, STR("")));
    assert_int_equal(str_slice((struct str){NULL, 0}, 0, 1).len, 0);
}

static void order_is_by_unsigned_bytes(void **state) {
    (void)state;
    assert_true(str_compare(STR("a"), STR("b")) < 0);
    assert_true(str_compare(STR("ab"), STR("a")) > 0);
    assert_true(str_compare(STR(""), STR("a")) < 0);
    assert_true(str_compare(STR("z"), STR("\xC3\xA9")) < 0);
    assert_int_equal(str_compare(STR("x"), STR("x")), 0);
}

static void ends_are_compared(void **state) {
    (void)state;
    assert_true(str_starts(STR("index.html"), "index"));
    assert_false(str_starts(STR("in"), "index"));
    assert_true(str_ends(STR("index.html"), ".html"));
    assert_false(str_ends(STR("html"), ".html"));
    assert_true(str_starts(STR(""), ""));
    assert_true(str_is(str_trim(STR(" \t\r\n a b \v\f")), "a b"));
    assert_int_equal(str_trim(STR("  ")).len, 0);
}

static void finding(void **state) {
    (void)state;
    size_t at = 99;
    assert_true(str_find(STR("a{{b}}"), "{{", &at));
    assert_int_equal(at, 1);
    assert_false(str_find(STR("{"), "{{", &at));
    assert_true(str_find(STR(""), "", &at));
    assert_int_equal(at, 0);
    assert_true(str_find_char(STR("ab\0c"), 'c', &at));
    assert_int_equal(at, 3);
    assert_false(str_find_char((struct str){NULL, 0}, 'c', NULL));
}

static void check_cut(const char *text, const char *const *parts, size_t n) {
    struct str rest = str_from(text);
    struct str part;
    for (size_t i = 0; i < n; i++) {
        assert_true(str_cut(&rest, ',', &part));
        assert_true(str_is(part, parts[i]));
    }
    assert_false(str_cut(&rest, ',', &part));
}

static void cutting_gives_every_part_once(void **state) {
    (void)state;
    check_cut("a,b", (const char *[]){"a", "b"}, 2);
    check_cut("a,,b", (const char *[]){"a", "", "b"}, 3);
    check_cut("a,", (const char *[]){"a", ""}, 2);
    check_cut(",", (const char *[]){"", ""}, 2);
    check_cut("", (const char *[]){""}, 1);
}

static void utf8_is_strict(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        int bad; /* -1: valid */
    } rows[] = {
        {"", -1}, {"plain ASCII that is longer than a machine word", -1},
        {"caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\xA6\x86", -1},
        {"\xEE\x80\x80\xEF\xBF\xBF\xF4\x8F\xBF\xBF\xED\x9F\xBF", -1},
        {"abcdefgh\xFFijklmnop", 8}, {"ab\x80", 2}, /* continuation without a start */
        {"\xC0\x80", 0},                            /* overlong NUL */
        {"a\xC1\xBF", 1},                           /* overlong */
        {"\xE0\x9F\xBF", 0},                        /* overlong */
        {"\xF0\x8F\xBF\xBF", 0},                    /* overlong */
        {"\xED\xA0\x80", 0},                        /* surrogate */
        {"\xF4\x90\x80\x80", 0},                    /* above U+10FFFF */
        {"\xF5\x80\x80\x80", 0},                    /* above U+10FFFF */
        {"ok\xE2\x82", 2},                          /* cut off */
        {"ok\xE2\x28\xA1", 2},                      /* second byte wrong */
        {"01234567\xF0\x9F\xA6 xyz", 8}, /* third byte wrong, behind a full word */
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        size_t bad = 999;
        bool ok = str_is_utf8(str_from(rows[i].bytes), &bad);
        assert_int_equal(ok, rows[i].bad < 0);
        if (!ok) assert_int_equal(bad, rows[i].bad);
    }
    assert_true(str_is_utf8((struct str){"a\0b", 3}, NULL));
}

static void controls_are_found(void **state) {
    char all[64];
    for (unsigned c = 0; c < 256; c++)
        for (size_t at = 0; at < 20; at++) {
            size_t found = 99;
            bool control = (c < 32 && c != 9 && c != 10 && c != 13) || c == 127;
            memset(all, (at + c) % 3 ? '~' : '\n', sizeof all);
            memset(all + at / 2, 0xE9, 2);
            all[at] = (char)c;
            assert_int_equal(str_find_control((struct str){all, 20}, &found), control);
            if (control) assert_int_equal(found, at);
        }
    (void)state;
}

static void check_line_col(size_t at, unsigned line, unsigned col) {
    unsigned l, c;
    str_line_col(STR("ab\n\xC3\xA9z\n"), at, &l, &c);
    assert_int_equal(l, line);
    assert_int_equal(c, col);
}

static void lines_and_columns(void **state) {
    (void)state;
    check_line_col(0, 1, 1);
    check_line_col(2, 1, 3); /* the newline ends its own line */
    check_line_col(3, 2, 1);
    check_line_col(5, 2, 3); /* columns are bytes */
    check_line_col(7, 3, 1);
    check_line_col(1000, 3, 1);
}

static void distances(void **state) {
    (void)state;
    assert_int_equal(str_distance(STR("same"), STR("same")), 0);
    assert_int_equal(str_distance(STR(""), STR("abc")), 3);
    assert_int_equal(str_distance(STR("abc"), STR("")), 3);
    assert_int_equal(str_distance(STR("kitten"), STR("sitting")), 3);
    assert_int_equal(str_distance(STR("tagilne"), STR("tagline")), 1);
    assert_int_equal(str_distance(STR("primarycolor"), STR("primaryColor")), 1);
    char word[65];
    memset(word, 'a', sizeof(word));
    assert_int_equal(str_distance((struct str){word, 65}, STR("a")), 65);
    assert_int_equal(str_distance((struct str){word, 64}, (struct str){word, 63}), 1);
}

static void buffers_end_with_nul(void **state) {
    (void)state;
    struct buf b;
    buf_init(&b, 0);
    assert_null(b.ptr);
    assert_int_equal(buf_view(&b).len, 0);
    assert_true(buf_str(&b, (struct str){NULL, 0}));
    assert_string_equal(b.ptr, "");
    for (int i = 0; i < 1000; i++) assert_true(buf_printf(&b, "%d,", i));
    assert_int_equal(b.len, 10 * 2 + 90 * 3 + 900 * 4);
    assert_int_equal(strlen(b.ptr), b.len);
    assert_true(str_ends(buf_view(&b), "998,999,"));
    buf_reset(&b);
    assert_string_equal(b.ptr, "");
    size_t size = b.size;
    buf_cstr(&b, "again");
    assert_int_equal(b.size, size);
    buf_dispose(&b);
    assert_null(b.ptr);
}

static void long_formats_are_whole(void **state) {
    (void)state;
    struct buf b;
    buf_init(&b, 0);
    char word[500];
    memset(word, 'x', sizeof(word) - 1);
    word[sizeof(word) - 1] = '\0';
    assert_true(buf_printf(&b, "<%s>", word));
    assert_int_equal(b.len, 501);
    assert_int_equal(b.ptr[500], '>');
    buf_dispose(&b);
}

static void a_cap_stops_everything_after_it(void **state) {
    (void)state;
    struct buf b;
    buf_init(&b, 5);
    assert_true(buf_cstr(&b, "abc"));
    assert_true(buf_cstr(&b, "de"));
    assert_false(b.full);
    assert_true(buf_cstr(&b, ""));
    assert_false(buf_char(&b, 'f'));
    assert_true(b.full);
    assert_string_equal(b.ptr, "abcde");
    buf_reset(&b);
    assert_false(buf_printf(&b, "%s", "too long"));
    assert_true(b.full);
    assert_string_equal(b.ptr, "");
    assert_false(buf_char(&b, 'x')); /* would fit, but something is missing before it */
    assert_int_equal(b.len, 0);
    buf_reset(&b);
    assert_true(buf_printf(&b, "%s", "fits!"));
    buf_dispose(&b);
}

static void html_is_escaped(void **state) {
    (void)state;
    struct buf b;
    buf_init(&b, 0);
    buf_html(&b, STR("a & b < c > \"d\" 'e' \xC3\xA9"));
    assert_string_equal(
        b.ptr, "a &amp; b &lt; c &gt; &quot;d&quot; &#39;e&#39; \xC3\xA9");
    buf_reset(&b);
    buf_html(&b, STR("<&>"));
    assert_string_equal(b.ptr, "&lt;&amp;&gt;");
    buf_reset(&b);
    buf_html(&b, STR("nothing to do"));
    assert_string_equal(b.ptr, "nothing to do");
    buf_dispose(&b);
}

static void json_is_escaped(void **state) {
    (void)state;
    struct buf b;
    buf_init(&b, 0);
    buf_json(&b, STR("q\" b\\ \b\t\n\v\f\r \0 \x1f <\x7f/\xC3\xA9"), false);
    assert_string_equal(
        b.ptr, "q\\\" b\\\\ \\b\\t\\n\\u000b\\f\\r \\u0000 \\u001f <\\u007f/\xC3\xA9");
    buf_reset(&b);
    buf_json(&b, STR("</script><b"), true);
    assert_string_equal(b.ptr, "\\u003c/script>\\u003cb");
    buf_reset(&b);
    buf_json(&b,
        STR("a\xE2\x80\xA8"
            "b\xE2\x80\xA9\xE2\x80\xAA\xE2\x80"),
        true);
    assert_string_equal(b.ptr, "a\\u2028b\\u2029\xE2\x80\xAA\xE2\x80");
    buf_reset(&b);
    buf_json(&b, STR("\xE2\x80\xA8"), false);
    assert_string_equal(b.ptr, "\xE2\x80\xA8");
    buf_dispose(&b);
}

static void arrays_grow(void **state) {
    (void)state;
    size_t cap = 0;
    int *items = NULL;
    for (size_t i = 0; i < 1000; i++) {
        items = mem_grow(items, &cap, i + 1, sizeof(*items));
        assert_true(cap > i);
        items[i] = (int)i;
    }
    assert_int_equal(items[777], 777);
    assert_int_equal(cap, 1024);
    mem_free(items);
    mem_free(mem_alloc(0));
    mem_free(NULL);
    char *copy = mem_strdup("text");
    assert_string_equal(copy, "text");
    mem_free(copy);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slices_are_clamped),
        cmocka_unit_test(order_is_by_unsigned_bytes),
        cmocka_unit_test(ends_are_compared),
        cmocka_unit_test(finding),
        cmocka_unit_test(cutting_gives_every_part_once),
        cmocka_unit_test(utf8_is_strict),
        cmocka_unit_test(lines_and_columns),
        cmocka_unit_test(distances),
        cmocka_unit_test(buffers_end_with_nul),
        cmocka_unit_test(long_formats_are_whole),
        cmocka_unit_test(a_cap_stops_everything_after_it),
        cmocka_unit_test(controls_are_found),
        cmocka_unit_test(html_is_escaped),
        cmocka_unit_test(json_is_escaped),
        cmocka_unit_test(arrays_grow),
    };
    return cmocka_run_group_tests_name("str", tests, NULL, NULL);
}

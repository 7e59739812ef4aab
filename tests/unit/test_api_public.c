/* Cursors, times, cache windows, the memory of snapshots and of rich text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "api/public.h"
#include "api/richtext.h"
#include "api/snapshot.h"
#include "api/snapshot_store.h"
#include "base/json.h"

static void writes_times(void **state) {
    (void)state;
    static const char *const rows[][2] = {
        {"2026-05-12 08:00:00+00", "2026-05-12T08:00:00.000Z"},
        {"2026-05-12 08:00:00.5+00", "2026-05-12T08:00:00.500Z"},
        {"2026-05-12 08:00:00.123456+00", "2026-05-12T08:00:00.123Z"}};
    char text[32];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        public_time(text, rows[i][0]);
        assert_string_equal(text, rows[i][1]);
    }
}

static void writes_cursors(void **state) {
    (void)state;
    char cursor[PUBLIC_CURSOR_SIZE];
    const char *id = "0b0c1a52-6a5c-4c0e-9d3e-0f6a3a1f0001";
    assert_true(public_cursor(cursor, "1970-01-01 00:00:01.000002+00", id));
    assert_string_equal(cursor, "00000000000f42420b0c1a526a5c4c0e9d3e0f6a3a1f0001");
    assert_true(public_cursor(cursor, "1969-12-31 23:59:59.5+00", id));
    assert_string_equal(cursor, "fffffffffff85ee00b0c1a526a5c4c0e9d3e0f6a3a1f0001");
    assert_false(public_cursor(cursor, "infinity", id));
    assert_false(public_cursor(cursor, "1970-01-01 00:00:01+00", "short"));
}

/* Whatever is left, no fresh window and stale window together reach beyond it. */
static void caps_the_windows(void **state) {
    (void)state;
    static const struct snapshot_windows w = {60, 300, 86400, 86400};
    char text[160];
    snapshot_cache_control(text, &w, -1);
    assert_string_equal(text,
        "public, max-age=60, s-maxage=300, stale-while-revalidate=86400, "
        "stale-if-error=86400");
    for (double left = 0; left < 90000; left = left * 1.1 + 0.3) {
        unsigned a, s, r, e;
        snapshot_cache_control(text, &w, left);
        assert_int_equal(4, sscanf(text,
                                "public, max-age=%u, s-maxage=%u, "
                                "stale-while-revalidate=%u, stale-if-error=%u",
                                &a, &s, &r, &e));
        assert_true((a > s ? a : s) + (r > e ? r : e) <= left);
        assert_true(a <= 60 && s <= 300 && r <= 86400 && e <= 86400);
    }
}

static struct snapshot_entry *put(
    struct snapshot_store *s, const char *slug, const char *key, struct str body) {
    struct snapshot_entry *e = entry_new(str_from(key), body);
    store_add(s, slug, e);
    return e;
}

static void keeps_and_forgets(void **state) {
    (void)state;
    struct snapshot_store s;
    store_init(&s);
    struct snapshot_entry *a = put(&s, "a", "a1", STR("one"));
    entry_drop(put(&s, "b", "b1", STR("two")));
    assert_ptr_equal(store_find(&s, STR("a1")), a);
    entry_drop(put(&s, "a", "a1", STR("another"))); /* the caller still has the old */
    assert_true(str_is(buf_view(&a->body), "one"));
    assert_true(str_is(buf_view(&store_find(&s, STR("a1"))->body), "another"));
    store_forget(&s, "nobody");
    store_forget(&s, "a");
    assert_null(store_find(&s, STR("a1")));
    assert_non_null(store_find(&s, STR("b1")));
    store_forget(&s, NULL);
    assert_int_equal(s.entries + s.bytes, 0);
    entry_drop(a);
    store_dispose(&s);
}

static void is_bounded(void **state) {
    (void)state;
    struct snapshot_store s;
    char key[32];
    store_init(&s);
    entry_drop(put(&s, "quiet", "quiet", STR("x")));
    for (int i = 0; i < 3 * SNAPSHOT_ENTRIES; i++) {
        snprintf(key, sizeof key, "loud %d", i);
        entry_drop(put(&s, "loud", key, STR("x")));
        assert_true(s.entries <= SNAPSHOT_ENTRIES / SNAPSHOT_TENANT_SHARE + 1);
    }
    assert_non_null(store_find(&s, str_from(key)));
    assert_non_null(store_find(&s, STR("quiet"))); /* one cannot push out another */
    char *big = calloc(1, SNAPSHOT_BYTES / SNAPSHOT_TENANT_SHARE + 1);
    entry_drop(put(&s, "loud", "big",
        (struct str){big, SNAPSHOT_BYTES / SNAPSHOT_TENANT_SHARE + 1}));
    assert_null(store_find(&s, STR("big")));
    free(big);
    for (int i = 0; i < 2 * SNAPSHOT_ENTRIES; i++) {
        char slug[32];
        snprintf(slug, sizeof slug, "t%d", i);
        entry_drop(put(&s, slug, slug, STR("x")));
        assert_true(s.entries <= SNAPSHOT_ENTRIES);
    }
    assert_null(store_find(&s, STR("quiet"))); /* the least used one goes */
    store_dispose(&s);
}

static void is_harmless(void **state) {
    (void)state;
    static const char *const rows[][2] = {{"plain text.", "plain text."},
        {"it's", "it&#39;s"}, {"<p>a \"b\"</p>", "\\u003cp>a &quot;b&quot;\\u003c/p>"},
        {"<script>x</script>y", "y"}, {"back\\slash", "back\\\\slash"},
        {"line\nline", "line\\nline"}};
    struct richtext *r = richtext_new();
    struct buf b;
    buf_init(&b, 0);
    for (int again = 0; again < 2; again++)
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            buf_reset(&b);
            assert_true(richtext_write(r, str_from(rows[i][0]), &b));
            assert_string_equal(b.ptr, rows[i][1]);
        }
    buf_reset(&b);
    assert_false(richtext_write(r, STR("a\x01z"), &b));
    assert_false(richtext_write(r, STR("<p>\xff"), &b));
    assert_int_equal(b.len, 0);
    assert_true(richtext_write(r, STR("<p>"), &b));
    buf_dispose(&b);
    richtext_free(r);
}

int main(void) {
    json_setup();
    const struct CMUnitTest tests[] = {cmocka_unit_test(writes_times),
        cmocka_unit_test(writes_cursors), cmocka_unit_test(caps_the_windows),
        cmocka_unit_test(keeps_and_forgets), cmocka_unit_test(is_bounded),
        cmocka_unit_test(is_harmless)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

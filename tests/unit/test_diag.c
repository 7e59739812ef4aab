/* Diagnostics: gathering, merging, what people and programs get to see. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/file.h"
#include "base/json.h"

static char dir_name[] = "/tmp/tenantry-diag-XXXXXX";

static int dir_fd(void) {
    return open(dir_name, O_RDONLY | O_DIRECTORY);
}

static int make_folder(void **state) {
    (void)state;
    return mkdtemp(dir_name) ? 0 : -1;
}

static int remove_folder(void **state) {
    (void)state;
    return file_remove_tree(AT_FDCWD, dir_name);
}

/* What is printed for `d` when f.txt holds `text`. The caller frees. */
static char *printed(const struct diag *d, struct str text, bool colour) {
    char *out = NULL;
    size_t size = 0;
    int fd = dir_fd();
    assert_int_equal(file_write_replace(fd, "f.txt", text), 0);
    FILE *stream = open_memstream(&out, &size);
    diag_print_human(d, fd, colour, stream);
    fclose(stream);
    close(fd);
    return out;
}

static void check_excerpt(
    struct str text, unsigned line, unsigned col, const char *expected) {
    struct diag d = {
        .level = DIAG_ERROR, .place = DIAG_AT("f.txt", line, col), .message = "bad"};
    char *out = printed(&d, text, false);
    const char *excerpt = strchr(out, '\n');
    assert_non_null(excerpt);
    assert_string_equal(excerpt + 1, expected);
    free(out);
}

static void the_line_and_a_caret(void **state) {
    (void)state;
    struct str text =
        STR("{\n    \"primaryColor\": \"45 93 47%\",\n\tx\ty\n\xC3\xA9\xF0"
            "\x9F\xA6\x86z\r\nlast");
    check_excerpt(text, 2, 21,
        "   2 |     \"primaryColor\": \"45 93 47%\",\n"
        "     |                     ^\n");
    check_excerpt(text, 3, 4, "   3 | \tx\ty\n     | \t \t^\n");
    check_excerpt(text, 4, 7,
        "   4 | \xC3\xA9\xF0\x9F\xA6\x86z\n     |    ^\n"); /* a duck is two wide */
    check_excerpt(text, 5, 5, "   5 | last\n     |     ^\n");
    check_excerpt(text, 5, 500, "   5 | last\n     |     ^\n");
    check_excerpt(text, 5, 0, "   5 | last\n");
    check_excerpt(text, 6, 1, "");
    check_excerpt(text, 0, 0, "");
    check_excerpt(STR("a\033[31mb\x80\x7F\n"), 1, 1, "   1 | a?[31mb??\n     | ^\n");
}

static void wide_line_numbers_move_the_bar(void **state) {
    (void)state;
    struct buf b;
    buf_init(&b, 0);
    for (int i = 0; i < 12344; i++) buf_char(&b, '\n');
    buf_cstr(&b, "ab");
    check_excerpt(buf_view(&b), 12345, 2, "12345 | ab\n      |  ^\n");
    buf_dispose(&b);
}

/* Of a long line the part around the column is shown, and the caret still fits. */
static void long_lines_are_trimmed(void **state) {
    (void)state;
    char text[1000];
    for (size_t i = 0; i < sizeof(text); i++) text[i] = (char)('a' + i % 26);
    text[700] = '!';
    static const unsigned cols[] = {1, 50, 100, 701, 990, 1000};
    for (size_t i = 0; i < sizeof(cols) / sizeof(*cols); i++) {
        struct diag d = {
            .level = DIAG_ERROR, .place = DIAG_AT("f.txt", 1, cols[i]), .message = "m"};
        char *out = printed(&d, (struct str){text, sizeof(text)}, false);
        struct str rest = str_from(out);
        struct str head, source, caret;
        assert_true(str_cut(&rest, '\n', &head) && str_cut(&rest, '\n', &source));
        assert_true(str_cut(&rest, '\n', &caret));
        assert_true(source.len <= 7 + 100);
        assert_int_equal(source.ptr[caret.len - 1], text[cols[i] - 1]);
        assert_int_equal(str_ends(source, "..."), cols[i] < 990);
        free(out);
    }
    check_excerpt((struct str){text, 100}, 1, 1, /* just fits */
        "   1 | "
        "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrst"
        "uvwxyzabcdefghijklmnopqrstuv\n     | ^\n");
}

/* Nor does another mistake in the same line show the secret. */
static void secrets_are_masked(void **state) {
    (void)state;
    struct diag d = {
        .place = DIAG_AT("f.txt", 1, 6), .message = "a key", .secret = true};
    char *out = printed(&d,
        STR("say: AKI"
            "A7MFTBW6YLKQ3XN2C, an extraordinarily-long word"),
        false);
    assert_non_null(strstr(
        out, "   1 | say: AKIA7M************2C, an extraordinarily-long word\n"));
    assert_non_null(strstr(out, "\n     |      ^\n"));
    free(out);
    struct diag_list l;
    diag_init(&l);
    diag_add(&l, DIAG_WARNING, DIAG_AT("a", 2, 1), "before");
    diag_add(&l, DIAG_WARNING, DIAG_AT("a", 3, 1), "below");
    diag_add(&l, DIAG_WARNING, DIAG_AT("a", 2, 9), "after");
    diag_add(&l, DIAG_ERROR, DIAG_AT("a", 2, 5), "a key");
    diag_secret(&l);
    diag_sort(&l);
    for (const struct diag *i = l.first; i; i = i->next)
        assert_int_equal(i->secret, i->place.line == 2);
    diag_dispose(&l);
}

static void check_printed(const struct diag *d, const char *expected) {
    char *out = printed(d, STR("only line\n"), false);
    assert_string_equal(out, expected);
    free(out);
}

static void heads(void **state) {
    (void)state;
    check_printed(&(struct diag){.level = DIAG_ERROR, .message = "no tenants"},
        "error: no tenants\n");
    check_printed(
        &(struct diag){.level = DIAG_WARNING, .tenant = "acme", .message = "no posts"},
        "tenant acme: warning: no posts\n");
    check_printed(&(struct diag){.level = DIAG_NOTICE,
                      .tenant = "acme",
                      .place = DIAG_FILE("f.txt"),
                      .message = "m",
                      .repeated = 1},
        "f.txt: notice: m (and 1 more tenant)\n");
    check_printed(&(struct diag){.level = DIAG_ERROR,
                      .place = DIAG_AT("gone.txt", 3, 4),
                      .message = "two\nlines\033[0m",
                      .repeated = 41},
        "gone.txt:3:4: error: two lines?[0m (and 41 more tenants)\n");
    struct diag_note second = {.place = DIAG_NOWHERE, .message = "because"};
    struct diag_note first = {
        .next = &second, .place = DIAG_AT("b.txt", 7, 0), .message = "first here"};
    check_printed(&(struct diag){.level = DIAG_ERROR,
                      .place = DIAG_AT("f.txt", 1, 6),
                      .message = "m",
                      .notes = &first},
        "f.txt:1:6: error: m\n   1 | only line\n     |      ^\n"
        "b.txt:7: note: first here\nnote: because\n");
}

static void colour_only_when_asked(void **state) {
    (void)state;
    struct diag d = {
        .level = DIAG_ERROR, .place = DIAG_AT("f.txt", 1, 1), .message = "m"};
    char *with = printed(&d, STR("x\n"), true);
    char *without = printed(&d, STR("x\n"), false);
    assert_non_null(strstr(with, "\033["));
    assert_null(strchr(without, '\033'));
    free(with);
    free(without);
}

/* A named pipe or a folder in the place of the file must not hang or crash. */
static void odd_sources_are_left_out(void **state) {
    (void)state;
    int fd = dir_fd();
    assert_int_equal(mkfifoat(fd, "pipe", 0600), 0);
    assert_int_equal(mkdirat(fd, "folder", 0700), 0);
    static const char *const names[] = {"pipe", "folder"};
    alarm(10); /* a blocking open would never return */
    for (int i = 0; i < 2; i++) {
        char *out = NULL;
        size_t size = 0;
        struct diag d = {
            .level = DIAG_ERROR, .place = DIAG_AT(names[i], 1, 1), .message = "m"};
        FILE *stream = open_memstream(&out, &size);
        diag_print_human(&d, fd, false, stream);
        fclose(stream);
        assert_non_null(strstr(out, ":1:1: error: m\n"));
        assert_null(strchr(out, '|'));
        free(out);
    }
    alarm(0);
    close(fd);
}

static void json_lines_are_json(void **state) {
    (void)state;
    struct diag_list l;
    diag_init(&l);
    l.tenant = "acme";
    diag_add(&l, DIAG_ERROR, DIAG_AT("a \"b\".json", 3, 0), "bad \xFF byte\n<x>");
    diag_note(&l, DIAG_AT("c.md", 1, 2), "see %d", 1);
    char *out = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&out, &size);
    diag_print_json(l.first, stream);
    fclose(stream);
    assert_string_equal(out,
        "{\"type\":\"diagnostic\",\"level\":\"error\",\"tenant\":\"acme\","
        "\"file\":\"a \\\"b\\\".json\",\"line\":3,\"col\":null,"
        "\"message\":\"bad \xEF\xBF\xBD byte\\n<x>\",\"notes\":[{\"file\":\"c.md\","
        "\"line\":1,\"col\":2,\"message\":\"see 1\"}]}\n");
    json_t *v = json_loads(out, 0, NULL);
    assert_non_null(v);
    json_decref(v);
    free(out);
    diag_dispose(&l);
}

static void lists_count_and_copy(void **state) {
    (void)state;
    struct diag_list l;
    diag_init(&l);
    diag_note(&l, DIAG_NOWHERE, "belongs to nothing");
    char file[] = "x.md";
    char tenant[] = "acme";
    l.tenant = tenant;
    diag_add(&l, DIAG_WARNING, DIAG_FILE(file), "%s", "w");
    diag_add(&l, DIAG_ERROR, DIAG_FILE(file), "e %d", 2);
    diag_add(&l, DIAG_NOTICE, DIAG_NOWHERE, "n");
    memset(file, '?', strlen(file));
    memset(tenant, '?', strlen(tenant));
    assert_int_equal(l.errors, 1);
    assert_int_equal(l.warnings, 1);
    assert_int_equal(l.notices, 1);
    assert_string_equal(l.first->place.file, "x.md");
    assert_string_equal(l.first->next->tenant, "acme");
    assert_string_equal(l.first->next->message, "e 2");
    assert_null(l.last->place.file);
    diag_reset(&l);
    assert_null(l.first);
    assert_int_equal(l.errors + l.warnings + l.notices, 0);
    diag_add(&l, DIAG_ERROR, DIAG_NOWHERE, "again");
    assert_null(l.last->tenant);
    diag_dispose(&l);
}

static void add_for(struct diag_list *l, const char *tenant, const char *message) {
    l->tenant = tenant;
    diag_add(l, DIAG_WARNING, DIAG_AT("content/_shared/terms.md", 3, 1), "%s", message);
}

static void merging_counts_what_is_shared(void **state) {
    (void)state;
    struct diag_list all, one;
    diag_init(&all);
    static const char *const tenants[] = {"a", "b", "c"};
    for (int i = 0; i < 3; i++) {
        diag_init(&one);
        add_for(&one, tenants[i], "dead link");
        diag_note(&one, DIAG_FILE("n"), "note");
        add_for(
            &one, tenants[i], "dead link"); /* twice on one line: still one tenant */
        if (i == 1) add_for(&one, tenants[i], "only b");
        diag_merge(&all, &one);
        diag_dispose(&one); /* all keeps copies */
    }
    assert_int_equal(all.warnings, 2);
    assert_string_equal(all.first->message, "dead link");
    assert_string_equal(all.first->tenant, "a");
    assert_int_equal(all.first->repeated, 2);
    assert_string_equal(all.first->notes->message, "note");
    assert_null(all.first->notes->next);
    assert_string_equal(all.last->message, "only b");
    assert_int_equal(all.last->repeated, 0);
    diag_dispose(&all);
}

static void fill(struct diag_list *l) {
    l->tenant = "acme";
    diag_add(l, DIAG_ERROR, DIAG_AT("a.json", 1, 2), "first \xC3\xA9");
    diag_note(l, DIAG_AT("b.json", 3, 4), "note 1");
    diag_note(l, DIAG_NOWHERE, "note 2");
    l->tenant = NULL;
    diag_add(l, DIAG_NOTICE, DIAG_NOWHERE, "%s", "");
    l->last->repeated = 7;
    diag_secret(l);
}

static void check_filled(const struct diag_list *l) {
    const struct diag *d = l->first;
    assert_string_equal(d->message, "first \xC3\xA9");
    assert_string_equal(d->tenant, "acme");
    assert_string_equal(d->place.file, "a.json");
    assert_int_equal(d->place.line, 1);
    assert_int_equal(d->place.col, 2);
    assert_string_equal(d->notes->message, "note 1");
    assert_int_equal(d->notes->place.line, 3);
    assert_string_equal(d->notes->next->message, "note 2");
    assert_null(d->notes->next->place.file);
    d = d->next;
    assert_int_equal(d->level, DIAG_NOTICE);
    assert_string_equal(d->message, "");
    assert_null(d->tenant);
    assert_int_equal(d->repeated, 7);
    assert_true(d->secret);
    assert_false(l->first->secret);
    assert_null(d->next);
}

static void packing_keeps_everything(void **state) {
    (void)state;
    struct diag_list from, to;
    struct buf b;
    buf_init(&b, 0);
    diag_init(&from);
    diag_init(&to);
    fill(&from);
    diag_pack(&from, &b);
    to.tenant = "kept";
    assert_true(diag_unpack(&to, buf_view(&b)));
    diag_dispose(&from);
    check_filled(&to);
    assert_int_equal(to.errors, 1);
    assert_string_equal(to.tenant, "kept");
    diag_reset(&to);
    buf_reset(&b);
    diag_pack(&to, &b);
    assert_true(diag_unpack(&to, buf_view(&b)));
    assert_null(to.first);
    diag_dispose(&to);
    buf_dispose(&b);
}

/* A worker may be killed while it writes. */
static void damaged_packets_are_refused(void **state) {
    (void)state;
    struct diag_list l;
    struct buf b;
    buf_init(&b, 0);
    diag_init(&l);
    fill(&l);
    diag_pack(&l, &b);
    for (size_t n = 0; n < b.len; n++) {
        char *copy = malloc(n ? n : 1);
        assert_non_null(copy);
        memcpy(copy, b.ptr, n);
        diag_reset(&l);
        assert_false(diag_unpack(&l, (struct str){copy, n}));
        assert_null(l.first);
        free(copy);
    }
    buf_char(&b, 'x');
    assert_false(diag_unpack(&l, buf_view(&b)));
    b.len--;
    for (size_t i = 0; i < b.len; i++) { /* whatever comes: no crash */
        char old = b.ptr[i];
        b.ptr[i] = (char)(old ^ 0xFF);
        diag_reset(&l);
        diag_unpack(&l, buf_view(&b));
        b.ptr[i] = old;
    }
    diag_dispose(&l);
    buf_dispose(&b);
}

static void near_words_are_suggested(void **state) {
    (void)state;
    static const char *const known[] = {"branding", "domains", "id", "meta", "pricing"};
    size_t n = sizeof(known) / sizeof(*known);
    assert_string_equal(diag_suggest(STR("brandign"), known, n), "branding");
    assert_string_equal(diag_suggest(STR("domain"), known, n), "domains");
    assert_string_equal(diag_suggest(STR("mata"), known, n), "meta");
    assert_null(diag_suggest(STR("footer"), known, n));
    assert_null(diag_suggest(STR("x"), known, n));
    assert_null(diag_suggest(STR(""), known, n));
    assert_null(diag_suggest(STR("meta"), known, 0));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_line_and_a_caret),
        cmocka_unit_test(wide_line_numbers_move_the_bar),
        cmocka_unit_test(long_lines_are_trimmed),
        cmocka_unit_test(secrets_are_masked),
        cmocka_unit_test(heads),
        cmocka_unit_test(colour_only_when_asked),
        cmocka_unit_test(odd_sources_are_left_out),
        cmocka_unit_test(json_lines_are_json),
        cmocka_unit_test(lists_count_and_copy),
        cmocka_unit_test(merging_counts_what_is_shared),
        cmocka_unit_test(packing_keeps_everything),
        cmocka_unit_test(damaged_packets_are_refused),
        cmocka_unit_test(near_words_are_suggested),
    };
    return cmocka_run_group_tests_name("diag", tests, make_folder, remove_folder);
}

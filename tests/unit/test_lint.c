/* Brand lint: measured ratios, suggestions that pass, lengths, images. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "generator/lint.h"

#define SIXTY "123456789012345678901234567890123456789012345678901234567890"

struct brand {
    const char *primary, *foreground, *title, *description, *og, *favicon, *logo,
        *emoji;
};
static const struct brand good = {"45 93% 29%", "0 0% 100%", "Five Ducks", SIXTY,
    "images/og.png", "/f.ico", "/l.svg", "\xF0\x9F\xA6\x86"};

struct picture {
    const char *type;
    unsigned width, height;
    size_t size;
};

static bool find_image(void *ctx, const char *path, struct lint_image *out) {
    const struct picture *p = ctx;
    if (!p || strcmp(path, "images/og.png") != 0) return false;
    *out = (struct lint_image){{p->type, p->width, p->height}, p->size};
    return true;
}

static struct diag_list lint_with(struct brand b, struct picture *p) {
    struct buf text;
    buf_init(&text, 0);
    buf_printf(&text,
        "{\"id\": \"acme\", \"domains\": [\"acme.com\"],\n"
        "\"branding\": {\"name\": \"Acme\", \"tagline\": \"Ours\", \"logo\": \"%s\",\n"
        " \"logoEmoji\": \"%s\", \"favicon\": \"%s\", \"supportEmail\": "
        "\"a@acme.com\",\n"
        " \"mascot\": \"\"},\n"
        "\"meta\": {\"title\": \"%s\",\n"
        " \"description\": \"%s\",\n"
        " \"ogImage\": \"%s\", \"twitterImage\": \"\", \"url\": "
        "\"https://acme.com\"},\n"
        "\"theme\": {\"primaryColor\": \"%s\",\n"
        " \"primaryForeground\": \"%s\", \"accentColor\": \"0 0%% 20%%\"},\n"
        "\"routes\": {\"guestLanding\": \"/\", \"authLanding\": \"/app\"},\n"
        "\"features\": {}}\n",
        b.logo, b.emoji, b.favicon, b.title, b.description, b.og, b.primary,
        b.foreground);
    struct diag_list diags, parsing;
    struct tenant t;
    diag_init(&diags);
    diag_init(&parsing);
    if (!tenant_parse(&t, "acme", buf_view(&text), &parsing))
        fail_msg("%s", parsing.first->message);
    lint_brand(&t, find_image, p, &diags);
    tenant_dispose(&t);
    diag_dispose(&parsing);
    buf_dispose(&text);
    return diags;
}

static struct picture picture_good(void) {
    return (struct picture){"image/png", 1200, 630, 100000};
}

static void expect(struct brand b, struct picture p, enum diag_level level,
    unsigned line, const char *says) {
    struct diag_list diags = lint_with(b, &p);
    if (!diags.first || diags.first->next) {
        for (struct diag *g = diags.first; g; g = g->next)
            print_message("%u:%u %s\n", g->place.line, g->place.col, g->message);
        fail_msg("not one diagnostic; expected: %s", says);
    }
    if (!strstr(diags.first->message, says))
        fail_msg("\"%s\" does not say \"%s\"", diags.first->message, says);
    assert_int_equal(diags.first->level, level);
    assert_int_equal(diags.first->place.line, line);
    assert_string_equal(diags.first->place.file, "tenants/acme/config.json");
    diag_dispose(&diags);
}

static void test_nothing_to_say(void **state) {
    (void)state;
    struct picture p = picture_good();
    struct diag_list diags = lint_with(good, &p);
    if (diags.first) fail_msg("%s", diags.first->message);
    diag_dispose(&diags);
}

static void test_contrast_of_the_seed(void **state) {
    (void)state;
    struct brand b = good;
    b.primary = "45 93% 47%";
    b.foreground = "0 0% 0%";
    expect(b, picture_good(), DIAG_WARNING, 8,
        "\"45 93% 47%\" has contrast 1.98:1 on white (10.6:1 on black)");
    expect(b, picture_good(), DIAG_WARNING, 8,
        "\"45 93% 30%\" is the nearest that passes");
}

static void test_contrast_of_buttons(void **state) {
    (void)state;
    struct brand b = good;
    b.foreground = "45 93% 70%";
    expect(
        b, picture_good(), DIAG_WARNING, 9, "too low for the text of buttons (4.5:1)");
    struct diag_list diags;
    b.primary = "45 93% 47%";
    b.foreground = "0 0% 100%";
    diags = lint_with(b, NULL);
    assert_int_equal(diags.warnings, 2);
    assert_non_null(
        strstr(diags.first->message, "contrast 1.98:1 on primaryColor \"45 93% 47%\", "
                                     "too low for the text of buttons"));
    diag_dispose(&diags);
}

static void test_contrast_on_black(void **state) {
    (void)state;
    struct brand b = good;
    b.primary = "230 80% 20%";
    expect(b, picture_good(), DIAG_WARNING, 8, "on black");
    b.primary = "210 90% 48%"; /* icons pass on white, text does not */
    b.foreground = "0 0% 0%";
    expect(b, picture_good(), DIAG_NOTICE, 8, "for text there");
}

/* Whatever is suggested has to pass when it is taken. */
static void test_suggestions_pass(void **state) {
    (void)state;
    struct hsl white = {0, 0, 100};
    for (int h = 0; h < 360; h += 30) {
        char colour[32];
        snprintf(colour, sizeof colour, "%d 80%% 60%%", h);
        struct brand b = good;
        b.primary = colour;
        b.foreground = "0 0% 0%";
        struct diag_list diags = lint_with(b, NULL);
        for (struct diag *d = diags.first; d; d = d->next) {
            const char *end = strstr(d->message, "\" is the nearest");
            if (!end || !strstr(d->message, " on white (")) continue;
            const char *from = end;
            while (from[-1] != '"') from--;
            struct hsl c;
            assert_true(hsl_parse((struct str){from, (size_t)(end - from)}, &c));
            assert_true(hsl_contrast(c, white) >= 4.5);
            c.l += 1;
            assert_true(hsl_contrast(c, white) < 4.5);
        }
        diag_dispose(&diags);
    }
}

static void test_texts(void **state) {
    (void)state;
    struct brand b = good;
    b.title = SIXTY;
    b.description = SIXTY SIXTY "1234567890123456789012345678901234567890";
    struct picture p = picture_good();
    struct diag_list diags = lint_with(b, &p);
    assert_null(diags.first);
    diag_dispose(&diags);
    b = good;
    b.title = SIXTY "\xC3\xA9";
    expect(b, picture_good(), DIAG_WARNING, 5, "meta.title has 61 characters");
    b = good;
    b.description = SIXTY SIXTY SIXTY;
    expect(b, picture_good(), DIAG_WARNING, 6, "meta.description has 180 characters");
    b.description = "Short";
    expect(b, picture_good(), DIAG_WARNING, 6, "meta.description has 5 characters");
}

static void test_og_image(void **state) {
    (void)state;
    struct brand b = good;
    b.og = "";
    expect(b, picture_good(), DIAG_WARNING, 7, "meta.ogImage is missing");
    b = good;
    expect(b, (struct picture){"image/svg+xml", 1200, 630, 9}, DIAG_WARNING, 7,
        "image/svg+xml");
    expect(b, (struct picture){"image/jpeg", 1200, 1200, 9}, DIAG_WARNING, 7,
        "1200 x 1200 pixels; link previews cut it");
    expect(
        b, (struct picture){"image/png", 300, 200, 9}, DIAG_WARNING, 7, "small square");
    expect(b, (struct picture){"image/png", 1200, 630, 6u << 20}, DIAG_WARNING, 7,
        "6.0 MB");
}

static void test_marks(void **state) {
    (void)state;
    struct brand b = good;
    b.favicon = "";
    expect(b, picture_good(), DIAG_WARNING, 3, "branding.favicon is missing");
    b = good;
    b.logo = "";
    expect(b, picture_good(), DIAG_NOTICE, 2, "branding.logo is missing");
    b = good;
    b.emoji = "";
    expect(b, picture_good(), DIAG_WARNING, 3, "branding.logoEmoji is missing");
}

int main(void) {
    json_setup();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_to_say),
        cmocka_unit_test(test_contrast_of_the_seed),
        cmocka_unit_test(test_contrast_of_buttons),
        cmocka_unit_test(test_contrast_on_black),
        cmocka_unit_test(test_suggestions_pass),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_og_image),
        cmocka_unit_test(test_marks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

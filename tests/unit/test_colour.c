/* HSL triples: reading, hex, contrast, the nearest passing lightness. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "model/tenant.h"

static struct hsl colour(const char *text) {
    struct hsl c = {0};
    assert_true(hsl_parse(str_from(text), &c));
    return c;
}

static void reads_triples(void **state) {
    (void)state;
    static const char *const good[] = {"45 93% 47%", "0 0% 0%", "360 100% 100%",
        "45.5 93.25% 47.125%", "45deg 93% 47%", "45  93%   47%"};
    static const char *const bad[] = {"", "45 93 47%", "45 93 47", "45, 93%, 47%",
        "hsl(45 93% 47%)", "361 0% 0%", "0 101% 0%", "0 0% 101%", "-1 0% 0%",
        "45 93% 47% ", " 45 93% 47%", "45. 93% 47%", "#e7b008", "4593%47%",
        "45 93% 47%;", "nan 0% 0%", "1e2 0% 0%", "00000000000000000045 1% 1%"};
    struct hsl c;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(hsl_parse(str_from(good[i]), &c));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(hsl_parse(str_from(bad[i]), &c));
    c = colour("45.5deg 93% 47.25%");
    assert_true(fabs(c.h - 45.5) < 1e-9 && fabs(c.l - 47.25) < 1e-9);
}

static void turns_to_hex(void **state) {
    (void)state;
    static const char *const rows[][2] = {{"45 93% 47%", "#e7b008"},
        {"0 0% 0%", "#000000"}, {"0 0% 100%", "#ffffff"}, {"0 100% 50%", "#ff0000"},
        {"120 100% 50%", "#00ff00"}, {"240 100% 50%", "#0000ff"},
        {"360 100% 50%", "#ff0000"}, {"0 0% 50%", "#808080"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char hex[8];
        hsl_hex(colour(rows[i][0]), hex);
        assert_string_equal(hex, rows[i][1]);
    }
}

static void measures_contrast(void **state) {
    (void)state;
    struct hsl white = colour("0 0% 100%"), black = colour("0 0% 0%");
    struct hsl seed = colour("45 93% 47%");
    assert_true(fabs(hsl_contrast(white, black) - 21) < 0.001);
    assert_true(fabs(hsl_contrast(black, white) - 21) < 0.001);
    assert_true(fabs(hsl_contrast(white, white) - 1) < 0.001);
    assert_true(fabs(hsl_contrast(seed, white) - 1.98) < 0.01);
    assert_true(fabs(hsl_contrast(seed, black) - 10.6) < 0.05);
}

/* Tries every whole percent. */
static double nearest(struct hsl c, struct hsl other, double ratio) {
    double best = -1;
    for (int l = 0; l <= 100; l++) {
        if (hsl_contrast((struct hsl){c.h, c.s, l}, other) < ratio) continue;
        if (best < 0 || fabs(l - c.l) < fabs(best - c.l)) best = l;
    }
    return best;
}

static void finds_the_nearest_passing(void **state) {
    (void)state;
    for (int h = 0; h < 360; h += 30) {
        for (int l = 0; l <= 100; l += 7) {
            for (int o = 0; o <= 100; o += 10) {
                struct hsl c = {h, 80, l}, other = {(h + 90) % 360, 40, o}, out;
                bool found = hsl_passing(c, other, 4.5, &out);
                double want = nearest(c, other, 4.5);
                assert_int_equal(found, want >= 0);
                if (found)
                    assert_true(fabs(fabs(out.l - c.l) - fabs(want - c.l)) < 1e-9);
                if (found) assert_true(hsl_contrast(out, other) >= 4.5);
            }
        }
    }
}

static void keeps_what_passes(void **state) {
    (void)state;
    struct hsl out, c = colour("45 93% 20.5%");
    assert_true(hsl_passing(c, colour("0 0% 100%"), 4.5, &out));
    assert_true(fabs(out.l - 20.5) < 1e-9);
    assert_false(hsl_passing(c, colour("0 0% 50%"), 20, &out));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_triples),
        cmocka_unit_test(turns_to_hex),
        cmocka_unit_test(measures_contrast),
        cmocka_unit_test(finds_the_nearest_passing),
        cmocka_unit_test(keeps_what_passes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "generator/image.h"

#define IS(bytes, type, w, h) is((struct str){bytes, sizeof(bytes) - 1}, type, w, h)

/* Every shorter head must be harmless too; a copy lets the sanitizer see the end. */
static void is(struct str s, const char *type, unsigned w, unsigned h) {
    struct image_info info;
    for (size_t n = 0; n <= s.len; n++) {
        char *copy = malloc(n + 1);
        memcpy(copy, s.ptr, n);
        copy = realloc(copy, n ? n : 1);
        image_info((struct str){copy, n}, &info);
        free(copy);
    }
    assert_true(image_info(s, &info));
    assert_string_equal(info.type, type);
    assert_int_equal(info.width, w);
    assert_int_equal(info.height, h);
}

static void is_none(struct str s) {
    struct image_info info;
    assert_false(image_info(s, &info));
}

static void test_png_gif(void **state) {
    (void)state;
    IS("\x89PNG\r\n\x1A\n\0\0\0\rIHDR\0\0\4\xB0\0\0\2\x76", "image/png", 1200, 630);
    IS("\x89PNG\r\n\x1A\n", "image/png", 0, 0);
    IS("GIF89a\x10\0\x20\1", "image/gif", 16, 288);
}

static void test_jpeg(void **state) {
    (void)state;
    IS("\xFF\xD8\xFF\xE0\0\4ab\xFF\xC2\0\x0B\x08\0\x64\0\xC8\3", "image/jpeg", 200,
        100);
    IS("\xFF\xD8\xFF\xE1\0\x22"
       "Exif\0\0II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\6\0\0\0\0\0\0\0"
       "\xFF\xC0\0\x0B\x08\0\x64\0\xC8\3",
        "image/jpeg", 100, 200);
    IS("\xFF\xD8\xFF\xE1\0\x22"
       "Exif\0\0MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\1\0\0\0\0\0\0"
       "\xFF\xC0\0\x0B\x08\0\x64\0\xC8\3",
        "image/jpeg", 200, 100);
    IS("\xFF\xD8\xFF\xE0\0\1", "image/jpeg", 0, 0);
}

static void test_webp(void **state) {
    (void)state;
    IS("RIFF\0\0\0\0WEBPVP8 \0\0\0\0\0\0\0\x9D\1\x2A\x40\1\xF0\0", "image/webp", 320,
        240);
    IS("RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2F\x3F\xC1\x3B\0", "image/webp", 320, 240);
    IS("RIFF\0\0\0\0WEBPVP8X\0\0\0\0\0\0\0\0\x3F\1\0\xEF\0\0", "image/webp", 320, 240);
}

static void test_icon_avif(void **state) {
    (void)state;
    IS("\0\0\1\0\2\0\x10\x10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
       "\0",
        "image/x-icon", 256, 256);
    IS("\0\0\0\x10"
       "ftypavif\0\0\0\0"
       "\0\0\0\x30meta\0\0\0\0"
       "\0\0\0\x24iprp"
       "\0\0\0\x1Cipco"
       "\0\0\0\x14ispe\0\0\0\0\0\0\1\x40\0\0\0\xF0",
        "image/avif", 320, 240);
}

static void test_svg(void **state) {
    (void)state;
    IS("<svg width=\"12\" height=\"10px\">", "image/svg+xml", 12, 10);
    IS("\xEF\xBB\xBF<?xml version=\"1.0\"?>\n<!-- <svg> -->\n<!DOCTYPE svg>\n<svg "
       "viewBox=\"0 0 24.4,12\"/>",
        "image/svg+xml", 24, 12);
    IS("<svg width='48' viewBox='-1 -1 24 12'>", "image/svg+xml", 48, 24);
    IS("<svg stroke-width='3' width='100%' height='5em'>", "image/svg+xml", 0, 0);
    IS("<svg>", "image/svg+xml", 0, 0);
    is_none(STR("<svgs width='1'>"));
    is_none(STR("<html><svg width='1'>"));
}

static void test_none(void **state) {
    (void)state;
    is_none(STR(""));
    is_none(STR("hello"));
    is_none(STR("%PDF-1.4"));
    is_none(STR("\0\0\1\0\0\0"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_png_gif),
        cmocka_unit_test(test_jpeg),
        cmocka_unit_test(test_webp),
        cmocka_unit_test(test_icon_avif),
        cmocka_unit_test(test_svg),
        cmocka_unit_test(test_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

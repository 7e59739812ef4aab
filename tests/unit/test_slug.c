#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/slug.h"

static void test_slugs(void **state) {
    static const struct {
        const char *text, *slug;
    } cases[] = {{"Hello, World!", "hello-world"}, {"  a -- b  ", "a-b"}, {"", "x"},
        {"!?", "x"}, {"C++", "c-plus-plus"}, {"C#", "c-sharp"}, {"C", "c"},
        {"Terms & Conditions", "terms-and-conditions"},
        {"Über uns: Événements", "uber-uns-evenements"},
        {"Straße Œuvre Łódź", "strasse-oeuvre-lodz"},
        {"Cafe\xCC\x81",
            "cafe"}, /* an e and its accent apart, as some systems name files */
        {"日本", "65e5672c"}, {"中国", "4e2d56fd"}, {"🦆 duck ❤️", "duck"},
        {"🦆", "x"},
        {"a\xFF"
         "b",
            "a-b"},
        {"cut \xE6\x97", "cut"}};
    (void)state;
    struct arena a;
    arena_init(&a);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(slug_make(&a, str_from(cases[i].text)), cases[i].slug);
    arena_dispose(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_slugs)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

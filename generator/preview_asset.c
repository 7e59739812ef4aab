/* generator/preview/, as the linker put it into the program. */
#include "generator/preview_page.h"

#define EACH_ASSET(X)                                                                  \
    X(bar, html)                                                                       \
    X(cards, html)                                                                     \
    X(client, css)                                                                     \
    X(client, js)                                                                      \
    X(failed, html)                                                                    \
    X(front, css)                                                                      \
    X(front, html)                                                                     \
    X(front, js)                                                                       \
    X(inject, html)                                                                    \
    X(message, html)                                                                   \
    X(problem, html)                                                                   \
    X(problems, html)                                                                  \
    X(view, css)                                                                       \
    X(view, html)                                                                      \
    X(view, js)

#define DECLARE(name, type)                                                            \
    extern const char _binary_generator_preview_##name##_##type##_start[];             \
    extern const char _binary_generator_preview_##name##_##type##_end[];
EACH_ASSET(DECLARE)

static const struct {
    const char *name, *start, *end;
} assets[] = {
#define ROW(name, type)                                                                \
    {#name "." #type, _binary_generator_preview_##name##_##type##_start,               \
        _binary_generator_preview_##name##_##type##_end},
    EACH_ASSET(ROW)};

struct str page_asset(struct str name) {
    for (size_t i = 0; i < sizeof assets / sizeof *assets; i++)
        if (str_is(name, assets[i].name))
            return (struct str){
                assets[i].start, (size_t)(assets[i].end - assets[i].start)};
    return (struct str){NULL, 0};
}

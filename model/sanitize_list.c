/* What is allowed, and what becomes of the rest that is known. */
#include "model/sanitize_internal.h"
#include <stdlib.h>

#define A(x) (1u << ATT_##x)
#define ALL (A(DIR) | A(LANG) | A(TITLE))
#define CELLS (ALL | A(COLSPAN) | A(ROWSPAN))
#define KEPT(n, traits)                                                                \
    { n, NULL, KEEP, ANY, traits, ALL }
#define AS(n, as, traits)                                                              \
    { n, as, KEEP, ANY, traits, ALL }
#define OUT(n, fate)                                                                   \
    { n, NULL, fate, ANY, 0, 0 }
#define BB (BLOCK | BREAK)

/* In byte order of the names. */
static const struct element elements[] = {
    {"a", NULL, KEEP, ANY, 0, ALL | A(HREF)},
    KEPT("abbr", 0),
    AS("acronym", "abbr", 0),
    KEPT("address", BB),
    OUT("applet", WITH_CONTENT),
    OUT("area", GONE),
    KEPT("article", BB),
    KEPT("aside", BB),
    OUT("audio", WITH_CONTENT),
    KEPT("b", 0),
    OUT("base", GONE),
    OUT("basefont", GONE),
    KEPT("bdi", 0),
    KEPT("bdo", 0),
    OUT("bgsound", GONE),
    KEPT("blockquote", BB),
    {"br", NULL, VOID, ANY, BREAK, 0},
    OUT("canvas", WITH_CONTENT),
    {"caption", NULL, KEEP, IN_TABLE, SECTION | SCOPE | BREAK, ALL},
    AS("center", "div", BB),
    KEPT("cite", 0),
    {"code", NULL, KEEP, ANY, 0, ALL | A(CLASS)},
    OUT("col", GONE),
    OUT("datalist", WITH_CONTENT),
    {"dd", NULL, KEEP, IN_DL, BB, ALL},
    {"del", NULL, KEEP, ANY, 0, ALL | A(DATETIME)},
    {"details", NULL, KEEP, ANY, BB, ALL | A(OPEN)},
    KEPT("dfn", 0),
    AS("dialog", "div", BB),
    AS("dir", "ul", BB | LIST),
    KEPT("div", BB),
    KEPT("dl", BB),
    {"dt", NULL, KEEP, IN_DL, BB, ALL},
    KEPT("em", 0),
    OUT("embed", GONE),
    AS("fieldset", "div", BB),
    KEPT("figcaption", BB),
    KEPT("figure", BB),
    KEPT("footer", BB),
    AS("form", "div", BB),
    OUT("frame", GONE),
    OUT("frameset", WITH_CONTENT),
    KEPT("h1", BB | HEADING),
    KEPT("h2", BB | HEADING),
    KEPT("h3", BB | HEADING),
    KEPT("h4", BB | HEADING),
    KEPT("h5", BB | HEADING),
    KEPT("h6", BB | HEADING),
    KEPT("header", BB),
    AS("hgroup", "div", BB),
    {"hr", NULL, VOID, ANY, BB, 0},
    KEPT("i", 0),
    OUT("iframe", RAW),
    {"img", NULL, VOID, ANY, 0, ALL | A(ALT) | A(HEIGHT) | A(SRC) | A(WIDTH)},
    OUT("input", GONE),
    {"ins", NULL, KEEP, ANY, 0, ALL | A(DATETIME)},
    KEPT("kbd", 0),
    OUT("keygen", GONE),
    AS("legend", "div", BB),
    {"li", NULL, KEEP, IN_LIST, BB, ALL | A(VALUE)},
    OUT("link", GONE),
    AS("main", "div", BB),
    KEPT("mark", 0),
    OUT("math", WITH_CONTENT),
    AS("menu", "ul", BB | LIST),
    OUT("meta", GONE),
    AS("nav", "div", BB),
    OUT("noembed", RAW),
    OUT("noframes", RAW),
    OUT("noscript", RAW),
    OUT("object", WITH_CONTENT),
    {"ol", NULL, KEEP, ANY, BB | LIST, ALL | A(REVERSED) | A(START) | A(TYPE)},
    KEPT("p", BB),
    OUT("param", GONE),
    OUT("plaintext", RAW),
    KEPT("pre", BB),
    KEPT("q", 0),
    {"rp", NULL, KEEP, IN_RUBY, 0, ALL},
    {"rt", NULL, KEEP, IN_RUBY, 0, ALL},
    KEPT("ruby", 0),
    KEPT("s", 0),
    KEPT("samp", 0),
    OUT("script", RAW),
    AS("search", "div", BB),
    KEPT("section", BB),
    OUT("select", WITH_CONTENT),
    KEPT("small", 0),
    OUT("source", GONE),
    KEPT("span", 0),
    AS("strike", "s", 0),
    KEPT("strong", 0),
    OUT("style", RAW),
    KEPT("sub", 0),
    KEPT("summary", BB),
    KEPT("sup", 0),
    OUT("svg", WITH_CONTENT),
    KEPT("table", BB | TABLE | SCOPE),
    {"tbody", NULL, KEEP, IN_TABLE, SECTION | BREAK, ALL},
    {"td", NULL, KEEP, IN_TABLE, CELL | SCOPE | BREAK, CELLS},
    OUT("template", WITH_CONTENT),
    OUT("textarea", RAW),
    {"tfoot", NULL, KEEP, IN_TABLE, SECTION | BREAK, ALL},
    {"th", NULL, KEEP, IN_TABLE, CELL | SCOPE | BREAK, CELLS | A(SCOPE)},
    {"thead", NULL, KEEP, IN_TABLE, SECTION | BREAK, ALL},
    {"time", NULL, KEEP, ANY, 0, ALL | A(DATETIME)},
    OUT("title", RAW),
    {"tr", NULL, KEEP, IN_TABLE, ROW | BREAK, ALL},
    OUT("track", GONE),
    AS("tt", "code", 0),
    KEPT("u", 0),
    KEPT("ul", BB | LIST),
    KEPT("var", 0),
    OUT("video", WITH_CONTENT),
    {"wbr", NULL, VOID, ANY, 0, 0},
    OUT("xmp", RAW),
};

const char *const attribute_names[N_ATTRIBUTES] = {"alt", "class", "colspan",
    "datetime", "dir", "height", "href", "lang", "open", "reversed", "rowspan", "scope",
    "src", "start", "title", "type", "value", "width"};

static int compare_element(const void *key, const void *element) {
    return str_compare(
        *(const struct str *)key, str_from(((const struct element *)element)->name));
}

const struct element *element_find(struct str name) {
    return bsearch(&name, elements, sizeof elements / sizeof *elements,
        sizeof *elements, compare_element);
}

static int compare_name(const void *key, const void *name) {
    return str_compare(*(const struct str *)key, str_from(*(const char *const *)name));
}

int attribute_find(struct str name) {
    const char *const *found = bsearch(
        &name, attribute_names, N_ATTRIBUTES, sizeof *attribute_names, compare_name);
    return found ? (int)(found - attribute_names) : -1;
}

bool attribute_is_ours(struct str name) {
    static const char *const ours[] = {"decoding", "loading", "rel"};
    return bsearch(&name, ours, 3, sizeof *ours, compare_name) != NULL;
}

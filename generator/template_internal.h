/* What template.c compiles and template_render.c walks. For these two files alone. */
#ifndef GENERATOR_TEMPLATE_INTERNAL_H
#define GENERATOR_TEMPLATE_INTERNAL_H
#include <stdint.h>
#include "generator/template.h"

enum node_kind {
    NODE_TEXT,     /* literal bytes */
    NODE_VALUE,    /* {{x}} {{{x}}} {{&x}} */
    NODE_SECTION,  /* {{#x}} */
    NODE_INVERTED, /* {{^x}} */
    NODE_PARTIAL,  /* {{>x}} */
    NODE_PARENT,   /* {{<x}}; its children are NODE_ARGUMENT only */
    NODE_BLOCK, /* {{$x}} in a template: a place to be filled, the children its default
                 */
    NODE_ARGUMENT /* {{$x}} directly inside {{<y}}: what fills the place */
};

enum node_flag {
    /* The node is the first on its line: the indentation of the partial goes before it.
     */
    NODE_LINE = 1,
    /* The tag stood alone on its line, which is gone from the text. For a block: the
     * tag that opens it. For an argument: it begins with a line of its own. */
    NODE_ALONE = 2,
    /* A block or parent with only blanks before it on its line, but not alone: the
     * blanks are in `indent` and not in the text. */
    NODE_FIRST = 4,
    /* An empty block alone on its line with its closing tag; `text` is the line's end.
     */
    NODE_PAIR = 8,
    NODE_RAW = 16,      /* {{{x}}} or {{&x}} */
    NODE_UNSAFE = 32,   /* raw, and the name does not end in _html or _md */
    NODE_MARKDOWN = 64, /* the name ends in _md */
    NODE_DYNAMIC = 128, /* {{>*x}}: the name is looked up */
    NODE_TESTED = 256   /* stands in a section or inverted section on the same name */
};

struct node {
    uint8_t kind;    /* enum node_kind */
    uint16_t flags;  /* enum node_flag */
    uint16_t nparts; /* of the dotted name; 0: "." */
    uint32_t end;    /* index after the last child; own index + 1 without children */
    uint32_t at;     /* offset of the tag in the template's text */
    struct str text; /* NODE_TEXT, NODE_PAIR: literal */
    struct str name; /* all other: as written, without blanks and without the `*` */
    const struct str *parts;
    struct str indent; /* partial, parent, block: what goes before each further line */
};

struct template {
    const char *file;
    unsigned first_line;
    unsigned first_col; /* of its first line; 0: 1 */
    bool has_unsafe;    /* some node is NODE_UNSAFE */
    struct str text;
    const struct node *nodes;
    uint32_t n;
};

/* Where byte `at` of the template's text stands in its file. */
struct diag_place template_place(const struct template *t, size_t at);
#endif

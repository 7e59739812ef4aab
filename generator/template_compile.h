/* What template.c and template_tag.c share while they read a template. */
#ifndef GENERATOR_TEMPLATE_COMPILE_H
#define GENERATOR_TEMPLATE_COMPILE_H
#include <string.h>
#include "generator/template_internal.h"

enum {
    OPEN_MAX_DEPTH = 256,
    NAME_MAX_BYTES = 200,
    TEXT_MAX_BYTES = 1 << 28,
    ERRORS_MAX = 100 /* of one template; then reading stops */
};

struct open { /* a tag that waits for its {{/name}} */
    uint32_t node;
    enum node_kind kind;
    bool dropped; /* inside a parent but outside a block: parsed, not kept */
    bool dynamic;
    struct str name;
    size_t at;
    struct str dedent; /* what was in force outside */
};

struct compiler {
    struct template *t;
    struct arena *arena;
    struct diag_list *diags;
    struct str text;
    size_t pos;
    struct str left, right; /* delimiters */
    struct node *nodes;
    size_t n, cap;
    struct buf run;    /* literal text not yet in a node */
    bool run_line;     /* the run begins a line */
    size_t run_at;     /* where it begins */
    bool line;         /* nothing of the current line has been emitted */
    struct str dedent; /* blanks taken off each line */
    struct open open[OPEN_MAX_DEPTH];
    size_t depth;
    struct str late; /* closed for want of its own end, which may still come */
    unsigned errors;
    bool cut; /* reading stopped early, so unclosed sections are no news */
};

struct tag {
    char sigil; /* one of # ^ > < $ / ! = & { or 0 for {{name}} */
    size_t at, end;
    struct str name;
    bool dynamic;
    bool first;        /* only blanks before it on its line */
    bool last;         /* only blanks after it on its line */
    size_t line_start; /* of the line it begins on, when first */
    size_t next_line;  /* offset of the line after it, when last */
};

#define compile_error(c, offset, ...)                                                  \
    ((c)->errors++, diag_add((c)->diags, DIAG_ERROR, template_place((c)->t, (offset)), \
                        __VA_ARGS__))

static inline bool is_blank(char ch) {
    return ch == ' ' || ch == '\t';
}

static inline bool is_space(char ch) {
    return is_blank(ch) || ch == '\n' || ch == '\r' || ch == '\v' || ch == '\f';
}

static inline bool find_from(
    struct str text, size_t from, struct str needle, size_t *at) {
    const char *hit = memmem(text.ptr + from, text.len - from, needle.ptr, needle.len);
    if (hit) *at = (size_t)(hit - text.ptr);
    return hit != NULL;
}

/* Reads the tag at tag->at. False: an error was reported and c->pos moved past it. */
bool tag_read(struct compiler *c, struct tag *tag);
/* The tag's name is looked up, so its dots count. */
bool tag_is_dotted(const struct tag *tag);
#endif

/* What template_render.c and template_value.c share while a page is made. */
#ifndef GENERATOR_TEMPLATE_RENDER_H
#define GENERATOR_TEMPLATE_RENDER_H
#include "generator/template_internal.h"

/* What {{<parent}} hands down. The outermost word on a block wins. */
struct given {
    const struct given *outer;
    const struct frame *frame; /* where it was written */
    uint32_t first, end;       /* its NODE_ARGUMENTs in that template */
};

/* A template (or the argument of a parent) being rendered. */
struct frame {
    const struct frame *caller; /* NULL: the page itself */
    const struct template *t;
    const struct node *site; /* the tag in the caller's template that led here */
    const struct given *given;
    enum escape escape;
};

struct render {
    const struct template_env *env;
    struct buf *out;
    json_t **stack;
    size_t n;
    unsigned depth, max_depth;
    unsigned passes;
    struct buf indent; /* what goes before each line */
    size_t indented;   /* so many bytes of it already stand before the next line */
    bool failed;
    bool stop; /* nothing more can be rendered */
};

/* Reports at the node's place, once, with the chain of partials in notes. */
void render_error(struct render *r, const struct frame *f, const struct node *node,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* The output's cap is reached: reports that and stops. */
void render_full(struct render *r, const struct frame *f, const struct node *node);
/* {{x}} and {{{x}}}. */
void render_value(struct render *r, const struct frame *f, const struct node *node);

/* The value of the node's name in the context stack; NULL: unknown. Borrowed. */
json_t *name_find(const struct render *r, const struct node *node);
void name_unknown(struct render *r, const struct frame *f, const struct node *node);

/* Text, number, true or false as text, any other as nothing; `space` is for digits. */
struct str value_text(const json_t *v, char *space, size_t size);
const char *value_kind(const json_t *v); /* "a list" */
#endif

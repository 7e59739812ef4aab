/* How templates of one site find each other. */
#ifndef GENERATOR_PARTIALS_H
#define GENERATOR_PARTIALS_H
#include "generator/site.h"

struct partials {
    const struct theme *theme;
    struct str suffix; /* of the output being made */
    struct diag_list *diags;
};
/* The environment for rendering one output; `p` must live as long as it. */
struct template_env partials_env(
    struct partials *p, const struct site *s, struct str output_path);
#endif

/* _headers and _redirects put to use: what an answer gets because of its path. */
#ifndef GENERATOR_EDGE_APPLY_H
#define GENERATOR_EDGE_APPLY_H
#include "generator/edge_rules.h"

struct edge_path {
    const char *host;
    struct str path; /* decoded */
    struct str raw;  /* as it was sent */
};
struct edge_field {
    struct str name, value;
};
struct edge_fields {
    struct edge_field *items; /* in the arena */
    size_t n;
};
/* The headers that the rules give this path, later rules adding to earlier ones. */
struct edge_fields edge_headers_apply(
    const struct edge_headers *h, const struct edge_path *p, struct arena *a);
/* The redirect that takes this path: its code, and its target with everything filled in
 * (the query goes along unless the target has its own).  0: none. */
unsigned edge_redirects_apply(const struct edge_redirects *d, const struct edge_path *p,
    struct str query, struct arena *a, const char **target);
/* The Content-Type of a file, "application/octet-stream" when nothing is known. */
char *edge_type(struct arena *a, struct str path);
#endif

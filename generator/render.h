/* One tenant, end to end: read, plan, render, publish. */
#ifndef GENERATOR_RENDER_H
#define GENERATOR_RENDER_H
#include "generator/sink.h"
#include "generator/worker.h"

/* Makes the site of one tenant.  With `out` NULL everything is rendered and nothing
 * written (check, --strict's first pass). Appends to `result` a JSON object: {ok,
 * drafts, future, seconds, sites: [{host, alias, redirects, pages, files, bytes,
 * written, removed, fresh, changed?, removed_paths?}]}.  What is wrong goes to diags;
 * nothing of a tenant with errors is published. */
void render_tenant(const struct build *b, const char *id, const struct sink *out,
    struct worker *w, struct diag_list *diags, json_t *result);
#endif

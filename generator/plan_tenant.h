/* From a tenant's folder to its plan: all that stands before rendering. */
#ifndef GENERATOR_PLAN_TENANT_H
#define GENERATOR_PLAN_TENANT_H
#include "generator/site.h"

/* Reads the tenant's folder: config, documents, its own templates over its theme.
 * False: without the config there is no site; reported.  s->theme may be NULL, reported
 * too: then there is nothing to plan.  Whatever it returns, end with site_dispose. */
bool site_open(
    struct site *s, const struct build *b, const char *id, struct diag_list *diags);
/* Reads the content.  False: errors were reported; go on to report those of the plan.
 */
bool site_read(struct site *s);
/* Prepares the view and plans every output.  False: errors were reported. */
bool site_plan(struct site *s);
void site_dispose(struct site *s);
#endif

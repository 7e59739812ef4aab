/* The folder Tenantry works on: tenantry.json, tenants/, content/, templates/. */
#ifndef MODEL_WORKSPACE_H
#define MODEL_WORKSPACE_H
#include <stdbool.h>
#include "base/arena.h"
#include "base/diag.h"
#include "base/file.h"
#include "base/json.h"

struct workspace {
    struct arena arena;
    struct root dir, tenants, content, templates;
    const char **ids; /* tenant folders in byte order: every folder of tenants/ whose
                         name does not begin with . or _ */
    size_t n_ids;
    const char *default_tenant; /* tenantry.json's defaultTenant, else ids[0]; NULL when
                                   there are no tenants */
    bool trust_html;            /* "trustEditors": true: raw HTML in Markdown is kept */
    const char **external_paths; /* "externalPaths": prefixes that belong to an
                                    application on the same domain */
    size_t n_external_paths;
    json_t *price_names; /* "stripePriceNames": plan id -> the environment variable that
                            holds its price's id at Stripe; NULL: none.  Owned */
    bool unclear; /* some folder could not be taken for a tenant: no site may be called
                     left over */
};
/* Opens DIR (workspace names in diagnostics are relative to it) and, when templates is
 * not NULL, that folder instead of DIR/templates. Unknown keys of tenantry.json warn
 * with a suggestion. A tenant folder with a bad name (see tenant_id_valid) is an error
 * that concerns this tenant alone.  False: nobody's site can be made, which was
 * reported; the folders that could be opened are. */
bool workspace_open(struct workspace *w, const char *dir, const char *templates,
    struct diag_list *diags);
void workspace_close(struct workspace *w);
#endif

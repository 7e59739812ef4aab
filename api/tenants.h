/* The tenants of the workspace as the API knows them: hosts and configs.  Made anew as
 * a whole (reload); a request keeps the set it began with. */
#ifndef API_TENANTS_H
#define API_TENANTS_H
#include "base/diag.h"
#include "base/map.h"
#include "model/hosts.h"
#include "model/tenant.h"

struct api_tenant {
    const char *slug; /* the folder */
    char uuid[37];    /* of its row in the database; "": it has none */
    char status[16];  /* of that row: active, pending, suspended, closed; "": no row */
    struct tenant config;
    size_t index; /* in tenants.items */
};
struct tenants {
    unsigned references;
    struct api_tenant *items; /* by slug, in byte order */
    size_t n;
    struct hosts hosts;
    const struct api_tenant *lender; /* the default tenant; NULL: none */
    json_t *price_names;             /* as in struct workspace; owned */
};
/* Reads the workspace at `dir`.  A tenant whose config has errors is left out
 * (reported); NULL: the workspace itself cannot be used.  One reference is the
 * caller's. */
struct tenants *tenants_open(const char *dir, struct diag_list *diags);
struct tenants *tenants_keep(struct tenants *t);
void tenants_drop(struct tenants *t); /* NULL is allowed */
/* Whose host this is; NULL: nobody's. */
struct api_tenant *tenants_find(struct tenants *t, struct str host);
struct api_tenant *tenants_named(struct tenants *t, struct str slug);
#endif

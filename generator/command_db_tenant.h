/* tenantry db tenant new|list|suspend|resume|close */
#ifndef GENERATOR_COMMAND_DB_TENANT_H
#define GENERATOR_COMMAND_DB_TENANT_H
#include "generator/database.h"

struct tenant_request {
    const struct options *options;
    const char *what, *id;    /* the words of the command line; NULL: not there */
    const char *name, *owner; /* NULL: not given */
    bool free;
    const char *days; /* of grace; NULL: none */
};
/* False: reported, as usage. */
bool command_db_tenant_fits(const struct tenant_request *r, struct diag_list *diags);
/* Does it and says so; false: reported. */
bool command_db_tenant(const struct tenant_request *r, struct database *d);
#endif

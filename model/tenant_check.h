/* config.json held against the table.  Private to tenant*.c. */
#ifndef MODEL_TENANT_CHECK_H
#define MODEL_TENANT_CHECK_H
#include "model/tenant.h"

/* Reports everything that is wrong with t->config, in the order of the file.  What may
 * not reach a template (secrets, reserved keys) is taken out of it and former names
 * become today's.  False: there were errors. */
bool tenant_check(struct tenant *t, struct diag_list *diags);
/* "acme.example" of "https://Acme.example/"; NULL when there is no host name. */
const char *tenant_url_host(struct arena *a, const char *url);
#endif

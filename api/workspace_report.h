/* Reading the workspace, and saying what is wrong with it. */
#ifndef API_WORKSPACE_REPORT_H
#define API_WORKSPACE_REPORT_H
#include "api/tenants.h"

/* tenants_open with its errors on stderr; NULL as there, when a variable for Stripe has
 * two meanings, and, with `strict`, when there is any error. */
struct tenants *workspace_read(const char *dir, bool strict);
#endif

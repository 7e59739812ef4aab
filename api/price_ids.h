/* Which price at Stripe stands for a plan, when the database does not say: names of
 * environment variables. */
#ifndef API_PRICE_IDS_H
#define API_PRICE_IDS_H
#include "base/arena.h"
#include "base/json.h"

/* As a part of a variable's name: upper case, with _ for all but letters and digits. */
char *price_id_upper(struct arena *a, const char *text);
/* The value of the first of these that is set: STRIPE_<TENANT>_<PLAN>_PRICE_ID,
 * STRIPE_<PLAN>_PRICE_ID, the variable that `names` (tenantry.json's stripePriceNames;
 * NULL: none) gives the plan.  NULL: none is. */
const char *price_id_find(
    struct arena *a, const char *tenant, const char *plan, const json_t *names);
#endif

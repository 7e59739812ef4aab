/* Variables for Stripe that stand for two things at once: written in upper case with _,
 * the tenants "a-b" and "a_b" are one name, and so are the plan "b-c" of the tenant "a"
 * and the plan "c" of the tenant "a-b". */
#ifndef API_STRIPE_NAMES_H
#define API_STRIPE_NAMES_H
#include "api/tenants.h"

/* Whether each variable that is set has one meaning; what has two is an error. */
bool stripe_names_check(const struct tenants *t, struct diag_list *diags);
#endif

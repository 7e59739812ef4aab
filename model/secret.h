/* What must never stand in a published file: Stripe's price ids and keys. */
#ifndef MODEL_SECRET_H
#define MODEL_SECRET_H
#include <stdbool.h>
#include "base/json.h"

/* A key that holds a price id: priceId, stripe_price_id, monthlyStripePriceIds ... */
bool secret_key(const char *key);
/* The whole is price_ and 8 or more letters or digits, or an id of Stripe's or a secret
 * (sk_live_..., whsec_...) stands somewhere inside. */
bool secret_text(struct str s);
/* A deep copy without such keys and texts (lists lose the element).  New reference;
 * NULL when the value itself is one. */
json_t *secret_strip(const json_t *value);
#endif

/* Which plans a tenant shows and how a price reads.  Shared by the static pricing page
 * and the API. */
#ifndef MODEL_PRICING_H
#define MODEL_PRICING_H
#include "base/arena.h"
#include "base/json.h"

/* The pricing section that applies: own when present, else the default tenant's, whole;
 * NULL when neither has one. Borrowed. *inherited tells which. */
json_t *pricing_source(
    const json_t *own_config, const json_t *default_config, bool *inherited);
/* The pricing section of a tenant whose database has plans: they and their currency
 * replace those of its own config; the rest of the section stays.  New reference;
 * `plans` is shared. */
json_t *pricing_of_rows(const json_t *own_config, const char *currency, json_t *plans);
/* Prepared for display: the section's own keys plus `inherited`, `currency` (ISO code,
 * upper case) and for each plan: price_text ("$19", "$19.50", "Free" when 0),
 * price_amount ("19.00", for JSON-LD), free, buyable (not free, not comingSoon),
 * credits_text ("1,000"), bonus_text, has_bonus, total_credits_text, highlight and
 * comingSoon always present, features always a list, first, last, index (1-based), id.
 * Keys ending in Stripe price ids never occur: anything that looks like price_... is
 * dropped.  New reference; NULL source gives NULL. */
json_t *pricing_view(json_t *source, bool inherited);
/* The promotions that run ([{name, headline, overrides, endsAt}], the later one wins),
 * on the plans of a pricing_view: overrides["*"], then overrides[id of the plan], may
 * set price, credits and bonus.  Every plan gets basePrice; where something is another
 * number now, promotion {name, headline, endsAt}. */
void pricing_promote(json_t *view, const json_t *promotions);
/* "$1,234.50", "€9", "¥900", "CHF 12": the currency's minor digits only when not zero.
 */
char *pricing_format(struct arena *a, double amount, const char *currency);
#endif

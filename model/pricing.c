#include "model/pricing.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "model/currency.h"
#include "model/secret.h"

static const char default_currency[] = "USD";

json_t *pricing_source(
    const json_t *own_config, const json_t *default_config, bool *inherited) {
    json_t *own = json_object_get(own_config, "pricing");
    *inherited = !json_is_object(own);
    if (!*inherited) return own;
    json_t *lent = json_object_get(default_config, "pricing");
    *inherited = json_is_object(lent);
    return *inherited ? lent : NULL;
}

/* 1234567 -> "1,234,567" */
static const char *grouped(char out[32], unsigned long long n) {
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%llu", n);
    size_t at = 0;
    for (int i = 0; i < len; i++) {
        if (i && (len - i) % 3 == 0) out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = '\0';
    return out;
}

/* An amount in whole minor units. */
struct money {
    bool negative;
    unsigned long long major, minor;
    int digits;
};

static struct money money_split(double amount, int digits) {
    static const double limit = 1e15; /* a double still counts cents exactly enough */
    unsigned long long scale = 1;
    for (int i = 0; i < digits; i++) scale *= 10;
    double size = isfinite(amount) ? fmin(fabs(amount), limit) : 0;
    unsigned long long minor = (unsigned long long)llround(size * (double)scale);
    bool negative = amount < 0 && minor;
    return (struct money){negative, minor / scale, minor % scale, digits};
}

static const struct currency *currency_of(const char *code) {
    return currency_find(str_from(code));
}

char *pricing_format(struct arena *a, double amount, const char *currency) {
    const struct currency *c = currency_of(currency);
    struct money m = money_split(amount, c ? c->digits : 2);
    char major[32], minor[16] = "", code[16];
    snprintf(code, sizeof code, "%.8s ", c ? c->code : currency);
    if (m.minor) snprintf(minor, sizeof minor, ".%0*llu", m.digits, m.minor);
    return arena_printf(a, "%s%s%s%s", m.negative ? "-" : "",
        c && c->symbol ? c->symbol : code, grouped(major, m.major), minor);
}

/* "19.00": for machines, always with the currency's minor digits. */
static void set_amount(json_t *plan, double price, const char *currency) {
    const struct currency *c = currency_of(currency);
    struct money m = money_split(price, c ? c->digits : 2);
    char text[48];
    int n = snprintf(text, sizeof text, "%s%llu", m.negative ? "-" : "", m.major);
    if (m.digits)
        snprintf(text + n, sizeof text - (size_t)n, ".%0*llu", m.digits, m.minor);
    json_set_str(plan, "price_amount", text);
}

static double number_of(const json_t *plan, const char *key) {
    double n = json_number_value(json_object_get(plan, key));
    return n > 0 && n <= 1e15 ? n : 0;
}

static void set_count(json_t *plan, const char *key, double n) {
    char text[32];
    json_set_str(plan, key, grouped(text, (unsigned long long)llround(n)));
}

static void prepare_credits(json_t *plan) {
    double credits = number_of(plan, "credits"), bonus = number_of(plan, "bonus");
    set_count(plan, "credits_text", credits);
    set_count(plan, "bonus_text", bonus);
    set_count(plan, "total_credits_text", credits + bonus);
    json_set_bool(plan, "has_bonus", bonus > 0);
}

static void prepare_price(json_t *plan, const char *currency, struct arena *a) {
    double price = number_of(plan, "price");
    bool free = !(price > 0), soon = json_truthy(json_object_get(plan, "comingSoon"));
    json_set_str(
        plan, "price_text", free ? "Free" : pricing_format(a, price, currency));
    set_amount(plan, price, currency);
    json_set_bool(plan, "free", free);
    json_set_bool(plan, "buyable", !free && !soon);
    json_set_bool(plan, "comingSoon", soon);
}

static void prepare_plans(json_t *plans, const char *currency) {
    struct arena a;
    arena_init(&a);
    size_t n = json_array_size(plans);
    for (size_t i = 0; i < n; i++) {
        json_t *plan = json_array_get(plans, i);
        if (!json_string_value(json_object_get(plan, "id")))
            json_set_str(plan, "id", "");
        prepare_price(plan, currency, &a);
        prepare_credits(plan);
        json_set_bool(
            plan, "highlight", json_truthy(json_object_get(plan, "highlight")));
        if (!json_is_array(json_object_get(plan, "features")))
            json_object_set_new(plan, "features", json_array());
        json_set_bool(plan, "first", i == 0);
        json_set_bool(plan, "last", i + 1 == n);
        json_set_int(plan, "index", (json_int_t)i + 1);
    }
    arena_dispose(&a);
}

/* Only what is a plan: the section may come from a database row. */
static json_t *plans_of(const json_t *view) {
    json_t *plans = json_array(), *given = json_object_get(view, "plans");
    for (size_t i = 0; i < json_array_size(given); i++) {
        json_t *plan = json_array_get(given, i);
        if (json_is_object(plan)) json_array_append(plans, plan);
    }
    return plans;
}

json_t *pricing_view(json_t *source, bool inherited) {
    if (!json_is_object(source)) return NULL;
    json_t *view = secret_strip(source);
    const char *given = json_string_value(json_object_get(view, "currency"));
    const struct currency *c = currency_of(given ? given : default_currency);
    const char *code = c ? c->code : default_currency;
    json_set_str(view, "currency", code);
    json_set_bool(view, "inherited", inherited);
    json_t *plans = plans_of(view);
    prepare_plans(plans, code);
    json_object_set_new(view, "plans", plans);
    return view;
}

json_t *pricing_of_rows(const json_t *own_config, const char *currency, json_t *plans) {
    json_t *own = json_object_get(own_config, "pricing");
    json_t *section = json_is_object(own) ? json_copy(own) : json_object();
    json_set_str(section, "currency", currency);
    json_share(section, "plans", plans);
    return section;
}

/* ---- promotions ---- */

/* Whether the override changes a number of the plan. */
static bool override(json_t *plan, const json_t *values) {
    static const char *const keys[] = {"price", "credits", "bonus"};
    bool changed = false;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        json_t *given = json_object_get(values, keys[i]);
        double is = json_number_value(json_object_get(plan, keys[i]));
        double n = json_number_value(given);
        if (!json_is_number(given) || !(n >= 0 && n <= 1e15) || n == is) continue;
        json_object_set(plan, keys[i], given);
        changed = true;
    }
    return changed;
}

static void promote(json_t *plan, const json_t *promotion) {
    static const char *const told[] = {"name", "headline", "endsAt"};
    const json_t *overrides = json_object_get(promotion, "overrides");
    const char *id = json_string_value(json_object_get(plan, "id"));
    bool changed = override(plan, json_object_get(overrides, "*"));
    if (id) changed |= override(plan, json_object_get(overrides, id));
    if (!changed) return;
    json_t *shown = json_object();
    for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
        json_t *v = json_object_get(promotion, told[i]);
        if (v) json_object_set_new(shown, told[i], secret_strip(v));
    }
    json_object_set_new(plan, "promotion", shown);
}

void pricing_promote(json_t *view, const json_t *promotions) {
    const char *currency = json_string_value(json_object_get(view, "currency"));
    json_t *plans = json_object_get(view, "plans"), *plan, *promotion;
    struct arena a;
    size_t i, k;
    arena_init(&a);
    json_array_foreach(plans, i, plan) {
        json_t *price = json_object_get(plan, "price");
        json_object_set_new(
            plan, "basePrice", price ? json_copy(price) : json_integer(0));
        json_array_foreach(promotions, k, promotion) promote(plan, promotion);
        prepare_price(plan, currency, &a);
        prepare_credits(plan);
    }
    arena_dispose(&a);
}

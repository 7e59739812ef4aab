/* GET /api/pricing/config and /api/plans: what this tenant's plans cost now.
 *
 * The section is what the pricing page is made of: the plans of the database over those
 * of the tenant's config over the default tenant's config.  Promotions come on top. */
#include <string.h>

#include "api/handle.h"
#include "api/snapshot.h"
#include "model/pricing.h"
#include "model/secret.h"

static const struct snapshot_windows windows = {.max_age = 60,
    .s_maxage = 300,
    .stale_while_revalidate = 86400,
    .stale_if_error = 86400};

/* ---- the rows ---- */

/* {"plans", "promotions", "seconds"} of public_pricing(); NULL: there is no row. */
static json_t *rows_read(struct call *c, const char *text) {
    struct diag_list diags;
    if (!text) return NULL;
    diag_init(&diags);
    json_t *rows = json_parse(str_from(text), c->tenant->slug, &diags);
    diag_dispose(&diags);
    return rows;
}

static json_t *section_of_rows(const struct call *c, const json_t *rows) {
    json_t *list = json_object_get(rows, "plans"), *row;
    json_t *first = json_array_get(list, 0), *plans = json_array();
    size_t i;
    json_array_foreach(list, i, row) {
        json_array_append(plans, json_object_get(row, "plan"));
    }
    json_t *section = pricing_of_rows(c->tenant->config.config,
        json_string_value(json_object_get(first, "currency")), plans);
    json_decref(plans);
    return section;
}

/* As the page shows it.  New reference; NULL: the tenant has no prices at all. */
static json_t *view_of(const struct call *c, const json_t *rows) {
    const struct api_tenant *lender = c->tenants->lender;
    bool inherited = false;
    if (json_array_size(json_object_get(rows, "plans"))) {
        json_t *section = section_of_rows(c, rows);
        json_t *view = pricing_view(section, false);
        json_decref(section);
        return view;
    }
    json_t *section = pricing_source(
        c->tenant->config.config, lender ? lender->config.config : NULL, &inherited);
    return pricing_view(section, inherited);
}

/* ---- what is shown ---- */

static void share(json_t *to, const char *key, const json_t *from, const char *name) {
    json_t *v = json_object_get(from, name);
    if (v) json_object_set(to, key, v);
}

static void keep_base_text(json_t *plans) {
    json_t *plan;
    size_t i;
    json_array_foreach(plans, i, plan) {
        share(plan, "base_price_text", plan, "price_text");
    }
}

/* What config.json may say in public of each plan, and what a promotion makes of it. */
static void add_prices(json_t *public, const json_t *view) {
    json_t *plans = json_object_get(view, "plans"), *plan;
    size_t i;
    json_array_foreach(json_object_get(public, "plans"), i, plan) {
        const json_t *from = json_array_get(plans, i);
        share(plan, "priceText", from, "price_text");
        share(plan, "basePrice", from, "basePrice");
        share(plan, "basePriceText", from, "base_price_text");
        share(plan, "promotion", from, "promotion");
        share(plan, "interval", from, "interval");
    }
}

static json_t *public_of(const struct call *c, const json_t *view) {
    json_t *config = tenant_public(&c->tenant->config, view);
    json_t *pricing = json_incref(json_object_get(config, "pricing"));
    json_decref(config);
    add_prices(pricing, view);
    share(pricing, "inherited", view, "inherited");
    return pricing;
}

/* New reference; NULL: no prices. */
static json_t *pricing_of(struct call *c, const json_t *rows) {
    json_t *view = view_of(c, rows);
    if (!view) return NULL;
    keep_base_text(json_object_get(view, "plans"));
    pricing_promote(view, json_object_get(rows, "promotions"));
    json_t *pricing = public_of(c, view);
    json_decref(view);
    return pricing;
}

static json_t *limits_of(const json_t *rows, const char *id) {
    json_t *row;
    size_t i;
    json_array_foreach(json_object_get(rows, "plans"), i, row) {
        const char *key = json_path_string(row, "plan.id");
        if (key && id && !strcmp(key, id))
            return secret_strip(json_object_get(row, "limits"));
    }
    return json_object();
}

/* {"currency", "plans"}: the plans alone, with their limits. */
static json_t *plans_of(struct call *c, const json_t *rows) {
    json_t *pricing = pricing_of(c, rows), *plans, *plan, *out = json_object();
    size_t i;
    share(out, "currency", pricing, "currency");
    share(out, "inherited", pricing, "inherited");
    plans = json_object_get(pricing, "plans");
    json_array_foreach(plans, i, plan) {
        const char *id = json_string_value(json_object_get(plan, "id"));
        json_object_set_new(plan, "limits", limits_of(rows, id));
    }
    json_object_set_new(out, "plans", plans ? json_incref(plans) : json_array());
    json_decref(pricing);
    return out;
}

/* ---- answering ---- */

static void answer(struct call *c, const char *text) {
    json_t *(*make)(struct call * c, const json_t *rows) = pricing_of;
    if (snapshot_handler(c)) make = plans_of;
    json_t *rows = rows_read(c, text), *made = make(c, rows);
    json_t *seconds = json_object_get(rows, "seconds");
    double left = json_is_number(seconds) ? json_number_value(seconds) : -1;
    struct buf b;
    if (!made) {
        snapshot_problem(c, 404, "this tenant has no prices");
    } else {
        buf_init(&b, 0);
        json_write(&b, made, 0);
        snapshot_fill(c, buf_view(&b), json_is_number(seconds) && left < 0 ? 0 : left);
        buf_dispose(&b);
    }
    json_decref(made);
    json_decref(rows);
}

static void asked(struct call *c, const struct pool_answer *a) {
    answer(c, call_value(a));
}

/* Without a row, the configs are all there is to ask. */
static void ask(struct call *c) {
    if (c->server->pool && *c->tenant->uuid)
        snapshot_ask(c, "select tenantry.public_pricing()", NULL, 0, asked);
    else
        answer(c, NULL);
}

static void pricing(struct call *c, void *plans_alone) {
    if (c->server->pool && !c->server->listed) {
        call_problem(c, 503, "the database does not answer; try again");
        return;
    }
    snapshot_answer(c, &(struct snapshot_question){
                           .windows = &windows, .ask = ask, .handler = plans_alone});
}

void handle_pricing(struct call *c) {
    pricing(c, NULL);
}

void handle_plans(struct call *c) {
    pricing(c, c);
}

/* What has been bought: looking at it, and changing it, at Stripe.
 *
 * Nothing is changed here: Stripe is asked, and what it makes of it comes as events. */
#include <string.h>

#include "api/handle.h"
#include "api/price_ids.h"
#include "api/stripe.h"
#include "api/stripe_client.h"

#define WEBHOOK "tenantry_webhook"
#define STRIPE_SECONDS 20
#define STRIPE_ATTEMPTS 4
#define TEXT_MAX 200

struct billing {
    bool tenant;      /* what the tenant pays, not whoever asks */
    const char *plan; /* wanted; NULL: none */
    const char *subscription, *price;
    const char *form; /* what is to be changed besides */
};

/* ---- answers ---- */

static void refused(struct call *c, const struct stripe_answer *a) {
    bool busy = a->status == 409 || a->status == 429;
    if (!a->status)
        call_problem(c, 504,
            "the payment provider does not answer; look whether it "
            "was done before you try again");
    else if (a->status == 402)
        call_problem(c, 402, "the payment failed; nothing was changed");
    else
        call_problem(c, busy ? 503 : 502, "%s",
            busy ? "the payment provider is busy; try again in a moment"
                 : "the payment provider refused; nothing was changed");
}

/* ---- what is asked for ---- */

static const char *sent_text(struct call *c, const char *name) {
    const char *value = json_string_value(json_object_get(c->sent, name));
    return value ? arena_strdup(&c->request->arena, value) : NULL;
}

/* NULL: answered. */
static struct billing *read_wish(struct call *c) {
    struct billing *b = c->handler = arena_alloc(&c->request->arena, sizeof *b);
    if (call_body(c).len && !call_json(c)) return NULL;
    const char *payer = sent_text(c, "payer");
    b->plan = sent_text(c, "planId");
    b->tenant = payer && !strcmp(payer, "tenant");
    if (payer && !b->tenant && strcmp(payer, "self") != 0)
        call_problem(c, 422, "payer must be tenant or self");
    else if (b->tenant && c->principal.rank < RANK_OWNER)
        call_problem(c, 403, "this is for owners");
    else
        return b;
    return NULL;
}

static void ask_database(struct call *c, const char *sql, const char *const *values,
    int n, void (*done)(struct call *c, const struct pool_answer *a)) {
    call_ask(c, &(struct call_question){.role = WEBHOOK,
                    .sql = sql,
                    .values = values,
                    .n_values = n,
                    .done = done});
}

static void ask_stripe(struct call *c, const char *path, struct str form,
    void (*done)(struct call *c, const struct stripe_answer *a)) {
    const struct billing *b = c->handler;
    stripe_ask(c,
        &(struct stripe_request){.path = path,
            .form = form,
            .key = form.len ? arena_printf(&c->request->arena, "billing-%s",
                                  server_next_id(c->server, &c->request->arena))
                            : NULL,
            .operators = b->tenant,
            .seconds = STRIPE_SECONDS,
            .attempts = STRIPE_ATTEMPTS},
        done);
}

/* ---- GET /api/billing ---- */

static void shown(struct call *c, const struct pool_answer *a) {
    call_header(c, "Cache-Control", "private, no-store");
    call_reply_json(c, 200, str_from(call_value(a)));
}

void handle_billing(struct call *c) {
    const char *const values[] = {c->principal.rank >= RANK_OWNER ? "true" : "false"};
    ask_database(c, "select tenantry.billing_show($1)", values, 1, shown);
}

/* ---- the portal ---- */

static void portal_made(struct call *c, const struct stripe_answer *a) {
    const char *url = json_path_string(a->json, "url");
    if (stripe_customer_gone(a)) {
        call_problem(c, 404, "the payment provider keeps nothing of this any more");
        return;
    }
    if (a->status != 200 || !url) {
        refused(c, a);
        return;
    }
    json_t *v = json_object();
    json_set_str(v, "url", url);
    call_reply_value(c, v);
    json_decref(v);
}

static void customer_found(struct call *c, const struct pool_answer *a) {
    struct buf form;
    buf_init(&form, 0);
    stripe_field(&form, "customer", call_value(a));
    stripe_field(&form, "return_url",
        arena_printf(&c->request->arena, "%s/", c->tenant->config.url));
    ask_stripe(c, "/v1/billing_portal/sessions", buf_view(&form), portal_made);
    buf_dispose(&form);
}

void handle_portal(struct call *c) {
    const struct billing *b = read_wish(c);
    if (!b) return;
    const char *const values[] = {b->tenant ? "true" : "false"};
    ask_database(c, "select tenantry.billing_customer($1)", values, 1, customer_found);
}

/* ---- changing the subscription ---- */

static void changed(struct call *c, const struct stripe_answer *a) {
    const char *status = json_path_string(a->json, "status");
    if (a->status != 200 || !status) {
        refused(c, a);
        return;
    }
    json_t *v = json_object();
    json_set_str(v, "status", status);
    json_set_bool(v, "cancelAtPeriodEnd",
        json_is_true(json_object_get(a->json, "cancel_at_period_end")));
    call_reply_value(c, v);
    json_decref(v);
}

static void change(struct call *c, struct str form) {
    const struct billing *b = c->handler;
    ask_stripe(c,
        arena_printf(&c->request->arena, "/v1/subscriptions/%s", b->subscription), form,
        changed);
}

/* The item that has the old price gets the new one; the metadata name the plan where
 * nobody knows the price. */
static void item_found(struct call *c, const struct stripe_answer *a) {
    const struct billing *b = c->handler;
    const json_t *items = json_object_get(json_object_get(a->json, "items"), "data");
    const char *item = json_path_string(json_array_get(items, 0), "id");
    struct buf form;
    if (a->status != 200 || !item) {
        refused(c, a);
        return;
    }
    buf_init(&form, 0);
    stripe_field(&form, "items[0][id]", item);
    stripe_field(&form, "items[0][price]", b->price);
    stripe_field(&form, "metadata[planId]", b->plan);
    stripe_field(&form, "cancel_at_period_end", "false");
    stripe_field(&form, "proration_behavior", "create_prorations");
    stripe_field(&form, "payment_behavior", "error_if_incomplete");
    change(c, buf_view(&form));
    buf_dispose(&form);
}

static void subscription_found(struct call *c, const struct pool_answer *a) {
    struct billing *b = c->handler;
    json_t *v = json_loads(call_value(a), 0, NULL);
    const char *price = json_path_string(v, "price");
    b->subscription =
        arena_strdup(&c->request->arena, json_path_string(v, "subscription"));
    b->price = price ? arena_strdup(&c->request->arena, price) : NULL;
    json_decref(v);
    if (b->form)
        change(c, str_from(b->form));
    else
        ask_stripe(c,
            arena_printf(&c->request->arena, "/v1/subscriptions/%s", b->subscription),
            STR(""), item_found);
}

/* Finds the subscription; with a plan, what it costs. */
static void find_subscription(struct call *c, const char *plan) {
    const struct billing *b = c->handler;
    struct arena *a = &c->request->arena;
    const char *const values[] = {b->tenant ? "true" : "false", plan,
        plan ? tenants_plan(c->tenants, c->tenant, plan, a) : NULL,
        plan ? price_id_find(a, c->tenant->slug, plan, c->tenants->price_names) : NULL};
    ask_database(c, "select tenantry.billing_change($1, $2, $3::text::jsonb, $4)",
        values, 4, subscription_found);
}

void handle_change_plan(struct call *c) {
    const struct billing *b = read_wish(c);
    if (!b) return;
    if (!b->plan || !*b->plan || strlen(b->plan) > TEXT_MAX)
        call_problem(c, 422, "planId must name a plan");
    else
        find_subscription(c, b->plan);
}

static void set_ending(struct call *c, const char *form) {
    struct billing *b = read_wish(c);
    if (!b) return;
    b->form = form;
    find_subscription(c, NULL);
}

void handle_cancel(struct call *c) {
    set_ending(c, "cancel_at_period_end=true");
}

void handle_resume(struct call *c) {
    set_ending(c, "cancel_at_period_end=false");
}

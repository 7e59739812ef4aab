/* POST /api/webhooks/stripe: what Stripe says has happened.  200 means that it is
 * committed; everything else makes Stripe say it again. */
#include <string.h>
#include <time.h>

#include "api/handle.h"
#include "api/price_ids.h"
#include "api/stripe.h"
#include "model/pricing.h"

#define JSON "application/json; charset=utf-8"

static void refuse(struct call *c, int status, const char *why) {
    struct buf text;
    buf_init(&text, 0);
    buf_cstr(&text, "{\"error\":\"");
    buf_json(&text, str_from(why), true);
    buf_cstr(&text, "\"}");
    if (status == 503) call_header(c, "Retry-After", "1");
    call_reply(c, status, JSON, buf_view(&text));
    buf_dispose(&text);
}

/* The event belongs to the call; false: it is none. */
static bool read_event(struct call *c) {
    struct diag_list diags;
    diag_init(&diags);
    c->sent = json_parse(call_body(c), "event", &diags);
    diag_dispose(&diags);
    return json_is_object(c->sent);
}

/* Whether it says to be about what the tenant itself pays. */
static bool is_about_tenant(const json_t *event) {
    static const char *const paths[] = {"data.object.metadata.payer",
        "data.object.parent.subscription_details.metadata.payer",
        "data.object.subscription_details.metadata.payer"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        const char *payer = json_path_string(event, paths[i]);
        if (payer && !strcmp(payer, "tenant")) return true;
    }
    return false;
}

/* Whose account says so; the operator's is heard of what tenants pay themselves even
 * where the tenant sells by an account of its own. */
enum account { ACCOUNT_NONE, ACCOUNT_TENANT, ACCOUNT_OPERATOR };

static enum account account_of(
    struct call *c, const char *header, const char *own, const char *shared) {
    long now = (long)time(NULL);
    struct str body = call_body(c);
    if (own && stripe_signed(header, body, str_from(own), now)) return ACCOUNT_TENANT;
    if (!shared || !stripe_signed(header, body, str_from(shared), now))
        return ACCOUNT_NONE;
    return !own || is_about_tenant(c->sent) ? ACCOUNT_OPERATOR : ACCOUNT_NONE;
}

static void add_known(struct call *c, json_t *known, const json_t *plans) {
    size_t i;
    json_t *plan;
    json_array_foreach((json_t *)plans, i, plan) {
        const char *id = json_path_string(plan, "id");
        const char *price = id ? price_id_find(&c->request->arena, c->tenant->slug, id,
                                     c->tenants->price_names)
                               : NULL;
        if (price) json_set_str(known, price, id);
    }
}

/* price at Stripe -> plan, as far as the environment names prices. */
static char *known_prices(struct call *c) {
    const struct api_tenant *lender = c->tenants->lender;
    bool inherited;
    json_t *known = json_object();
    const json_t *source = pricing_source(
        c->tenant->config.config, lender ? lender->config.config : NULL, &inherited);
    add_known(c, known, json_object_get(source, "plans"));
    add_known(c, known, c->tenants->tenant_plans);
    struct buf text;
    buf_init(&text, 0);
    json_write(&text, known, 0);
    char *out = arena_str(&c->request->arena, buf_view(&text));
    buf_dispose(&text);
    json_decref(known);
    return out;
}

static void taken(struct call *c, const struct pool_answer *a) {
    const char *said = call_value(a);
    if (said && strstr(said, "foreign")) c->note = "an event of somebody else";
    call_reply(c, 200, JSON, STR("{\"received\":true}"));
}

static void not_taken(struct call *c, const struct pool_answer *a) {
    const char *detail;
    int status = a->outcome == POOL_REFUSED ? call_failure(a, &detail) : 503;
    refuse(c, status, status < 500 ? detail : "not taken; say it again");
}

void handle_stripe_event(struct call *c) {
    struct arena *a = &c->request->arena;
    const char *header = http_header(c->request, "Stripe-Signature");
    const char *own = stripe_secret_own(a, "WEBHOOK_SECRET", c->tenant->slug);
    const char *shared = stripe_secret(a, "STRIPE_WEBHOOK_SECRET");
    if (!own && !shared) {
        refuse(c, 503, "no secret is set for events");
        return;
    }
    bool readable = read_event(c);
    enum account account = account_of(c, header, own, shared);
    if (!account) {
        refuse(c, 400, "Invalid signature");
        return;
    }
    if (!readable) {
        refuse(c, 400, "this is not an event");
        return;
    }
    const char *const values[] = {arena_str(a, call_body(c)), known_prices(c),
        account == ACCOUNT_OPERATOR ? "true" : "false"};
    call_ask(c,
        &(struct call_question){.role = "tenantry_webhook",
            .writes = true,
            .sql = "select tenantry.stripe_event($1::text::jsonb, $2::text::jsonb, $3)",
            .values = values,
            .n_values = 3,
            .done = taken,
            .failed = not_taken});
}

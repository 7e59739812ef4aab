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

static bool is_event(struct str body) {
    struct diag_list diags;
    diag_init(&diags);
    json_t *v = json_parse(body, "event", &diags);
    bool is = json_is_object(v);
    json_decref(v);
    diag_dispose(&diags);
    return is;
}

/* price at Stripe -> plan, as far as the environment names prices. */
static char *known_prices(struct call *c) {
    const struct api_tenant *lender = c->tenants->lender;
    bool inherited;
    size_t i;
    json_t *plan, *known = json_object();
    const json_t *source = pricing_source(
        c->tenant->config.config, lender ? lender->config.config : NULL, &inherited);
    json_array_foreach(json_object_get(source, "plans"), i, plan) {
        const char *id = json_path_string(plan, "id");
        const char *price = id ? price_id_find(&c->request->arena, c->tenant->slug, id,
                                     c->tenants->price_names)
                               : NULL;
        if (price) json_set_str(known, price, id);
    }
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
    struct str body = call_body(c);
    const char *header = http_header(c->request, "Stripe-Signature");
    const char *secrets = stripe_secret_of(a, "WEBHOOK_SECRET", c->tenant->slug);
    if (!secrets) {
        refuse(c, 503, "no secret is set for events");
        return;
    }
    if (!stripe_signed(header, body, str_from(secrets), (long)time(NULL))) {
        refuse(c, 400, "Invalid signature");
        return;
    }
    if (!is_event(body)) {
        refuse(c, 400, "this is not an event");
        return;
    }
    const char *const values[] = {arena_str(a, body), known_prices(c)};
    call_ask(
        c, &(struct call_question){.role = "tenantry_webhook",
               .writes = true,
               .sql = "select tenantry.stripe_event($1::text::jsonb, $2::text::jsonb)",
               .values = values,
               .n_values = 2,
               .done = taken,
               .failed = not_taken});
}

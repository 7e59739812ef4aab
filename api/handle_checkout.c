/* POST /api/stripe/create-checkout-session, as JSON or as a plain form, what became of
 * it, and whose it is.
 *
 * The database decides whether the plan is for sale and finds the checkout that a
 * double click has begun already; all steps can be repeated: a session at Stripe costs
 * nothing until somebody pays on its page. */
#include <string.h>
#include <strings.h>

#include "api/form.h"
#include "api/handle.h"
#include "api/price_ids.h"
#include "api/stripe.h"
#include "api/stripe_client.h"

#define WEBHOOK "tenantry_webhook"
#define STRIPE_SECONDS 20
#define STRIPE_ATTEMPTS 4
#define TEXT_MAX 200

struct checkout {
    bool tenant; /* it is the tenant itself that pays, to the operator */
    bool form;   /* a browser without a script waits: it is sent on, with 303 */
    const char *plan, *attempt;
    const char *customer; /* at Stripe; NULL: a guest's is made there */
    const char *session, *url;
    bool again; /* with another customer, since Stripe did not know the first */
    int status; /* of the refusal */
    const char *why;
};

/* ---- answers ---- */

static void send_to(struct call *c, const char *where) {
    call_header(c, "Location", where);
    call_header(c, "Cache-Control", "no-store");
    call_reply(c, 303, "text/plain; charset=utf-8", STR(""));
}

static const char *site(const struct call *c, const char *path) {
    return arena_printf(&c->request->arena, "%s%s", c->tenant->config.url, path);
}

static void refuse(struct call *c, int status, const char *why) {
    const struct checkout *k = c->handler;
    if (k->form)
        send_to(c, site(c, "/pricing/#checkout-failed"));
    else
        call_problem(c, status, "%s", why);
}

static void not_asked(struct call *c, const struct pool_answer *a) {
    const char *detail;
    int status = call_failure(a, &detail);
    /* It may have been written; to ask once more finds it. */
    if (a->outcome == POOL_UNSURE) status = 503;
    refuse(c, status, detail);
}

static const char *begun(const struct call *c, const char *name) {
    return json_string_value(json_object_get(c->sent, name));
}

static void ask_database(struct call *c, const char *sql, const char *const *values,
    int n, void (*done)(struct call *c, const struct pool_answer *a)) {
    call_ask(c, &(struct call_question){.role = WEBHOOK,
                    .writes = true,
                    .sql = sql,
                    .values = values,
                    .n_values = n,
                    .done = done,
                    .failed = not_asked});
}

/* ---- a session at Stripe ---- */

static void answer_session(struct call *c, const struct pool_answer *a) {
    const struct checkout *k = c->handler;
    struct buf text;
    (void)a;
    if (k->form) {
        send_to(c, k->url);
        return;
    }
    buf_init(&text, 0);
    buf_cstr(&text, "{\"sessionId\":\"");
    buf_json(&text, str_from(k->session), true);
    buf_cstr(&text, "\",\"url\":\"");
    buf_json(&text, str_from(k->url), true);
    buf_cstr(&text, "\"}");
    call_header(c, "Cache-Control", "no-store");
    call_reply_json(c, 200, buf_view(&text));
    buf_dispose(&text);
}

static void give_up(struct call *c, const struct pool_answer *a) {
    const struct checkout *k = c->handler;
    (void)a;
    refuse(c, k->status, k->why);
}

/* What Stripe says against a request is for the operator, who finds its code in the
 * log. */
static void stripe_refused(struct call *c, const struct stripe_answer *a) {
    struct checkout *k = c->handler;
    bool busy = a->status == 409 || a->status == 429;
    k->status = !a->status ? 504 : a->status == 402 ? 402 : busy ? 503 : 502;
    k->why = !a->status ? "the payment provider does not answer; nothing was charged"
             : busy     ? "the payment provider is busy; try again in a moment"
                        : "the payment provider refused; nothing was charged";
    if (!a->status || busy) {
        give_up(c, NULL);
        return;
    }
    /* Stripe repeats what it said under this key, so the next attempt needs another. */
    const char *const values[] = {begun(c, "id")};
    ask_database(c, "select tenantry.checkout_failed($1)", values, 1, give_up);
}

static void begin(struct call *c);

static void begin_again(struct call *c, const struct pool_answer *a) {
    (void)a;
    begin(c);
}

static void session_made(struct call *c, const struct stripe_answer *a) {
    struct checkout *k = c->handler;
    const char *id = json_string_value(json_object_get(a->json, "id"));
    const char *url = json_string_value(json_object_get(a->json, "url"));
    if (k->customer && !k->again && stripe_customer_gone(a)) {
        k->again = true;
        ask_database(c, "select tenantry.checkout_customer_lost($1)", &k->customer, 1,
            begin_again);
        return;
    }
    if (a->status != 200 || !id || !url) {
        stripe_refused(c, a);
        return;
    }
    k->session = arena_strdup(&c->request->arena, id);
    k->url = arena_strdup(&c->request->arena, url);
    const char *const values[] = {begun(c, "id"), k->session};
    ask_database(c, "select tenantry.checkout_made($1, $2)", values, 2, answer_session);
}

static void add_metadata(struct call *c, struct buf *form, const char *under) {
    const struct checkout *k = c->handler;
    const struct {
        const char *name, *value;
    } list[] = {{"tenantId", begun(c, "tenant")},
        {"userId", k->tenant ? NULL : c->principal.user}, {"planId", k->plan},
        {"checkoutId", begun(c, "id")}, {"payer", k->tenant ? "tenant" : NULL}};
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        stripe_field(form,
            arena_printf(&c->request->arena, "%s[%s]", under, list[i].name),
            list[i].value);
}

/* As they are called by people, and by Stripe; which of them cannot be billed again and
 * again. */
static const struct method {
    const char *word, *stripe;
    bool once;
} methods[] = {{"card", "card", false}, {"ach", "us_bank_account", false},
    {"us_bank_account", "us_bank_account", false},
    {"afterpay", "afterpay_clearpay", true},
    {"afterpay_clearpay", "afterpay_clearpay", true}, {"affirm", "affirm", true},
    {"klarna", "klarna", false}, {"link", "link", false}, {"paypal", "paypal", false},
    {"cashapp", "cashapp", false}, {"amazon_pay", "amazon_pay", false},
    {"sepa_debit", "sepa_debit", false}, {"ideal", "ideal", false},
    {"bancontact", "bancontact", false}, {"bacs_debit", "bacs_debit", false}};
enum { N_METHODS = sizeof methods / sizeof *methods };

static void add_methods(struct call *c, struct buf *form, bool once) {
    size_t i, n = 0;
    const json_t *word;
    bool taken[N_METHODS] = {false};
    json_array_foreach(json_object_get(c->sent, "methods"), i, word) {
        const char *name = json_string_value(word);
        for (size_t m = 0; name && m < N_METHODS; m++) {
            if (strcmp(methods[m].word, name) || (methods[m].once && !once)) continue;
            for (size_t same = 0; same < N_METHODS; same++)
                if (taken[same] && !strcmp(methods[same].stripe, methods[m].stripe))
                    name = NULL;
            if (!name) break;
            taken[m] = true;
            stripe_field(form,
                arena_printf(&c->request->arena, "payment_method_types[%zu]", n++),
                methods[m].stripe);
        }
    }
    if (!n) stripe_field(form, "payment_method_types[0]", "card");
}

static void make_session(struct call *c) {
    const struct checkout *k = c->handler;
    const char *mode = begun(c, "mode");
    bool once = !strcmp(mode, "payment");
    struct buf form;
    buf_init(&form, 0);
    stripe_field(&form, "mode", mode);
    stripe_field(&form, "line_items[0][price]", begun(c, "price"));
    stripe_field(&form, "line_items[0][quantity]", "1");
    stripe_field(&form, "success_url",
        site(c, "/subscription-success/?session_id={CHECKOUT_SESSION_ID}"));
    stripe_field(&form, "cancel_url", site(c, "/pricing/#checkout-canceled"));
    stripe_field(&form, "client_reference_id", begun(c, "id"));
    stripe_field(&form, "customer", k->customer);
    if (!k->customer) stripe_field(&form, "customer_email", begun(c, "email"));
    stripe_field(&form, "discounts[0][coupon]", begun(c, "coupon"));
    add_methods(c, &form, once);
    add_metadata(c, &form, "metadata");
    add_metadata(c, &form,
        once ? "payment_intent_data[metadata]" : "subscription_data[metadata]");
    stripe_ask(c,
        &(struct stripe_request){.path = "/v1/checkout/sessions",
            .form = buf_view(&form),
            .key = begun(c, "key"),
            .operators = k->tenant,
            .seconds = STRIPE_SECONDS,
            .attempts = STRIPE_ATTEMPTS},
        session_made);
    buf_dispose(&form);
}

/* ---- a customer at Stripe: a member, or the tenant ---- */

static void customer_kept(struct call *c, const struct pool_answer *a) {
    struct checkout *k = c->handler;
    const char *customer = call_value(a);
    k->customer = customer ? arena_strdup(&c->request->arena, customer) : NULL;
    make_session(c);
}

static void customer_made(struct call *c, const struct stripe_answer *a) {
    const struct checkout *k = c->handler;
    const char *id = json_string_value(json_object_get(a->json, "id"));
    if (a->status != 200 || !id) {
        stripe_refused(c, a);
        return;
    }
    const char *const values[] = {k->tenant ? NULL : c->principal.user, id};
    ask_database(
        c, "select tenantry.checkout_customer($1, $2)", values, 2, customer_kept);
}

static void make_customer(struct call *c) {
    struct buf form;
    const struct checkout *k = c->handler;
    const char *name = begun(c, "name");
    buf_init(&form, 0);
    stripe_field(&form, "email", begun(c, "email"));
    stripe_field(&form, "name", name && *name ? name : NULL);
    stripe_field(&form, "metadata[tenantId]", begun(c, "tenant"));
    stripe_field(&form, "metadata[userId]", k->tenant ? NULL : c->principal.user);
    stripe_field(&form, "metadata[payer]", k->tenant ? "tenant" : NULL);
    stripe_ask(c,
        &(struct stripe_request){.path = "/v1/customers",
            .form = buf_view(&form),
            .key = begun(c, "customerKey"),
            .operators = k->tenant,
            .seconds = STRIPE_SECONDS / 2,
            .attempts = STRIPE_ATTEMPTS},
        customer_made);
    buf_dispose(&form);
}

/* ---- what is asked for ---- */

static bool is_form(const char *type) {
    static const char form[] = "application/x-www-form-urlencoded";
    return type && !strncasecmp(type, form, sizeof form - 1) &&
           strchr("; \t", type[sizeof form - 1]);
}

static void checkout_begun(struct call *c, const struct pool_answer *a) {
    struct checkout *k = c->handler;
    json_decref(c->sent);
    c->sent = json_loads(call_value(a), 0, NULL);
    const char *customer = begun(c, "customer");
    k->customer = customer ? arena_strdup(&c->request->arena, customer) : NULL;
    if (!customer && json_is_true(json_object_get(c->sent, "member")))
        make_customer(c);
    else
        make_session(c);
}

static void begin(struct call *c) {
    const struct checkout *k = c->handler;
    struct arena *a = &c->request->arena;
    if (!(k->tenant ? stripe_secret(a, "STRIPE_SECRET_KEY")
                    : stripe_secret_of(a, "SECRET_KEY", c->tenant->slug))) {
        refuse(c, 503, "nothing can be bought here yet");
        return;
    }
    const char *price =
        price_id_find(a, c->tenant->slug, k->plan, c->tenants->price_names);
    if (k->tenant) {
        const char *const wish[] = {k->plan, price};
        ask_database(
            c, "select tenantry.billing_begin($1, $2)", wish, 2, checkout_begun);
        return;
    }
    const char *const values[] = {k->plan, c->principal.user, k->attempt,
        tenants_plan(c->tenants, c->tenant, k->plan, a), price};
    ask_database(c, "select tenantry.checkout_begin($1, $2, $3, $4::text::jsonb, $5)",
        values, 5, checkout_begun);
}

static const char *sent_text(struct call *c, const char *name) {
    const char *value = json_string_value(json_object_get(c->sent, name));
    return value ? arena_strdup(&c->request->arena, value) : NULL;
}

static void read_wish(struct call *c, bool tenant) {
    struct arena *a = &c->request->arena;
    struct checkout *k = c->handler = arena_alloc(a, sizeof *k);
    k->tenant = tenant;
    k->form = is_form(http_header(c->request, "Content-Type"));
    if (k->form) {
        k->plan = form_field(a, call_body(c), "planId");
        k->attempt = form_field(a, call_body(c), "attempt");
    } else if (call_json(c)) {
        k->plan = sent_text(c, "planId");
        k->attempt = sent_text(c, "attempt");
    } else
        return;
    if (!k->attempt || strlen(k->attempt) > TEXT_MAX) k->attempt = "";
    if (!k->plan || !*k->plan || strlen(k->plan) > TEXT_MAX)
        refuse(c, 400, "planId must name a plan");
    else
        begin(c);
}

void handle_checkout(struct call *c) {
    read_wish(c, false);
}

void handle_subscribe(struct call *c) {
    read_wish(c, true);
}

/* ---- what became of it ---- */

/* The event may be on its way yet: Stripe knows whether it was paid. */
static void stripe_outcome(struct call *c, const struct stripe_answer *a) {
    json_t *status = json_object_get(a->json, "status");
    json_t *paid = json_object_get(a->json, "payment_status");
    if (a->status == 200 && json_is_string(status) && json_is_string(paid)) {
        json_share(c->sent, "status", status);
        json_share(c->sent, "paymentStatus", paid);
    }
    call_reply_value(c, c->sent);
}

static void outcome(struct call *c, const struct pool_answer *a) {
    struct arena *arena = &c->request->arena;
    c->sent = json_loads(call_value(a), 0, NULL);
    const char *status = json_path_string(c->sent, "status");
    bool asks = status && !strcmp(status, "open") &&
                stripe_secret_of(arena, "SECRET_KEY", c->tenant->slug);
    if (!asks) {
        call_reply_value(c, c->sent);
        return;
    }
    stripe_ask(c,
        &(struct stripe_request){.path = arena_printf(arena, "/v1/checkout/sessions/%s",
                                     (const char *)c->handler),
            .seconds = 3,
            .attempts = 1},
        stripe_outcome);
}

static bool is_session(const char *id) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789_";
    return id && !strncmp(id, "cs_", 3) && strlen(id) <= TEXT_MAX &&
           strspn(id, letters) == strlen(id);
}

void handle_checkout_outcome(struct call *c) {
    char *session = http_parameter(c->request, "session_id");
    const char *const values[] = {is_session(session) ? session : "cs_"};
    c->handler = session;
    call_ask(c, &(struct call_question){.role = WEBHOOK,
                    .sql = "select tenantry.checkout_outcome($1)",
                    .values = values,
                    .n_values = 1,
                    .done = outcome});
}

/* ---- whose it becomes ---- */

static void claimed(struct call *c, const struct pool_answer *a) {
    call_header(c, "Cache-Control", "private, no-store");
    call_reply_json(c, 200, str_from(call_value(a)));
}

void handle_checkout_claim(struct call *c) {
    if (!call_json(c)) return;
    const char *session = sent_text(c, "sessionId");
    const char *const values[] = {
        is_session(session) ? session : "cs_", c->principal.user};
    call_ask(c, &(struct call_question){.role = WEBHOOK,
                    .writes = true,
                    .sql = "select tenantry.checkout_claim($1, $2)",
                    .values = values,
                    .n_values = 2,
                    .done = claimed});
}

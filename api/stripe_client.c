#include "api/stripe_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/stripe.h"
#include "base/clock.h"
#include "base/fetch.h"

#define API_BASE "https://api.stripe.com"
#define API_VERSION "2025-03-31.basil"
#define ATTEMPT_SECONDS 8.0 /* of one of several */
#define FIRST_PAUSE 0.25    /* then twice as long each time */
#define ANSWER_MAX ((size_t)1 << 20)

struct asking {
    struct call *call;
    void (*done)(struct call *c, const struct stripe_answer *a);
    struct fetch_question question;
    double end, pause;
    unsigned left; /* attempts */
    unsigned attempt_max;
    struct loop_event *timer;
};

static void attempt(void *ctx);

bool stripe_customer_gone(const struct stripe_answer *a) {
    const char *code = json_path_string(a->json, "error.code");
    const char *param = json_path_string(a->json, "error.param");
    const char *message = json_path_string(a->json, "error.message");
    /* "...; a similar object exists in live mode, but a test mode key was used ...": it
     * is the key that is wrong. */
    bool elsewhere = message && strstr(message, "a similar object exists in");
    return a->status >= 400 && a->status < 500 && code && param && !elsewhere &&
           !strcmp(code, "resource_missing") && !strcmp(param, "customer");
}

static bool worth_another(int status) {
    return !status || status == 409 || status == 429 || status >= 500;
}

/* Somewhere in the second half of the pause, so that those who failed together do not
 * come back together. */
static double spread(double pause) {
    double part = clock_seconds() * 1000;
    return pause * (0.5 + 0.5 * (part - (double)(long long)part));
}

static void finish(struct asking *k, int status, struct str body) {
    struct diag_list diags;
    struct call *c = k->call;
    diag_init(&diags);
    json_t *v = status ? json_parse(body, "answer", &diags) : NULL;
    const char *code = json_path_string(v, "error.code");
    if (status != 200)
        c->note = arena_printf(&c->request->arena, "stripe: %d %s", status,
            code     ? code
            : status ? ""
                     : "no answer");
    loop_event_free(k->timer);
    k->done(c, &(struct stripe_answer){.status = status, .json = v});
    json_decref(v);
    diag_dispose(&diags);
}

static void answered(void *ctx, const struct fetch_answer *a) {
    struct asking *k = ctx;
    double wait = spread(k->pause);
    k->left--;
    if (worth_another(a->status) && k->left && clock_seconds() + wait < k->end) {
        k->pause *= 2;
        loop_arm(k->timer, wait);
    } else
        finish(k, a->status, a->body);
}

static void attempt(void *ctx) {
    struct asking *k = ctx;
    double left = k->end - clock_seconds();
    k->question.seconds =
        k->attempt_max > 1 && left > ATTEMPT_SECONDS ? ATTEMPT_SECONDS : left;
    fetch_ask(k->call->server->fetch, &k->question, answered, k);
}

static const char *const *headers_of(
    struct arena *a, const char *secret, const struct stripe_request *r) {
    const char **list = arena_alloc(a, 6 * sizeof *list);
    size_t n = 0;
    list[n++] = arena_printf(a, "Authorization: Bearer %s", secret);
    list[n++] = "Stripe-Version: " API_VERSION;
    list[n++] = "Expect:"; /* the body is short */
    if (r->form.len) list[n++] = "Content-Type: application/x-www-form-urlencoded";
    if (r->key) list[n++] = arena_printf(a, "Idempotency-Key: %s", r->key);
    return list;
}

void stripe_ask(struct call *c, const struct stripe_request *r,
    void (*done)(struct call *c, const struct stripe_answer *a)) {
    struct arena *a = &c->request->arena;
    const char *secret = r->operators
                             ? stripe_secret(a, "STRIPE_SECRET_KEY")
                             : stripe_secret_of(a, "SECRET_KEY", c->tenant->slug);
    const char *base = getenv("STRIPE_API_BASE");
    if (!secret) {
        call_problem(c, 503, "nothing can be bought here yet");
        return;
    }
    struct asking *k = arena_alloc(a, sizeof *k);
    *k = (struct asking){.call = c,
        .done = done,
        .end = clock_seconds() + r->seconds,
        .pause = FIRST_PAUSE,
        .left = r->attempts,
        .attempt_max = r->attempts,
        .timer = loop_timer(c->server->loop, attempt, k)};
    k->question = (struct fetch_question){
        .url = arena_printf(a, "%s%s", base && *base ? base : API_BASE, r->path),
        .headers = headers_of(a, secret, r),
        .post = r->form.len > 0,
        .body = arena_copy(a, r->form),
        .max = ANSWER_MAX};
    attempt(k);
}

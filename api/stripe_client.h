/* Asking Stripe, on behalf of a request: with an idempotency key, within a time. */
#ifndef API_STRIPE_CLIENT_H
#define API_STRIPE_CLIENT_H
#include "api/call.h"

struct stripe_request {
    const char *path; /* "/v1/checkout/sessions" */
    struct str form;  /* of a POST; empty: a GET */
    const char *key;  /* Idempotency-Key; NULL: none */
    bool operators;   /* asks the operator's account, though the tenant has its own */
    double seconds;   /* until there must be an answer */
    unsigned
        attempts; /* at most.  After a broken connection, 409, 429 and 5xx it is
                     asked again, with the same key, so that nothing is done twice */
};
struct stripe_answer {
    int status;         /* of the last attempt; 0: no answer came */
    const json_t *json; /* NULL: it is none */
};
/* Whether Stripe refused because the customer that was named is not there any more. */
bool stripe_customer_gone(const struct stripe_answer *a);
/* Copies what r points to.  `done` is called once, unless c was answered because the
 * operator has set no key (503). */
void stripe_ask(struct call *c, const struct stripe_request *r,
    void (*done)(struct call *c, const struct stripe_answer *a));
#endif

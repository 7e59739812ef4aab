/* How often somebody may fail: a table of fixed size, of no more than what is guessed
 * at lately. */
#ifndef API_THROTTLE_H
#define API_THROTTLE_H
#include <stdbool.h>
#include "base/str.h"

struct throttle_rate {
    double every;   /* seconds until one more is allowed */
    unsigned burst; /* at once */
};
struct throttle;
struct throttle *throttle_new(void);
void throttle_free(struct throttle *t); /* NULL is allowed */
/* Takes one attempt in the name of `who`; 0, or the seconds until there is one. */
double throttle_take(
    struct throttle *t, struct str who, struct throttle_rate rate, double now);
/* The attempt was a good one: it does not count. */
void throttle_give_back(struct throttle *t, struct str who, struct throttle_rate rate);
#endif

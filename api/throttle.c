#include "api/throttle.h"

#include "base/crypto.h"
#include "base/mem.h"

#define SETS 8192
#define WAYS 4

/* Of each it is known when its attempts will all be made up for (the "generic cell rate
 * algorithm"): nothing has to be counted down. */
struct slot {
    unsigned long long who; /* a keyed hash */
    double paid;            /* in the past: it owes nothing, and the slot is free */
};
struct throttle {
    unsigned char key[32]; /* so that nobody can aim at a set */
    struct slot slots[SETS][WAYS];
};

struct throttle *throttle_new(void) {
    struct throttle *t = mem_calloc(1, sizeof *t);
    crypto_random(t->key, sizeof t->key);
    return t;
}

void throttle_free(struct throttle *t) {
    mem_free(t);
}

static unsigned long long hash(const struct throttle *t, struct str who) {
    unsigned char mac[32];
    unsigned long long h;
    hmac_sha256((struct str){(const char *)t->key, sizeof t->key}, who, mac);
    memcpy(&h, mac, sizeof h);
    return h;
}

/* The slot of `who`, or else the one of the set that owes least. */
static struct slot *find(struct throttle *t, unsigned long long who) {
    struct slot *set = t->slots[who % SETS], *least = set;
    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].who == who) return &set[i];
        if (set[i].paid < least->paid) least = &set[i];
    }
    return least;
}

double throttle_take(
    struct throttle *t, struct str who, struct throttle_rate rate, double now) {
    unsigned long long h = hash(t, who);
    struct slot *s = find(t, h);
    double paid = s->who == h && s->paid > now ? s->paid : now;
    double wait = paid + rate.every - (now + rate.every * rate.burst);
    if (wait > 0) return wait;
    *s = (struct slot){h, paid + rate.every};
    return 0;
}

void throttle_give_back(struct throttle *t, struct str who, struct throttle_rate rate) {
    unsigned long long h = hash(t, who);
    struct slot *s = find(t, h);
    if (s->who == h) s->paid -= rate.every;
}

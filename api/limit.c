/* A bucket is one number: the time at which it will be full again.  Taking one moves
 * that time on by 1/rate; where it would lie more than burst/rate ahead, the bucket is
 * empty.  A slot whose time has passed is as good as a free one, so nothing needs to be
 * tidied up. */
#include "api/limit.h"

#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/random.h>

#include "base/hash.h"
#include "base/mem.h"

#define SLOTS (1u << 16)
#define WAYS 8 /* places a key may have */

struct slot {
    _Atomic uint64_t key;  /* 0: never used */
    _Atomic uint64_t full; /* microseconds of clock_seconds */
};
struct table {
    struct slot slots[SLOTS];
};
struct limits {
    uint64_t seed; /* so that nobody can choose whom to share a slot with */
    struct table requests, attempts;
};

struct limits *limits_new(void) {
    struct limits *l = mem_share(sizeof *l);
    if (getrandom(&l->seed, sizeof l->seed, 0) != sizeof l->seed) l->seed = 1;
    return l;
}

void limits_free(struct limits *l) {
    mem_unshare(l, sizeof *l);
}

/* The key's slot; when all its places are taken, that of whoever was longest away. */
static struct slot *slot_of(struct table *t, uint64_t key) {
    struct slot *oldest = NULL;
    uint64_t least = UINT64_MAX;
    for (unsigned i = 0; i < WAYS; i++) {
        struct slot *s = &t->slots[(key + i) % SLOTS];
        if (atomic_load_explicit(&s->key, memory_order_relaxed) == key) return s;
        uint64_t full = atomic_load_explicit(&s->full, memory_order_relaxed);
        if (full < least) {
            least = full;
            oldest = s;
        }
    }
    atomic_store_explicit(&oldest->key, key, memory_order_relaxed);
    atomic_store_explicit(&oldest->full, 0, memory_order_relaxed);
    return oldest;
}

static double take(
    struct table *t, const struct limit_rate *r, uint64_t key, unsigned n, double now) {
    if (r->rate <= 0) return 0;
    struct slot *s = slot_of(t, key);
    uint64_t at = (uint64_t)(now * 1e6);
    uint64_t all = (uint64_t)(1e6 / r->rate * (n < r->burst ? n : r->burst)),
             most = (uint64_t)(1e6 / r->rate * r->burst);
    uint64_t full = atomic_load_explicit(&s->full, memory_order_relaxed), next;
    do {
        next = (full > at ? full : at) + all;
        if (next > at + most) return (double)(next - at - most) / 1e6;
    } while (!atomic_compare_exchange_weak_explicit(
        &s->full, &full, next, memory_order_relaxed, memory_order_relaxed));
    return 0;
}

double limit_client(struct limits *l, const struct settings *s, enum limit_class class,
    const struct net_address *client, unsigned n, double now) {
    size_t size = net_is_v4(client) ? sizeof client->bytes : sizeof client->bytes / 2;
    uint64_t key =
        hash_seeded(l->seed + class, (struct str){(const char *)client->bytes, size});
    return take(&l->requests, &s->client_limits[class], key, n, now);
}

double limit_tenant(struct limits *l, const struct settings *s, enum limit_class class,
    const char *slug, unsigned n, double now) {
    uint64_t key = hash_seeded(l->seed - 1 - class, str_from(slug));
    return take(&l->requests, &s->tenant_limits[class], key, n, now);
}

double limit_attempt(
    struct limits *l, const struct limit_rate *r, struct str who, double now) {
    return take(&l->attempts, r, hash_seeded(l->seed, who), 1, now);
}

void limit_forget(struct limits *l, const struct limit_rate *r, struct str who) {
    struct slot *s = slot_of(&l->attempts, hash_seeded(l->seed, who));
    uint64_t one = (uint64_t)(1e6 / r->rate),
             full = atomic_load_explicit(&s->full, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&s->full, &full,
        full > one ? full - one : 0, memory_order_relaxed, memory_order_relaxed)) {
    }
}

#include "api/meter.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"

#define SLOTS (1u << 15)
#define WAYS 64 /* places a key may have */

struct meter {
    _Atomic uint64_t key; /* 0: never used */
    _Atomic int64_t hour;
    _Atomic int64_t used;      /* as far as is known, by all */
    _Atomic int64_t unwritten; /* of that, ours that the database does not have */
};
struct meters {
    pthread_mutex_t giving; /* held while a slot gets another key */
    struct meter slots[SLOTS];
};

struct meters *meters_new(void) {
    pthread_mutexattr_t shared;
    struct meters *m = mem_share(sizeof *m);
    pthread_mutexattr_init(&shared);
    pthread_mutexattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&shared, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&m->giving, &shared);
    pthread_mutexattr_destroy(&shared);
    return m;
}

void meters_free(struct meters *m) {
    mem_unshare(m, sizeof *m);
}

/* 64 bits of what nobody outside can choose: uuids are the database's. */
static uint64_t key_of(const char *tenant, const char *metric, int64_t hour) {
    return hash_seeded(hash_seeded((uint64_t)hour, str_from(tenant)), str_from(metric));
}

static struct meter *look(struct meters *m, uint64_t key) {
    for (unsigned i = 0; i < WAYS; i++) {
        struct meter *s = &m->slots[(key + i) % SLOTS];
        if (atomic_load(&s->key) == key) return s;
    }
    return NULL;
}

/* A slot that nobody counts in any more. */
static struct meter *give(struct meters *m, uint64_t key, int64_t hour) {
    for (unsigned i = 0; i < WAYS; i++) {
        struct meter *s = &m->slots[(key + i) % SLOTS];
        bool over = atomic_load(&s->hour) < hour - METER_HOUR;
        if (atomic_load(&s->key) && !(over && !atomic_load(&s->unwritten))) continue;
        atomic_store(&s->key, 0);
        atomic_store(&s->hour, hour);
        atomic_store(&s->used, 0);
        atomic_store(&s->unwritten, 0);
        atomic_store(&s->key, key);
        return s;
    }
    return NULL;
}

struct meter *meter_find(
    struct meters *m, const char *tenant, const char *metric, int64_t hour) {
    uint64_t key = key_of(tenant, metric, hour);
    struct meter *found = look(m, key);
    if (found) return found;
    /* A worker that was killed while it held this left nothing half done: the key is
     * written last. */
    if (pthread_mutex_lock(&m->giving) == EOWNERDEAD)
        pthread_mutex_consistent(&m->giving);
    found = look(m, key);
    if (!found) found = give(m, key, hour);
    pthread_mutex_unlock(&m->giving);
    return found;
}

struct meter *meter_look(
    struct meters *m, const char *tenant, const char *metric, int64_t hour) {
    return look(m, key_of(tenant, metric, hour));
}

bool meter_take(struct meter *m, int64_t n, int64_t most) {
    int64_t used = atomic_load(&m->used);
    do {
        if (most >= 0 && used + n > most) return false;
    } while (!atomic_compare_exchange_weak(&m->used, &used, used + n));
    atomic_fetch_add(&m->unwritten, n);
    return true;
}

int64_t meter_unwritten(struct meter *m) {
    return atomic_exchange(&m->unwritten, 0);
}

void meter_give_back(struct meter *m, int64_t n) {
    atomic_fetch_add(&m->unwritten, n);
}

void meter_learn(struct meter *m, int64_t written) {
    int64_t used = atomic_load(&m->used);
    int64_t known = written + atomic_load(&m->unwritten);
    while (used < known && !atomic_compare_exchange_weak(&m->used, &used, known)) {
    }
}

int64_t meter_used(const struct meter *m) {
    return atomic_load(&m->used);
}

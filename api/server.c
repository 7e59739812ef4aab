#include "api/server.h"

#include <assert.h>
#include <stdint.h>

#include "base/hash.h"

void server_on_change(
    struct server *s, void (*call)(struct server *s, const char *slug)) {
    assert(s->n_changed < SERVER_HOOKS);
    s->changed[s->n_changed++] = call;
}

void server_on_reload(struct server *s, void (*call)(struct server *s)) {
    assert(s->n_reloaded < SERVER_HOOKS);
    s->reloaded[s->n_reloaded++] = call;
}

void server_changed(struct server *s, const char *slug) {
    for (unsigned i = 0; i < s->n_changed; i++) s->changed[i](s, slug);
}

void server_reloaded(struct server *s) {
    for (unsigned i = 0; i < s->n_reloaded; i++) s->reloaded[i](s);
}

const char *server_next_id(struct server *s, struct arena *a) {
    static const char digits[] = "0123456789abcdef";
    uint64_t x =
        hash_mix(s->ids++); /* a bijection: no two of a worker's are the same */
    char *text = arena_alloc(a, 17);
    for (size_t i = 16; i--; x >>= 4) text[i] = digits[x & 15];
    return text;
}

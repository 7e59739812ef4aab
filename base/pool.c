/* The questions, who is next, and what is late. */
#include "base/pool.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/pool_internal.h"

#define CLOSING "the server is shutting down"

/* ---- lists ---- */

static void list_push(struct pool_list *l, struct pool_asked *q) {
    q->next = NULL;
    *l->last = q;
    l->last = &q->next;
}

static struct pool_asked *list_pop(struct pool_list *l) {
    struct pool_asked *q = l->first;
    if (q && !(l->first = q->next)) l->last = &l->first;
    return q;
}

/* ---- answers ---- */

void pool_end(struct pool_asked *q, const struct pool_answer *a) {
    q->q.done(q->q.ctx, a);
    mem_free(q);
}

void pool_end_soon(
    struct pool *p, struct pool_asked *q, enum pool_outcome o, const char *why) {
    *(o == POOL_UNSURE ? &p->figures.unsure : &p->figures.away) += 1;
    q->outcome = o;
    snprintf(q->why, sizeof q->why, "%.*s", (int)sizeof q->why - 1, why);
    list_push(&p->ended, q);
    loop_arm(p->soon, 0);
}

/* Only as many as there are now: who is told may ask again, and be refused again. */
static void tell_ended(struct pool *p) {
    struct pool_list now = p->ended;
    p->ended = (struct pool_list){NULL, &p->ended.first};
    for (struct pool_asked *q = now.first, *next; q; q = next) {
        next = q->next;
        pool_end(q, &(struct pool_answer){.outcome = q->outcome,
                        .state = "",
                        .message = q->why,
                        .constraint = ""});
    }
}

static bool any_busy(const struct pool *p) {
    for (unsigned i = 0; i < p->settings.connections; i++)
        if (p->connections[i].state == POOL_BUSY) return true;
    return false;
}

static void tell_drained(struct pool *p) {
    void (*drained)(void *ctx) = p->drained;
    if (!drained || p->waiting.first || p->ended.first || any_busy(p)) return;
    p->drained = NULL;
    drained(p->drained_ctx);
}

static void soon(void *ctx) {
    struct pool *p = ctx;
    tell_ended(p);
    pool_serve(p);
}

/* ---- the server, there or not ---- */

void pool_away(struct pool *p, const char *why) {
    struct pool_asked *q;
    bool news = !*p->why;
    snprintf(p->why, sizeof p->why, "%s", why);
    while ((q = list_pop(&p->waiting))) pool_end_soon(p, q, POOL_AWAY, why);
    p->n_waiting = 0;
    if (news && p->settings.told) p->settings.told(p->settings.ctx, p->why);
}

void pool_back(struct pool *p) {
    bool news = *p->why;
    *p->why = '\0';
    if (news && p->settings.told) p->settings.told(p->settings.ctx, NULL);
}

/* ---- who is next ---- */

void pool_again(struct pool *p, struct pool_asked *q) {
    q->next = p->waiting.first;
    p->waiting.first = q;
    if (!q->next) p->waiting.last = &q->next;
    p->n_waiting++;
    loop_arm(p->soon, 0);
}

/* Whether one that reads may go behind those under way: their answers come soon. */
static bool takes_more(const struct pool_connection *c, double now) {
    return c->state == POOL_BUSY && c->n_flights < POOL_DEPTH &&
           c->generation == c->pool->generation && !c->flights[0].asked->q.writes &&
           now - c->flown < POOL_BRISK_SECONDS;
}

/* Where a question may go; NULL: nowhere now.  One that reads goes behind others before
 * another connection is taken: a backend that stays at it answers several in the time
 * in which two would be woken up. */
static struct pool_connection *place_for(
    const struct pool *p, const struct pool_asked *q) {
    struct pool_connection *idle = NULL;
    double now = clock_seconds();
    for (unsigned i = 0; i < p->settings.connections; i++) {
        struct pool_connection *c = &p->connections[i];
        if (!q->q.writes && takes_more(c, now)) return c;
        if (c->state == POOL_IDLE && !idle) idle = c;
    }
    return idle;
}

static void give_out(struct pool *p) {
    struct pool_connection *c;
    while (p->waiting.first && (c = place_for(p, p->waiting.first))) {
        p->n_waiting--;
        pool_fly(c, list_pop(&p->waiting));
    }
    for (unsigned i = 0; i < p->settings.connections; i++)
        if (p->connections[i].unsent) pool_connection_flush(&p->connections[i]);
}

/* One at a time, so that a server that is just back is not stormed. */
static void open_another(struct pool *p) {
    struct pool_connection *closed = NULL;
    bool open = false;
    for (unsigned i = 0; i < p->settings.connections; i++) {
        struct pool_connection *c = &p->connections[i];
        if (c->state == POOL_CONNECTING) return;
        if (c->state == POOL_CLOSED && !closed) closed = c;
        open |= c->state >= POOL_IDLE;
    }
    bool wanted = p->waiting.first || !open;
    if (closed && wanted && clock_seconds() >= p->retry_at)
        pool_connection_open(closed);
}

void pool_serve(struct pool *p) {
    for (unsigned i = 0; i < p->settings.connections; i++) {
        struct pool_connection *c = &p->connections[i];
        bool stale = c->state == POOL_IDLE && c->generation != p->generation;
        if (stale) pool_connection_close(c);
    }
    give_out(p);
    open_another(p);
    if (p->drained) tell_drained(p);
}

/* ---- copies ---- */

static const char *put(char **to, const char *text) {
    if (!text) return NULL;
    size_t size = strlen(text) + 1;
    char *at = memcpy(*to, text, size);
    *to += size;
    return at;
}

static size_t size_of(const struct pool_question *q) {
    size_t n = strlen(q->role) + 1 + q->n_locals * sizeof *q->locals;
    for (size_t i = 0; i < q->n_locals; i++)
        n += strlen(q->locals[i].name) + strlen(q->locals[i].value) + 2;
    for (int i = 0; i < q->n_values; i++)
        n += sizeof *q->values + (q->values[i] ? strlen(q->values[i]) + 1 : 0);
    return n;
}

static struct pool_asked *copy(const struct pool_question *q) {
    struct pool_asked *asked = mem_alloc(sizeof *asked + size_of(q));
    struct pool_local *locals = (void *)(asked + 1);
    const char **values = (void *)(locals + q->n_locals);
    char *text = (char *)(values + q->n_values);
    *asked = (struct pool_asked){.q = *q};
    for (size_t i = 0; i < q->n_locals; i++) {
        locals[i].name = put(&text, q->locals[i].name);
        locals[i].value = put(&text, q->locals[i].value);
    }
    for (int i = 0; i < q->n_values; i++) values[i] = put(&text, q->values[i]);
    asked->q.role = put(&text, q->role);
    asked->q.locals = locals;
    asked->q.values = values;
    return asked;
}

/* ---- what is late ---- */

static void drop_late(struct pool *p, double now) {
    struct pool_list all = p->waiting;
    p->waiting = (struct pool_list){NULL, &p->waiting.first};
    p->n_waiting = 0;
    for (struct pool_asked *q = all.first, *next; q; q = next) {
        next = q->next;
        if (q->deadline <= now) {
            pool_end_soon(p, q, POOL_AWAY, "no connection became free in time");
            continue;
        }
        list_push(&p->waiting, q);
        p->n_waiting++;
    }
}

static void ignore_answer(void *ctx, const struct pool_answer *a) {
    (void)ctx;
    (void)a;
}

/* Under way on c is what a server that is well answers at once. */
static bool is_probe(const struct pool_connection *c) {
    return c->state == POOL_CONNECTING ||
           (c->state == POOL_BUSY && c->flights[0].asked->q.done == ignore_answer);
}

struct census { /* of the connections, at one moment */
    struct pool_connection *closed, *idle, *slow; /* one of each; NULL: none */
    double probed;                                /* seconds; < 0: no probe */
    bool busy, quick; /* any is busy; any is, but not for long */
};

static struct census take_census(const struct pool *p, double now) {
    struct census n = {.probed = -1};
    for (unsigned i = 0; i < p->settings.connections; i++) {
        struct pool_connection *c = &p->connections[i];
        double age = now - (c->state == POOL_BUSY ? c->flown : c->since);
        if (c->state == POOL_CLOSED) n.closed = c;
        if (c->state == POOL_IDLE) n.idle = c;
        if (c->state == POOL_BUSY) n.busy = true;
        if (c->state == POOL_BUSY && age >= POOL_MUTE_SECONDS) n.slow = c;
        if (c->state == POOL_BUSY && age < POOL_MUTE_SECONDS) n.quick = true;
        if (is_probe(c)) n.probed = age;
    }
    return n;
}

/* Whether the server is paused, or out of reach without a word. */
static bool is_silent(const struct pool *p, double now) {
    struct census n = take_census(p, now);
    bool unanswered = n.probed >= POOL_MUTE_SECONDS;
    if (!n.busy) return unanswered && !n.idle;
    bool nothing_left = !n.idle && !n.closed && !n.quick && n.probed < 0;
    return now - p->heard >= 2 * POOL_MUTE_SECONDS && (unanswered || nothing_left);
}

/* Is one question slow, or the server silent?  Another question tells. */
static void probe(struct pool *p, double now) {
    struct census n = take_census(p, now);
    if (now - p->heard < POOL_MUTE_SECONDS || !n.slow || n.probed >= 0) return;
    if (n.idle) {
        struct pool_asked *q =
            copy(&(struct pool_question){.role = n.slow->flights[0].asked->q.role,
                .sql = "select 1",
                .done = ignore_answer});
        q->deadline = now + POOL_CONNECT_SECONDS;
        pool_fly(n.idle, q);
        if (n.idle->unsent) pool_connection_flush(n.idle);
    } else if (n.closed)
        pool_connection_open(n.closed);
}

/* Nobody is left waiting for a silent server but who cannot do without knowing. */
static void fall_silent(struct pool *p, double now) {
    static const char why[] = "the server does not answer";
    for (unsigned i = 0; i < p->settings.connections; i++) {
        struct pool_connection *c = &p->connections[i];
        if (c->state == POOL_IDLE) pool_connection_close(c);
        if (c->state != POOL_BUSY || c->flights[0].asked->q.writes) continue;
        for (unsigned k = 0; k < c->n_flights; k++) c->flights[k].asked->deadline = now;
        pool_connection_lost(c, why);
    }
    pool_away(p, why);
}

static void give_up(struct pool_connection *c, double now) {
    if (c->state == POOL_BUSY &&
        now >= c->flights[0].asked->deadline + POOL_GRACE_SECONDS)
        pool_connection_lost(c, "the answer took too long");
    else if (c->state == POOL_CONNECTING && now >= c->since + POOL_CONNECT_SECONDS)
        pool_connection_lost(c, "the server does not answer");
}

/* Whether there is anything that time could change. */
static bool is_under_way(const struct pool *p) {
    bool open = false;
    for (unsigned i = 0; i < p->settings.connections; i++) {
        enum pool_state s = p->connections[i].state;
        if (s == POOL_CONNECTING || s == POOL_BUSY) return true;
        open |= s == POOL_IDLE;
    }
    return !open || p->waiting.first;
}

static void tick(void *ctx) {
    struct pool *p = ctx;
    double now = clock_seconds();
    for (unsigned i = 0; i < p->settings.connections; i++)
        give_up(&p->connections[i], now);
    drop_late(p, now);
    probe(p, now);
    if (!*p->why && is_silent(p, now)) fall_silent(p, now);
    pool_serve(p);
    if (is_under_way(p)) loop_arm(p->tick, POOL_TICK_SECONDS);
}

/* ---- asking ---- */

void pool_ask(struct pool *p, const struct pool_question *given) {
    struct pool_asked *q = copy(given);
    p->figures.asked++;
    q->deadline = clock_seconds() + p->settings.seconds;
    if (p->draining)
        pool_end_soon(p, q, POOL_AWAY, CLOSING);
    else if (*p->why)
        pool_end_soon(p, q, POOL_AWAY, p->why);
    else if (p->n_waiting >= p->settings.waiting)
        pool_end_soon(p, q, POOL_AWAY, "too many questions wait");
    else {
        list_push(&p->waiting, q);
        p->n_waiting++;
        pool_serve(p);
        loop_arm(p->tick, POOL_TICK_SECONDS);
    }
}

/* ---- the pool ---- */

struct pool *pool_new(struct loop *l, const struct pool_settings *s) {
    struct pool *p = mem_calloc(1, sizeof *p);
    p->loop = l;
    p->settings = *s;
    p->waiting.last = &p->waiting.first;
    p->ended.last = &p->ended.first;
    p->connections = mem_calloc(s->connections, sizeof *p->connections);
    for (unsigned i = 0; i < s->connections; i++) {
        p->connections[i].pool = p;
        arena_init(&p->connections[i].names);
    }
    p->tick = loop_timer(l, tick, p);
    p->soon = loop_timer(l, soon, p);
    loop_arm(p->tick, 0);
    return p;
}

void pool_drain(struct pool *p, void (*drained)(void *ctx), void *ctx) {
    p->draining = true;
    p->drained = drained;
    p->drained_ctx = ctx;
    loop_arm(p->soon, 0);
}

void pool_free(struct pool *p) {
    struct pool_asked *q, *asked[POOL_DEPTH];
    if (!p) return;
    p->draining = true; /* whoever is told may ask again */
    p->drained = NULL;
    for (unsigned i = 0; i < p->settings.connections; i++) {
        struct pool_connection *c = &p->connections[i];
        unsigned n = pool_connection_asked(c, asked);
        pool_connection_close(c);
        arena_dispose(&c->names);
        for (unsigned k = 0; k < n; k++)
            pool_end_soon(
                p, asked[k], asked[k]->q.writes ? POOL_UNSURE : POOL_AWAY, CLOSING);
    }
    while ((q = list_pop(&p->waiting))) pool_end_soon(p, q, POOL_AWAY, CLOSING);
    while (p->ended.first) tell_ended(p);
    loop_event_free(p->tick);
    loop_event_free(p->soon);
    mem_free(p->connections);
    mem_free(p);
}

void pool_figures(const struct pool *p, struct pool_figures *out) {
    *out = p->figures;
    out->waiting = p->n_waiting;
    out->why = *p->why ? p->why : NULL;
    for (unsigned i = 0; i < p->settings.connections; i++) {
        out->open += p->connections[i].state >= POOL_IDLE;
        out->busy += p->connections[i].state == POOL_BUSY;
    }
}

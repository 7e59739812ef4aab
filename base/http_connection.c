/* Connections: which there are, how long each may go on, and when it is over.
 *
 * evhttp owns them and tells of the end of one only whom it was told to tell; it knows
 * of that once accept_one has returned, so a connection is fresh until the next turn.
 */
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/http_internal.h"
#include "base/mem.h"

/* ---- the wheel ---- */

static unsigned long tick_of(double seconds) {
    return (unsigned long)(seconds / HTTP_SWEEP_SECONDS);
}

static void unlink_one(struct http_connection *c) {
    if (!c->link) return;
    *c->link = c->next;
    if (c->next) c->next->link = c->link;
    c->link = NULL;
}

static void link_one(struct http_connection *c, struct http_connection **list) {
    unlink_one(c);
    c->next = *list;
    c->link = list;
    if (c->next) c->next->link = &c->next;
    *list = c;
}

/* One that has time left when its tick comes is put further on then: so a deadline that
 * moves away costs nothing. */
static void place(struct http_connection *c) {
    struct http *h = c->http;
    unsigned long tick = tick_of(c->deadline) + 1;
    if (c->deadline <= 0) {
        c->at = 0;
        link_one(c, &h->timeless);
        return;
    }
    if (tick <= h->tick) tick = h->tick + 1;
    if (tick >= h->tick + HTTP_WHEEL) tick = h->tick + HTTP_WHEEL - 1;
    if (c->at && c->at <= tick) return;
    c->at = tick;
    link_one(c, &h->wheel[tick % HTTP_WHEEL]);
}

void http_connection_limit(struct http_connection *c, double deadline) {
    c->deadline = deadline;
    if (c->fd >= 0) place(c);
}

/* ---- the end ---- */

void http_connection_drop(struct http_connection *c) {
    int fd = bufferevent_getfd(c->bev);
    if (fd >= 0) shutdown(fd, SHUT_RDWR);
    http_connection_limit(c, 0);
}

static void on_bytes(
    struct evbuffer *in, const struct evbuffer_cb_info *info, void *ctx);

/* The bytes of c's request, and what they are of all bodies. */
static void set_received(struct http_connection *c, size_t n) {
    struct http *h = c->http;
    size_t head = h->settings.header_bytes;
    h->bodies -= c->received > head ? c->received - head : 0;
    c->received = n;
    h->bodies += n > head ? n - head : 0;
}

static void forget(struct http_connection *c) {
    struct http *h = c->http;
    struct http_connection **at = &h->pushed;
    while (c->pushing && *at != c) at = &(*at)->push_next;
    if (c->pushing) *at = c->push_next;
    if (c->request) c->request->connection = NULL;
    unlink_one(c);
    set_received(c, 0);
    if (c->fd >= 0) h->by_fd[c->fd] = NULL;
    evbuffer_remove_cb(bufferevent_get_input(c->bev), on_bytes, c);
    bufferevent_decref(c->bev);
    mem_free(c);
    h->n_connections--;
    if (h->full && !h->draining && h->n_connections < h->settings.connections)
        http_listeners_enable(h, true);
}

static void on_close(struct evhttp_connection *ev, void *ctx) {
    struct http_connection *c = ctx;
    struct http_request *r = c->request;
    (void)ev;
    forget(c);
    if (r) http_request_closed(r);
}

/* ---- how it goes on ---- */

static void on_bytes(
    struct evbuffer *in, const struct evbuffer_cb_info *info, void *ctx) {
    struct http_connection *c = ctx;
    const struct http_settings *s = &c->http->settings;
    (void)in;
    if (!info->n_added || c->request || c->answering) return;
    if (!c->reading) {
        c->reading = true;
        c->since = clock_seconds();
    }
    set_received(c, c->received + info->n_added);
    if (s->bodies_bytes && c->http->bodies > s->bodies_bytes &&
        c->received > s->header_bytes) {
        http_connection_drop(c);
        return;
    }
    double longer = 0;
    if (c->received > s->header_bytes)
        longer = (double)(c->received - s->header_bytes) / HTTP_BODY_RATE;
    http_connection_limit(c, c->since + s->header_seconds + longer);
}

void http_connection_rest(struct http_connection *c) {
    const struct http_settings *s = &c->http->settings;
    size_t waiting = evbuffer_get_length(bufferevent_get_input(c->bev));
    c->answering = false;
    c->reading = waiting > 0;
    set_received(c, waiting);
    c->since = clock_seconds();
    http_connection_limit(
        c, c->since + (waiting ? s->header_seconds : s->idle_seconds));
}

static void write_now(struct http_connection *c) {
    struct bufferevent *bev = c->bev;
    struct evbuffer *out = bufferevent_get_output(bev);
    if (!evbuffer_get_length(out)) return;
    bufferevent_incref(bev);
    evbuffer_unfreeze(out, 1);
    evbuffer_write(out, c->fd);
    evbuffer_freeze(out, 1);
    /* What is left, or went wrong, is libevent's. */
    if (evbuffer_get_length(out))
        bufferevent_enable(bev, EV_WRITE);
    else
        bufferevent_trigger(bev, EV_WRITE, 0);
    bufferevent_decref(bev);
}

static void push(void *ctx) {
    struct http *h = ctx;
    struct http_connection *c;
    while ((c = h->pushed)) {
        h->pushed = c->push_next;
        c->pushing = false;
        write_now(c);
    }
}

void http_connection_push(struct http_connection *c) {
    if (c->pushing || c->fd < 0) return;
    if (!c->http->pushed) loop_soon(c->http->push);
    c->pushing = true;
    c->push_next = c->http->pushed;
    c->http->pushed = c;
}

/* ---- the beginning ---- */

static void remember(struct http *h, struct http_connection *c) {
    size_t fd = (size_t)c->fd, cap = h->n_by_fd;
    if (fd >= cap) {
        h->by_fd = mem_grow(h->by_fd, &cap, fd + 1, sizeof *h->by_fd);
        for (size_t i = h->n_by_fd; i < cap; i++) h->by_fd[i] = NULL;
        h->n_by_fd = cap;
    }
    h->by_fd[fd] = c;
}

/* By now evhttp has made itself the owner, or has given up. */
static void adopt(struct http *h) {
    while (h->fresh) {
        struct http_connection *c = h->fresh;
        bufferevent_event_cb event = NULL;
        void *owner = NULL;
        bufferevent_getcb(c->bev, NULL, NULL, &event, &owner);
        int fd = bufferevent_getfd(c->bev);
        if (!event || fd < 0) {
            forget(c);
            continue;
        }
        c->fd = fd;
        remember(h, c);
        place(c);
        evhttp_connection_set_closecb(owner, on_close, c);
    }
}

static void adopt_soon(void *ctx) {
    adopt(ctx);
}

struct bufferevent *http_connection_accept(struct event_base *base, void *ctx) {
    struct http *h = ctx;
    adopt(h);
    struct bufferevent *bev = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
    if (!bev) return NULL;
    struct http_connection *c = mem_calloc(1, sizeof *c);
    bufferevent_incref(bev);
    c->http = h;
    c->bev = bev;
    c->fd = -1;
    c->reading = true;
    c->since = clock_seconds();
    c->deadline = c->since + h->settings.header_seconds;
    link_one(c, &h->fresh);
    loop_arm(h->soon, 0);
    evbuffer_add_cb(bufferevent_get_input(bev), on_bytes, c);
    if (!h->n_connections) {
        h->tick = tick_of(c->since);
        loop_arm(h->sweep, HTTP_SWEEP_SECONDS);
    }
    if (++h->n_connections >= h->settings.connections) http_listeners_enable(h, false);
    return bev;
}

struct http_connection *http_connection_of(struct http *h, struct evhttp_request *ev) {
    struct evhttp_connection *owner = evhttp_request_get_connection(ev);
    adopt(h);
    if (!owner) return NULL;
    int fd = bufferevent_getfd(evhttp_connection_get_bufferevent(owner));
    return fd >= 0 && (size_t)fd < h->n_by_fd ? h->by_fd[fd] : NULL;
}

/* ---- all of them ---- */

static void sweep_tick(struct http *h, double now) {
    struct http_connection *due = h->wheel[h->tick % HTTP_WHEEL], *next;
    for (; due; due = next) {
        next = due->next;
        due->at = 0;
        if (now >= due->deadline)
            http_connection_drop(due);
        else
            place(due);
    }
}

static void sweep(void *ctx) {
    struct http *h = ctx;
    double now = clock_seconds();
    unsigned long last = tick_of(now);
    /* After a long sleep once around is all there is. */
    if (last - h->tick > HTTP_WHEEL) h->tick = last - HTTP_WHEEL;
    while (h->tick < last) {
        h->tick++;
        sweep_tick(h, now);
    }
    if (h->n_connections) loop_arm(h->sweep, HTTP_SWEEP_SECONDS);
}

void http_connections_init(struct http *h) {
    h->sweep = loop_timer(h->loop, sweep, h);
    h->soon = loop_timer(h->loop, adopt_soon, h);
    h->push = loop_timer(h->loop, push, h);
}

void http_connections_idle(struct http *h, void (*call)(struct http_connection *c)) {
    for (size_t i = 0; i < h->n_by_fd; i++) {
        struct http_connection *c = h->by_fd[i];
        if (c && !c->request && !c->answering && !c->received) call(c);
    }
}

void http_connections_free(struct http *h) {
    for (size_t i = 0; i < h->n_by_fd; i++)
        if (h->by_fd[i]) forget(h->by_fd[i]);
    while (h->fresh) forget(h->fresh);
    loop_event_free(h->sweep);
    loop_event_free(h->soon);
    loop_event_free(h->push);
    mem_free(h->by_fd);
}

#include "base/loop.h"

#include <event2/event.h>

#include "base/mem.h"

struct loop {
    struct event_base *base;
    struct loop_event *events; /* all there are */
};
struct loop_event {
    struct loop_event *next, **link;
    struct event *event;
    void (*call)(void *ctx);
    void *ctx;
};

struct loop *loop_new(void) {
    struct event_config *config = event_config_new();
    if (!config) return NULL;
    /* What is added and taken back within a turn never gets to the kernel. */
    event_config_set_flag(config, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST);
    struct event_base *base = event_base_new_with_config(config);
    event_config_free(config);
    if (!base) return NULL;
    struct loop *l = mem_alloc(sizeof *l);
    *l = (struct loop){.base = base};
    return l;
}

void loop_free(struct loop *l) {
    if (!l) return;
    while (l->events) loop_event_free(l->events);
    event_base_free(l->base);
    mem_free(l);
}

void loop_run(struct loop *l) {
    event_base_dispatch(l->base);
}

void loop_stop(struct loop *l) {
    event_base_loopbreak(l->base);
}

void *loop_base(struct loop *l) {
    return l->base;
}

static void fire(evutil_socket_t fd, short what, void *ctx) {
    struct loop_event *e = ctx;
    (void)fd;
    (void)what;
    e->call(e->ctx);
}

static struct loop_event *event_make(
    struct loop *l, int fd, short what, void (*call)(void *ctx), void *ctx) {
    struct loop_event *e = mem_alloc(sizeof *e);
    *e = (struct loop_event){l->events, &l->events, NULL, call, ctx};
    if (e->next) e->next->link = &e->next;
    l->events = e;
    e->event = event_new(l->base, fd, what, fire, e);
    if (!e->event) mem_exhausted();
    return e;
}

struct loop_event *loop_fd(struct loop *l, int fd, void (*call)(void *ctx), void *ctx) {
    struct loop_event *e = event_make(l, fd, EV_READ | EV_PERSIST, call, ctx);
    event_add(e->event, NULL);
    return e;
}

struct loop_event *loop_socket(
    struct loop *l, int fd, bool read, bool write, void (*call)(void *ctx), void *ctx) {
    int what = EV_PERSIST | (read ? EV_READ : 0) | (write ? EV_WRITE : 0);
    struct loop_event *e = event_make(l, fd, (short)what, call, ctx);
    event_add(e->event, NULL);
    return e;
}

struct loop_event *loop_signal(
    struct loop *l, int signal, void (*call)(void *ctx), void *ctx) {
    struct loop_event *e = event_make(l, signal, EV_SIGNAL | EV_PERSIST, call, ctx);
    event_add(e->event, NULL);
    return e;
}

struct loop_event *loop_timer(struct loop *l, void (*call)(void *ctx), void *ctx) {
    return event_make(l, -1, 0, call, ctx);
}

void loop_arm(struct loop_event *timer, double seconds) {
    if (seconds < 0) seconds = 0;
    struct timeval tv = {.tv_sec = (long)seconds};
    tv.tv_usec = (long)((seconds - (double)tv.tv_sec) * 1e6);
    event_add(timer->event, &tv);
}

void loop_soon(struct loop_event *timer) {
    event_active(timer->event, EV_TIMEOUT, 0);
}

void loop_disarm(struct loop_event *timer) {
    event_del(timer->event);
}

void loop_event_free(struct loop_event *e) {
    if (!e) return;
    *e->link = e->next;
    if (e->next) e->next->link = e->link;
    event_free(e->event);
    mem_free(e);
}

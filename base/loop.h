/* One thread's event loop, by libevent: files to read, timers, signals. */
#ifndef BASE_LOOP_H
#define BASE_LOOP_H
#include <stdbool.h>

struct loop;
struct loop *loop_new(void);    /* NULL: the kernel gives none */
void loop_free(struct loop *l); /* and of its events what is left */
void loop_run(struct loop *l);  /* until loop_stop */
void loop_stop(struct loop *l);

/* A forked child must not call any of these: the kernel's queue is its parent's. */
struct loop_event;
/* Calls `call` whenever fd can be read.  Both start at once. */
struct loop_event *loop_fd(struct loop *l, int fd, void (*call)(void *ctx), void *ctx);
struct loop_event *loop_signal(
    struct loop *l, int signal, void (*call)(void *ctx), void *ctx);
/* Whenever fd can be read or written, of the two what is asked for. */
struct loop_event *loop_socket(
    struct loop *l, int fd, bool read, bool write, void (*call)(void *ctx), void *ctx);
/* Waits for loop_arm, which sets it (anew) to go off once. */
struct loop_event *loop_timer(struct loop *l, void (*call)(void *ctx), void *ctx);
void loop_arm(struct loop_event *timer, double seconds);
void loop_disarm(struct loop_event *timer);
/* Has it go off in this turn of the loop, after all that is due already. */
void loop_soon(struct loop_event *timer);
/* NULL is allowed; also from within its own call. */
void loop_event_free(struct loop_event *e);

void *loop_base(struct loop *l); /* libevent's, for base/http.c */
#endif

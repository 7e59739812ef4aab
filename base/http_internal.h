/* What http.c, http_connection.c, http_listen.c and http_reply.c share. */
#ifndef BASE_HTTP_INTERNAL_H
#define BASE_HTTP_INTERNAL_H
#include <stdint.h>
#include "base/http.h"

#define HTTP_UNREAD_MAX (256u << 10) /* bytes a stream's client may leave unread */
#define HTTP_SWEEP_SECONDS 0.25      /* how exactly deadlines are kept */
#define HTTP_FIRST_SECONDS 1.0       /* at the end, for a new connection's request */
#define HTTP_WHEEL 512               /* a power of two; a turn is over two minutes */
#define HTTP_HEAD_MAX (64u << 10)    /* of an answer */
#define HTTP_SPARE 16                /* requests */
#define HTTP_SPARE_BYTES (64u << 10) /* of an arena, at most */
#define HTTP_BODY_RATE (32u << 10)   /* bytes a second, at least, of a long body */

struct http_connection {
    struct http *http;
    struct http_connection *next, **link; /* of its place in the wheel, or `fresh` */
    struct bufferevent *bev;              /* a reference of our own */
    int fd;                               /* -1: not adopted yet */
    struct http_request *request;         /* in the hands of its handler */
    bool answering;                       /* the answer is on its way */
    bool reading;    /* bytes of a request have come, or must come: it is the first */
    double since;    /* of the beginning of that */
    size_t received; /* bytes of it */
    double deadline; /* clock_seconds; 0: none */
    bool pushing;    /* it is in http.pushed */
    struct http_connection *push_next;
    unsigned long at; /* the tick whose place in the wheel it has; 0: in none */
};
struct http {
    struct loop *loop;
    struct http_settings settings;
    struct evhttp *ev;
    struct http_connection *fresh;  /* evhttp has not been seen to own them yet */
    struct http_connection **by_fd; /* the adopted */
    size_t n_by_fd;
    struct http_connection *wheel[HTTP_WHEEL]; /* by the tick of their deadline */
    struct http_connection *timeless;          /* without a deadline */
    unsigned long tick;                        /* that was swept last */
    unsigned n_connections;
    size_t bodies;       /* bytes, as settings.bodies_bytes counts them */
    bool full, draining; /* listeners are off */
    bool closing;        /* whoever would still answer is gone already */
    struct evhttp_bound_socket *sockets[HTTP_SOCKETS];
    unsigned n_sockets;
    struct http_request *spare; /* ended ones, with their memory */
    unsigned n_spare;
    int64_t date_at; /* seconds since 1970 that `date` is of */
    char date[40];
    struct http_connection *pushed; /* answered in this turn of the loop */
    struct loop_event *sweep, *soon, *shut, *push;
    void (*drained)(void *ctx);
    void *drained_ctx;
};

/* ---- http_connection.c ---- */

/* evhttp_set_bevcb's: every accepted connection begins here. */
struct bufferevent *http_connection_accept(struct event_base *base, void *ctx);
/* Whose request this is; NULL: it has no connection any more. */
struct http_connection *http_connection_of(
    struct http *h, struct evhttp_request *request);
void http_connection_limit(struct http_connection *c, double deadline); /* 0: none */
/* Closes it as soon as the loop turns. */
void http_connection_drop(struct http_connection *c);
/* The answer has gone out: the next request may come. */
void http_connection_rest(struct http_connection *c);
/* Its answer is written in this turn of the loop, as far as the socket takes it: left
 * to evhttp it would first be waited for that it can be. */
void http_connection_push(struct http_connection *c);
void http_connections_init(struct http *h);
void http_connections_free(struct http *h); /* after evhttp's end */
/* For each connection on which nothing is under way. */
void http_connections_idle(struct http *h, void (*call)(struct http_connection *c));
/* evhttp has freed the connection of this request. */
void http_request_closed(struct http_request *r);
/* Ends r after its answer was handed to evhttp (or nobody is there to have it). */
void http_request_end(struct http_request *r);
/* The same when nobody is there to have an answer. */
void http_request_unheard(struct http_request *r);
/* ---- http_head.c ---- */

/* Sends these bytes and ends r; calls f->release, maybe at once, and copies what has
 * none.  Of f nothing else is looked at. */
void http_send(struct http_request *r, int status, const struct http_file *f);
/* Hands over the headers that were added. */
void http_head_to_evhttp(struct http_request *r);
void http_listeners_enable(struct http *h, bool on);
#endif

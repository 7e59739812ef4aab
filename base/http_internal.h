/* What http.c and http_reply.c share. */
#ifndef BASE_HTTP_INTERNAL_H
#define BASE_HTTP_INTERNAL_H
#include "base/http.h"

#define HTTP_UNREAD_MAX (256u << 10) /* bytes a stream's client may leave unread */

struct http_connection {
    struct http_connection *next;
    struct bufferevent *bev; /* a reference of our own */
    double deadline;         /* clock_seconds; 0: none */
};
struct http {
    struct loop *loop;
    struct http_settings settings;
    struct evhttp *ev;
    struct http_connection *connections;
    unsigned n_connections;
    bool full; /* listeners are off */
    struct evhttp_bound_socket *sockets[4];
    unsigned n_sockets;
    struct loop_event *sweep;
};
/* Ends r after its answer was handed to evhttp (or nobody is there to have it). */
void http_request_end(struct http_request *r);
#endif

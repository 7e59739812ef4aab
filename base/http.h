/* An HTTP/1.1 server by libevent's evhttp, and what that leaves out: exactly one Host,
 * no ambiguous body length, caps on headers, body and connections, an absolute deadline
 * for the header, answers with ETag and ranges, streams of server-sent events.
 *
 * Not seen through evhttp, and left to a proxy in front: folded header lines and bare
 * line feeds. */
#ifndef BASE_HTTP_H
#define BASE_HTTP_H
#include <stdbool.h>
#include "base/arena.h"
#include "base/loop.h"
#include "base/str.h"

struct http_request {
    struct arena arena; /* lives as long as the request */
    const char *method; /* "GET" */
    bool head;
    struct str host;      /* as sent, with its port; never empty */
    const char *raw_path; /* as sent, without the query; begins with '/' */
    const char *path;     /* decoded once; no control characters */
    const char *query;    /* as sent, without the '?'; "" when there is none */
    struct http_connection *connection; /* NULL once it is gone */
    struct http *http;
    void *context; /* the handler's own */
    void *ev;      /* evhttp's; NULL once the connection is gone */
    bool streaming, in_handler;
    void (*closed)(void *ctx); /* of a stream */
    void *closed_ctx;
    void *close_event;
    struct buf lines; /* headers of the answer */
    bool cache_control, close;
    struct http_request *next; /* of those that are kept for the next ones */
};

struct http_settings {
    /* Answers r, at once or later, by exactly one call of http_reply*, or makes it a
     * stream. */
    void (*handle)(void *ctx, struct http_request *r);
    /* Answers r, which is none to be handled: 400.  NULL: with a line of text. */
    void (*refuse)(void *ctx, struct http_request *r, const char *why);
    /* r is about to end with this answer; 499: nobody was there to have it.  NULL is
     * allowed. */
    void (*answered)(void *ctx, struct http_request *r, int status, size_t bytes);
    void *ctx;
    unsigned connections; /* at most; more wait in the kernel */
    /* From accepting, or from the first byte of a later request, to the end of the
     * header; a body larger than header_bytes has a second more for each 32 KiB. */
    double header_seconds;
    double idle_seconds;   /* from an answer to the first byte of the next request */
    double answer_seconds; /* for making and reading the whole answer */
    size_t header_bytes, body_bytes;
    /* Of all requests under way together, what is longer than header_bytes; whoever
     * sends more is cut off.  0: any number. */
    size_t bodies_bytes;
};
struct http;
#define HTTP_SOCKETS 16 /* at most */
struct http *http_new(struct loop *l, const struct http_settings *s);
/* Open connections are closed; requests without an answer end: nobody may answer them
 * any more. */
void http_free(struct http *h);
/* A socket that listens on a numeric address, or -1 and errno; *port 0 takes any, and
 * is set to it.  Of the sockets that share a port the first is HTTP_FIRST, which fails
 * when anybody has the port already; the kernel spreads what comes. */
enum http_share { HTTP_ALONE, HTTP_FIRST, HTTP_MORE };
int http_socket(const char *address, unsigned *port, enum http_share share);
/* Listens on a numeric address.  0 or errno; as http_socket. */
int http_listen(struct http *h, const char *address, unsigned *port);
int http_listen_fd(
    struct http *h, int fd); /* 0 or errno; a socket that listens; taken */
/* No more connections and no more requests on those there are; what is under way is
 * answered, with "Connection: close".  Calls `drained` (once, maybe at once) when no
 * connection is left. */
void http_drain(struct http *h, void (*drained)(void *ctx), void *ctx);
unsigned http_connections(const struct http *h);
/* The address it came from, numeric; "" when that has gone. */
const char *http_peer(const struct http_request *r);
/* The body; borrowed until the answer. */
struct str http_body(struct http_request *r);
/* A header of the request; NULL: not there. Borrowed. */
const char *http_header(const struct http_request *r, const char *name);
/* The values of all headers of this name, with commas between them; NULL: there is
 * none. *n: how many. */
const char *http_header_all(struct http_request *r, const char *name, unsigned *n);
/* The value of a cookie, or of a parameter of the query (decoded); NULL: not there. */
char *http_cookie(struct http_request *r, const char *name);
char *http_parameter(struct http_request *r, const char *name);

/* ---- answers; each ends r ---- */

/* For the answer that follows.  A bad name or value is left out. */
void http_add_header(struct http_request *r, const char *name, struct str value);
/* A short text or page; copied.  type NULL: there is none (204). */
void http_reply(struct http_request *r, int status, const char *type, struct str body);
/* Bytes that stay until `release` is called (maybe at once).  With `etag` (quoted) it
 * answers If-None-Match, and ranges when the status is 200. */
struct http_file {
    struct str bytes;
    const char *etag; /* NULL: none */
    void (*release)(void *ctx);
    void *ctx;
};
void http_reply_file(struct http_request *r, int status, const struct http_file *f);

/* ---- server-sent events ---- */

/* r becomes a stream; `closed` is called when the client has gone, and ends r. */
void http_stream(struct http_request *r, void (*closed)(void *ctx), void *ctx);
/* One event; data holds no newline.  A client that does not read is dropped. */
void http_stream_send(struct http_request *r, const char *event, struct str data);
void http_stream_ping(struct http_request *r); /* a comment, so that dead ones show */
#endif

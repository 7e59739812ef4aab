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
    struct http_connection *connection;
    void *ev; /* evhttp's; NULL once the connection is gone */
    bool streaming, in_handler;
    void (*closed)(void *ctx); /* of a stream */
    void *closed_ctx;
    void *close_event;
};

struct http_settings {
    /* Answers r, at once or later, by exactly one call of http_reply*, or makes it a
     * stream. */
    void (*handle)(void *ctx, struct http_request *r);
    void *ctx;
    unsigned connections;  /* at most; more wait in the kernel */
    double header_seconds; /* from accepting to the end of the header */
    double idle_seconds;   /* ... and from one answer to the end of the next header */
    double answer_seconds; /* for reading the whole answer */
    size_t header_bytes, body_bytes;
};
struct http;
struct http *http_new(struct loop *l, const struct http_settings *s);
void http_free(struct http *h); /* open connections are closed */
/* Listens on a numeric address.  0 or errno; *port 0 takes any, and is set to it. */
int http_listen(struct http *h, const char *address, unsigned *port);
/* The body; borrowed until the answer. */
struct str http_body(struct http_request *r);
/* A header of the request; NULL: not there. Borrowed. */
const char *http_header(const struct http_request *r, const char *name);
/* The value of a cookie, or of a parameter of the query (decoded); NULL: not there. */
char *http_cookie(struct http_request *r, const char *name);
char *http_parameter(struct http_request *r, const char *name);

/* ---- answers; each ends r ---- */

/* For the answer that follows.  A bad name or value is left out. */
void http_add_header(struct http_request *r, const char *name, struct str value);
/* A short text or page; copied. */
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

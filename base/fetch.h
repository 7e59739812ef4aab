/* An HTTP client on the event loop, by libcurl: many requests at a time, none of which
 * blocks, each with an end.  Redirections are not followed. */
#ifndef BASE_FETCH_H
#define BASE_FETCH_H
#include <stddef.h>
#include "base/loop.h"
#include "base/str.h"

struct fetch;
/* In the process that asks.  Requests that are under way at fetch_free are never
 * answered. */
struct fetch *fetch_new(struct loop *l);
void fetch_free(struct fetch *f); /* NULL is allowed */

struct fetch_question {
    const char *url;            /* http or https */
    const char *const *headers; /* "Name: value" each, ended by NULL; NULL: none */
    bool post;                  /* else it is a GET */
    struct str body;            /* of a POST */
    double seconds;             /* from asking to the end of the answer */
    size_t max;                 /* bytes of the body; a longer one is no answer */
};
struct fetch_answer {
    int status;      /* 0: there is none */
    struct str body; /* borrowed until `done` returns */
    long max_age;    /* seconds, of Cache-Control; -1: it says nothing */
    const char *why; /* there is no answer; "" otherwise; names no header and no body */
};
/* https, or http to this machine itself: 127.0.0.0/8, ::1 or localhost. */
bool fetch_is_private(const char *url);
/* Copies what q points to.  A connection that was kept and turns out to be dead is
 * replaced, so that a POST may arrive twice.  `done` is called once, never before
 * fetch_ask returns. */
void fetch_ask(struct fetch *f, const struct fetch_question *q,
    void (*done)(void *ctx, const struct fetch_answer *a), void *ctx);
#endif

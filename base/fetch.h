/* What other servers have, fetched on the event loop by libcurl. */
#ifndef BASE_FETCH_H
#define BASE_FETCH_H
#include <stdbool.h>
#include "base/loop.h"
#include "base/str.h"

struct fetcher;
/* In the process that fetches: nothing of it outlives a fork. */
struct fetcher *fetcher_new(struct loop *l);
/* What is under way is dropped: nobody is told.  NULL is allowed. */
void fetcher_free(struct fetcher *f);

/* https, or http to this machine itself: 127.0.0.0/8, ::1 or localhost. */
bool fetch_may(const char *url);

struct fetch_answer {
    const char *why; /* NULL: a status of 200, and the whole body; else why not */
    struct str body; /* borrowed until `done` returns */
    long max_age;    /* seconds, of Cache-Control; -1: it says nothing */
};
struct fetch_question {
    const char *url;  /* as fetch_may allows; copied */
    size_t bytes;     /* of the body, at most */
    unsigned seconds; /* for all of it, at most */
    /* Called once, and never before fetch_get has returned. */
    void (*done)(void *ctx, const struct fetch_answer *a);
    void *ctx;
};
/* GET.  Redirects are not followed. */
void fetch_get(struct fetcher *f, const struct fetch_question *q);
#endif

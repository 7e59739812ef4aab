/* What trpc.c and trpc_wire.c share. */
#ifndef API_TRPC_INTERNAL_H
#define API_TRPC_INTERNAL_H
#include "api/trpc.h"

struct trpc_batch { /* one request */
    struct call *call;
    struct trpc_call *calls;
    size_t n, next; /* next: the first that was not begun */
    size_t asking;  /* of those begun, how many the database has not answered */
    bool batch;     /* asked for as one, be it of one */
    bool lines;     /* answered as a stream of lines */
};
/* Reads what is asked for into b.  False: the request was answered. */
bool trpc_wire_read(struct trpc_batch *b);
/* Answers the request, and frees what the calls hold. */
void trpc_wire_reply(struct trpc_batch *b);
#endif

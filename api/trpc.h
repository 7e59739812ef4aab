/* tRPC over HTTP, with superjson: procedures, and the calls of them.
 *
 * A request holds one call, or a batch.  Each call is a question of its own to the
 * database, a few at once, so that a batch leaves room for others; the answers are in
 * the order of the calls. */
#ifndef API_TRPC_H
#define API_TRPC_H
#include "api/call.h"
#include "api/superjson.h"

#define TRPC_BATCH_MAX 20
#define TRPC_VALUES_MAX 10

enum trpc_type {
    TRPC_ID,      /* a uuid; any other text is of nothing that exists */
    TRPC_TEXT,    /* min to max characters */
    TRPC_LINE,    /* the same, trimmed, without line breaks */
    TRPC_INTEGER, /* min to max */
    TRPC_WORD,    /* one of `words` */
    TRPC_DATE     /* a Date, or a text such as "2026-01-02T03:04:05Z" */
};
struct trpc_field {
    const char *name; /* NULL ends the list */
    enum trpc_type type;
    bool required;
    long min, max;
    const char *words[5];  /* ended by NULL */
    const char *otherwise; /* when it is not given; NULL: SQL's null */
    const char *missing;   /* of an id: what there is not */
};
struct trpc_mark {    /* of what a procedure answers */
    const char *path; /* "posts.*.createdAt" */
    const char *type; /* superjson's; "undefined" is for null only */
};
struct trpc_call;
struct trpc_procedure {
    const char *name, *summary;
    bool mutation;
    enum rank who; /* at least this; RANK_NONE: anybody */
    const struct trpc_field *input;
    const char *sql; /* answers JSON text; $1 and on: the fields in their order, then
                        what `prepare` adds */
    const struct trpc_mark *marks; /* ended by a NULL path */
    /* Checks what a field alone cannot tell.  False: t has failed, or has field errors.
     */
    bool (*prepare)(struct trpc_call *t);
    /* Puts the last hand to the answer.  False: t has failed. */
    bool (*finish)(struct trpc_call *t, json_t *answer);
};
extern const struct trpc_procedure *const trpc_procedures[]; /* ended by NULL */
extern const struct trpc_procedure trpc_posts_list, trpc_posts_create,
    trpc_members_list, trpc_members_get, trpc_current_user;

struct trpc_batch;
struct trpc_call {    /* one of a request's */
    struct call call; /* as the request's, so that it can ask for itself */
    struct trpc_batch *batch;
    const char *path;                       /* the name that was asked for */
    const struct trpc_procedure *procedure; /* NULL: there is none */
    const char *unreadable;                 /* what is wrong with its input as such */
    struct superjson input, output;
    const char *values[TRPC_VALUES_MAX]; /* of $1 and on */
    int n_values;
    json_t *wrong; /* field -> messages; NULL: all is well */
    int status;    /* of the answer */
    json_t *error; /* its shape; NULL: output is the answer */
};

/* GET and POST /api/trpc/{procedures} */
void handle_trpc(struct call *c);

/* Ends t with an error. */
void trpc_fail(struct trpc_call *t, int status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void trpc_add_value(struct trpc_call *t, const char *value);
/* Of the fields, in their order; NULL: not given. */
const char *trpc_value(const struct trpc_call *t, const char *field);

/* Checks t's input and fills its values.  False: t has failed, or trpc_wrong was
 * called. */
bool trpc_input_read(struct trpc_call *t);
void trpc_wrong(struct trpc_call *t, const char *field, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
#endif

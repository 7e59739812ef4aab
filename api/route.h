/* The table of routes: what is checked before a handler sees a request. */
#ifndef API_ROUTE_H
#define API_ROUTE_H
#include <stdbool.h>
#include "api/call.h"

struct route_parameter { /* of the query, for the document and for those who read */
    const char *name, *type, *summary; /* type: string, integer, boolean */
};
struct route {
    const char *method; /* GET is HEAD too */
    const char *path;   /* "/api/posts/{slug}": a name stands for one part; a final
                           "/{rest*}" for all that follows */
    enum rank who;      /* at least this; RANK_NONE: anybody */
    bool signed_in;     /* somebody at least, though no member */
    bool anywhere;      /* needs no tenant: any Host will do; nobody is signed in */
    bool insiders;      /* only for this machine and --metrics-from; 404 for others */
    bool always;        /* for a tenant that is not paid for or suspended, too, and at
                           a host that its plan does not allow */
    const char *needs;  /* what the tenant's plan must not refuse; NULL: nothing */
    const char *counts; /* the limit of the plan that a request uses up; NULL: none */
    enum limit_class limit; /* what it counts as; LIMIT_AUTO: as its method says */
    size_t body;            /* bytes at most; 0: none may be sent */
    void (*handle)(struct call *c);      /* answers, at once or later */
    const char *tag, *summary;           /* for the document; NULL summary: not in it */
    const struct route_parameter *query; /* ended by a NULL name; NULL: none */
    const char *sends, *gives; /* schemas of api/schemas.json; NULL: no body */
    const char *sends_type, *gives_type, *gives_status; /* NULL: JSON, 200 */
    bool cached; /* has an ETag: 304 is an answer */
};
extern const struct route routes[]; /* ended by a NULL path */
size_t routes_count(void);

/* The route of this method and path; NULL: none, and *allow lists the methods the path
 * has ("": the path is unknown).  Fills `parts` (at most 2). */
const struct route *route_find(const char *method, const char *path, struct arena *a,
    const char *parts[2], char **allow);
#endif

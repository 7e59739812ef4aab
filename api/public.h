/* Parameters of the public routes: read once, all that is wrong told at once. */
#ifndef API_PUBLIC_H
#define API_PUBLIC_H
#include "api/call.h"

#define PUBLIC_LIMIT 20
#define PUBLIC_LIMIT_MAX 100
#define PUBLIC_CURSOR_SIZE 49

struct public_query { /* of GET /api/posts */
    unsigned limit;
    const char *tag, *space;      /* NULL: any */
    const char *after, *after_id; /* the place of the cursor; NULL: from the start */
    struct str parameters;        /* the same for whatever means the same */
};
/* Unknown parameters count for nothing.  False: answered with 400. */
bool public_query_read(struct call *c, struct public_query *q);
/* The cursor behind a post: `shown` as Postgres writes a time in UTC.  False: it is
 * none. */
bool public_cursor(char out[PUBLIC_CURSOR_SIZE], const char *shown, const char *id);
/* "2026-05-12 08:00:00.5+00" -> "2026-05-12T08:00:00.500Z"; at most 24 characters. */
void public_time(char out[32], const char *timestamp);
#endif

/* Errors as application/problem+json (RFC 9457), or as tRPC has them. */
#ifndef API_PROBLEM_H
#define API_PROBLEM_H
#include "base/json.h"

/* "Not Found"; "Error" for a number that HTTP does not know. */
const char *problem_title(int status);
/* Appends
 * {"type":"about:blank","title":...,"status":...,"detail":...,"request_id":...}; empty
 * texts are left out. */
void problem_write(struct buf *b, int status, const char *detail, const char *request);
/* The same for clients of tRPC: the shape of an error, {"message","code","data":{...}}.
 * `message` "" is the name of the code; path NULL is left out.  New reference. */
json_t *problem_trpc(int status, const char *message, const char *path);
/* Whether errors of this path are tRPC's. */
bool problem_is_trpc(const char *path);
#endif

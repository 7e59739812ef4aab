/* Errors as application/problem+json (RFC 9457). */
#ifndef API_PROBLEM_H
#define API_PROBLEM_H
#include "base/str.h"

/* "Not Found"; "Error" for a number that HTTP does not know. */
const char *problem_title(int status);
/* Appends
 * {"type":"about:blank","title":...,"status":...,"detail":...,"request_id":...}; empty
 * texts are left out. */
void problem_write(struct buf *b, int status, const char *detail, const char *request);
#endif

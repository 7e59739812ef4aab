/* The log: a line of JSON for each request, written once for each turn of the loop.
 *
 * A line holds the route, never the path; no query, no header but the request's id, no
 * body: what is secret in a request has no way in. */
#ifndef API_LOG_H
#define API_LOG_H
#include <stdbool.h>
#include "base/loop.h"
#include "base/str.h"

struct log;
/* Writes to `where`: "stderr", "off" or a file, which is made, or continued.  A file
 * that cannot be opened: NULL, and errno. */
struct log *log_open(struct loop *l, const char *where);
void log_close(struct log *g); /* writes what is left; NULL is allowed */
bool log_is_off(const struct log *g);
void log_reopen(struct log *g); /* the file was moved away */
struct log_line {
    const char *id, *tenant, *method, *route, *client, *note; /* NULL: none */
    int status;
    size_t bytes;
    double seconds;
    unsigned worker;
};
void log_request(struct log *g, const struct log_line *line);
/* Lines since the last call that nobody took in time. */
unsigned log_dropped(struct log *g);
#endif

/* One worker process: its loop, from the first request to the last. */
#ifndef API_SERVE_H
#define API_SERVE_H
#include <signal.h>
#include "api/server.h"

struct meters;
struct serve_plan {
    const struct settings *settings;
    struct tenants *tenants; /* one reference is the worker's */
    struct metrics *metrics;
    struct limits *limits;
    struct meters *meters;
    unsigned number;    /* from 0 */
    const int *sockets; /* that listen; taken */
    unsigned n_sockets;
    const sigset_t *mask; /* of signals, once each has its handler */
    int ready; /* a byte is written to it once requests are answered, then it is closed
                */
};
/* Serves until SIGTERM or SIGINT, then what is under way.  Reloads at SIGHUP.  The exit
 * code. */
int serve(const struct serve_plan *plan);
#endif

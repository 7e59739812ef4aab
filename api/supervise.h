/* The parent of the worker processes: it has the sockets, starts the workers, starts
 * them anew when they die, and passes on what it is told by signals. */
#ifndef API_SUPERVISE_H
#define API_SUPERVISE_H
#include "api/settings.h"
#include "api/tenants.h"

/* Until SIGTERM or SIGINT.  One reference of `t` is taken.  The exit code. */
int supervise(const struct settings *s, struct tenants *t);
#endif

/* What the operator asks of tenantry-api: the command line, then the environment, then
 * what is usual.  A new setting is a row in api/settings.c and a member here. */
#ifndef API_SETTINGS_H
#define API_SETTINGS_H
#include <stdbool.h>
#include <stddef.h>
#include "base/arena.h"
#include "base/net.h"

enum { SETTINGS_LISTEN_MAX = 8, SETTINGS_NETS_MAX = 32 };
struct settings_listen {
    const char *address; /* numeric */
    unsigned port;       /* 0: any */
};
struct settings_nets {
    struct net items[SETTINGS_NETS_MAX];
    unsigned n;
};
enum limit_class { /* what is counted together */
    LIMIT_AUTO,    /* of a route: reads or writes, as its method says */
    LIMIT_READS,
    LIMIT_WRITES,
    LIMIT_LOGIN,
    LIMIT_CLASSES
};
struct limit_rate {
    double rate, burst; /* a second; at once.  rate 0: no limit */
};
struct settings {
    struct arena arena;
    const char *directory; /* -C: the workspace */
    const char *database;  /* --database, else DATABASE_URL; NULL: none */
    struct settings_listen listen[SETTINGS_LISTEN_MAX];
    unsigned n_listen;
    unsigned workers;              /* processes */
    unsigned connections;          /* to the database, for each worker */
    unsigned clients;              /* connections of clients, for each worker */
    bool snapshots;                /* public reads from memory */
    struct settings_nets proxies;  /* whose X-Forwarded-... count */
    struct settings_nets watchers; /* who may read /metrics and /readyz, besides
                                      loopback */
    struct limit_rate client_limits[LIMIT_CLASSES], tenant_limits[LIMIT_CLASSES];
    const char *log;        /* "stderr", "off" or a file */
    unsigned drain_seconds; /* that requests under way may take at the end */
    bool check;             /* --check-config: say whether all is well, and end */
};
/* -1: go on; else the exit code (help was shown, or something is wrong, all of which
 * was said). */
int settings_read(struct settings *s, int argc, char **argv);
void settings_dispose(struct settings *s);
/* A secret: the variable TENANTRY_API_<NAME>, or the file that the variable
 * TENANTRY_API_<NAME>_FILE names, or the file <name> (lower case, - for _) in systemd's
 * $CREDENTIALS_DIRECTORY; without its last line end.  NULL: there is none, or *err says
 * (errno, and *where the file) why it cannot be read.  Read anew each time. */
char *settings_secret(struct arena *a, const char *name, int *err, const char **where);
bool settings_nets_have(const struct settings_nets *n, const struct net_address *a);
#endif

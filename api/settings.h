/* What the operator asks of tenantry-api: the command line, then the environment, then
 * what is usual.  A new setting is a row in api/settings.c and a member here. */
#ifndef API_SETTINGS_H
#define API_SETTINGS_H
#include <stdbool.h>
#include <stddef.h>
#include "base/arena.h"
#include "base/net.h"
#include "base/str.h"

enum { SETTINGS_LISTEN_MAX = 8, SETTINGS_NETS_MAX = 32, SETTINGS_DOMAINS_MAX = 32 };
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
    const char *log;         /* "stderr", "off" or a file */
    unsigned header_seconds; /* that a request may take to arrive */
    unsigned drain_seconds;  /* that requests under way may take at the end */
    bool check;              /* --check-config: say whether all is well, and end */
    /* The platform's own: hosts that every tenant may have, whatever its plan says of a
     * domain of its own.  None: all hosts are. */
    const char *platform[SETTINGS_DOMAINS_MAX];
    unsigned n_platform;
    /* Who may come in. */
    const char *jwt_secret;    /* HS256, of the environment alone; NULL: no such */
    const char *jwt_secret_id; /* kid of those tokens; NULL: they have none */
    const char *jwt_issuer, *jwt_audience; /* what iss and aud must say; NULL: free */
    const char *jwks;                      /* file or URL of public keys; NULL: none */
    unsigned jwt_leeway;                   /* seconds that clocks may differ */
    unsigned session_seconds;              /* of a browser's session, from its login */
    unsigned idle_seconds;                 /* ... and from its last use */
    const char *media_secret; /* signs addresses of photos (api/photo.h); NULL: none */
    bool plain_cookies; /* the site is plain http: cookies without Secure (development)
                         */
};
/* -1: go on; else the exit code (help was shown, or something is wrong, all of which
 * was said). */
int settings_read(struct settings *s, int argc, char **argv);
void settings_dispose(struct settings *s);
bool settings_nets_have(const struct settings_nets *n, const struct net_address *a);
/* Whether this host, as sent, is one of the platform's own domains or below one; true
 * where none is set. */
bool settings_platform_has(const struct settings *s, struct str host);
#endif

/* What the operator asks of tenantry-api: the command line, then the environment. */
#ifndef API_SETTINGS_H
#define API_SETTINGS_H
#include <stdbool.h>
#include "base/arena.h"

struct settings {
    struct arena arena;
    const char *directory; /* -C: the workspace */
    const char *database;  /* --database, else DATABASE_URL; NULL: none */
    const char *address;   /* of --listen */
    unsigned port;         /* 0: any */
    unsigned connections;  /* to the database, for each worker */
    bool snapshots;        /* public reads from memory */
    /* Who may come in; of the environment alone. */
    const char *jwt_secret;    /* HS256; NULL: no such tokens */
    const char *jwt_secret_id; /* kid of those tokens; NULL: they have none */
    const char *jwt_issuer, *jwt_audience; /* what iss and aud must say; NULL: free */
    const char *jwks;                      /* file or URL of public keys; NULL: none */
    unsigned jwt_leeway;                   /* seconds that clocks may differ */
    unsigned session_seconds;              /* of a browser's session, from its login */
    unsigned idle_seconds;                 /* ... and from its last use */
    bool plain_cookies; /* the site is plain http: cookies without Secure (development)
                         */
};
/* -1: go on; else the exit code (help was shown, or something is wrong, which was
 * said). */
int settings_read(struct settings *s, int argc, char **argv);
/* The part about who may come in; the same results. */
int settings_read_identity(struct settings *s);
void settings_dispose(struct settings *s);
#endif

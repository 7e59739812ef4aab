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
};
/* -1: go on; else the exit code (help was shown, or something is wrong, which was
 * said). */
int settings_read(struct settings *s, int argc, char **argv);
void settings_dispose(struct settings *s);
#endif

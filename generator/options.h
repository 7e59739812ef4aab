/* What the command line asks of a build. */
#ifndef GENERATOR_OPTIONS_H
#define GENERATOR_OPTIONS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct options {
    const char *dir;       /* the workspace */
    const char *out;       /* relative to the working directory; NULL: DIR/out */
    const char *templates; /* NULL: DIR/templates */
    const char **only;     /* tenant ids; none: all */
    size_t n_only;
    const char *database; /* --database: a connection string; NULL: not given */
    unsigned jobs;        /* worker processes */
    int64_t now;          /* the build's clock, seconds since 1970 */
    bool drafts, noindex, strict, durable;
    bool json;     /* --format json */
    bool explain;  /* say why each tenant is made anew */
    bool watch;    /* stay, and follow what changes */
    bool stale;    /* with the rows that are kept when the database does not answer */
    bool check;    /* render and lint, write nothing */
    int verbosity; /* -1 quiet, 0, 1 verbose */
};
#endif

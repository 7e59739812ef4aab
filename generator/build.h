/* The whole build: read, plan, render, publish, for every tenant of a workspace. */
#ifndef GENERATOR_BUILD_H
#define GENERATOR_BUILD_H
#include "generator/cache.h"
#include "generator/options.h"
#include "generator/site.h"

enum { EXIT_FINE = 0, EXIT_INPUT = 1, EXIT_USAGE = 2, EXIT_MACHINE = 3 };

/* Opens the workspace and reads what all tenants share: their domains, the default
 * tenant, the themes.  Tenants that may not publish are in `broken`. */
struct build_inputs {
    struct build build;
    struct diag_list *diags;
    const char **ids; /* the tenants to make, in byte order */
    size_t n_ids;
    struct hash *configs; /* of each tenant of the workspace; not known: it is wrong */
    struct map broken;    /* tenant id -> anything: its config is wrong, or another owns
                             its domain */
    struct map domains_of; /* tenant id -> number of its domains (as a pointer), valid
                              tenants only */
};
/* False: the workspace cannot be used at all; reported. */
bool build_open(
    struct build_inputs *in, const struct options *o, struct diag_list *diags);
/* The same, without reading the configs of tenants that the cache knows to be
 * unchanged; NULL: none. */
bool build_open_known(struct build_inputs *in, const struct options *o,
    const struct cache *cache, struct diag_list *diags);
void build_close(struct build_inputs *in);

/* Builds (or, with options->check, only checks), prints diagnostics and the summary.
 * Returns the exit code. */
int build_run(const struct options *o);
#endif

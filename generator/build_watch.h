/* `tenantry build --watch`: a build that stays.  After a build as any other it follows
 * the rows and the files, and makes anew, by processes that have all they need at hand,
 * the tenants that something changed for.
 *
 * Nothing rests on being told.  What changed in the database is found by looking
 * (pull_look), exactly, whenever a notification comes, whenever the connection comes
 * back, and every few seconds; what a date changes is known when a tenant is made. */
#ifndef GENERATOR_BUILD_WATCH_H
#define GENERATOR_BUILD_WATCH_H
#include "generator/options.h"

/* Returns the exit code: that of the first build when it failed, else 0 once a signal
 * ends it. */
int build_watch(const struct options *o);
#endif

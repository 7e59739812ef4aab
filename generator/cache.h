/* What the last builds saw and made, so that work that would give the same again is not
 * done again.  A tenant is the unit: it is made anew when anything that it could depend
 * on is not as it was.
 *
 * The file is out/.tenantry/cache, replaced at the end of a build.  Without it, or when
 * it is damaged or of another program, everything is built. */
#ifndef GENERATOR_CACHE_H
#define GENERATOR_CACHE_H
#include "generator/cache_scan.h"
#include "generator/publish.h"
#include "generator/site.h"

struct cache;
/* Whether there is a cache in the output folder, which then is there too. */
bool cache_exists(const char *out);
/* Reads the cache of an open (locked) output folder and looks at everything that the
 * tenants asked for depend on.  Call it before anything of the workspace is read: what
 * changes later is then seen by the next build.  Never NULL. */
struct cache *cache_open(const struct options *o, const struct out_dir *out);
void cache_close(struct cache *c);

/* Nothing at all changed since a build of the whole workspace: its result, below, is
 * that of this build.  The tenants are cache_ids. */
bool cache_is_current(const struct cache *c);
const char **cache_ids(struct cache *c, size_t *n); /* in the cache's arena */
/* Adds what the parent process had to say. */
void cache_shared_diags(const struct cache *c, struct diag_list *diags);

/* Of a tenant of which nothing changed, what its config says: its hash, its theme, and
 * its domains, which are added to `hosts`.  False: something changed. */
bool cache_tenant(const struct cache *c, const char *id, struct hash *config,
    const char **theme, struct hosts *hosts, size_t *n_domains);
/* hosts.json and nginx.conf are as a build of the whole workspace left them. */
bool cache_hosts_stand(const struct cache *c);

/* What the parent has read since: the domains, the default tenant, and of each tenant
 * of the workspace (in the order of its ids) the hash of its config. */
void cache_meet(struct cache *c, const struct build *b, const struct hash *configs);
/* Why the tenant must be made anew; NULL: it need not. */
const char *cache_reason(const struct cache *c, const char *id);
/* The result of an unchanged tenant, as render_tenant would give it (new reference),
 * and what it had to say. */
json_t *cache_result(const struct cache *c, const char *id, struct diag_list *diags);

/* In the worker, around the making of one tenant. */
struct cache_watch {
    const char *id;
    struct buf tenant, content; /* snapshots of its folders */
};
void cache_watch_begin(const struct cache *c, const char *id, struct cache_watch *w);
/* Appends to `record` what cache_add takes; nothing when the tenant has errors or its
 * files changed in the meantime.  `config`: of what the parent read. */
void cache_watch_end(const struct cache *c, const struct build *b,
    struct cache_watch *w, const struct hash *config, json_t *result,
    const struct diag_list *diags, struct buf *record);

/* In the parent: the tenant was made; an empty record forgets it. */
void cache_add(struct cache *c, const char *id, struct str record);
/* Writes the cache, if it differs.  After a build of the whole workspace `shared` is
 * what the parent had to say, else NULL.  `b`: tenants that are not in its
 * workspace are forgotten; NULL: all is as before. */
void cache_write(
    struct cache *c, const struct build *b, const struct diag_list *shared);
#endif

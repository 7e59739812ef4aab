/* out/hosts.json and out/nginx.conf: which host is which tenant's, and how nginx serves
 * it. */
#ifndef GENERATOR_HOSTMAP_H
#define GENERATOR_HOSTMAP_H
#include "base/diag.h"
#include "base/json.h"
#include "generator/publish.h"

/* {"hosts": {"fiveducks.ai": {"tenant": "5ducks", "tree": "fiveducks.ai", "canonical":
 * "fiveducks.ai"}, ...}} as the last build left it; an empty object when there is none
 * or it is damaged.  New reference. */
json_t *hostmap_read(const struct out_dir *out);
/* The tenant that publishes a host (matched form), or NULL. */
const char *hostmap_tenant(const json_t *map, const char *key);
/* Puts the trees a tenant has just published into the map: `sites` as in its result,
 * the canonical one first. */
void hostmap_put(json_t *map, const char *tenant, const json_t *sites);
/* Takes out every host whose tenant `gone` names. */
void hostmap_drop(json_t *map, bool (*gone)(void *ctx, const char *tenant), void *ctx);
/* Writes both files, when they differ from what is there. Hosts without a tree are left
 * out.  0 or errno. */
int hostmap_write(const struct out_dir *out, json_t *map);
#endif

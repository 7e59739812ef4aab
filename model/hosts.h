/* Host name -> tenant, one rule for generator, preview, nginx.conf and API. */
#ifndef MODEL_HOSTS_H
#define MODEL_HOSTS_H
#include <stdbool.h>
#include <stddef.h>
#include "base/arena.h"
#include "base/diag.h"
#include "base/str.h"

/* Lower case, port and one trailing dot removed; NULL when it is no host name (empty,
 * bad character, label over 63, whole over 253, "*"). `www.` stays. */
char *host_clean(struct arena *a, struct str host);
bool host_valid(struct str host); /* whether host_clean finds a host name */
/* The form that is matched: host_clean minus a leading "www.". */
char *host_key(struct arena *a, struct str host);

struct host {
    const char *key;    /* matched form */
    const char *name;   /* as listed, cleaned (www. kept) */
    const char *tenant; /* id */
    struct diag_place place;
};
struct hosts {
    struct arena arena;
    struct host *items; /* sorted by key, then order of arrival */
    size_t n, cap;
    bool sorted;
};
void hosts_init(struct hosts *h);
void hosts_dispose(struct hosts *h);
void hosts_add(
    struct hosts *h, const char *tenant, const char *domain, struct diag_place place);
/* Exact key, else the longest listed key that is a suffix of it at a label boundary;
 * NULL: nobody's (421). */
const struct host *hosts_find(struct hosts *h, struct str host);
/* Reports domains claimed by two tenants (an error at each place, each naming the
 * other) and one tenant's name below another's (a notice).  `publishes(ctx, key)` names
 * the tenant that already publishes a contested domain, or NULL; `lost(ctx, tenant)` is
 * told each tenant that may not publish because of it. */
bool hosts_check(struct hosts *h, const char *(*publishes)(void *ctx, const char *key),
    void (*lost)(void *ctx, const char *tenant), void *ctx, struct diag_list *diags);
#endif

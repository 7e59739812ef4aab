/* The memory of the snapshots: answers by key, tenant by tenant, the least used one
 * going first. */
#ifndef API_SNAPSHOT_STORE_H
#define API_SNAPSHOT_STORE_H
#include "base/http.h"
#include "base/map.h"

#define SNAPSHOT_ENTRIES 8192      /* of a worker */
#define SNAPSHOT_BYTES (64u << 20) /* of a worker */
#define SNAPSHOT_TENANT_SHARE 4    /* one tenant has at most a fourth of either */

struct snapshot_windows;
struct snapshot_entry {
    struct snapshot_entry *next, *newer, *older; /* in the bucket; by use */
    struct snapshot_entry *after, **before;      /* of the tenant */
    struct snapshot_tenant *tenant;              /* NULL: not in the store */
    struct str key;
    struct buf body;
    const struct snapshot_windows *windows;
    char etag[36]; /* quoted */
    double asked;  /* clock_seconds when it was read at the latest */
    double right;  /* ... until when it is the right answer; 0: no end */
    unsigned references;
    long control_left; /* what `control` was made for */
    char control[160]; /* Cache-Control */
};
struct snapshot_tenant {
    struct snapshot_entry *first;
    size_t entries, bytes;
};
struct snapshot_store {
    struct snapshot_entry **buckets;
    size_t n_buckets; /* a power of two */
    struct snapshot_entry *newest, *oldest;
    struct map tenants; /* slug -> struct snapshot_tenant */
    size_t entries, bytes;
};
void store_init(struct snapshot_store *s);
void store_dispose(struct snapshot_store *s);
/* NULL: not there.  What is found is the most recently used now. */
struct snapshot_entry *store_find(struct snapshot_store *s, struct str key);
/* Copies key and body; one reference is the caller's. */
struct snapshot_entry *entry_new(struct str key, struct str body);
/* Takes a reference; replaces what has the same key. */
void store_add(struct snapshot_store *s, const char *slug, struct snapshot_entry *e);
/* All of a tenant (NULL: of everybody). */
void store_forget(struct snapshot_store *s, const char *slug);
void entry_keep(struct snapshot_entry *e);
void entry_drop(void *entry);
#endif

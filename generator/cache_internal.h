/* What the cache*.c files share. */
#ifndef GENERATOR_CACHE_INTERNAL_H
#define GENERATOR_CACHE_INTERNAL_H
#include "generator/cache.h"

#define CACHE_FILE ".tenantry/cache"

enum cache_option { CACHE_DRAFTS = 1, CACHE_NOINDEX = 2 };

/* One tenant.  In the file: head, then the texts, each as a chunk. */
struct record_head {
    struct hash settings, shared, theme, lender, templates; /* what it was made with */
    uint32_t options, unused;
    int64_t since, until; /* the build times for which it is the same */
};
struct record {
    struct record_head head;
    struct str id;
    struct str layers; /* its theme and what that is layered over: "a\0default\0" */
    struct str asked; /* hosts that its documents name, and whose they are: "h\0id\0" */
    struct str hosts; /* its trees: "acme.example\0" */
    struct str result;          /* JSON, as if nothing had changed */
    struct str diags;           /* packed */
    struct str tenant, content; /* snapshots of tenants/<id> and content/<id> */
    /* Beside it in the file. */
    struct str trees; /* a struct stamp for each of hosts */
    struct str
        domains; /* what its config lists, and where: "acme.example\0" "3:14\0" */
    /* Of this run. */
    const char *reason; /* to make it anew; NULL: none */
    bool looked_at;
    bool made; /* in this run */
};

/* A folder that many tenants depend on. */
struct shared_set {
    const char *name; /* "_shared", or of a theme */
    struct buf scan;
    struct hash digest;
    const char *difference; /* found in this run; NULL: none */
};

struct cache_head {
    char magic[16];
    struct hash program;
    unsigned char checksum[32]; /* of the whole file, with this field zero */
    uint64_t bytes;
    uint32_t themes, records;
    uint64_t
        whole; /* the last build was of all tenants, and sound: each has a record */
    struct stamp tenants, out, hosts_json, nginx_conf;
    struct stamp settings_stamp; /* of tenantry.json */
    struct hash settings;
    struct hash lender_config, lender; /* the default tenant's config; its pricing */
};

struct cache {
    const struct options *options;
    const struct out_dir *out;
    struct arena arena;
    struct root dir, tenants, content, templates;
    /* As it was read. */
    void *map;
    size_t map_size;
    const char *why_empty; /* there is no usable cache */
    struct str lender_id, diags;
    struct str shared_scan;                /* old */
    struct str *theme_names, *theme_scans; /* old */
    size_t n_old_themes;
    /* As it is now. */
    struct cache_head head;
    struct shared_set shared, *themes;
    size_t n_themes;
    struct record *records; /* by id */
    size_t n, cap;
    struct map by_id;  /* id -> index + 1 */
    bool same_tenants; /* the folder tenants/ holds the same names */
    bool dirty;        /* the file does not say what is known now */
};

/* cache_file.c */
struct str chunk_take(struct str *rest, bool *ok);
void chunk_put(struct buf *b, struct str s);
bool record_read(struct record *r, struct str bytes);
void record_put(struct buf *b, const struct record *r);
void cache_load(struct cache *c);
struct record *cache_find(const struct cache *c, const char *id);
/* cache_look.c */
void cache_look(struct cache *c);
bool cache_shared_stands(const struct cache *c);
/* Of a theme and what it is layered over; not known when one of them is not there. */
struct hash cache_theme(const struct cache *c, struct str layers);
struct hash cache_text_hash(const char *text);
/* cache_program.c */
struct hash cache_program(void);
#endif

#include "api/snapshot_store.h"

#include <stdint.h>
#include <stdio.h>

#include "base/crypto.h"
#include "base/hash.h"
#include "base/mem.h"

#define BUCKETS (SNAPSHOT_ENTRIES * 2)
#define OVERHEAD (sizeof(struct snapshot_entry) + 64) /* of an entry, roughly */

void store_init(struct snapshot_store *s) {
    *s = (struct snapshot_store){.n_buckets = BUCKETS};
    s->buckets = mem_calloc(BUCKETS, sizeof(struct snapshot_entry *));
}

void store_dispose(struct snapshot_store *s) {
    store_forget(s, NULL);
    for (size_t i = 0; i < s->tenants.size; i++) {
        struct map_slot *slot = &s->tenants.slots[i];
        if (!slot->key.ptr) continue;
        mem_free((char *)slot->key.ptr);
        mem_free(slot->value);
    }
    map_dispose(&s->tenants);
    mem_free(s->buckets);
}

static struct snapshot_entry **bucket_of(struct snapshot_store *s, struct str key) {
    return &s->buckets[hash_name(key) & (s->n_buckets - 1)];
}

static size_t size_of(const struct snapshot_entry *e) {
    return e->body.len + e->key.len + OVERHEAD;
}

/* ---- entries ---- */

struct snapshot_entry *entry_new(struct str key, struct str body) {
    struct snapshot_entry *e = mem_calloc(1, sizeof *e);
    char *copy = mem_alloc(key.len + 1), hex[SHA256_HEX_SIZE];
    memcpy(copy, key.ptr, key.len);
    copy[key.len] = '\0';
    e->key = (struct str){copy, key.len};
    buf_init(&e->body, 0);
    buf_str(&e->body, body);
    sha256_hex(body, hex);
    snprintf(e->etag, sizeof e->etag, "\"%.32s\"", hex);
    e->references = 1;
    e->control_left = -2;
    return e;
}

void entry_keep(struct snapshot_entry *e) {
    e->references++;
}

void entry_drop(void *entry) {
    struct snapshot_entry *e = entry;
    if (--e->references) return;
    buf_dispose(&e->body);
    mem_free((char *)e->key.ptr);
    mem_free(e);
}

/* ---- by use ---- */

static void unlink_use(struct snapshot_store *s, struct snapshot_entry *e) {
    *(e->newer ? &e->newer->older : &s->newest) = e->older;
    *(e->older ? &e->older->newer : &s->oldest) = e->newer;
    e->newer = e->older = NULL;
}

static void link_use(struct snapshot_store *s, struct snapshot_entry *e) {
    e->older = s->newest;
    if (s->newest)
        s->newest->newer = e;
    else
        s->oldest = e;
    s->newest = e;
}

static void take_out(struct snapshot_store *s, struct snapshot_entry *e) {
    struct snapshot_entry **at = bucket_of(s, e->key);
    while (*at != e) at = &(*at)->next;
    *at = e->next;
    unlink_use(s, e);
    *e->before = e->after;
    if (e->after) e->after->before = e->before;
    e->tenant->entries--;
    e->tenant->bytes -= size_of(e);
    s->entries--;
    s->bytes -= size_of(e);
    e->tenant = NULL;
    entry_drop(e);
}

struct snapshot_entry *store_find(struct snapshot_store *s, struct str key) {
    struct snapshot_entry *e = *bucket_of(s, key);
    while (e && !str_equal(e->key, key)) e = e->next;
    if (e && e != s->newest) {
        unlink_use(s, e);
        link_use(s, e);
    }
    return e;
}

/* ---- by tenant ---- */

static struct snapshot_tenant *tenant_of(struct snapshot_store *s, const char *slug) {
    struct snapshot_tenant *t = map_get(&s->tenants, str_from(slug));
    if (t) return t;
    t = mem_calloc(1, sizeof *t);
    map_add(&s->tenants, str_from(mem_strdup(slug)), t);
    return t;
}

static struct snapshot_entry *oldest_of(const struct snapshot_tenant *t) {
    struct snapshot_entry *e = t->first;
    while (e && e->after) e = e->after;
    return e;
}

static void make_room(struct snapshot_store *s, struct snapshot_tenant *t) {
    while (t->entries > SNAPSHOT_ENTRIES / SNAPSHOT_TENANT_SHARE ||
           t->bytes > SNAPSHOT_BYTES / SNAPSHOT_TENANT_SHARE)
        take_out(s, oldest_of(t));
    while (s->entries > SNAPSHOT_ENTRIES || s->bytes > SNAPSHOT_BYTES)
        take_out(s, s->oldest);
}

void store_add(struct snapshot_store *s, const char *slug, struct snapshot_entry *e) {
    struct snapshot_entry *old = store_find(s, e->key);
    struct snapshot_tenant *t = tenant_of(s, slug);
    struct snapshot_entry **bucket = bucket_of(s, e->key);
    if (old) take_out(s, old);
    entry_keep(e);
    e->next = *bucket;
    *bucket = e;
    link_use(s, e);
    e->tenant = t;
    e->after = t->first;
    e->before = &t->first;
    if (t->first) t->first->before = &e->after;
    t->first = e;
    t->entries++;
    t->bytes += size_of(e);
    s->entries++;
    s->bytes += size_of(e);
    make_room(s, t);
}

void store_forget(struct snapshot_store *s, const char *slug) {
    if (!slug) {
        while (s->newest) take_out(s, s->newest);
        return;
    }
    struct snapshot_tenant *t = map_get(&s->tenants, str_from(slug));
    while (t && t->first) take_out(s, t->first);
}

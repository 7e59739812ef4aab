/* The file: a head, and chunks of bytes behind it, each with its length before it and
 * padded to 8 bytes, so that all is used where it is mapped. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/mem.h"
#include "generator/cache_internal.h"

/* In the folder that the next build sweeps, should this one die. */
#define CACHE_NEW ".tenantry/stage/cache"

static const char magic[16] = "tenantry cache 2";

/* ---- chunks ---- */

struct str chunk_take(struct str *rest, bool *ok) {
    uint64_t len = 0;
    if (rest->len >= sizeof len) memcpy(&len, rest->ptr, sizeof len);
    *ok &= rest->len >= sizeof len && len <= rest->len - sizeof len;
    if (!*ok) return (struct str){"", 0};
    struct str s = {rest->ptr + sizeof len, (size_t)len};
    *rest = str_slice(*rest, sizeof len + ((s.len + 7) & ~(size_t)7), rest->len);
    return s;
}

void chunk_put(struct buf *b, struct str s) {
    static const char zeros[8];
    buf_append(b, &(uint64_t){s.len}, sizeof(uint64_t));
    buf_str(b, s);
    buf_append(b, zeros, (8 - s.len % 8) % 8);
}

/* ---- records ---- */

static bool is_list(struct str s) { /* of texts that end in NUL */
    return !s.len || !s.ptr[s.len - 1];
}

bool record_read(struct record *r, struct str bytes) {
    *r = (struct record){0};
    struct str *texts[] = {&r->id, &r->layers, &r->asked, &r->hosts, &r->result,
        &r->diags, &r->tenant, &r->content};
    if (bytes.len < sizeof r->head) return false;
    memcpy(&r->head, bytes.ptr, sizeof r->head);
    bytes = str_slice(bytes, sizeof r->head, bytes.len);
    bool ok = true;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        *texts[i] = chunk_take(&bytes, &ok);
    /* The id ends in a NUL that it does not count, to be used as text. */
    ok = ok && r->id.len > 1 && is_list(r->id) && is_list(r->layers) &&
         is_list(r->asked) && is_list(r->hosts);
    if (ok) r->id.len--;
    return ok;
}

void record_put(struct buf *b, const struct record *r) {
    buf_append(b, &r->head, sizeof r->head);
    chunk_put(b, (struct str){r->id.ptr, r->id.len + 1});
    chunk_put(b, r->layers);
    chunk_put(b, r->asked);
    chunk_put(b, r->hosts);
    chunk_put(b, r->result);
    chunk_put(b, r->diags);
    chunk_put(b, r->tenant);
    chunk_put(b, r->content);
}

struct record *cache_find(const struct cache *c, const char *id) {
    uintptr_t i = (uintptr_t)map_get(&c->by_id, str_from(id));
    return i ? &c->records[i - 1] : NULL;
}

static void put_in_place(struct cache *c, const struct record *r) {
    struct record *known = cache_find(c, r->id.ptr);
    if (known) {
        *known = *r;
        return;
    }
    c->records = mem_grow(c->records, &c->cap, c->n + 1, sizeof *c->records);
    c->records[c->n++] = *r;
    map_set(&c->by_id, r->id, (void *)(uintptr_t)c->n);
}

void cache_add(struct cache *c, const char *id, struct str bytes) {
    struct record r, *known = cache_find(c, id);
    c->dirty = true;
    if (bytes.len) {
        /* What arrives through a pipe may lie anywhere. */
        struct str copy = {arena_take(&c->arena, bytes.len), bytes.len};
        memcpy((char *)copy.ptr, bytes.ptr, bytes.len);
        if (record_read(&r, copy) && str_is(r.id, id)) {
            r.made = true;
            put_in_place(c, &r);
            return;
        }
    }
    if (known) known->id.len = 0; /* forgotten */
}

/* ---- reading ---- */

static bool read_chunks(struct cache *c, struct str rest) {
    bool ok = true;
    c->lender_id = chunk_take(&rest, &ok);
    c->diags = chunk_take(&rest, &ok);
    c->shared_scan = chunk_take(&rest, &ok);
    ok = ok && is_list(c->lender_id) && c->head.themes < rest.len / 8;
    if (!ok) return false;
    c->n_old_themes = c->head.themes;
    c->theme_names = arena_alloc(&c->arena, (c->n_old_themes + 1) * sizeof(struct str));
    c->theme_scans = arena_alloc(&c->arena, (c->n_old_themes + 1) * sizeof(struct str));
    for (size_t i = 0; i < c->n_old_themes; i++) {
        c->theme_names[i] = chunk_take(&rest, &ok);
        c->theme_scans[i] = chunk_take(&rest, &ok);
    }
    for (uint32_t i = 0; i < c->head.records && ok; i++) {
        struct record r;
        ok = record_read(&r, chunk_take(&rest, &ok)) && ok;
        r.trees = chunk_take(&rest, &ok);
        r.domains = chunk_take(&rest, &ok);
        ok = ok && is_list(r.domains);
        if (ok) put_in_place(c, &r);
    }
    return ok && !rest.len;
}

static bool map_file(struct cache *c) {
    struct stat st;
    int fd = openat(c->out->fd, CACHE_FILE, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return false;
    bool ok = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0;
    if (ok) {
        /* A copy of our own where we write, which is for the checksum alone. */
        c->map = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE,
            MAP_PRIVATE | MAP_POPULATE, fd, 0);
        c->map_size = (size_t)st.st_size;
        if (c->map == MAP_FAILED) c->map = NULL;
    }
    close(fd);
    return true;
}

static bool checksum_holds(struct cache *c) {
    struct cache_head *h = c->map;
    unsigned char was[32], is[32];
    if (h->bytes != c->map_size) return false;
    memcpy(was, h->checksum, sizeof was);
    memset(h->checksum, 0, sizeof h->checksum);
    sha256_raw((struct str){c->map, c->map_size}, is);
    return !memcmp(was, is, sizeof is);
}

static void forget_all(struct cache *c) {
    memset(&c->head, 0, sizeof c->head);
    c->n = c->n_old_themes = 0;
    map_dispose(&c->by_id);
    c->by_id = (struct map){0};
    c->lender_id = c->diags = c->shared_scan = (struct str){"", 0};
}

void cache_load(struct cache *c) {
    struct hash program = cache_program();
    c->lender_id = c->diags = c->shared_scan = (struct str){"", 0};
    if (!map_file(c))
        c->why_empty = "first build";
    else if (!c->map || c->map_size < sizeof c->head ||
             memcmp(c->map, magic, sizeof magic))
        c->why_empty = "the cache is damaged or of another program";
    else {
        memcpy(&c->head, c->map, sizeof c->head);
        if (!hash_equal(&c->head.program, &program))
            c->why_empty = "program version: another program made the cache";
        else if (!checksum_holds(c) ||
                 !read_chunks(c, (struct str){(char *)c->map + sizeof c->head,
                                     c->map_size - sizeof c->head}))
            c->why_empty = "the cache is damaged or of another program";
    }
    if (c->why_empty) {
        forget_all(c);
        c->dirty = true;
    }
    memcpy(c->head.magic, magic, sizeof magic);
    c->head.program = program;
}

/* ---- writing ---- */

static void stamp_trees(struct cache *c, struct record *r, int64_t *newest) {
    struct str rest = r->hosts, host;
    struct buf trees;
    buf_init(&trees, 0);
    while (rest.len && str_cut(&rest, 0, &host)) {
        struct stamp s;
        stamp_take(c->out->fd, host.ptr, false, &s);
        if (s.changed > *newest) *newest = s.changed;
        buf_append(&trees, &s, sizeof s);
    }
    r->trees = (struct str){arena_take(&c->arena, trees.len), trees.len};
    if (trees.len) memcpy((char *)r->trees.ptr, trees.ptr, trees.len);
    buf_dispose(&trees);
}

/* What was left in the output folder, to be found like this by the next build. */
static bool stamp_out(struct cache *c) {
    int64_t newest = 0;
    for (size_t i = 0; i < c->n; i++)
        if (c->records[i].made) stamp_trees(c, &c->records[i], &newest);
    struct stamp *files[] = {&c->head.out, &c->head.hosts_json, &c->head.nginx_conf};
    static const char *const names[] = {".", "hosts.json", "nginx.conf"};
    for (size_t i = 0; i < 3; i++) {
        stamp_take(c->out->fd, names[i], false, files[i]);
        if (files[i]->changed > newest) newest = files[i]->changed;
    }
    return stamp_settle(newest);
}

static int by_id(const void *a, const void *b) {
    return str_compare(((const struct record *)a)->id, ((const struct record *)b)->id);
}

static void drop_forgotten(struct cache *c, const struct workspace *w, bool keep_made) {
    struct map present = {0};
    size_t n = 0;
    for (size_t i = 0; w && i < w->n_ids; i++)
        map_set(&present, str_from(w->ids[i]), c);
    for (size_t i = 0; i < c->n; i++) {
        const struct record *r = &c->records[i];
        if (r->id.len && (keep_made || !r->made) && (!w || map_get(&present, r->id)))
            c->records[n++] = *r;
    }
    c->n = n;
    if (c->n) qsort(c->records, c->n, sizeof *c->records, by_id);
    map_dispose(&present);
}

static void put_chunks(struct cache *c, struct buf *b) {
    struct buf record;
    buf_init(&record, 0);
    buf_append(b, &c->head, sizeof c->head);
    chunk_put(b, c->lender_id);
    chunk_put(b, c->diags);
    chunk_put(b, buf_view(&c->shared.scan));
    for (size_t i = 0; i < c->n_themes; i++) {
        chunk_put(b, str_from(c->themes[i].name));
        chunk_put(b, buf_view(&c->themes[i].scan));
    }
    for (size_t i = 0; i < c->n; i++) {
        buf_reset(&record);
        record_put(&record, &c->records[i]);
        chunk_put(b, buf_view(&record));
        chunk_put(b, c->records[i].trees);
        chunk_put(b, c->records[i].domains);
    }
    buf_dispose(&record);
}

static void save(struct cache *c) {
    struct buf b;
    buf_init(&b, 0);
    memset(c->head.checksum, 0, sizeof c->head.checksum);
    c->head.themes = (uint32_t)c->n_themes;
    c->head.records = (uint32_t)c->n;
    put_chunks(c, &b);
    struct cache_head *h = (void *)b.ptr;
    h->bytes = b.len;
    /* The checksum of what was read is zero by now, too. */
    if (b.len == c->map_size && c->map && !memcmp(b.ptr, c->map, b.len)) {
        buf_dispose(&b);
        return;
    }
    sha256_raw(buf_view(&b), h->checksum);
    /* A build without a cache is slower, not wrong: that it cannot be written is no
     * error. */
    file_remove_tree(c->out->fd, CACHE_NEW);
    if (!file_write_new(c->out->fd, CACHE_NEW, buf_view(&b)))
        renameat(c->out->fd, CACHE_NEW, c->out->fd, CACHE_FILE);
    buf_dispose(&b);
}

/* The domains of all tenants, sorted; those of one get the lines of one record. */
static void note_domains(struct cache *c, const struct hosts *hosts) {
    struct buf *lists = mem_calloc(c->n + 1, sizeof *lists);
    for (size_t i = 0; i < c->n; i++) buf_init(&lists[i], 0);
    for (size_t i = 0; i < hosts->n; i++) {
        const struct host *h = &hosts->items[i];
        const struct record *r = cache_find(c, h->tenant);
        if (!r) continue;
        struct buf *b = &lists[r - c->records];
        buf_append(b, h->name, strlen(h->name) + 1);
        buf_printf(b, "%u:%u", h->place.line, h->place.col);
        buf_append(b, "", 1);
    }
    for (size_t i = 0; i < c->n; i++) {
        char *copy = arena_take(&c->arena, lists[i].len + 1);
        if (lists[i].len) memcpy(copy, lists[i].ptr, lists[i].len);
        c->records[i].domains = (struct str){copy, lists[i].len};
        buf_dispose(&lists[i]);
    }
    mem_free(lists);
}

void cache_write(
    struct cache *c, const struct build *build, const struct diag_list *shared) {
    struct buf diags;
    buf_init(&diags, 0);
    if (shared) diag_pack(shared, &diags);
    if (build) {
        const struct workspace *workspace = &build->workspace;
        note_domains(c, &build->hosts);
        bool sure = stamp_out(c);
        /* What changed while it was read: who knows which state each tenant saw. */
        drop_forgotten(c, workspace, sure && cache_shared_stands(c));
        c->head.whole = shared && sure && c->n == workspace->n_ids;
        c->diags = buf_view(&diags);
        c->dirty = true;
    }
    if (c->dirty) save(c);
    buf_dispose(&diags);
}

#include "generator/pull_kept.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/map.h"
#include "base/mem.h"

/* In the folder that the next build sweeps, should this one die. */
#define KEPT_NEW ".tenantry/stage/rows."
#define FLUSH_BYTES (256u << 10)
#define KEPT_MAX ((size_t)1 << 30) /* bytes of one tenant's file */

static const char magic[16] = "tenantry rows 1";

struct head { /* what every file begins with */
    char magic[sizeof magic];
    unsigned char shape[32]; /* of the rows: a digest of the queries */
    int64_t taken;
};
enum { DIGEST = 32, KNOWN = 1, ROW }; /* what a record begins with; ROW + table */

static void shape_now(unsigned char shape[32]) {
    struct sha256 h;
    sha256_begin(&h);
    for (unsigned i = 0; i < PULL_TABLES; i++) {
        const char *sql = pull_table(i)->sql;
        sha256_add(&h, (struct str){sql, strlen(sql) + 1});
    }
    sha256_end(&h, shape);
}

/* ---- writing ---- */

static void flush(struct keeper *k) {
    struct str left = buf_view(&k->bytes);
    if (k->digest.ctx) sha256_add(&k->digest, left);
    while (left.len && !k->err) {
        ssize_t n = write(k->fd, left.ptr, left.len);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0)
            k->err = n ? errno : ENOSPC;
        else
            left = str_slice(left, (size_t)n, left.len);
    }
    buf_reset(&k->bytes);
}

static void put_text(struct keeper *k, const char *text) {
    uint32_t size = text ? (uint32_t)strlen(text) + 1 : 0; /* 0: NULL */
    buf_append(&k->bytes, &size, sizeof size);
    if (text) buf_append(&k->bytes, text, size);
}

void keep_begin(struct keeper *k, int out_fd, const char *tenant, int64_t taken) {
    struct head h = {.taken = taken};
    *k = (struct keeper){.out_fd = out_fd};
    memcpy(h.magic, magic, sizeof magic);
    shape_now(h.shape);
    buf_init(&k->bytes, 0);
    sha256_begin(&k->digest);
    /* One of a process at a time. */
    snprintf(k->path, sizeof k->path, KEPT_NEW "%d", (int)getpid());
    unlinkat(out_fd, k->path, 0);
    k->fd = openat(out_fd, k->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (k->fd < 0) k->err = errno;
    buf_append(&k->bytes, &h, sizeof h);
    put_text(k, tenant);
}

void keep_known(struct keeper *k) {
    buf_char(&k->bytes, KNOWN);
}

void keep_row(struct keeper *k, unsigned table, const char *const *cells) {
    buf_char(&k->bytes, (char)(ROW + table));
    for (unsigned i = 0; i < pull_table(table)->columns; i++) put_text(k, cells[i]);
    if (k->bytes.len >= FLUSH_BYTES) flush(k);
}

void keep_finish(struct keeper *k) {
    unsigned char digest[DIGEST];
    flush(k);
    sha256_end(&k->digest, digest);
    buf_append(&k->bytes, digest, sizeof digest);
    flush(k);
}

static int make_folder(int out_fd) {
    if (mkdirat(out_fd, KEPT_FOLDER, 0700) == 0 || errno == EEXIST) return 0;
    return errno;
}

int keep_commit(struct keeper *k, const char *tenant, bool durable) {
    char path[NAME_MAX + sizeof KEPT_FOLDER + 2];
    snprintf(path, sizeof path, KEPT_FOLDER "/%s", tenant);
    if (!k->err && durable && fdatasync(k->fd) != 0) k->err = errno;
    if (!k->err && renameat(k->out_fd, k->path, k->out_fd, path) != 0) {
        k->err = errno == ENOENT ? make_folder(k->out_fd) : errno;
        if (!k->err && renameat(k->out_fd, k->path, k->out_fd, path) != 0)
            k->err = errno;
    }
    int err = k->err;
    keep_drop(k);
    return err;
}

void keep_drop(struct keeper *k) {
    if (k->digest.ctx) sha256_end(&k->digest, NULL);
    if (k->path[0] && k->fd >= 0) {
        close(k->fd);
        unlinkat(k->out_fd, k->path, 0); /* when committed, it has that name no more */
    }
    buf_dispose(&k->bytes);
    *k = (struct keeper){.fd = -1};
}

static int by_name(const void *name, const void *id) {
    return strcmp(name, *(const char *const *)id);
}

void kept_sweep(int out_fd, const char *const *ids, size_t n) {
    int fd =
        openat(out_fd, KEPT_FOLDER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *e;
    if (!dir) {
        if (fd >= 0) close(fd);
        return;
    }
    while ((e = readdir(dir)))
        if (e->d_name[0] != '.' && !bsearch(e->d_name, ids, n, sizeof *ids, by_name))
            unlinkat(fd, e->d_name, 0);
    closedir(dir);
}

/* ---- reading ---- */

static bool take_text(struct str *rest, const char **text) {
    uint32_t size;
    *text = NULL;
    if (rest->len < sizeof size) return false;
    memcpy(&size, rest->ptr, sizeof size);
    *rest = str_slice(*rest, sizeof size, rest->len);
    if (!size) return true;
    if (size > rest->len || rest->ptr[size - 1]) return false;
    *text = rest->ptr;
    *rest = str_slice(*rest, size, rest->len);
    return true;
}

static bool take_row(struct str *rest, unsigned table, struct pull_rows *r) {
    const struct pull_table *t = pull_table(table);
    const char *cells[PULL_COLUMNS];
    if (!t) return false;
    for (unsigned i = 0; i < t->columns; i++)
        if (!take_text(rest, &cells[i])) return false;
    t->take(r, cells);
    return true;
}

/* The bytes between the head and the digest. */
static bool take_rows(struct str rest, struct pull_rows *r) {
    const char *tenant;
    if (!take_text(&rest, &tenant) || !tenant || strcmp(tenant, r->s->tenant.id))
        return false;
    while (rest.len) {
        unsigned char kind = (unsigned char)rest.ptr[0];
        rest = str_slice(rest, 1, rest.len);
        if (kind == KNOWN)
            pull_rows_known(r);
        else if (kind < ROW || !take_row(&rest, kind - ROW, r))
            return false;
    }
    return true;
}

static bool is_whole(struct str bytes) {
    unsigned char digest[DIGEST];
    if (bytes.len < sizeof(struct head) + DIGEST) return false;
    bytes.len -= DIGEST;
    sha256_raw(bytes, digest);
    return !memcmp(digest, bytes.ptr + bytes.len, DIGEST);
}

static bool is_current(struct str bytes) {
    struct head h;
    unsigned char shape[32];
    shape_now(shape);
    memcpy(&h, bytes.ptr, sizeof h);
    return !memcmp(h.magic, magic, sizeof magic) &&
           !memcmp(h.shape, shape, sizeof shape);
}

static int read_file(const char *out, const char *path, struct buf *bytes) {
    struct root root = {.fd = -1};
    int err = root_open(&root, AT_FDCWD, out, out);
    if (!err) err = root_read(&root, path, KEPT_MAX, bytes);
    if (root.fd >= 0) root_close(&root);
    return err;
}

bool kept_read(struct pull_rows *r, const char *out, struct buf *bytes) {
    struct site *s = r->s;
    const char *path = arena_printf(&s->arena, KEPT_FOLDER "/%s", s->tenant.id);
    const char *shown = arena_printf(&s->arena, "%s/%s", out, path), *why;
    int err = read_file(out, path, bytes);
    struct str all = buf_view(bytes), rows = all;
    if (err == ENOENT)
        why = "no rows of this tenant are kept";
    else if (err)
        why = file_error(err);
    else if (!is_whole(all))
        why = "the rows that are kept are damaged";
    else if (!is_current(all))
        why = "these rows were kept by another version of tenantry";
    else {
        rows = str_slice(all, sizeof(struct head), all.len - DIGEST);
        if (take_rows(rows, r)) return true;
        why = "the rows that are kept are damaged";
    }
    return database_trouble(
        s->diags, shown, "%s; a build that reaches the database keeps them anew", why);
}

static bool read_head(int folder, const char *id, struct head *h) {
    int fd = openat(folder, id, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    bool ok = fd >= 0 && pread(fd, h, sizeof *h, 0) == sizeof *h &&
              !memcmp(h->magic, magic, sizeof magic);
    if (fd >= 0) close(fd);
    return ok;
}

void kept_age(const char *out, const char *const *ids, size_t n, struct pull_age *age) {
    char path[PATH_MAX];
    struct head h;
    *age = (struct pull_age){0};
    snprintf(path, sizeof path, "%s/" KEPT_FOLDER, out);
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (size_t i = 0; i < n && folder >= 0; i++) {
        if (!read_head(folder, ids[i], &h)) continue;
        if (!age->n || h.taken < age->oldest) age->oldest = h.taken;
        if (!age->n || h.taken > age->newest) age->newest = h.taken;
        age->n++;
    }
    if (folder >= 0) close(folder);
}

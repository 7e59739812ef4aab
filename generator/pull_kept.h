/* The rows that builds used last, kept on disk for builds with --stale: for each tenant
 * out/.tenantry/rows/<id>, which only its owner may read.
 *
 * A file begins with a magic number, a digest of the queries whose rows it holds, the
 * time of the snapshot and the tenant's id; then rows, each its table and its cells;
 * last the SHA-256 of all before it. */
#ifndef GENERATOR_PULL_KEPT_H
#define GENERATOR_PULL_KEPT_H
#include "base/crypto.h"
#include "generator/pull_rows.h"

#define KEPT_FOLDER ".tenantry/rows"

/* Writes one tenant's file as the rows come.  It becomes the one that counts only at
 * keep_commit. */
struct keeper {
    int out_fd; /* the output folder; borrowed */
    int fd;     /* the new file; -1: none */
    int err;    /* errno of the first failure; nothing is written after it */
    struct buf bytes;
    struct sha256 digest;
    char path[64]; /* of the new file */
};
void keep_begin(struct keeper *k, int out_fd, const char *tenant, int64_t taken);
void keep_known(struct keeper *k); /* the tenant has a row */
void keep_row(struct keeper *k, unsigned table, const char *const *cells);
void keep_finish(struct keeper *k); /* all rows are in */
/* 0 or errno. */
int keep_commit(struct keeper *k, const char *tenant, bool durable);
void keep_drop(struct keeper *k); /* a keeper that is not begun is fine */

/* Reads one tenant's file; rows borrow from *bytes.  False: reported as the machine's,
 * by name. */
bool kept_read(struct pull_rows *r, const char *out, struct buf *bytes);
/* When the rows were taken, from oldest to newest, of those tenants that have any. */
struct pull_age;
void kept_age(const char *out, const char *const *ids, size_t n, struct pull_age *age);
/* Removes the files of all other tenants; ids are in byte order. */
void kept_sweep(int out_fd, const char *const *ids, size_t n);
#endif

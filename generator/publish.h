/* Writes one site tree so that a reader sees the old site or the new one.
 *
 * Each file is compared with the published one as it comes.  As long as all are equal nothing is written.  At the first
 * difference a stage is made beside the target (out/.tenantry/stage/<host>.<pid>); what did not change is hard-linked into
 * it, the rest written with O_EXCL; tree_commit swaps it in with renameat2(RENAME_EXCHANGE) (a plain rename when there was no
 * tree) and removes the old one. */
#ifndef GENERATOR_PUBLISH_H
#define GENERATOR_PUBLISH_H
#include <stdbool.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/diag.h"
#include "base/file.h"

struct out_dir {         /* the output folder */
    int fd;
    const char *name;    /* as the user gave it */
    int lock_fd;         /* out/.tenantry/lock, held while building */
};
/* Opens (makes) DIR and takes its lock, waiting for another build.  Refuses a non-empty folder that is not ours (has no
 * .tenantry).  With `writer` leftover stages of dead builds are swept.  0 or errno, reported. */
bool out_open(struct out_dir *o, const char *dir, bool writer, struct diag_list *diags);
void out_close(struct out_dir *o);

struct tree;
/* Starts tree `host` (one path part). `collect` keeps the lists of changed and removed paths. */
struct tree *tree_begin(struct out_dir *o, const char *host, bool collect);
/* One file of the tree. Paths are unique and safe (path_is_safe): the plan saw to that. 0 or errno. */
int tree_put(struct tree *t, const char *path, struct str bytes);
/* The same from an open file of `size` bytes (copied in the kernel where possible). */
int tree_put_fd(struct tree *t, const char *path, int fd, size_t size);
/* The same bytes as `from`, already put into this tree: a hard link. */
int tree_put_link(struct tree *t, const char *path, const char *from);
/* All files were put: files of the published tree that were not put are removed with the swap.  Stages what is needed, does
 * not swap yet. 0 or errno. */
int tree_finish(struct tree *t);
/* Makes it visible. `durable`: syncfs first. 0 or errno. */
int tree_commit(struct tree *t, bool durable);
struct tree_stats {
    uint64_t files, bytes;           /* of the finished tree */
    uint64_t written, removed;       /* files */
    bool fresh;                      /* there was no tree before */
    const char **changed, **removed_paths; /* byte order; only with collect */
    size_t n_changed, n_removed;
};
const struct tree_stats *tree_stats(const struct tree *t);
/* Frees; a tree that was not committed leaves no stage behind. */
void tree_end(struct tree *t);
/* Removes every published tree whose name keep(ctx, name) refuses (only folders; hidden names are left alone).
 * Calls removed(ctx, name) for each. */
int out_sweep(struct out_dir *o, bool (*keep)(void *ctx, const char *name), void (*removed)(void *ctx, const char *name),
    void *ctx);
#endif

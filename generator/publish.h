/* Writes one site tree so that a reader sees the old site or the new one.
 *
 * Each file is compared with the published one as it comes.  As long as all are equal
 * nothing is written.  At the first difference a stage is made beside the target
 * (out/.tenantry/stage/<pid>/<host>); what did not change is hard-linked into it, the
 * rest written with O_EXCL; tree_commit swaps it in with renameat2(RENAME_EXCHANGE) (a
 * plain rename when there was no tree) and removes the old one.
 *
 * Files get mode 0644 and folders 0755: the program sets umask(022) in main.
 * Every path is used relative to out_dir.fd, so a forked worker may use the parent's
 * out_dir; its trees are its own.  Several trees may be in progress at once, but not
 * two of the same host. */
#ifndef GENERATOR_PUBLISH_H
#define GENERATOR_PUBLISH_H
#include <stdbool.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/diag.h"
#include "base/file.h"

struct out_dir {      /* the output folder */
    int fd;           /* -1: not open */
    const char *name; /* as the user gave it; borrowed */
    int lock_fd;      /* out/.tenantry/lock, held while building */
    int watch_fd;     /* out/.tenantry/watch: held shared by writers, alone by one that
                         stays */
};
/* Opens DIR and takes its lock, waiting for another build.  A `writer` makes the folder
 * when it is missing, takes the lock for itself and sweeps the leftover stages of dead
 * builds; readers share the lock.  Refused are a symbolic link, a folder that holds
 * something but no .tenantry, and to a writer one that another keeps up to date. False:
 * reported, nothing is open. */
bool out_open(struct out_dir *o, const char *dir, bool writer, struct diag_list *diags);
void out_close(struct out_dir *o);
/* The same for a writer that stays: until out_close every other writer is refused. */
bool out_open_watch(struct out_dir *o, const char *dir, struct diag_list *diags);
/* In between it lets readers in: gives the lock back, and asks for it again, without
 * waiting.  False: somebody reads. */
void out_unlock(struct out_dir *o);
bool out_lock(struct out_dir *o);
/* Removes the stages of processes that died; none may be at work. */
void out_tidy(struct out_dir *o);

struct tree;
/* Starts tree `host` (one path part).  Never NULL: what is wrong with the place is the
 * error of the next call. */
struct tree *tree_begin(struct out_dir *o, const char *host);
/* One file of the tree. Paths are unique and safe (path_is_safe): the plan saw to that;
 * they are copied.  0 or errno.  After an error the stage is gone and every later call
 * returns the same errno. */
int tree_put(struct tree *t, const char *path, struct str bytes);
/* The same from an open file of `size` bytes (copied in the kernel where possible).
 * EIO when the file turns out shorter. */
int tree_put_fd(struct tree *t, const char *path, int fd, size_t size);
/* The same bytes as `from`, already put into this tree: a hard link. */
int tree_put_link(struct tree *t, const char *path, const char *from);
/* All files were put: files of the published tree that were not put are removed with
 * the swap.  Stages what is needed, does not swap yet.  0 or errno. */
int tree_finish(struct tree *t);
/* Makes it visible. `durable`: syncfs first. 0 or errno. */
int tree_commit(struct tree *t, bool durable);
/* Reports the error that a call above returned, naming the file. */
void tree_report(const struct tree *t, struct diag_list *diags);
struct tree_stats {
    uint64_t files, bytes;                 /* of the finished tree */
    uint64_t written, removed;             /* files */
    bool fresh;                            /* there was no tree before */
    const char **changed, **removed_paths; /* byte order */
    size_t n_changed, n_removed;
};
const struct tree_stats *tree_stats(const struct tree *t); /* whole after tree_finish */
/* Frees; a tree that was not committed leaves no stage behind. */
void tree_end(struct tree *t);
/* Removes every published tree whose name keep(ctx, name) refuses (only folders; hidden
 * names are left alone), in byte order.  Calls removed(ctx, name) for each.
 * 0 or errno. */
int out_sweep(struct out_dir *o, bool (*keep)(void *ctx, const char *name),
    void (*removed)(void *ctx, const char *name), void *ctx);
#endif

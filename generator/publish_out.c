#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "generator/publish.h"
#include "generator/publish_file.h"

#define STATE ".tenantry"
#define LOCK STATE "/lock"
#define STAGES STATE "/stage"
#define WATCH STATE "/watch"

enum out_mode { OUT_READ, OUT_WRITE, OUT_WATCH };

static bool refuse(struct out_dir *o, struct diag_list *diags, int err) {
    char *name = arena_strdup(&diags->arena, o->name);
    diag_add(diags, DIAG_ERROR, DIAG_FILE(name), "cannot be used as output folder: %s",
        file_error(err));
    return false;
}

/* The names in a folder, in byte order; "." and ".." left out.  0 or errno. */
static int list_names(
    int dir_fd, const char *path, struct arena *a, struct file_list *names) {
    struct root r = {.fd = dir_fd, .name = path};
    return file_list_dir(&r, path, a, names);
}

static bool open_folder(
    struct out_dir *o, const char *dir, bool writer, struct diag_list *diags) {
    char *path = arena_strdup(&diags->arena, *dir ? dir : ".");
    for (size_t n = strlen(path); n > 1 && path[n - 1] == '/'; n--) path[n - 1] = '\0';
    if (writer) {
        int err = publish_make_dirs(AT_FDCWD, path);
        if (err) return refuse(o, diags, err);
    }
    o->fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (o->fd >= 0) return true;
    int err = errno;
    struct stat st;
    if (err == ENOENT)
        diag_add(diags, DIAG_ERROR, DIAG_FILE(path),
            "does not exist yet; `tenantry build` makes it");
    else if (lstat(path, &st) == 0 && S_ISLNK(st.st_mode))
        diag_add(diags, DIAG_ERROR, DIAG_FILE(path),
            "is a symbolic link; name the folder that it leads to as the output "
            "folder");
    else
        return refuse(o, diags, err);
    return false;
}

static bool folder_is_ours(struct out_dir *o, bool writer, struct diag_list *diags) {
    struct stat st;
    if (fstatat(o->fd, STATE, &st, AT_SYMLINK_NOFOLLOW) == 0) {
        if (S_ISDIR(st.st_mode)) return true;
        return refuse(o, diags, ENOTDIR);
    }
    if (errno != ENOENT) return refuse(o, diags, errno);
    struct file_list names = {0};
    int err = list_names(o->fd, ".", &diags->arena, &names);
    if (err) return refuse(o, diags, err);
    char *name = arena_strdup(&diags->arena, o->name);
    if (names.n > 0) {
        diag_add(diags, DIAG_ERROR, DIAG_FILE(name),
            "holds files that are not Tenantry's (\"%s\"); name an empty or new folder "
            "as the output folder",
            names.items[0].path);
        return false;
    }
    if (!writer) {
        diag_add(
            diags, DIAG_ERROR, DIAG_FILE(name), "is empty; `tenantry build` fills it");
        return false;
    }
    if (mkdirat(o->fd, STATE, 0755) != 0 && errno != EEXIST)
        return refuse(o, diags, errno);
    return true;
}

/* Whether the locked file still is the one that others find. */
static bool lock_is_current(const struct out_dir *o) {
    struct stat mine, found;
    return fstat(o->lock_fd, &mine) == 0 && fstatat(o->fd, LOCK, &found, 0) == 0 &&
           mine.st_ino == found.st_ino && mine.st_dev == found.st_dev;
}

static int take_lock(struct out_dir *o, bool writer) {
    int how = writer ? LOCK_EX : LOCK_SH;
    do {
        if (o->lock_fd >= 0) close(o->lock_fd);
        o->lock_fd =
            openat(o->fd, LOCK, O_RDONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);
        if (o->lock_fd < 0) return errno;
        if (flock(o->lock_fd, how | LOCK_NB) == 0) continue;
        if (errno != EWOULDBLOCK && errno != EINTR) return errno;
        fprintf(stderr, "tenantry: waiting for another build of %s to end\n", o->name);
        if (flock(o->lock_fd, how) != 0) return errno;
    } while (!lock_is_current(o));
    return 0;
}

static bool refuse_watched(struct out_dir *o, struct diag_list *diags) {
    char *name = arena_strdup(&diags->arena, o->name), pid[32] = "";
    ssize_t n = pread(o->watch_fd, pid, sizeof pid - 1, 0);
    pid[n > 0 ? n : 0] = '\0';
    diag_add(diags, DIAG_ERROR, DIAG_FILE(name),
        "`tenantry build --watch` (process %s) keeps it up to date; end that, or name "
        "another folder with --out",
        *pid ? pid : "unknown");
    return false;
}

/* Before the lock itself: who stays has the folder for itself, whoever builds meanwhile
 * need not wait to be told. */
static bool claim(struct out_dir *o, enum out_mode mode, struct diag_list *diags) {
    int how = mode == OUT_WATCH ? LOCK_EX : LOCK_SH;
    if (mode == OUT_READ) return true;
    o->watch_fd = openat(o->fd, WATCH, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (o->watch_fd < 0) return refuse(o, diags, errno);
    if (flock(o->watch_fd, how | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) return refuse(o, diags, errno);
        /* Builds hold it shared, so if that can be had they are what is in the way. */
        if (flock(o->watch_fd, LOCK_SH | LOCK_NB) != 0) return refuse_watched(o, diags);
        fprintf(stderr, "tenantry: waiting for another build of %s to end\n", o->name);
        if (flock(o->watch_fd, how) != 0) return refuse(o, diags, errno);
    }
    if (mode == OUT_WATCH && (ftruncate(o->watch_fd, 0) != 0 ||
                                 dprintf(o->watch_fd, "%d", (int)getpid()) < 0))
        return refuse(o, diags, errno);
    return true;
}

/* Puts back the trees of a build that died in swap_by_renames. */
static void restore_aside(struct out_dir *o, const char *stage) {
    struct arena a;
    arena_init(&a);
    struct file_list hosts = {0};
    struct stat st;
    list_names(o->fd, stage, &a, &hosts);
    for (size_t i = 0; i < hosts.n; i++) {
        const char *host = hosts.items[i].path;
        if (fstatat(o->fd, host, &st, AT_SYMLINK_NOFOLLOW) == 0) continue;
        renameat(o->fd, arena_printf(&a, "%s/%s", stage, host), o->fd, host);
    }
    arena_dispose(&a);
}

/* The lock is ours, so every stage belongs to a build that is dead. */
static int sweep_stages(struct out_dir *o) {
    if (mkdirat(o->fd, STAGES, 0755) == 0) return 0;
    if (errno != EEXIST) return errno;
    struct arena a;
    arena_init(&a);
    struct file_list stages = {0};
    int err = list_names(o->fd, STAGES, &a, &stages);
    for (size_t i = 0; i < stages.n && !err; i++) {
        char *path = arena_printf(&a, STAGES "/%s", stages.items[i].path);
        if (str_ends(str_from(path), ".old")) restore_aside(o, path);
        err = file_remove_tree(o->fd, path);
    }
    arena_dispose(&a);
    return err;
}

static bool open_as(
    struct out_dir *o, const char *dir, enum out_mode mode, struct diag_list *diags) {
    bool writer = mode != OUT_READ;
    *o = (struct out_dir){.fd = -1, .name = dir, .lock_fd = -1, .watch_fd = -1};
    bool ok = open_folder(o, dir, writer, diags) && folder_is_ours(o, writer, diags) &&
              claim(o, mode, diags);
    int err = ok ? take_lock(o, writer) : 0;
    if (ok && !err && writer) err = sweep_stages(o);
    if (err) ok = refuse(o, diags, err);
    if (!ok) out_close(o);
    return ok;
}

bool out_open(
    struct out_dir *o, const char *dir, bool writer, struct diag_list *diags) {
    return open_as(o, dir, writer ? OUT_WRITE : OUT_READ, diags);
}

bool out_open_watch(struct out_dir *o, const char *dir, struct diag_list *diags) {
    return open_as(o, dir, OUT_WATCH, diags);
}

void out_unlock(struct out_dir *o) {
    flock(o->lock_fd, LOCK_UN);
}

bool out_lock(struct out_dir *o) {
    return flock(o->lock_fd, LOCK_EX | LOCK_NB) == 0;
}

void out_tidy(struct out_dir *o) {
    sweep_stages(o);
}

void out_close(struct out_dir *o) {
    if (o->lock_fd >= 0) close(o->lock_fd);
    if (o->watch_fd >= 0) close(o->watch_fd);
    if (o->fd >= 0) close(o->fd);
    o->lock_fd = o->watch_fd = o->fd = -1;
}

/* Renamed away first: a reader never sees half a tree. */
static int remove_published(struct out_dir *o, struct arena *a, const char *name) {
    char *dir = arena_printf(a, STAGES "/%d", (int)getpid());
    char *path = arena_printf(a, "%s/%s", dir, name);
    int err = publish_make_dirs(o->fd, dir);
    if (!err) err = file_remove_tree(o->fd, path);
    if (!err && renameat(o->fd, name, o->fd, path) != 0) err = errno;
    if (!err) err = file_remove_tree(o->fd, path);
    unlinkat(o->fd, dir, AT_REMOVEDIR);
    return err;
}

int out_sweep(struct out_dir *o, bool (*keep)(void *ctx, const char *name),
    void (*removed)(void *ctx, const char *name), void *ctx) {
    struct arena a;
    arena_init(&a);
    struct file_list names = {0};
    int err = list_names(o->fd, ".", &a, &names);
    for (size_t i = 0; i < names.n && !err; i++) {
        const char *name = names.items[i].path;
        struct stat st;
        if (name[0] == '.' || keep(ctx, name)) continue;
        if (fstatat(o->fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISDIR(st.st_mode))
            continue;
        err = remove_published(o, &a, name);
        if (!err) removed(ctx, name);
    }
    arena_dispose(&a);
    return err;
}

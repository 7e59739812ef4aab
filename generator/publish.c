#include "generator/publish.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "generator/publish_file.h"

struct path_list {
    const char **items;
    size_t n, cap;
};

struct tree {
    struct out_dir *out;
    struct arena arena; /* paths and names */
    const char *host;
    char *stage;        /* ".tenantry/stage/<pid>/<host>" */
    char *aside;        /* ".tenantry/stage/<pid>.old/<host>": see swap_by_renames */
    int old_fd;         /* the published tree; -1: none */
    int stage_fd;       /* -1: nothing differs yet, or the stage is gone */
    char *buffers;      /* for comparing; NULL until needed */
    char dir[PATH_MAX]; /* the folder made last below the stage */
    bool stray;         /* the published tree holds what no put explains */
    int err;
    const char *err_path; /* the file err is about; NULL: the tree itself */
    struct path_list put, changed, removed;
    struct tree_stats stats;
};

static void path_list_add(struct path_list *l, const char *path) {
    l->items = mem_grow(l->items, &l->cap, l->n + 1, sizeof *l->items);
    l->items[l->n++] = path;
}

static int compare_paths(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void path_list_sort(struct path_list *l) {
    for (size_t i = 1; i < l->n; i++) {
        if (strcmp(l->items[i - 1], l->items[i]) <= 0) continue;
        qsort(l->items, l->n, sizeof *l->items, compare_paths);
        return;
    }
}

/* Index of the first path that is not below `path` in byte order. */
static size_t path_list_bound(const struct path_list *l, const char *path) {
    size_t low = 0, high = l->n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (strcmp(l->items[mid], path) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static void stage_remove(struct tree *t) {
    if (t->stage_fd < 0) return;
    close(t->stage_fd);
    t->stage_fd = -1;
    file_remove_tree(t->out->fd, t->stage);
}

static int tree_fail(struct tree *t, int err, const char *path) {
    stage_remove(t);
    t->err = err;
    t->err_path = path ? arena_strdup(&t->arena, path) : NULL;
    return err;
}

struct tree *tree_begin(struct out_dir *o, const char *host) {
    struct tree *t = mem_calloc(1, sizeof *t);
    arena_init(&t->arena);
    t->out = o;
    t->host = arena_strdup(&t->arena, host);
    int pid = (int)getpid();
    t->stage = arena_printf(&t->arena, ".tenantry/stage/%d/%s", pid, host);
    t->aside = arena_printf(&t->arena, ".tenantry/stage/%d.old/%s", pid, host);
    t->stage_fd = -1;
    do t->old_fd = openat(o->fd, host, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    while (t->old_fd < 0 && errno == EINTR);
    if (t->old_fd < 0 && errno == ENOENT)
        t->stats.fresh = true;
    else if (t->old_fd < 0)
        tree_fail(t, errno, NULL);
    return t;
}

static int make_parents(struct tree *t, const char *path) {
    const char *slash = strrchr(path, '/');
    size_t len = slash ? (size_t)(slash - path) : 0;
    if (len >= sizeof t->dir) return ENAMETOOLONG;
    if (len == 0 || (strncmp(t->dir, path, len) == 0 && !t->dir[len])) return 0;
    memcpy(t->dir, path, len);
    t->dir[len] = '\0';
    int err = publish_make_dirs(t->stage_fd, t->dir);
    if (err) t->dir[0] = '\0';
    return err;
}

/* Takes a file of the published tree over into the stage. */
static int stage_keep(struct tree *t, const char *path) {
    int err = make_parents(t, path);
    if (err) return err;
    if (linkat(t->old_fd, path, t->stage_fd, path, 0) == 0) return 0;
    if (errno != EMLINK && errno != EPERM && errno != EXDEV && errno != EOPNOTSUPP &&
        errno != ENOSYS)
        return errno;
    /* No more links, or a file system or owner that allows none. */
    struct stat st;
    int fd = publish_open(t->old_fd, path);
    if (fd < 0 || fstat(fd, &st) != 0)
        err = errno;
    else
        err = publish_write(t->stage_fd, path,
            &(struct publish_source){.fd = fd, .size = (size_t)st.st_size});
    if (fd >= 0) close(fd);
    return err;
}

static int stage_make(struct tree *t) {
    char *last = strrchr(t->stage, '/');
    *last = '\0';
    int err = publish_make_dirs(t->out->fd, t->stage);
    *last = '/';
    if (err) return err;
    if (mkdirat(t->out->fd, t->stage, 0755) != 0) {
        if (errno != EEXIST) return errno;
        err = file_remove_tree(t->out->fd, t->stage);
        if (!err && mkdirat(t->out->fd, t->stage, 0755) != 0) err = errno;
        if (err) return err;
    }
    t->stage_fd =
        openat(t->out->fd, t->stage, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (t->stage_fd >= 0) return 0;
    err = errno;
    unlinkat(t->out->fd, t->stage, AT_REMOVEDIR);
    return err;
}

/* Makes the stage with all that was put so far, none of which had changed. */
static int stage_start(struct tree *t) {
    int err = stage_make(t);
    if (err) return tree_fail(t, err, NULL);
    for (size_t i = 0; i < t->put.n; i++) {
        err = stage_keep(t, t->put.items[i]);
        if (err) return tree_fail(t, err, t->put.items[i]);
    }
    return 0;
}

static bool is_published(
    struct tree *t, const char *path, const struct publish_source *source) {
    if (t->old_fd < 0) return false;
    if (!t->buffers) t->buffers = mem_alloc(2 * PUBLISH_BUFFER);
    return publish_equal(t->old_fd, path, source, t->buffers);
}

static void note_put(struct tree *t, const char *path, bool same, size_t size) {
    char *copy = arena_strdup(&t->arena, path);
    path_list_add(&t->put, copy);
    t->stats.files++;
    t->stats.bytes += size;
    if (same) return;
    t->stats.written++;
    path_list_add(&t->changed, copy);
}

/* `from`: instead of writing, link to this path of the stage. */
static int tree_place(struct tree *t, const char *path,
    const struct publish_source *source, const char *from) {
    bool same = is_published(t, path, source);
    int err = 0;
    if (!same && t->stage_fd < 0 && (err = stage_start(t))) return err;
    if (same && t->stage_fd >= 0)
        err = stage_keep(t, path);
    else if (!same && !(err = make_parents(t, path))) {
        if (!from || linkat(t->stage_fd, from, t->stage_fd, path, 0) != 0)
            err = publish_write(t->stage_fd, path, source);
    }
    if (err) return tree_fail(t, err, path);
    note_put(t, path, same, source->size);
    return 0;
}

int tree_put(struct tree *t, const char *path, struct str bytes) {
    if (t->err) return t->err;
    struct publish_source source = {.bytes = bytes, .fd = -1, .size = bytes.len};
    return tree_place(t, path, &source, NULL);
}

int tree_put_fd(struct tree *t, const char *path, int fd, size_t size) {
    if (t->err) return t->err;
    struct publish_source source = {.fd = fd, .size = size};
    return tree_place(t, path, &source, NULL);
}

int tree_put_link(struct tree *t, const char *path, const char *from) {
    if (t->err) return t->err;
    struct stat st;
    int fd = publish_open(t->stage_fd >= 0 ? t->stage_fd : t->old_fd, from);
    if (fd < 0) return tree_fail(t, errno, from);
    int err = fstat(fd, &st) != 0 ? errno : 0;
    if (err)
        tree_fail(t, err, from);
    else
        err = tree_place(t, path,
            &(struct publish_source){.fd = fd, .size = (size_t)st.st_size}, from);
    close(fd);
    return err;
}

static int find_strays(struct tree *t, int dir_fd, char *path, size_t len);

static int find_strays_below(struct tree *t, int dir_fd, char *path, size_t len) {
    const char *name = strrchr(path, '/');
    int fd = openat(dir_fd, name ? name + 1 : path,
        O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return errno;
    path[len++] = '/';
    path[len] = '\0';
    size_t at = path_list_bound(&t->put, path);
    if (at == t->put.n || strncmp(t->put.items[at], path, len) != 0) t->stray = true;
    return find_strays(t, fd, path, len);
}

static int look_at_entry(
    struct tree *t, DIR *dir, const struct dirent *e, char *path, size_t len) {
    size_t n = strlen(e->d_name);
    if (len + n + 2 > PATH_MAX) {
        t->stray = true;
        return 0;
    }
    memcpy(path + len, e->d_name, n + 1);
    bool folder = e->d_type == DT_DIR;
    struct stat st;
    if (e->d_type == DT_UNKNOWN) {
        if (fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0) return errno;
        folder = S_ISDIR(st.st_mode);
    }
    if (folder) return find_strays_below(t, dirfd(dir), path, len + n);
    size_t at = path_list_bound(&t->put, path);
    if (at < t->put.n && strcmp(t->put.items[at], path) == 0) return 0;
    path_list_add(&t->removed, arena_strdup(&t->arena, path));
    return 0;
}

/* Lists what the published tree holds below `path` and nobody put.  Takes dir_fd. */
static int find_strays(struct tree *t, int dir_fd, char *path, size_t len) {
    DIR *dir = fdopendir(dir_fd);
    if (!dir) {
        int err = errno;
        close(dir_fd);
        return err;
    }
    int err = 0;
    while (!err) {
        errno = 0;
        const struct dirent *e = readdir(dir);
        if (!e) {
            err = errno;
            break;
        }
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            err = look_at_entry(t, dir, e, path, len);
    }
    closedir(dir);
    return err;
}

static int find_removed(struct tree *t) {
    char path[PATH_MAX] = "";
    int fd = openat(t->old_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int err = fd < 0 ? errno : find_strays(t, fd, path, 0);
    if (err) return tree_fail(t, err, path);
    path_list_sort(&t->removed);
    return 0;
}

int tree_finish(struct tree *t) {
    if (t->err) return t->err;
    path_list_sort(&t->put);
    path_list_sort(&t->changed);
    if (t->old_fd >= 0 && find_removed(t)) return t->err;
    bool needed = t->stats.fresh || t->removed.n > 0 || t->stray;
    if (needed && t->stage_fd < 0 && stage_start(t)) return t->err;
    t->stats.removed = t->removed.n;
    t->stats.changed = t->changed.items;
    t->stats.n_changed = t->changed.n;
    t->stats.removed_paths = t->removed.items;
    t->stats.n_removed = t->removed.n;
    return 0;
}

/* For file systems that cannot exchange: the site is away for a moment.  A build that
 * dies between the two renames leaves the old tree where the next out_open finds it and
 * puts it back. */
static int swap_by_renames(struct tree *t) {
    int fd = t->out->fd;
    char *last = strrchr(t->aside, '/');
    *last = '\0';
    int err = publish_make_dirs(fd, t->aside);
    *last = '/';
    if (err) return err;
    if (renameat(fd, t->host, fd, t->aside) != 0) return errno;
    if (renameat(fd, t->stage, fd, t->host) != 0) {
        err = errno;
        renameat(fd, t->aside, fd, t->host);
        return err;
    }
    file_remove_tree(fd, t->aside);
    return 0;
}

static int swap(struct tree *t) {
    int fd = t->out->fd;
    if (t->stats.fresh) return renameat(fd, t->stage, fd, t->host) == 0 ? 0 : errno;
    if (renameat2(fd, t->stage, fd, t->host, RENAME_EXCHANGE) == 0) return 0;
    if (errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP) return errno;
    return swap_by_renames(t);
}

int tree_commit(struct tree *t, bool durable) {
    if (t->err) return t->err;
    if (t->stage_fd < 0) return 0;
    int err = durable && syncfs(t->stage_fd) != 0 ? errno : swap(t);
    if (err) return tree_fail(t, err, NULL);
    /* The stage now is the old tree.  What cannot be removed the next build sweeps. */
    stage_remove(t);
    return 0;
}

void tree_report(const struct tree *t, struct diag_list *diags) {
    if (!t->err) return;
    char *file = arena_printf(&diags->arena, "%s/%s%s%s", t->out->name, t->host,
        t->err_path ? "/" : "", t->err_path ? t->err_path : "");
    if (!t->err_path && t->err == ENOTDIR)
        diag_add(diags, DIAG_ERROR, DIAG_FILE(file),
            "is not a folder; remove it so that the site can be written here");
    else
        diag_add(diags, DIAG_ERROR, DIAG_FILE(file), "cannot be published: %s",
            file_error(t->err));
}

const struct tree_stats *tree_stats(const struct tree *t) {
    return &t->stats;
}

/* Removes the folders that stood above the stages, once they are empty. */
static void remove_empty_parent(struct tree *t, char *path) {
    *strrchr(path, '/') = '\0';
    unlinkat(t->out->fd, path, AT_REMOVEDIR);
}

void tree_end(struct tree *t) {
    stage_remove(t);
    remove_empty_parent(t, t->stage);
    remove_empty_parent(t, t->aside);
    if (t->old_fd >= 0) close(t->old_fd);
    mem_free(t->buffers);
    mem_free(t->put.items);
    mem_free(t->changed.items);
    mem_free(t->removed.items);
    arena_dispose(&t->arena);
    mem_free(t);
}

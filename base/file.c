/* Reading and listing below a root.  Writing: file_write.c; path text: file_path.c. */
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { WALK_DEPTH_MAX = 32, RACE_RETRIES = 64 };

/* Without openat2 no symbolic link is followed at all. */
static int open_by_part(int root_fd, const char *path, int flags) {
    struct str rest = str_from(path);
    struct str part;
    int fd = root_fd;
    while (fd >= 0 && str_cut(&rest, '/', &part)) {
        char name[256];
        bool last = !rest.ptr;
        int how = last ? flags : O_PATH | O_DIRECTORY;
        int next = -1;
        if (part.len < sizeof(name)) {
            memcpy(name, part.len ? part.ptr : ".", part.len ? part.len : 1);
            name[part.len ? part.len : 1] = '\0';
            next = openat(fd, name, how | O_NOFOLLOW | O_CLOEXEC);
        } else {
            errno = ENAMETOOLONG;
        }
        int err = errno;
        if (fd != root_fd) close(fd);
        errno = err;
        fd = next;
    }
    return fd;
}

static bool has_dot_dot(const char *path) {
    struct str rest = str_from(path);
    struct str part;
    while (str_cut(&rest, '/', &part)) {
        if (str_is(part, "..")) return true;
    }
    return false;
}

static int open_resolved(int root_fd, const char *path, int flags, unsigned resolve) {
    if (!*path) path = ".";
    struct open_how how = {
        .flags = (unsigned)flags | O_CLOEXEC,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | resolve,
    };
    long fd = -1;
    /* EAGAIN: something was renamed while the kernel followed a link's "..". */
    for (int i = 0; i < RACE_RETRIES; i++) {
        fd = syscall(SYS_openat2, root_fd, path, &how, sizeof(how));
        if (fd >= 0 || errno != EAGAIN) break;
    }
    /* EPERM: a container's filter that does not know openat2. */
    if (fd < 0 && (errno == ENOSYS || errno == EPERM)) {
        return open_by_part(root_fd, path, flags);
    }
    return (int)fd;
}

/* Links on `path` may lead anywhere below its first folder. */
static int open_in_fence(int root_fd, const char *path, int flags) {
    char top[256];
    size_t len = strcspn(path, "/");
    if (!path[len] || len >= sizeof(top)) return open_resolved(root_fd, path, flags, 0);
    memcpy(top, path, len);
    top[len] = '\0';
    int dir = open_resolved(root_fd, top, O_PATH | O_DIRECTORY, 0);
    if (dir < 0) return -1;
    int fd = open_resolved(dir, path + len + 1, flags, 0);
    int err = errno;
    close(dir);
    errno = err;
    return fd;
}

/* errno EXDEV when the path or a link on it leads out of the root. */
static int open_beneath(const struct root *r, const char *path, int flags) {
    if (path[0] == '/' || has_dot_dot(path)) {
        errno = EXDEV;
        return -1;
    }
    if (!r->fenced) return open_resolved(r->fd, path, flags, 0);
    /* Most paths hold no link, and then one call does. */
    int fd = open_resolved(r->fd, path, flags, RESOLVE_NO_SYMLINKS);
    return fd >= 0 || errno != ELOOP ? fd : open_in_fence(r->fd, path, flags);
}

int root_open(struct root *r, int dir_fd, const char *path, const char *name) {
    *r = (struct root){.name = name};
    r->fd = openat(dir_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return r->fd < 0 ? errno : 0;
}

void root_close(struct root *r) {
    if (r->fd >= 0) close(r->fd);
    r->fd = -1;
}

static int fail(int fd, int err) {
    if (fd >= 0) close(fd);
    errno = err;
    return -1;
}

int root_open_file(const struct root *r, const char *path, struct stat *st) {
    struct stat own;
    if (!st) st = &own;
    if (r->fd < 0 || !*path) return fail(-1, r->fd < 0 ? ENOENT : EISDIR);
    int fd = open_beneath(r, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        /* a/b where a is a file: b does not exist; a socket cannot be opened. */
        int err = errno == ENOTDIR ? ENOENT : errno == ENXIO ? EINVAL : errno;
        return fail(fd, err);
    }
    if (fstat(fd, st) < 0) return fail(fd, errno);
    if (S_ISDIR(st->st_mode)) return fail(fd, EISDIR);
    if (!S_ISREG(st->st_mode)) return fail(fd, EINVAL);
    return fd;
}

static int read_some(int fd, char *to, size_t n, size_t *got) {
    ssize_t count;
    do {
        count = read(fd, to, n);
    } while (count < 0 && errno == EINTR);
    *got = count < 0 ? 0 : (size_t)count;
    return count < 0 ? errno : 0;
}

/* `whole`: a regular file of size_hint bytes; a read that ends there is the end. */
static int read_all(int fd, size_t size_hint, size_t max, bool whole, struct buf *b) {
    size_t start = b->len;
    size_t limit = max ? max : SIZE_MAX / 2;
    if (b->max && b->max - start < limit) limit = b->max - start;
    size_t want = size_hint < limit ? size_hint + 1 : limit + 1;
    int err = 0;
    for (size_t got = 1; !err && got > 0 && b->len - start <= limit;) {
        if (want < 4096 && !(whole && size_hint)) want = 4096;
        buf_reserve(b, want);
        err = read_some(fd, b->ptr + b->len, want, &got);
        b->len += got;
        if (whole && size_hint && b->len - start == size_hint && got < want) break;
        want = b->len - start < (1 << 20) ? b->len - start : 1 << 20;
    }
    if (!err && b->len - start > limit) err = EFBIG;
    if (err) b->len = start;
    if (b->ptr) b->ptr[b->len] = '\0';
    return err;
}

int file_read_fd(int fd, size_t size_hint, size_t max, struct buf *b) {
    return read_all(fd, size_hint, max, false, b);
}

int root_read(const struct root *r, const char *path, size_t max, struct buf *b) {
    struct stat st;
    int fd = root_open_file(r, path, &st);
    if (fd < 0) return errno;
    size_t size = (size_t)st.st_size;
    int err = max && size > max ? EFBIG : read_all(fd, size, max, true, b);
    close(fd);
    return err;
}

const char *file_error(int err) {
    switch (err) {
    case ENOENT:
        return "does not exist";
    case EXDEV:
        return "leads outside the folder";
    case EISDIR:
        return "is a folder, not a file";
    case ENOTDIR:
        return "is not a folder";
    case EINVAL:
        return "is not a regular file";
    case EFBIG:
        return "is too large";
    case ELOOP:
        return "has too many folders or symbolic links inside each other";
    case EACCES:
    case EPERM:
        return "permission denied";
    case EEXIST:
        return "already exists";
    case ENOSPC:
        return "no space left on the disk";
    case ENAMETOOLONG:
        return "has too long a name";
    default:
        break;
    }
    const char *text = strerrordesc_np(err);
    return text ? text : "unknown error";
}

struct walk {
    const struct root *root;
    const char *top; /* the folder listed, below the root; "" is the root */
    bool deep, with_stat;
    struct arena *arena;
    struct file_list *out;
};

static void add_entry(
    struct walk *w, const char *path, bool dir, const struct stat *st) {
    struct file_list *l = w->out;
    if (l->n == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 32;
        struct file_entry *items = arena_alloc(w->arena, cap * sizeof(*items));
        if (l->n) memcpy(items, l->items, l->n * sizeof(*items));
        l->items = items;
        l->cap = cap;
    }
    l->items[l->n++] = (struct file_entry){
        .path = path, .dir = dir, .st = st ? *st : (struct stat){0}};
}

static const char *join_path(struct arena *a, const char *dir, const char *name) {
    return *dir ? arena_printf(a, "%s/%s", dir, name) : arena_strdup(a, name);
}

static const char *path_below_root(struct walk *w, const char *path) {
    return join_path(w->arena, w->top, path);
}

/* What a link points to; the link itself when that is not below the root. */
static bool stat_link(
    struct walk *w, int dir_fd, const char *name, const char *path, struct stat *st) {
    int fd = open_beneath(w->root, path_below_root(w, path), O_PATH);
    bool ok = fd >= 0 && fstat(fd, st) == 0;
    if (fd >= 0) close(fd);
    return ok || fstatat(dir_fd, name, st, AT_SYMLINK_NOFOLLOW) == 0;
}

static int walk_dir(struct walk *w, int fd, const char *path, unsigned depth);

static int enter_dir(
    struct walk *w, int dir_fd, const char *name, const char *path, unsigned depth) {
    int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    /* A link to a folder: followed, but never out of the root. */
    if (fd < 0 && (errno == ENOTDIR || errno == ELOOP)) {
        fd = open_beneath(w->root, path_below_root(w, path), O_RDONLY | O_DIRECTORY);
    }
    if (fd < 0) return errno == ENOENT ? 0 : errno;
    return walk_dir(w, fd, path, depth + 1);
}

static int visit(struct walk *w, int dir_fd, const struct dirent *entry,
    const char *dir, unsigned depth) {
    struct stat st = {0};
    const char *name = entry->d_name;
    unsigned char type = entry->d_type;
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) return 0;
    if (type != DT_REG && type != DT_DIR && type != DT_LNK && type != DT_UNKNOWN) {
        return 0;
    }
    const char *path = join_path(w->arena, dir, name);
    bool look = w->with_stat || type == DT_UNKNOWN;
    /* ENOENT here: gone since the folder was read. */
    if (type != DT_LNK && look && fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
        return errno == ENOENT ? 0 : errno;
    }
    bool link = type == DT_LNK || (look && S_ISLNK(st.st_mode));
    if (link && !stat_link(w, dir_fd, name, path, &st)) return 0;
    if (link || look) {
        type = S_ISDIR(st.st_mode) ? DT_DIR : DT_REG;
        if (type == DT_REG && !S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode)) return 0;
    }
    if (type == DT_DIR && w->deep) return enter_dir(w, dir_fd, name, path, depth);
    add_entry(w, path, type == DT_DIR, w->with_stat ? &st : NULL);
    return 0;
}

/* Takes fd. */
static int walk_dir(struct walk *w, int fd, const char *path, unsigned depth) {
    /* A link to a folder above ends here too: the first ELOOP ends the whole walk. */
    if (depth > WALK_DEPTH_MAX) {
        close(fd);
        return ELOOP;
    }
    DIR *dir = fdopendir(fd);
    if (!dir) {
        int err = errno;
        close(fd);
        return err;
    }
    int err = 0;
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (!entry) err = errno;
        if (!entry || err) break;
        err = visit(w, fd, entry, path, depth);
        if (err) break;
    }
    closedir(dir);
    return err;
}

static int compare_entries(const void *a, const void *b) {
    return strcmp(
        ((const struct file_entry *)a)->path, ((const struct file_entry *)b)->path);
}

static int list_below(struct walk *w) {
    *w->out = (struct file_list){0};
    if (strcmp(w->top, ".") == 0) w->top = "";
    if (w->root->fd < 0) return ENOENT;
    int fd = open_beneath(w->root, w->top, O_RDONLY | O_DIRECTORY);
    if (fd < 0) return errno;
    int err = walk_dir(w, fd, "", 0);
    if (w->out->n > 1) {
        qsort(w->out->items, w->out->n, sizeof(*w->out->items), compare_entries);
    }
    return err;
}

int file_list_dir(
    const struct root *r, const char *path, struct arena *a, struct file_list *out) {
    struct walk w = {.root = r, .top = path, .arena = a, .out = out};
    return list_below(&w);
}

int file_walk(const struct root *r, const char *path, bool with_stat, struct arena *a,
    struct file_list *out) {
    struct walk w = {.root = r,
        .top = path,
        .deep = true,
        .with_stat = with_stat,
        .arena = a,
        .out = out};
    return list_below(&w);
}

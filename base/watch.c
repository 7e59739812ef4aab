#include "base/watch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"

#define BUCKETS 4096 /* a power of two */
#define DEPTH_MAX 32
#define READS_MAX 64 /* of one watch_read, so that the caller's loop goes on */
#define EVENTS                                                                         \
    (IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO |            \
        IN_ATTRIB | IN_ONLYDIR | IN_EXCL_UNLINK)

struct folder { /* one that is watched */
    struct folder *next;
    int wd;
    bool deep;
    unsigned depth;
    char *path, *name;
};
struct root_folder {
    char *path, *name;
    bool deep;
};
struct watch {
    int fd;
    struct folder *buckets[BUCKETS];
    struct root_folder *roots;
    size_t n_roots, cap_roots;
    int err; /* the first that watch_add met */
};

/* ---- the folders ---- */

static struct folder **folder_slot(struct watch *w, int wd) {
    struct folder **at = &w->buckets[(unsigned)wd & (BUCKETS - 1)];
    while (*at && (*at)->wd != wd) at = &(*at)->next;
    return at;
}

static void folder_forget(struct folder **at) {
    struct folder *f = *at;
    *at = f->next;
    mem_free(f->path);
    mem_free(f->name);
    mem_free(f);
}

static char *join(const char *dir, const char *name) {
    size_t n = strlen(dir) + strlen(name) + 2;
    char *path = mem_alloc(n);
    snprintf(path, n, "%s%s%s", dir, *dir && *name ? "/" : "", name);
    return path;
}

static void folder_add(
    struct watch *w, const char *path, const char *name, bool deep, unsigned depth);

static bool is_folder(const char *path, const struct dirent *e) {
    struct stat st;
    if (e->d_type == DT_DIR) return true;
    if (e->d_type != DT_LNK && e->d_type != DT_UNKNOWN) return false;
    return !stat(path, &st) && S_ISDIR(st.st_mode);
}

static bool is_passed_over(const char *name) {
    return !strcmp(name, ".") || !strcmp(name, "..") || !strcmp(name, ".git") ||
           !strcmp(name, "node_modules");
}

static void add_below(struct watch *w, const struct folder *f) {
    DIR *dir = opendir(f->path);
    const struct dirent *e;
    if (!dir) return; /* gone, or not ours to read: its parent reports on it */
    while ((e = readdir(dir))) {
        if (is_passed_over(e->d_name)) continue;
        char *path = join(f->path, e->d_name);
        if (is_folder(path, e)) {
            char *name = join(f->name, e->d_name);
            folder_add(w, path, name, true, f->depth + 1);
            mem_free(name);
        }
        mem_free(path);
    }
    closedir(dir);
}

static void folder_add(
    struct watch *w, const char *path, const char *name, bool deep, unsigned depth) {
    if (depth > DEPTH_MAX) return;
    int wd = inotify_add_watch(w->fd, path, EVENTS);
    if (wd < 0) {
        bool passing = errno == ENOENT || errno == ENOTDIR || errno == EACCES;
        if (!passing && !w->err) w->err = errno;
        return;
    }
    /* Known already: reached by a symbolic link too, or listed while it came. */
    if (*folder_slot(w, wd)) return;
    struct folder *f = mem_calloc(1, sizeof *f), **at = folder_slot(w, wd);
    *f = (struct folder){.wd = wd, .deep = deep, .depth = depth};
    f->path = mem_strdup(path);
    f->name = mem_strdup(name);
    *at = f;
    if (deep) add_below(w, f);
}

static bool lies_in(const char *path, const char *folder) {
    size_t n = strlen(folder);
    return !strncmp(path, folder, n) && (!path[n] || path[n] == '/');
}

/* The watch of a folder moves along with it: under its old name nothing happens now. */
static void folder_remove(struct watch *w, const char *path) {
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct folder **at = &w->buckets[i]; *at;) {
            if (!lies_in((*at)->path, path)) {
                at = &(*at)->next;
                continue;
            }
            inotify_rm_watch(w->fd, (*at)->wd);
            folder_forget(at);
        }
}

static void add_roots(struct watch *w) {
    for (size_t i = 0; i < w->n_roots; i++)
        folder_add(w, w->roots[i].path, w->roots[i].name, w->roots[i].deep, 0);
}

int watch_add(struct watch *w, const char *path, const char *name, bool deep) {
    w->roots = mem_grow(w->roots, &w->cap_roots, w->n_roots + 1, sizeof *w->roots);
    w->roots[w->n_roots++] =
        (struct root_folder){mem_strdup(path), mem_strdup(name), deep};
    w->err = 0;
    folder_add(w, path, name, deep, 0);
    return w->err;
}

struct watch *watch_new(void) {
    int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (fd < 0) return NULL;
    struct watch *w = mem_calloc(1, sizeof *w);
    w->fd = fd;
    return w;
}

void watch_free(struct watch *w) {
    if (!w) return;
    for (size_t i = 0; i < BUCKETS; i++)
        while (w->buckets[i]) folder_forget(&w->buckets[i]);
    for (size_t i = 0; i < w->n_roots; i++) {
        mem_free(w->roots[i].path);
        mem_free(w->roots[i].name);
    }
    mem_free(w->roots);
    close(w->fd);
    mem_free(w);
}

int watch_fd(const struct watch *w) {
    return w->fd;
}

/* ---- what has happened ---- */

struct reading {
    struct watch *w;
    void (*changed)(void *ctx, const char *path);
    void *ctx;
    bool lost;
};

static void folder_came(
    struct watch *w, const struct folder *in, const char *path, const char *name) {
    unsigned depth = in->depth + 1;
    bool deep = in->deep;
    if (deep) {
        folder_add(w, path, name, true, depth);
        return;
    }
    for (size_t i = 0; i < w->n_roots; i++)
        if (!strcmp(w->roots[i].path, path))
            folder_add(w, path, w->roots[i].name, w->roots[i].deep, 0);
}

/* A file that is made is reported when it is closed; a link has nothing to close. */
static bool waits_for_close(const struct inotify_event *e, const char *path) {
    struct stat st;
    if (!(e->mask & IN_CREATE) || (e->mask & IN_ISDIR)) return false;
    return !lstat(path, &st) && S_ISREG(st.st_mode) && st.st_nlink < 2;
}

static void take_event(struct reading *r, const struct inotify_event *e) {
    struct watch *w = r->w;
    struct folder **at = folder_slot(w, e->wd), *f = *at;
    if (e->mask & IN_Q_OVERFLOW) r->lost = true;
    if (!f) return;
    if (e->mask & IN_IGNORED) {
        folder_forget(at);
        return;
    }
    const char *own = e->len ? e->name : "";
    if (*own && is_passed_over(own)) return;
    char *path = join(f->path, own), *name = join(f->name, own);
    if ((e->mask & IN_ISDIR) && *own) {
        if (e->mask & (IN_MOVED_FROM | IN_DELETE)) folder_remove(w, path);
        /* Permissions may have been what kept us out of it. */
        if (e->mask & (IN_CREATE | IN_MOVED_TO | IN_ATTRIB))
            folder_came(w, f, path, name);
    }
    if (!waits_for_close(e, path)) r->changed(r->ctx, name);
    mem_free(path);
    mem_free(name);
}

static void take_events(struct reading *r, const char *bytes, size_t n) {
    struct inotify_event e;
    for (size_t i = 0; i + sizeof e <= n; i += sizeof e + e.len) {
        memcpy(&e, bytes + i, sizeof e);
        take_event(r, (const struct inotify_event *)(const void *)(bytes + i));
    }
}

/* Events were lost: which folders there are is found out anew. */
static void start_over(struct reading *r) {
    struct watch *w = r->w;
    for (size_t i = 0; i < BUCKETS; i++)
        while (w->buckets[i]) {
            inotify_rm_watch(w->fd, w->buckets[i]->wd);
            folder_forget(&w->buckets[i]);
        }
    add_roots(w);
    r->changed(r->ctx, NULL);
}

int watch_read(
    struct watch *w, void (*changed)(void *ctx, const char *path), void *ctx) {
    struct reading r = {w, changed, ctx, false};
    _Alignas(struct inotify_event) char bytes[64 << 10];
    w->err = 0;
    for (int i = 0; i < READS_MAX; i++) {
        ssize_t n = read(w->fd, bytes, sizeof bytes);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        take_events(&r, bytes, (size_t)n);
    }
    if (r.lost) start_over(&r);
    return w->err;
}

#include "generator/cache_scan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

#define DEPTH_MAX 32
#define TAKES_MAX 3 /* of a folder that changes while it is looked at */

enum {
    SCAN_LINK = 1, /* a symbolic link: what it means may change unseen, so read again */
    SCAN_UNSURE = 2 /* its stamp proves nothing */
};

/* A scan is a head and folders sorted by path, each followed by its files sorted by
 * name. Every part begins at a multiple of 8 bytes. */
struct head {
    uint32_t bytes, folders;
};
struct folder {
    struct stamp stamp;
    uint32_t files;
    uint16_t len, flags; /* of the path */
    char path[];         /* NUL-terminated */
};
struct file {
    struct stamp stamp;
    struct hash hash;
    uint32_t flags;
    uint32_t len; /* of the name */
    char name[];  /* NUL-terminated */
};

/* ---- reading one ---- */

struct cursor {
    const char *at, *end;
    uint32_t folders, files;     /* still to come; files: of the folder in hand */
    const struct folder *folder; /* NULL: no more */
    const struct file *file;     /* NULL: no more in this folder */
};

static size_t padded(size_t n) {
    return (n + 7) & ~(size_t)7;
}

/* The next part of `size` bytes and a text; NULL when the block ends before. */
static const void *take_part(struct cursor *c, size_t size) {
    return (size_t)(c->end - c->at) < size ? NULL : c->at;
}

static bool take_text(struct cursor *c, size_t size, size_t len) {
    size_t whole = padded(size + len + 1);
    if ((size_t)(c->end - c->at) < whole || c->at[size + len]) return false;
    c->at += whole;
    return true;
}

static void next_file(struct cursor *c) {
    c->file = NULL;
    if (!c->files) return;
    c->files--;
    const struct file *f = take_part(c, sizeof *f);
    if (f && take_text(c, offsetof(struct file, name), f->len))
        c->file = f;
    else
        c->files = c->folders = 0;
}

static void next_folder(struct cursor *c) {
    while (c->file) next_file(c);
    c->folder = NULL;
    if (!c->folders) return;
    c->folders--;
    const struct folder *f = take_part(c, sizeof *f);
    if (!f || !take_text(c, offsetof(struct folder, path), f->len)) {
        c->folders = 0;
        return;
    }
    c->folder = f;
    c->files = f->files;
    next_file(c);
}

static struct cursor cursor_open(struct str scan) {
    struct cursor c = {.at = scan.ptr, .end = scan.ptr + scan.len};
    const struct head *h = scan.len >= sizeof *h ? (const void *)scan.ptr : NULL;
    if (!h || h->bytes != scan.len) return c;
    c.at += sizeof *h;
    c.folders = h->folders;
    next_folder(&c);
    return c;
}

/* ---- taking one ---- */

struct take {
    const struct root *root;
    struct arena arena;
    const char **folders;
    size_t n, cap;
    struct cursor old;
    struct buf *out;
    int64_t newest;
    bool failed; /* a folder cannot be listed, or folders lie too deep */
};

static int by_path(const void *a, const void *b) {
    return strcmp(
        ((const struct file_entry *)a)->path, ((const struct file_entry *)b)->path);
}

static bool is_listed(const struct file_list *list, size_t n, const char *name) {
    struct file_entry key = {.path = name};
    return n && bsearch(&key, list->items, n, sizeof key, by_path);
}

static void add_special(struct take *t, struct file_list *list, const char *name) {
    if (list->n == list->cap) {
        struct file_entry *items = list->items;
        list->cap = list->cap * 2 + 8;
        list->items = arena_alloc(&t->arena, list->cap * sizeof *items);
        if (list->n) memcpy(list->items, items, list->n * sizeof *items);
    }
    list->items[list->n++] = (struct file_entry){.path = arena_strdup(&t->arena, name)};
}

/* Adds what file_list_dir passes over, such as a FIFO or a link to one: a config may
 * name it, and what a link leads to may become a file. */
static int add_specials(struct take *t, int fd, struct file_list *list) {
    DIR *dir = fdopendir(fd);
    if (!dir) {
        int err = errno;
        close(fd);
        return err;
    }
    size_t known = list->n;
    errno = 0;
    for (const struct dirent *e; (e = readdir(dir));)
        if (strcmp(e->d_name, ".") && strcmp(e->d_name, "..") &&
            !is_listed(list, known, e->d_name))
            add_special(t, list, e->d_name);
    int err = errno;
    closedir(dir);
    if (list->n > known) qsort(list->items, list->n, sizeof *list->items, by_path);
    return err;
}

/* All entries of a folder. */
static int list_all(struct take *t, const char *path, struct file_list *list) {
    int err = file_list_dir(t->root, path, &t->arena, list);
    if (err) return err;
    int fd = openat(t->root->fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? errno : add_specials(t, fd, list);
}

static void find_folders(struct take *t, const char *path, unsigned depth) {
    struct file_list list = {0};
    t->folders = mem_grow(t->folders, &t->cap, t->n + 1, sizeof *t->folders);
    t->folders[t->n++] = path;
    /* A link to a folder above: each way round it would double. */
    t->failed |= depth > DEPTH_MAX;
    if (t->failed) return;
    int err = list_all(t, path, &list);
    t->failed |= err && err != ENOENT;
    for (size_t i = 0; i < list.n && !t->failed; i++)
        if (list.items[i].dir)
            find_folders(t, arena_printf(&t->arena, "%s/%s", path, list.items[i].path),
                depth + 1);
}

static void put_text(struct buf *out, const void *part, size_t size, const char *text) {
    static const char zeros[8];
    size_t len = strlen(text) + 1;
    buf_append(out, part, size);
    buf_append(out, text, len);
    buf_append(out, zeros, padded(size + len) - size - len);
}

static void note_time(struct take *t, const struct stamp *s) {
    if (s->changed > t->newest) t->newest = s->changed;
}

/* The old snapshot's word on a file, while both are walked in the same order. */
static const struct file *old_file(
    struct take *t, const char *folder, const char *name) {
    struct cursor *o = &t->old;
    while (o->folder && strcmp(o->folder->path, folder) < 0) next_folder(o);
    if (!o->folder || strcmp(o->folder->path, folder)) return NULL;
    while (o->file && strcmp(o->file->name, name) < 0) next_file(o);
    return o->file && !strcmp(o->file->name, name) ? o->file : NULL;
}

static void put_file(struct take *t, int fd, const char *folder, const char *name) {
    struct file f = {.len = (uint32_t)strlen(name)};
    struct stat st;
    if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode))
        f.flags |= SCAN_LINK;
    stamp_take(fd, name, true, &f.stamp);
    note_time(t, &f.stamp);
    const struct file *old = old_file(t, folder, name);
    bool same = old && stamp_equal(&old->stamp, &f.stamp) && !f.flags && !old->flags;
    if (same) f.hash = old->hash;
    put_text(t->out, &f, offsetof(struct file, name), name);
}

static void put_folder(struct take *t, const char *path) {
    struct folder f = {.len = (uint16_t)strlen(path)};
    struct file_list list = {0};
    int fd = t->root->fd < 0
                 ? -1
                 : openat(t->root->fd, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        stamp_take(fd, "", true, &f.stamp);
        note_time(t, &f.stamp);
        if (list_all(t, path, &list)) t->failed = true;
    }
    for (size_t i = 0; i < list.n; i++) f.files += !list.items[i].dir;
    put_text(t->out, &f, offsetof(struct folder, path), path);
    for (size_t i = 0; i < list.n; i++)
        if (!list.items[i].dir) put_file(t, fd, path, list.items[i].path);
    if (fd >= 0) close(fd);
}

static int by_text(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void take_once(struct take *t, const char *top, struct str old) {
    size_t start = t->out->len;
    arena_reset(&t->arena);
    t->n = 0;
    t->old = cursor_open(old);
    if (t->old.folder && (t->old.folder->flags & SCAN_UNSURE)) t->old.folder = NULL;
    t->newest = 0;
    t->failed = false;
    find_folders(t, top, 0);
    qsort(t->folders, t->n, sizeof *t->folders, by_text);
    buf_append(t->out, &(struct head){0}, sizeof(struct head));
    for (size_t i = 0; i < t->n; i++) put_folder(t, t->folders[i]);
    struct head h = {(uint32_t)(t->out->len - start), (uint32_t)t->n};
    memcpy(t->out->ptr + start, &h, sizeof h);
}

/* Nothing in it shall be taken for unchanged. */
static void mark_unsure(struct str scan) {
    struct cursor c = cursor_open(scan);
    if (c.folder) ((struct folder *)c.folder)->flags |= SCAN_UNSURE;
}

void scan_take(const struct root *r, const char *top, struct str old, struct buf *out) {
    struct take t = {.root = r, .out = out};
    size_t start = out->len;
    bool sure = false;
    arena_init(&t.arena);
    for (int i = 0; i < TAKES_MAX && !sure; i++) {
        out->len = start;
        take_once(&t, top, old);
        bool settled = !t.failed && stamp_settle(t.newest);
        sure = settled && scan_stands(r, str_slice(buf_view(out), start, out->len));
        if (!settled) break;
    }
    if (!sure) mark_unsure(str_slice(buf_view(out), start, out->len));
    arena_dispose(&t.arena);
    mem_free(t.folders);
}

void scan_hash(const struct root *r, struct buf *scan) {
    static const struct hash unknown;
    struct buf path;
    buf_init(&path, 0);
    for (struct cursor c = cursor_open(buf_view(scan)); c.folder; next_folder(&c))
        for (; c.file; next_file(&c)) {
            struct file *f = (struct file *)c.file;
            if (memcmp(&f->hash, &unknown, sizeof unknown)) continue;
            buf_reset(&path);
            buf_printf(&path, "%s/%s", c.folder->path, f->name);
            f->hash = hash_file(r, path.ptr);
        }
    buf_dispose(&path);
}

/* ---- comparing ---- */

static bool files_stand(int fd, struct cursor *c) {
    struct stamp now;
    for (; c->file; next_file(c)) {
        stamp_take(fd, c->file->name, true, &now);
        if ((c->file->flags & SCAN_UNSURE) || !stamp_equal(&now, &c->file->stamp))
            return false;
    }
    return true;
}

static bool folder_stands(const struct root *r, struct cursor *c) {
    static const struct stamp absent;
    const struct folder *f = c->folder;
    struct stamp now = absent;
    if (f->flags & SCAN_UNSURE) return false;
    int fd = r->fd < 0 ? -1 : openat(r->fd, f->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) stamp_take(fd, "", true, &now);
    bool stands = stamp_equal(&now, &f->stamp) && files_stand(fd, c);
    if (fd >= 0) close(fd);
    return stands;
}

bool scan_stands(const struct root *r, struct str scan) {
    struct cursor c = cursor_open(scan);
    if (!c.folder) return false;
    for (; c.folder; next_folder(&c))
        if (!folder_stands(r, &c)) return false;
    return true;
}

static const char *say(struct arena *a, const struct cursor *c, const char *what) {
    /* Without the top folder: who asks knows it. */
    const char *slash = strchr(c->folder->path, '/'), *path = slash ? slash + 1 : "";
    return arena_printf(
        a, "%s%s%s %s", path, slash ? "/" : "", c->file ? c->file->name : "", what);
}

static int compare_names(const char *a, const char *b) {
    if (!a || !b) return a ? -1 : b ? 1 : 0;
    return strcmp(a, b);
}

static const char *file_difference(
    struct arena *a, struct cursor *old, struct cursor *now) {
    for (; old->file || now->file; next_file(old), next_file(now)) {
        int order = compare_names(
            old->file ? old->file->name : NULL, now->file ? now->file->name : NULL);
        if (order) return order < 0 ? say(a, old, "removed") : say(a, now, "added");
        if (!hash_equal(&old->file->hash, &now->file->hash))
            return say(a, now, "changed");
    }
    return NULL;
}

const char *scan_difference(struct arena *a, struct str old, struct str now) {
    struct cursor o = cursor_open(old), n = cursor_open(now);
    if (!o.folder || (o.folder->flags & SCAN_UNSURE))
        return "could not be watched while it was built";
    for (; o.folder || n.folder; next_folder(&o), next_folder(&n)) {
        int order = compare_names(
            o.folder ? o.folder->path : NULL, n.folder ? n.folder->path : NULL);
        if (order) return order < 0 ? say(a, &o, "removed") : say(a, &n, "added");
        const char *what = file_difference(a, &o, &n);
        if (what) return what;
    }
    return NULL;
}

struct hash scan_digest(struct str scan) {
    struct buf all;
    buf_init(&all, 0);
    for (struct cursor c = cursor_open(scan); c.folder; next_folder(&c)) {
        buf_append(&all, &c.folder->files, sizeof c.folder->files);
        buf_append(&all, c.folder->path, c.folder->len + 1u);
        for (; c.file; next_file(&c)) {
            buf_append(&all, c.file->name, c.file->len + 1u);
            buf_append(&all, &c.file->hash, sizeof c.file->hash);
        }
    }
    struct hash h = hash_of(buf_view(&all));
    buf_dispose(&all);
    return h;
}

struct hash scan_find(struct str scan, const char *path) {
    struct str folder = path_dir(str_from(path)), name = path_base(str_from(path));
    for (struct cursor c = cursor_open(scan); c.folder; next_folder(&c)) {
        if (!str_is(folder, c.folder->path)) continue;
        for (; c.file; next_file(&c))
            if (str_is(name, c.file->name)) return c.file->hash;
    }
    return (struct hash){0};
}

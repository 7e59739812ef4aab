/* Files below a root folder.  Nothing outside a root is ever opened: names with
 * "..", absolute names and symbolic links that lead out are refused
 * (openat2(2) RESOLVE_BENEATH; where the kernel lacks it, O_NOFOLLOW per part). */
#ifndef BASE_FILE_H
#define BASE_FILE_H
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include "base/arena.h"
#include "base/str.h"

struct root {
    int fd;           /* O_DIRECTORY; -1: the folder does not exist */
    const char *name; /* as the user knows it ("tenants"), for messages; borrowed */
    bool fenced;      /* each folder in it is a root of its own: a symbolic link in one
                         does not lead into another */
};
int root_open(struct root *r, int dir_fd, const char *path,
    const char *name); /* 0 or errno; ENOENT leaves fd -1 */
void root_close(struct root *r);
/* Opens for reading a regular file below r (never blocks on a FIFO).
 * Returns fd, or -1 with errno: ENOENT, EXDEV (leads outside), EISDIR, EINVAL (not a
 * regular file). */
int root_open_file(const struct root *r, const char *path, struct stat *st);
/* Reads a whole file into b (appended).  0 or errno; EFBIG when over max bytes. */
int root_read(const struct root *r, const char *path, size_t max, struct buf *b);
int file_read_fd(int fd, size_t size_hint, size_t max, struct buf *b);
/* "EXDEV" and so on as a person would say it: "leads outside the folder". */
const char *file_error(int err);

struct file_entry {
    const char *path; /* relative to the folder listed, '/' between parts */
    bool dir;
    struct stat st; /* filled by file_walk when with_stat */
};
struct file_list {
    struct file_entry *items;
    size_t n, cap;
};
/* The direct entries of a folder below r in byte order, "." and ".." left out.
 * 0 or errno (ENOENT: no such folder). Regular files and folders only; a symbolic link
 * counts as what it points to when that lies below r, else it is listed as a file so
 * that opening it reports EXDEV. */
int file_list_dir(
    const struct root *r, const char *path, struct arena *a, struct file_list *out);
/* Every regular file under a folder, recursively, in byte order of the path; depth <=
 * 32 (ELOOP). */
int file_walk(const struct root *r, const char *path, bool with_stat, struct arena *a,
    struct file_list *out);

/* Writing: 0 or errno. */
int file_make_dirs(int dir_fd,
    const char *path); /* mkdir -p of path (mode 0777 & umask... 0755 fixed) */
int file_make_parents(int dir_fd, const char *path); /* all but the last part */
int file_write_new(int dir_fd, const char *path,
    struct str bytes); /* O_EXCL, mode 0644 whatever umask says */
int file_write_replace(int dir_fd, const char *path,
    struct str bytes); /* temporary + rename; nothing when equal */
int file_remove_tree(int dir_fd, const char *path); /* rm -rf; ENOENT is fine */

/* Path text. */
bool path_is_safe(
    struct str path); /* relative, no empty, "." or ".." part, no NUL, control character
                         or backslash, parts <= 255, whole <= 1024 */
struct str path_suffix(struct str path); /* "html" of a/b.html; empty when none */
struct str path_base(struct str path);   /* last part */
struct str path_dir(struct str path);    /* all before the last part, no final '/' */
/* base/../x, ./x resolved against folder `dir`; NULL when it climbs above the top. */
char *path_resolve(struct arena *a, struct str dir, struct str rel);
/* "a b.txt" -> "/a%20b.txt": what a URL would take for its own, or must not hold,
 * escaped. */
char *path_to_url(struct arena *a, struct str path);
/* "/a%20b.txt" -> "/a b.txt"; one with an escaped NUL stays as it is. */
struct str path_from_url(struct arena *a, struct str url);
#endif

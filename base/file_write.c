/* Writing files and trees. */
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { FILE_MODE = 0644, DIR_MODE = 0755, COMPARE_CHUNK = 64 * 1024 };

/* The umask may have taken bits away; asking is cheaper than always setting. */
static int fix_dir_mode(int dir_fd, const char *path) {
    struct stat st;
    if (fstatat(dir_fd, path, &st, 0) < 0) return errno;
    if ((st.st_mode & 0777) == DIR_MODE) return 0;
    return fchmodat(dir_fd, path, DIR_MODE, 0) < 0 ? errno : 0;
}

static int make_dir(int dir_fd, const char *path) {
    if (mkdirat(dir_fd, path, DIR_MODE) == 0) return fix_dir_mode(dir_fd, path);
    if (errno != EEXIST) return errno;
    struct stat st;
    if (fstatat(dir_fd, path, &st, 0) < 0) return errno;
    return S_ISDIR(st.st_mode) ? 0 : ENOTDIR;
}

/* Makes the folder named by the first n bytes of path, and those above it. */
static int make_dirs(int dir_fd, struct str path) {
    while (path.len > 0 && path.ptr[path.len - 1] == '/') path.len--;
    if (path.len == 0) return 0;
    char name[4096];
    if (path.len >= sizeof(name)) return ENAMETOOLONG;
    memcpy(name, path.ptr, path.len);
    name[path.len] = '\0';
    /* Most often only the last one is missing. */
    int err = make_dir(dir_fd, name);
    if (err != ENOENT) return err;
    struct str above = path_dir(path);
    if (above.len == 0) return ENOENT;
    err = make_dirs(dir_fd, above);
    return err ? err : make_dir(dir_fd, name);
}

int file_make_dirs(int dir_fd, const char *path) {
    return make_dirs(dir_fd, str_from(path));
}

int file_make_parents(int dir_fd, const char *path) {
    return make_dirs(dir_fd, path_dir(str_from(path)));
}

static int write_all(int fd, struct str bytes) {
    while (bytes.len > 0) {
        ssize_t n = write(fd, bytes.ptr, bytes.len);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return errno;
        if (n == 0) return ENOSPC;
        bytes = str_slice(bytes, (size_t)n, bytes.len);
    }
    return 0;
}

static int fix_file_mode(int fd) {
    struct stat st;
    if (fstat(fd, &st) < 0) return errno;
    if ((st.st_mode & 07777) == FILE_MODE) return 0;
    return fchmod(fd, FILE_MODE) < 0 ? errno : 0;
}

int file_write_new(int dir_fd, const char *path, struct str bytes) {
    int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    int fd = openat(dir_fd, path, flags, FILE_MODE);
    if (fd < 0) return errno;
    int err = write_all(fd, bytes);
    if (!err) err = fix_file_mode(fd);
    if (close(fd) < 0 && !err) err = errno;
    if (err) unlinkat(dir_fd, path, 0);
    return err;
}

static bool content_equals(int fd, struct str bytes) {
    char chunk[COMPARE_CHUNK];
    while (bytes.len > 0) {
        ssize_t n =
            read(fd, chunk, bytes.len < sizeof(chunk) ? bytes.len : sizeof(chunk));
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0 || memcmp(chunk, bytes.ptr, (size_t)n) != 0) return false;
        bytes = str_slice(bytes, (size_t)n, bytes.len);
    }
    return true;
}

static bool file_equals(int dir_fd, const char *path, struct str bytes) {
    int fd = openat(dir_fd, path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return false;
    struct stat st;
    bool equal = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
                 (size_t)st.st_size == bytes.len && content_equals(fd, bytes);
    close(fd);
    return equal;
}

int file_write_replace(int dir_fd, const char *path, struct str bytes) {
    if (file_equals(dir_fd, path, bytes)) return 0;
    struct str dir = path_dir(str_from(path));
    char name[4096];
    int err = EEXIST;
    /* A killed process may have left a name behind that bears our number. */
    for (int i = 0; err == EEXIST && i < 1000; i++) {
        int n = snprintf(name, sizeof(name), STR_FMT "%s.tmp-%ld-%d", STR_ARG(dir),
            path_base(str_from(path)).len < strlen(path) ? "/" : "", (long)getpid(), i);
        if (n < 0 || (size_t)n >= sizeof(name)) return ENAMETOOLONG;
        err = file_write_new(dir_fd, name, bytes);
    }
    if (err) return err;
    if (renameat(dir_fd, name, dir_fd, path) == 0) return 0;
    err = errno;
    unlinkat(dir_fd, name, 0);
    return err;
}

static int remove_entries(int fd) {
    DIR *dir = fdopendir(fd);
    if (!dir) {
        int err = errno;
        close(fd);
        return err;
    }
    int err = 0;
    const struct dirent *entry;
    while (!err && (entry = readdir(dir))) {
        bool self = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
        if (!self) err = file_remove_tree(fd, entry->d_name);
    }
    closedir(dir);
    return err;
}

int file_remove_tree(int dir_fd, const char *path) {
    if (unlinkat(dir_fd, path, 0) == 0 || errno == ENOENT) return 0;
    if (errno != EISDIR && errno != EPERM) return errno;
    int err = errno;
    int fd = openat(dir_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return errno == ENOTDIR ? err : errno;
    err = remove_entries(fd);
    if (err) return err;
    if (unlinkat(dir_fd, path, AT_REMOVEDIR) == 0 || errno == ENOENT) return 0;
    return errno;
}

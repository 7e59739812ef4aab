#include "generator/publish_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* openat2 without the kernel's help: one folder after the other. */
static int open_by_parts(int dir_fd, const char *path, int flags) {
    char part[256];
    int at = dir_fd;
    const char *slash;
    while ((slash = strchr(path, '/'))) {
        size_t len = (size_t)(slash - path);
        if (len >= sizeof part) {
            errno = ENAMETOOLONG;
            break;
        }
        memcpy(part, path, len);
        part[len] = '\0';
        int next = openat(at, part, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        int err = errno;
        if (at != dir_fd) close(at);
        errno = err;
        if (next < 0) return -1;
        at = next;
        path = slash + 1;
    }
    int fd = slash ? -1 : openat(at, path, flags);
    int err = errno;
    if (at != dir_fd) close(at);
    errno = err;
    return fd;
}

int publish_open(int dir_fd, const char *path) {
    int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
    struct open_how how = {
        .flags = (unsigned)flags, .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
    long fd;
    do fd = syscall(SYS_openat2, dir_fd, path, &how, sizeof how);
    while (fd < 0 && (errno == EINTR || errno == EAGAIN));
    /* EPERM: older container runtimes answer so to calls they do not know. */
    if (fd < 0 && (errno == ENOSYS || errno == EPERM))
        return open_by_parts(dir_fd, path, flags);
    return (int)fd;
}

/* Reads exactly n bytes at `offset`. */
static int read_full(int fd, char *to, size_t n, off_t offset) {
    while (n) {
        ssize_t got = pread(fd, to, n, offset);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return errno;
        if (got == 0) return EIO;
        to += got;
        n -= (size_t)got;
        offset += got;
    }
    return 0;
}

static bool same_bytes(int fd, const struct publish_source *source, char *buffers) {
    char *ours = buffers, *theirs = buffers + PUBLISH_BUFFER;
    for (size_t at = 0; at < source->size;) {
        size_t n = source->size - at;
        if (n > PUBLISH_BUFFER) n = PUBLISH_BUFFER;
        const char *want = source->fd < 0 ? source->bytes.ptr + at : theirs;
        if (read_full(fd, ours, n, (off_t)at)) return false;
        if (source->fd >= 0 && read_full(source->fd, theirs, n, (off_t)at))
            return false;
        if (memcmp(ours, want, n) != 0) return false;
        at += n;
    }
    return true;
}

static bool same_inode(const struct stat *a, int fd) {
    struct stat b;
    return fd >= 0 && fstat(fd, &b) == 0 && a->st_ino == b.st_ino &&
           a->st_dev == b.st_dev;
}

bool publish_equal(
    int dir_fd, const char *path, const struct publish_source *source, char *buffers) {
    int fd = publish_open(dir_fd, path);
    if (fd < 0) return false;
    struct stat st;
    bool equal = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
                 (st.st_mode & 0444) == 0444 && (size_t)st.st_size == source->size &&
                 (same_inode(&st, source->fd) || same_bytes(fd, source, buffers));
    close(fd);
    return equal;
}

static int write_bytes(int fd, struct str bytes) {
    while (bytes.len) {
        ssize_t put = write(fd, bytes.ptr, bytes.len);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return errno;
        if (put == 0) return ENOSPC;
        bytes.ptr += put;
        bytes.len -= (size_t)put;
    }
    return 0;
}

static int copy_by_hand(int fd, int from, size_t size, off_t at) {
    char buffer[16 << 10];
    while ((size_t)at < size) {
        size_t n = size - (size_t)at;
        if (n > sizeof buffer) n = sizeof buffer;
        int err = read_full(from, buffer, n, at);
        if (!err) err = write_bytes(fd, (struct str){buffer, n});
        if (err) return err;
        at += (off_t)n;
    }
    return 0;
}

static int copy_file(int fd, int from, size_t size) {
    off_t at = 0;
    while ((size_t)at < size) {
        ssize_t n = copy_file_range(from, &at, fd, NULL, size - (size_t)at, 0);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && (errno == ENOSPC || errno == EDQUOT || errno == EIO)) return errno;
        /* 0 is also what some special file systems answer before the end. */
        if (n <= 0) return copy_by_hand(fd, from, size, at);
    }
    return 0;
}

int publish_write(int dir_fd, const char *path, const struct publish_source *source) {
    int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, fd;
    do fd = openat(dir_fd, path, flags, 0644);
    while (fd < 0 && errno == EINTR);
    if (fd < 0) return errno;
    int err = source->fd < 0 ? write_bytes(fd, source->bytes)
                             : copy_file(fd, source->fd, source->size);
    /* Linux frees the descriptor even when close is interrupted. */
    if (close(fd) != 0 && errno != EINTR && !err) err = errno;
    return err;
}

int publish_make_dirs(int dir_fd, char *path) {
    if (mkdirat(dir_fd, path, 0755) == 0 || errno == EEXIST) return 0;
    if (errno != ENOENT) return errno;
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        int err = mkdirat(dir_fd, path, 0755) == 0 || errno == EEXIST ? 0 : errno;
        *slash = '/';
        if (err) return err;
    }
    return mkdirat(dir_fd, path, 0755) == 0 || errno == EEXIST ? 0 : errno;
}

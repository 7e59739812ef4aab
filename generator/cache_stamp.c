/* Single files: what stat(2) and their bytes say. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/crypto.h"
#include "generator/cache_scan.h"

#define SECOND INT64_C(1000000000)
#define TICK_MAX (20 * SECOND / 1000) /* the longest tick of a kernel, twice */
#define BLOCK (4u << 20) /* bytes that are hashed at once; a config is smaller */

static int64_t nanoseconds(struct timespec t) {
    return (int64_t)t.tv_sec * SECOND + t.tv_nsec;
}

/* The clock from which a file system takes its times. */
static int64_t coarse_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME_COARSE, &t);
    return nanoseconds(t);
}

void stamp_take(int dir_fd, const char *path, bool follow, struct stamp *out) {
    struct stat st;
    *out = (struct stamp){0};
    if (fstatat(dir_fd, path, &st,
            (follow ? 0 : AT_SYMLINK_NOFOLLOW) | (*path ? 0 : AT_EMPTY_PATH)) != 0)
        return;
    out->inode = st.st_ino;
    out->size = (uint64_t)st.st_size;
    out->modified = nanoseconds(st.st_mtim);
    out->changed = nanoseconds(st.st_ctim);
}

bool stamp_equal(const struct stamp *a, const struct stamp *b) {
    return a->inode == b->inode && a->size == b->size && a->modified == b->modified &&
           a->changed == b->changed;
}

bool stamp_settle(int64_t changed) {
    int64_t now = coarse_now();
    if (changed % SECOND == 0 && changed > now - 2 * SECOND) return false;
    for (int64_t start = now; now <= changed; now = coarse_now()) {
        if (changed > now + TICK_MAX || now > start + TICK_MAX) return false;
        nanosleep(&(struct timespec){.tv_nsec = SECOND / 2000}, NULL);
    }
    return true;
}

struct hash hash_of(struct str bytes) {
    unsigned char whole[32];
    struct hash h;
    sha256_raw(bytes, whole);
    memcpy(h.bytes, whole, sizeof h.bytes);
    return h;
}

/* Appends up to BLOCK bytes; fewer at the end of the file. */
static int read_block(int fd, struct buf *b) {
    size_t start = b->len;
    while (b->len - start < BLOCK) {
        size_t want = BLOCK - (b->len - start);
        if (want > b->len - start + 65536) want = b->len - start + 65536;
        buf_reserve(b, want);
        ssize_t n = read(fd, b->ptr + b->len, want);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return errno;
        if (!n) break;
        b->len += (size_t)n;
    }
    return 0;
}

/* Of each block, with the hash of those before it in front: a file of any size takes
 * the memory of one. */
static int hash_blocks(int fd, struct buf *block, struct hash *h) {
    bool first = true;
    for (;;) {
        buf_reset(block);
        if (!first) buf_append(block, h->bytes, sizeof h->bytes);
        size_t start = block->len;
        int err = read_block(fd, block);
        if (err || (block->len == start && !first)) return err;
        *h = hash_of(buf_view(block));
        if (block->len - start < BLOCK) return 0;
        first = false;
    }
}

struct hash hash_file(const struct root *r, const char *path) {
    struct buf block;
    struct hash h = {0};
    buf_init(&block, 0);
    int fd = root_open_file(r, path, NULL);
    int err = fd < 0 ? errno : hash_blocks(fd, &block, &h);
    if (fd >= 0) close(fd);
    if (err) {
        buf_reset(&block);
        buf_printf(&block, "unreadable: %d", err);
        h = hash_of(buf_view(&block));
        /* Unlike that of a file with such a text. */
        for (size_t i = 0; i < sizeof h.bytes; i++) h.bytes[i] ^= 0xff;
    }
    buf_dispose(&block);
    return h;
}

bool hash_equal(const struct hash *a, const struct hash *b) {
    static const struct hash unknown;
    return !memcmp(a, b, sizeof *a) && memcmp(a, &unknown, sizeof *a);
}

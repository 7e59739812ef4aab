/* Snapshots of folders: what the files below one looked like when it was read, by
 * stat(2) and by content.  One is a block of bytes that is written to the cache as it
 * is and used from there in place. */
#ifndef GENERATOR_CACHE_SCAN_H
#define GENERATOR_CACHE_SCAN_H
#include <stdbool.h>
#include <stdint.h>
#include "base/file.h"

#define HASH_SIZE 16 /* bytes of a SHA-256 that are kept */

struct stamp { /* all zero: there is no such file or folder */
    uint64_t inode, size;
    int64_t modified, changed; /* nanoseconds since 1970 */
};
struct hash { /* all zero: not known */
    unsigned char bytes[HASH_SIZE];
};

void stamp_take(int dir_fd, const char *path, bool follow, struct stamp *out);
bool stamp_equal(const struct stamp *a, const struct stamp *b);
/* Waits until a change made from now on gives a file another time than `changed`: the
 * clock of a file system ticks some hundred times a second.  False: that time lies in
 * the future, or the file system counts whole seconds; then a stamp proves nothing. */
bool stamp_settle(int64_t changed);

struct hash hash_of(struct str bytes);
/* Of a file's content; one that cannot be read has the hash of the reason. */
struct hash hash_file(const struct root *r, const char *path);
bool hash_equal(const struct hash *a, const struct hash *b); /* false when not known */

/* Appends a snapshot of folder `top` below r and of all folders in it.  `old` (may be
 * empty) lends the hashes of the files whose stamps are the same; the others have none
 * yet.  A folder that is missing has a snapshot too. */
void scan_take(const struct root *r, const char *top, struct str old, struct buf *out);
/* Reads the files whose hash is not known. */
void scan_hash(const struct root *r, struct buf *scan);
/* Whether nothing changed since, by one stat(2) for each file and folder. */
bool scan_stands(const struct root *r, struct str scan);
/* The first difference in content, as "posts/hello.md changed" (or added, removed), in
 * the arena; NULL: none. */
const char *scan_difference(struct arena *a, struct str old, struct str now);
/* Of all paths, empty folders too, and contents. */
struct hash scan_digest(struct str scan);
/* Of one file ("acme/config.json"); not known when there is none. */
struct hash scan_find(struct str scan, const char *path);
#endif

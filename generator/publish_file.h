/* The single files of a tree: comparing, writing, copying.  Part of publish.
 * Paths are relative to a folder's fd.  Interrupted calls are repeated. */
#ifndef GENERATOR_PUBLISH_FILE_H
#define GENERATOR_PUBLISH_FILE_H
#include <stdbool.h>
#include <stddef.h>
#include "base/str.h"

/* What a file shall hold. */
struct publish_source {
    struct str bytes; /* when fd < 0 */
    int fd;           /* else the first `size` bytes of this file */
    size_t size;
};
#define PUBLISH_BUFFER ((size_t)64 << 10) /* of each of two buffers */

/* Opens a regular file for reading; a symbolic link on the way is refused.
 * fd, or -1 with errno. */
int publish_open(int dir_fd, const char *path);
/* Whether dir_fd/path is a readable file of exactly these bytes.  `buffers` holds twice
 * PUBLISH_BUFFER.  A file that cannot be read is not equal. */
bool publish_equal(
    int dir_fd, const char *path, const struct publish_source *source, char *buffers);
/* Makes dir_fd/path, which must not exist, in a folder that does.  0 or errno; EIO when
 * source.fd holds less than it should. */
int publish_write(int dir_fd, const char *path, const struct publish_source *source);
/* Makes folder `path` and those above it.  0 or errno; existing ones are fine. */
int publish_make_dirs(int dir_fd, char *path);
#endif

/* Where the trees of a site go: folders that are published, or memory. */
#ifndef GENERATOR_SINK_H
#define GENERATOR_SINK_H
#include "generator/publish.h"
#include "generator/site.h"

/* As publish.h describes them; `tree` is what begin returned, one per host. */
struct sink {
    void *ctx;
    void *(*begin)(void *ctx, const char *host);
    int (*put)(void *tree, const struct output *o, struct str bytes);
    int (*put_fd)(void *tree, const struct output *o, int fd, size_t size);
    int (*finish)(void *tree);
    int (*commit)(void *tree, bool durable);
    void (*report)(const void *tree, struct diag_list *diags);
    const struct tree_stats *(*stats)(const void *tree);
    void (*end)(void *tree);
};
/* Into folders below `out`, which must live as long. */
struct sink sink_publish(struct out_dir *out);
#endif

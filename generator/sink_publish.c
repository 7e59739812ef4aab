/* The published tree as a sink. */
#include "generator/sink.h"

static void *begin(void *ctx, const char *host) {
    return tree_begin(ctx, host);
}

static int put(void *tree, const struct output *o, struct str bytes) {
    return tree_put(tree, o->path, bytes);
}

static int put_fd(void *tree, const struct output *o, int fd, size_t size) {
    return tree_put_fd(tree, o->path, fd, size);
}

static int finish(void *tree) {
    return tree_finish(tree);
}

static int commit(void *tree, bool durable) {
    return tree_commit(tree, durable);
}

static void report(const void *tree, struct diag_list *diags) {
    tree_report(tree, diags);
}

static const struct tree_stats *stats(const void *tree) {
    return tree_stats(tree);
}

static void end(void *tree) {
    tree_end(tree);
}

struct sink sink_publish(struct out_dir *out) {
    return (struct sink){.ctx = out,
        .begin = begin,
        .put = put,
        .put_fd = put_fd,
        .finish = finish,
        .commit = commit,
        .report = report,
        .stats = stats,
        .end = end};
}

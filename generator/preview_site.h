/* A rendered site in memory: made by a worker, served by the preview. */
#ifndef GENERATOR_PREVIEW_SITE_H
#define GENERATOR_PREVIEW_SITE_H
#include "base/map.h"
#include "generator/edge_rules.h"
#include "generator/sink.h"

/* ---- in the worker ---- */

struct memory_sink {
    struct buf bytes; /* of all files */
    struct buf index; /* what they are called, for site_receive */
    struct tree_stats stats;
};
void memory_sink_init(struct memory_sink *m);
struct sink memory_sink(struct memory_sink *m);
/* Writes the bytes to fd; the index goes through the pipe.  0 or errno. */
int memory_sink_flush(struct memory_sink *m, int fd);

/* ---- in the server ---- */

struct preview_file {
    const char *path; /* "blog/index.html" */
    struct str bytes;
    const char *template; /* it was made of, for people; "" when of none */
    const char *content;  /* the content file behind it, or "" */
    bool draft, future;
    char etag[24]; /* quoted; empty until it was asked for */
};
struct preview_tree {
    const char *host;
    struct map files; /* path -> struct preview_file * */
    struct edge_headers headers;
    struct edge_redirects redirects;
};
struct preview_site {
    unsigned references;
    struct arena arena;
    void *map; /* of the worker's bytes */
    size_t size;
    struct preview_tree *trees; /* canonical first */
    size_t n_trees;
    size_t n_files;
};
/* The site behind an index and the file descriptor with its bytes (not closed).
 * NULL: not what the sink wrote. One reference. */
struct preview_site *preview_site_receive(struct str index, int fd);
void preview_site_release(void *site); /* the last one frees */

/* What an open page has to do to show `now` instead of `was`. */
enum page_change {
    PAGE_SAME,
    PAGE_STYLE, /* only style sheets, style elements and the theme colour differ */
    PAGE_RELOAD
};
enum page_change preview_site_compare(
    const struct preview_site *was, const struct preview_site *now, const char *path);
#endif

/* A tenant's Markdown: pages, collections, the landing page; its own files over
 * content/_shared. */
#ifndef GENERATOR_CONTENT_H
#define GENERATOR_CONTENT_H
#include "base/map.h"
#include "generator/frontmatter.h"
#include "generator/options.h"
#include "model/workspace.h"

struct item {
    const char *rel;   /* below content/<id>/: "posts/hello.md" */
    const char *file;  /* for messages: "content/acme/posts/hello.md" */
    const char *owner; /* folder it came from: the tenant's id or "_shared" */
    const char
        *collection;  /* "posts"; "pages" for a file beside index.md; "" for index.md */
    const char *slug; /* "hello", URL-safe; below sub-folders "guide/hello" */
    const char *title;
    const char *layout;
    struct str text; /* the file's bytes */
    struct frontmatter fm;
    bool has_date, has_updated;
    int64_t date, updated;
    int64_t weight;
    bool draft, future; /* shown only because of --drafts */
    bool html;          /* its body is rich text of an editor, a row of the database */
    bool row;           /* it is a row, not a file: raw HTML in it is never trusted */
    const char **aliases; /* former paths */
    size_t n_aliases;
    bool no_sitemap; /* `sitemap: false` */
    bool hidden;     /* draft, future or expired: in no list, links to it are errors */
    const char **tags;
    size_t n_tags;
    /* Filled by the plan. */
    const char *path; /* "/blog/hello/"; NULL: the theme gives it no page */
    json_t *view;     /* fm.values, made what templates see; owned */
    json_t *ids;      /* heading ids, after rendering; owned */
};
struct content {
    struct arena arena;
    const struct workspace *workspace;
    const char *tenant;
    struct item *items; /* by rel */
    size_t n;
    struct item *landing; /* index.md; NULL without */
    struct map by_rel;    /* rel -> struct item * */
    struct map files;     /* rel of every other file -> struct content_file * */
    unsigned n_drafts, n_future, n_expired;
    int64_t since,
        until; /* the build times for which the same is visible: [since, until) */
};
struct content_file {
    const char *rel, *path; /* path: below content/: "acme/posts/photo.png" */
};
/* False: errors were reported; c is still safe to dispose. */
bool content_load(struct content *c, const struct workspace *w, const char *tenant,
    const struct options *o, struct diag_list *diags);
/* A post out of the database. */
struct content_row {
    const char *slug, *file; /* file: the row, for messages */
    json_t *values;          /* what front matter would say; taken over */
    struct str body;
    bool html, published; /* published: visible whatever its date */
    bool wrong;           /* was reported: it only keeps its name from others */
};
/* Rows join the collection `posts`; what they point to must outlive c.  False:
 * reported, also of a file and a row with the same slug. */
bool content_join(struct content *c, const struct content_row *rows, size_t n,
    const struct options *o, struct diag_list *diags);
void content_dispose(struct content *c);
#endif

/* Files that pages refer to (images above all): found in the tenant's folder or beside
 * the content, published once under a fingerprinted name when something refers to them.
 */
#ifndef GENERATOR_MEDIA_H
#define GENERATOR_MEDIA_H
#include "base/diag.h"
#include "base/map.h"
#include "base/json.h"
#include "generator/content.h"
#include "generator/image.h"

struct media {
    const struct root *root;
    const char *path;   /* below root */
    const char *output; /* "images/hero.1a2b3c4d.png" */
    const char *url;    /* "/images/hero.1a2b3c4d.png" */
    const char *
        plain; /* the stable output, "images/hero.png"; NULL for files beside content */
    struct image_info info; /* type NULL: no image */
    size_t size;            /* bytes */
    bool used;    /* a page refers to it: the fingerprinted name is published too */
    json_t *view; /* {url, width, height, type}; owned */
};
struct media_set {
    struct arena *arena; /* borrowed */
    const struct workspace *workspace;
    const char *tenant;
    const struct content *content; /* may be NULL: only the tenant's own files */
    struct map by_source; /* "t:images/x.png", "c:acme/posts/x.png" -> struct media * */
    struct media **items;
    size_t n, cap;
    struct diag_list *diags;
};
void media_init(struct media_set *m, struct arena *a, const struct workspace *w,
    const char *tenant, struct diag_list *diags);
void media_dispose(struct media_set *m);
/* A file below tenants/<id>/; NULL when there is none or it cannot be read (the latter
 * is reported). Does not mark it used. */
struct media *media_tenant(struct media_set *m, const char *path);
/* What a config or front matter value points to: "/tenants/<own id>/images/x.png",
 * "images/x.png", "/images/x.png", or with `dir` (the folder of the item, below
 * content/<id>/) a file beside it.  NULL: no such file here. */
struct media *media_find(struct media_set *m, struct str reference, const char *dir);
/* True for a reference that leaves the site or needs no file: http:, https:, data:, "".
 */
bool media_is_external(struct str reference);
#endif

/* From a request to its answer. */
#ifndef GENERATOR_PREVIEW_SERVE_H
#define GENERATOR_PREVIEW_SERVE_H
#include "generator/preview_page.h"

/* What a request is about, by its host and its query. */
struct ask {
    struct preview_tenant *tenant; /* NULL: the front page, or nobody */
    const char *host;              /* the tree that is asked for; NULL: canonical */
    bool unknown;                  /* nobody's host */
    bool bare;                     /* localhost or an address: ?tenant= says which */
    bool local;                    /* <name>.localhost: links are kept in the preview */
    bool browser;                  /* a person looks at it: our script may come along */
    struct page_place place;
};
struct ask ask_read(struct preview *p, struct http_request *r);
/* Lets a cookie stand for ?tenant= from here on. */
void ask_remember(const struct ask *ask, struct http_request *r);

/* For http_settings.handle; ctx is the preview. */
void serve_request(void *ctx, struct http_request *r);
/* The file behind a decoded path; NULL: 404, or a redirect. */
const struct preview_file *serve_find(const struct preview_tree *t, const char *path);
/* Answers from the tenant's site, which there is, by the rules that it brings. */
void serve_site(struct preview *p, const struct ask *ask, struct http_request *r);
#endif

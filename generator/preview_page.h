/* What the preview itself shows: the front page, the bar, the messages. */
#ifndef GENERATOR_PREVIEW_PAGE_H
#define GENERATOR_PREVIEW_PAGE_H
#include "generator/preview.h"

/* A file of generator/preview/, as it was compiled in; ptr NULL: there is none. */
struct str page_asset(struct str name);

struct preview_page *page_new(struct diag_list *diags);
void page_free(struct preview_page *page);       /* NULL is allowed */
const char *page_nonce(const struct preview *p); /* of our script, in every page */

/* How the browser came here, and so where links lead. */
struct page_place {
    struct arena *arena;
    const char *port; /* ":8000", or "" */
    bool names;       /* <name>.localhost can be reached; else ?tenant=<id> */
};
char *page_tenant_url(const struct page_place *at, const char *id, const char *path);

/* Each appends HTML to out. */
void page_front(struct preview *p, const struct page_place *at, bool whole,
    struct buf *out); /* not whole: the cards alone */
void page_bar(struct preview *p, const struct page_place *at, struct preview_tenant *t,
    const struct preview_file *f, const char *path, struct buf *out);
void page_problems(struct preview *p, struct preview_tenant *t, struct buf *out);
void page_inject(struct preview *p, struct preview_tenant *t, struct buf *out);
/* Instead of a site that could not be made yet. */
void page_failed(struct preview *p, const struct page_place *at,
    struct preview_tenant *t, struct buf *out);
void page_view(
    struct preview *p, struct preview_tenant *t, const char *path, struct buf *out);
void page_message(struct preview *p, const struct page_place *at, const char *title,
    const char *text, struct buf *out);
#endif

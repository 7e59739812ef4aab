/* Where the links and images of a Markdown file lead. */
#ifndef GENERATOR_LINKS_H
#define GENERATOR_LINKS_H
#include "generator/site.h"

struct fragment { /* "#part" of a page, checked once every page's headings are known */
    const struct item *to;
    const char *id;
    struct diag_place place;
};
struct links {
    struct site *s;
    const struct item *item; /* whose text is being rendered */
    struct fragment *fragments;
    size_t n, cap;
    struct map moved; /* references of `item` as written -> where they lead (char *) */
};
/* To be called before the text of an item is rendered. */
void links_begin(struct links *l, const struct item *item);
/* markdown_options.resolve; ctx is a struct links. */
struct link_target links_resolve(
    void *ctx, struct str target, bool image, struct diag_place place);
/* The item's Markdown as it may stand elsewhere: references lead to what is published.
 * In the site's arena; the item's own text when there are none. */
struct str links_source(const struct links *l);
/* Reports every fragment that no heading of its page has. */
void links_check_fragments(struct links *l);
void links_dispose(struct links *l);
#endif

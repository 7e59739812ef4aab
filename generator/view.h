/* The names a template can use (templates/README.md), as jansson values. */
#ifndef GENERATOR_VIEW_H
#define GENERATOR_VIEW_H
#include "generator/site.h"

/* site->view: everything of the tenant that does not depend on the plan.  False: errors
 * were reported. */
bool view_tenant(struct site *s);
/* Each visible item's view (without its body) and the collections, sorted; tags,
 * neighbours. */
bool view_collections(struct site *s);
/* After the plan: addresses of items and tags. */
void view_addresses(struct site *s);
/* After the Markdown: urls[], redirects[]. */
void view_finish(struct site *s);
/* Adds what rendering found out to an item's view. Takes over toc. */
void view_item_body(struct site *s, struct item *it, const struct markdown_result *r);
/* A date as templates see it: {iso, rfc3339, rfc822, text}.  New reference. */
json_t *view_date(struct site *s, int64_t t);
/* An item shows as a page; its neighbours' links. */
void view_set_address(struct site *s, json_t *view, const char *path);
/* "/a b/" -> "https://host/a%20b/"; in the site's arena. */
char *view_absolute(struct site *s, const char *path);
/* The item with `first` and `last` as they are in the list at hand: itself, or a copy.
 * New reference. */
json_t *view_flagged(json_t *item, bool first, bool last);
/* The contexts of a page, outermost first: the tenant's, the `each` element (or NULL),
 * the page's own names.  An element that is a word or a number comes last: it is {{.}}.
 * Returns how many. */
size_t view_stack(
    json_t *stack[3], const struct site *s, json_t *element, json_t *names);
#endif

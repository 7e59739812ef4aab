/* Every path a site will have, before anything is rendered. */
#ifndef GENERATOR_PLAN_H
#define GENERATOR_PLAN_H
#include "generator/site.h"

/* Plans documents, static files, images, assets and the theme's templates; gives items
 * and tags their addresses; checks that no two things want one path and that none
 * leaves the tree.  False: errors were reported. */
bool plan_site(struct site *s);
void plan_dispose(struct plan *p);
/* What a visitor gets at a URL path without query or fragment ("/about/", "/skill.md");
 * NULL: nothing. */
const struct output *plan_find(const struct site *s, struct str path);
/* True for paths that belong to an application on the same domain. */
bool plan_is_external(const struct site *s, struct str path);
/* The URL path at which an output is served: "blog/index.html" -> "/blog/"; in the
 * site's arena. */
char *plan_url_path(struct arena *a, const char *output);
/* The known path nearest to a wrong one, or NULL. */
const char *plan_suggest(struct site *s, struct str path);
/* Media that rendering found to be referred to; called between Markdown and publishing.
 */
bool plan_media(struct site *s);
#endif

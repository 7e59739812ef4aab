/* Every href and src of the rendered pages, for `tenantry check`: what templates and
 * content together point to. */
#ifndef GENERATOR_LINKCHECK_H
#define GENERATOR_LINKCHECK_H
#include "generator/site.h"

struct linkcheck;
struct linkcheck *linkcheck_new(struct site *s);
/* Reads the links of one rendered file (html only). */
void linkcheck_page(struct linkcheck *l, const struct output *o, struct str html);
/* Reports dead links and #fragments, once each, with the first page that has it. */
void linkcheck_finish(struct linkcheck *l);
void linkcheck_free(struct linkcheck *l); /* NULL is allowed */
#endif

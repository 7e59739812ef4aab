/* The "---" block at the head of a Markdown file or template. */
#ifndef GENERATOR_FRONTMATTER_H
#define GENERATOR_FRONTMATTER_H
#include "base/json.h"

struct frontmatter {
    struct str yaml;    /* between the fences; empty when there are none */
    unsigned yaml_line; /* line of the file on which it begins */
    struct str body;    /* after the closing fence */
    unsigned body_line; /* line of the file on which it begins */
    json_t *values;     /* owned object; {} when there is no front matter */
};
/* Splits and parses.  A byte-order mark is skipped, CRLF understood.  False: errors
 * were reported (no closing fence, bad YAML, not a mapping, bad UTF-8, control
 * characters); f is still safe to dispose. */
bool frontmatter_parse(
    struct frontmatter *f, struct str text, const char *file, struct diag_list *diags);
void frontmatter_dispose(struct frontmatter *f);
/* Where a key or value stands. */
struct diag_place frontmatter_place(
    const struct frontmatter *f, const char *file, const char *pointer, bool key);
#endif

/* Markdown to HTML by libcmark-gfm (or, with MARKDOWN=cmark, plain libcmark). */
#ifndef GENERATOR_MARKDOWN_H
#define GENERATOR_MARKDOWN_H
#include "base/diag.h"
#include "base/json.h"
#include "model/link.h"

struct markdown_options {
    const char *file;    /* for messages */
    unsigned first_line; /* line of the file on which text begins */
    bool trust_html; /* keep raw HTML; else it is left out, with a warning that names
                        the first place */
    /* Called once for every link and image in document order. `target` is the decoded
     * destination.  Reports its own diagnostics at `place`.  Not called for the links
     * of footnotes.  May be NULL. */
    struct link_target (*resolve)(
        void *ctx, struct str target, bool image, struct diag_place place);
    void *ctx;
};
struct markdown_result {
    struct str html; /* body HTML; in the arena of the renderer until the next call */
    json_t *toc;     /* new reference: [{level, id, text, url:"#id"}] of the h2 and h3
                        headings, in order */
    struct str summary; /* plain text: before <!--more-->, else the first paragraph; at
                           most 300 characters, cut at a word */
    unsigned words;
    json_t *ids; /* new reference: array of every heading id, for checking #fragments */
};
struct markdown; /* parser set-up and the memory of one document at a time */
struct markdown *markdown_new(void);
/* The library that does it: "libcmark-gfm 0.29.0.gfm.6" has tables, footnotes, task
 * lists, strikethrough and bare links; "libcmark 0.30.2" has none of them.  In buf. */
void markdown_name(struct buf *out);
void markdown_free(struct markdown *m);
/* Caps: 512 KiB of text, container depth 64, 64 MiB of memory while working: beyond it
 * is an error at file:line. (Time is not bounded here: the caller runs in a worker with
 * a CPU budget.)  javascript:, vbscript:, file: and data: (but
 * data:image/{png,gif,jpeg,webp}) destinations are errors.  False: errors were
 * reported. */
bool markdown_render(struct markdown *m, struct str text,
    const struct markdown_options *o, struct diag_list *diags,
    struct markdown_result *out);
#endif

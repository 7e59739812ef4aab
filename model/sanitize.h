/* Rich text of editors who are not trusted: HTML in, harmless HTML out.
 *
 * What comes out holds only what a list names: elements, their attributes, addresses.
 * It is well-formed, holds no element that switches a browser's parser into another
 * mode, and is written so that a browser reads the very tree that was meant.  There is
 * no script, style, frame, form, object, SVG or MathML in it, no event handler, style,
 * id or name of the editor's, no comment.
 *
 * script, style, svg, object and the like go with all they hold; of other elements off
 * the list the tags go and the content stays.  Text right inside a table, outside its
 * cells, goes.  class stays on <code> as language-*.  Headings get ids by the rules
 * that hold for Markdown.  A link to http or https gets rel="noopener nofollow ugc";
 * target goes.  Images load lazily; without an address that is allowed they go. */
#ifndef MODEL_SANITIZE_H
#define MODEL_SANITIZE_H
#include "base/diag.h"
#include "base/json.h"
#include "model/link.h"

#define SANITIZE_MAX_BYTES (5u * 1024 * 1024)
#define SANITIZE_MAX_OUT (16u * 1024 * 1024)
#define SANITIZE_MAX_DEPTH 256
#define SANITIZE_MAX_HEADINGS 10000
#define SANITIZE_SUMMARY_CHARS 300

struct sanitize_options {
    const char *file;    /* for messages: a file, or table, tenant and id of a row */
    unsigned first_line; /* of the text in `file`; 0 counts as 1 */
    /* As for Markdown: called once for every link and image that is kept, in document
     * order, with the decoded address.  What it gives is put under the same rules as
     * what the editor wrote.  May be NULL. */
    struct link_target (*resolve)(
        void *ctx, struct str target, bool image, struct diag_place place);
    void *ctx;
};
struct sanitize_dropped {                     /* what the caller may warn of */
    unsigned elements, attributes, addresses; /* addresses: links and images with one
                                                 that is not allowed */
    char first[80];          /* "<script>", "onclick of <a>", "href of <a>", "text
                                outside the cells of a table"; "" when nothing was */
    struct diag_place place; /* of the first; col 0 when only the line is known */
};
struct sanitize_result {
    struct str html;    /* in the sanitizer until the next call */
    struct str summary; /* plain text: the beginning, without headings and tables; at
                           most 300 characters, cut at a word; as long as html */
    unsigned words;
    json_t *toc; /* new reference: [{level, id, text, url:"#id"}] of the h2 and h3 */
    json_t *ids; /* new reference: every heading's id */
    struct sanitize_dropped dropped;
};
struct sanitize; /* the memory of one text at a time */
struct sanitize *sanitize_new(void);
void sanitize_free(struct sanitize *s);
/* Errors, all at file:line:col: more than 5 MiB, not UTF-8, a control character, more
 * than 256 elements deep, more than 10,000 headings or 16 MiB to write.  False: errors
 * were reported and *out holds nothing.  Time is linear in the text; memory is at most
 * some ten times the text and what it becomes. */
bool sanitize_html(struct sanitize *s, struct str html,
    const struct sanitize_options *o, struct diag_list *diags,
    struct sanitize_result *out);
#endif

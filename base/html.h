/* libxml2's HTML parser: what opens, what closes, what is between. */
#ifndef BASE_HTML_H
#define BASE_HTML_H
#include "base/str.h"

struct html_events {
    /* attributes: name, value, name, value ..., NULL; a value may be NULL.  False ends
     * the parse. */
    bool (*open)(void *ctx, const char *name, const char *const *attributes);
    void (*close)(void *ctx, const char *name); /* once for every open, innermost first,
                                                   unless the parse was ended */
    void (*text)(
        void *ctx, const char *s, size_t len); /* entities decoded, in pieces */
};
enum html_outcome {
    HTML_READ,
    HTML_ENDED,  /* by `open` */
    HTML_GAVE_UP /* the parser did not reach the end */
};
/* Every text begins with it, so that the parser invents nothing around a fragment; no
 * event speaks of it. */
#define HTML_START "<html><body>"
/* UTF-8 whatever the text says of itself; no network, no file.  Linear as long as a tag
 * has few attributes and `open` refuses to go deep.  Comments are skipped. */
enum html_outcome html_parse(
    struct str html, const struct html_events *events, void *ctx);
#endif

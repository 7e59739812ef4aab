#include "base/html.h"
#include <libxml/HTMLparser.h>
#include "base/mem.h"

struct reading {
    htmlParserCtxtPtr parser;
    const struct html_events *events;
    void *ctx;
    bool ended;
};

static bool is_frame(const char *name) {
    return !strcmp(name, "html") || !strcmp(name, "body") || !strcmp(name, "head");
}

static void on_open(void *user, const xmlChar *name, const xmlChar **attributes) {
    struct reading *r = user;
    if (r->ended || is_frame((const char *)name)) return;
    static const char *const none[] = {NULL};
    const char *const *given =
        attributes ? (const char *const *)(const void *)attributes : none;
    if (r->events->open(r->ctx, (const char *)name, given)) return;
    r->ended = true;
    xmlStopParser(r->parser);
}

static void on_close(void *user, const xmlChar *name) {
    struct reading *r = user;
    if (r->ended || is_frame((const char *)name)) return;
    r->events->close(r->ctx, (const char *)name);
}

static void on_text(void *user, const xmlChar *s, int len) {
    struct reading *r = user;
    if (!r->ended) r->events->text(r->ctx, (const char *)s, (size_t)len);
}

enum html_outcome html_parse(
    struct str html, const struct html_events *events, void *ctx) {
    htmlParserCtxtPtr parser = htmlNewParserCtxt();
    if (!parser) mem_exhausted();
    struct reading r = {parser, events, ctx, false};
    *parser->sax = (xmlSAXHandler){.startElement = on_open,
        .endElement = on_close,
        .characters = on_text,
        .ignorableWhitespace = on_text,
        .cdataBlock = on_text};
    parser->userData = &r;
    htmlCtxtReadMemory(parser, html.ptr, (int)html.len, NULL, "UTF-8",
        HTML_PARSE_NONET | HTML_PARSE_NODEFDTD | HTML_PARSE_NOERROR |
            HTML_PARSE_NOWARNING | HTML_PARSE_IGNORE_ENC | HTML_PARSE_COMPACT);
    if (parser->errNo == XML_ERR_NO_MEMORY) mem_exhausted();
    bool all = parser->input && parser->input->cur >= parser->input->end;
    xmlFreeDoc(parser->myDoc);
    htmlFreeParserCtxt(parser);
    return r.ended ? HTML_ENDED : all ? HTML_READ : HTML_GAVE_UP;
}

/* The HTML of a document: what cmark's own renderer writes, but with ids on headings,
 * resolved links, sized images and no raw HTML from editors who are not trusted. */
#include "generator/markdown_internal.h"
#include <string.h>

void html_newline(struct buf *b) {
    if (b->len && b->ptr[b->len - 1] != '\n') buf_char(b, '\n');
}

size_t html_escape(struct buf *b, const char *s) {
    for (const char *at = s;;) {
        size_t n = strcspn(at, "&<>\"");
        if (n) buf_append(b, at, n);
        at += n;
        switch (*at++) {
        case '&':
            buf_cstr(b, "&amp;");
            break;
        case '<':
            buf_cstr(b, "&lt;");
            break;
        case '>':
            buf_cstr(b, "&gt;");
            break;
        case '"':
            buf_cstr(b, "&quot;");
            break;
        default:
            return (size_t)(at - 1 - s);
        }
    }
}

static const bool escaped_in_href[256] = {[0 ... ' '] = true,
    ['"'] = true,
    ['&'] = true,
    ['\''] = true,
    ['<'] = true,
    ['>'] = true,
    ['[' ... '^'] = true,
    ['`'] = true,
    ['{' ... '}'] = true,
    [0x7F ... 0xFF] = true};

void html_escape_href(struct buf *b, struct str s) {
    size_t from = 0;
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (!escaped_in_href[c]) continue;
        buf_append(b, s.ptr + from, i - from);
        from = i + 1;
        if (c == '&')
            buf_cstr(b, "&amp;");
        else if (c == '\'')
            buf_cstr(b, "&#x27;");
        else
            buf_printf(b, "%%%02X", c);
    }
    buf_append(b, s.ptr + from, s.len - from);
}

static void open_block(struct markdown_doc *d, const char *tag) {
    html_newline(&d->m->html);
    buf_cstr(&d->m->html, tag);
}

static void check_depth(struct markdown_doc *d, cmark_node *node, bool entering) {
    if (!entering) {
        d->depth--;
        return;
    }
    if (++d->depth <= MARKDOWN_MAX_DEPTH || d->deep) return;
    d->deep = d->failed = true;
    diag_add(d->diags, DIAG_ERROR, link_line(d, node),
        "block quotes and lists are nested too deep; the limit is %u",
        MARKDOWN_MAX_DEPTH);
}

static void render_list(struct markdown_doc *d, cmark_node *node, bool entering) {
    struct buf *b = &d->m->html;
    bool bullet = cmark_node_get_list_type(node) == CMARK_BULLET_LIST;
    if (!entering) {
        buf_cstr(b, bullet ? "</ul>\n" : "</ol>\n");
        return;
    }
    int start = cmark_node_get_list_start(node);
    open_block(d, bullet ? "<ul" : "<ol");
    if (!bullet && start != 1) buf_printf(b, " start=\"%d\"", start);
    buf_cstr(b, ">\n");
}

static void render_item(struct markdown_doc *d, cmark_node *node, bool entering) {
    check_depth(d, node, entering);
    if (!entering) {
        buf_cstr(&d->m->html, "</li>\n");
        return;
    }
    open_block(d, "<li>");
    extra_item(d, node);
}

static void render_quote(struct markdown_doc *d, cmark_node *node, bool entering) {
    check_depth(d, node, entering);
    open_block(d, entering ? "<blockquote>\n" : "</blockquote>\n");
}

static void render_heading(struct markdown_doc *d, cmark_node *node, bool entering) {
    struct buf *b = &d->m->html;
    int level = cmark_node_get_heading_level(node);
    if (!entering) {
        buf_append(b, (char[]){'<', '/', 'h', (char)('0' + level), '>', '\n'}, 6);
        return;
    }
    d->block = node;
    d->in_word = false;
    html_newline(b);
    buf_append(b, (char[]){'<', 'h', (char)('0' + level)}, 3);
    buf_cstr(b, " id=\"");
    buf_cstr(b, text_heading(d, node));
    buf_cstr(b, "\">");
}

static void render_code_block(struct markdown_doc *d, cmark_node *node) {
    struct buf *b = &d->m->html;
    const char *info = cmark_node_get_fence_info(node);
    const char *code = cmark_node_get_literal(node);
    d->in_word = false;
    open_block(d, "<pre><code");
    if (info && *info) {
        d->m->scratch.len = 0;
        buf_append(&d->m->scratch, info, strcspn(info, " \t\n\v\f\r"));
        buf_cstr(b, " class=\"language-");
        html_escape(b, d->m->scratch.ptr);
        buf_char(b, '"');
    }
    buf_char(b, '>');
    size_t len = html_escape(b, code);
    buf_cstr(b, "</code></pre>\n");
    text_words(d, code, len);
    d->in_word = false;
}

static bool is_more(const char *html) {
    struct str s = str_trim(str_from(html));
    if (!str_starts(s, "<!--") || !str_ends(s, "-->") || s.len < 7) return false;
    return str_is(str_trim(str_slice(s, 4, s.len - 3)), "more");
}

static void render_raw(struct markdown_doc *d, cmark_node *node, bool block) {
    const char *html = cmark_node_get_literal(node);
    if (block) d->block = node;
    if (is_more(html)) {
        if (!d->lead_done) d->lead_done = d->more = true;
        d->lead_open = false;
        return;
    }
    if (!d->o->trust_html) {
        if (!d->html_count++) {
            struct str first = str_from(html);
            first.len = strcspn(html, "\r\n");
            d->html_first = link_place(d, first);
        }
        return;
    }
    if (block) html_newline(&d->m->html);
    buf_cstr(&d->m->html, html);
    if (block) html_newline(&d->m->html);
}

static bool in_tight_list(cmark_node *paragraph) {
    cmark_node *item = cmark_node_parent(paragraph);
    cmark_node *list = item ? cmark_node_parent(item) : NULL;
    return list && cmark_node_get_type(list) == CMARK_NODE_LIST &&
           cmark_node_get_list_tight(list);
}

static void render_paragraph(struct markdown_doc *d, cmark_node *node, bool entering) {
    struct buf *b = &d->m->html;
    bool tight = in_tight_list(node);
    d->in_word = false;
    if (entering) {
        d->block = node;
        d->lead_open = !d->lead_done && !d->notes_open;
        if (d->lead_open && d->m->lead.len) buf_char(&d->m->lead, ' ');
        if (!tight) open_block(d, "<p>");
        return;
    }
    if (d->lead_open && !d->lead_first && d->m->lead.len) {
        d->lead_first = d->m->lead.len;
        if (!d->features.comment) d->lead_done = true;
    }
    d->lead_open = false;
    if (tight) return;
    extra_paragraph_end(d, node);
    buf_cstr(b, "</p>\n");
}

static void render_title(struct buf *b, cmark_node *node) {
    const char *title = cmark_node_get_title(node);
    if (!title || !*title) return;
    buf_cstr(b, "\" title=\"");
    html_escape(b, title);
}

static void render_link(struct markdown_doc *d, cmark_node *node, bool entering) {
    struct buf *b = &d->m->html;
    if (!entering) {
        buf_cstr(b, "</a>");
        return;
    }
    struct link_target t = link_target(d, node, false);
    buf_cstr(b, "<a href=\"");
    html_escape_href(b, str_from(t.url));
    render_title(b, node);
    buf_cstr(b, "\">");
}

static void render_image(struct markdown_doc *d, cmark_node *node, bool entering) {
    struct buf *b = &d->m->html;
    if (entering) {
        d->image = link_target(d, node, true);
        d->alt_of = node;
        buf_cstr(b, "<img src=\"");
        html_escape_href(b, str_from(d->image.url));
        buf_cstr(b, "\" alt=\"");
        return;
    }
    d->alt_of = NULL;
    render_title(b, node);
    if (d->image.width && d->image.height)
        buf_printf(b, "\" width=\"%u\" height=\"%u\" loading=\"lazy\" decoding=\"async",
            d->image.width, d->image.height);
    buf_cstr(b, "\" />");
}

static void render_alt(struct markdown_doc *d, cmark_node *node) {
    switch (cmark_node_get_type(node)) {
    case CMARK_NODE_TEXT:
    case CMARK_NODE_CODE:
    case CMARK_NODE_HTML_INLINE:
        html_escape(&d->m->html, cmark_node_get_literal(node));
        break;
    case CMARK_NODE_LINEBREAK:
    case CMARK_NODE_SOFTBREAK:
        buf_char(&d->m->html, ' ');
        break;
    default:
        break;
    }
}

static void render_text(struct markdown_doc *d, cmark_node *node, bool code) {
    const char *s = cmark_node_get_literal(node);
    struct buf *b = &d->m->html;
    if (code) buf_cstr(b, "<code>");
    size_t len = html_escape(b, s);
    if (code) buf_cstr(b, "</code>");
    text_words(d, s, len);
    if (d->lead_open) text_lead(d, s);
}

static void render_break(struct markdown_doc *d, bool hard) {
    buf_cstr(&d->m->html, hard ? "<br />\n" : "\n");
    d->in_word = false;
    if (d->lead_open) text_lead(d, " ");
}

static void render_inline(struct markdown_doc *d, cmark_node *node, bool entering) {
    struct buf *b = &d->m->html;
    switch (cmark_node_get_type(node)) {
    case CMARK_NODE_TEXT:
        render_text(d, node, false);
        break;
    case CMARK_NODE_CODE:
        render_text(d, node, true);
        break;
    case CMARK_NODE_SOFTBREAK:
        render_break(d, false);
        break;
    case CMARK_NODE_LINEBREAK:
        render_break(d, true);
        break;
    case CMARK_NODE_EMPH:
        buf_cstr(b, entering ? "<em>" : "</em>");
        break;
    case CMARK_NODE_STRONG:
        buf_cstr(b, entering ? "<strong>" : "</strong>");
        break;
    case CMARK_NODE_LINK:
        render_link(d, node, entering);
        break;
    case CMARK_NODE_IMAGE:
        render_image(d, node, entering);
        break;
    case CMARK_NODE_HTML_INLINE:
        render_raw(d, node, false);
        break;
    default:
        extra_node(d, node, entering);
        break;
    }
}

static void render_node(struct markdown_doc *d, cmark_node *node, bool entering) {
    if (d->alt_of && d->alt_of != node) {
        if (entering) render_alt(d, node);
        return;
    }
    switch (cmark_node_get_type(node)) {
    case CMARK_NODE_DOCUMENT:
        break;
    case CMARK_NODE_PARAGRAPH:
        render_paragraph(d, node, entering);
        break;
    case CMARK_NODE_HEADING:
        render_heading(d, node, entering);
        break;
    case CMARK_NODE_LIST:
        render_list(d, node, entering);
        break;
    case CMARK_NODE_ITEM:
        render_item(d, node, entering);
        break;
    case CMARK_NODE_BLOCK_QUOTE:
        render_quote(d, node, entering);
        break;
    case CMARK_NODE_CODE_BLOCK:
        render_code_block(d, node);
        break;
    case CMARK_NODE_HTML_BLOCK:
        render_raw(d, node, true);
        break;
    case CMARK_NODE_THEMATIC_BREAK:
        open_block(d, "<hr />\n");
        break;
    default:
        render_inline(d, node, entering);
        break;
    }
}

void markdown_html(struct markdown_doc *d, cmark_node *root) {
    cmark_event_type event;
    cmark_iter *iter = cmark_iter_new(root);
    extra_prepare(d, root);
    while ((event = cmark_iter_next(iter)) != CMARK_EVENT_DONE)
        render_node(d, cmark_iter_get_node(iter), event == CMARK_EVENT_ENTER);
    extra_finish(d);
}

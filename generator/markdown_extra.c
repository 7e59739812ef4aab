/* What cmark-gfm knows beyond CommonMark: tables, footnotes, task lists, strikethrough.
 */
#include "generator/markdown_internal.h"

#ifdef MARKDOWN_PLAIN
void extra_prepare(struct markdown_doc *d, cmark_node *root) {
    (void)d, (void)root;
}
void extra_node(struct markdown_doc *d, cmark_node *node, bool entering) {
    (void)d, (void)node, (void)entering;
}
void extra_item(struct markdown_doc *d, cmark_node *item) {
    (void)d, (void)item;
}
void extra_paragraph_end(struct markdown_doc *d, cmark_node *paragraph) {
    (void)d, (void)paragraph;
}
void extra_finish(struct markdown_doc *d) {
    (void)d;
}
#else
#include <stdlib.h>
#include <string.h>

/* cmark keeps a reference's number as its text. */
static unsigned note_number(const struct markdown_doc *d, cmark_node *reference) {
    unsigned long n = strtoul(cmark_node_get_literal(reference), NULL, 10);
    return n >= 1 && n <= d->n_notes ? (unsigned)n : 0;
}

static bool is_in_image(cmark_node *node) {
    while ((node = cmark_node_parent(node)))
        if (cmark_node_get_type(node) == CMARK_NODE_IMAGE) return true;
    return false;
}

/* The way back from a definition lists every reference, also those that come later. */
void extra_prepare(struct markdown_doc *d, cmark_node *root) {
    if (!d->features.footnotes) return;
    for (cmark_node *n = cmark_node_first_child(root); n; n = cmark_node_next(n))
        d->n_notes += cmark_node_get_type(n) == CMARK_NODE_FOOTNOTE_DEFINITION;
    if (!d->n_notes) return;
    d->note_refs = memory_take(&d->m->memory, (d->n_notes + 1) * sizeof(unsigned));
    d->note_seen = memory_take(&d->m->memory, (d->n_notes + 1) * sizeof(unsigned));
    cmark_iter *iter = cmark_iter_new(root);
    cmark_event_type event;
    while ((event = cmark_iter_next(iter)) != CMARK_EVENT_DONE) {
        cmark_node *node = cmark_iter_get_node(iter);
        if (event != CMARK_EVENT_ENTER) continue;
        if (cmark_node_get_type(node) != CMARK_NODE_FOOTNOTE_REFERENCE) continue;
        if (!is_in_image(node)) d->note_refs[note_number(d, node)]++;
    }
}

static void render_reference(struct markdown_doc *d, cmark_node *node) {
    struct buf *b = &d->m->html;
    unsigned n = note_number(d, node);
    if (!n) return;
    buf_printf(b, "<sup class=\"footnote-ref\"><a href=\"#fn:%u\" id=\"fnref:%u", n, n);
    if (++d->note_seen[n] > 1) buf_printf(b, ":%u", d->note_seen[n]);
    buf_printf(b, "\">%u</a></sup>", n);
}

static void render_way_back(struct markdown_doc *d) {
    struct buf *b = &d->m->html;
    unsigned n = d->notes_open;
    for (unsigned i = 1; n <= d->n_notes && i <= d->note_refs[n]; i++) {
        if (i > 1) buf_char(b, ' ');
        buf_printf(b, "<a href=\"#fnref:%u", n);
        if (i > 1) buf_printf(b, ":%u", i);
        buf_printf(
            b, "\" class=\"footnote-backref\" aria-label=\"Back to reference %u", n);
        if (i > 1) buf_printf(b, "-%u", i);
        buf_cstr(b, "\">\xE2\x86\xA9");
        if (i > 1) buf_printf(b, "<sup class=\"footnote-ref\">%u</sup>", i);
        buf_cstr(b, "</a>");
    }
    d->note_backref = n;
}

static void render_definition(struct markdown_doc *d, bool entering) {
    struct buf *b = &d->m->html;
    if (entering) {
        d->lead_done = true;
        html_newline(b);
        if (!d->notes_open++) buf_cstr(b, "<section class=\"footnotes\">\n<ol>\n");
        buf_printf(b, "<li id=\"fn:%u\">\n", d->notes_open);
        return;
    }
    if (d->note_backref != d->notes_open) {
        render_way_back(d);
        html_newline(b);
    }
    buf_cstr(b, "</li>\n");
}

void extra_paragraph_end(struct markdown_doc *d, cmark_node *paragraph) {
    cmark_node *parent = cmark_node_parent(paragraph);
    if (!d->notes_open || cmark_node_next(paragraph)) return;
    if (cmark_node_get_type(parent) != CMARK_NODE_FOOTNOTE_DEFINITION) return;
    buf_char(&d->m->html, ' ');
    render_way_back(d);
}

void extra_finish(struct markdown_doc *d) {
    if (d->notes_open) buf_cstr(&d->m->html, "</ol>\n</section>\n");
}

void extra_item(struct markdown_doc *d, cmark_node *item) {
    if (!d->features.tasklist) return;
    if (strcmp(cmark_node_get_type_string(item), "tasklist") != 0) return;
    bool done = cmark_gfm_extensions_get_tasklist_item_checked(item);
    buf_cstr(&d->m->html, done ? "<input type=\"checkbox\" checked=\"\" disabled=\"\" "
                                 "aria-label=\"done\" /> "
                               : "<input type=\"checkbox\" disabled=\"\" "
                                 "aria-label=\"to do\" /> ");
}

static void render_table(struct markdown_doc *d, cmark_node *node, bool entering) {
    struct buf *b = &d->m->html;
    html_newline(b);
    if (entering) {
        d->aligns = cmark_gfm_extensions_get_table_alignments(node);
        d->n_aligns = cmark_gfm_extensions_get_table_columns(node);
        buf_cstr(b, "<table>");
    } else {
        if (d->in_table_body) buf_cstr(b, "</tbody>\n");
        buf_cstr(b, "</table>\n");
    }
    d->in_table_body = false;
}

static void render_row(struct markdown_doc *d, cmark_node *node, bool entering) {
    struct buf *b = &d->m->html;
    d->in_table_head = cmark_gfm_extensions_get_table_row_is_header(node);
    html_newline(b);
    if (!entering) {
        buf_cstr(b, d->in_table_head ? "</tr>\n</thead>" : "</tr>");
        return;
    }
    d->column = 0;
    if (d->in_table_head)
        buf_cstr(b, "<thead>\n");
    else if (!d->in_table_body)
        buf_cstr(b, "<tbody>\n");
    d->in_table_body = !d->in_table_head;
    buf_cstr(b, "<tr>");
}

static void render_cell(struct markdown_doc *d, cmark_node *node, bool entering) {
    struct buf *b = &d->m->html;
    d->in_word = false;
    if (!entering) {
        buf_cstr(b, d->in_table_head ? "</th>" : "</td>");
        return;
    }
    d->block = node;
    html_newline(b);
    buf_cstr(b, d->in_table_head ? "<th" : "<td");
    int align = d->column < d->n_aligns ? d->aligns[d->column] : 0;
    d->column++;
    if (align == 'l') buf_cstr(b, " class=\"align-left\"");
    if (align == 'c') buf_cstr(b, " class=\"align-center\"");
    if (align == 'r') buf_cstr(b, " class=\"align-right\"");
    buf_char(b, '>');
}

void extra_node(struct markdown_doc *d, cmark_node *node, bool entering) {
    cmark_node_type type = cmark_node_get_type(node);
    const char *name;
    if (type == CMARK_NODE_FOOTNOTE_DEFINITION)
        render_definition(d, entering);
    else if (type == CMARK_NODE_FOOTNOTE_REFERENCE) {
        if (entering) render_reference(d, node);
    } else if (!(name = cmark_node_get_type_string(node)) ||
               !strncmp(name, "table_c", 7))
        render_cell(d, node, entering);
    else if (!strcmp(name, "table"))
        render_table(d, node, entering);
    else if (!strncmp(name, "table", 5))
        render_row(d, node, entering);
    else if (!strcmp(name, "strikethrough"))
        buf_cstr(&d->m->html, entering ? "<del>" : "</del>");
}
#endif

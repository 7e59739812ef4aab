#include "generator/markdown.h"
#include "generator/markdown_internal.h"
#include <string.h>
#include "base/mem.h"

void markdown_name(struct buf *out) {
#ifdef MARKDOWN_PLAIN
    buf_printf(out, "libcmark %s", cmark_version_string());
#else
    buf_printf(out, "libcmark-gfm %s", cmark_version_string());
#endif
}

struct markdown *markdown_new(void) {
    struct markdown *m = mem_calloc(1, sizeof(*m));
    memory_init(&m->memory);
    buf_init(&m->html, MARKDOWN_MEMORY);
    buf_init(&m->lead, 0);
    buf_init(&m->scratch, 0);
    buf_init(&m->slug, 0);
#ifndef MARKDOWN_PLAIN
    cmark_gfm_core_extensions_ensure_registered();
    m->table = cmark_find_syntax_extension("table");
    m->strikethrough = cmark_find_syntax_extension("strikethrough");
    m->tasklist = cmark_find_syntax_extension("tasklist");
    m->autolink = cmark_find_syntax_extension("autolink");
#endif
    return m;
}

void markdown_free(struct markdown *m) {
    if (!m) return;
    memory_dispose(&m->memory);
    buf_dispose(&m->html);
    buf_dispose(&m->lead);
    buf_dispose(&m->scratch);
    buf_dispose(&m->slug);
    json_decref(m->toc);
    json_decref(m->ids);
    mem_free(m);
}

#ifdef MARKDOWN_PLAIN
static cmark_parser *new_parser(struct markdown_doc *d, bool autolink) {
    (void)autolink;
    return cmark_parser_new_with_mem(CMARK_OPT_DEFAULT, memory_activate(&d->m->memory));
}
#else
static void attach(cmark_parser *p, bool wanted, cmark_syntax_extension *e) {
    if (wanted && e) cmark_parser_attach_syntax_extension(p, e);
}

static cmark_parser *new_parser(struct markdown_doc *d, bool autolink) {
    const struct markdown_features *f = &d->features;
    int options = f->footnotes ? CMARK_OPT_FOOTNOTES : CMARK_OPT_DEFAULT;
    cmark_parser *p =
        cmark_parser_new_with_mem(options, memory_activate(&d->m->memory));
    attach(p, f->table, d->m->table);
    attach(p, f->strikethrough, d->m->strikethrough);
    attach(p, autolink, d->m->autolink);
    attach(p, f->tasklist, d->m->tasklist);
    return p;
}
#endif

/* cmark's memory is never freed piece by piece: the next reset frees all of it. */
static cmark_node *parse_with(struct markdown_doc *d, bool autolink) {
    memory_reset(&d->m->memory);
    cmark_parser *parser = new_parser(d, autolink);
    cmark_parser_feed(parser, d->text.ptr, d->text.len);
    return cmark_parser_finish(parser);
}

static bool may_autolink(const char *s) {
    return strchr(s, '@') || strstr(s, "://") || strstr(s, "www.");
}

/* Whether text outside of links holds what the extension looks for. */
static bool has_bare_address(cmark_node *root) {
    cmark_event_type event;
    cmark_iter *iter = cmark_iter_new(root);
    cmark_node *link = NULL;
    while ((event = cmark_iter_next(iter)) != CMARK_EVENT_DONE) {
        cmark_node *node = cmark_iter_get_node(iter);
        cmark_node_type type = cmark_node_get_type(node);
        if (type == CMARK_NODE_LINK) link = event == CMARK_EVENT_ENTER ? node : NULL;
        if (link || type != CMARK_NODE_TEXT) continue;
        if (may_autolink(cmark_node_get_literal(node))) return true;
    }
    return false;
}

/* The autolink extension stops at every "w" and ":" and then goes through all text once
 * more: a quarter of the time of a text that has addresses only where they are marked
 * up.  It looks at nothing but text outside of links. */
static cmark_node *parse(struct markdown_doc *d) {
    const struct markdown_features *f = &d->features;
    if (f->bare_address) return parse_with(d, true);
    cmark_node *root = parse_with(d, false);
    return f->address && has_bare_address(root) ? parse_with(d, true) : root;
}

/* All state lives in d and d->m, so that a longjmp out of cmark loses nothing. */
static bool convert_within_budget(struct markdown_doc *d) {
    if (setjmp(d->m->memory.escape)) {
        memory_reset(&d->m->memory);
        return false;
    }
    markdown_html(d, parse(d));
    return !d->m->html.full;
}

/* cmark-gfm notes in global tables which characters the attached extensions care about
 * while it parses inlines; a longjmp leaves them there.  One clean pass takes them out.
 */
static void settle(struct markdown *m) {
    struct markdown_doc d = {.m = m, .text = STR("\n")};
    d.features = (struct markdown_features){
        .table = true, .strikethrough = true, .tasklist = true, .footnotes = true};
    if (setjmp(m->memory.escape)) return;
    parse_with(&d, true);
}

static void report_raw_html(struct markdown_doc *d) {
    if (!d->html_count) return;
    diag_add(d->diags, DIAG_WARNING, d->html_first,
        "raw HTML is left out (%u place%s); write Markdown, or set \"trustEditors\": "
        "true "
        "in tenantry.json",
        d->html_count, d->html_count == 1 ? "" : "s");
}

static bool check_characters(
    struct str text, const struct markdown_options *o, struct diag_list *diags) {
    size_t bad;
    unsigned line, col;
    bool is_utf8 = str_is_utf8(text, &bad);
    if (is_utf8 && !str_find_control(text, &bad)) return true;
    str_line_col(text, bad, &line, &col);
    struct diag_place place = DIAG_AT(o->file, o->first_line + line - 1, col);
    if (is_utf8)
        diag_add(diags, DIAG_ERROR, place,
            "the control character U+%04X cannot stand in a page; take it out",
            (unsigned char)text.ptr[bad]);
    else
        diag_add(
            diags, DIAG_ERROR, place, "the text is not UTF-8: save the file as UTF-8");
    return false;
}

/* Nothing of a document may outlast the call: its JSON can lie in the caller's arena.
 */
static bool give_up(struct markdown *m) {
    json_decref(m->toc);
    json_decref(m->ids);
    m->toc = m->ids = NULL;
    return false;
}

static void begin(struct markdown *m) {
    buf_reset(&m->html);
    buf_reset(&m->lead);
    buf_reset(&m->scratch);
    m->toc = json_array();
    m->ids = json_array();
}

static void hand_over(struct markdown_doc *d, struct markdown_result *out) {
    struct markdown *m = d->m;
    out->html = buf_view(&m->html);
    out->summary = text_summary(d);
    out->words = d->words;
    out->toc = m->toc;
    out->ids = m->ids;
    m->toc = m->ids = NULL;
}

bool markdown_render(struct markdown *m, struct str text,
    const struct markdown_options *o, struct diag_list *diags,
    struct markdown_result *out) {
    struct markdown_doc d = {.m = m, .o = o, .diags = diags, .text = text};
    *out = (struct markdown_result){0};
    if (!markdown_scan(text, o, diags, &d.features)) return false;
    if (!check_characters(text, o, diags)) return false;
    begin(m);
    if (!convert_within_budget(&d)) {
        diag_add(diags, DIAG_ERROR, DIAG_AT(o->file, o->first_line, 0),
            "the text needs more than %u MiB while it is converted: simplify or split "
            "it",
            MARKDOWN_MEMORY >> 20);
        settle(m);
        return give_up(m);
    }
    if (d.features.footnotes) text_repair(&m->html);
    report_raw_html(&d);
    if (d.failed) return give_up(m);
    hand_over(&d, out);
    return true;
}

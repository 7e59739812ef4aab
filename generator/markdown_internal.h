/* What the files of the Markdown module share; nobody else includes it. */
#ifndef GENERATOR_MARKDOWN_INTERNAL_H
#define GENERATOR_MARKDOWN_INTERNAL_H
#ifdef MARKDOWN_PLAIN
#include <cmark.h>
#else
#include <cmark-gfm.h>
#include <cmark-gfm-core-extensions.h>
#endif
#include <setjmp.h>
#include "generator/markdown.h"

#define MARKDOWN_MAX_BYTES (512u * 1024)
#define MARKDOWN_MAX_DEPTH 64u
#define MARKDOWN_MAX_BRACKETS 32768u
#define MARKDOWN_MAX_COLUMNS 256u
#define MARKDOWN_MAX_CELLS 65536u
#define MARKDOWN_MAX_DELIMITERS 256u
#define MARKDOWN_MEMORY (64u * 1024 * 1024)
#define MARKDOWN_SUMMARY_CHARS 300u

/* markdown_memory.c: what cmark allocates from; free does nothing, a reset frees all.
 */
struct memory_block;
struct markdown_memory {
    struct memory_block *block; /* newest first */
    size_t used;                /* bytes taken from the system since the last reset */
    jmp_buf escape;             /* where to go when the budget is spent */
};
void memory_init(struct markdown_memory *m);
void memory_dispose(struct markdown_memory *m);
void memory_reset(struct markdown_memory *m); /* keeps one block */
/* Makes m the memory behind the returned allocator until the next call. */
cmark_mem *memory_activate(struct markdown_memory *m);
/* Zeroed; longjmps to m->escape when the budget is spent. */
void *memory_take(struct markdown_memory *m, size_t size);

/* markdown_scan.c: caps, and which syntax the text can contain at all. */
struct markdown_features {
    bool table, strikethrough, tasklist, footnotes;
    bool address;      /* what may become a link by itself, marked up or not */
    bool bare_address; /* one that is likely not marked up */
    bool comment;      /* "<!--" occurs */
};
bool markdown_scan(struct str text, const struct markdown_options *o,
    struct diag_list *diags, struct markdown_features *f);

/* One heading id that is taken. */
struct slug {
    const char *id; /* NULL: free slot */
    unsigned hash;
    unsigned next; /* the number to try for the next heading of the same text */
};

/* One document on its way to HTML. */
struct markdown_doc {
    struct markdown *m;
    const struct markdown_options *o;
    struct diag_list *diags;
    struct str text;
    struct markdown_features features;
    bool failed;

    cmark_node *block;        /* the leaf block whose inlines are being rendered */
    cmark_node *alt_of;       /* the image whose alternative text is being written */
    struct link_target image; /* what alt_of points to */
    unsigned depth;           /* block quotes and items open here */
    bool deep;                /* too deep: reported */
    bool in_table_head, in_table_body;
    unsigned column; /* of the table cell that comes next */
    const unsigned char *aligns;
    unsigned n_aligns;

    unsigned notes_open;   /* footnote definitions begun */
    unsigned note_backref; /* the definition whose way back was written last */
    unsigned n_notes;
    unsigned *note_refs; /* references per definition, by number; [0] unused */
    unsigned *note_seen; /* of these rendered so far */

    struct slug *slugs; /* open addressing */
    size_t n_slugs, slugs_size;

    unsigned words;
    bool in_word;
    bool lead_open;    /* inside a paragraph that counts for the summary */
    bool lead_done;    /* nothing more is wanted */
    bool more;         /* <!--more--> was met */
    size_t lead_first; /* end of the first paragraph in m->lead; 0: none yet */

    unsigned html_count; /* raw HTML left out */
    struct diag_place html_first;

    size_t *lines; /* offset of each line's start; NULL until needed */
    size_t n_lines;
    size_t cursor;        /* where the last link was found */
    unsigned search_left; /* searches of more than one block still allowed */
};

struct markdown {
    struct markdown_memory memory;
    struct buf html, lead, scratch, slug;
    json_t *toc, *ids;
#ifndef MARKDOWN_PLAIN
    cmark_syntax_extension *table, *strikethrough, *tasklist, *autolink;
#endif
};

/* markdown_html.c */
void markdown_html(struct markdown_doc *d, cmark_node *root);
size_t html_escape(struct buf *b, const char *s); /* returns the length of s */
void html_escape_href(struct buf *b, struct str s);
void html_newline(struct buf *b); /* unless at the start of a line */
/* markdown_extra.c: tables, footnotes and strikethrough, what only cmark-gfm knows. */
void extra_prepare(struct markdown_doc *d, cmark_node *root);
void extra_node(struct markdown_doc *d, cmark_node *node, bool entering);
void extra_item(struct markdown_doc *d, cmark_node *item);
void extra_paragraph_end(struct markdown_doc *d, cmark_node *paragraph);
void extra_finish(struct markdown_doc *d);

/* markdown_text.c */
void text_words(struct markdown_doc *d, const char *s, size_t len);
void text_lead(struct markdown_doc *d, const char *s);
void text_repair(struct buf *b); /* drops bytes that are no UTF-8 */
/* The heading's id, unique in the document; entered into toc and ids. */
const char *text_heading(struct markdown_doc *d, cmark_node *heading);
struct str text_summary(struct markdown_doc *d);

/* markdown_link.c */
/* Checks and resolves a link's or image's destination. */
struct link_target link_target(struct markdown_doc *d, cmark_node *node, bool image);
/* Where `needle`, part of the current block, stands in the file. */
struct diag_place link_place(struct markdown_doc *d, struct str needle);
struct diag_place link_line(const struct markdown_doc *d, cmark_node *node);
#endif

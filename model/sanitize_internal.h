/* The steps of sanitize.h: read (browser-like tokens, normalised), libxml2 (a tree),
 * write (the list). */
#ifndef MODEL_SANITIZE_INTERNAL_H
#define MODEL_SANITIZE_INTERNAL_H
#include "base/map.h"
#include "model/sanitize.h"

enum fate {
    KEEP,
    VOID, /* kept, has no content */
    RAW,  /* goes, with all up to its end tag, which nothing in between can hide */
    WITH_CONTENT,
    GONE /* void, goes */
};
enum trait {   /* what a browser's parser does about it */
    BLOCK = 1, /* ends an open p */
    HEADING = 2,
    SCOPE = 4, /* an open p outside does not count in here */
    LIST = 8,
    TABLE = 16,
    SECTION = 32, /* of a table */
    ROW = 64,
    CELL = 128,
    BREAK = 256 /* words do not go on across its edges */
};
enum parent { ANY, IN_LIST, IN_DL, IN_RUBY, IN_TABLE };
struct element {
    const char *name;
    const char *as; /* written like this; NULL: as it is */
    unsigned char fate, parent;
    unsigned short traits;
    unsigned attributes; /* bits 1u << enum attribute_id */
};
enum attribute_id {
    ATT_ALT,
    ATT_CLASS,
    ATT_COLSPAN,
    ATT_DATETIME,
    ATT_DIR,
    ATT_HEIGHT,
    ATT_HREF,
    ATT_LANG,
    ATT_OPEN,
    ATT_REVERSED,
    ATT_ROWSPAN,
    ATT_SCOPE,
    ATT_SRC,
    ATT_START,
    ATT_TITLE,
    ATT_TYPE,
    ATT_VALUE,
    ATT_WIDTH,
    N_ATTRIBUTES
};
extern const char *const attribute_names[N_ATTRIBUTES];
/* Lower case.  NULL: unknown; its tags go. */
const struct element *element_find(struct str name);
int attribute_find(struct str name); /* -1: on no list */
/* Written anew on every run, so that losing it is not worth a word. */
bool attribute_is_ours(struct str name);

/* How a tag tells, past libxml2, where it stood. */
#define PLACE_ATTRIBUTE "at"

enum entry_state { OPEN, UNWRAPPED, CLOSED };
struct entry {
    const struct element *e;
    enum entry_state state;
    bool implied; /* ours: ends with what is below it */
};
struct sanitize {
    struct buf text;    /* the normalised text */
    struct buf html;    /* the result */
    struct buf lead;    /* beginning of the running text */
    struct buf heading; /* text of the open one */
    struct buf scratch, address, summary;
    struct arena ids; /* names in `slugs` */
};
struct sanitize_run {
    struct sanitize *s;
    const struct sanitize_options *o;
    struct diag_list *diags;
    struct sanitize_result *out;
    struct str source;
    struct map slugs; /* id -> next number (struct slug_count *) */
    struct entry stack[SANITIZE_MAX_DEPTH];
    size_t n, links, headings, heading_at;
    const struct element *heading; /* the open one */
    bool deep, in_word;
    bool gap; /* a block that is not written parts the next text from the last */
    size_t line_from, line_at; /* offsets: start of `line`, how far was counted */
    unsigned line;
};

void drop_element(struct sanitize_run *r, struct str name, size_t at);
void drop_attribute(
    struct sanitize_run *r, struct str attribute, struct str element, size_t at);
void drop_address(
    struct sanitize_run *r, const char *attribute, const char *element, size_t at);
void drop_text(struct sanitize_run *r);
#define AT_UNKNOWN ((size_t)-1)
/* Offsets of one step never go back. */
struct diag_place place_of(struct sanitize_run *r, size_t at);

/* source -> s->text: tags of elements that are kept, with attributes that are known,
 * each once and quoted; every other `<` escaped; comments and what has no place gone.
 */
void sanitize_read(struct sanitize_run *r);
/* s->text -> s->html.  False: reported. */
bool sanitize_write(struct sanitize_run *r);
/* Text as HTML without control characters, carriage returns as line feeds. */
void write_text(struct buf *b, const char *s, size_t len);
/* All attributes of the tag, up to but without its `>`.  False: the element is nothing
 * without what was refused; b is as before. */
bool write_attributes(struct sanitize_run *r, struct buf *b, const struct element *e,
    const char *const *attributes);
/* The address without white space and control characters at its ends (and line breaks
 * and tabs in it), if it is http, https, mailto, tel or relative.  Into b. */
bool address_clean(struct buf *b, struct str url, bool image);
bool address_is_external(struct str url);
/* As an attribute value. */
void address_write(struct buf *b, struct str url);
/* Takes note of the heading whose text is in s->heading; gives its id. */
const char *heading_note(struct sanitize_run *r, int level);
#endif

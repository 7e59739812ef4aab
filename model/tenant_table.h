/* The table that describes config.json.  Private to tenant*.c. */
#ifndef MODEL_TENANT_TABLE_H
#define MODEL_TENANT_TABLE_H
#include <stdbool.h>
#include "base/arena.h"
#include "base/str.h"

enum field_type {
    FIELD_STRING,
    FIELD_ID,     /* names a folder: a-z 0-9 - _ */
    FIELD_SLUG,   /* a-z 0-9 - _ */
    FIELD_HOST,   /* "acme.example" */
    FIELD_URL,    /* https:// */
    FIELD_PATH,   /* "/pricing" */
    FIELD_TARGET, /* "/app" or https:// */
    FIELD_LINK,   /* "/signup", "#plans", http://, https://, mailto: */
    FIELD_IMAGE,  /* as a link, or "images/logo.svg" */
    FIELD_EMAIL,
    FIELD_EMOJI,
    FIELD_COLOUR,   /* "45 93% 47%" */
    FIELD_CURRENCY, /* ISO 4217 */
    FIELD_TAG,      /* Google tag: "G-ABC1234567" */
    FIELD_ENUM,     /* one of `words` */
    FIELD_BOOL,
    FIELD_NUMBER,  /* 0 or more */
    FIELD_INTEGER, /* 0 or more */
    FIELD_LABEL,   /* a string or a number */
    FIELD_LIST,    /* of what the row "<pointer>/-" says */
    FIELD_OBJECT,  /* of what the rows "<pointer>/..." say; unknown keys warn */
    FIELD_FLAGS,   /* any name: true or false */
    FIELD_TYPES
};
enum field_flag {
    FIELD_REQUIRED = 1, /* when the object that holds it is there */
    FIELD_PUBLIC = 2,   /* may be published */
    FIELD_EMPTY = 4     /* "" says that there is none */
};
struct field {
    const char *pointer; /* "-" stands for any index; NULL ends the table */
    enum field_type type;
    unsigned flags;
    const char *fallback; /* what counts when absent, as JSON text; NULL: nothing */
    const char *examples; /* JSON text of a list; NULL: the type's own example */
    const char *words;    /* FIELD_ENUM: separated by blanks */
    const char *old;      /* former names, separated by blanks; NULL: none */
    const char *help;     /* one or two sentences */
};
/* How the text of a type is checked and described. */
struct field_text {
    const char *what;    /* "an HSL triple"; NULL: no text of a form */
    const char *sample;  /* "45 93% 47%" */
    const char *pattern; /* of ECMA; never stricter than `valid` */
    bool (*valid)(struct str s);
    /* What to write instead ("write \"...\""), or NULL when only the writer knows. */
    char *(*advice)(struct arena *a, struct str s);
};

/* The row of the whole file; its children follow it, each with its own behind it. */
const struct field *field_root(void);
/* The next row directly below `parent`; `previous` NULL: the first. NULL: no more. */
const struct field *field_next(
    const struct field *parent, const struct field *previous);
/* The row of a key (or "-") below `parent`; NULL: not known. */
const struct field *field_find(const struct field *parent, const char *key);
const char *field_name(const struct field *f); /* last part of the pointer */
/* Cuts the next of some words off *words (of a row; may be NULL); false: no more. */
bool field_word(const char **words, struct str *word);
const struct field_text *field_text(enum field_type type);
/* "a string", "a list", ... */
const char *field_expects(enum field_type type);
#endif

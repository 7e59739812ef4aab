/* Diagnostics: what the user did wrong and where, gathered and reported all at
 * once.  Whoever detects a mistake adds it; callers only return false. */
#ifndef BASE_DIAG_H
#define BASE_DIAG_H
#include <stdbool.h>
#include <stdio.h>
#include "base/arena.h"
#include "base/map.h"

enum diag_level { DIAG_NOTICE, DIAG_WARNING, DIAG_ERROR };

struct diag_place {
    const char *file; /* relative to the workspace; NULL: no file */
    unsigned line;    /* 1-based; 0: the whole file */
    unsigned col;     /* 1-based, bytes; 0: the whole line */
};
#define DIAG_AT(f, l, c) ((struct diag_place){(f), (l), (c)})
#define DIAG_FILE(f) ((struct diag_place){(f), 0, 0})
#define DIAG_NOWHERE ((struct diag_place){0})

struct diag_note {
    struct diag_note *next;
    struct diag_place place;
    const char *message;
};
struct diag {
    struct diag *next;
    enum diag_level level;
    struct diag_place place;
    const char *tenant;  /* tenant id or NULL */
    const char *message; /* one line, no final full stop, no "error:" */
    struct diag_note *notes;
    bool secret;       /* its line holds one: what looks like it is not shown */
    bool machine;      /* not the input is wrong: the disk or a limit of the system */
    unsigned repeated; /* the same message also came up for so many more tenants ... */
    const char *repeated_by; /* ... of which this was the last */
};
struct diag_list {
    struct arena arena;
    struct diag *first, *last;
    unsigned errors, warnings, notices;
    const char *tenant; /* stamped on what is added; borrowed */
    bool secrets;       /* some diagnostic is about one */
    bool machine;       /* some diagnostic is about the machine */
    struct map said;    /* once something was merged: what each says -> struct diag * */
    struct diag *said_last;
};
void diag_init(struct diag_list *l);
void diag_dispose(struct diag_list *l);
void diag_reset(struct diag_list *l);
void diag_add(struct diag_list *l, enum diag_level level, struct diag_place place,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* The error that `file` cannot be read; `err` (of root_read and the like) tells whether
 * the machine failed. */
void diag_unreadable(struct diag_list *l, const char *file, int err);
/* Adds "file:line:col: note: ..." to the diagnostic added last. */
void diag_note(struct diag_list *l, struct diag_place place, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The diagnostic added last is about a secret, which no log shall show: it is masked
 * for all that speak of the same line. */
void diag_secret(struct diag_list *l);
/* Moves a copy of every diagnostic of src to the end of dst.  One that dst already has
 * (same level, place and message) is counted in `repeated` instead. */
void diag_merge(struct diag_list *dst, const struct diag_list *src);
/* Brings what is said of one file together, in the order of its lines; files stay in
 * the order in which they were first spoken of. */
void diag_sort(struct diag_list *l);
/* "error: ..." with the source line and a caret, read from `dir_fd`/file; of a secret
 * only the ends. */
void diag_print_human(const struct diag *d, int dir_fd, bool colour, FILE *out);
/* Appends the source line and the caret alone; nothing when there is no line. */
void diag_source(struct buf *b, const struct diag *d, int dir_fd);
/* One JSON object a line: type, level, tenant, file, line, col, message, notes[]. */
void diag_print_json(const struct diag *d, FILE *out);
/* For the pipe between worker and parent. */
void diag_pack(const struct diag_list *l, struct buf *out);
bool diag_unpack(
    struct diag_list *l, struct str packed); /* false: not what diag_pack wrote */
/* The known word nearest to `word`, or NULL when none is near enough to suggest. */
const char *diag_suggest(struct str word, const char *const *known, size_t n);
#endif

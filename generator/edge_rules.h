/* _headers and _redirects as data.  Part of edge. */
#ifndef GENERATOR_EDGE_RULES_H
#define GENERATOR_EDGE_RULES_H
#include <stdbool.h>
#include "base/arena.h"
#include "base/diag.h"
#include "base/str.h"

/* Walks over the lines of one file and keeps the place for messages. */
struct edge_reader {
    const char *file;
    struct diag_list *diags;
    struct str rest;
    unsigned line;     /* 1-based, of the line read last */
    const char *start; /* of that line */
    size_t max;        /* characters a line may have */
    const char *what;  /* "a header rule", for messages */
    bool ok;           /* no error so far */
};
/* The next line that says something, trimmed.  Too long ones are reported, not given.
 */
bool edge_reader_next(struct edge_reader *r, struct str *line);
struct diag_place edge_reader_place(const struct edge_reader *r, const char *at);
#define EDGE_ERROR(r, at, ...)                                                         \
    (diag_add((r)->diags, DIAG_ERROR, edge_reader_place((r), (at)), __VA_ARGS__),      \
        (r)->ok = false)

/* A path such as "/blog/:year", maybe behind "https://host".  Slices of the text. */
struct edge_pattern {
    struct str host; /* empty: any */
    struct str path;
    bool dynamic; /* has a splat or a placeholder */
};
/* False: reported. `relative`: a host is not allowed. */
bool edge_pattern_parse(
    struct edge_reader *r, struct str text, bool relative, struct edge_pattern *p);

enum edge_piece_kind { EDGE_LITERAL, EDGE_SPLAT, EDGE_NAME };
struct edge_piece {
    enum edge_piece_kind kind;
    struct str text; /* the literal, or the placeholder's name; "splat" of a splat */
};
/* Cuts the next piece off *rest; false at the end. */
bool edge_piece_next(struct str *rest, struct edge_piece *piece);
/* Number of the piece called `name` among those of `pattern` that capture, from 1;
 * 0: none. */
unsigned edge_capture_index(struct str pattern, struct str name);

#define EDGE_MAX_CAPTURES 16
/* Whether path is matched; captures[1..] are filled.  Gives up (false) on absurdly
 * ambiguous patterns. */
bool edge_match(
    struct str pattern, struct str path, struct str captures[EDGE_MAX_CAPTURES]);

struct edge_header {
    struct str name, value;
    bool unset;
};
struct edge_header_rule {
    struct edge_pattern pattern;
    unsigned line;
    struct edge_header *headers; /* unset ones first, names unique within each kind */
    size_t n, cap;
};
struct edge_headers {
    struct arena arena;
    struct edge_header_rule *rules;
    size_t n, cap;
};
bool edge_headers_parse(
    struct edge_headers *h, struct str text, const char *file, struct diag_list *diags);
void edge_headers_dispose(struct edge_headers *h);

struct edge_redirect {
    struct edge_pattern from;
    struct str to;
    unsigned code, line;
};
struct edge_redirects {
    struct edge_redirect *rules; /* valid ones, in the file's order */
    size_t n, cap;
};
bool edge_redirects_parse(struct edge_redirects *d, struct str text, const char *file,
    struct diag_list *diags);
void edge_redirects_dispose(struct edge_redirects *d);
#endif

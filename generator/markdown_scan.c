/* What stands before cmark: caps on the shapes it is slow or greedy on, and a look for
 * the characters without which an extension can have nothing to do.  The look may say
 * yes too often, never no when the extension would act. */
#include "generator/markdown_internal.h"
#include <ctype.h>
#include <string.h>

struct scan {
    const struct markdown_options *o;
    struct diag_list *diags;
    struct markdown_features *f;
    struct str text;
    unsigned line; /* of the text, 1-based */
    bool failed;
    /* the run of lines between two blank ones */
    unsigned columns;    /* of the widest delimiter row so far; 0: none */
    unsigned rows;       /* since the first delimiter row */
    unsigned delimiters; /* lines that could be one */
    unsigned widest;     /* cells of the widest line */
    unsigned widest_line;
    size_t cells; /* of all tables before this run */
};

static void scan_error(
    struct scan *s, unsigned line, const char *what, unsigned limit) {
    s->failed = true;
    diag_add(s->diags, DIAG_ERROR, DIAG_AT(s->o->file, s->o->first_line + line - 1, 0),
        "%s; the limit is %u", what, limit);
}

/* Length of a list marker or block quote sign at p, 0 when there is none. */
static size_t container_marker(const char *p, const char *end) {
    size_t n = 0;
    if (p < end && *p == '>') return 1;
    if (p < end && (*p == '-' || *p == '+' || *p == '*'))
        n = 1;
    else {
        while (p + n < end && n < 9 && p[n] >= '0' && p[n] <= '9') n++;
        if (!n || p + n >= end || (p[n] != '.' && p[n] != ')')) return 0;
        n++;
    }
    return p + n == end || p[n] == ' ' || p[n] == '\t' ? n : 0;
}

static bool is_thematic_break(const char *p, const char *end) {
    char mark = *p;
    if (mark != '-' && mark != '*') return false;
    while (p < end && (*p == mark || *p == ' ' || *p == '\t')) p++;
    return p == end;
}

static void scan_depth(struct scan *s, const char *p, const char *end) {
    unsigned depth = 0;
    for (;;) {
        while (p < end && (*p == ' ' || *p == '\t')) p++;
        size_t n = container_marker(p, end);
        if (!n || is_thematic_break(p, end)) return;
        p += n;
        if (++depth <= MARKDOWN_MAX_DEPTH) continue;
        scan_error(s, s->line, "block quotes and lists are nested too deep",
            MARKDOWN_MAX_DEPTH);
        return;
    }
}

/* Only what a table's delimiter row may consist of; plain "---" is none. */
static bool maybe_delimiter(const char *p, const char *end) {
    bool dash = false, other = false;
    for (; p < end; p++) {
        if (*p == '-')
            dash = true;
        else if (*p == '|' || *p == ':' || *p == '\v' || *p == '\f')
            other = true;
        else if (*p != ' ' && *p != '\t')
            return false;
    }
    return dash && other;
}

/* p begins with no blank.  Pipes at either end separate nothing. */
static unsigned count_cells(const char *p, const char *end) {
    unsigned n = 1;
    while (end > p && (end[-1] == ' ' || end[-1] == '\t')) end--;
    if (p < end && *p == '|') p++;
    if (p < end && end[-1] == '|') end--;
    for (; p < end && (p = memchr(p, '|', (size_t)(end - p))); p++) n++;
    return n;
}

static void end_run(struct scan *s) {
    if (s->columns) {
        if (s->widest > MARKDOWN_MAX_COLUMNS)
            scan_error(s, s->widest_line, "the table has too many columns",
                MARKDOWN_MAX_COLUMNS);
        if (s->delimiters > MARKDOWN_MAX_DELIMITERS)
            scan_error(s, s->line, "too many rows of dashes without a blank line",
                MARKDOWN_MAX_DELIMITERS);
        if (s->columns > 1) s->cells += (size_t)s->columns * s->rows;
        if (s->cells > MARKDOWN_MAX_CELLS) {
            scan_error(s, s->line,
                "the tables have too many cells (columns times rows)",
                MARKDOWN_MAX_CELLS);
            s->cells = 0;
        }
    }
    s->columns = s->rows = s->delimiters = s->widest = 0;
}

static void scan_table_line(struct scan *s, const char *p, const char *end) {
    while (p < end && (*p == ' ' || *p == '\t' || *p == '>')) p++;
    if (p == end) {
        end_run(s);
        return;
    }
    unsigned cells = count_cells(p, end);
    if (cells > s->widest) {
        s->widest = cells;
        s->widest_line = s->line;
    }
    if (s->columns) s->rows++;
    if (!maybe_delimiter(p, end)) return;
    s->f->table = true;
    s->delimiters++;
    if (!s->columns) s->rows = 2;
    if (cells > s->columns) s->columns = cells;
}

static const char *line_end(const char *p, const char *end, bool cr) {
    const char *nl = memchr(p, '\n', (size_t)(end - p));
    if (!nl) nl = end;
    const char *r = cr ? memchr(p, '\r', (size_t)(nl - p)) : NULL;
    return r ? r : nl;
}

static void scan_lines(struct scan *s) {
    const char *p = s->text.ptr, *end = p + s->text.len;
    bool cr = memchr(p, '\r', s->text.len) != NULL;
    bool pipes = memchr(p, '|', s->text.len) || memchr(p, ':', s->text.len) ||
                 memchr(p, '\v', s->text.len) || memchr(p, '\f', s->text.len);
    while (p < end) {
        const char *stop = line_end(p, end, cr);
        s->line++;
        scan_depth(s, p, stop);
        if (pipes) scan_table_line(s, p, stop);
        p = stop;
        if (p < end) p += *p == '\r' && p + 1 < end && p[1] == '\n' ? 2 : 1;
    }
    end_run(s);
}

/* Faster than memmem when the first character is rare. */
static bool has(struct str text, char first, struct str rest) {
    const char *p = text.ptr, *end = p + text.len;
    while ((p = memchr(p, first, (size_t)(end - p)))) {
        p++;
        if ((size_t)(end - p) < rest.len) return false;
        if (!memcmp(p, rest.ptr, rest.len)) return true;
    }
    return false;
}

static bool has_www(struct str text) {
    const char *p = text.ptr, *end = p + text.len;
    for (; (p = memchr(p, '.', (size_t)(end - p))); p++)
        if (p - text.ptr > 2 && !memcmp(p - 3, "www", 3)) return true;
    return false;
}

/* Marked up, an address follows a bracket or a quotation mark, not a blank. */
static bool follows_blank(const char *start, const char *p) {
    while (p > start && isalpha((unsigned char)p[-1])) p--;
    return p == start || p[-1] == ' ' || p[-1] == '\n';
}

/* What [text](address "title") may not contain so that it surely is a link, or stands
 * as a whole in something that holds no text: code, HTML, a definition. */
static const bool unsure[256] = {['\0'] = true,
    ['\n'] = true,
    ['\r'] = true,
    ['"'] = true,
    ['<'] = true,
    ['>'] = true,
    ['[' ... ']'] = true,
    ['`'] = true,
    ['|'] = true};

static const char *skip_sure(const char *p, const char *end) {
    while (p < end && !unsure[(unsigned char)*p]) p++;
    return p;
}

static const char *skip_address(const char *p, const char *end) {
    while (p < end && (unsigned char)*p > ' ' && *p != 127 && *p != '(' && *p != ')' &&
           !unsure[(unsigned char)*p])
        p++;
    return p;
}

/* Whether "[text" stands before the "](" that ends at p.  Not when a link may end in
 * the text, nor when the text may be the label of a reference. */
static bool opens_link(const char *start, const char *p) {
    if (p - start < 3 || p[-2] != ']') return false;
    const char *text = p - 2;
    while (text > start && text[-1] != ')' && !unsure[(unsigned char)text[-1]]) text--;
    if (text == start || text[-1] != '[' || *text == '^') return false;
    return text - start < 2 || (text[-2] != '\\' && text[-2] != ']');
}

/* Whether the address around the ':' at p is marked up beyond doubt, as <address> or as
 * [text](address "title"). */
static bool is_marked_up(const char *start, const char *p, const char *end) {
    const char *scheme = p;
    while (scheme > start && p - scheme < 32 && isalpha((unsigned char)scheme[-1]))
        scheme--;
    if (scheme == start || p - scheme < 2) return false;
    char before = scheme[-1];
    if (before != '<' && before != '(') return false;
    const char *stop = skip_address(p, end);
    if (before == '<')
        return stop < end && *stop == '>' && (scheme - start < 2 || scheme[-2] != '\\');
    if (end - stop > 2 && stop[0] == ' ' && stop[1] == '"') {
        stop = skip_sure(stop + 2, end);
        if (stop == end || *stop++ != '"') return false;
    }
    return stop < end && *stop == ')' && opens_link(start, scheme);
}

static void scan_addresses(struct str text, struct markdown_features *f) {
    const char *p = text.ptr, *end = p + text.len;
    for (; p < end && (p = memchr(p, ':', (size_t)(end - p))); p++) {
        if (end - p < 3 || p[1] != '/' || p[2] != '/') continue;
        if (is_marked_up(text.ptr, p, end)) continue;
        f->address = true;
        f->bare_address = f->bare_address || follows_blank(text.ptr, p);
    }
    /* "@" counts when it is written as an entity, too. */
    f->address = f->address || memchr(text.ptr, '@', text.len) || has_www(text) ||
                 has(text, '&', STR("#")) || has(text, '&', STR("commat;"));
}

static void scan_brackets(struct scan *s) {
    const char *p = s->text.ptr, *end = p + s->text.len;
    unsigned count = 0;
    while (p < end && (p = memchr(p, '[', (size_t)(end - p)))) {
        if (++count == MARKDOWN_MAX_BRACKETS + 1) {
            unsigned line, col;
            str_line_col(s->text, (size_t)(p - s->text.ptr), &line, &col);
            scan_error(
                s, line, "too many \"[\" in one document", MARKDOWN_MAX_BRACKETS);
        }
        p++;
        if (p < end && *p == '^') s->f->footnotes = true;
        if (p + 1 < end && p[1] == ']') s->f->tasklist = true;
    }
}

bool markdown_scan(struct str text, const struct markdown_options *o,
    struct diag_list *diags, struct markdown_features *f) {
    struct scan s = {.o = o, .diags = diags, .f = f, .text = text};
    *f = (struct markdown_features){0};
    if (!text.len) return true;
    if (text.len > MARKDOWN_MAX_BYTES) {
        scan_error(&s, 1, "the text has too many bytes: split it", MARKDOWN_MAX_BYTES);
        return false;
    }
    scan_lines(&s);
    scan_brackets(&s);
    /* Without a definition cmark would still cut "[^" labels that span lines. */
    if (f->footnotes) f->footnotes = has(text, ']', STR(":"));
    f->strikethrough = memchr(text.ptr, '~', text.len) != NULL;
    scan_addresses(text, f);
    f->comment = has(text, '<', STR("!--"));
    return !s.failed;
}

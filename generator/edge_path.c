#include <string.h>

#include "generator/edge_rules.h"

static bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_word(char c) {
    return is_letter(c) || (c >= '0' && c <= '9') || c == '_';
}

/* As JavaScript counts them: UTF-16 units. */
static size_t count_characters(struct str s) {
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        n += (c & 0xC0) == 0x80 ? 0 : c >= 0xF0 ? 2 : 1;
    }
    return n;
}

bool edge_reader_next(struct edge_reader *r, struct str *line) {
    while (str_cut(&r->rest, '\n', line)) {
        r->line++;
        r->start = line->ptr;
        *line = str_trim(*line);
        if (line->len == 0 || line->ptr[0] == '#') continue;
        size_t n = count_characters(*line);
        if (n <= r->max) return true;
        EDGE_ERROR(r, line->ptr, "%s of %zu characters; at most %zu fit on a line",
            r->what, n, r->max);
    }
    return false;
}

struct diag_place edge_reader_place(const struct edge_reader *r, const char *at) {
    return DIAG_AT(r->file, r->line, (unsigned)(at - r->start) + 1);
}

bool edge_piece_next(struct str *rest, struct edge_piece *piece) {
    if (rest->len == 0) return false;
    const char *s = rest->ptr;
    size_t n = 0, skip = 0;
    piece->kind = EDGE_LITERAL;
    if (s[0] == '*') {
        *piece = (struct edge_piece){EDGE_SPLAT, STR("splat")};
        *rest = str_slice(*rest, 1, rest->len);
        return true;
    }
    if (s[0] == ':' && rest->len > 1 && is_letter(s[1])) {
        piece->kind = EDGE_NAME;
        skip = 1;
        for (n = 1; n < rest->len && is_word(s[n]);) n++;
    } else {
        for (n = 1; n < rest->len && s[n] != '*'; n++)
            if (s[n] == ':' && n + 1 < rest->len && is_letter(s[n + 1])) break;
    }
    piece->text = str_slice(*rest, skip, n);
    *rest = str_slice(*rest, n, rest->len);
    return true;
}

unsigned edge_capture_index(struct str pattern, struct str name) {
    struct edge_piece piece;
    for (unsigned i = 0; edge_piece_next(&pattern, &piece);)
        if (piece.kind != EDGE_LITERAL && (i++, str_equal(piece.text, name))) return i;
    return 0;
}

static bool check_host(struct edge_reader *r, struct str host) {
    if (host.len == 0) EDGE_ERROR(r, host.ptr, "no host after \"https://\"");
    for (size_t i = 0; i + 1 < host.len; i++) {
        if (host.ptr[i] != ':' || is_letter(host.ptr[i + 1])) continue;
        EDGE_ERROR(r, host.ptr + i,
            "a port is not allowed in a rule's URL; leave \"" STR_FMT "\" out",
            STR_ARG(str_slice(host, i, host.len)));
        return false;
    }
    return host.len > 0;
}

static bool check_pieces(struct edge_reader *r, struct edge_pattern *p) {
    struct edge_piece piece;
    struct str seen[EDGE_MAX_CAPTURES];
    size_t n = 0;
    for (struct str rest = p->path; edge_piece_next(&rest, &piece);) {
        if (piece.kind == EDGE_LITERAL) continue;
        p->dynamic = true;
        const char *at = rest.ptr - 1;
        for (size_t i = 0; i < n; i++) {
            if (!str_equal(seen[i], piece.text)) continue;
            if (str_is(piece.text, "splat"))
                EDGE_ERROR(
                    r, at, "a path may hold one \"*\", and not \":splat\" beside it");
            else
                EDGE_ERROR(r, at, "the placeholder \":" STR_FMT "\" stands twice",
                    STR_ARG(piece.text));
            return false;
        }
        if (n == EDGE_MAX_CAPTURES - 1) {
            EDGE_ERROR(r, at, "more than %d placeholders", EDGE_MAX_CAPTURES - 1);
            return false;
        }
        seen[n++] = piece.text;
    }
    return true;
}

static bool check_characters(struct edge_reader *r, struct str path) {
    for (size_t i = 0; i < path.len; i++) {
        unsigned char c = (unsigned char)path.ptr[i];
        if (c == '?' || c == '#')
            EDGE_ERROR(r, path.ptr + i,
                "only the path is matched; leave \"" STR_FMT "\" out",
                STR_ARG(str_slice(path, i, path.len)));
        else if (c <= ' ' || c == 127)
            EDGE_ERROR(r, path.ptr + i,
                "blank or control character in a path; write %%%02X", c);
        else
            continue;
        return false;
    }
    return true;
}

bool edge_pattern_parse(
    struct edge_reader *r, struct str text, bool relative, struct edge_pattern *p) {
    *p = (struct edge_pattern){.host = STR(""), .path = text};
    if (!str_starts(text, "/")) {
        if (relative || !str_starts(text, "https://")) {
            EDGE_ERROR(r, text.ptr, "\"" STR_FMT "\" must begin with \"/\"%s",
                STR_ARG(text), relative ? "" : " or \"https://\"");
            return false;
        }
        struct str rest = str_slice(text, strlen("https://"), text.len);
        size_t slash;
        if (!str_find_char(rest, '/', &slash)) {
            EDGE_ERROR(r, text.ptr,
                "no path in \"" STR_FMT "\"; did you mean \"" STR_FMT "/*\"?",
                STR_ARG(text), STR_ARG(text));
            return false;
        }
        p->host = str_slice(rest, 0, slash);
        p->path = str_slice(rest, slash, rest.len);
        if (!check_host(r, p->host)) return false;
    }
    return check_characters(r, p->path) && check_pieces(r, p);
}

/* Backtracks; `steps` bounds it. */
static bool match_rest(struct str pattern, struct str path, struct str *captures,
    unsigned n, unsigned *steps) {
    struct edge_piece piece;
    if ((*steps)-- == 0) {
        *steps = 1;
        return false;
    }
    if (!edge_piece_next(&pattern, &piece)) return path.len == 0;
    if (piece.kind == EDGE_LITERAL) {
        if (path.len < piece.text.len ||
            memcmp(path.ptr, piece.text.ptr, piece.text.len) != 0)
            return false;
        return match_rest(
            pattern, str_slice(path, piece.text.len, path.len), captures, n, steps);
    }
    size_t longest = path.len, shortest = piece.kind == EDGE_SPLAT ? 0 : 1, slash;
    if (piece.kind == EDGE_NAME && str_find_char(path, '/', &slash)) longest = slash;
    for (size_t len = longest + 1; len-- > shortest;) {
        if (n < EDGE_MAX_CAPTURES) captures[n] = str_slice(path, 0, len);
        if (match_rest(pattern, str_slice(path, len, path.len), captures, n + 1, steps))
            return true;
        if (*steps <= 1) return false;
    }
    return false;
}

bool edge_match(
    struct str pattern, struct str path, struct str captures[EDGE_MAX_CAPTURES]) {
    unsigned steps = 10000;
    return match_rest(pattern, path, captures, 1, &steps);
}

#include <string.h>

#include "generator/edge_nginx.h"

void nginx_plain(struct buf *out, struct str s) {
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if ((unsigned char)c < ' ' || c == 127) continue;
        if (c == '"' || c == '\\') buf_char(out, '\\');
        buf_char(out, c);
    }
}

void nginx_value(struct buf *out, struct str s) {
    struct str part;
    for (bool first = true; str_cut(&s, '$', &part); first = false) {
        if (!first) buf_cstr(out, "${tenantry_dollar}");
        nginx_plain(out, part);
    }
}

void nginx_quoted(struct buf *out, struct str s) {
    buf_char(out, '"');
    nginx_plain(out, s);
    buf_char(out, '"');
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* One byte of a URL path, "%41" being one.  False: at the end. */
static bool next_decoded(struct str *rest, char *c) {
    if (rest->len == 0) return false;
    size_t n = 1;
    *c = rest->ptr[0];
    if (*c == '%' && rest->len > 2) {
        int high = hex_digit(rest->ptr[1]), low = hex_digit(rest->ptr[2]);
        if (high >= 0 && low >= 0) {
            *c = (char)(high << 4 | low);
            n = 3;
        }
    }
    *rest = str_slice(*rest, n, rest->len);
    return true;
}

const char *nginx_path(struct arena *a, struct str path) {
    char *decoded = arena_alloc(a, path.len + 1), *to = decoded;
    while (next_decoded(&path, to)) {
        if ((unsigned char)*to < ' ' || *to == 127) return NULL;
        to++;
    }
    *to = '\0';
    return decoded;
}

static void regex_char(struct buf *out, char c) {
    if (c && strchr("\\^$.|?*+()[]{}", c)) buf_char(out, '\\');
    buf_char(out, c);
}

static void raw_char(struct buf *out, char c) {
    unsigned char byte = (unsigned char)c;
    if (byte >= 128 || c == '"')
        buf_printf(out, "%%%02X", byte);
    else
        regex_char(out, c);
}

static void decoded_literal(struct buf *regex, struct str text) {
    char c;
    while (next_decoded(&text, &c)) regex_char(regex, c);
}

void nginx_regex(struct buf *out, struct str pattern, bool capture) {
    struct buf regex;
    struct edge_piece piece;
    unsigned n = 0;
    buf_init(&regex, 0);
    buf_cstr(&regex, "(?s)^");
    for (struct str rest = pattern; edge_piece_next(&rest, &piece);) {
        if (piece.kind == EDGE_LITERAL) {
            decoded_literal(&regex, piece.text);
            continue;
        }
        if (capture) buf_printf(&regex, "(?<tenantry_%u>", ++n);
        buf_cstr(&regex, piece.kind == EDGE_SPLAT ? ".*" : "[^/]+");
        if (capture) buf_char(&regex, ')');
    }
    buf_char(&regex, '$');
    nginx_quoted(out, buf_view(&regex));
    buf_dispose(&regex);
}

void nginx_exact_regex(struct buf *out, struct str decoded) {
    struct buf regex;
    buf_init(&regex, 0);
    buf_char(&regex, '^');
    for (size_t i = 0; i < decoded.len; i++) regex_char(&regex, decoded.ptr[i]);
    buf_char(&regex, '$');
    nginx_quoted(out, buf_view(&regex));
    buf_dispose(&regex);
}

void nginx_raw_regex(struct buf *out, struct str pattern, unsigned guarded) {
    struct buf regex;
    struct edge_piece piece;
    unsigned n = 0;
    buf_init(&regex, 0);
    buf_char(&regex, '^');
    for (struct str rest = pattern; edge_piece_next(&rest, &piece);) {
        if (piece.kind == EDGE_LITERAL) {
            for (size_t i = 0; i < piece.text.len; i++)
                raw_char(&regex, piece.text.ptr[i]);
            continue;
        }
        buf_printf(&regex, "(?<tenantry_%u>", ++n);
        if (n == guarded) buf_cstr(&regex, "(?![/\\\\])");
        buf_cstr(&regex, piece.kind == EDGE_SPLAT ? ".*)" : "[^/\\\\]+)");
    }
    buf_char(&regex, '$');
    nginx_quoted(out, buf_view(&regex));
    buf_dispose(&regex);
}

bool nginx_uses_captures(struct str text, struct str pattern) {
    struct edge_piece piece;
    while (edge_piece_next(&text, &piece))
        if (piece.kind == EDGE_NAME && edge_capture_index(pattern, piece.text))
            return true;
    return false;
}

void nginx_substitute(struct buf *out, struct str text, struct str pattern) {
    struct edge_piece piece;
    while (edge_piece_next(&text, &piece)) {
        unsigned i =
            piece.kind == EDGE_NAME ? edge_capture_index(pattern, piece.text) : 0;
        if (i) {
            buf_printf(out, "${tenantry_%u}", i);
            continue;
        }
        if (piece.kind == EDGE_NAME) buf_char(out, ':');
        nginx_value(out, piece.kind == EDGE_SPLAT ? STR("*") : piece.text);
    }
}

bool nginx_host_matches(const struct edge_pattern *p, const char *host) {
    struct str captures[EDGE_MAX_CAPTURES];
    return p->host.len == 0 || edge_match(p->host, str_from(host), captures);
}

/* JSON text and positions in it, which jansson does not keep: a small scanner finds
 * tokens again when there is something to report. */
#include "base/json.h"

#include <string.h>

enum { DEPTH_MAX = 64 };

struct scanner {
    struct str text;
    size_t at;
};
struct token {
    size_t from, to; /* to: behind the last byte */
};

static bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_mark(char c) {
    return c && strchr("{}[]:,", c) != NULL;
}

/* Behind the closing quote, or the end of the text. */
static size_t string_end(struct str text, size_t at) {
    for (at++; at < text.len; at++) {
        if (text.ptr[at] == '\\') {
            at++;
        } else if (text.ptr[at] == '"') {
            return at + 1;
        }
    }
    return text.len;
}

static bool next_token(struct scanner *s, struct token *t) {
    struct str text = s->text;
    while (s->at < text.len && is_space(text.ptr[s->at])) s->at++;
    if (s->at >= text.len) return false;
    size_t to = s->at + 1;
    char first = text.ptr[s->at];
    if (first == '"') {
        to = string_end(text, s->at);
    } else if (!is_mark(first)) {
        while (to < text.len && !is_space(text.ptr[to]) && !is_mark(text.ptr[to]) &&
               text.ptr[to] != '"') {
            to++;
        }
    }
    *t = (struct token){s->at, to};
    s->at = to;
    return true;
}

static bool token_is(const struct scanner *s, struct token t, char mark) {
    return t.to == t.from + 1 && s->text.ptr[t.from] == mark;
}

static bool opens(const struct scanner *s, struct token t) {
    return token_is(s, t, '{') || token_is(s, t, '[');
}

static bool closes(const struct scanner *s, struct token t) {
    return token_is(s, t, '}') || token_is(s, t, ']');
}

/* Passes the rest of the value that begins with `t`. */
static bool skip_value(struct scanner *s, struct token t) {
    size_t depth = 0;
    for (;;) {
        if (opens(s, t)) depth++;
        if (closes(s, t) && depth > 0) depth--;
        if (depth == 0) return true;
        if (!next_token(s, &t)) return false;
    }
}

/* `part` of a JSON pointer, where ~1 means / and ~0 means ~. */
static bool part_equals(struct str part, struct str name) {
    size_t n = 0;
    for (size_t i = 0; i < part.len; i++, n++) {
        char c = part.ptr[i];
        bool escape = c == '~' && i + 1 < part.len &&
                      (part.ptr[i + 1] == '0' || part.ptr[i + 1] == '1');
        if (escape) c = part.ptr[++i] == '1' ? '/' : '~';
        if (n >= name.len || name.ptr[n] != c) return false;
    }
    return n == name.len;
}

static bool key_equals(const struct scanner *s, struct token key, struct str part) {
    struct str raw = str_slice(s->text, key.from, key.to);
    struct str inner = str_slice(raw, 1, raw.len - 1);
    if (!str_find_char(inner, '\\', NULL)) return part_equals(part, inner);
    json_t *v = json_loadb(raw.ptr, raw.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    struct str name = {json_string_value(v), json_string_length(v)};
    bool equal = name.ptr && part_equals(part, name);
    json_decref(v);
    return equal;
}

/* Both enter_ functions begin behind the bracket and stop at the wanted value. */
static bool enter_object(
    struct scanner *s, struct str part, struct token *key, struct token *value) {
    struct token mark;
    while (next_token(s, key) && s->text.ptr[key->from] == '"') {
        if (!next_token(s, &mark) || !next_token(s, value)) return false;
        if (key_equals(s, *key, part)) return true;
        if (!skip_value(s, *value) || !next_token(s, &mark)) return false;
        if (!token_is(s, mark, ',')) return false;
    }
    return false;
}

static bool parse_index(struct str part, size_t *index) {
    *index = 0;
    for (size_t i = 0; i < part.len; i++) {
        if (part.ptr[i] < '0' || part.ptr[i] > '9' || *index > 100000000) return false;
        *index = *index * 10 + (size_t)(part.ptr[i] - '0');
    }
    return part.len > 0;
}

static bool enter_array(struct scanner *s, struct str part, struct token *value) {
    size_t index;
    struct token mark;
    if (!parse_index(part, &index)) return false;
    for (;; index--) {
        if (!next_token(s, value) || closes(s, *value)) return false;
        if (index == 0) return true;
        if (!skip_value(s, *value) || !next_token(s, &mark)) return false;
        if (!token_is(s, mark, ',')) return false;
    }
}

bool json_locate(
    struct str text, const char *pointer, bool key, unsigned *line, unsigned *col) {
    struct scanner s = {text, 0};
    struct token value;
    if (!next_token(&s, &value)) return false;
    struct token name = value;
    if (*pointer && *pointer != '/') return false;
    /* "" has no part, "/" has one: the empty key. */
    struct str rest = *pointer ? str_from(pointer + 1) : (struct str){NULL, 0};
    struct str part;
    while (str_cut(&rest, '/', &part)) {
        bool found = false;
        if (token_is(&s, value, '{')) {
            found = enter_object(&s, part, &name, &value);
        } else if (token_is(&s, value, '[')) {
            found = enter_array(&s, part, &value);
            name = value;
        }
        if (!found) return false;
    }
    str_line_col(text, key ? name.from : value.from, line, col);
    return true;
}

char *json_pointer_human(struct arena *a, const char *pointer) {
    struct str rest = str_from(*pointer == '/' ? pointer + 1 : pointer);
    struct str part;
    struct buf b;
    buf_init(&b, 0);
    while (rest.len > 0 && str_cut(&rest, '/', &part)) {
        size_t index;
        bool number = parse_index(part, &index);
        if (number) buf_char(&b, '[');
        if (!number && b.len > 0) buf_char(&b, '.');
        for (size_t i = 0; i < part.len; i++) {
            char c = part.ptr[i];
            bool escape = c == '~' && i + 1 < part.len;
            if (escape) c = part.ptr[++i] == '1' ? '/' : '~';
            buf_char(&b, c);
        }
        if (number) buf_char(&b, ']');
    }
    char *human = arena_str(a, buf_view(&b));
    buf_dispose(&b);
    return human;
}

struct report {
    struct str text;
    const char *file;
    struct diag_list *diags;
};

static struct diag_place place_at(const struct report *r, size_t at) {
    unsigned line, col;
    str_line_col(r->text, at, &line, &col);
    return DIAG_AT(r->file, line, col);
}

/* The last token that begins before `at`, and the one before that. */
static struct token find_token(
    const struct report *r, size_t at, struct token *before) {
    struct scanner s = {r->text, 0};
    struct token found = {0, 0};
    struct token t;
    *before = found;
    while (next_token(&s, &t) && t.from < at) {
        *before = found;
        found = t;
    }
    return found;
}

/* The slips that a list of expected tokens explains badly. */
static bool report_habit(const struct report *r, struct token before, struct token t) {
    struct scanner s = {r->text, 0};
    char first = t.from < r->text.len ? r->text.ptr[t.from] : '\0';
    if (closes(&s, t) && token_is(&s, before, ',')) {
        diag_add(r->diags, DIAG_ERROR, place_at(r, before.from),
            "not valid JSON: a comma before '%c'; remove it", first);
        return true;
    }
    if (first == '/' || first == '#') {
        diag_add(r->diags, DIAG_ERROR, place_at(r, t.from),
            "not valid JSON: comments are not allowed; remove it");
        return true;
    }
    if (first == '\'') {
        diag_add(r->diags, DIAG_ERROR, place_at(r, t.from),
            "not valid JSON: strings stand in double quotes");
        return true;
    }
    return false;
}

/* What jansson's text says to programmers, said to the author of the file. */
static const char *syntax_text(const json_error_t *e) {
    switch (json_error_code(e)) {
    case json_error_null_character:
        return "\\u0000 is not allowed in a string";
    case json_error_null_byte_in_key:
        return "\\u0000 is not allowed in a key";
    default:
        break;
    }
    if (str_starts(str_from(e->text), "string or '}' expected"))
        return "a name in double quotes is expected here";
    if (str_starts(str_from(e->text), "unexpected newline"))
        return "this string does not end on its line; close the quotes, or write \\n "
               "for a "
               "line break";
    return e->text;
}

static bool expects_bracket(const json_error_t *e) {
    struct str text = str_from(e->text);
    return str_starts(text, "'}' expected") || str_starts(text, "']' expected");
}

/* A value where a comma should be, or behind the end of the whole. */
static bool report_neighbour(
    const struct report *r, const json_error_t *e, struct token t) {
    struct str token = str_slice(r->text, t.from, t.to);
    char first = token.len ? token.ptr[0] : '\0';
    if (expects_bracket(e) && first && !strchr("}]:,", first))
        diag_add(r->diags, DIAG_ERROR, place_at(r, t.from),
            "not valid JSON: a comma is missing before %s" STR_FMT,
            token.len > 40 ? "this" : "", token.len > 40 ? 0 : (int)token.len,
            token.ptr);
    else if (str_starts(str_from(e->text), "end of file expected"))
        diag_add(r->diags, DIAG_ERROR, place_at(r, t.from),
            "not valid JSON: the document ended before this; remove what follows, or a "
            "bracket too many above");
    else
        return false;
    return true;
}

static void report_syntax(const struct report *r, const json_error_t *e) {
    size_t at = e->position > 0 ? (size_t)e->position : 0;
    struct token before;
    struct token t = find_token(r, at, &before);
    bool at_end = strstr(e->text, "near end of file") != NULL;
    if (!at_end && report_habit(r, before, t)) return;
    if (at_end) {
        t.from = t.to;
    } else if (str_starts(str_from(e->text), "control character")) {
        t.from = at;
    } else if (str_starts(str_from(e->text), "invalid escape")) {
        t.from = at > 0 ? at - 1 : 0;
    }
    if (!at_end && report_neighbour(r, e, t)) return;
    /* jansson names only the bracket where a comma would do as well. */
    bool comma = expects_bracket(e);
    if (at_end && strstr(e->text, " expected near end of file")) {
        diag_add(r->diags, DIAG_ERROR, place_at(r, t.from),
            "not valid JSON: the file ends before its brackets are closed");
        return;
    }
    diag_add(r->diags, DIAG_ERROR, place_at(r, t.from), "not valid JSON: %s%s",
        comma ? "',' or " : "", syntax_text(e));
}

static void report_utf8(const struct report *r, size_t at) {
    diag_add(r->diags, DIAG_ERROR, place_at(r, at),
        "not valid UTF-8: byte 0x%02x; save the file as UTF-8",
        (unsigned char)r->text.ptr[at]);
}

static void report_error(const struct report *r, const json_error_t *e) {
    size_t bad;
    struct token before;
    struct token t = find_token(r, e->position > 0 ? (size_t)e->position : 0, &before);
    struct str token = str_slice(r->text, t.from, t.to);
    if (str_trim(r->text).len == 0) {
        diag_add(r->diags, DIAG_ERROR, DIAG_AT(r->file, 1, 1),
            "not valid JSON: there is nothing in it");
    } else if (str_starts(r->text, "\xEF\xBB\xBF")) {
        diag_add(r->diags, DIAG_ERROR, DIAG_AT(r->file, 1, 1),
            "not valid JSON: a byte order mark at the start; save the file without it");
    } else if (json_error_code(e) == json_error_invalid_utf8 &&
               !str_is_utf8(r->text, &bad)) {
        report_utf8(r, bad);
    } else if (json_error_code(e) == json_error_duplicate_key) {
        diag_add(r->diags, DIAG_ERROR, place_at(r, t.from),
            "duplicate key " STR_FMT "; keep only one of them", STR_ARG(token));
    } else {
        report_syntax(r, e);
    }
}

static int depth_of(const json_t *v) {
    int deepest = 0;
    if (json_is_array(v)) {
        for (size_t i = 0; i < json_array_size(v); i++) {
            int depth = depth_of(json_array_get(v, i));
            if (depth > deepest) deepest = depth;
        }
    } else if (json_is_object(v)) {
        json_t *obj = (json_t *)v;
        for (void *it = json_object_iter(obj); it;
             it = json_object_iter_next(obj, it)) {
            int depth = depth_of(json_object_iter_value(it));
            if (depth > deepest) deepest = depth;
        }
    } else {
        return 0;
    }
    return deepest + 1;
}

static void report_depth(const struct report *r) {
    struct scanner s = {r->text, 0};
    struct token t;
    int depth = 0;
    while (next_token(&s, &t)) {
        if (closes(&s, t)) depth--;
        if (opens(&s, t) && ++depth > DEPTH_MAX) break;
    }
    diag_add(r->diags, DIAG_ERROR, place_at(r, t.from),
        "nested too deeply; %d levels are allowed", DEPTH_MAX);
}

json_t *json_parse(struct str text, const char *file, struct diag_list *diags) {
    struct report r = {text.ptr ? text : STR(""), file, diags};
    json_error_t error;
    json_t *v = json_loadb(
        r.text.ptr, r.text.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (!v && json_error_code(&error) == json_error_stack_overflow) {
        report_depth(&r);
    } else if (!v) {
        report_error(&r, &error);
    } else if (depth_of(v) > DEPTH_MAX) {
        report_depth(&r);
        json_decref(v);
        v = NULL;
    }
    return v;
}

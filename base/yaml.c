#include "base/yaml_internal.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#define YAML_MAX_BYTES (64u * 1024)
#define YAML_MAX_DEPTH 32u

struct reader {
    yaml_parser_t parser;
    yaml_event_t event; /* the current one; read_next replaces it */
    bool has_event;
    struct str text;
    const char *file;
    unsigned first_line;
    struct diag_list *diags; /* NULL: say nothing */
    unsigned depth;
    bool failed;
};

/* libyaml counts characters, a diagnostic bytes. */
static size_t byte_offset(struct str text, size_t chars) {
    size_t at = 0;
    while (at < text.len && chars) {
        at++;
        while (at < text.len && ((unsigned char)text.ptr[at] & 0xC0) == 0x80) at++;
        chars--;
    }
    return at;
}

static struct diag_place place_of(const struct reader *r, size_t offset) {
    unsigned line, col;
    str_line_col(r->text, offset, &line, &col);
    return DIAG_AT(r->file, r->first_line + line - 1, col);
}

static struct diag_place place_mark(const struct reader *r, yaml_mark_t mark) {
    return place_of(r, byte_offset(r->text, mark.index));
}

static void read_error(struct reader *r, const char *message) {
    r->failed = true;
    if (r->diags)
        diag_add(
            r->diags, DIAG_ERROR, place_mark(r, r->event.start_mark), "%s", message);
}

/* libyaml's words for the mistakes people make, and what they should read instead. */
static const struct mistake {
    const char *problem; /* part of libyaml's text */
    const char *message;
    bool at_context; /* the mistake is where the construct began */
} mistakes[] = {
    {"mapping values are not allowed",
        "a second \": \" in the value, or a line indented too far; put a value that "
        "contains \": \" in quotes",
        false},
    {"tab character", "a tab cannot indent here; use blanks", false},
    {"cannot start any token",
        "a value cannot begin with this character (@, ` and % are reserved); put it in "
        "quotes",
        false},
    {"did not find expected key",
        "every line needs \"key: value\" at the indentation of its neighbours", false},
    {"could not find expected ':'", "\":\" is missing: every line reads \"key: value\"",
        false},
    {"unexpected end of stream", "the quotes that open here are never closed", true},
    {"unexpected document indicator", "the quotes that open here are never closed",
        true},
    {"did not find expected ',' or", "a bracket is not closed, or a comma is missing",
        false},
    {"unknown escape character",
        "unknown escape; write \\\\ for a backslash, or use single quotes", false},
    {"control characters are not allowed", "a control character; remove it", false},
};

static const struct mistake *find_mistake(const struct reader *r, const char *problem) {
    const size_t n = sizeof mistakes / sizeof *mistakes;
    size_t at = byte_offset(r->text, r->parser.problem_mark.index);
    bool tab = at < r->text.len && r->text.ptr[at] == '\t';
    if (tab && strstr(problem, "cannot start any token")) problem = "tab character";
    for (size_t i = 0; i < n; i++)
        if (strstr(problem, mistakes[i].problem)) return &mistakes[i];
    return NULL;
}

static void report_syntax(struct reader *r) {
    const yaml_parser_t *p = &r->parser;
    r->failed = true;
    if (!r->diags) return;
    const char *problem = p->problem ? p->problem : "cannot be read";
    const struct mistake *known = find_mistake(r, problem);
    bool has_context = p->context && p->context_mark.index != p->problem_mark.index;
    bool at_context = known && known->at_context && has_context;
    struct diag_place place =
        p->error == YAML_READER_ERROR
            ? place_of(r, p->problem_offset)
            : place_mark(r, at_context ? p->context_mark : p->problem_mark);
    diag_add(r->diags, DIAG_ERROR, place, "YAML: %s%s%s",
        !known && p->context ? p->context : "", !known && p->context ? ": " : "",
        known ? known->message : problem);
    if (has_context && !at_context)
        diag_note(r->diags, place_mark(r, p->context_mark), "it began here");
}

static bool read_next(struct reader *r) {
    if (r->has_event) yaml_event_delete(&r->event);
    r->has_event = yaml_parser_parse(&r->parser, &r->event) != 0;
    if (!r->has_event) report_syntax(r);
    return r->has_event;
}

static bool reader_open(struct reader *r) {
    if (!yaml_parser_initialize(&r->parser)) return false;
    yaml_parser_set_encoding(&r->parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(
        &r->parser, (const unsigned char *)r->text.ptr, r->text.len);
    return true;
}

static void reader_close(struct reader *r) {
    if (r->has_event) yaml_event_delete(&r->event);
    yaml_parser_delete(&r->parser);
}

static bool is_integer(struct str s, json_int_t *value) {
    char digits[24];
    size_t sign = s.len && *s.ptr == '-';
    if (s.len <= sign || s.len >= sizeof(digits)) return false;
    if (s.ptr[sign] == '0' && s.len > 1) return false;
    for (size_t i = sign; i < s.len; i++)
        if (s.ptr[i] < '0' || s.ptr[i] > '9') return false;
    memcpy(digits, s.ptr, s.len);
    digits[s.len] = '\0';
    errno = 0;
    *value = strtoll(digits, NULL, 10);
    return !errno;
}

json_t *yaml_plain_value(struct str s) {
    json_int_t n;
    if (!s.len || str_is(s, "~") || str_is(s, "null")) return json_null();
    if (str_is(s, "true")) return json_true();
    if (str_is(s, "false")) return json_false();
    if (is_integer(s, &n)) return json_integer(n);
    return json_stringn(s.ptr, s.len);
}

static struct str scalar_text(const yaml_event_t *e) {
    return (struct str){(const char *)e->data.scalar.value, e->data.scalar.length};
}

static void check_decoration(
    struct reader *r, const unsigned char *anchor, const unsigned char *tag) {
    if (anchor)
        read_error(r,
            "anchors (&name) are not supported; repeat the value, or put text "
            "that begins with & in quotes");
    if (tag)
        read_error(r, "tags (!name) are not supported; put text that begins with ! in "
                      "quotes");
}

static void check_scalar(struct reader *r) {
    check_decoration(r, r->event.data.scalar.anchor, r->event.data.scalar.tag);
    if (memchr(r->event.data.scalar.value, '\0', r->event.data.scalar.length))
        read_error(r, "the text contains a NUL character; remove \\0");
}

static json_t *read_value(struct reader *r);

static bool enter(struct reader *r) {
    if (++r->depth <= YAML_MAX_DEPTH) return true;
    read_error(r, "lists and mappings are nested deeper than 32");
    return false;
}

static json_t *read_list(struct reader *r) {
    json_t *list = json_array();
    check_decoration(
        r, r->event.data.sequence_start.anchor, r->event.data.sequence_start.tag);
    bool ok = enter(r);
    while (ok && (ok = read_next(r)) && r->event.type != YAML_SEQUENCE_END_EVENT) {
        json_t *item = read_value(r);
        ok = item && !json_array_append_new(list, item);
    }
    r->depth--;
    if (ok) return list;
    json_decref(list);
    return NULL;
}

/* The current event is a key: its text into the buffer. */
static bool read_key(struct reader *r, const json_t *object, struct buf *key) {
    if (r->event.type != YAML_SCALAR_EVENT) {
        read_error(r, "a key must be plain text");
        return false;
    }
    check_scalar(r);
    buf_reset(key);
    buf_cstr(key, (const char *)r->event.data.scalar.value);
    if (!key->len)
        read_error(r, "a key is missing before the ':'");
    else if (json_object_get(object, key->ptr)) {
        r->failed = true;
        if (r->diags)
            diag_add(r->diags, DIAG_ERROR, place_mark(r, r->event.start_mark),
                "the key \"%s\" occurs twice; keep one", key->ptr);
    }
    return true;
}

static bool read_members(struct reader *r, json_t *object, struct buf *key) {
    while (read_next(r)) {
        if (r->event.type == YAML_MAPPING_END_EVENT) return true;
        if (!read_key(r, object, key) || !read_next(r)) return false;
        json_t *value = read_value(r);
        bool ok =
            value && !json_object_set_new(object, key->len ? key->ptr : "", value);
        if (!ok) return false;
    }
    return false;
}

static json_t *read_mapping(struct reader *r) {
    json_t *object = json_object();
    struct buf key;
    buf_init(&key, 0);
    check_decoration(
        r, r->event.data.mapping_start.anchor, r->event.data.mapping_start.tag);
    bool ok = enter(r) && read_members(r, object, &key);
    r->depth--;
    buf_dispose(&key);
    if (ok) return object;
    json_decref(object);
    return NULL;
}

static json_t *read_value(struct reader *r) {
    switch (r->event.type) {
    case YAML_SEQUENCE_START_EVENT:
        return read_list(r);
    case YAML_MAPPING_START_EVENT:
        return read_mapping(r);
    case YAML_SCALAR_EVENT:
        break;
    case YAML_ALIAS_EVENT:
        read_error(r,
            "aliases (*name) are not supported; repeat the value, or put text "
            "that begins with * in quotes");
        return json_null();
    default:
        return json_null();
    }
    check_scalar(r);
    if (r->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
        return yaml_plain_value(scalar_text(&r->event));
    struct str s = scalar_text(&r->event);
    return json_stringn(s.ptr, s.len);
}

/* Up to the first event of the document's content; false: no document, or an error. */
static bool read_document_start(struct reader *r) {
    return read_next(r) && read_next(r) && r->event.type == YAML_DOCUMENT_START_EVENT &&
           read_next(r);
}

static void read_rest(struct reader *r) {
    if (!read_next(r) || !read_next(r) || r->event.type == YAML_STREAM_END_EVENT)
        return;
    read_error(r, "a second YAML document begins; keep one");
}

static json_t *read_full(struct reader *r) {
    json_t *value = NULL;
    if (read_document_start(r)) {
        if (r->event.type != YAML_MAPPING_START_EVENT)
            read_error(r, "\"key: value\" lines are expected");
        else if ((value = read_mapping(r)))
            read_rest(r);
    } else if (!r->failed)
        value = json_object();
    if (!r->failed) return value;
    json_decref(value);
    return NULL;
}

static bool check_text(const struct reader *r) {
    size_t bad;
    if (r->text.len > YAML_MAX_BYTES) {
        diag_add(r->diags, DIAG_ERROR, DIAG_AT(r->file, r->first_line, 0),
            "the front matter has %zu bytes; the limit is %u", r->text.len,
            YAML_MAX_BYTES);
        return false;
    }
    if (str_is_utf8(r->text, &bad)) return true;
    diag_add(r->diags, DIAG_ERROR, place_of(r, bad),
        "the text is not UTF-8: save the file as UTF-8");
    return false;
}

json_t *yaml_parse(
    struct str text, const char *file, unsigned first_line, struct diag_list *diags) {
    struct reader r = {
        .text = text, .file = file, .first_line = first_line, .diags = diags};
    if (!check_text(&r)) return NULL;
    json_t *value = yaml_fast(text);
    if (value) return value;
    if (!reader_open(&r)) {
        diag_add(diags, DIAG_ERROR, DIAG_FILE(file), "out of memory");
        return NULL;
    }
    value = read_full(&r);
    reader_close(&r);
    return value;
}

/* Cuts the next token of a JSON pointer off *pointer; decoded into `token`. */
static void next_token(const char **pointer, struct buf *token) {
    const char *p = *pointer + 1;
    buf_reset(token);
    buf_cstr(token, "");
    for (; *p && *p != '/'; p++) {
        if (*p == '~' && (p[1] == '0' || p[1] == '1'))
            buf_char(token, *++p == '1' ? '/' : '~');
        else
            buf_char(token, *p);
    }
    *pointer = p;
}

/* Leaves the current event at the end of the value that begins with it. */
static bool skip_value(struct reader *r) {
    unsigned open = 0;
    for (;;) {
        switch (r->event.type) {
        case YAML_SEQUENCE_START_EVENT:
        case YAML_MAPPING_START_EVENT:
            open++;
            break;
        case YAML_SEQUENCE_END_EVENT:
        case YAML_MAPPING_END_EVENT:
            open--;
            break;
        default:
            break;
        }
        if (!open) return true;
        if (open > YAML_MAX_DEPTH || !read_next(r)) return false;
    }
}

static bool is_token(const struct reader *r, const struct buf *token) {
    return r->event.type == YAML_SCALAR_EVENT &&
           str_equal(scalar_text(&r->event), buf_view(token));
}

/* In a mapping: to the member named by the token; *mark is set to its key's place. */
static bool step_member(struct reader *r, const struct buf *token, yaml_mark_t *mark) {
    while (read_next(r) && r->event.type != YAML_MAPPING_END_EVENT) {
        bool here = is_token(r, token);
        *mark = r->event.start_mark;
        if (!skip_value(r) || !read_next(r)) return false;
        if (here) return true;
        if (!skip_value(r)) return false;
    }
    return false;
}

static bool step_item(struct reader *r, const struct buf *token, yaml_mark_t *mark) {
    json_int_t index;
    if (!is_integer(buf_view(token), &index) || index < 0) return false;
    while (read_next(r) && r->event.type != YAML_SEQUENCE_END_EVENT) {
        *mark = r->event.start_mark;
        if (!index--) return true;
        if (!skip_value(r)) return false;
    }
    return false;
}

static bool locate(struct reader *r, const char *pointer, bool key, yaml_mark_t *mark) {
    struct buf token;
    bool found = read_document_start(r);
    buf_init(&token, 0);
    if (found) *mark = r->event.start_mark;
    while (found && *pointer == '/') {
        yaml_mark_t key_mark;
        next_token(&pointer, &token);
        if (r->event.type == YAML_MAPPING_START_EVENT)
            found = step_member(r, &token, &key_mark);
        else
            found = r->event.type == YAML_SEQUENCE_START_EVENT &&
                    step_item(r, &token, &key_mark);
        if (found) *mark = key && !*pointer ? key_mark : r->event.start_mark;
    }
    buf_dispose(&token);
    return found && !*pointer;
}

bool yaml_locate(struct str text, unsigned first_line, const char *pointer, bool key,
    unsigned *line, unsigned *col) {
    struct reader r = {.text = text, .first_line = first_line};
    yaml_mark_t mark;
    if (text.len > YAML_MAX_BYTES || !reader_open(&r)) return false;
    bool found = locate(&r, pointer, key, &mark);
    if (found) {
        struct diag_place place = place_mark(&r, mark);
        *line = place.line;
        *col = place.col;
    }
    reader_close(&r);
    return found;
}

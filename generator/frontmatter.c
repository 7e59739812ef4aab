#include "generator/frontmatter.h"
#include "base/yaml.h"

/* Cuts the next line, without its end, off *rest. */
static struct str next_line(struct str *rest) {
    size_t at, len;
    struct str line = *rest;
    if (str_find_char(*rest, '\n', &at)) {
        len = at && rest->ptr[at - 1] == '\r' ? at - 1 : at;
        line = str_slice(*rest, 0, len);
        *rest = str_slice(*rest, at + 1, rest->len);
    } else
        *rest = str_slice(*rest, rest->len, rest->len);
    return line;
}

static bool is_fence(struct str line) {
    if (!str_starts(line, "---")) return false;
    for (size_t i = 3; i < line.len; i++)
        if (line.ptr[i] != ' ' && line.ptr[i] != '\t' && line.ptr[i] != '\r')
            return false;
    return true;
}

static bool check_utf8(struct str text, const char *file, struct diag_list *diags) {
    size_t bad;
    unsigned line, col;
    if (str_is_utf8(text, &bad)) return true;
    str_line_col(text, bad, &line, &col);
    diag_add(diags, DIAG_ERROR, DIAG_AT(file, line, col),
        "the text is not UTF-8: save the file as UTF-8");
    return false;
}

/* Finds the fences.  False: the first has no second. */
static bool split(struct frontmatter *f, struct str text) {
    struct str rest = text;
    f->body = text;
    f->body_line = f->yaml_line = 1;
    f->yaml = str_slice(text, 0, 0);
    if (!is_fence(next_line(&rest))) return true;
    struct str start = rest;
    for (unsigned line = 2; rest.len; line++) {
        struct str before = rest;
        if (!is_fence(next_line(&rest))) continue;
        f->yaml = (struct str){start.ptr, (size_t)(before.ptr - start.ptr)};
        f->yaml_line = 2;
        f->body = rest;
        f->body_line = line + 1;
        return true;
    }
    return false;
}

struct text_check {
    const struct frontmatter *f;
    const char *file;
    struct diag_list *diags;
    struct buf pointer; /* to the value at hand */
    bool ok;
};

static void check_string(struct text_check *c, const json_t *v) {
    size_t i;
    struct str s = {json_string_value(v), json_string_length(v)};
    if (!str_find_control(s, &i)) return;
    c->ok = false;
    diag_add(c->diags, DIAG_ERROR,
        frontmatter_place(c->f, c->file, c->pointer.ptr, false),
        "the control character U+%04X cannot stand in a page; take it out",
        (unsigned char)s.ptr[i]);
}

static void check_texts(struct text_check *c, json_t *v) {
    size_t len = c->pointer.len, i;
    const char *key;
    json_t *member;
    if (json_is_string(v)) check_string(c, v);
    json_object_foreach(v, key, member) {
        buf_printf(&c->pointer, "/%s", key);
        check_texts(c, member);
        c->pointer.ptr[c->pointer.len = len] = 0;
    }
    json_array_foreach(v, i, member) {
        buf_printf(&c->pointer, "/%zu", i);
        check_texts(c, member);
        c->pointer.ptr[c->pointer.len = len] = 0;
    }
}

/* Only an escape can have brought in a control character that YAML forbids, or a fast
 * reader that does not look. */
static bool check_controls(
    const struct frontmatter *f, const char *file, struct diag_list *diags) {
    struct text_check c = {.f = f, .file = file, .diags = diags, .ok = true};
    size_t at;
    if (!str_find_char(f->yaml, '\\', &at) && !str_find_control(f->yaml, &at))
        return true;
    buf_init(&c.pointer, 0);
    check_texts(&c, f->values);
    buf_dispose(&c.pointer);
    return c.ok;
}

bool frontmatter_parse(
    struct frontmatter *f, struct str text, const char *file, struct diag_list *diags) {
    *f = (struct frontmatter){.yaml_line = 1, .body_line = 1};
    if (!check_utf8(text, file, diags)) return false;
    if (str_starts(text, "\xEF\xBB\xBF")) text = str_slice(text, 3, text.len);
    if (!split(f, text)) {
        diag_add(diags, DIAG_ERROR, DIAG_AT(file, 1, 1),
            "the front matter that begins here has no closing \"---\" line");
        return false;
    }
    f->values =
        f->yaml.len ? yaml_parse(f->yaml, file, f->yaml_line, diags) : json_object();
    return f->values && check_controls(f, file, diags);
}

void frontmatter_dispose(struct frontmatter *f) {
    json_drop(f->values);
    f->values = NULL;
}

struct diag_place frontmatter_place(
    const struct frontmatter *f, const char *file, const char *pointer, bool key) {
    struct diag_place place = DIAG_FILE(file);
    if (f->yaml.len)
        yaml_locate(f->yaml, f->yaml_line, pointer, key, &place.line, &place.col);
    return place;
}

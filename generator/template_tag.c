/* Mustache: one tag, from its opening to its closing delimiter. */
#include "generator/template_compile.h"

static void tag_find_line(struct compiler *c, struct tag *tag) {
    size_t at = tag->at, end = tag->end;
    while (at > 0 && is_blank(c->text.ptr[at - 1])) at--;
    tag->first = at == 0 || c->text.ptr[at - 1] == '\n';
    tag->line_start = at;
    while (end < c->text.len && is_blank(c->text.ptr[end])) end++;
    if (end + 1 < c->text.len && c->text.ptr[end] == '\r' &&
        c->text.ptr[end + 1] == '\n')
        end++;
    tag->last = end == c->text.len || c->text.ptr[end] == '\n';
    tag->next_line = end < c->text.len ? end + 1 : end;
}

static bool name_has_empty_part(struct str name) {
    if (str_is(name, ".")) return false;
    bool dot = true;
    for (size_t i = 0; i < name.len; i++) {
        bool was = dot;
        dot = name.ptr[i] == '.';
        if (dot && was) return true;
    }
    return dot;
}

bool tag_is_dotted(const struct tag *tag) {
    return tag->dynamic || tag->sigil == 0 || strchr("#^&{", tag->sigil);
}

static bool name_check(struct compiler *c, const struct tag *tag) {
    struct str name = tag->name;
    if (name.len == 0) {
        compile_error(c, tag->at, "empty tag: a name is missing, as in {{%.1sname}}",
            tag->sigil && tag->sigil != '{' ? &tag->sigil : "");
        return false;
    }
    if (name.len > NAME_MAX_BYTES) {
        compile_error(
            c, tag->at, "the name in this tag is longer than %d bytes", NAME_MAX_BYTES);
        return false;
    }
    for (size_t i = 0; i < name.len; i++) {
        unsigned char ch = (unsigned char)name.ptr[i];
        if (ch > ' ' && ch != 127) continue;
        compile_error(c, tag->at,
            "a name cannot contain %s: a tag is {{name}}, {{#name}}, {{^name}}, "
            "{{/name}}, "
            "{{>name}} and so on",
            is_space((char)ch) ? "blanks" : "control characters");
        return false;
    }
    if (tag_is_dotted(tag) && name_has_empty_part(name)) {
        compile_error(c, tag->at,
            "\"" STR_FMT "\" is no dotted name: write a.b.c, or . for the current item",
            STR_ARG(name));
        return false;
    }
    return true;
}

/* Where the tag whose content begins at `from` ends: [*stop, tag->end) is what closes
 * it. False: an error was reported and c->pos moved on. */
static bool tag_find_end(
    struct compiler *c, struct tag *tag, size_t from, size_t *stop) {
    char lead = tag->sigil == '{' ? '}' : tag->sigil == '=' ? '=' : 0;
    if (!find_from(c->text, from, c->right, stop)) {
        compile_error(c, tag->at, "this tag is not closed: " STR_FMT " is missing",
            STR_ARG(c->right));
        c->pos = c->text.len;
        c->cut = true;
        return false;
    }
    tag->end = *stop + c->right.len;
    if (!lead) return true;
    /* "}}}" holds "}}" twice; with other delimiters the brace comes first. */
    if (c->text.ptr[*stop] == lead && tag->end < c->text.len &&
        memcmp(c->text.ptr + *stop + 1, c->right.ptr, c->right.len) == 0) {
        tag->end++;
        return true;
    }
    if (*stop > from && c->text.ptr[*stop - 1] == lead) {
        --*stop;
        return true;
    }
    compile_error(
        c, tag->at, "this tag must end with %c" STR_FMT, lead, STR_ARG(c->right));
    c->pos = tag->end;
    return false;
}

/* Content that runs into the next tag or over the end of its line was meant to end
 * earlier: reports that and ends it after its first word, so that its partner is found.
 */
static void tag_stop_short(struct compiler *c, struct tag *tag, struct str content) {
    size_t at = 0;
    struct str word = str_trim(content);
    bool runs = str_find_char(word, '\n', &at);
    if (runs) word = str_slice(word, 0, at);
    if (!str_equal(c->left, c->right) && find_from(word, 0, c->left, &at)) {
        word = str_slice(word, 0, at);
        runs = true;
    }
    if (!runs) return;
    compile_error(c, tag->at, "this tag is not closed: " STR_FMT " is missing",
        STR_ARG(c->right));
    tag->end = (size_t)(word.ptr + word.len - c->text.ptr);
    size_t n = 0;
    while (n < word.len && !is_space(word.ptr[n])) n++;
    tag->name = str_slice(word, 0, n);
}

bool tag_read(struct compiler *c, struct tag *tag) {
    size_t from = tag->at + c->left.len, stop = 0;
    while (from < c->text.len && is_space(c->text.ptr[from])) from++;
    char ch = from < c->text.len ? c->text.ptr[from] : 0;
    tag->sigil = ch && strchr("#^></$!=&{", ch) ? ch : 0;
    if (tag->sigil) from++;
    if (!tag_find_end(c, tag, from, &stop)) return false;
    struct str content = str_slice(c->text, from, stop);
    tag->name = str_trim(content);
    bool named = tag->sigil != '!' && tag->sigil != '=';
    if (named) tag_stop_short(c, tag, content);
    tag_find_line(c, tag);
    if (tag->sigil && strchr("><", tag->sigil) && str_starts(tag->name, "*")) {
        tag->dynamic = true;
        tag->name = str_trim(str_slice(tag->name, 1, tag->name.len));
    }
    if (!named || name_check(c, tag)) return true;
    c->pos = tag->end;
    return false;
}

/* Most front matter is a handful of plain lines, which do not need libyaml.  Whatever
 * is accepted here must mean the same to libyaml; in doubt give up. */
#include "base/yaml_internal.h"
#include <string.h>

#define FAST_KEY_MAX 64

static bool is_key_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '_' || c == '-';
}

/* Bytes that libyaml takes for line breaks or refuses, or that need a closer look. */
static bool is_ordinary(struct str s) {
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c < ' ' || c == 0x7F) return false;
        if (c == 0xC2 && (unsigned char)s.ptr[i + 1] < 0xA0) return false;
        if (c == 0xE2 && (unsigned char)s.ptr[i + 1] == 0x80 &&
            (unsigned char)s.ptr[i + 2] >= 0xA8)
            return false;
        if (c == 0xEF && (unsigned char)s.ptr[i + 1] >= 0xBB) return false;
    }
    return true;
}

static bool is_plain_start(char c) {
    return (is_key_char(c) && c != '-') || c == '/' || c == '.' || c == '(' ||
           c == '$' || (unsigned char)c >= 0x80;
}

/* A plain scalar outside of [ ]: no ": ", no " #", no ':' at the end. */
static bool is_plain(struct str s) {
    if (!s.len || !is_plain_start(*s.ptr) || s.ptr[s.len - 1] == ':') return false;
    for (size_t i = 0; i + 1 < s.len; i++) {
        if (s.ptr[i] == ':' && s.ptr[i + 1] == ' ') return false;
        if (s.ptr[i] == ' ' && s.ptr[i + 1] == '#') return false;
    }
    return true;
}

/* "..." without escapes or '...' without a quote inside. */
static bool is_quoted(struct str s, struct str *inside) {
    size_t at;
    if (s.len < 2 || (*s.ptr != '"' && *s.ptr != '\'')) return false;
    if (s.ptr[s.len - 1] != *s.ptr) return false;
    *inside = str_slice(s, 1, s.len - 1);
    if (str_find_char(*inside, *s.ptr, &at)) return false;
    return *s.ptr == '\'' || !str_find_char(*inside, '\\', &at);
}

static struct str trim_blanks(struct str s) {
    while (s.len && *s.ptr == ' ') s = str_slice(s, 1, s.len);
    while (s.len && s.ptr[s.len - 1] == ' ') s.len--;
    return s;
}

static bool is_flow_plain(struct str s) {
    if (!s.len || !is_key_char(*s.ptr) || *s.ptr == '-') return false;
    for (size_t i = 1; i < s.len; i++)
        if (!is_key_char(s.ptr[i]) && s.ptr[i] != ' ' && s.ptr[i] != '.') return false;
    return true;
}

/* "[a, b c, "d"]"; quoted items hold no comma. */
static json_t *fast_list(struct str s) {
    struct str rest = trim_blanks(str_slice(s, 1, s.len - 1)), part, inside;
    json_t *list = json_array();
    bool comma = rest.len && rest.ptr[rest.len - 1] == ',';
    while (!comma && str_cut(&rest, ',', &part)) {
        part = trim_blanks(part);
        json_t *item = NULL;
        if (is_quoted(part, &inside))
            item = json_stringn(inside.ptr, inside.len);
        else if (is_flow_plain(part))
            item = yaml_plain_value(part);
        if (!item) {
            comma = true;
            break;
        }
        json_array_append_new(list, item);
    }
    if (!comma) return list;
    json_decref(list);
    return NULL;
}

static json_t *fast_value(struct str s) {
    struct str inside;
    if (!s.len) return json_null();
    if (!is_ordinary(s)) return NULL;
    if (is_quoted(s, &inside)) return json_stringn(inside.ptr, inside.len);
    if (*s.ptr == '[' && s.len >= 2 && s.ptr[s.len - 1] == ']') return fast_list(s);
    return is_plain(s) ? yaml_plain_value(s) : NULL;
}

/* One line; an empty one is fine. */
static bool fast_line(json_t *object, struct str line) {
    size_t n = 0;
    char key[FAST_KEY_MAX + 1];
    if (!line.len) return true;
    if (!is_key_char(*line.ptr) || *line.ptr == '-') return false;
    while (n < line.len && is_key_char(line.ptr[n])) n++;
    if (n > FAST_KEY_MAX || n >= line.len || line.ptr[n] != ':') return false;
    if (n + 1 < line.len && line.ptr[n + 1] != ' ') return false;
    memcpy(key, line.ptr, n);
    key[n] = '\0';
    if (json_object_get(object, key)) return false;
    json_t *value = fast_value(trim_blanks(str_slice(line, n + 1, line.len)));
    return value && !json_object_set_new(object, key, value);
}

json_t *yaml_fast(struct str text) {
    struct str line;
    json_t *object = json_object();
    while (str_cut(&text, '\n', &line)) {
        if (fast_line(object, line)) continue;
        json_decref(object);
        return NULL;
    }
    return object;
}

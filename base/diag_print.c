/* Diagnostics for people and, one JSON object a line, for programs. */
#include "base/diag.h"
#include "base/file.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { EXCERPT_WIDTH = 100, EXCERPT_FILE_MAX = 16 * 1024 * 1024 };
enum { SECRET_MIN = 14, SECRET_HEAD = 6, SECRET_TAIL = 2 }; /* characters */

static const char *const level_names[] = {"notice", "warning", "error"};
static const char *const level_colours[] = {"\033[1;36m", "\033[1;35m", "\033[1;31m"};
static const char bold[] = "\033[1m";
static const char green[] = "\033[1;32m";
static const char plain[] = "\033[0m";

/* Bytes of the character at s[i]; 0: not UTF-8. */
static size_t char_length(struct str s, size_t i) {
    for (size_t n = 1; n <= 4 && i + n <= s.len; n++) {
        if (str_is_utf8(str_slice(s, i, i + n), NULL)) return n;
    }
    return 0;
}

/* East Asian characters and emoji take two columns; exact enough for a caret. */
static size_t char_width(struct str s, size_t i) {
    unsigned char c = (unsigned char)s.ptr[i];
    return c == 0xF0 || (c >= 0xE3 && c <= 0xED) ? 2 : 1;
}

static bool is_control(struct str s, size_t i) {
    unsigned char c = (unsigned char)s.ptr[i];
    bool c1 = c == 0xC2 && i + 1 < s.len && (unsigned char)s.ptr[i + 1] < 0xA0;
    return c < 0x20 || c == 0x7F || c1;
}

/* What a file says must not steer the reader's terminal nor break the line. */
static void put_clean(struct buf *b, struct str s, bool keep_tabs) {
    for (size_t i = 0, n; i < s.len; i += n) {
        n = char_length(s, i);
        bool tab = keep_tabs && s.ptr[i] == '\t';
        if (n == 0 || (is_control(s, i) && !tab)) {
            buf_char(b, s.ptr[i] == '\n' ? ' ' : '?');
            n = n ? n : 1;
        } else {
            buf_append(b, s.ptr + i, n);
        }
    }
}

static void put_place(struct buf *b, struct diag_place place, const char *tenant) {
    if (place.file) {
        put_clean(b, str_from(place.file), false);
        if (place.line) buf_printf(b, ":%u", place.line);
        if (place.line && place.col) buf_printf(b, ":%u", place.col);
        buf_cstr(b, ": ");
    } else if (tenant) {
        buf_cstr(b, "tenant ");
        put_clean(b, str_from(tenant), false);
        buf_cstr(b, ": ");
    }
}

static void put_head(struct buf *b, const struct diag *d, bool colour) {
    if (colour) buf_cstr(b, bold);
    put_place(b, d->place, d->tenant);
    if (colour) buf_cstr(b, level_colours[d->level]);
    buf_printf(b, "%s: ", level_names[d->level]);
    if (colour) buf_printf(b, "%s%s", plain, bold);
    put_clean(b, str_from(d->message), false);
    if (colour) buf_cstr(b, plain);
    if (d->repeated) {
        buf_printf(
            b, " (and %u more tenant%s)", d->repeated, d->repeated == 1 ? "" : "s");
    }
    buf_char(b, '\n');
}

/* Line number `line` of a file, without its end. */
static bool find_line(struct str text, unsigned line, struct str *found) {
    while (str_cut(&text, '\n', found)) {
        if (--line == 0) {
            if (str_ends(*found, "\r")) found->len--;
            return true;
        }
    }
    return false;
}

static bool read_source(int dir_fd, const char *file, struct buf *text) {
    int fd = openat(dir_fd, file, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) return false;
    struct stat st;
    bool ok = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
              file_read_fd(fd, (size_t)st.st_size, EXCERPT_FILE_MAX, text) == 0;
    close(fd);
    return ok;
}

static size_t width_between(struct str line, size_t from, size_t to) {
    size_t width = 0;
    for (size_t i = from, n; i < to; i += n) {
        n = char_length(line, i);
        width += n ? char_width(line, i) : 1;
        if (n == 0) n = 1;
    }
    return width;
}

/* Shrinks [*from, *to) around byte `at` until it fits, by whole characters. */
static void trim_excerpt(struct str line, size_t at, size_t *from, size_t *to) {
    *from = 0;
    *to = line.len;
    if (width_between(line, 0, line.len) <= EXCERPT_WIDTH) return;
    const size_t room = EXCERPT_WIDTH - 6; /* "..." on both sides */
    size_t start = 0;
    size_t behind = width_between(line, 0, at);
    while (behind > room * 2 / 3 && start < at) {
        size_t n = char_length(line, start);
        behind -= n ? char_width(line, start) : 1;
        start += n ? n : 1;
    }
    size_t end = start;
    size_t width = 0;
    while (end < line.len) {
        size_t n = char_length(line, end);
        width += n ? char_width(line, end) : 1;
        if (width > room) break;
        end += n ? n : 1;
    }
    *from = start;
    *to = end;
}

static void put_caret(
    struct buf *b, struct str line, size_t from, size_t at, bool colour) {
    if (from) buf_cstr(b, "   ");
    for (size_t i = from, n; i < at; i += n) {
        n = char_length(line, i);
        bool tab = line.ptr[i] == '\t';
        buf_cstr(b, tab ? "\t" : n && char_width(line, i) == 2 ? "  " : " ");
        if (n == 0) n = 1;
    }
    buf_printf(b, "%s^%s\n", colour ? green : "", colour ? plain : "");
}

static void put_excerpt(
    struct buf *b, struct diag_place place, struct str line, bool colour) {
    size_t at = place.col ? place.col - 1 : 0;
    if (at > line.len) at = line.len;
    size_t from, to;
    trim_excerpt(line, at, &from, &to);
    int gutter = snprintf(NULL, 0, "%4u", place.line);
    buf_printf(b, "%4u | %s", place.line, from ? "..." : "");
    put_clean(b, str_slice(line, from, to), true);
    buf_cstr(b, to < line.len ? "...\n" : "\n");
    if (!place.col) return;
    buf_printf(b, "%*s | ", gutter, "");
    put_caret(b, line, from, at, colour);
}

/* Letters, digits and _ - + /, of which keys and tokens are made. */
static bool is_key_char(char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           c == '_' || c == '-' || c == '+' || c == '/';
}

/* Stars over the middle of every run that may be a secret. */
static void mask_secrets(char *line, size_t len) {
    for (size_t from = 0, to; from < len; from = to + 1) {
        bool random = false; /* prose has no digits and underscores */
        for (to = from; to < len && is_key_char(line[to]); to++)
            random |= line[to] == '_' || (line[to] >= '0' && line[to] <= '9');
        if (!random || to - from < SECRET_MIN) continue;
        memset(line + from + SECRET_HEAD, '*', to - from - SECRET_HEAD - SECRET_TAIL);
    }
}

static void put_source(struct buf *b, const struct diag *d, int dir_fd, bool colour) {
    struct diag_place place = d->place;
    if (!place.file || place.line == 0) return;
    struct buf text;
    buf_init(&text, 0);
    struct str line;
    bool found = read_source(dir_fd, place.file, &text) &&
                 find_line(buf_view(&text), place.line, &line);
    if (found && d->secret) mask_secrets((char *)line.ptr, line.len);
    if (found) put_excerpt(b, place, line, colour);
    buf_dispose(&text);
}

void diag_source(struct buf *b, const struct diag *d, int dir_fd) {
    put_source(b, d, dir_fd, false);
}

void diag_print_human(const struct diag *d, int dir_fd, bool colour, FILE *out) {
    struct buf b;
    buf_init(&b, 0);
    put_head(&b, d, colour);
    put_source(&b, d, dir_fd, colour);
    for (const struct diag_note *n = d->notes; n; n = n->next) {
        put_place(&b, n->place, NULL);
        buf_cstr(&b, "note: ");
        put_clean(&b, str_from(n->message), false);
        buf_char(&b, '\n');
    }
    fwrite(b.ptr, 1, b.len, out);
    buf_dispose(&b);
}

/* A file's name or a quoted word may be any bytes; JSON may not. */
static void put_json_text(struct buf *b, const char *key, const char *text) {
    buf_printf(b, "\"%s\":", key);
    if (!text) {
        buf_cstr(b, "null");
        return;
    }
    struct str s = str_from(text);
    buf_char(b, '"');
    size_t bad;
    while (!str_is_utf8(s, &bad)) {
        buf_json(b, str_slice(s, 0, bad), false);
        buf_cstr(b, "\xEF\xBF\xBD");
        s = str_slice(s, bad + 1, s.len);
    }
    buf_json(b, s, false);
    buf_char(b, '"');
}

static void put_json_number(struct buf *b, const char *key, unsigned n) {
    if (n) {
        buf_printf(b, ",\"%s\":%u", key, n);
    } else {
        buf_printf(b, ",\"%s\":null", key);
    }
}

static void put_json_place(struct buf *b, struct diag_place place) {
    put_json_text(b, "file", place.file);
    put_json_number(b, "line", place.line);
    put_json_number(b, "col", place.col);
}

void diag_print_json(const struct diag *d, FILE *out) {
    struct buf b;
    buf_init(&b, 0);
    buf_printf(&b, "{\"type\":\"diagnostic\",\"level\":\"%s\",", level_names[d->level]);
    put_json_text(&b, "tenant", d->tenant);
    buf_char(&b, ',');
    put_json_place(&b, d->place);
    buf_char(&b, ',');
    put_json_text(&b, "message", d->message);
    if (d->repeated) put_json_number(&b, "repeated", d->repeated);
    buf_cstr(&b, ",\"notes\":[");
    for (const struct diag_note *n = d->notes; n; n = n->next) {
        buf_cstr(&b, n == d->notes ? "{" : ",{");
        put_json_place(&b, n->place);
        buf_char(&b, ',');
        put_json_text(&b, "message", n->message);
        buf_char(&b, '}');
    }
    buf_cstr(&b, "]}\n");
    fwrite(b.ptr, 1, b.len, out);
    buf_dispose(&b);
}

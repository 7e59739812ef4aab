/* Markdown whose references hold wherever it is read.
 *
 * A post's source is published beside its page, under another address than the file has
 * in content/, so "../about.md" would lead nowhere.  The renderer has told what every
 * reference leads to; here it is put in its place.  Code between fences is left alone.
 */
#include "generator/links.h"

/* A blank would end the destination. */
static void put_url(struct buf *out, const char *url) {
    for (; *url; url++) {
        if (*url == ' ')
            buf_cstr(out, "%20");
        else
            buf_char(out, *url);
    }
}

/* The destination at the head of s, which follows "](" or "]:". */
static struct str destination(struct str s) {
    size_t from = 0, to;
    while (from < s.len && (s.ptr[from] == ' ' || s.ptr[from] == '<')) from++;
    bool angled = from && s.ptr[from - 1] == '<';
    for (to = from; to < s.len; to++) {
        char c = s.ptr[to];
        if (angled ? c == '>' : c == ' ' || c == ')' || c == '\t' || c == '\r') break;
    }
    return str_slice(s, from, to);
}

static void put_line(const struct links *l, struct buf *out, struct str line) {
    size_t at;
    while (str_find_char(line, ']', &at)) {
        buf_str(out, str_slice(line, 0, at + 1));
        line = str_slice(line, at + 1, line.len);
        if (!line.len || (line.ptr[0] != '(' && line.ptr[0] != ':')) continue;
        struct str d = destination(str_slice(line, 1, line.len));
        const char *url = map_get(&l->moved, d);
        if (!url) continue;
        buf_append(out, line.ptr, (size_t)(d.ptr - line.ptr));
        put_url(out, url);
        line = str_slice(line, (size_t)(d.ptr - line.ptr) + d.len, line.len);
    }
    buf_str(out, line);
}

/* The character of a code fence that opens or closes here, else 0. */
static char fence_of(struct str line) {
    line = str_trim(line);
    return str_starts(line, "```") ? '`' : str_starts(line, "~~~") ? '~' : 0;
}

struct str links_source(const struct links *l) {
    struct str rest = l->item->fm.body, line;
    struct buf out;
    char open = 0;
    if (!l->moved.used) return rest;
    buf_init(&out, 0);
    while (rest.len) {
        size_t end;
        if (!str_find_char(rest, '\n', &end)) end = rest.len - 1;
        line = str_slice(rest, 0, end + 1);
        rest = str_slice(rest, end + 1, rest.len);
        char fence = fence_of(line);
        if (open || fence)
            buf_str(&out, line);
        else
            put_line(l, &out, line);
        if (fence && (!open || open == fence)) open = open ? 0 : fence;
    }
    struct str text = arena_copy(&l->s->arena, buf_view(&out));
    buf_dispose(&out);
    return text;
}

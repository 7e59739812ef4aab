/* Markdown whose references hold wherever it is read.
 *
 * A post's source is published beside its page, under another address than the file has
 * in content/, so "../about.md" would lead nowhere.  The renderer has told what every
 * reference leads to; here it is put in its place.  Code is left alone.
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

/* The length of the code span that begins at s's head, a run of backticks; of the run
 * alone when no equal run closes it on this line. */
static size_t code_span(struct str s) {
    size_t run = 0, len;
    while (run < s.len && s.ptr[run] == '`') run++;
    for (size_t i = run; i < s.len; i += len ? len : 1) {
        for (len = 0; i + len < s.len && s.ptr[i + len] == '`';) len++;
        if (len == run) return i + len;
    }
    return run;
}

/* Cuts what has a link's destination behind it, or no bracket at all, off *line. */
static struct str next_piece(struct str *line) {
    struct str all = *line;
    size_t i = 0;
    while (i < all.len && all.ptr[i] != ']')
        i += all.ptr[i] == '`' ? code_span(str_slice(all, i, all.len)) : 1;
    size_t end = i < all.len ? i + 1 : i;
    *line = str_slice(all, end, all.len);
    return str_slice(all, 0, end);
}

static void put_line(const struct links *l, struct buf *out, struct str line) {
    while (line.len) {
        buf_str(out, next_piece(&line));
        if (!line.len || (line.ptr[0] != '(' && line.ptr[0] != ':')) continue;
        struct str d = destination(str_slice(line, 1, line.len));
        const char *url = map_get(&l->moved, d);
        if (!url) continue;
        buf_append(out, line.ptr, (size_t)(d.ptr - line.ptr));
        put_url(out, url);
        line = str_slice(line, (size_t)(d.ptr - line.ptr) + d.len, line.len);
    }
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

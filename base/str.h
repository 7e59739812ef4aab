/* struct str: a borrowed slice of bytes, not NUL-terminated.
 * struct buf: an owned, growing, NUL-terminated buffer with a cap. */
#ifndef BASE_STR_H
#define BASE_STR_H
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct str {
    const char *ptr;
    size_t len;
};
#define STR(lit) ((struct str){"" lit, sizeof(lit) - 1})
#define STR_FMT "%.*s"
#define STR_ARG(s) (int)(s).len, (s).ptr

struct str str_from(const char *cstr); /* NULL gives the empty slice */
struct str str_slice(struct str s, size_t from, size_t to); /* clamped to s */
bool str_equal(struct str a, struct str b);
bool str_is(struct str a, const char *cstr);
int str_compare(struct str a, struct str b); /* byte order, shorter first */
bool str_starts(struct str s, const char *prefix);
bool str_ends(struct str s, const char *suffix);
struct str str_trim(struct str s); /* ASCII white space off both ends */
bool str_find(struct str s, const char *needle, size_t *at);
bool str_find_char(struct str s, char c, size_t *at);
/* Cuts the part before the next `sep` off *rest; false when *rest is used up. */
bool str_cut(struct str *rest, char sep, struct str *part);
bool str_is_utf8(
    struct str s, size_t *bad_at); /* strict UTF-8; *bad_at: first bad byte */
/* The first character that no page, feed or text file can hold: below U+0020 and none
 * of tab, line feed and carriage return, or U+007F. */
bool str_find_control(struct str s, size_t *at);
void str_line_col(struct str text, size_t at, unsigned *line,
    unsigned *col); /* 1-based; col counts bytes */
/* Edit distance of two short words (<= 64 bytes), for "did you mean". */
unsigned str_distance(struct str a, struct str b);

struct buf {
    char *ptr; /* NUL-terminated once anything was appended; NULL before */
    size_t len;
    size_t size; /* bytes allocated */
    size_t max;  /* cap on len; 0: no cap but memory */
    bool full; /* an append was refused because of max; nothing is written after that */
};
void buf_init(struct buf *b, size_t max);
void buf_dispose(struct buf *b);
void buf_reset(struct buf *b);                               /* keeps the memory */
bool buf_append(struct buf *b, const void *bytes, size_t n); /* false: full */
bool buf_str(struct buf *b, struct str s);
/* Inline: the length of a literal is known when it is compiled. */
static inline bool buf_cstr(struct buf *b, const char *s) {
    return buf_append(b, s, strlen(s));
}
bool buf_char(struct buf *b, char c);
bool buf_printf(struct buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
bool buf_vprintf(struct buf *b, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));
void buf_reserve(
    struct buf *b, size_t extra);         /* room for extra more bytes, ignoring max */
struct str buf_view(const struct buf *b); /* borrowed until the next change */
/* Text as the inside of a JSON string; when html_safe, `<` as \u003c and the line ends
 * U+2028 and U+2029 as \u2028 and \u2029. */
bool buf_json(struct buf *b, struct str s, bool html_safe);
bool buf_html(struct buf *b,
    struct str
        s); /* & < > " ' escaped, as the Mustache spec: &amp; &lt; &gt; &quot; &#39; */
#endif

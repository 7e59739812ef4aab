#include "api/public.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"

#define TEXT_MAX 200 /* bytes of a tag or slug */

/* ---- times and cursors ---- */

/* The digits behind the seconds, made n of them. */
static void fraction(char *out, size_t n, const char *timestamp) {
    const char *dot = strchr(timestamp, '.');
    for (size_t i = 0; i < n; i++)
        out[i] = dot && isdigit((unsigned char)dot[1]) ? *++dot : '0';
    out[n] = '\0';
}

void public_time(char out[32], const char *timestamp) {
    char digits[4];
    fraction(digits, 3, timestamp);
    /* "2026-01-02 03:04:05.678+00", as far as it goes */
    memcpy(out, "0001-01-01T00:00:00.000Z", 25);
    memcpy(out, timestamp, strnlen(timestamp, 10));
    if (strlen(timestamp) > 11)
        memcpy(out + 11, timestamp + 11, strnlen(timestamp + 11, 8));
    memcpy(out + 20, digits, 3);
}

bool public_cursor(char out[PUBLIC_CURSOR_SIZE], const char *shown, const char *id) {
    char digits[7], plain[33];
    size_t n = 0;
    int64_t t;
    struct str second = {shown, strcspn(shown, ".+")};
    fraction(digits, 6, shown);
    if (!clock_parse(second, &t)) return false;
    for (const char *p = id; *p && n < 32; p++)
        if (*p != '-') plain[n++] = *p;
    plain[n] = '\0';
    long long micros = (long long)t * 1000000 + strtol(digits, NULL, 10);
    snprintf(out, PUBLIC_CURSOR_SIZE, "%016llx%s", (unsigned long long)micros, plain);
    return n == 32;
}

static bool is_cursor(const char *text) {
    size_t n = strspn(text, "0123456789abcdef");
    return n == PUBLIC_CURSOR_SIZE - 1 && !text[n];
}

static bool read_cursor(struct arena *a, const char *text, struct public_query *q) {
    char head[17];
    if (!is_cursor(text)) return false;
    memcpy(head, text, 16);
    head[16] = '\0';
    long long micros = (long long)strtoull(head, NULL, 16);
    long long seconds = micros / 1000000, rest = micros % 1000000;
    if (rest < 0) {
        rest += 1000000;
        seconds--;
    }
    /* Years 1 to 9999, as all that is shown. */
    if (seconds < -62135596800 || seconds > 253402300799) return false;
    char *second = clock_rfc3339(a, seconds);
    q->after = arena_printf(a, "%.19s.%06lldZ", second, rest);
    text += 16;
    q->after_id = arena_printf(a, "%.8s-%.4s-%.4s-%.4s-%.12s", text, text + 8,
        text + 12, text + 16, text + 20);
    return true;
}

/* ---- parameters ---- */

struct reading {
    struct call *c;
    struct buf wrong; /* of all parameters */
};

static void refuse(struct reading *r, const char *name, const char *expected) {
    if (r->wrong.len) buf_cstr(&r->wrong, "; ");
    buf_printf(&r->wrong, "%s: expected %s", name, expected);
}

static unsigned times_given(const char *query, const char *name) {
    struct str rest = str_from(query), part;
    size_t n = strlen(name);
    unsigned times = 0;
    while (str_cut(&rest, '&', &part))
        times += str_starts(part, name) && (part.len == n || part.ptr[n] == '=');
    return times;
}

/* The one value; NULL: not given, or refused. */
static const char *parameter(
    struct reading *r, const char *name, const char *expected) {
    unsigned times = times_given(r->c->request->query, name);
    if (!times) return NULL;
    const char *value = http_parameter(r->c->request, name);
    if (times > 1)
        refuse(r, name, "once, not several times");
    else if (!value)
        refuse(r, name, expected);
    return times == 1 ? value : NULL;
}

static void read_limit(struct reading *r, struct public_query *q) {
    static const char expected[] = "a whole number from 1 to 100";
    const char *text = parameter(r, "limit", expected);
    q->limit = PUBLIC_LIMIT;
    if (!text) return;
    size_t n = strspn(text, "0123456789");
    unsigned long limit = n && n <= 3 && !text[n] ? strtoul(text, NULL, 10) : 0;
    if (limit < 1 || limit > PUBLIC_LIMIT_MAX)
        refuse(r, "limit", expected);
    else
        q->limit = (unsigned)limit;
}

static const char *read_text(struct reading *r, const char *name) {
    static const char expected[] = "UTF-8 text of 1 to 200 bytes on one line";
    const char *text = parameter(r, name, expected);
    size_t at;
    if (!text) return NULL;
    struct str s = str_from(text);
    if (s.len && s.len <= TEXT_MAX && str_is_utf8(s, &at) &&
        !str_find_control(s, &at) && !strpbrk(text, "\t\r\n"))
        return text;
    refuse(r, name, expected);
    return NULL;
}

bool public_query_read(struct call *c, struct public_query *q) {
    struct arena *a = &c->request->arena;
    struct reading r = {.c = c};
    static const char expected[] = "the nextCursor of an answer, unchanged";
    *q = (struct public_query){0};
    buf_init(&r.wrong, 4096);
    read_limit(&r, q);
    const char *cursor = parameter(&r, "cursor", expected);
    if (cursor && !read_cursor(a, cursor, q)) refuse(&r, "cursor", expected);
    q->tag = read_text(&r, "tag");
    q->space = read_text(&r, "space");
    bool fine = !r.wrong.len;
    if (!fine) call_problem(c, 400, "%s", r.wrong.ptr);
    buf_dispose(&r.wrong);
    if (!fine) return false;
    /* No value holds a line feed. */
    q->parameters = str_from(arena_printf(a, "%u\n%s\n%s\n%s", q->limit,
        cursor ? cursor : "", q->tag ? q->tag : "", q->space ? q->space : ""));
    return true;
}

/* The head of an answer, and its way to the socket.  Written here and not by evhttp,
 * which takes three allocations and a printf for each header. */
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/clock.h"
#include "base/http_internal.h"
#include "base/mem.h"

static const struct {
    int status;
    const char *text;
} reasons[] = {{200, "OK"}, {201, "Created"}, {202, "Accepted"}, {204, "No Content"},
    {206, "Partial Content"}, {207, "Multi-Status"}, {301, "Moved Permanently"},
    {302, "Found"}, {303, "See Other"}, {304, "Not Modified"},
    {307, "Temporary Redirect"}, {308, "Permanent Redirect"}, {400, "Bad Request"},
    {401, "Unauthorized"}, {402, "Payment Required"}, {403, "Forbidden"},
    {404, "Not Found"}, {405, "Method Not Allowed"}, {406, "Not Acceptable"},
    {408, "Request Timeout"}, {409, "Conflict"}, {410, "Gone"},
    {412, "Precondition Failed"}, {413, "Content Too Large"},
    {415, "Unsupported Media Type"}, {416, "Range Not Satisfiable"},
    {421, "Misdirected Request"}, {422, "Unprocessable Content"},
    {429, "Too Many Requests"}, {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"}, {501, "Not Implemented"}, {502, "Bad Gateway"},
    {503, "Service Unavailable"}, {504, "Gateway Timeout"}};

static const char *reason_of(int status) {
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].status == status) return reasons[i].text;
    return "Other";
}

/* ---- headers ---- */

/* What would end the line, or the name. */
static bool is_clean(const char *name, struct str value) {
    return *name && !name[strcspn(name, ": \t\r\n")] &&
           !memchr(value.ptr, '\r', value.len) && !memchr(value.ptr, '\n', value.len) &&
           !memchr(value.ptr, '\0', value.len);
}

static void put_line(struct buf *b, const char *name, struct str value) {
    buf_cstr(b, name);
    buf_append(b, ": ", 2);
    buf_str(b, value);
    buf_append(b, "\r\n", 2);
}

void http_add_header(struct http_request *r, const char *name, struct str value) {
    static const char *const ours[] = {"Content-Length", "Date", "Transfer-Encoding"};
    if (!value.len) value = STR("");
    if (!r->ev || !is_clean(name, value)) return;
    if (!strcasecmp(name, "Connection")) {
        r->close = true; /* the one thing that is ever said of it */
        return;
    }
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (!strcasecmp(name, ours[i])) return;
    if (!strcasecmp(name, "Cache-Control")) r->cache_control = true;
    put_line(&r->lines, name, value);
}

void http_head_to_evhttp(struct http_request *r) {
    struct evkeyvalq *out = evhttp_request_get_output_headers(r->ev);
    struct str rest = buf_view(&r->lines), line, name;
    while (str_cut(&rest, '\n', &line)) {
        line = str_trim(line);
        if (str_cut(&line, ':', &name))
            evhttp_add_header(
                out, arena_str(&r->arena, name), arena_str(&r->arena, str_trim(line)));
    }
    if (r->close) evhttp_add_header(out, "Connection", "close");
}

/* ---- the way out ---- */

/* Tue, 15 Nov 1994 08:12:31 GMT; made once a second. */
static const char *date_of(struct http *h) {
    int64_t now = clock_now();
    if (now == h->date_at) return h->date;
    struct arena scratch;
    arena_init(&scratch);
    const char *text = clock_rfc822(&scratch, now); /* ends in +0000 */
    snprintf(h->date, sizeof h->date, "%.*sGMT", (int)strlen(text) - 5, text);
    arena_dispose(&scratch);
    h->date_at = now;
    return h->date;
}

static bool must_close(const struct http_request *r) {
    struct evhttp_request *ev = r->ev;
    const char *wish =
        evhttp_find_header(evhttp_request_get_input_headers(ev), "Connection");
    return r->close || r->http->draining || ev->major < 1 || ev->minor < 1 ||
           (wish && !strcasecmp(wish, "close"));
}

static void put_head(struct http_request *r, struct evbuffer *out, int status,
    size_t length, bool with_length) {
    char text[64];
    struct buf *lines = &r->lines;
    if (with_length) {
        snprintf(text, sizeof text, "%zu", length);
        put_line(lines, "Content-Length", str_from(text));
    }
    put_line(lines, "Date", str_from(date_of(r->http)));
    if (must_close(r)) {
        put_line(lines, "Connection", STR("close"));
        /* By this evhttp knows. */
        evhttp_add_header(
            evhttp_request_get_output_headers(r->ev), "Connection", "close");
    }
    buf_append(lines, "\r\n", 2);
    int n =
        snprintf(text, sizeof text, "HTTP/1.1 %d %s\r\n", status, reason_of(status));
    evbuffer_expand(out, (size_t)n + lines->len);
    evbuffer_add(out, text, (size_t)n);
    evbuffer_add(out, lines->ptr, lines->len);
}

static void released(const void *bytes, size_t n, void *ctx) {
    struct http_file *f = ctx;
    (void)bytes;
    (void)n;
    if (f->release) f->release(f->ctx);
    mem_free(f);
}

static bool put_reference(struct evbuffer *out, const struct http_file *f) {
    struct http_file *keep = mem_alloc(sizeof *keep);
    *keep = *f;
    if (!evbuffer_add_reference(out, f->bytes.ptr, f->bytes.len, released, keep))
        return true;
    mem_free(keep);
    return false;
}

void http_send(struct http_request *r, int status, const struct http_file *f) {
    struct evhttp_request *ev = r->ev;
    struct bufferevent *bev =
        evhttp_connection_get_bufferevent(evhttp_request_get_connection(ev));
    struct evbuffer *out = bufferevent_get_output(bev);
    size_t length = f->bytes.len;
    bool bodiless = status == 204 || status == 304;
    bool with_body = !bodiless && !r->head && length;
    const struct http_settings *s = &r->http->settings;
    if (s->answered) s->answered(s->ctx, r, status, with_body ? length : 0);
    put_head(r, out, status, length, !bodiless);
    bool kept = with_body && f->release && put_reference(out, f);
    if (with_body && !kept) evbuffer_add(out, f->bytes.ptr, length);
    if (!kept && f->release) f->release(f->ctx);
    /* Not a chunk was begun: evhttp goes on when its output is empty. */
    evhttp_send_reply_end(ev);
    if (r->connection)
        http_connection_push(r->connection);
    else
        bufferevent_enable(bev, EV_WRITE);
    http_request_end(r);
}

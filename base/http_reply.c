/* Answers: whole, in part, or as a stream of events. */
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/http_internal.h"
#include "base/mem.h"

void http_reply(struct http_request *r, int status, const char *type, struct str text) {
    if (!r->ev) {
        http_request_unheard(r);
        return;
    }
    if (type) http_add_header(r, "Content-Type", str_from(type));
    if (!r->cache_control) http_add_header(r, "Cache-Control", STR("no-store"));
    http_send(r, status, &(struct http_file){.bytes = text});
}

/* ---- files ---- */

/* Whether a list of tags ("a", W/"b", or *) holds this one. */
static bool tag_matches(const char *list, const char *etag) {
    struct str rest = str_from(list), tag;
    if (!list) return false;
    while (str_cut(&rest, ',', &tag)) {
        tag = str_trim(tag);
        if (str_starts(tag, "W/")) tag = str_slice(tag, 2, tag.len);
        if (str_is(tag, etag) || str_is(tag, "*")) return true;
    }
    return false;
}

static bool read_number(struct str *s, size_t *n) {
    size_t i = 0;
    *n = 0;
    for (; i < s->len && s->ptr[i] >= '0' && s->ptr[i] <= '9'; i++) {
        if (*n > ((size_t)-1 - 9) / 10) return false;
        *n = *n * 10 + (size_t)(s->ptr[i] - '0');
    }
    *s = str_slice(*s, i, s->len);
    return i > 0;
}

enum range { RANGE_NONE, RANGE_PART, RANGE_BEYOND };

/* One range of bytes; several, or anything else, is answered with the whole. */
static enum range read_range(
    const char *header, size_t size, size_t *from, size_t *to) {
    struct str s = str_from(header);
    size_t last;
    if (!str_starts(s, "bytes=")) return RANGE_NONE;
    s = str_trim(str_slice(s, 6, s.len));
    if (str_starts(s, "-")) {
        s = str_slice(s, 1, s.len);
        if (!read_number(&s, &last) || s.len) return RANGE_NONE;
        if (!last || !size) return RANGE_BEYOND;
        *from = last < size ? size - last : 0;
        *to = size;
        return RANGE_PART;
    }
    if (!read_number(&s, from) || !str_starts(s, "-")) return RANGE_NONE;
    s = str_slice(s, 1, s.len);
    last = size;
    if (s.len && (!read_number(&s, &last) || s.len || last < *from)) return RANGE_NONE;
    if (*from >= size) return RANGE_BEYOND;
    *to = last < size ? last + 1 : size;
    return RANGE_PART;
}

/* `status` and what it is about: the whole, a part, or nothing. */
static void reply_part(
    struct http_request *r, int status, const struct http_file *f, struct str part) {
    struct http_file sent = *f;
    sent.bytes = part;
    http_send(r, status, &sent);
}

void http_reply_file(struct http_request *r, int status, const struct http_file *f) {
    size_t size = f->bytes.len, from = 0, to = size;
    if (!r->ev) {
        http_request_unheard(r);
        if (f->release) f->release(f->ctx);
        return;
    }
    if (f->etag) http_add_header(r, "ETag", str_from(f->etag));
    if (status == 200) http_add_header(r, "Accept-Ranges", STR("bytes"));
    if (status == 200 && f->etag &&
        tag_matches(http_header(r, "If-None-Match"), f->etag)) {
        reply_part(r, 304, f, STR(""));
        return;
    }
    const char *only = http_header(r, "If-Range");
    bool ranges =
        status == 200 && !r->head && (!only || (f->etag && !strcmp(only, f->etag)));
    enum range range =
        ranges ? read_range(http_header(r, "Range"), size, &from, &to) : RANGE_NONE;
    char text[80];
    if (range == RANGE_BEYOND) {
        snprintf(text, sizeof text, "bytes */%zu", size);
        http_add_header(r, "Content-Range", str_from(text));
        reply_part(r, 416, f, STR(""));
        return;
    }
    if (range == RANGE_NONE) {
        from = 0;
        to = size;
    } else {
        snprintf(text, sizeof text, "bytes %zu-%zu/%zu", from, to - 1, size);
        http_add_header(r, "Content-Range", str_from(text));
        status = 206;
    }
    reply_part(r, status, f, str_slice(f->bytes, from, to));
}

/* ---- streams ---- */

/* evhttp does not read while it answers, so it would not notice the client's end. */
static void client_left(evutil_socket_t fd, short what, void *ctx) {
    struct http_request *r = ctx;
    (void)fd;
    (void)what;
    if (r->ev) evhttp_connection_free(evhttp_request_get_connection(r->ev));
}

void http_stream(struct http_request *r, void (*closed)(void *ctx), void *ctx) {
    r->streaming = true;
    r->closed = closed;
    r->closed_ctx = ctx;
    if (!r->ev) {
        closed(ctx);
        http_request_end(r);
        return;
    }
    struct evhttp_connection *c = evhttp_request_get_connection(r->ev);
    struct bufferevent *bev = evhttp_connection_get_bufferevent(c);
    if (r->connection) http_connection_limit(r->connection, 0);
    http_add_header(r, "Content-Type", STR("text/event-stream; charset=utf-8"));
    http_add_header(r, "Cache-Control", STR("no-store"));
    http_head_to_evhttp(r);
    evhttp_send_reply_start(r->ev, 200, "OK");
    r->close_event = event_new(evhttp_connection_get_base(c), bufferevent_getfd(bev),
        EV_CLOSED, client_left, r);
    if (r->close_event) event_add(r->close_event, NULL);
}

static void stream_write(struct http_request *r, struct str text) {
    if (!r->ev) return;
    struct evhttp_connection *c = evhttp_request_get_connection(r->ev);
    struct bufferevent *bev = evhttp_connection_get_bufferevent(c);
    if (evbuffer_get_length(bufferevent_get_output(bev)) > HTTP_UNREAD_MAX) {
        /* Only marked here: the caller may be walking over its streams. */
        if (r->connection) http_connection_limit(r->connection, 1);
        return;
    }
    struct evbuffer *b = evbuffer_new();
    if (!b) return;
    evbuffer_add(b, text.ptr, text.len);
    evhttp_send_reply_chunk(r->ev, b);
    evbuffer_free(b);
}

void http_stream_send(struct http_request *r, const char *event, struct str data) {
    struct buf text;
    buf_init(&text, 0);
    buf_printf(&text, "event: %s\ndata: " STR_FMT "\n\n", event, STR_ARG(data));
    stream_write(r, buf_view(&text));
    buf_dispose(&text);
}

void http_stream_ping(struct http_request *r) {
    stream_write(r, STR(": still here\n\n"));
}

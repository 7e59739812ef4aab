/* The server and its requests.  Connections: http_connection.c, answers: http_reply.c.
 */
#include "base/http.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>

#include "base/clock.h"
#include "base/http_internal.h"
#include "base/mem.h"

#define STALL_SECONDS 60 /* without a byte read or written */

/* ---- requests ---- */

static unsigned count_header(struct evhttp_request *ev, const char *name) {
    unsigned n = 0;
    struct evkeyval *kv;
    TAILQ_FOREACH(kv, evhttp_request_get_input_headers(ev), next)
    n += !strcasecmp(kv->key, name);
    return n;
}

/* What two readers of the same bytes might understand differently. */
static const char *ambiguity(struct evhttp_request *ev) {
    struct evkeyvalq *in = evhttp_request_get_input_headers(ev);
    const char *coding = evhttp_find_header(in, "Transfer-Encoding");
    unsigned lengths = count_header(ev, "Content-Length");
    unsigned codings = count_header(ev, "Transfer-Encoding");
    if (count_header(ev, "Host") != 1) return "exactly one Host header, please";
    if (!*evhttp_find_header(in, "Host")) return "the Host header is empty";
    if (lengths + codings > 1) return "more than one length of the body";
    if (coding && strcasecmp(coding, "chunked")) return "unknown Transfer-Encoding";
    const char *uri = evhttp_request_get_uri(ev);
    if (!uri || uri[0] != '/') return "the target must be a path";
    return NULL;
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    c = (char)(c | 32);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* NULL: bad escape or a control character. */
static char *decode(struct arena *a, struct str s, bool plus) {
    char *out = arena_alloc(a, s.len + 1), *to = out;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (c == '%') {
            int high = i + 2 < s.len ? hex_digit(s.ptr[i + 1]) : -1;
            int low = i + 2 < s.len ? hex_digit(s.ptr[i + 2]) : -1;
            if (high < 0 || low < 0) return NULL;
            c = (char)(high * 16 + low);
            i += 2;
        } else if (plus && c == '+')
            c = ' ';
        if ((unsigned char)c < ' ' || c == 127) return NULL;
        *to++ = c;
    }
    return out;
}

static const char *method_name(enum evhttp_cmd_type type) {
    switch (type) {
    case EVHTTP_REQ_GET:
        return "GET";
    case EVHTTP_REQ_HEAD:
        return "HEAD";
    case EVHTTP_REQ_POST:
        return "POST";
    case EVHTTP_REQ_PUT:
        return "PUT";
    case EVHTTP_REQ_DELETE:
        return "DELETE";
    case EVHTTP_REQ_OPTIONS:
        return "OPTIONS";
    case EVHTTP_REQ_PATCH:
        return "PATCH";
    default:
        return "OTHER";
    }
}

void http_request_unheard(struct http_request *r) {
    const struct http_settings *s = &r->http->settings;
    if (s->answered) s->answered(s->ctx, r, 499, 0);
    http_request_end(r);
}

/* A stream ends with its client; an answer that is still to come will find nobody. */
void http_request_closed(struct http_request *r) {
    struct evhttp_request *ev = r->ev;
    /* What is told of it may be a header of its own. */
    bool over = r->http->closing && !r->streaming;
    if (over) http_request_unheard(r);
    /* A request that evhttp has cut loose from its connection is left to us. */
    if (ev && !evhttp_request_get_connection(ev)) evhttp_request_free(ev);
    if (over) return;
    r->ev = NULL;
    if (!r->streaming) return;
    if (r->closed) r->closed(r->closed_ctx);
    http_request_end(r);
}

static void on_complete(struct evhttp_request *ev, void *ctx) {
    (void)ev;
    http_connection_rest(ctx);
}

static void request_free(struct http_request *r) {
    arena_dispose(&r->arena);
    buf_dispose(&r->lines);
    mem_free(r);
}

/* Blocks of this size are what an allocator is slowest with. */
static void request_keep(struct http *h, struct http_request *r) {
    if (h->n_spare == HTTP_SPARE || r->arena.total > HTTP_SPARE_BYTES) {
        request_free(r);
        return;
    }
    arena_reset(&r->arena);
    buf_reset(&r->lines);
    r->next = h->spare;
    h->spare = r;
    h->n_spare++;
}

static struct http_request *request_take(struct http *h) {
    struct http_request *r = h->spare;
    if (!r) {
        r = mem_calloc(1, sizeof *r);
        arena_init(&r->arena);
        buf_init(&r->lines, HTTP_HEAD_MAX);
        return r;
    }
    h->spare = r->next;
    h->n_spare--;
    *r = (struct http_request){.arena = r->arena, .lines = r->lines};
    return r;
}

void http_request_end(struct http_request *r) {
    if (r->connection) {
        r->connection->request = NULL;
        r->connection->answering = r->ev != NULL;
    }
    if (r->close_event) event_free(r->close_event);
    request_keep(r->http, r);
}

/* Splits the target; false: it is not one. */
static bool read_target(struct http_request *r, const char *uri) {
    size_t path = strcspn(uri, "?#");
    const char *query = uri[path] == '?' ? uri + path + 1 : "";
    r->raw_path = arena_str(&r->arena, (struct str){uri, path});
    r->query = arena_str(&r->arena, (struct str){query, strcspn(query, "#")});
    r->path = decode(&r->arena, str_from(r->raw_path), false);
    return r->path != NULL;
}

static struct http_request *request_new(struct http *h, struct evhttp_request *ev) {
    struct http_connection *c = http_connection_of(h, ev);
    struct http_request *r = request_take(h);
    r->http = h;
    r->ev = ev;
    r->connection = c;
    r->method = method_name(evhttp_request_get_command(ev));
    r->head = !strcmp(r->method, "HEAD");
    if (c) {
        c->request = r;
        c->reading = false;
        http_connection_limit(c, clock_seconds() + h->settings.answer_seconds);
        evhttp_request_set_on_complete_cb(ev, on_complete, c);
    }
    return r;
}

static void refuse(struct http *h, struct http_request *r, const char *why) {
    http_add_header(r, "Connection", STR("close"));
    if (h->settings.refuse)
        h->settings.refuse(h->settings.ctx, r, why);
    else
        http_reply(r, 400, "text/plain; charset=utf-8",
            str_from(arena_printf(&r->arena, "%s\n", why)));
}

static void on_request(struct evhttp_request *ev, void *ctx) {
    struct http *h = ctx;
    struct http_request *r = request_new(h, ev);
    const char *wrong = ambiguity(ev);
    if (!wrong && !read_target(r, evhttp_request_get_uri(ev)))
        wrong = "the path is not well encoded";
    if (wrong) {
        refuse(h, r, wrong);
        return;
    }
    r->host = arena_copy(&r->arena, str_from(http_header(r, "Host")));
    h->settings.handle(h->settings.ctx, r);
}

const char *http_peer(const struct http_request *r) {
    char *address = NULL;
    uint16_t port;
    if (!r->ev) return "";
    evhttp_connection_get_peer(evhttp_request_get_connection(r->ev), &address, &port);
    return address ? address : "";
}

const char *http_header_all(struct http_request *r, const char *name, unsigned *n) {
    struct evkeyval *kv;
    const char *all = NULL;
    *n = 0;
    if (!r->ev) return NULL;
    TAILQ_FOREACH(kv, evhttp_request_get_input_headers(r->ev), next) {
        if (strcasecmp(kv->key, name)) continue;
        all = all ? arena_printf(&r->arena, "%s, %s", all, kv->value) : kv->value;
        ++*n;
    }
    return all;
}

const char *http_header(const struct http_request *r, const char *name) {
    if (!r->ev) return NULL;
    return evhttp_find_header(evhttp_request_get_input_headers(r->ev), name);
}

struct str http_body(struct http_request *r) {
    if (!r->ev) return STR("");
    struct evbuffer *in = evhttp_request_get_input_buffer(r->ev);
    size_t n = evbuffer_get_length(in);
    return n ? (struct str){(const char *)evbuffer_pullup(in, -1), n} : STR("");
}

/* "name=value" among parts between `sep`. */
static bool find_pair(struct str list, char sep, const char *name, struct str *value) {
    struct str part;
    size_t n = strlen(name);
    while (str_cut(&list, sep, &part)) {
        part = str_trim(part);
        if (part.len < n || memcmp(part.ptr, name, n)) continue;
        if (part.len > n && part.ptr[n] != '=') continue;
        *value = str_slice(part, n + (part.len > n), part.len);
        return true;
    }
    return false;
}

char *http_cookie(struct http_request *r, const char *name) {
    struct str value;
    bool found = find_pair(str_from(http_header(r, "Cookie")), ';', name, &value);
    return found ? arena_str(&r->arena, value) : NULL;
}

char *http_parameter(struct http_request *r, const char *name) {
    struct str value;
    bool found = find_pair(str_from(r->query), '&', name, &value);
    return found ? decode(&r->arena, value, true) : NULL;
}

/* ---- the server ---- */

struct http *http_new(struct loop *l, const struct http_settings *s) {
    struct http *h = mem_calloc(1, sizeof *h);
    h->loop = l;
    h->settings = *s;
    h->ev = evhttp_new(loop_base(l));
    if (!h->ev) mem_exhausted();
    http_connections_init(h);
    evhttp_set_bevcb(h->ev, http_connection_accept, h);
    evhttp_set_gencb(h->ev, on_request, h);
    evhttp_set_timeout(h->ev, STALL_SECONDS);
    evhttp_set_max_headers_size(h->ev, (ev_ssize_t)s->header_bytes);
    evhttp_set_max_body_size(h->ev, (ev_ssize_t)s->body_bytes);
    evhttp_set_default_content_type(h->ev, NULL);
    evhttp_set_allowed_methods(
        h->ev, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST | EVHTTP_REQ_PUT |
                   EVHTTP_REQ_DELETE | EVHTTP_REQ_OPTIONS | EVHTTP_REQ_PATCH);
    return h;
}

void http_free(struct http *h) {
    if (!h) return;
    h->closing = true;
    evhttp_free(h->ev);
    http_connections_free(h);
    for (struct http_request *r; (r = h->spare);) {
        h->spare = r->next;
        request_free(r);
    }
    loop_event_free(h->shut);
    mem_free(h);
}

unsigned http_connections(const struct http *h) {
    return h->n_connections;
}

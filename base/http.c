/* The server: connections, deadlines, requests.  Answers: http_reply.c. */
#include "base/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/http_internal.h"
#include "base/mem.h"

#define SWEEP_SECONDS 0.25
#define STALL_SECONDS 30 /* without a byte read or written */

/* ---- connections ---- */

/* evhttp frees a connection without a word.  We hold a reference of our own to its
 * bufferevent; once freed, it has no callbacks. */
static bool connection_gone(const struct http_connection *c) {
    bufferevent_event_cb event = NULL;
    bufferevent_getcb(c->bev, NULL, NULL, &event, NULL);
    return !event;
}

static void listeners_enable(struct http *h, bool on) {
    h->full = !on;
    for (unsigned i = 0; i < h->n_sockets; i++) {
        struct evconnlistener *l = evhttp_bound_socket_get_listener(h->sockets[i]);
        if (on)
            evconnlistener_enable(l);
        else
            evconnlistener_disable(l);
    }
}

static void connection_drop(struct http_connection *c) {
    int fd = bufferevent_getfd(c->bev);
    if (fd >= 0) shutdown(fd, SHUT_RDWR);
    c->deadline = 0;
}

static void sweep(void *ctx) {
    struct http *h = ctx;
    double now = clock_seconds();
    for (struct http_connection **at = &h->connections; *at;) {
        struct http_connection *c = *at;
        if (connection_gone(c)) {
            *at = c->next;
            bufferevent_decref(c->bev);
            mem_free(c);
            h->n_connections--;
            continue;
        }
        if (c->deadline > 0 && now > c->deadline) connection_drop(c);
        at = &c->next;
    }
    if (h->full && h->n_connections < h->settings.connections)
        listeners_enable(h, true);
    if (h->connections) loop_arm(h->sweep, SWEEP_SECONDS);
}

static struct bufferevent *accept_one(struct event_base *base, void *ctx) {
    struct http *h = ctx;
    struct bufferevent *bev = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
    if (!bev) return NULL;
    struct http_connection *c = mem_calloc(1, sizeof *c);
    bufferevent_incref(bev);
    c->bev = bev;
    c->deadline = clock_seconds() + h->settings.header_seconds;
    c->next = h->connections;
    if (!h->connections) loop_arm(h->sweep, SWEEP_SECONDS);
    h->connections = c;
    if (++h->n_connections >= h->settings.connections) listeners_enable(h, false);
    return bev;
}

static struct http_connection *connection_of(
    struct http *h, struct evhttp_request *ev) {
    struct bufferevent *bev =
        evhttp_connection_get_bufferevent(evhttp_request_get_connection(ev));
    struct http_connection *c = h->connections;
    while (c && c->bev != bev) c = c->next;
    return c;
}

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
    if (count_header(ev, "Host") != 1) return "exactly one Host header, please\n";
    if (!*evhttp_find_header(in, "Host")) return "the Host header is empty\n";
    if (lengths + codings > 1) return "more than one length of the body\n";
    if (coding && strcasecmp(coding, "chunked")) return "unknown Transfer-Encoding\n";
    const char *uri = evhttp_request_get_uri(ev);
    if (!uri || uri[0] != '/') return "the target must be a path\n";
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

static void on_close(struct evhttp_connection *ev, void *ctx) {
    struct http_request *r = ctx;
    (void)ev;
    /* A request that evhttp has cut loose from its connection is left to us. */
    if (r->ev && !evhttp_request_get_connection(r->ev)) evhttp_request_free(r->ev);
    r->ev = NULL;
    if (!r->streaming) return; /* whoever answers it will find nobody there */
    if (r->closed) r->closed(r->closed_ctx);
    http_request_end(r);
}

static void on_complete(struct evhttp_request *ev, void *ctx) {
    struct http *h = ctx;
    struct http_connection *c = connection_of(h, ev);
    if (c) c->deadline = clock_seconds() + h->settings.idle_seconds;
}

void http_request_end(struct http_request *r) {
    if (r->ev) {
        struct evhttp_connection *c = evhttp_request_get_connection(r->ev);
        evhttp_connection_set_closecb(c, NULL, NULL);
    }
    if (r->close_event) event_free(r->close_event);
    arena_dispose(&r->arena);
    mem_free(r);
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

static void on_request(struct evhttp_request *ev, void *ctx) {
    struct http *h = ctx;
    struct http_connection *c = connection_of(h, ev);
    struct http_request *r = mem_calloc(1, sizeof *r);
    arena_init(&r->arena);
    r->ev = ev;
    r->connection = c;
    r->method = method_name(evhttp_request_get_command(ev));
    r->head = !strcmp(r->method, "HEAD");
    if (c) c->deadline = clock_seconds() + h->settings.answer_seconds;
    evhttp_request_set_on_complete_cb(ev, on_complete, h);
    evhttp_connection_set_closecb(evhttp_request_get_connection(ev), on_close, r);
    const char *wrong = ambiguity(ev);
    if (!wrong && !read_target(r, evhttp_request_get_uri(ev)))
        wrong = "the path is not well encoded\n";
    if (wrong) {
        http_add_header(r, "Connection", STR("close"));
        http_reply(r, 400, "text/plain; charset=utf-8", str_from(wrong));
        return;
    }
    r->host = arena_copy(&r->arena, str_from(http_header(r, "Host")));
    h->settings.handle(h->settings.ctx, r);
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
    h->sweep = loop_timer(l, sweep, h);
    evhttp_set_bevcb(h->ev, accept_one, h);
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
    evhttp_free(h->ev);
    loop_event_free(h->sweep);
    for (struct http_connection *c = h->connections, *next; c; c = next) {
        next = c->next;
        bufferevent_decref(c->bev);
        mem_free(c);
    }
    mem_free(h);
}

static int open_socket(const char *address, unsigned port) {
    struct sockaddr_in6 six = {
        .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    struct sockaddr_in four = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    bool v6 = strchr(address, ':');
    void *to = v6 ? (void *)&six.sin6_addr : (void *)&four.sin_addr;
    if (inet_pton(v6 ? AF_INET6 : AF_INET, address, to) != 1) {
        errno = EINVAL;
        return -1;
    }
    int on = 1;
    int fd =
        socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (v6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    const struct sockaddr *name = v6 ? (void *)&six : (void *)&four;
    if (bind(fd, name, v6 ? sizeof six : sizeof four) || listen(fd, SOMAXCONN)) {
        int err = errno;
        close(fd);
        errno = err;
        return -1;
    }
    return fd;
}

int http_listen(struct http *h, const char *address, unsigned *port) {
    struct sockaddr_in6 bound; /* the port stands at the same place in both families */
    socklen_t size = sizeof bound;
    if (h->n_sockets == sizeof h->sockets / sizeof *h->sockets) return ENOSPC;
    int fd = open_socket(address, *port);
    if (fd < 0) return errno;
    if (!getsockname(fd, (void *)&bound, &size)) *port = ntohs(bound.sin6_port);
    h->sockets[h->n_sockets] = evhttp_accept_socket_with_handle(h->ev, fd);
    if (!h->sockets[h->n_sockets]) {
        close(fd);
        return ENOMEM;
    }
    h->n_sockets++;
    return 0;
}

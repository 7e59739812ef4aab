/* Sockets to listen on, and the end of listening. */
#include <arpa/inet.h>
#include <errno.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/http_internal.h"

/* ---- sockets ---- */

union name {
    struct sockaddr any;
    struct sockaddr_in four;
    struct sockaddr_in6 six;
};

static socklen_t name_fill(union name *to, const char *address, unsigned port) {
    *to = (union name){0};
    if (strchr(address, ':')) {
        to->six.sin6_family = AF_INET6;
        to->six.sin6_port = htons((uint16_t)port);
        bool fine = inet_pton(AF_INET6, address, &to->six.sin6_addr) == 1;
        return fine ? sizeof to->six : 0;
    }
    to->four.sin_family = AF_INET;
    to->four.sin_port = htons((uint16_t)port);
    return inet_pton(AF_INET, address, &to->four.sin_addr) == 1 ? sizeof to->four : 0;
}

/* That the port is shared is said before binding, or, by the first, after it: bound
 * without, it finds out whether the port was free. */
static int bind_name(
    int fd, const union name *name, socklen_t size, enum http_share share) {
    int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (name->any.sa_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (share == HTTP_MORE && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on))
        return errno;
    if (bind(fd, &name->any, size)) return errno;
    if (share == HTTP_FIRST && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on))
        return errno;
    return listen(fd, SOMAXCONN) ? errno : 0;
}

int http_socket(const char *address, unsigned *port, enum http_share share) {
    union name name;
    socklen_t size = name_fill(&name, address, *port);
    if (!size) {
        errno = EINVAL;
        return -1;
    }
    int fd = socket(name.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    int err = bind_name(fd, &name, size, share);
    if (err) {
        close(fd);
        errno = err;
        return -1;
    }
    /* The port stands at the same place in both families. */
    if (!getsockname(fd, &name.any, &size)) *port = ntohs(name.four.sin_port);
    return fd;
}

/* ---- listening ---- */

int http_listen_fd(struct http *h, int fd) {
    if (h->n_sockets == HTTP_SOCKETS) return ENOSPC;
    struct evhttp_bound_socket *s = evhttp_accept_socket_with_handle(h->ev, fd);
    if (!s) return ENOMEM;
    h->sockets[h->n_sockets++] = s;
    return 0;
}

int http_listen(struct http *h, const char *address, unsigned *port) {
    int fd = http_socket(address, port, HTTP_ALONE);
    if (fd < 0) return errno;
    int err = http_listen_fd(h, fd);
    if (err) close(fd);
    return err;
}

void http_listeners_enable(struct http *h, bool on) {
    h->full = !on;
    for (unsigned i = 0; i < h->n_sockets; i++) {
        struct evconnlistener *l = evhttp_bound_socket_get_listener(h->sockets[i]);
        if (on)
            evconnlistener_enable(l);
        else
            evconnlistener_disable(l);
    }
}

/* ---- draining ---- */

static bool has_bytes(int fd) {
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, 0) > 0;
}

/* A connection whose next request has arrived already is let have its answer, and one
 * that was only just made is given a moment to send its first. */
static void end_idle(struct http_connection *c) {
    char byte;
    if (c->reading && clock_seconds() - c->since < HTTP_FIRST_SECONDS) return;
    if (recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0) http_connection_drop(c);
}

static void finish(struct http *h) {
    void (*drained)(void *ctx) = h->drained;
    if (!drained || h->n_sockets || h->n_connections) return;
    h->drained = NULL;
    drained(h->drained_ctx);
}

/* Whoever was let in by the kernel has to be let in by us before the door is shut: what
 * waits in a socket that is closed is reset. */
static void shut(void *ctx) {
    struct http *h = ctx;
    for (unsigned i = 0; i < h->n_sockets;) {
        if (!h->full && has_bytes(evhttp_bound_socket_get_fd(h->sockets[i]))) {
            i++;
            continue;
        }
        evhttp_del_accept_socket(h->ev, h->sockets[i]);
        h->sockets[i] = h->sockets[--h->n_sockets];
    }
    http_connections_idle(h, end_idle);
    if (h->n_sockets)
        loop_arm(h->shut, 0);
    else if (h->n_connections)
        loop_arm(h->shut, HTTP_SWEEP_SECONDS / 5);
    finish(h);
}

void http_drain(struct http *h, void (*drained)(void *ctx), void *ctx) {
    if (h->draining) return;
    h->draining = true;
    h->drained = drained;
    h->drained_ctx = ctx;
    h->shut = loop_timer(h->loop, shut, h);
    loop_arm(h->shut, 0);
}

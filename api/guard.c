#include "api/guard.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "api/limit.h"
#include "api/metrics.h"
#include "api/route.h"
#include "api/standing.h"
#include "base/clock.h"

#define ID_MIN 8
#define ID_MAX 64
#define HTTPS "https://"

/* ---- where it comes from ---- */

static bool id_valid(const char *id) {
    size_t n = id ? strlen(id) : 0;
    return n >= ID_MIN && n <= ID_MAX &&
           strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                      "0123456789-_") == n;
}

/* The header when it is there once; *wrong when it is there twice, or is a list. */
static const char *single(struct call *c, const char *name, bool *wrong) {
    unsigned n;
    const char *value = http_header_all(c->request, name, &n);
    if (value && (n > 1 || !*value || strchr(value, ','))) *wrong = true;
    return value;
}

/* An address as proxies write it, maybe with a port, IPv6 maybe in brackets; *text is
 * cut down to the address alone. */
static bool read_hop(struct str *text, struct net_address *a) {
    size_t end;
    if (str_starts(*text, "[") && str_find_char(*text, ']', &end))
        *text = str_slice(*text, 1, end);
    else if (net_read_address(*text, a))
        return true;
    else if (str_find_char(*text, ':', &end))
        *text = str_slice(*text, 0, end);
    return net_read_address(*text, a);
}

/* From the right: the first that is no proxy of ours, for whatever stands to the left
 * of it was written by that one. */
static const char *read_hops(struct call *c, const char *list) {
    struct str rest = str_from(list);
    while (rest.len) {
        size_t at = rest.len;
        while (at && rest.ptr[at - 1] != ',') at--;
        struct str hop = str_trim(str_slice(rest, at, rest.len));
        if (!read_hop(&hop, &c->client))
            return "X-Forwarded-For is no list of addresses";
        c->client_text = arena_str(&c->request->arena, hop);
        if (!settings_nets_have(&c->server->settings->proxies, &c->client)) return NULL;
        rest = str_slice(rest, 0, at ? at - 1 : 0);
    }
    return NULL;
}

static const char *read_forwarded(struct call *c) {
    bool wrong = false;
    unsigned n;
    const char *hops = http_header_all(c->request, "X-Forwarded-For", &n);
    const char *host = single(c, "X-Forwarded-Host", &wrong);
    const char *proto = single(c, "X-Forwarded-Proto", &wrong);
    if (wrong) return "X-Forwarded-Host and -Proto have one value each";
    if (proto && strcmp(proto, "https") && strcmp(proto, "http"))
        return "X-Forwarded-Proto is http or https";
    if (host && !host_valid(str_from(host))) return "X-Forwarded-Host is no host";
    if (host) c->host = str_from(host);
    c->secure = proto && !strcmp(proto, "https");
    return hops ? read_hops(c, hops) : NULL;
}

const char *guard_read(struct call *c) {
    struct http_request *r = c->request;
    const char *id = http_header(r, "X-Request-Id");
    c->host = r->host;
    c->client_text = http_peer(r);
    net_read_address(str_from(c->client_text), &c->client);
    bool trusted = settings_nets_have(&c->server->settings->proxies, &c->client);
    c->id = trusted && id_valid(id) ? id : server_next_id(c->server, &r->arena);
    return trusted ? read_forwarded(c) : NULL;
}

bool guard_insider(const struct call *c) {
    if (settings_nets_have(&c->server->settings->watchers, &c->client)) return true;
    /* What a proxy on this host passes on is not this host's own, trusted or not. */
    bool passed_on = http_header(c->request, "X-Forwarded-For") ||
                     http_header(c->request, "Forwarded") ||
                     http_header(c->request, "Via");
    return net_is_loopback(&c->client) && !passed_on;
}

/* ---- how often ---- */

static bool is_read(const char *method) {
    return !strcmp(method, "GET") || !strcmp(method, "HEAD") ||
           !strcmp(method, "OPTIONS");
}

static void too_many(struct call *c, double seconds, enum metric which) {
    char text[32];
    metrics_count(c->server->metrics, c->server->worker, which);
    snprintf(text, sizeof text, "%.0f", ceil(seconds));
    call_header(c, "Retry-After", text);
    call_problem(c, 429, "too many requests; try again in %s s", text);
}

static bool limit_rate(struct call *c, unsigned n) {
    struct server *s = c->server;
    enum limit_class class = c->route ? c->route->limit : LIMIT_AUTO;
    if (class == LIMIT_AUTO)
        class = is_read(c->request->method) ? LIMIT_READS : LIMIT_WRITES;
    double wait = limit_client(s->limits, s->settings, class, &c->client, n, c->began);
    if (wait > 0) {
        too_many(c, wait, METRIC_LIMITED_CLIENT);
        return false;
    }
    if (c->tenant)
        wait =
            limit_tenant(s->limits, s->settings, class, c->tenant->slug, n, c->began);
    if (wait > 0) too_many(c, wait, METRIC_LIMITED_TENANT);
    return wait <= 0;
}

bool guard_limit(struct call *c) {
    return limit_rate(c, 1);
}

/* ---- pages of other origins ---- */

/* "https://" and one of the tenant's own domains (www. or not), no port: or NULL. */
static const char *own_origin(const struct call *c) {
    const char *origin = http_header(c->request, "Origin");
    struct str host = str_from(origin);
    if (!origin || !c->tenant || !str_starts(host, HTTPS)) return NULL;
    host = str_slice(host, strlen(HTTPS), host.len);
    if (memchr(host.ptr, ':', host.len) || str_ends(host, ".")) return NULL;
    const char *key = host_key(&c->request->arena, host);
    for (size_t i = 0; key && i < c->tenant->config.n_domains; i++) {
        const char *own =
            host_key(&c->request->arena, str_from(c->tenant->config.domains[i]));
        if (own && !strcmp(own, key)) return origin;
    }
    return NULL;
}

void guard_share(struct call *c) {
    if (!c->tenant) return;
    const char *origin = own_origin(c);
    call_header(c, "Vary", "Origin");
    if (!origin) return;
    call_header(c, "Access-Control-Allow-Origin", origin);
    call_header(c, "Access-Control-Expose-Headers", "ETag, Retry-After, X-Request-Id");
}

void guard_preflight(struct call *c, const char *allow) {
    char *all = arena_printf(&c->request->arena, "%s, OPTIONS", allow);
    call_header(c, "Allow", all);
    guard_share(c);
    if (own_origin(c)) {
        call_header(c, "Access-Control-Allow-Methods", all);
        call_header(c, "Access-Control-Allow-Headers",
            "authorization, content-type, if-none-match, trpc-accept, x-client-type, "
            "x-hasura-role");
        call_header(c, "Access-Control-Max-Age", "600");
    }
    call_reply(c, 204, NULL, STR(""));
}

/* ---- the route's own conditions ---- */

bool guard_body(struct call *c) {
    size_t n = call_body(c).len;
    if (n <= c->route->body) return true;
    if (c->route->body)
        call_problem(c, 413, "the body may have %zu bytes", c->route->body);
    else
        call_problem(c, 413, "this path takes no body");
    return false;
}

bool guard_rank(struct call *c) {
    const struct route *r = c->route;
    const struct principal *p = &c->principal;
    if (!p->user && (r->signed_in || r->who > RANK_NONE)) {
        call_header(c, "WWW-Authenticate", "Bearer");
        call_problem(c, 401, "sign in first");
        return false;
    }
    if (p->rank >= r->who) return true;
    call_problem(c, 403, "this is not for you");
    return false;
}

/* ---- what the tenant has paid for ---- */

static bool is(const char *status, const char *word) {
    return !strcmp(status, word);
}

/* False: answered. */
static bool guard_status(struct call *c, const char *status, bool unpaid) {
    bool suspended = is(status, "suspended");
    if (c->route->always ||
        (!suspended && !is(status, "pending") && !is(status, "closed")))
        return true;
    if (is(status, "closed"))
        call_problem(c, 403, "this tenant is closed");
    else if (suspended && !unpaid)
        call_problem(c, 403, "this tenant is suspended");
    else
        call_problem(c, 402, "%s",
            suspended ? "this tenant's subscription is not paid"
                      : "this tenant has not been paid for yet");
    return false;
}

static void too_much(struct call *c, const char *metric, int64_t most) {
    char text[32];
    int64_t left = standing_hour() + METER_HOUR - clock_now();
    snprintf(text, sizeof text, "%lld", (long long)(left > 0 ? left : 1));
    call_header(c, "Retry-After", text);
    call_problem(
        c, 429, "%s: this tenant's plan allows %lld an hour", metric, (long long)most);
}

/* False: answered. */
static bool guard_use(struct call *c, const struct standing *st, unsigned n) {
    const char *metric = c->route ? c->route->counts : NULL;
    if (!st || !metric || standing_take(c, st, metric, n)) return true;
    too_much(c, metric, standing_limit(st, metric));
    return false;
}

bool guard_limit_more(struct call *c, unsigned n) {
    return limit_rate(c, n) && guard_use(c, standing_now(c), n);
}

/* A host of the platform's that is this tenant's; NULL: none is listed. */
static const char *platform_host(const struct call *c) {
    for (size_t i = 0; i < c->tenant->config.n_domains; i++)
        if (settings_platform_has(
                c->server->settings, str_from(c->tenant->config.domains[i])))
            return c->tenant->config.domains[i];
    return NULL;
}

/* Where it was sent to, and where the page is from that asks, if that is a domain of
 * the tenant's: or its pages would go on, by way of the platform's host. */
static bool host_is_platform(const struct call *c) {
    const char *origin = own_origin(c);
    return settings_platform_has(c->server->settings, c->host) &&
           (!origin || settings_platform_has(
                           c->server->settings, str_from(origin + strlen(HTTPS))));
}

/* False: answered. */
static bool guard_host(struct call *c, const struct standing *st) {
    if (c->route->always || standing_limit(st, "customDomain") || host_is_platform(c))
        return true;
    const char *other = platform_host(c);
    call_problem(c, 403,
        "customDomain: this tenant's plan does not allow a domain of its own%s%s",
        other ? "; it is open at " : "", other ? other : "");
    return false;
}

static void judge(struct call *c, const struct standing *st) {
    const struct route *r = c->route;
    if (st && !guard_status(c, standing_status(st), standing_unpaid(st))) return;
    if (st && !guard_host(c, st)) return;
    if (st && r->needs && !standing_limit(st, r->needs))
        call_problem(c, 402, "%s: this tenant's plan does not have it", r->needs);
    else if (guard_use(c, st, 1))
        c->then(c);
}

void guard_plan(struct call *c, void (*then)(struct call *c)) {
    const struct route *r = c->route;
    c->then = then;
    /* What caches keep must not wait for the database; its own word does. */
    bool asks = c->tenant && !r->cached && !(r->always && !r->needs && !r->counts);
    if (asks)
        standing_find(c, judge);
    else if (!c->tenant || guard_status(c, c->tenant->status, false))
        then(c);
}

/* Whose page is asked for. */
#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "generator/preview_serve.h"

#define COOKIE "tenantry_tenant"

static bool is_address(const char *host) {
    struct in_addr four;
    return inet_pton(AF_INET, host, &four) == 1;
}

/* ":8000" of "acme.localhost:8000": the one the browser uses, which need not be ours.
 */
static char *port_of(struct http_request *r) {
    size_t at = r->host.len;
    while (at && r->host.ptr[at - 1] >= '0' && r->host.ptr[at - 1] <= '9') at--;
    bool port = at && at < r->host.len && r->host.ptr[at - 1] == ':';
    return port ? arena_str(&r->arena, str_slice(r->host, at - 1, r->host.len)) : "";
}

/* The home page of a tenant and the front page have one address here; who comes from a
 * page of the tenant wants its home page. */
static bool comes_from_tenant(struct http_request *r) {
    struct str from = str_from(http_header(r, "Referer")), part;
    size_t at;
    if (!str_find(from, "//", &at)) return false;
    from = str_slice(from, at + 2, from.len);
    if (!str_cut(&from, '/', &part) || !str_equal(part, r->host)) return false;
    if (str_find(from, "tenant=&", &at) || str_ends(from, "tenant=")) return false;
    return from.len > 0;
}

/* ?tenant=acme, and then the cookie, since links and pictures do not repeat it. */
static void ask_by_query(struct preview *p, struct http_request *r, struct ask *ask) {
    const char *id = http_parameter(r, "tenant");
    if (!id && (strcmp(r->raw_path, "/") || comes_from_tenant(r)))
        id = http_cookie(r, COOKIE);
    if (!id || !*id) return;
    ask->tenant = preview_find(p, str_from(id));
    ask->unknown = !ask->tenant;
}

static void ask_by_host(struct preview *p, struct ask *ask, const char *host) {
    const struct host *found = hosts_find(&p->build.hosts, str_from(host));
    ask->tenant = found ? preview_find(p, str_from(found->tenant)) : NULL;
    ask->host = host;
    ask->unknown = !ask->tenant;
}

/* acme.localhost, and www.acme.example.localhost for the trees of other domains. */
static void ask_by_name(struct preview *p, struct ask *ask, char *host) {
    ask->local = true;
    host[strlen(host) - strlen(".localhost")] = '\0';
    ask->tenant = preview_find(p, str_from(host));
    if (!ask->tenant) ask_by_host(p, ask, host);
}

struct ask ask_read(struct preview *p, struct http_request *r) {
    struct ask ask = {.place = {.arena = &r->arena, .port = port_of(r)}};
    char *host = host_clean(&r->arena, r->host);
    const char *agent = http_header(r, "User-Agent"), *type = http_header(r, "Accept");
    size_t at;
    ask.browser = agent && type && str_starts(str_from(agent), "Mozilla/") &&
                  str_find(str_from(type), "text/html", &at);
    ask.bare = str_starts(r->host, "[") ||
               (host && (!strcmp(host, "localhost") || is_address(host)));
    ask.place.names = host && (!strcmp(host, "localhost") || !ask.bare);
    if (!ask.bare && host && str_ends(str_from(host), ".localhost"))
        ask_by_name(p, &ask, host);
    else if (!ask.bare && host)
        ask_by_host(p, &ask, host);
    if (ask.unknown && p->open_to_all && !ask.local) {
        ask.bare = true;
        ask.unknown = ask.place.names = false;
    }
    if (ask.bare) ask_by_query(p, r, &ask);
    ask.unknown |= !ask.bare && !host;
    return ask;
}

void ask_remember(const struct ask *ask, struct http_request *r) {
    const char *id = ask->tenant ? ask->tenant->id : "";
    if (!ask->bare || !http_parameter(r, "tenant")) return;
    char *cookie = arena_printf(&r->arena, "%s=%s; Path=/; SameSite=Lax%s", COOKIE, id,
        *id ? "" : "; Max-Age=0");
    http_add_header(r, "Set-Cookie", str_from(cookie));
}

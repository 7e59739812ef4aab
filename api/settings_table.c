#include "api/settings_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/hosts.h"

/* ---- what lists take ---- */

static bool read_port(struct str text, unsigned *port) {
    *port = 0;
    if (!text.len || text.len > 5) return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9') return false;
        *port = *port * 10 + (unsigned)(text.ptr[i] - '0');
    }
    return *port <= 65535;
}

static bool add_listen(struct settings *s, struct str text) {
    struct settings_listen *l = &s->listen[s->n_listen];
    struct net_address address;
    size_t colon = text.len;
    while (colon && text.ptr[colon - 1] != ':') colon--;
    if (!colon || s->n_listen == SETTINGS_LISTEN_MAX) return false;
    struct str host = str_slice(text, 0, colon - 1);
    bool bracketed = str_starts(host, "[") && str_ends(host, "]");
    if (bracketed) host = str_slice(host, 1, host.len - 1);
    bool v6 = host.len && memchr(host.ptr, ':', host.len);
    if (v6 != bracketed || !net_read_address(host, &address)) return false;
    if (!read_port(str_slice(text, colon, text.len), &l->port)) return false;
    l->address = arena_str(&s->arena, host);
    s->n_listen++;
    return true;
}

static bool add_net(struct settings_nets *n, struct str text) {
    return n->n < SETTINGS_NETS_MAX && net_read(text, &n->items[n->n]) && ++n->n;
}

static bool add_proxy(struct settings *s, struct str text) {
    return add_net(&s->proxies, text);
}

static bool add_watcher(struct settings *s, struct str text) {
    return add_net(&s->watchers, text);
}

/* As it stands in requests, without a port. */
static bool add_platform(struct settings *s, struct str text) {
    if (s->n_platform == SETTINGS_DOMAINS_MAX || memchr(text.ptr, ':', text.len))
        return false;
    const char *name = host_clean(&s->arena, text);
    if (name) s->platform[s->n_platform++] = name;
    return name;
}

static const char *const classes[LIMIT_CLASSES] = {"", "reads", "writes", "login"};

/* "20/100" or "off". */
static bool read_rate(struct str text, struct limit_rate *out) {
    char copy[64], *end;
    if (str_is(text, "off")) {
        *out = (struct limit_rate){0};
        return true;
    }
    snprintf(copy, sizeof copy, STR_FMT, STR_ARG(text));
    if (strspn(copy, "0123456789./") != text.len) return false;
    out->rate = strtod(copy, &end);
    if (*end != '/' || end == copy) return false;
    char *burst = end + 1;
    out->burst = strtod(burst, &end);
    return !*end && end != burst && out->rate > 0 && out->burst >= 1;
}

/* "reads=20/100", "tenant-reads=off", "off". */
static bool add_limit(struct settings *s, struct str text) {
    struct str name;
    struct limit_rate *rates = s->client_limits;
    if (str_is(text, "off")) {
        memset(s->client_limits, 0, sizeof s->client_limits);
        memset(s->tenant_limits, 0, sizeof s->tenant_limits);
        return true;
    }
    if (!str_cut(&text, '=', &name)) return false;
    if (str_starts(name, "tenant-")) {
        rates = s->tenant_limits;
        name = str_slice(name, strlen("tenant-"), name.len);
    }
    for (size_t i = LIMIT_READS; i < LIMIT_CLASSES; i++)
        if (str_is(name, classes[i])) return read_rate(text, &rates[i]);
    return false;
}

#define AT(member) offsetof(struct settings, member)

const struct setting settings_table[] = {
    {.name = "directory",
        .variable = "TENANTRY_API_DIRECTORY",
        .kind = SETTING_TEXT,
        .offset = AT(directory),
        .value = "DIR",
        .usual = ".",
        .help = "the workspace, also -C"},
    {.name = "database",
        .variable = "DATABASE_URL",
        .kind = SETTING_TEXT,
        .offset = AT(database),
        .value = "URL",
        .help = "Postgres.  A password in it can be seen by who lists processes: "
                "rather PGPASSFILE, DATABASE_URL or DATABASE_URL_FILE"},
    {.name = "listen",
        .variable = "TENANTRY_API_LISTEN",
        .kind = SETTING_LIST,
        .value = "ADDRESS:PORT",
        .usual = "127.0.0.1:8080",
        .add = add_listen,
        .wanted = "a numeric address and a port such as 127.0.0.1:8080 or [::1]:8080",
        .help = "may be repeated; port 0 takes any"},
    {.name = "workers",
        .variable = "TENANTRY_API_WORKERS",
        .kind = SETTING_NUMBER,
        .offset = AT(workers),
        .value = "N",
        .max = 256,
        .min = 1,
        .help = "processes; usually one for each processor"},
    {.name = "pool",
        .variable = "TENANTRY_API_POOL",
        .kind = SETTING_NUMBER,
        .offset = AT(connections),
        .value = "N",
        .usual = "4",
        .min = 1,
        .max = 100,
        .help = "connections to the database, at most, for each worker"},
    {.name = "clients",
        .variable = "TENANTRY_API_CLIENTS",
        .kind = SETTING_NUMBER,
        .offset = AT(clients),
        .value = "N",
        .usual = "12000",
        .min = 1,
        .max = 1000000,
        .help = "connections of clients, at most, for each worker"},
    {.name = "trusted-proxy",
        .variable = "TENANTRY_API_TRUSTED_PROXY",
        .kind = SETTING_LIST,
        .value = "NETWORK",
        .add = add_proxy,
        .wanted = "a network such as 10.0.0.0/8 or 127.0.0.1",
        .help =
            "whose X-Forwarded-For, -Host and -Proto are believed; may be repeated"},
    {.name = "metrics-from",
        .variable = "TENANTRY_API_METRICS_FROM",
        .kind = SETTING_LIST,
        .value = "NETWORK",
        .add = add_watcher,
        .wanted = "a network such as 10.0.0.0/8 or 127.0.0.1",
        .help =
            "who may read /metrics and /readyz, besides this host; may be repeated"},
    {.name = "limit",
        .variable = "TENANTRY_API_LIMIT",
        .kind = SETTING_LIST,
        .value = "CLASS=RATE/BURST",
        .usual = "reads=50/200,writes=5/50,login=0.2/10,"
                 "tenant-reads=2000/4000,tenant-writes=200/400,tenant-login=5/50",
        .beneath = true,
        .add = add_limit,
        .wanted = "reads=50/200, writes=..., login=..., the same with tenant- before "
                  "it, or off for the rate or for everything",
        .help = "requests a second, and at once, of a client or of all of a tenant's; "
                "may be repeated"},
    {.name = "platform-domain",
        .variable = "TENANTRY_API_PLATFORM_DOMAIN",
        .kind = SETTING_LIST,
        .value = "DOMAIN",
        .add = add_platform,
        .wanted = "a domain such as example.com, without a port; 32 at most",
        .help = "the platform's own: only hosts in it are for tenants whose plan says "
                "customDomain false; may be repeated"},
    {.name = "log",
        .variable = "TENANTRY_API_LOG",
        .kind = SETTING_TEXT,
        .offset = AT(log),
        .value = "FILE",
        .usual = "stderr",
        .help = "a line of JSON for each request: a file, stderr or off"},
    {.name = "snapshots",
        .variable = "TENANTRY_API_SNAPSHOTS",
        .kind = SETTING_SWITCH,
        .offset = AT(snapshots),
        .value = "on|off",
        .usual = "on",
        .help = "whether what everybody may read is answered from memory"},
    {.name = "header-seconds",
        .variable = "TENANTRY_API_HEADER_SECONDS",
        .kind = SETTING_NUMBER,
        .offset = AT(header_seconds),
        .value = "N",
        .usual = "10",
        .min = 1,
        .max = 600,
        .help = "that the header of a request may take to arrive"},
    {.name = "drain-seconds",
        .variable = "TENANTRY_API_DRAIN_SECONDS",
        .kind = SETTING_NUMBER,
        .offset = AT(drain_seconds),
        .value = "N",
        .usual = "30",
        .max = 3600,
        .help = "that requests under way may take once the server was told to stop"},
    {.name = "jwks",
        .variable = "TENANTRY_API_JWKS",
        .kind = SETTING_TEXT,
        .offset = AT(jwks),
        .value = "FILE|URL",
        .help = "the public keys of tokens (RFC 7517): RS256, ES256, EdDSA"},
    {.name = "jwt-secret-id",
        .variable = "TENANTRY_API_JWT_SECRET_ID",
        .kind = SETTING_TEXT,
        .offset = AT(jwt_secret_id),
        .value = "KID",
        .help =
            "kid of HS256 tokens; their secret is in TENANTRY_API_JWT_SECRET or _FILE"},
    {.name = "jwt-issuer",
        .variable = "TENANTRY_API_JWT_ISSUER",
        .kind = SETTING_TEXT,
        .offset = AT(jwt_issuer),
        .value = "URL",
        .help = "what iss of a token must say"},
    {.name = "jwt-audience",
        .variable = "TENANTRY_API_JWT_AUDIENCE",
        .kind = SETTING_TEXT,
        .offset = AT(jwt_audience),
        .value = "NAME",
        .help =
            "what aud of a token must name, unless it names the host or the tenant"},
    {.name = "jwt-leeway",
        .variable = "TENANTRY_API_JWT_LEEWAY",
        .kind = SETTING_NUMBER,
        .offset = AT(jwt_leeway),
        .value = "SECONDS",
        .usual = "0",
        .max = 600,
        .help = "by which an issuer's clock may differ"},
    {.name = "session-seconds",
        .variable = "TENANTRY_API_SESSION_SECONDS",
        .kind = SETTING_NUMBER,
        .offset = AT(session_seconds),
        .value = "N",
        .usual = "2592000",
        .max = 315360000,
        .help = "that a browser's session lasts"},
    {.name = "session-idle-seconds",
        .variable = "TENANTRY_API_SESSION_IDLE_SECONDS",
        .kind = SETTING_NUMBER,
        .offset = AT(idle_seconds),
        .value = "N",
        .usual = "604800",
        .max = 315360000,
        .help = "... without being used"},
    {.name = "plain-cookies",
        .variable = "TENANTRY_API_PLAIN_COOKIES",
        .kind = SETTING_SWITCH,
        .offset = AT(plain_cookies),
        .value = "on|off",
        .usual = "off",
        .help = "cookies for a site without TLS, as in development"},
    {.name = "check-config",
        .kind = SETTING_FLAG,
        .offset = AT(check),
        .help = "say whether settings and workspace are fine, and end"},
    {0},
};

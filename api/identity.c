#include "api/identity.h"

#include <string.h>
#include <strings.h>

#include "api/jwks.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/mem.h"
#include "base/password.h"

#define KEY_PREFIX 11 /* of "tk_" and 8 more; the whole is 54 long */
#define KEY_SIZE 54
#define TOKEN_SIZE 43 /* 256 bits in base64url */

#define PASSWORD_THREADS 1   /* of each worker process */
#define PASSWORDS_WAITING 64 /* a second's worth */

struct identity {
    const struct settings *settings;
    struct jwks *keys;
    struct passwords *passwords;
};

struct identity *identity_new(
    struct loop *l, struct fetch *f, const struct settings *s) {
    struct identity *i = mem_calloc(1, sizeof *i);
    i->settings = s;
    i->passwords = passwords_new(l, PASSWORD_THREADS, PASSWORDS_WAITING);
    i->keys = jwks_new(l, f, s);
    return i;
}

void identity_free(struct identity *i) {
    if (!i) return;
    jwks_free(i->keys);
    passwords_free(i->passwords);
    mem_free(i);
}

struct passwords *identity_passwords(struct identity *i) {
    return i->passwords;
}

enum rank identity_rank(const char *role) {
    static const struct {
        const char *role;
        enum rank rank;
    } ranks[] = {{"owner", RANK_OWNER}, {"admin", RANK_ADMIN}, {"member", RANK_MEMBER},
        {"user", RANK_MEMBER}, {"guest", RANK_GUEST}};
    for (size_t i = 0; role && i < sizeof ranks / sizeof *ranks; i++)
        if (!strcmp(ranks[i].role, role)) return ranks[i].rank;
    return RANK_NONE;
}

const char *identity_cookie(const struct settings *s) {
    return s->plain_cookies ? "tenantry_session" : "__Host-tenantry_session";
}

/* ---- what the browser says about the page that sends this ---- */

/* "https://acme.com:443" names the host "acme.com". */
static bool origin_is_host(struct str origin, struct str host) {
    size_t at;
    if (!str_find(origin, "://", &at)) return false;
    const char *usual = str_starts(origin, "https:") ? ":443" : ":80";
    origin = str_slice(origin, at + 3, origin.len);
    if (str_ends(origin, usual))
        origin = str_slice(origin, 0, origin.len - strlen(usual));
    if (str_ends(host, usual)) host = str_slice(host, 0, host.len - strlen(usual));
    return origin.len == host.len && !strncasecmp(origin.ptr, host.ptr, host.len);
}

bool identity_same_origin(const struct call *c, bool *told) {
    const char *site = http_header(c->request, "Sec-Fetch-Site");
    const char *origin = http_header(c->request, "Origin");
    *told = site || origin;
    if (origin) return origin_is_host(str_from(origin), c->host);
    return site && (!strcmp(site, "same-origin") || !strcmp(site, "none"));
}

static bool is_safe(const struct call *c) {
    const char *m = c->request->method;
    return !strcmp(m, "GET") || !strcmp(m, "HEAD") || !strcmp(m, "OPTIONS");
}

/* ---- ends ---- */

static void go_on(struct call *c) {
    c->identified = true;
    c->then(c);
}

static void refuse(struct call *c) {
    call_header(c, "WWW-Authenticate", "Bearer error=\"invalid_token\"");
    call_problem(c, 401, "the token is not valid, or not any more");
}

/* ---- what the database says ---- */

static json_t *read_answer(const struct pool_answer *a) {
    const char *text = call_value(a);
    return text ? json_loads(text, 0, NULL) : NULL;
}

static const char *copy(struct call *c, const json_t *object, const char *name) {
    const char *text = json_string_value(json_object_get(object, name));
    return text ? arena_strdup(&c->request->arena, text) : NULL;
}

static void nothing(void *ctx, const struct pool_answer *a) {
    (void)ctx;
    (void)a;
}

/* Notes that a session or key was used, every few minutes; nobody waits for it. */
static void note_use(struct call *c, const json_t *found, const char *id) {
    const struct pool_local here = {"app.current_tenant_id", c->tenant->uuid};
    if (!json_is_true(json_object_get(found, "stale"))) return;
    pool_ask(c->server->pool, &(struct pool_question){.role = "tenantry_web",
                                  .writes = true,
                                  .locals = &here,
                                  .n_locals = 1,
                                  .sql = "select tenantry.identity_seen($1)",
                                  .values = &id,
                                  .n_values = 1,
                                  .done = nothing});
}

static void found_session(struct call *c, const struct pool_answer *a) {
    json_t *found = read_answer(a);
    if (found) {
        c->principal.user = copy(c, found, "user");
        c->principal.session = copy(c, found, "session");
        c->principal.rank = identity_rank(copy(c, found, "role"));
        note_use(c, found, c->principal.session);
    }
    json_decref(found);
    go_on(c);
}

static bool has_scope(const json_t *scopes, const char *name) {
    const json_t *one;
    size_t i;
    json_array_foreach(scopes, i, one) {
        if (!strcmp(json_string_value(one), name)) return true;
    }
    return false;
}

static char *join_scopes(struct call *c, const json_t *scopes) {
    char *all = "";
    const json_t *one;
    size_t i;
    json_array_foreach(scopes, i, one) {
        all = arena_printf(
            &c->request->arena, "%s%s%s", all, i ? " " : "", json_string_value(one));
    }
    return all;
}

static void found_key(struct call *c, const struct pool_answer *a) {
    json_t *found = read_answer(a);
    const json_t *scopes = json_object_get(found, "scopes");
    if (!found) {
        refuse(c);
        return;
    }
    bool allowed = has_scope(scopes, is_safe(c) ? "read" : "write");
    c->principal.user = copy(c, found, "user");
    c->principal.scopes = join_scopes(c, scopes);
    c->principal.rank = identity_rank(copy(c, found, "role"));
    if (!has_scope(scopes, "admin") && c->principal.rank > RANK_MEMBER)
        c->principal.rank = RANK_MEMBER;
    note_use(c, found, copy(c, found, "key"));
    json_decref(found);
    if (allowed) {
        go_on(c);
        return;
    }
    call_header(c, "WWW-Authenticate", "Bearer error=\"insufficient_scope\"");
    call_problem(c, 403, "this key may not do that");
}

static void found_user(struct call *c, const struct pool_answer *a) {
    json_t *found = read_answer(a);
    bool disabled = json_is_true(json_object_get(found, "disabled"));
    enum rank rank = identity_rank(copy(c, found, "role"));
    json_decref(found);
    if (disabled) {
        refuse(c);
        return;
    }
    if (rank < c->principal.rank) c->principal.rank = rank;
    go_on(c);
}

static void ask(struct call *c, const char *sql, const char *const *values, int n,
    void (*done)(struct call *c, const struct pool_answer *a)) {
    call_ask(c, &(struct call_question){.role = "tenantry_web",
                    .sql = sql,
                    .values = values,
                    .n_values = n,
                    .done = done});
}

/* ---- what was sent ---- */

static void find_session(struct call *c, const char *token) {
    char hash[SHA256_HEX_SIZE];
    char *idle = arena_printf(
        &c->request->arena, "%u seconds", c->server->settings->idle_seconds);
    bool told;
    if (!is_safe(c) && !identity_same_origin(c, &told)) {
        call_problem(c, 403, "this came from a page of another site");
        return;
    }
    sha256_hex(str_from(token), hash);
    const char *const values[] = {hash, idle};
    ask(c, "select tenantry.identity_of_session($1, $2)", values, 2, found_session);
}

static void find_key(struct call *c, const char *key) {
    char hash[SHA256_HEX_SIZE];
    struct str text = str_from(key);
    if (text.len != KEY_SIZE) {
        refuse(c);
        return;
    }
    sha256_hex(text, hash);
    char *prefix = arena_str(&c->request->arena, str_slice(text, 0, KEY_PREFIX));
    const char *const values[] = {prefix, hash};
    ask(c, "select tenantry.identity_of_key($1, $2)", values, 2, found_key);
}

static enum jwt_verdict judge(
    struct call *c, const char *token, struct jwt_claims *claims) {
    const struct settings *s = c->server->settings;
    const struct jwt_expected expected = {.issuer = s->jwt_issuer,
        .audience = s->jwt_audience,
        .tenant = c->tenant->uuid,
        .slug = c->tenant->slug,
        .hosts = c->tenant->config.domains,
        .n_hosts = c->tenant->config.n_domains,
        .role = http_header(c->request, "x-hasura-role"),
        .now = clock_now(),
        .leeway = s->jwt_leeway};
    return jwt_judge(str_from(token), jwks_keys(c->server->identity->keys), &expected,
        &c->request->arena, claims);
}

static void judged(
    struct call *c, enum jwt_verdict verdict, const struct jwt_claims *claims) {
    if (verdict) {
        refuse(c);
        return;
    }
    c->principal.user = claims->user;
    c->principal.rank = claims->role ? identity_rank(claims->role) : RANK_OWNER;
    ask(c, "select tenantry.identity_of_user($1)", &claims->user, 1, found_user);
}

bool identity_from_here(struct call *c) {
    bool told;
    if (identity_same_origin(c, &told) || !told) return true;
    call_problem(c, 403, "this came from a page of another site");
    return false;
}

/* What follows "Bearer"; NULL: nothing of the kind was sent. */
static const char *bearer(const char *text) {
    if (!text || strncasecmp(text, "Bearer ", 7)) return NULL;
    return text + 7 + strspn(text + 7, " ");
}

static void judge_again(void *ctx) {
    struct call *c = ctx;
    struct jwt_claims claims;
    enum jwt_verdict v =
        judge(c, bearer(http_header(c->request, "Authorization")), &claims);
    judged(c, v, &claims);
}

/* An issuer that has a new key signs with it at once. */
static void find_token(struct call *c, const char *token) {
    struct jwt_claims claims;
    enum jwt_verdict v = judge(c, token, &claims);
    if (v == JWT_UNKNOWN_KEY)
        jwks_renew(c->server->identity->keys, judge_again, c);
    else
        judged(c, v, &claims);
}

void identity_reload(struct server *s) {
    jwks_reload(s->identity->keys);
}

void identity_find(struct call *c, void (*then)(struct call *c)) {
    c->then = then;
    bool known = c->identified || !c->tenant;
    unsigned n = 0;
    const char *sent = known ? NULL : http_header_all(c->request, "Authorization", &n);
    if (n > 1) { /* others may have looked at another one */
        call_problem(c, 400, "exactly one Authorization header, please");
        return;
    }
    const char *token = bearer(sent);
    if (token && !strncmp(token, "tk_", 3))
        find_key(c, token);
    else if (token)
        find_token(c, token);
    if (token) return;
    const char *cookie =
        known ? NULL : http_cookie(c->request, identity_cookie(c->server->settings));
    if (cookie && strlen(cookie) == TOKEN_SIZE)
        find_session(c, cookie);
    else
        go_on(c);
}

/* Coming in and going out: register, login, logout, and who one is.
 *
 * A wrong password, an unknown e-mail, a disabled person and one who may not join look
 * alike, and take one hash each. */
#include "api/entry.h"
#include "api/form.h"
#include "api/handle.h"
#include "api/identity.h"
#include "api/limit.h"
#include "api/session.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/password.h"

#define DENIED "e-mail or password is wrong"

static const struct limit_rate account_rate = {1 / 20., 100}; /* from anywhere */
static const struct limit_rate pair_rate = {1 / 30., 5};      /* from one address */

/* ---- how often ---- */

struct names { /* that attempts are counted by */
    struct str account, pair;
};

static struct names names_of(struct call *c, const struct entry *e) {
    struct arena *a = &c->request->arena;
    return (struct names){str_from(arena_printf(a, "account %s", e->email)),
        str_from(arena_printf(a, "pair %s %s", e->email, c->client_text))};
}

/* Seconds to wait; 0: go ahead. */
static double count_attempt(struct call *c, const struct entry *e) {
    struct limits *l = c->server->limits;
    struct names n = names_of(c, e);
    double now = clock_seconds();
    double wait = limit_attempt(l, &pair_rate, n.pair, now);
    return wait > 0 ? wait : limit_attempt(l, &account_rate, n.account, now);
}

static void forget_attempt(struct call *c, const struct entry *e) {
    struct limits *l = c->server->limits;
    struct names n = names_of(c, e);
    limit_forget(l, &pair_rate, n.pair);
    limit_forget(l, &account_rate, n.account);
}

static void busy(struct call *c, double seconds) {
    call_header(c, "Retry-After",
        arena_printf(&c->request->arena, "%u", (unsigned)seconds + 1));
    entry_refuse(c, 429, "too many attempts; try again later");
}

/* ---- in ---- */

static void failed(struct call *c, const struct pool_answer *a) {
    const char *detail;
    int status = call_failure(a, &detail);
    entry_refuse(c, status, detail);
}

static void look(struct call *c);

/* The answer of account_login and account_register: the new session, or null. */
static void came_in(struct call *c, const struct pool_answer *a) {
    struct entry *e = c->handler;
    const char *session = call_value(a);
    if (!session && !e->user && !e->again) {
        /* Somebody else has just taken the e-mail: then it is a login. */
        e->again = true;
        look(c);
    } else if (!session)
        entry_refuse(c, 401, DENIED);
    else {
        forget_attempt(c, e);
        session_cookies(c, e->token);
        entry_welcome(c, str_from(session));
    }
}

static void open_session(struct call *c, const char *hash) {
    struct arena *a = &c->request->arena;
    struct entry *e = c->handler;
    char digest[SHA256_HEX_SIZE];
    const char *agent = http_header(c->request, "User-Agent");
    if (agent && !str_is_utf8(str_from(agent), &(size_t){0})) agent = NULL;
    char *lifetime =
        arena_printf(a, "%u seconds", c->server->settings->session_seconds);
    e->token = session_token(a);
    sha256_hex(str_from(e->token), digest);
    const char *const login[] = {e->user, e->hash, hash, e->invitation, digest,
        session_sent(c), agent, lifetime};
    const char *const join[] = {
        e->email, e->name, hash, e->invitation, digest, agent, lifetime};
    call_ask(c,
        &(struct call_question){.role = "tenantry_web",
            .writes = true,
            .sql = e->user ? "select tenantry.account_login($1,$2,$3,$4,$5,$6,$7,$8)"
                           : "select tenantry.account_register($1,$2,$3,$4,$5,$6,$7)",
            .values = e->user ? login : join,
            .n_values = e->user ? 8 : 7,
            .done = came_in,
            .failed = failed});
}

static void compared(void *ctx, const struct password_answer *a) {
    struct call *c = ctx;
    struct entry *e = c->handler;
    if (e->user ? a->right : e->joining)
        open_session(c, a->hash);
    else
        entry_refuse(c, 401, DENIED);
}

static void looked(struct call *c, const struct pool_answer *a) {
    struct entry *e = c->handler;
    struct arena *arena = &c->request->arena;
    const char *text = call_value(a);
    json_t *found = text ? json_loads(text, 0, NULL) : NULL;
    const char *user = json_path_string(found, "user");
    const char *hash = json_path_string(found, "hash");
    e->user = user ? arena_strdup(arena, user) : NULL;
    e->hash = hash ? arena_strdup(arena, hash) : NULL;
    json_decref(found);
    if (!password_ask(identity_passwords(c->server->identity),
            &(struct password_question){.hash = e->hash,
                .make = e->joining && !e->user,
                .password = e->password,
                .done = compared,
                .ctx = c}))
        busy(c, 1);
}

static void look(struct call *c) {
    struct entry *e = c->handler;
    const char *const values[] = {
        e->email, e->joining ? "true" : "false", e->invitation};
    call_ask(c, &(struct call_question){.role = "tenantry_web",
                    .sql = "select tenantry.account_find($1, $2, $3)",
                    .values = values,
                    .n_values = 3,
                    .done = looked,
                    .failed = failed});
}

static void enter(struct call *c, bool joining) {
    if (!identity_from_here(c)) return;
    struct entry *e = entry_read(c, joining);
    if (!e) return;
    double wait = count_attempt(c, e);
    if (wait)
        busy(c, wait);
    else
        look(c);
}

void handle_register(struct call *c) {
    enter(c, true);
}

void handle_login(struct call *c) {
    enter(c, false);
}

/* ---- out ---- */

static void gone(struct call *c, const struct pool_answer *a) {
    (void)a;
    session_cookies(c, NULL);
    if (entry_is_form(c))
        entry_send_on(c, "/");
    else
        call_reply(c, 204, "application/json", STR(""));
}

/* {"everywhere": true}, or a field of a form. */
static bool asks_everywhere(struct call *c, bool *everywhere) {
    if (!call_body(c).len || entry_is_form(c)) {
        const char *text = form_field(&c->request->arena, call_body(c), "everywhere");
        *everywhere = text && *text;
        return true;
    }
    const json_t *sent = call_json(c);
    *everywhere = json_is_true(json_object_get(sent, "everywhere"));
    return sent != NULL;
}

static void log_out(struct call *c) {
    bool everywhere;
    if (!asks_everywhere(c, &everywhere)) return;
    const char *const values[] = {c->principal.session, everywhere ? "true" : "false"};
    if (!c->principal.session && !(everywhere && c->principal.user)) {
        gone(c, NULL);
        return;
    }
    call_ask(c, &(struct call_question){.role = "tenantry_web",
                    .writes = true,
                    .sql = "select tenantry.account_logout($1, $2)",
                    .values = values,
                    .n_values = 2,
                    .done = gone});
}

void handle_logout(struct call *c) {
    /* Such a page's request has no cookie, but its answer would take away ours. */
    if (identity_from_here(c)) identity_find(c, log_out);
}

/* ---- who one is ---- */

static void tell(struct call *c, const struct pool_answer *a) {
    const char *text = call_value(a);
    call_reply_json(c, 200,
        text ? str_from(text)
             : str_from(arena_printf(&c->request->arena,
                   "{\"user\":{\"id\":\"%s\"},\"membership\":null,\"expires\":null}",
                   c->principal.user)));
}

static void tell_session(struct call *c) {
    if (c->principal.user) {
        call_ask(c, &(struct call_question){.role = "tenantry_web",
                        .sql = "select tenantry.account_session($1)",
                        .values = &c->principal.session,
                        .n_values = 1,
                        .done = tell});
        return;
    }
    /* A cookie that is not valid any more would be sent for weeks. */
    if (session_sent(c)) session_cookies(c, NULL);
    call_reply_json(
        c, 200, STR("{\"user\":null,\"membership\":null,\"expires\":null}"));
}

void handle_session(struct call *c) {
    identity_find(c, tell_session);
}

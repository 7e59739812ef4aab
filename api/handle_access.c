/* What admins give out: invitations and API keys.  The token or key is told once, to
 * whoever made it; kept is its hash. */
#include "api/entry.h"
#include "api/handle.h"
#include "api/session.h"
#include "base/crypto.h"
#include "base/uuid.h"

#define KEY_PREFIX_BYTES 6
#define NAME_MAX 200
#define DAYS_MAX 3650

/* ---- invitations ---- */

/* c->handler is the secret that the answer ends with, as a member of this name. */
static void reply_secret(
    struct call *c, const struct pool_answer *a, const char *name) {
    struct buf text;
    json_t *made = json_loads(call_value(a), 0, NULL);
    json_set_str(made, name, c->handler);
    buf_init(&text, 0);
    json_write(&text, made, 0);
    json_decref(made);
    call_reply_json(c, 201, buf_view(&text));
    explicit_bzero(text.ptr, text.len);
    buf_dispose(&text);
}

static void invited(struct call *c, const struct pool_answer *a) {
    reply_secret(c, a, "token");
}

static bool is_one_of(const char *text, const char *const *list) {
    for (; text && *list; list++)
        if (!strcmp(text, *list)) return true;
    return false;
}

void handle_invite(struct call *c) {
    static const char *const roles[] = {"guest", "member", "admin", NULL};
    char hash[SHA256_HEX_SIZE];
    if (!call_json(c)) return;
    const json_t *given = json_object_get(c->sent, "role");
    const char *role = given ? json_string_value(given) : "member";
    struct str email = str_trim(str_from(json_path_string(c->sent, "email")));
    if (!entry_email_fits(email)) {
        call_problem(c, 422, "email must be an address such as ada@example.com");
        return;
    }
    if (!is_one_of(role, roles)) {
        call_problem(c, 422, "role must be guest, member or admin");
        return;
    }
    c->handler = session_token(&c->request->arena);
    sha256_hex(str_from(c->handler), hash);
    const char *const values[] = {arena_str(&c->request->arena, email), role, hash};
    call_ask(c, &(struct call_question){.writes = true,
                    .sql = "select tenantry.invitation_create($1, $2, $3)",
                    .values = values,
                    .n_values = 3,
                    .done = invited});
}

static void accepted(struct call *c, const struct pool_answer *a) {
    call_reply_json(c, 200, str_from(call_value(a)));
}

void handle_accept(struct call *c) {
    char hash[SHA256_HEX_SIZE];
    if (!call_json(c)) return;
    const char *token = json_path_string(c->sent, "token");
    const char *const values[] = {hash};
    sha256_hex(str_from(token), hash);
    call_ask(c, &(struct call_question){.role = "tenantry_web",
                    .writes = true,
                    .sql = "select tenantry.invitation_accept($1)",
                    .values = values,
                    .n_values = 1,
                    .done = accepted});
}

/* ---- keys ---- */

/* "read write", of a list of such words; NULL: it is none. */
static char *read_scopes(struct arena *a, const json_t *list) {
    static const char *const scopes[] = {"read", "write", "admin", NULL};
    char *all = "";
    const json_t *one;
    size_t i;
    if (!list) return arena_strdup(a, "read");
    json_array_foreach(list, i, one) {
        const char *name = json_string_value(one);
        if (!is_one_of(name, scopes)) return NULL;
        all = arena_printf(a, "%s%s%s", all, i ? " " : "", name);
    }
    return *all ? all : NULL;
}

/* "tk_" and 8 letters that everybody may see, then 256 bits. */
static char *make_key(struct arena *a, const char **prefix) {
    char bytes[KEY_PREFIX_BYTES];
    crypto_random(bytes, sizeof bytes);
    *prefix = arena_printf(
        a, "tk_%s", base64url_encode(a, (struct str){bytes, sizeof bytes}));
    return arena_printf(a, "%s%s", *prefix, session_token(a));
}

static void key_made(struct call *c, const struct pool_answer *a) {
    reply_secret(c, a, "key");
}

/* Days as text, or NULL for ever; false: it is neither. */
static bool read_days(struct arena *a, const json_t *days, const char **out) {
    json_int_t n = json_integer_value(days);
    *out = NULL;
    if (!days || json_is_null(days)) return true;
    if (!json_is_integer(days) || n < 1 || n > DAYS_MAX) return false;
    *out = arena_printf(a, "%d", (int)n);
    return true;
}

void handle_key_make(struct call *c) {
    struct arena *a = &c->request->arena;
    char hash[SHA256_HEX_SIZE];
    const char *prefix, *days;
    if (!call_json(c)) return;
    struct str name = str_trim(str_from(json_path_string(c->sent, "name")));
    char *scopes = read_scopes(a, json_object_get(c->sent, "scopes"));
    bool fine = read_days(a, json_object_get(c->sent, "days"), &days);
    if (!name.len || name.len > NAME_MAX || !scopes || !fine) {
        call_problem(c, 422, "%s",
            !fine     ? "days must be a number from 1 to 3650"
            : !scopes ? "scopes must be some of read, write, admin"
                      : "name must say what the key is for, in 200 bytes at most");
        return;
    }
    c->handler = make_key(a, &prefix);
    sha256_hex(str_from(c->handler), hash);
    const char *const values[] = {arena_str(a, name), prefix, hash, scopes, days};
    call_ask(c, &(struct call_question){.writes = true,
                    .sql = "select tenantry.api_key_create($1, $2, $3, $4, $5)",
                    .values = values,
                    .n_values = 5,
                    .done = key_made});
}

static void listed(struct call *c, const struct pool_answer *a) {
    call_reply_json(c, 200, str_from(call_value(a)));
}

void handle_key_list(struct call *c) {
    call_ask(c, &(struct call_question){
                    .sql = "select tenantry.api_key_list()", .done = listed});
}

static void revoked(struct call *c, const struct pool_answer *a) {
    (void)a;
    call_reply(c, 204, "application/json", STR(""));
}

void handle_key_revoke(struct call *c) {
    const char *id = uuid_read(&c->request->arena, str_from(c->path[0]));
    if (!id) {
        call_problem(c, 404, "there is no such key");
        return;
    }
    call_ask(c, &(struct call_question){.writes = true,
                    .sql = "select tenantry.api_key_revoke($1)",
                    .values = &id,
                    .n_values = 1,
                    .done = revoked});
}

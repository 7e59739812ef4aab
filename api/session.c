#include "api/session.h"

#include "api/identity.h"
#include "base/crypto.h"

#define TOKEN_BYTES 32

char *session_token(struct arena *a) {
    char bytes[TOKEN_BYTES];
    crypto_random(bytes, sizeof bytes);
    return base64url_encode(a, (struct str){bytes, sizeof bytes});
}

void session_cookies(struct call *c, const char *token) {
    const struct settings *s = c->server->settings;
    struct arena *a = &c->request->arena;
    const char *secure = s->plain_cookies ? "" : "; Secure";
    unsigned seconds = token ? s->session_seconds : 0;
    call_header(c, "Set-Cookie",
        arena_printf(a, "%s=%s; Path=/; Max-Age=%u; HttpOnly; SameSite=Lax%s",
            identity_cookie(s), token ? token : "", seconds, secure));
    call_header(c, "Set-Cookie",
        arena_printf(a, "tenantry_signed_in=%s; Path=/; Max-Age=%u; SameSite=Lax%s",
            token ? "1" : "", seconds, secure));
}

const char *session_sent(struct call *c) {
    char hash[SHA256_HEX_SIZE];
    const char *token = http_cookie(c->request, identity_cookie(c->server->settings));
    if (!token || !*token) return NULL;
    sha256_hex(str_from(token), hash);
    return arena_strdup(&c->request->arena, hash);
}

#include "api/photo.h"

#include "base/clock.h"
#include "base/crypto.h"

#define WINDOW 3600 /* seconds for which an address stays the same */

char *photo_address(struct arena *a, const char *stored, const char *secret, long now) {
    unsigned char mac[32];
    if (!secret || stored[0] != '/' || stored[1] == '/') return arena_strdup(a, stored);
    char *time = arena_printf(a, "%ld", now - now % WINDOW);
    char *message = arena_printf(a, "%s%s", stored, time);
    hmac_sha256(str_from(secret), str_from(message), mac);
    char *text = base64url_encode(a, (struct str){(char *)mac, sizeof mac});
    return arena_printf(a, "%s?verify=%s-%s", stored, time, text);
}

void photo_sign(const struct call *c, json_t *person) {
    const char *stored = json_string_value(json_object_get(person, "profilePhotoUrl"));
    struct arena *a = &c->request->arena;
    if (!stored) return;
    json_set_str(person, "profilePhotoUrl",
        photo_address(a, stored, c->server->settings->media_secret, (long)clock_now()));
}

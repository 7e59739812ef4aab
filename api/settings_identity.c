/* Who may come in: the part of the settings that comes from the environment alone. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "api/settings.h"
#include "base/file.h"

#define EXIT_USAGE 2
#define SECRET_MAX (4u << 10)
#define DAY (24u * 60 * 60)

static bool wrong(const char *name, const char *what) {
    fprintf(stderr, "tenantry-api: %s %s\n", name, what);
    return false;
}

static const char *given(const char *name) {
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

static bool read_secret_file(
    struct settings *s, const char *name, const char *path, const char **out) {
    struct buf text;
    char why[160];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    buf_init(&text, 0);
    int err = fd < 0 ? errno : file_read_fd(fd, 256, SECRET_MAX, &text);
    if (fd >= 0) close(fd);
    struct str secret = str_trim(buf_view(&text));
    if (!err) *out = arena_str(&s->arena, secret);
    buf_dispose(&text);
    if (!err) return true;
    snprintf(why, sizeof why, "names a file that cannot be read: %s", file_error(err));
    return wrong(name, why);
}

/* NAME, or the contents of the file that NAME_FILE names. */
static bool read_secret(struct settings *s, const char *name, const char **out) {
    char *file_name = arena_printf(&s->arena, "%s_FILE", name);
    const char *path = given(file_name);
    *out = given(name);
    if (!path) return true;
    if (*out) return wrong(file_name, "and the variable itself exclude each other");
    return read_secret_file(s, file_name, path, out);
}

static bool read_seconds(const char *name, unsigned usual, unsigned *out) {
    const char *text = given(name);
    char *end = "";
    unsigned long n = text ? strtoul(text, &end, 10) : usual;
    *out = (unsigned)n;
    if (*end || n > 3650ul * DAY || (text && (*text < '0' || *text > '9')))
        return wrong(name, "must be a number of seconds such as 3600");
    return true;
}

static bool read_switch(const char *name, bool *out) {
    const char *text = given(name);
    struct str value = str_from(text);
    *out = text && str_is(value, "1");
    if (!text || *out || str_is(value, "0")) return true;
    return wrong(name, "must be 0 or 1");
}

int settings_read_identity(struct settings *s) {
    bool fine = read_secret(s, "TENANTRY_API_JWT_SECRET", &s->jwt_secret);
    fine &= read_secret(s, "TENANTRY_API_MEDIA_SECRET", &s->media_secret);
    s->jwt_secret_id = given("TENANTRY_API_JWT_SECRET_ID");
    s->jwt_issuer = given("TENANTRY_API_JWT_ISSUER");
    s->jwt_audience = given("TENANTRY_API_JWT_AUDIENCE");
    s->jwks = given("TENANTRY_API_JWKS");
    fine &= read_seconds("TENANTRY_API_JWT_LEEWAY", 0, &s->jwt_leeway);
    fine &= read_seconds("TENANTRY_API_SESSION", 30 * DAY, &s->session_seconds);
    fine &= read_seconds("TENANTRY_API_SESSION_IDLE", 7 * DAY, &s->idle_seconds);
    fine &= read_switch("TENANTRY_API_PLAIN_COOKIES", &s->plain_cookies);
    return fine ? -1 : EXIT_USAGE;
}

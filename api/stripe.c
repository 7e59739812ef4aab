#include "api/stripe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/price_ids.h"
#include "base/crypto.h"

#define SECRET_MAX 4096
#define HEX_SIZE 65

/* ---- signatures ---- */

/* The number a text begins with, as JavaScript's parseInt reads it. */
static bool read_time(struct str text, long *out) {
    char digits[24], *end;
    text = str_trim(text);
    snprintf(digits, sizeof digits, STR_FMT, STR_ARG(str_slice(text, 0, 16)));
    errno = 0;
    *out = strtol(digits, &end, 10);
    return end != digits && !errno;
}

static void hex_of(const unsigned char digest[32], char out[HEX_SIZE]) {
    for (size_t i = 0; i < 32; i++) snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

static void sign(struct str secret, long at, struct str body, char out[HEX_SIZE]) {
    unsigned char digest[32];
    struct buf text;
    buf_init(&text, 0);
    buf_printf(&text, "%ld.", at);
    buf_str(&text, body);
    hmac_sha256(secret, buf_view(&text), digest);
    hex_of(digest, out);
    buf_dispose(&text);
}

/* Cuts name and value off the header's next item; both end at the next "=". */
static bool next_item(struct str *rest, struct str *name, struct str *value) {
    struct str item;
    if (!str_cut(rest, ',', &item)) return false;
    *name = *value = (struct str){"", 0};
    str_cut(&item, '=', name);
    str_cut(&item, '=', value);
    return true;
}

/* The last time that is named counts.  An empty signature spoils the header. */
static bool read_header(struct str header, long *at) {
    struct str name, value;
    bool timed = false, found = false;
    while (next_item(&header, &name, &value)) {
        if (str_is(name, "t"))
            timed = read_time(value, at);
        else if (str_is(name, "v1")) {
            if (!value.len) return false;
            found = true;
        }
    }
    return timed && found && *at != -1;
}

static bool any_equals(struct str header, const char *wanted) {
    struct str name, value;
    bool found = false;
    while (next_item(&header, &name, &value))
        if (str_is(name, "v1") && crypto_equal(value, str_from(wanted))) found = true;
    return found;
}

bool stripe_signed(const char *header, struct str body, struct str secrets, long now) {
    struct str all = str_from(header), secret;
    char wanted[HEX_SIZE];
    bool found = false;
    long at = 0;
    if (!read_header(all, &at)) return false;
    while (str_cut(&secrets, ',', &secret)) {
        secret = str_trim(secret);
        if (!secret.len) continue;
        sign(secret, at, body, wanted);
        found |= any_equals(all, wanted);
    }
    return found && now - at <= STRIPE_TOLERANCE;
}

/* ---- forms ---- */

void stripe_field(struct buf *form, const char *name, const char *value) {
    if (!value) return;
    if (form->len) buf_char(form, '&');
    buf_cstr(form, name);
    buf_char(form, '=');
    for (const char *p = value; *p; p++) {
        unsigned char c = (unsigned char)*p;
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                     (c >= '0' && c <= '9') || strchr("-._~", c);
        if (plain)
            buf_char(form, (char)c);
        else
            buf_printf(form, "%%%02X", c);
    }
}

/* ---- the operator's settings ---- */

static char *read_secret(struct arena *a, const char *path) {
    char text[SECRET_MAX];
    FILE *f = fopen(path, "re");
    if (!f) return NULL;
    size_t n = fread(text, 1, sizeof text, f);
    fclose(f);
    struct str value = str_trim((struct str){text, n});
    return value.len ? arena_str(a, value) : NULL;
}

char *stripe_secret(struct arena *a, const char *name) {
    const char *value = getenv(name);
    if (value && *value) return arena_strdup(a, value);
    const char *file = getenv(arena_printf(a, "%s_FILE", name));
    if (file && *file) return read_secret(a, file);
    const char *folder = getenv("CREDENTIALS_DIRECTORY");
    return folder ? read_secret(a, arena_printf(a, "%s/%s", folder, name)) : NULL;
}

char *stripe_secret_own(struct arena *a, const char *what, const char *tenant) {
    char *name = arena_printf(a, "STRIPE_%s_%s", what, price_id_upper(a, tenant));
    /* A tenant called "file" has none of its own: that name says where the secret is.
     */
    return str_ends(str_from(name), "_FILE") ? NULL : stripe_secret(a, name);
}

char *stripe_secret_of(struct arena *a, const char *what, const char *tenant) {
    char *own = stripe_secret_own(a, what, tenant);
    return own ? own : stripe_secret(a, arena_printf(a, "STRIPE_%s", what));
}

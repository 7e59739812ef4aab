/* The forms of text that config.json knows. */
#include <string.h>

#include "model/currency.h"
#include "model/hosts.h"
#include "model/tenant.h"
#include "model/tenant_table.h"

static bool is_alnum(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool starts_fold(struct str s, const char *prefix) {
    size_t n = strlen(prefix);
    return s.len >= n && strncasecmp(s.ptr, prefix, n) == 0;
}

/* Blank, control character or backslash: nothing that stands in an address. */
static bool has_bad_byte(struct str s, bool blank_allowed) {
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c < ' ' || c == 0x7f || c == '\\' || (c == ' ' && !blank_allowed))
            return true;
        if (c == '"' || c == '<' || c == '>') return true;
    }
    return false;
}

bool tenant_id_valid(struct str id) {
    if (!id.len || id.len > 63 || !is_alnum(id.ptr[0])) return false;
    for (size_t i = 0; i < id.len; i++) {
        char c = id.ptr[i];
        if ((c >= 'A' && c <= 'Z') || !(is_alnum(c) || c == '-' || c == '_'))
            return false;
    }
    return true;
}

static bool slug_valid(struct str s) {
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if ((c >= 'A' && c <= 'Z') || !(is_alnum(c) || c == '-' || c == '_'))
            return false;
    }
    return s.len > 0 && s.len <= 63;
}

/* "acme.example" of "https://acme.example:443/x?y" */
static struct str authority(struct str s) {
    size_t at;
    if (str_find(s, "://", &at)) s = str_slice(s, at + 3, s.len);
    for (at = 0; at < s.len && !strchr("/?#", s.ptr[at]); at++) continue;
    return str_slice(s, 0, at);
}

static bool is_ascii(struct str s) {
    for (size_t i = 0; i < s.len; i++) {
        if ((unsigned char)s.ptr[i] >= 0x80) return false;
    }
    return true;
}

static char *host_advice(struct arena *a, struct str s) {
    struct str rest = authority(str_trim(s));
    if (!is_ascii(rest))
        return arena_printf(a, "write an international name in its xn-- form");
    if (str_starts(rest, "*.")) rest = str_slice(rest, 2, rest.len);
    char *clean = host_clean(a, rest);
    return clean ? arena_printf(a, "write \"%s\"", clean) : NULL;
}

/* What follows "https://" begins with a host. */
static bool web_valid(struct str s) {
    return !has_bad_byte(s, false) && host_valid(authority(s));
}

static bool url_valid(struct str s) {
    struct str host = authority(s);
    struct str rest = {
        host.ptr + host.len, s.len - (size_t)(host.ptr + host.len - s.ptr)};
    bool bare = !rest.len || str_is(rest, "/");
    return starts_fold(s, "https://") && web_valid(s) && bare;
}

static char *url_advice(struct arena *a, struct str s) {
    char *host = host_clean(a, authority(str_trim(s)));
    return host ? arena_printf(a, "write \"https://%s\"", host) : NULL;
}

static bool path_valid(struct str s) {
    return str_starts(s, "/") && !str_starts(s, "//") && !has_bad_byte(s, false);
}

static char *path_advice(struct arena *a, struct str s) {
    char *slashed = arena_printf(a, "/" STR_FMT, STR_ARG(s));
    bool plain = s.len && is_alnum(s.ptr[0]) && !memchr(s.ptr, ':', s.len);
    if (!plain || !path_valid(str_from(slashed))) return NULL;
    return arena_printf(a, "write \"%s\"", slashed);
}

static bool target_valid(struct str s) {
    return path_valid(s) || (starts_fold(s, "https://") && web_valid(s));
}

static bool web_or_path(struct str s) {
    bool web = starts_fold(s, "https://") || starts_fold(s, "http://");
    return path_valid(s) || (web && web_valid(s));
}

static bool email_valid(struct str s) {
    size_t at;
    if (!str_find_char(s, '@', &at) || !at || s.len > 254) return false;
    struct str domain = str_slice(s, at + 1, s.len);
    if (memchr(domain.ptr, ':', domain.len) || str_ends(domain, ".")) return false;
    struct str local = str_slice(s, 0, at);
    for (size_t i = 0; i < local.len; i++) {
        if (strchr(" ,;:()[]\"<>\\", local.ptr[i]) || (unsigned char)local.ptr[i] < ' ')
            return false;
    }
    return host_valid(domain);
}

static bool link_valid(struct str s) {
    if (starts_fold(s, "mailto:")) return email_valid(str_slice(s, 7, s.len));
    if (str_starts(s, "#")) return !has_bad_byte(s, false);
    return web_or_path(s);
}

/* "images/logo.svg": no scheme, does not climb. */
static bool relative_valid(struct str s) {
    return path_is_safe(s) && !memchr(s.ptr, ':', s.len) && !has_bad_byte(s, true);
}

static bool image_valid(struct str s) {
    if (str_starts(s, "/") && !str_starts(s, "//")) return !has_bad_byte(s, true);
    return web_or_path(s) || relative_valid(s);
}

static char *double_slash_advice(struct arena *a, struct str s) {
    if (!str_starts(s, "//")) return NULL;
    return arena_printf(a, "write \"https:" STR_FMT "\"", STR_ARG(s));
}

/* The code point at s[*i], which is valid UTF-8. */
static unsigned next_point(struct str s, size_t *i) {
    unsigned char c = (unsigned char)s.ptr[(*i)++];
    unsigned more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : c >= 0xc0 ? 1 : 0;
    unsigned point = more ? c & (0x3fu >> more) : c;
    while (more-- && *i < s.len)
        point = point << 6 | ((unsigned char)s.ptr[(*i)++] & 0x3f);
    return point;
}

/* Scripts between the symbols: kana, Han, Hangul; compatibility forms. */
static bool is_letter(unsigned p) {
    if (p == 0x303d || p == 0x3297 || p == 0x3299) return false;
    return (p >= 0x3040 && p < 0xfe00) || (p >= 0xfe10 && p < 0x1f000) ||
           (p >= 0x20000 && p < 0xe0000);
}

static bool emoji_valid(struct str s) {
    bool pictured = false;
    if (s.len > 64) return false;
    for (size_t i = 0; i < s.len;) {
        unsigned p = next_point(s, &i);
        bool key = (p >= '0' && p <= '9') || p == '#' || p == '*';
        bool sign = p == 0xa9 || p == 0xae || p >= 0x200d;
        if (!(key || sign) || is_letter(p)) return false;
        pictured |= sign && p != 0x200d && p != 0xfe0f;
    }
    return pictured;
}

static bool colour_valid(struct str s) {
    struct hsl c;
    return hsl_parse(s, &c);
}

static int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    c = (char)(c | 32);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "#e7b008" or "#eb0" */
static bool hex_colour(struct str s, double rgb[3]) {
    size_t per = s.len == 7 ? 2 : s.len == 4 ? 1 : 0;
    if (!per || s.ptr[0] != '#') return false;
    for (size_t i = 0; i < 3; i++) {
        int high = hex_value(s.ptr[1 + i * per]), low = hex_value(s.ptr[i * per + per]);
        if (high < 0 || low < 0) return false;
        rgb[i] = (high * 16 + low) / 255.0;
    }
    return true;
}

static double hue(const double c[3], double max, double span) {
    if (span <= 0) return 0;
    if (max <= c[0]) return 60 * ((c[1] - c[2]) / span + (c[1] < c[2] ? 6 : 0));
    if (max <= c[1]) return 60 * ((c[2] - c[0]) / span + 2);
    return 60 * ((c[0] - c[1]) / span + 4);
}

static char *colour_advice(struct arena *a, struct str s) {
    double c[3];
    if (!hex_colour(s, c)) return NULL;
    double max = c[0], min = c[0];
    for (size_t i = 1; i < 3; i++) {
        if (c[i] > max) max = c[i];
        if (c[i] < min) min = c[i];
    }
    double sum = max + min, span = max - min;
    double sat = span > 0 ? span / (sum > 1 ? 2 - sum : sum) : 0;
    return arena_printf(
        a, "write \"%.0f %.0f%% %.0f%%\"", hue(c, max, span), sat * 100, sum * 50);
}

static bool currency_valid(struct str s) {
    return currency_find(s) != NULL;
}

static bool tag_valid(struct str s) {
    size_t dash;
    if (!str_find_char(s, '-', &dash) || !dash || dash > 4 || s.len > 32) return false;
    for (size_t i = 0; i < s.len; i++) {
        if (!is_alnum(s.ptr[i]) && s.ptr[i] != '-') return false;
    }
    return s.len > dash + 3;
}

#define ANY_LABEL "[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?"
#define ANY_HOST ANY_LABEL "(\\." ANY_LABEL ")*"
static const struct field_text texts[FIELD_TYPES] = {
    [FIELD_ID] = {"a name of a-z, 0-9, - and _ (first a letter or digit, at most 63)",
        "acme", "^[a-z0-9][a-z0-9_-]{0,62}$", tenant_id_valid, NULL},
    [FIELD_SLUG] = {"a name of a-z, 0-9, - and _ (at most 63)", "starter",
        "^[a-z0-9_-]{1,63}$", slug_valid, NULL},
    [FIELD_HOST] = {"a host name", "acme.example", "^" ANY_HOST "\\.?(:[0-9]{0,5})?$",
        host_valid, host_advice},
    [FIELD_URL] = {"the https address of a whole site", "https://acme.example",
        "^[Hh][Tt][Tt][Pp][Ss]://[^/?#\\s]+/?$", url_valid, url_advice},
    [FIELD_PATH] = {"a path that begins with /", "/landing", "^/(?!/)\\S*$", path_valid,
        path_advice},
    [FIELD_TARGET] = {"a path that begins with / or an https address", "/app",
        "^(/(?!/)|[Hh][Tt][Tt][Pp][Ss]://[^/])\\S*$", target_valid, path_advice},
    [FIELD_LINK] = {"a link (a path that begins with /, http, https, mailto)",
        "/signup",
        "^(/(?!/)|#|[Hh][Tt][Tt][Pp][Ss]?://[^/]|[Mm][Aa][Ii][Ll][Tt][Oo]:)\\S*$",
        link_valid, double_slash_advice},
    [FIELD_IMAGE] = {"an image (a path, http or https)", "images/logo.svg",
        "^([Hh][Tt][Tt][Pp][Ss]?://[^/].*|/(?!/).*|[^/:][^:]*)$", image_valid,
        double_slash_advice},
    [FIELD_EMAIL] = {"an e-mail address", "help@acme.example",
        "^[^@\\s]+@" ANY_HOST "$", email_valid, NULL},
    [FIELD_EMOJI] = {"an emoji", "\U0001f986", "^[^A-Za-z]+$", emoji_valid, NULL},
    [FIELD_COLOUR] = {"an HSL triple", "45 93% 47%",
        "^[0-9]+(\\.[0-9]+)?(deg)? +[0-9]+(\\.[0-9]+)?% +[0-9]+(\\.[0-9]+)?%$",
        colour_valid, colour_advice},
    [FIELD_CURRENCY] = {"a currency of ISO 4217", "USD", "^[A-Za-z]{3}$",
        currency_valid, NULL},
    [FIELD_TAG] = {"a Google tag", "G-ABC1234567",
        "^[A-Za-z0-9]{1,4}-[A-Za-z0-9-]{3,}$", tag_valid, NULL},
};
static const char *const expects[FIELD_TYPES] = {
    [FIELD_BOOL] = "true or false",
    [FIELD_NUMBER] = "a number",
    [FIELD_INTEGER] = "a whole number",
    [FIELD_LABEL] = "a string or a number",
    [FIELD_LIST] = "a list",
    [FIELD_OBJECT] = "an object",
    [FIELD_FLAGS] = "an object of names that are true or false",
};

const struct field_text *field_text(enum field_type type) {
    return &texts[type];
}

const char *field_expects(enum field_type type) {
    return expects[type] ? expects[type] : "a string";
}

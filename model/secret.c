#include "model/secret.h"

#include <string.h>

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool is_upper(char c) {
    return c >= 'A' && c <= 'Z';
}

static bool is_word(char c) {
    return is_digit(c) || is_upper(c) || (c >= 'a' && c <= 'z');
}

bool secret_key(const char *key) {
    if (!strcasestr(key, "price")) return false;
    char flat[64];
    size_t n = 0;
    for (; *key && n + 1 < sizeof flat; key++) {
        if (is_word(*key)) flat[n++] = is_upper(*key) ? (char)(*key + 32) : *key;
    }
    flat[n] = '\0';
    struct str s = {flat, n};
    return str_ends(s, "priceid") || str_ends(s, "priceids") ||
           strstr(flat, "stripeprice") != NULL;
}

struct word {
    size_t len;
    bool digit, upper;
};

/* The run of letters and digits at the start of s. */
static struct word word_at(struct str s) {
    struct word w = {0};
    for (; w.len < s.len && is_word(s.ptr[w.len]); w.len++) {
        w.digit |= is_digit(s.ptr[w.len]);
        w.upper |= is_upper(s.ptr[w.len]);
    }
    return w;
}

static bool secret_at(struct str s, bool at_start) {
    static const char *const keys[] = {
        "sk_live_", "sk_test_", "rk_live_", "rk_test_", "whsec_"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        size_t n = strlen(keys[i]);
        if (str_starts(s, keys[i]) && word_at(str_slice(s, n, s.len)).len >= 8)
            return true;
    }
    if (!str_starts(s, "price_")) return false;
    struct word w = word_at(str_slice(s, 6, s.len));
    if (w.len < 8) return false;
    /* Inside a longer text, "price_comparison" is a file name. */
    return (at_start && 6 + w.len == s.len) || (w.digit && w.upper);
}

bool secret_text(struct str s) {
    s = str_trim(s);
    const char *end = s.ptr + s.len, *p = s.ptr;
    while (p < end && (p = memchr(p, '_', (size_t)(end - p)))) {
        const char *word = p++;
        while (word > s.ptr && is_word(word[-1])) word--;
        if (secret_at((struct str){word, (size_t)(end - word)}, word == s.ptr))
            return true;
    }
    return false;
}

static json_t *strip_object(const json_t *value) {
    json_t *copy = json_object();
    const char *key;
    json_t *v;
    json_object_foreach((json_t *)value, key, v) {
        json_t *kept =
            secret_key(key) || secret_text(str_from(key)) ? NULL : secret_strip(v);
        if (kept) json_object_set_new(copy, key, kept);
    }
    return copy;
}

json_t *secret_strip(const json_t *value) {
    if (json_is_object(value)) return strip_object(value);
    if (json_is_array(value)) {
        json_t *copy = json_array();
        for (size_t i = 0; i < json_array_size(value); i++) {
            json_t *kept = secret_strip(json_array_get(value, i));
            if (kept) json_array_append_new(copy, kept);
        }
        return copy;
    }
    struct str s = {json_string_value(value), json_string_length(value)};
    return json_is_string(value) && secret_text(s) ? NULL : json_copy((json_t *)value);
}

#include "api/form.h"

#include <strings.h>

static int hex(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A % without two digits stands for itself, as browsers have it. */
static struct str decode(struct arena *a, struct str s) {
    char *out = arena_alloc(a, s.len + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++) {
        bool escaped = s.ptr[i] == '%' && i + 2 < s.len && hex(s.ptr[i + 1]) >= 0 &&
                       hex(s.ptr[i + 2]) >= 0;
        if (escaped) {
            out[n++] = (char)(hex(s.ptr[i + 1]) * 16 + hex(s.ptr[i + 2]));
            i += 2;
        } else
            out[n++] = s.ptr[i] == '+' ? ' ' : s.ptr[i];
    }
    return (struct str){out, n};
}

bool form_is(const char *type) {
    static const char form[] = "application/x-www-form-urlencoded";
    return type && !strncasecmp(type, form, sizeof form - 1) &&
           strchr("; \t", type[sizeof form - 1]);
}

char *form_value(struct arena *a, struct str body, const char *name) {
    struct str field, key, rest = body;
    size_t bad;
    while (str_cut(&rest, '&', &field)) {
        if (!str_cut(&field, '=', &key) || !str_is(decode(a, key), name)) continue;
        struct str value = decode(a, field);
        bool text = str_is_utf8(value, &bad) && !memchr(value.ptr, 0, value.len);
        return text ? arena_str(a, value) : NULL;
    }
    return NULL;
}

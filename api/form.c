#include "api/form.h"

static int digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    c = (char)(c | 32);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static char *decode(struct arena *a, struct str s) {
    char *out = arena_alloc(a, s.len + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++) {
        int c = (unsigned char)s.ptr[i];
        if (c == '+') c = ' ';
        if (c == '%') {
            int high = i + 2 < s.len ? digit(s.ptr[i + 1]) : -1;
            int low = i + 2 < s.len ? digit(s.ptr[i + 2]) : -1;
            c = high < 0 || low < 0 ? 0 : high * 16 + low;
            i += 2;
        }
        if (!c) return NULL;
        out[n++] = (char)c;
    }
    return str_is_utf8((struct str){out, n}, &(size_t){0}) ? out : NULL;
}

char *form_field(struct arena *a, struct str body, const char *name) {
    struct str pair, key;
    while (str_cut(&body, '&', &pair)) {
        str_cut(&pair, '=', &key);
        char *plain = decode(a, key);
        if (plain && !strcmp(plain, name))
            return pair.ptr ? decode(a, pair) : arena_strdup(a, "");
    }
    return NULL;
}

/* Addresses: which are allowed, and how they are written. */
#include "model/sanitize_internal.h"

/* How many bytes of control character or white space begin at p, whichever script's. */
static size_t blank_bytes(const char *p, size_t left) {
    unsigned char a = (unsigned char)p[0], b = left > 1 ? (unsigned char)p[1] : 0;
    unsigned char c = left > 2 ? (unsigned char)p[2] : 0;
    if (a <= ' ' || a == 0x7F) return 1;
    if (a == 0xC2 && b >= 0x80 && b <= 0xA0) return 2;
    if (a == 0xE1 && b == 0x9A && c == 0x80) return 3;
    if (a == 0xE2 && b == 0x80 && (c <= 0x8F || (c >= 0xA8 && c <= 0xAF))) return 3;
    if (a == 0xE2 && b == 0x81 && c >= 0x9F && c <= 0xAF) return 3;
    if (a == 0xE3 && b == 0x80 && c == 0x80) return 3;
    if (a == 0xEF && b == 0xBB && c == 0xBF) return 3;
    return 0;
}

/* Off the ends all of it goes, inside a plain space or one of another script may stay:
 * it will be percent-encoded. */
static void put_clean(struct buf *b, struct str url) {
    size_t keep = 0;
    buf_reset(b);
    for (size_t i = 0, n; i < url.len; i += n) {
        n = blank_bytes(url.ptr + i, url.len - i);
        bool control = n && (unsigned char)url.ptr[i] < ' ';
        bool leading = n && !b->len;
        if (!n) {
            n = 1;
            while (i + n < url.len && ((unsigned char)url.ptr[i + n] & 0xC0) == 0x80)
                n++;
            buf_append(b, url.ptr + i, n);
            keep = b->len;
        } else if (!control && !leading) {
            buf_append(b, url.ptr + i, n);
        }
    }
    b->len = keep;
    if (b->ptr) b->ptr[keep] = '\0';
}

/* Letters of the scheme as the laxest reader would see them: without blanks. */
static bool take_scheme(struct str url, char scheme[16], size_t *end) {
    size_t n = 0;
    for (size_t i = 0, blank; i < url.len; i += blank ? blank : 1) {
        blank = blank_bytes(url.ptr + i, url.len - i);
        char c = url.ptr[i];
        if (blank) continue;
        if (c == '/' || c == '?' || c == '#') return false;
        if (c == ':') {
            scheme[n] = '\0';
            *end = i + 1;
            return true;
        }
        if (n < 15) scheme[n++] = c >= 'A' && c <= 'Z' ? (char)(c | 32) : c;
    }
    return false;
}

static bool has_host(struct str rest) {
    return str_starts(rest, "//") && rest.len > 2 && !strchr("/?#:@\\", rest.ptr[2]);
}

bool address_clean(struct buf *b, struct str url, bool image) {
    char scheme[16];
    size_t end;
    put_clean(b, url);
    struct str clean = buf_view(b);
    if (!clean.len) return !image && !url.len;
    if (!take_scheme(clean, scheme, &end))
        return !str_starts(clean, "//") || has_host(clean);
    struct str rest = str_slice(clean, end, clean.len);
    struct str raw = str_slice(clean, 0, end - 1);
    if (raw.len != strlen(scheme)) return false; /* blanks in it */
    if (!strcmp(scheme, "http") || !strcmp(scheme, "https")) return has_host(rest);
    return !image && rest.len && (!strcmp(scheme, "mailto") || !strcmp(scheme, "tel"));
}

bool address_is_external(struct str url) {
    char scheme[16];
    size_t end;
    if (str_starts(url, "//")) return true;
    return take_scheme(url, scheme, &end) && !strncmp(scheme, "http", 4);
}

void address_write(struct buf *b, struct str url) {
    size_t from = 0;
    for (size_t i = 0; i < url.len; i++) {
        unsigned char c = (unsigned char)url.ptr[i];
        bool plain = c > ' ' && c < 0x7F && !strchr("\"&'<>\\^`{|}", c);
        if (plain) continue;
        buf_append(b, url.ptr + from, i - from);
        from = i + 1;
        if (c == '&')
            buf_cstr(b, "&amp;");
        else
            buf_printf(b, "%%%02X", c);
    }
    buf_append(b, url.ptr + from, url.len - from);
}

#include <string.h>

#include "base/file.h"
#include "generator/edge_apply.h"
#include "generator/edge_nginx.h"

static const struct {
    const char *type, *suffixes;
    bool charset; /* "; charset=utf-8" is added: charset_types of the server */
} types[] = {
    {"text/html", "html htm", true},
    {"text/css", "css", true},
    {"text/javascript", "js mjs", true},
    {"text/markdown", "md markdown", true},
    {"text/plain", "txt", true},
    {"text/csv", "csv", true},
    {"text/calendar", "ics", true},
    {"text/vcard", "vcf", true},
    {"text/vtt", "vtt", true},
    {"application/xml", "xml xsl", true},
    {"application/atom+xml", "atom", false},
    {"application/rss+xml", "rss", false},
    {"application/json", "json map", false},
    {"application/ld+json", "jsonld", false},
    {"application/manifest+json", "webmanifest", false},
    {"application/wasm", "wasm", false},
    {"application/pdf", "pdf", false},
    {"application/zip", "zip", false},
    {"application/gzip", "gz tgz", false},
    {"image/svg+xml", "svg", false},
    {"image/png", "png", false},
    {"image/jpeg", "jpg jpeg", false},
    {"image/gif", "gif", false},
    {"image/webp", "webp", false},
    {"image/avif", "avif", false},
    {"image/x-icon", "ico", false},
    {"font/woff2", "woff2", false},
    {"font/woff", "woff", false},
    {"font/ttf", "ttf", false},
    {"font/otf", "otf", false},
    {"audio/mpeg", "mp3", false},
    {"audio/ogg", "ogg", false},
    {"audio/wav", "wav", false},
    {"video/mp4", "mp4 m4v", false},
    {"video/webm", "webm", false},
};
#define N_TYPES (sizeof types / sizeof *types)

void nginx_types(struct buf *out) {
    buf_cstr(out, "types {\n");
    for (size_t i = 0; i < N_TYPES; i++)
        buf_printf(out, "    %-26s %s;\n", types[i].type, types[i].suffixes);
    buf_cstr(out, "}\n");
}

void nginx_charset(struct buf *out) {
    /* text/html always is one of them, and nginx warns when it is named. */
    buf_cstr(out, "    charset utf-8;\n    charset_types");
    for (size_t i = 1; i < N_TYPES; i++)
        if (types[i].charset) buf_printf(out, " %s", types[i].type);
    buf_cstr(out, ";\n");
}

char *edge_type(struct arena *a, struct str path) {
    struct str base = path_base(path), suffix = path_suffix(path), one;
    if (str_is(path, "/feed.xml")) return arena_strdup(a, "application/atom+xml");
    if (str_is(path, "/feed.json")) return arena_strdup(a, "application/feed+json");
    for (size_t i = 0; suffix.len && suffix.len < base.len && i < N_TYPES; i++) {
        struct str rest = str_from(types[i].suffixes);
        while (str_cut(&rest, ' ', &one))
            if (str_equal(one, suffix))
                return arena_printf(a, "%s%s", types[i].type,
                    types[i].charset ? "; charset=utf-8" : "");
    }
    return arena_strdup(a, "application/octet-stream");
}

bool nginx_type_is_default(struct str path, struct str type) {
    struct arena a;
    arena_init(&a);
    const char *known = edge_type(&a, path);
    bool same = strcmp(known, "application/octet-stream") && str_is(type, known);
    arena_dispose(&a);
    return same;
}

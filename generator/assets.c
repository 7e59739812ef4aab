#include "generator/assets.h"

#include <string.h>

#include "base/crypto.h"
#include "base/mem.h"

#define ASSET_MAX (25u << 20) /* Cloudflare Pages takes files up to 25 MiB */
#define CSS_DEPTH 8           /* style sheets that import each other */

char *fingerprint_path(struct arena *a, struct str path, const char *hex) {
    struct str suffix = path_suffix(path);
    size_t stem = path.len - (suffix.len ? suffix.len + 1 : 0);
    return arena_printf(a, "%.*s.%.*s%s%.*s", (int)stem, path.ptr, FINGERPRINT_LEN, hex,
        suffix.len ? "." : "", STR_ARG(suffix));
}

bool names_put(json_t *tree, struct str path, json_t *value) {
    struct str suffix = path_suffix(path);
    size_t last = suffix.len ? path.len - suffix.len - 1 : path.len;
    struct str rest = str_slice(path, 0, last), part, next;
    bool more = str_cut(&rest, '/', &part);
    while (more) {
        more = str_cut(&rest, '/', &next);
        if (!more && !suffix.len) break;
        json_t *child = json_object_getn(tree, part.ptr, part.len);
        if (!child) {
            child = json_object();
            json_object_setn_new_nocheck(tree, part.ptr, part.len, child);
        }
        if (!json_is_object(child)) {
            json_decref(value);
            return false;
        }
        tree = child;
        if (more) part = next;
    }
    if (suffix.len) part = suffix;
    json_object_setn_new_nocheck(tree, part.ptr, part.len, value);
    return true;
}

/* ---- style sheets ---- */

struct css_job {
    struct theme *theme;
    struct diag_list *diags;
    unsigned depth;
    struct str text; /* of the style sheet at hand */
};

static struct asset *asset_find(struct theme *t, const char *path) {
    for (size_t i = 0; i < t->n_assets; i++)
        if (!strcmp(t->assets[i].path, path)) return &t->assets[i];
    return NULL;
}

static void asset_fingerprint(struct asset *as, const struct css_job *job);

static void report_missing(const struct asset *from, struct str target,
    const char *wanted, const struct css_job *job) {
    unsigned line, col;
    str_line_col(job->text, (size_t)(target.ptr - job->text.ptr), &line, &col);
    diag_add(job->diags, DIAG_ERROR, DIAG_AT(from->file->file, line, col),
        "url(" STR_FMT "): the theme has no assets/%s", STR_ARG(target), wanted);
}

/* Writes the reference `target` of `from`: the fingerprinted URL of an asset, anything
 * else as it is. */
static void write_reference(struct buf *out, const struct asset *from,
    struct str target, const struct css_job *job) {
    size_t end = 0;
    while (end < target.len && target.ptr[end] != '?' && target.ptr[end] != '#') end++;
    struct str path = str_slice(target, 0, end);
    char *full =
        path.len && path.ptr[0] != '/' && !str_find(path, ":", &(size_t){0})
            ? path_resolve(&job->theme->arena, path_dir(str_from(from->path)), path)
            : NULL;
    struct asset *to = full ? asset_find(job->theme, full) : NULL;
    if (full && !to) report_missing(from, target, full, job);
    if (!to || to == from) {
        buf_str(out, target);
        return;
    }
    asset_fingerprint(to, job);
    buf_cstr(out, to->url);
    buf_str(out, str_slice(target, end, target.len));
}

static struct str strip_quotes(struct str s) {
    s = str_trim(s);
    if (s.len >= 2 && (s.ptr[0] == '"' || s.ptr[0] == '\'') &&
        s.ptr[s.len - 1] == s.ptr[0])
        return str_slice(s, 1, s.len - 1);
    return s;
}

/* Copies all up to the next reference that is not in a comment; false: all there is. */
static bool css_next_url(struct buf *out, struct str *css) {
    size_t at, comment, end;
    for (;;) {
        bool found = str_find(*css, "url(", &at);
        size_t to = found ? at + strlen("url(") : css->len;
        bool inside = str_find(str_slice(*css, 0, to), "/*", &comment);
        if (inside) {
            struct str rest = str_slice(*css, comment + 2, css->len);
            to = str_find(rest, "*/", &end) ? comment + 2 + end + 2 : css->len;
        }
        buf_str(out, str_slice(*css, 0, to));
        *css = str_slice(*css, to, css->len);
        if (!inside) return found;
    }
}

static void rewrite_css(struct buf *out, const struct asset *from, struct str css,
    const struct css_job *job) {
    while (css_next_url(out, &css)) {
        size_t close;
        if (!str_find_char(css, ')', &close)) break;
        struct str target = strip_quotes(str_slice(css, 0, close));
        buf_char(out, '"');
        write_reference(out, from, target, job);
        buf_char(out, '"');
        css = str_slice(css, close, css.len);
    }
    buf_str(out, css);
}

/* ---- every asset ---- */

static void asset_name(struct asset *as, struct arena *a, struct str bytes) {
    char hex[SHA256_HEX_SIZE];
    sha256_hex(bytes, hex);
    char *path = fingerprint_path(a, str_from(as->path), hex);
    as->output = arena_printf(a, "assets/%s", path);
    as->url = path_to_url(a, str_from(as->output));
}

static void asset_fingerprint(struct asset *as, const struct css_job *job) {
    if (as->url) return;
    struct arena *a = &job->theme->arena;
    struct css_job inner = *job;
    struct buf text, css;
    buf_init(&text, 0);
    buf_init(&css, 0);
    int err = root_read(as->file->root, as->file->rel, ASSET_MAX, &text);
    if (err) diag_unreadable(job->diags, as->file->file, err);
    inner.text = buf_view(&text);
    if (++inner.depth > CSS_DEPTH)
        diag_add(job->diags, DIAG_ERROR, DIAG_FILE(as->file->file),
            "style sheets refer to each other in a circle");
    else if (str_is(path_suffix(str_from(as->path)), "css")) {
        rewrite_css(&css, as, buf_view(&text), &inner);
        as->bytes = arena_copy(a, buf_view(&css));
    }
    if (!as->url) asset_name(as, a, as->bytes.ptr ? as->bytes : buf_view(&text));
    buf_dispose(&css);
    buf_dispose(&text);
}

void assets_load(struct theme *t, struct diag_list *diags) {
    struct theme_files files = theme_below(t, "assets/", &t->arena);
    struct css_job job = {.theme = t, .diags = diags};
    t->assets = arena_alloc(&t->arena, (files.n + 1) * sizeof *t->assets);
    t->asset_urls = json_object();
    for (; t->n_assets < files.n; t->n_assets++)
        t->assets[t->n_assets] =
            (struct asset){.path = files.items[t->n_assets]->path + strlen("assets/"),
                .file = files.items[t->n_assets]};
    for (size_t i = 0; i < t->n_assets; i++) {
        struct asset *as = &t->assets[i];
        asset_fingerprint(as, &job);
        if (!names_put(t->asset_urls, str_from(as->path), json_string(as->url)))
            diag_add(diags, DIAG_ERROR, DIAG_FILE(as->file->file),
                "its name is also that of another asset's part: rename one");
    }
}

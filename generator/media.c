#include "generator/media.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/mem.h"
#include "generator/assets.h"

#define MEDIA_MAX (25u << 20) /* Cloudflare Pages takes files up to 25 MiB */

void media_init(struct media_set *m, struct arena *a, const struct workspace *w,
    const char *tenant, struct diag_list *diags) {
    *m = (struct media_set){
        .arena = a, .workspace = w, .tenant = tenant, .diags = diags};
}

void media_dispose(struct media_set *m) {
    for (size_t i = 0; i < m->n; i++) json_drop(m->items[i]->view);
    mem_free(m->items);
    map_dispose(&m->by_source);
}

static json_t *media_json(const struct media *f) {
    json_t *v = json_object();
    json_set_str(v, "url", f->url);
    json_set_str(v, "type", f->info.type);
    json_set_int(v, "width", f->info.width);
    json_set_int(v, "height", f->info.height);
    return v;
}

/* Reads, measures and names the file. `below` is its path under the published folder.
 */
static struct media *media_load(struct media_set *m, const struct root *root,
    const char *path, const char *folder, const char *below) {
    struct buf bytes;
    buf_init(&bytes, 0);
    int err = root_read(root, path, MEDIA_MAX, &bytes);
    if (err) {
        if (err != ENOENT && err != EISDIR && err != ENOTDIR)
            diag_add(m->diags, DIAG_ERROR,
                DIAG_FILE(arena_printf(m->arena, "%s/%s", root->name, path)),
                "cannot be published: %s", file_error(err));
        buf_dispose(&bytes);
        return NULL;
    }
    char hex[SHA256_HEX_SIZE];
    sha256_hex(buf_view(&bytes), hex);
    struct media *f = arena_alloc(m->arena, sizeof *f);
    f->root = root;
    f->path = path;
    f->size = bytes.len;
    f->output = arena_printf(
        m->arena, "%s/%s", folder, fingerprint_path(m->arena, str_from(below), hex));
    f->url = path_to_url(m->arena, str_from(f->output));
    if (!image_info(buf_view(&bytes), &f->info)) f->info = (struct image_info){0};
    f->view = media_json(f);
    buf_dispose(&bytes);
    return f;
}

static struct media *media_add(struct media_set *m, const char *key, struct media *f) {
    if (!f) return NULL;
    map_set(&m->by_source, str_from(key), f);
    m->items = mem_grow(m->items, &m->cap, m->n + 1, sizeof *m->items);
    m->items[m->n++] = f;
    return f;
}

struct media *media_tenant(struct media_set *m, const char *path) {
    char *key = arena_printf(m->arena, "t:%s", path);
    struct media *known = map_get(&m->by_source, str_from(key));
    struct str p = str_from(path);
    if (known || !path_is_safe(p)) return known;
    bool in_images = str_starts(p, "images/");
    const char *below = in_images ? path + strlen("images/") : path;
    char *source = arena_printf(m->arena, "%s/%s", m->tenant, path);
    struct media *f = media_load(m, &m->workspace->tenants, source, "images", below);
    if (f && in_images) f->plain = arena_strdup(m->arena, path);
    return media_add(m, key, f);
}

static struct media *media_content(struct media_set *m, const char *rel) {
    const struct content_file *file = map_get(&m->content->files, str_from(rel));
    if (!file) return NULL;
    char *key = arena_printf(m->arena, "c:%s", rel);
    struct media *known = map_get(&m->by_source, str_from(key));
    if (known) return known;
    return media_add(
        m, key, media_load(m, &m->workspace->content, file->path, "media", rel));
}

/* Only pictures and media may be taken from a tenant's folder by name: config.json and
 * templates are not for visitors. */
static bool is_publishable(struct str path) {
    struct str suffix = path_suffix(path);
    return !str_is(suffix, "json") && !str_is(suffix, "md") &&
           !str_starts(path, "templates/") && !str_starts(path, "static/") &&
           path.ptr[0] != '.' && path.ptr[0] != '_';
}

static struct media *find_tenant_path(struct media_set *m, struct str path) {
    if (!path.len || !is_publishable(path)) return NULL;
    return media_tenant(m, arena_str(m->arena, path));
}

struct media *media_find(struct media_set *m, struct str ref, const char *dir) {
    char *own = arena_printf(m->arena, "/tenants/%s/", m->tenant);
    if (str_starts(ref, own))
        return find_tenant_path(m, str_slice(ref, strlen(own), ref.len));
    if (str_starts(ref, "/images/"))
        return find_tenant_path(m, str_slice(ref, 1, ref.len));
    if (!ref.len || ref.ptr[0] == '/') return NULL;
    if (dir && m->content) {
        char *rel = path_resolve(m->arena, str_from(dir), ref);
        struct media *beside = rel ? media_content(m, rel) : NULL;
        if (beside) return beside;
    }
    if (str_starts(ref, "./")) ref = str_slice(ref, 2, ref.len);
    return str_starts(ref, "images/") ? find_tenant_path(m, ref) : NULL;
}

bool media_is_external(struct str ref) {
    return !ref.len || str_starts(ref, "https://") || str_starts(ref, "http://") ||
           str_starts(ref, "data:") || str_starts(ref, "//");
}

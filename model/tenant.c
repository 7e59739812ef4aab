#include "model/tenant.h"

#include <errno.h>
#include <string.h>

#include "model/hosts.h"
#include "model/secret.h"
#include "model/tenant_check.h"
#include "model/tenant_table.h"

#define CONFIG_MAX ((size_t)1024 * 1024)

const char *tenant_url_host(struct arena *a, const char *url) {
    struct str rest = str_from(url);
    size_t at;
    if (!str_find(rest, "://", &at)) return NULL;
    rest = str_slice(rest, at + 3, rest.len);
    if (str_find_char(rest, '/', &at)) rest.len = at;
    return host_clean(a, rest);
}

static bool lists_domain(const struct tenant *t, const char *name) {
    for (size_t i = 0; i < t->n_domains; i++) {
        if (strcmp(t->domains[i], name) == 0) return true;
    }
    return false;
}

static void fill_domains(struct tenant *t) {
    const json_t *list = json_object_get(t->config, "domains");
    size_t n = json_array_size(list);
    t->domains = arena_alloc(&t->arena, n * sizeof *t->domains);
    for (size_t i = 0; i < n; i++) {
        const json_t *v = json_array_get(list, i);
        struct str text = {json_string_value(v), json_string_length(v)};
        const char *name = json_is_string(v) ? host_clean(&t->arena, text) : NULL;
        if (name && !lists_domain(t, name)) t->domains[t->n_domains++] = name;
    }
}

static void fill_canonical(struct tenant *t) {
    const char *url = json_path_string(t->config, "meta.url");
    const char *host = url ? tenant_url_host(&t->arena, url) : NULL;
    if (!t->n_domains) return;
    t->canonical = host && lists_domain(t, host) ? host : t->domains[0];
    t->url = arena_printf(&t->arena, "https://%s", t->canonical);
}

static void fill(struct tenant *t) {
    const char *theme = json_path_string(t->config, "theme.name");
    const char *aliases = json_path_string(t->config, "aliases");
    fill_domains(t);
    fill_canonical(t);
    if (theme && tenant_id_valid(str_from(theme)))
        t->theme = arena_strdup(&t->arena, theme);
    t->mirror = aliases && strcmp(aliases, "mirror") == 0;
}

static void start(struct tenant *t, const char *folder, const char *id) {
    *t = (struct tenant){.theme = "default"};
    arena_init(&t->arena);
    t->id = arena_strdup(&t->arena, id);
    t->file = arena_printf(&t->arena, "%s/%s/config.json", folder, id);
    t->text = str_from("");
}

static bool understand(struct tenant *t, struct str text, struct diag_list *diags) {
    t->text = arena_copy(&t->arena, text);
    t->config = json_parse(t->text, t->file, diags);
    if (!t->config) return false;
    fill(t);
    return tenant_check(t, diags);
}

bool tenant_parse(
    struct tenant *t, const char *id, struct str text, struct diag_list *diags) {
    start(t, "tenants", id);
    return understand(t, text, diags);
}

static void report_unreadable(
    const struct tenant *t, const char *folder, int err, struct diag_list *diags) {
    if (err == ENOENT) {
        const char *place = arena_printf(&diags->arena, "%s/%s", folder, t->id);
        diag_add(diags, DIAG_ERROR, DIAG_FILE(place),
            "there is no config.json in this folder; a tenant needs one");
    } else if (err == EFBIG) {
        diag_add(diags, DIAG_ERROR, DIAG_FILE(t->file),
            "larger than 1 MiB; a configuration is a few KiB");
    } else {
        diag_unreadable(diags, t->file, err);
    }
}

bool tenant_load(struct tenant *t, const struct root *tenants, const char *id,
    struct diag_list *diags) {
    struct buf text;
    start(t, tenants->name, id);
    buf_init(&text, 0);
    const char *path = arena_printf(&t->arena, "%s/config.json", id);
    int err = root_read(tenants, path, CONFIG_MAX, &text);
    bool ok = !err && understand(t, buf_view(&text), diags);
    if (err) report_unreadable(t, tenants->name, err, diags);
    buf_dispose(&text);
    return ok;
}

void tenant_dispose(struct tenant *t) {
    json_drop(t->config);
    arena_dispose(&t->arena);
    *t = (struct tenant){0};
}

struct diag_place tenant_place(const struct tenant *t, const char *pointer, bool key) {
    struct diag_place place = DIAG_FILE(t->file);
    char at[1024];
    struct str p = str_slice(str_from(pointer), 0, sizeof at - 1);
    /* What is not in the file has the place of what would hold it. */
    for (;;) {
        memcpy(at, p.ptr, p.len);
        at[p.len] = '\0';
        if (json_locate(t->text, at, key, &place.line, &place.col)) return place;
        if (!p.len) return DIAG_FILE(t->file);
        while (p.len && p.ptr[--p.len] != '/') continue;
        key = false;
    }
}

/* ---- the public part ---- */

static json_t *public_value(const struct field *f, const json_t *value);

static json_t *public_object(const struct field *f, const json_t *object) {
    json_t *copy = json_object();
    for (const struct field *g = NULL; (g = field_next(f, g));) {
        const json_t *member = json_object_get(object, field_name(g));
        json_t *kept =
            member && (g->flags & FIELD_PUBLIC) ? public_value(g, member) : NULL;
        if (kept) json_object_set_new(copy, field_name(g), kept);
    }
    return copy;
}

static json_t *public_list(const struct field *f, const json_t *list) {
    const struct field *item = field_find(f, "-");
    json_t *copy = json_array();
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *kept = public_value(item, json_array_get(list, i));
        if (kept) json_array_append_new(copy, kept);
    }
    return copy;
}

static json_t *public_flags(const json_t *flags) {
    json_t *copy = json_object(), *flag;
    const char *name;
    json_object_foreach((json_t *)flags, name, flag) {
        if (json_is_boolean(flag)) json_object_set(copy, name, flag);
    }
    return copy;
}

/* NULL: nothing to publish.  What has another shape than the table says stays private.
 */
static json_t *public_value(const struct field *f, const json_t *value) {
    if (f->type == FIELD_OBJECT)
        return json_is_object(value) ? public_object(f, value) : NULL;
    if (f->type == FIELD_LIST)
        return json_is_array(value) ? public_list(f, value) : NULL;
    if (f->type == FIELD_FLAGS)
        return json_is_object(value) ? public_flags(value) : NULL;
    return json_is_object(value) || json_is_array(value) ? NULL : secret_strip(value);
}

json_t *tenant_public(const struct tenant *t, const json_t *pricing) {
    const struct field *root = field_root();
    json_t *copy = public_object(root, t->config);
    json_t *shown = json_is_object(pricing)
                        ? public_object(field_find(root, "pricing"), pricing)
                        : NULL;
    if (shown)
        json_object_set_new(copy, "pricing", shown);
    else
        json_object_del(copy, "pricing");
    return copy;
}

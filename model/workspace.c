#include "model/workspace.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "model/tenant.h"

static const char settings_file[] = "tenantry.json";
#define SETTINGS_MAX ((size_t)1024 * 1024)

/* What reading tenantry.json needs in every step. */
struct settings {
    struct workspace *w;
    struct str text;
    struct diag_list *diags;
};

static struct diag_place settings_place(
    const struct settings *s, const char *pointer, bool key) {
    struct diag_place at = DIAG_FILE(settings_file);
    if (!json_locate(s->text, pointer, key, &at.line, &at.col)) at.line = at.col = 0;
    return at;
}

static bool wrong(const struct settings *s, const char *pointer, const char *expected) {
    const char *name = json_pointer_human(&s->w->arena, pointer);
    diag_add(s->diags, DIAG_ERROR, settings_place(s, pointer, false), "%s: expected %s",
        *name ? name : "the settings", expected);
    return false;
}

static bool has_tenant(const struct workspace *w, const char *id) {
    for (size_t i = 0; i < w->n_ids; i++) {
        if (strcmp(w->ids[i], id) == 0) return true;
    }
    return false;
}

static void add_pointer_part(struct buf *b, const char *key) {
    for (const char *p = key; *p; p++) {
        if (*p == '~' || *p == '/')
            buf_cstr(b, *p == '~' ? "~0" : "~1");
        else
            buf_char(b, *p);
    }
}

static bool set_default(const struct settings *s, const json_t *value) {
    struct workspace *w = s->w;
    const char *id = json_string_value(value);
    if (!id) return wrong(s, "/defaultTenant", "the id of a tenant, such as \"acme\"");
    w->default_tenant = arena_strdup(&w->arena, id);
    if (has_tenant(w, id)) return true;
    const char *near = diag_suggest(str_from(id), w->ids, w->n_ids);
    diag_add(s->diags, DIAG_ERROR, settings_place(s, "/defaultTenant", false),
        "defaultTenant: there is no folder tenants/%s%s%s%s", id,
        near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    return false;
}

static bool set_trust(const struct settings *s, const json_t *value) {
    s->w->trust_html = json_is_true(value);
    return json_is_boolean(value) || wrong(s, "/trustEditors", "true or false");
}

static bool set_external(const struct settings *s, const json_t *value) {
    static const char expected[] =
        "a list of paths that begin with /, such as [\"/app\"]";
    struct workspace *w = s->w;
    if (!json_is_array(value)) return wrong(s, "/externalPaths", expected);
    bool ok = true;
    size_t n = json_array_size(value);
    w->external_paths = arena_alloc(&w->arena, n * sizeof *w->external_paths);
    for (size_t i = 0; i < n; i++) {
        const char *path = json_string_value(json_array_get(value, i));
        if (path && path[0] == '/') {
            w->external_paths[w->n_external_paths++] = arena_strdup(&w->arena, path);
            continue;
        }
        const char *at = arena_printf(&w->arena, "/externalPaths/%zu", i);
        ok = wrong(s, at, "a path that begins with /, such as \"/app\"");
    }
    return ok;
}

/* Only such names: any other variable may hold a secret, and would be sent out. */
static bool is_price_name(struct str name) {
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        if (!(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') && c != '_')
            return false;
    }
    return str_starts(name, "STRIPE_") && str_ends(name, "_PRICE_ID") &&
           name.len > strlen("STRIPE__PRICE_ID");
}

static bool set_price_names(const struct settings *s, const json_t *value) {
    static const char expected[] = "an object of plans and names of variables, such as "
                                   "{\"duckling\": \"STRIPE_DUCKLING_PRICE_ID\"}";
    const char *plan;
    json_t *name;
    bool ok = true;
    if (!json_is_object(value)) return wrong(s, "/stripePriceNames", expected);
    json_object_foreach((json_t *)value, plan, name) {
        struct buf at;
        buf_init(&at, 0);
        buf_cstr(&at, "/stripePriceNames/");
        add_pointer_part(&at, plan);
        if (!json_is_string(name) || !is_price_name(str_from(json_string_value(name))))
            ok = wrong(s, at.ptr,
                "the name of a variable such as \"STRIPE_DUCKLING_PRICE_ID\"");
        buf_dispose(&at);
    }
    if (ok) s->w->price_names = json_deep_copy(value);
    return ok;
}

static bool set_nothing(const struct settings *s, const json_t *value) {
    (void)s;
    (void)value;
    return true;
}

static const struct setting {
    const char *key;
    bool (*set)(const struct settings *s, const json_t *value);
} known[] = {
    {"$schema", set_nothing},
    {"defaultTenant", set_default},
    {"externalPaths", set_external},
    {"stripePriceNames", set_price_names},
    {"trustEditors", set_trust},
};
enum { N_KNOWN = sizeof known / sizeof *known };

static void report_unknown(const struct settings *s, const char *key) {
    const char *names[N_KNOWN];
    for (size_t i = 0; i < N_KNOWN; i++) names[i] = known[i].key;
    const char *near = diag_suggest(str_from(key), names, N_KNOWN);
    struct buf pointer;
    buf_init(&pointer, 0);
    buf_char(&pointer, '/');
    add_pointer_part(&pointer, key);
    diag_add(s->diags, DIAG_WARNING, settings_place(s, pointer.ptr, true),
        "%s: unknown key%s%s%s", key, near ? "; did you mean \"" : "", near ? near : "",
        near ? "\"?" : "");
    buf_dispose(&pointer);
}

static bool apply(const struct settings *s, json_t *object) {
    bool ok = true;
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value) {
        const struct setting *k = known;
        while (k < known + N_KNOWN && strcmp(k->key, key) != 0) k++;
        if (k == known + N_KNOWN)
            report_unknown(s, key);
        else
            ok &= k->set(s, value);
    }
    return ok;
}

static bool read_settings(struct workspace *w, struct diag_list *diags) {
    struct buf text;
    buf_init(&text, 0);
    bool ok = true;
    int err = root_read(&w->dir, settings_file, SETTINGS_MAX, &text);
    if (!err) {
        struct settings s = {w, buf_view(&text), diags};
        json_t *value = json_parse(s.text, settings_file, diags);
        ok = value && (json_is_object(value) ? apply(&s, value)
                                             : wrong(&s, "", "an object, such as {}"));
        json_decref(value);
    } else if (err != ENOENT) {
        diag_unreadable(diags, settings_file, err);
        ok = false;
    }
    buf_dispose(&text);
    return ok;
}

static void check_folder(struct workspace *w, const char *id, struct diag_list *diags) {
    const char *folder = arena_printf(&diags->arena, "%s/%s", w->tenants.name, id);
    if (!tenant_id_valid(str_from(id))) {
        diag_add(diags, DIAG_ERROR, DIAG_FILE(folder),
            "\"%s\" cannot be the name of a tenant; use a-z, 0-9, - and _ (first a "
            "letter "
            "or digit, at most 63), or begin it with _ to have it passed over",
            id);
        w->unclear = true;
    }
}

/* A link that leads out of tenants/ cannot be read, which is better said than passed
 * over. */
static bool is_folder(const struct workspace *w, const struct file_entry *e) {
    struct stat st;
    return e->dir ||
           (fstatat(w->tenants.fd, e->path, &st, 0) == 0 && S_ISDIR(st.st_mode));
}

static bool list_tenants(struct workspace *w, struct diag_list *diags) {
    struct file_list list = {0};
    int err = file_list_dir(&w->tenants, ".", &w->arena, &list);
    if (err) {
        diag_unreadable(diags, w->tenants.name, err);
        return false;
    }
    w->ids = arena_alloc(&w->arena, list.n * sizeof *w->ids);
    for (size_t i = 0; i < list.n; i++) {
        const char *name = list.items[i].path;
        if (name[0] == '.' || name[0] == '_' || !is_folder(w, &list.items[i])) continue;
        check_folder(w, name, diags);
        /* One without config.json is still a tenant, so that its site is not removed.
         */
        if (tenant_id_valid(str_from(name))) w->ids[w->n_ids++] = name;
    }
    if (w->n_ids) w->default_tenant = w->ids[0];
    return true;
}

static bool open_root(struct root *r, int dir_fd, const char *path, const char *name,
    bool required, struct diag_list *diags) {
    int err = root_open(r, dir_fd, path, name);
    if (!err || (err == ENOENT && !required)) return true;
    if (err == ENOENT)
        diag_add(diags, DIAG_ERROR, DIAG_NOWHERE, "%s: there is no such folder", name);
    else
        diag_unreadable(diags, name, err);
    return false;
}

static bool open_tenants(struct workspace *w, struct diag_list *diags) {
    if (!open_root(&w->tenants, w->dir.fd, "tenants", "tenants", false, diags))
        return false;
    if (w->tenants.fd >= 0) return true;
    diag_add(diags, DIAG_ERROR, DIAG_NOWHERE,
        "there is no folder \"tenants\" in \"%s\": a workspace has one, with a folder "
        "for "
        "each tenant (-C names the workspace)",
        w->dir.name);
    return false;
}

static bool open_folders(
    struct workspace *w, const char *templates, struct diag_list *diags) {
    bool ok = open_tenants(w, diags);
    ok &= open_root(&w->content, w->dir.fd, "content", "content", false, diags);
    const char *name = templates ? arena_strdup(&w->arena, templates) : "templates";
    ok &= open_root(&w->templates, templates ? AT_FDCWD : w->dir.fd, name, name,
        templates != NULL, diags);
    w->tenants.fenced = w->content.fenced = true;
    return ok;
}

bool workspace_open(struct workspace *w, const char *dir, const char *templates,
    struct diag_list *diags) {
    static const struct root closed = {.fd = -1};
    *w = (struct workspace){
        .dir = closed, .tenants = closed, .content = closed, .templates = closed};
    arena_init(&w->arena);
    const char *name = arena_strdup(&w->arena, dir);
    if (!open_root(&w->dir, AT_FDCWD, dir, name, true, diags)) return false;
    if (!open_folders(w, templates, diags)) return false;
    bool ok = list_tenants(w, diags);
    return read_settings(w, diags) && ok;
}

void workspace_close(struct workspace *w) {
    struct root *all[] = {&w->dir, &w->tenants, &w->content, &w->templates};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (all[i]->fd >= 0) root_close(all[i]);
    }
    json_decref(w->price_names);
    arena_dispose(&w->arena);
    *w = (struct workspace){0};
}

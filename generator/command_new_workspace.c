/* tenantry new workspace: a folder in which `tenantry build` works at once. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/slug.h"
#include "generator/build.h"
#include "generator/command_new.h"
#include "generator/content.h"
#include "model/tenant.h"

#define FILE_MAX (16u << 20) /* bytes of one file of the theme */

#ifndef TENANTRY_SHARE
#define TENANTRY_SHARE "/usr/local/share/tenantry"
#endif

/* ---- the default theme ---- */

static bool open_themes(struct root *r, const char *folder) {
    struct stat st;
    if (root_open(r, AT_FDCWD, folder, folder)) return false;
    int fd = root_open_file(r, "default/site/index.html", &st);
    if (fd >= 0) close(fd);
    if (fd < 0) root_close(r);
    return fd >= 0;
}

/* The folder `levels` above the program's file. */
static const char *above_program(struct maker *m, unsigned levels) {
    char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    if (n < 0) return ".";
    path[n] = 0;
    while (levels--) {
        char *slash = strrchr(path, '/');
        if (slash) *slash = 0;
    }
    return arena_strdup(&m->arena, path);
}

/* What lies beside the program comes first: it fits its version. */
static bool find_themes(struct maker *m, struct root *r) {
    if (m->options->templates) {
        if (open_themes(r, m->options->templates)) return true;
        diag_add(&m->diags, DIAG_ERROR, DIAG_FILE(m->options->templates),
            "there is no theme \"default\" in this folder");
        return false;
    }
    const char *prefix = above_program(m, 2);
    const char *folders[] = {
        arena_printf(&m->arena, "%s/share/tenantry/templates", prefix),
        arena_printf(&m->arena, "%s/templates", prefix), TENANTRY_SHARE "/templates"};
    for (size_t i = 0; i < 3; i++)
        if (open_themes(r, folders[i])) return true;
    diag_add(&m->diags, DIAG_ERROR, DIAG_NOWHERE,
        "the default theme is not where it was installed (%s, or beside the program in "
        "%s); "
        "name its folder with --templates",
        TENANTRY_SHARE "/templates", folders[0]);
    return false;
}

static bool add_theme_file(
    struct maker *m, const struct root *from, const char *path, const char *to) {
    struct buf bytes;
    buf_init(&bytes, 0);
    int err = root_read(from, path, FILE_MAX, &bytes);
    if (!err) {
        maker_add(m, to, arena_copy(&m->arena, buf_view(&bytes)));
        m->files[m->n_files - 1].minor = true;
    } else
        diag_unreadable(&m->diags, path, err);
    buf_dispose(&bytes);
    return !err;
}

static bool add_theme(struct maker *m, const char *prefix) {
    struct root themes;
    struct file_list list = {0};
    if (!find_themes(m, &themes)) return false;
    bool ok = !file_walk(&themes, "default", false, &m->arena, &list);
    for (size_t i = 0; i < list.n && ok; i++) {
        const char *path = arena_printf(&m->arena, "default/%s", list.items[i].path);
        ok = add_theme_file(
            m, &themes, path, arena_printf(&m->arena, "%stemplates/%s", prefix, path));
    }
    struct stat st;
    int fd = root_open_file(&themes, "README.md", &st);
    if (fd >= 0) close(fd);
    if (fd >= 0 && ok)
        ok = add_theme_file(m, &themes, "README.md",
            arena_printf(&m->arena, "%stemplates/README.md", prefix));
    root_close(&themes);
    m->minor = arena_printf(&m->arena,
        "%stemplates/default/, %zu files: the default theme", prefix, list.n);
    return ok;
}

/* ---- the workspace ---- */

/* The first tenant is called as its folder. */
static const char *first_id(struct maker *m, const char *dir) {
    const char *path = arena_printf(&m->arena, "%s/%s", m->options->dir, dir);
    char *real = realpath(dir[0] == '/' ? dir : path, NULL);
    struct str name = str_from(real ? real : dir);
    while (name.len && name.ptr[name.len - 1] == '/') name.len--;
    name = path_base(name);
    struct str id = str_from(slug_make(&m->arena, str_slice(name, 0, 63)));
    free(real);
    return str_is(id, "x") ? "site" : arena_str(&m->arena, id);
}

static void add_settings(struct maker *m, const char *prefix, const char *id) {
    struct arena *a = &m->arena;
    struct buf t;
    buf_init(&t, 0);
    buf_printf(&t, "{\n  \"defaultTenant\": \"%s\"\n}\n", id);
    maker_add_buf(m, arena_printf(a, "%stenantry.json", prefix), &t);
    tenant_schema_json(&t);
    maker_add_buf(m, arena_printf(a, "%sconfig.schema.json", prefix), &t);
    maker_add(m, arena_printf(a, "%s.gitignore", prefix), STR("/out/\n"));
}

/* As a shell reads it. */
static const char *quoted(struct maker *m, struct str path) {
    bool plain = true;
    for (size_t i = 0; i < path.len; i++)
        plain &= path.ptr[i] && !strchr(" \t\"'`$&|;<>()*?[]{}~!#\\", path.ptr[i]);
    struct str rest = path, part;
    struct buf b;
    if (plain) return arena_str(&m->arena, path);
    buf_init(&b, 0);
    while (str_cut(&rest, '\'', &part)) {
        if (b.len) buf_cstr(&b, "\\'");
        buf_printf(&b, "'" STR_FMT "'", STR_ARG(part));
    }
    char *text = arena_str(&m->arena, buf_view(&b));
    buf_dispose(&b);
    return text;
}

static bool is_new(struct maker *m, const char *dir, const char *prefix) {
    static const char *const signs[] = {"tenantry.json", "tenants"};
    for (size_t i = 0; i < 2; i++) {
        struct stat st;
        const char *path = arena_printf(&m->arena, "%s%s", prefix, signs[i]);
        if (fstatat(m->dir.fd, path, &st, AT_SYMLINK_NOFOLLOW)) continue;
        diag_add(&m->diags, DIAG_ERROR, DIAG_FILE(dir),
            "is a workspace already; add to it with: tenantry new tenant ID");
        return false;
    }
    return true;
}

/* The folder as a prefix of paths: "shop/". */
static const char *prefix_of(struct maker *m, struct str dir) {
    const char *slash = str_is(dir, "/") ? "" : "/";
    return arena_printf(&m->arena, STR_FMT "%s", STR_ARG(dir), slash);
}

int maker_workspace(struct maker *m, const char *dir) {
    const char *id = m->id ? m->id : first_id(m, dir);
    struct str name = str_from(dir);
    if (!tenant_id_valid(str_from(id)))
        return command_misuse(m->command,
            "\"%s\" cannot be an id: use a-z, 0-9, - and _, first a letter or digit, "
            "at "
            "most 63",
            id);
    while (name.len > 1 && name.ptr[name.len - 1] == '/') name.len--;
    const char *prefix = prefix_of(m, name);
    int code = maker_tenant_files(m, prefix, id, true);
    if (code >= 0) return code;
    add_settings(m, prefix, id);
    if (!is_new(m, dir, prefix) || !add_theme(m, prefix)) return EXIT_INPUT;
    m->next = arena_printf(&m->arena, "cd %s && tenantry build", quoted(m, name));
    return -1;
}

/* The numbered files that make the schema. */
#include <ctype.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/crypto.h"
#include "generator/database.h"

#ifndef TENANTRY_SHARE
#define TENANTRY_SHARE "/usr/local/share/tenantry"
#endif
#define FILE_MAX ((size_t)4 << 20) /* bytes of one migration */
#define NUMBER_DIGITS 4

/* The folder two levels above the program's file. */
static const char *program_prefix(struct arena *a) {
    char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    if (n < 0) return ".";
    path[n] = 0;
    for (int i = 0; i < 2; i++) {
        char *slash = strrchr(path, '/');
        if (slash) *slash = 0;
    }
    return arena_strdup(a, path);
}

/* What lies beside the program comes first: it fits its version. */
static bool find_folder(
    struct root *r, const char *given, struct arena *a, struct diag_list *diags) {
    const char *prefix = program_prefix(a);
    const char *folders[] = {arena_printf(a, "%s/share/tenantry/db/migrations", prefix),
        arena_printf(a, "%s/db/migrations", prefix), TENANTRY_SHARE "/db/migrations"};
    if (given) {
        int err = root_open(r, AT_FDCWD, given, given);
        if (!err) return true;
        diag_unreadable(diags, given, err);
        return false;
    }
    for (size_t i = 0; i < 3; i++)
        if (!root_open(r, AT_FDCWD, folders[i], folders[i])) return true;
    return database_trouble(diags, NULL,
        "the migrations are not where they were installed (%s, or beside the program "
        "in %s); name their folder with --migrations",
        folders[2], folders[1]);
}

static bool is_numbered(struct str name) {
    size_t i = 0;
    for (; i < NUMBER_DIGITS && i < name.len; i++)
        if (!isdigit((unsigned char)name.ptr[i])) return false;
    if (i + 1 >= name.len || name.ptr[i] != '_') return false;
    for (i++; i < name.len; i++)
        if (!islower((unsigned char)name.ptr[i]) &&
            !isdigit((unsigned char)name.ptr[i]) && name.ptr[i] != '_')
            return false;
    return true;
}

static bool load_file(struct migration *m, const struct root *r, const char *path,
    struct arena *a, struct diag_list *diags) {
    struct buf text;
    char digest[SHA256_HEX_SIZE];
    struct str name = str_slice(str_from(path), 0, strlen(path) - strlen(".sql"));
    *m = (struct migration){.file = arena_printf(a, "%s/%s", r->name, path)};
    if (!is_numbered(name)) {
        diag_add(diags, DIAG_ERROR, DIAG_FILE(m->file),
            "is not called like a migration: four digits, _ and a name of small "
            "letters, such as 0012_post_tags.sql");
        return false;
    }
    m->name = arena_str(a, name);
    buf_init(&text, 0);
    int err = root_read(r, path, FILE_MAX, &text);
    if (err) diag_unreadable(diags, m->file, err);
    m->text = str_from(arena_str(a, buf_view(&text)));
    sha256_hex(buf_view(&text), digest);
    m->digest = arena_strdup(a, digest);
    m->alone = str_starts(m->text, "-- tenantry: no transaction\n");
    buf_dispose(&text);
    return !err;
}

static bool same_number(const struct migration *a, const struct migration *b) {
    return !strncmp(a->name, b->name, NUMBER_DIGITS);
}

/* They come in byte order, which is that of their numbers. */
static bool load_files(struct migrations *m, const struct root *r, struct arena *a,
    struct diag_list *diags) {
    struct file_list list = {0};
    int err = file_list_dir(r, ".", a, &list);
    if (err) {
        diag_unreadable(diags, r->name, err);
        return false;
    }
    bool ok = true;
    m->items = arena_alloc(a, (list.n + 1) * sizeof *m->items);
    for (size_t i = 0; i < list.n; i++) {
        struct migration *one = &m->items[m->n];
        if (list.items[i].dir || !str_ends(str_from(list.items[i].path), ".sql"))
            continue;
        if (!load_file(one, r, list.items[i].path, a, diags)) {
            ok = false;
            continue;
        }
        if (m->n && same_number(one, one - 1)) {
            diag_add(diags, DIAG_ERROR, DIAG_FILE(one->file),
                "has the number of %s.sql; give the newer one the next free number",
                one[-1].name);
            ok = false;
        }
        m->n++;
    }
    return ok;
}

bool migrations_load(struct migrations *m, const char *folder, struct arena *a,
    struct diag_list *diags) {
    struct root r;
    *m = (struct migrations){0};
    if (!find_folder(&r, folder, a, diags)) return false;
    r.name = arena_strdup(a, r.name);
    bool ok = load_files(m, &r, a, diags);
    if (ok && !m->n) {
        diag_add(diags, DIAG_ERROR, DIAG_FILE(r.name), "holds no migrations");
        ok = false;
    }
    root_close(&r);
    m->pending = m->n;
    return ok;
}

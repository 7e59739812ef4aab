/* tenantry new */
#include "generator/command_new.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/mem.h"
#include "generator/build.h"
#include "generator/command_print.h"

#define TAKEN_SHOWN 5 /* files in the way that are named */

/* ---- gathering ---- */

void maker_add(struct maker *m, const char *path, struct str bytes) {
    m->files = mem_grow(m->files, &m->cap, m->n_files + 1, sizeof *m->files);
    m->files[m->n_files++] = (struct new_file){.path = path, .bytes = bytes};
}

void maker_add_buf(struct maker *m, const char *path, struct buf *text) {
    maker_add(m, path, arena_copy(&m->arena, buf_view(text)));
    buf_dispose(text);
}

static bool is_letter(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c & 0x80);
}

/* Text that any YAML reader takes for the same text without quotes. */
static bool is_plain(const char *s) {
    static const char *const words[] = {
        "true", "false", "null", "yes", "no", "on", "off", "y", "n"};
    if (!is_letter(*s)) return false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strcasecmp(s, words[i])) return false;
    for (const char *c = s; *c; c++)
        if (!is_letter(*c) && !strchr("0123456789 .,!?()'-", *c)) return false;
    return s[strlen(s) - 1] != ' ';
}

void maker_yaml(struct buf *b, const char *key, const char *value) {
    bool plain = is_plain(value);
    buf_printf(b, "%s: %s", key, plain ? value : "\"");
    if (!plain) buf_json(b, str_from(value), false);
    buf_cstr(b, plain ? "\n" : "\"\n");
}

/* ---- writing ---- */

/* Reports what is there already: nothing is ever written over. */
static bool all_free(struct maker *m) {
    size_t taken = 0;
    for (size_t i = 0; i < m->n_files; i++) {
        struct stat st;
        const char *path = m->files[i].path;
        if (fstatat(m->dir.fd, path, &st, AT_SYMLINK_NOFOLLOW)) continue;
        if (taken++ < TAKEN_SHOWN)
            diag_add(&m->diags, DIAG_ERROR, DIAG_FILE(path),
                "is there already; nothing was written");
    }
    if (taken > TAKEN_SHOWN)
        diag_add(&m->diags, DIAG_ERROR, DIAG_NOWHERE, "and %zu more are there already",
            taken - TAKEN_SHOWN);
    return !taken;
}

static void say(struct maker *m, const char *type, const char *key, const char *value) {
    if (m->options->json) {
        json_t *v = json_object();
        json_set_str(v, "type", type);
        json_set_str(v, key, value);
        print_object(v);
        json_decref(v);
    } else if (m->options->verbosity >= 0)
        printf("%s%s %s\n", type, strcmp(type, "next") ? "" : ":", value);
}

static int write_file(struct maker *m, const struct new_file *f) {
    int err = file_make_parents(m->dir.fd, f->path);
    if (!err) err = file_write_new(m->dir.fd, f->path, f->bytes);
    if (!err) return 0;
    diag_add(&m->diags, DIAG_ERROR, DIAG_FILE(f->path), "cannot be written: %s",
        file_error(err));
    return err;
}

static int write_all(struct maker *m) {
    bool all = m->options->json || m->options->verbosity > 0;
    if (!all_free(m)) return EXIT_INPUT;
    for (size_t i = 0; i < m->n_files; i++) {
        if (write_file(m, &m->files[i])) return EXIT_MACHINE;
        if (all || !m->files[i].minor) say(m, "wrote", "path", m->files[i].path);
    }
    if (m->minor && !all) say(m, "wrote", "path", m->minor);
    if (m->next) say(m, "next", "step", m->next);
    return EXIT_FINE;
}

/* ---- the command ---- */

static const struct option new_options[] = {
    {"clock", required_argument, NULL, OPT_CLOCK},
    {"templates", required_argument, NULL, OPT_TEMPLATES},
    {"domain", required_argument, NULL, OPT_EXTRA},
    {"name", required_argument, NULL, OPT_EXTRA + 1},
    {"emoji", required_argument, NULL, OPT_EXTRA + 2},
    {"color", required_argument, NULL, OPT_EXTRA + 3},
    {"slug", required_argument, NULL, OPT_EXTRA + 4},
    {"id", required_argument, NULL, OPT_EXTRA + 5},
    {0},
};

static int make_workspace(struct maker *m, char **a) {
    return maker_workspace(m, a[0]);
}
static int make_tenant(struct maker *m, char **a) {
    return maker_tenant(m, a[0]);
}
static int make_post(struct maker *m, char **a) {
    return maker_post(m, a[0], a[1]);
}
static int make_page(struct maker *m, char **a) {
    return maker_page(m, a[0], a[1]);
}

static const struct kind {
    const char *name;
    int n; /* arguments */
    const char *expected;
    int (*make)(struct maker *m, char **arguments);
} kinds[] = {
    {"workspace", 1, "a folder: new workspace DIR", make_workspace},
    {"tenant", 1, "an id: new tenant ID", make_tenant},
    {"post", 2, "a tenant and a title: new post TENANT \"TITLE\"", make_post},
    {"page", 2, "a tenant and a title: new page TENANT \"TITLE\"", make_page},
};
#define N_KINDS (sizeof kinds / sizeof *kinds)

static bool is_text(const char *s) {
    struct str text = str_from(s);
    if (!*s || !str_is_utf8(text, &(size_t){0})) return false;
    for (; *s; s++)
        if ((unsigned char)*s < ' ' || *s == 127) return false;
    return true;
}

static int make(struct maker *m, const struct kind *kind, char **arguments, int n) {
    if (n != kind->n) return command_misuse(m->command, "expected %s", kind->expected);
    for (int i = 0; i < n; i++)
        if (!is_text(arguments[i]))
            return command_misuse(
                m->command, "\"%s\" is not a line of text in UTF-8", arguments[i]);
    int err = root_open(&m->dir, AT_FDCWD, m->options->dir, m->options->dir);
    if (err) {
        diag_add(&m->diags, DIAG_ERROR, DIAG_FILE(m->options->dir),
            "cannot be opened: %s", file_error(err));
        return EXIT_INPUT;
    }
    int code = kind->make(m, arguments);
    return code < 0 ? write_all(m) : code;
}

static int choose(
    const struct command *c, struct command_line *line, int argc, char **argv) {
    struct maker m = {.command = c, .options = &line->options, .dir = {.fd = -1}};
    const char *const *x = line->extra;
    m.domain = x[0], m.name = x[1], m.emoji = x[2], m.colour = x[3];
    m.slug = x[4], m.id = x[5];
    int first = line->first;
    const struct kind *kind = NULL;
    for (size_t i = 0; i < N_KINDS && first < argc; i++)
        if (!strcmp(kinds[i].name, argv[first])) kind = &kinds[i];
    if (!kind)
        return command_misuse(c, "%s%s%smakes a workspace, tenant, post or page",
            first < argc ? "\"" : "", first < argc ? argv[first] : "",
            first < argc ? "\" is none of what it makes; it " : "say what: it ");
    arena_init(&m.arena);
    diag_init(&m.diags);
    int code = make(&m, kind, argv + first + 1, argc - first - 1);
    print_diags(&m.diags, m.dir.fd, m.options);
    if (m.dir.fd >= 0) root_close(&m.dir);
    mem_free(m.files);
    diag_dispose(&m.diags);
    arena_dispose(&m.arena);
    return print_end(code);
}

int command_new(const struct command *c, int argc, char **argv) {
    struct command_line line;
    int code = command_parse(c, argc, argv, new_options, &line);
    if (code < 0) code = choose(c, &line, argc, argv);
    command_line_dispose(&line);
    return code;
}

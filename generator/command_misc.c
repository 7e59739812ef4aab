/* tenantry schema, tenantry clean */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "generator/build.h"
#include "generator/command.h"
#include "generator/command_print.h"
#include "generator/publish.h"
#include "model/tenant.h"

/* ---- schema ---- */

enum { SCHEMA_MAN, SCHEMA_FORMAT };

static const struct option schema_options[] = {
    {"man", no_argument, NULL, OPT_EXTRA + SCHEMA_MAN},
    {"format", required_argument, NULL, OPT_EXTRA + SCHEMA_FORMAT},
    {0},
};

static int schema_run(const struct command *c, const struct command_line *line) {
    const char *format = line->extra[SCHEMA_FORMAT];
    bool man = line->extra[SCHEMA_MAN] || (format && !strcmp(format, "man"));
    if (format && strcmp(format, "man") && strcmp(format, "json"))
        return command_misuse(c, "--format is json or man, not \"%s\"", format);
    struct buf text;
    buf_init(&text, 0);
    if (man)
        tenant_schema_man(&text);
    else
        tenant_schema_json(&text);
    fwrite(text.ptr, 1, text.len, stdout);
    buf_dispose(&text);
    return print_end(EXIT_FINE);
}

int command_schema(const struct command *c, int argc, char **argv) {
    struct command_line line;
    int code = command_parse(c, argc, argv, schema_options, &line);
    if (code < 0 && line.first < argc)
        code = command_misuse(c, "unexpected argument \"%s\"", argv[line.first]);
    if (code < 0) code = schema_run(c, &line);
    command_line_dispose(&line);
    return code;
}

/* ---- clean ---- */

static const struct option clean_options[] = {
    {"out", required_argument, NULL, OPT_OUT},
    {0},
};

struct cleaner {
    const struct options *options;
    struct diag_list diags;
};

static bool has(int fd, const char *name) {
    struct stat st;
    return !fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW);
}

static bool is_empty(int fd) {
    struct root r = {.fd = fd, .name = "."};
    struct file_list list = {0};
    struct arena a;
    arena_init(&a);
    bool empty = !file_list_dir(&r, ".", &a, &list) && !list.n;
    arena_dispose(&a);
    return empty;
}

/* Whether the folder is the workspace, or one that it lies in. */
static bool holds_workspace(int fd, const char *workspace) {
    struct stat out, st, last = {0};
    int dir = open(workspace, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool found = false;
    while (dir >= 0 && !found && !fstat(fd, &out) && !fstat(dir, &st)) {
        if (st.st_ino == last.st_ino && st.st_dev == last.st_dev) break;
        found = st.st_ino == out.st_ino && st.st_dev == out.st_dev;
        last = st;
        int up = openat(dir, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        close(dir);
        dir = up;
    }
    if (dir >= 0) close(dir);
    return found;
}

static void say(const struct cleaner *c, const char *verb, const char *why) {
    const char *out = c->options->out;
    if (c->options->json) {
        json_t *v = json_object();
        json_set_str(v, "type", "clean");
        json_set_str(v, "out", out);
        json_set_bool(v, "removed", !*why);
        print_object(v);
        json_decref(v);
    } else if (c->options->verbosity >= 0)
        printf("%s %s%s\n", verb, out, why);
}

static int refuse(struct cleaner *c, const char *why) {
    diag_add(&c->diags, DIAG_ERROR, DIAG_FILE(c->options->out),
        "%s; nothing was removed", why);
    return EXIT_INPUT;
}

/* Holding the lock: not under a build that is writing. */
static int clean_ours(struct cleaner *c) {
    const char *out = c->options->out;
    struct out_dir dir;
    if (!out_open(&dir, out, true, &c->diags)) return EXIT_MACHINE;
    int err = file_remove_tree(AT_FDCWD, out);
    out_close(&dir);
    if (!err) {
        say(c, "removed", "");
        return EXIT_FINE;
    }
    diag_add(&c->diags, DIAG_ERROR, DIAG_FILE(out), "cannot be removed: %s",
        file_error(err));
    return EXIT_MACHINE;
}

static int clean_folder(struct cleaner *c, int fd) {
    if (has(fd, ".tenantry")) {
        if (has(fd, "tenantry.json") || has(fd, "tenants") ||
            holds_workspace(fd, c->options->dir))
            return refuse(c, "holds a workspace, not only what build wrote");
        return clean_ours(c);
    }
    if (!is_empty(fd))
        return refuse(
            c, "was not made by `tenantry build` (it has no .tenantry folder)");
    say(c, "nothing to clean:", " is empty");
    return EXIT_FINE;
}

static int clean_out(struct cleaner *c) {
    const char *out = c->options->out;
    int fd = open(out, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0) {
        int code = clean_folder(c, fd);
        close(fd);
        return code;
    }
    if (errno == ENOENT) {
        say(c, "nothing to clean:", " does not exist");
        return EXIT_FINE;
    }
    if (errno == ELOOP || errno == ENOTDIR) return refuse(c, "is no folder");
    diag_add(&c->diags, DIAG_ERROR, DIAG_FILE(out), "cannot be opened: %s",
        file_error(errno));
    return EXIT_MACHINE;
}

static int clean_run(const struct options *o) {
    struct cleaner c = {.options = o};
    diag_init(&c.diags);
    int code = clean_out(&c);
    print_diags(&c.diags, AT_FDCWD, o);
    diag_dispose(&c.diags);
    return print_end(code);
}

int command_clean(const struct command *c, int argc, char **argv) {
    struct command_line line;
    int code = command_parse(c, argc, argv, clean_options, &line);
    if (code < 0 && line.first < argc)
        code = command_misuse(c, "unexpected argument \"%s\"", argv[line.first]);
    if (code < 0) code = clean_run(&line.options);
    command_line_dispose(&line);
    return code;
}

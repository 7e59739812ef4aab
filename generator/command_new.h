/* What the parts of `tenantry new` share: files are gathered, looked at, and written
 * only when none of them is there yet. */
#ifndef GENERATOR_COMMAND_NEW_H
#define GENERATOR_COMMAND_NEW_H
#include "base/diag.h"
#include "base/file.h"
#include "generator/command.h"

struct new_file {
    const char *path;
    struct str bytes;
    bool minor; /* one of many: people are told of all at once (maker.minor) */
};
struct maker { /* one run of the command */
    const struct command *command;
    const struct options *options;
    struct root dir; /* -C: what paths are relative to */
    struct arena arena;
    struct diag_list diags;
    struct new_file *files;
    size_t n_files, cap;
    const char *minor; /* what the minor files are together; NULL: there are none */
    const char *next;  /* what to do next */
    const char *domain, *name, *emoji, *colour, *slug, *id; /* options; NULL: infer */
};

/* A file to write, its bytes borrowed until then. */
void maker_add(struct maker *m, const char *path, struct str bytes);
/* The same; the text is copied, the buffer disposed. */
void maker_add_buf(struct maker *m, const char *path, struct buf *text);
/* `title: "..."` and the like; quotes only where YAML needs them. */
void maker_yaml(struct buf *b, const char *key, const char *value);

/* Each gathers the files of one kind.  -1: write them; else the exit code. */
int maker_workspace(struct maker *m, const char *dir);
int maker_tenant(struct maker *m, const char *id);
/* The files of a tenant, below the folder `prefix` ("" or ending in a slash). `schema`:
 * the config names the schema at the top of the workspace. */
int maker_tenant_files(
    struct maker *m, const char *prefix, const char *id, bool schema);
int maker_post(struct maker *m, const char *tenant, const char *title);
int maker_page(struct maker *m, const char *tenant, const char *title);
#endif

/* tenantry explain: which value, file or page is behind a name, and what lies beneath.
 */
#include "generator/command_explain.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "generator/command.h"
#include "generator/command_print.h"
#include "generator/plan_tenant.h"

void explain_line(struct explain *e, const char *label, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    buf_printf(&e->text, "  %-10s", label);
    buf_vprintf(&e->text, fmt, ap);
    buf_char(&e->text, '\n');
    va_end(ap);
}

void explain_fact(
    struct explain *e, const char *key, const char *label, const char *value) {
    json_set_str(e->v, key, value);
    explain_line(e, label, "%s", value);
}

/* ---- nothing of that name ---- */

void explain_names_add(struct explain_names *names, const char *name) {
    names->items =
        mem_grow(names->items, &names->cap, names->n + 1, sizeof *names->items);
    names->items[names->n++] = name;
}

/* "primaryColor" of "theme.primaryColor", "header.html" of "partials/header.html". */
static bool is_tail(const char *name, const char *tail) {
    size_t n = strlen(name), k = strlen(tail);
    if (k >= n || !k || strcmp(name + n - k, tail)) return false;
    return name[n - k - 1] == '.' || name[n - k - 1] == '/';
}

static const char *nearest(struct explain *e) {
    struct explain_names names = {0};
    const char *near = NULL;
    explain_config_names(e, &names);
    explain_file_names(e, &names);
    for (size_t i = 0; i < names.n && !near; i++)
        if (is_tail(names.items[i], e->key)) near = names.items[i];
    if (!near) near = diag_suggest(str_from(e->key), names.items, names.n);
    mem_free(names.items);
    return near;
}

static void report_unknown(struct explain *e) {
    const char *near = nearest(e);
    diag_add(&e->own, DIAG_ERROR, DIAG_NOWHERE,
        "nothing of tenant \"%s\" is called \"%s\"; %s%s%s", e->site.tenant.id, e->key,
        near ? "did you mean \"" : "expected a key of its config such as ",
        near ? near
             : "theme.primaryColor, a file such as partials/header.html or "
               "content/about.md, or an address such as /blog/",
        near ? "\"?" : "");
}

/* ---- the command ---- */

static void print_answer(struct explain *e) {
    if (e->options->json)
        print_object(e->v);
    else
        fwrite(e->text.ptr, 1, e->text.len, stdout);
}

static bool answer(struct explain *e) {
    bool path = strchr(e->key, '/') != NULL;
    if (!path && explain_config(e)) return true;
    return explain_theme(e) || explain_content(e) || explain_address(e) ||
           explain_source(e);
}

static int explain_site(struct explain *e, const char *id) {
    struct diag_list ignored; /* the answer does not depend on what `check` reports */
    diag_init(&ignored);
    bool ok = site_open(&e->site, &e->in.build, id, &ignored);
    if (ok && e->site.theme) {
        site_read(&e->site);
        site_plan(&e->site);
    }
    json_set_str(e->v, "type", "explanation");
    json_set_str(e->v, "tenant", id);
    json_set_str(e->v, "key", e->key);
    bool known = ok && answer(e);
    if (known)
        print_answer(e);
    else if (ok)
        report_unknown(e);
    site_dispose(&e->site);
    diag_dispose(&ignored);
    return known ? EXIT_FINE : EXIT_INPUT;
}

/* Other tenants' errors are no part of the answer. */
static void print_common(struct explain *e, const char *id) {
    struct diag_list relevant;
    diag_init(&relevant);
    for (const struct diag *d = e->common.first; d; d = d->next) {
        if (d->tenant && strcmp(d->tenant, id)) continue;
        relevant.tenant = d->tenant;
        diag_add(&relevant, d->level, d->place, "%s", d->message);
        for (const struct diag_note *n = d->notes; n; n = n->next)
            diag_note(&relevant, n->place, "%s", n->message);
    }
    print_diags(&relevant, e->in.build.workspace.dir.fd, e->options);
    diag_dispose(&relevant);
}

static int explain_run(struct options *o, const char *id, const char *key) {
    struct explain e = {.options = o, .key = key, .v = json_object()};
    o->only = &id;
    o->n_only = 1;
    arena_init(&e.arena);
    diag_init(&e.common);
    diag_init(&e.own);
    buf_init(&e.text, 0);
    int code = EXIT_INPUT;
    bool open = build_open(&e.in, o, &e.common);
    bool usable = open && e.in.n_ids && !map_get(&e.in.broken, str_from(id));
    print_common(&e, id);
    if (usable) code = explain_site(&e, id);
    print_diags(&e.own, e.in.build.workspace.dir.fd, o);
    build_close(&e.in);
    buf_dispose(&e.text);
    diag_dispose(&e.own);
    diag_dispose(&e.common);
    arena_dispose(&e.arena);
    json_decref(e.v);
    return print_end(code);
}

static const struct option explain_options[] = {
    {"templates", required_argument, NULL, OPT_TEMPLATES},
    {"drafts", no_argument, NULL, OPT_DRAFTS},
    {"clock", required_argument, NULL, OPT_CLOCK},
    {0},
};

int command_explain(const struct command *c, int argc, char **argv) {
    struct command_line line;
    int code = command_parse(c, argc, argv, explain_options, &line);
    char **arguments = argv + line.first;
    if (code < 0 && argc - line.first != 2)
        code = command_misuse(
            c, "expected a tenant and a key, such as: acme theme.primaryColor");
    if (code < 0) code = explain_run(&line.options, arguments[0], arguments[1]);
    command_line_dispose(&line);
    return code;
}

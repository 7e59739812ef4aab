#include "generator/command.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "generator/build.h"

#define OPTIONS_MAX 48

static const struct option common[] = {
    {"directory", required_argument, NULL, 'C'},
    {"format", required_argument, NULL, OPT_FORMAT},
    {"quiet", no_argument, NULL, 'q'},
    {"verbose", no_argument, NULL, 'v'},
    {"help", no_argument, NULL, 'h'},
    {0},
};

int command_misuse(const struct command *c, const char *fmt, ...) {
    va_list ap;
    fprintf(stderr, "tenantry %s: ", c->name);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fprintf(stderr, "\ntry: tenantry %s --help\n", c->name);
    return EXIT_USAGE;
}

static void show_help(const struct command *c) {
    printf("usage: tenantry %s %s\n\n%s.\n\n%s"
           "\ncommon options:\n"
           "  -C, --directory DIR   the workspace (default: the current folder)\n"
           "      --format FORMAT   human, or json: one object a line\n"
           "  -q, --quiet           errors only\n"
           "  -v, --verbose         notices too\n"
           "  -h, --help            this text\n",
        c->name, c->arguments, c->summary, c->help);
}

static void merge_options(const struct option *own, struct option *all) {
    size_t n = 0;
    for (; own && own->name && n < OPTIONS_MAX - 8; own++) all[n++] = *own;
    for (const struct option *o = common; o->name; o++) all[n++] = *o;
    all[n] = (struct option){0};
}

/* One option that needs no more than a place to be kept. */
static bool keep_option(struct command_line *l, int opt, const char *value) {
    struct options *o = &l->options;
    switch (opt) {
    case 'C':
        o->dir = value;
        return true;
    case 'q':
        o->verbosity = -1;
        return true;
    case 'v':
        o->verbosity = 1;
        return true;
    case OPT_OUT:
        o->out = value;
        return true;
    case OPT_TEMPLATES:
        o->templates = value;
        return true;
    case OPT_JOBS:
        l->jobs = value;
        return true;
    case OPT_CLOCK:
        l->clock = value;
        return true;
    case OPT_DRAFTS:
        o->drafts = true;
        return true;
    case OPT_NOINDEX:
        o->noindex = true;
        return true;
    case OPT_STRICT:
        o->strict = true;
        return true;
    case OPT_DURABLE:
        o->durable = true;
        return true;
    case OPT_DATABASE:
        o->database = value;
        return true;
    case OPT_TENANT:
        if (o->n_only < sizeof l->names / sizeof *l->names)
            l->names[o->n_only++] = value;
        return true;
    default:
        if (opt < OPT_EXTRA) return false;
        l->extra[opt - OPT_EXTRA] = value ? value : "";
        return true;
    }
}

static int unknown_option(
    const struct command *c, const struct option *all, const char *arg) {
    const char *names[OPTIONS_MAX], *near = NULL;
    size_t n = 0;
    for (; all[n].name; n++) names[n] = all[n].name;
    struct str name = str_slice(str_from(arg), 0, strcspn(arg, "="));
    bool is_long = str_starts(name, "--");
    if (is_long) near = diag_suggest(str_slice(name, 2, name.len), names, n);
    /* Among short options in one word, getopt tells which. */
    if (!is_long && optopt) return command_misuse(c, "unknown option -%c", optopt);
    return command_misuse(c, "unknown option %s%s%s%s", arg,
        near ? "; did you mean --" : "", near ? near : "", near ? "?" : "");
}

static int read_options(const struct command *c, int argc, char **argv,
    const struct option *all, struct command_line *l) {
    int opt;
    optind = 1;
    opterr = 0;
    while ((opt = getopt_long(argc, argv, ":C:qvh", all, NULL)) != -1) {
        if (opt == 'h') {
            show_help(c);
            return EXIT_FINE;
        }
        if (opt == '?') return unknown_option(c, all, argv[optind - 1]);
        if (opt == ':') return command_misuse(c, "%s needs a value", argv[optind - 1]);
        if (opt == OPT_FORMAT) {
            l->options.json = !strcmp(optarg, "json");
            if (!l->options.json && strcmp(optarg, "human"))
                return command_misuse(
                    c, "--format is human or json, not \"%s\"", optarg);
        } else if (opt == OPT_TENANT &&
                   l->options.n_only == sizeof l->names / sizeof *l->names)
            return command_misuse(c, "--tenant more than %zu times", l->options.n_only);
        else
            keep_option(l, opt, optarg);
    }
    l->first = optind;
    return -1;
}

static int settle(const struct command *c, struct command_line *l) {
    struct options *o = &l->options;
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    o->jobs = cpus > 0 ? (unsigned)cpus : 1;
    if (l->jobs) {
        char *end;
        unsigned long n = strtoul(l->jobs, &end, 10);
        if (*end || !*l->jobs || n < 1 || n > 256)
            return command_misuse(
                c, "--jobs is a number from 1 to 256, not \"%s\"", l->jobs);
        o->jobs = (unsigned)n;
    }
    if (!clock_choose(l->clock, &o->now))
        return command_misuse(c,
            l->clock
                ? "--clock: \"%s\" is not a time such as 2026-01-31 or "
                  "2026-01-31T09:00:00Z"
                : "SOURCE_DATE_EPOCH: \"%s\" is not a number of seconds since 1970",
            l->clock ? l->clock : getenv("SOURCE_DATE_EPOCH"));
    if (!o->out) {
        size_t size = strlen(o->dir) + sizeof "/out";
        l->out_path = mem_alloc(size);
        snprintf(l->out_path, size, "%s%s", strcmp(o->dir, ".") ? o->dir : "",
            strcmp(o->dir, ".") ? "/out" : "out");
        o->out = l->out_path;
    }
    o->only = l->names;
    return -1;
}

int command_parse(const struct command *c, int argc, char **argv,
    const struct option *own, struct command_line *l) {
    struct option all[OPTIONS_MAX];
    *l = (struct command_line){.options = {.dir = "."}};
    merge_options(own, all);
    int code = read_options(c, argc, argv, all, l);
    return code >= 0 ? code : settle(c, l);
}

void command_line_dispose(struct command_line *l) {
    mem_free(l->out_path);
}

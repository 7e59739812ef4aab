/* The commands of `tenantry`, and the options they share. */
#ifndef GENERATOR_COMMAND_H
#define GENERATOR_COMMAND_H
#include <getopt.h>
#include "generator/options.h"

struct command {
    const char *name;
    const char *arguments; /* for the usage line */
    const char *summary;   /* one line */
    const char *help; /* the options, one a line, and whatever else there is to say */
    int (*run)(const struct command *c, int argc,
        char **argv); /* argv[0] is the command's name; returns the exit code */
};

/* -C --format -q -v --help, and what `own` adds (ended by a zeroed option). */
struct command_line {
    struct options options;
    const char *clock;     /* --clock */
    const char *jobs;      /* --jobs */
    const char *names[64]; /* --tenant, each time */
    int first;             /* index of the first argument that is no option */
    const char *extra[8];  /* values of a command's own options, by their number */
    char *out_path;        /* made when --out is absent; owned */
};
enum {
    OPT_OUT = 256,
    OPT_TEMPLATES,
    OPT_JOBS,
    OPT_CLOCK,
    OPT_TENANT,
    OPT_DRAFTS,
    OPT_NOINDEX,
    OPT_STRICT,
    OPT_DURABLE,
    OPT_DATABASE,
    OPT_FORMAT,
    OPT_EXTRA /* OPT_EXTRA + k lands in extra[k], "" for one without a value */
};
/* Reads the options.  -1: go on; else the exit code to return (help was shown, or the
 * usage was wrong). */
int command_parse(const struct command *c, int argc, char **argv,
    const struct option *own, struct command_line *line);
void command_line_dispose(struct command_line *line);
/* Says what is wrong with the command line, and how to get help.  Returns 2. */
int command_misuse(const struct command *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

int command_build(const struct command *c, int argc, char **argv);
int command_check(const struct command *c, int argc, char **argv);
int command_serve(const struct command *c, int argc, char **argv);
int command_list(const struct command *c, int argc, char **argv);
int command_explain(const struct command *c, int argc, char **argv);
int command_new(const struct command *c, int argc, char **argv);
int command_schema(const struct command *c, int argc, char **argv);
int command_db(const struct command *c, int argc, char **argv);
int command_clean(const struct command *c, int argc, char **argv);
#endif

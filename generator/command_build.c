/* tenantry build, tenantry check */
#include "generator/build.h"
#include "generator/command.h"
#include "generator/database.h"

enum { EXTRA_EXPLAIN, EXTRA_STALE };
enum { BUILD_ALONE = 2 };

/* The first BUILD_ALONE are for build alone. */
static const struct option build_options[] = {
    {"explain", no_argument, NULL, OPT_EXTRA + EXTRA_EXPLAIN},
    {"stale", no_argument, NULL, OPT_EXTRA + EXTRA_STALE},
    {"tenant", required_argument, NULL, OPT_TENANT},
    {"out", required_argument, NULL, OPT_OUT},
    {"templates", required_argument, NULL, OPT_TEMPLATES},
    {"jobs", required_argument, NULL, OPT_JOBS},
    {"drafts", no_argument, NULL, OPT_DRAFTS},
    {"clock", required_argument, NULL, OPT_CLOCK},
    {"noindex", no_argument, NULL, OPT_NOINDEX},
    {"strict", no_argument, NULL, OPT_STRICT},
    {"durable", no_argument, NULL, OPT_DURABLE},
    {"database", required_argument, NULL, OPT_DATABASE},
    {0},
};

static int run(const struct command *c, int argc, char **argv, bool check) {
    struct command_line line;
    int code =
        command_parse(c, argc, argv, build_options + (check ? BUILD_ALONE : 0), &line);
    if (code < 0 && line.first < argc)
        code = command_misuse(c,
            "unexpected argument \"%s\"; one tenant alone is --tenant %s",
            argv[line.first], argv[line.first]);
    if (code < 0 && line.extra[EXTRA_STALE] && !database_given(&line.options))
        code = command_misuse(c, "--stale is for a database that does not answer; name "
                                 "it with --database URL or DATABASE_URL");
    if (code < 0) {
        line.options.stale = line.extra[EXTRA_STALE] != NULL;
        line.options.check = check;
        line.options.explain = line.extra[EXTRA_EXPLAIN] != NULL;
        code = build_run(&line.options);
    }
    command_line_dispose(&line);
    return code;
}

int command_build(const struct command *c, int argc, char **argv) {
    return run(c, argc, argv, false);
}

int command_check(const struct command *c, int argc, char **argv) {
    return run(c, argc, argv, true);
}

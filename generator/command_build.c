/* tenantry build, tenantry check */
#include <stdlib.h>

#include "generator/build.h"
#include "generator/build_watch.h"
#include "generator/command.h"
#include "generator/database.h"

enum { EXTRA_EXPLAIN, EXTRA_STALE, EXTRA_WATCH };
enum { BUILD_ALONE = 3 };

/* The first BUILD_ALONE are for build alone. */
static const struct option build_options[] = {
    {"watch", no_argument, NULL, OPT_EXTRA + EXTRA_WATCH},
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

/* What cannot be followed.  -1: nothing. */
static int check_watch(const struct command *c, const struct command_line *l) {
    if (!database_given(&l->options))
        return command_misuse(c, "--watch follows a database; name it with --database "
                                 "URL or in DATABASE_URL");
    if (l->clock || getenv("SOURCE_DATE_EPOCH"))
        return command_misuse(c, "--watch goes by the time of day; leave out %s",
            l->clock ? "--clock" : "SOURCE_DATE_EPOCH");
    if (l->extra[EXTRA_STALE])
        return command_misuse(c, "--stale does without the database, --watch waits for "
                                 "it; leave out one of them");
    if (l->options.strict)
        return command_misuse(c, "--strict publishes everything or nothing, --watch "
                                 "one tenant at a time; leave out one of them");
    return -1;
}

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
        line.options.watch = line.extra[EXTRA_WATCH] != NULL;
        if (line.options.watch) code = check_watch(c, &line);
        if (code < 0)
            code = line.options.watch ? build_watch(&line.options)
                                      : build_run(&line.options);
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

/* tenantry: the web faces of many brands from one workspace. */
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/diag.h"
#include "base/json.h"
#include "generator/build.h"
#include "generator/command.h"
#include "generator/markdown.h"

#define BUILD_HELP                                                                     \
    "      --tenant ID       only this tenant; may be given again\n"                   \
    "      --out DIR         where the sites go (default: out in the workspace)\n"     \
    "      --templates DIR   the themes (default: templates in the workspace)\n"       \
    "      --jobs N          worker processes (default: one per processor)\n"          \
    "      --drafts          drafts and posts of the future too\n"                     \
    "      --clock TIME      build as if it were that time (default: "                 \
    "SOURCE_DATE_EPOCH, else now)\n"                                                   \
    "      --database URL    join its posts and plans to the files (default: "         \
    "DATABASE_URL)\n"                                                                  \
    "      --noindex         ask search engines to stay away (staging)\n"              \
    "      --strict          warnings are errors, and with any nothing is published\n"

static const struct command commands[] = {
    {"build", "[options]", "Builds a finished site for every domain",
        BUILD_HELP
        "      --durable         flush to disk before a site becomes visible\n"
        "      --explain         say of each tenant that is made anew, why\n"
        "      --watch           stay, and follow what changes in the database and the "
        "files;\n"
        "                        SIGTERM or Ctrl-C ends it between two publishes\n"
        "      --stale           when the database does not answer: with the rows of "
        "the last build\n",
        command_build},
    {"check", "[options]",
        "Says everything build would, checks links, brand and documents; writes "
        "nothing",
        BUILD_HELP, command_check},
    {"serve", "[options]",
        "Shows every site in the browser as it will be, and follows what you save",
        "      --port N          default: 8080, or the next that is free; 0: any\n"
        "      --listen ADDRESS  default: 127.0.0.1, this machine alone; 0.0.0.0: all\n"
        "      --clock TIME      as of that time (default: SOURCE_DATE_EPOCH, else "
        "now)\n"
        "      --published       without drafts and posts of the future\n"
        "      --no-bar          without the bar on every page\n"
        "      --templates DIR   the themes (default: templates in the workspace)\n"
        "      --jobs N          sites made at a time (default: one per processor)\n\n"
        "http://localhost:8080/ shows all tenants, http://ID.localhost:8080/ one. The "
        "real\nhost names work too, by Host header, and ?tenant=ID where names below "
        "localhost\ndo not. Nothing is written; out/ is not touched.\n",
        command_serve},
    {"list", "tenants|hosts|pages|drafts [options]",
        "Lists what the workspace holds, one a line",
        "  tenants   id, name, address and theme of each\n"
        "  hosts     each host, whose it is, and whether its tree is canonical, "
        "redirect or mirror\n"
        "  pages     address, source and template of each\n"
        "  drafts    drafts, posts of the future and what has expired, with their "
        "dates\n\n"
        "      --tenant ID       only this tenant; may be given again\n"
        "      --templates DIR   the themes (default: templates in the workspace)\n"
        "      --drafts          pages: drafts and posts of the future too\n"
        "      --clock TIME      as of that time (default: SOURCE_DATE_EPOCH, else "
        "now)\n",
        command_list},
    {"explain", "TENANT KEY [options]",
        "Says where a value, a file or a page of a tenant comes from",
        "KEY is one of\n"
        "  theme.primaryColor     a key of config.json, or a name that templates use\n"
        "  partials/header.html   a file of the theme: which layer wins, what lies "
        "beneath\n"
        "  content/about.md       a file of the content: its page, its template\n"
        "  /blog/                 an address: its output, template and content\n\n"
        "      --templates DIR   the themes (default: templates in the workspace)\n"
        "      --drafts          as with drafts and posts of the future\n"
        "      --clock TIME      as of that time (default: SOURCE_DATE_EPOCH, else "
        "now)\n",
        command_explain},
    {"new", "workspace DIR | tenant ID | post TENANT \"TITLE\" | page TENANT \"TITLE\"",
        "Makes the files of a workspace, tenant, post or page; writes over nothing",
        "of a workspace and a tenant:\n"
        "      --id ID           workspace: its first tenant (default: the folder's "
        "name)\n"
        "      --domain HOST     such as acme.com (default: ID.example)\n"
        "      --name NAME       as people read it (default: from the id)\n"
        "      --emoji EMOJI     stands in for logo and icon\n"
        "      --color COLOR     #e7b008, or an HSL triple such as \"45 93% 47%\"\n"
        "      --templates DIR   workspace: the folder to copy the theme \"default\" "
        "from\n"
        "of a post and a page (TENANT may be _shared):\n"
        "      --slug SLUG       the last part of the address (default: from the "
        "title)\n"
        "      --clock TIME      the date of the post (default: SOURCE_DATE_EPOCH, "
        "else now)\n",
        command_new},
    {"db", "start|stop|url|migrate|seed|status [options]",
        "Runs a throw-away Postgres for development; brings any database up to date",
        "  start     makes and starts the throw-away one in .tenantry, migrates and "
        "seeds "
        "it\n"
        "  stop      stops it; its rows stay\n"
        "  url       prints its connection string\n"
        "  migrate   applies the migrations that are missing\n"
        "  seed      makes a row of every tenant folder; rows that are there stay\n"
        "  status    says what is applied, and what each tenant has\n\n"
        "      --database URL    migrate, seed, status: another one (default: "
        "DATABASE_URL,\n"
        "                        else the throw-away one)\n"
        "      --migrations DIR  the numbered files (default: those of this program)\n"
        "      --plans           start, seed: a config's display plans become rows, "
        "too\n"
        "      --user ROLE       url: for that role, such as tenantry_api\n"
        "      --discard         stop: remove it with all it holds\n",
        command_db},
    {"schema", "[--man]",
        "Prints the JSON Schema of config.json, for editors that complete and check",
        "      --man             tenantry-config(5) instead, for man; also --format "
        "man\n",
        command_schema},
    {"clean", "[--out DIR]", "Removes what build wrote",
        "      --out DIR         where the sites are (default: out in the "
        "workspace)\n\n"
        "A folder that build did not make is refused.\n",
        command_clean},
};
#define N_COMMANDS (sizeof commands / sizeof *commands)

static void show_usage(FILE *out) {
    fprintf(out, "usage: tenantry COMMAND [options]\n\n"
                 "Builds the web faces of many brands from one workspace: a folder per "
                 "tenant in\n"
                 "tenants/, their Markdown in content/, themes in templates/, finished "
                 "sites in out/.\n\n");
    for (size_t i = 0; i < N_COMMANDS; i++)
        fprintf(out, "  %-9s %s\n", commands[i].name, commands[i].summary);
    fprintf(out, "\n`tenantry COMMAND --help` explains one; `tenantry --version` tells "
                 "which this is.\n"
                 "Exit status: 0 fine, 1 the input has errors, 2 wrong usage, 3 the "
                 "machine failed.\n");
}

static void show_version(void) {
    struct buf markdown;
    buf_init(&markdown, 0);
    markdown_name(&markdown);
    printf("tenantry %s (Markdown: %.*s)\n", TENANTRY_VERSION, (int)markdown.len,
        markdown.ptr);
    buf_dispose(&markdown);
}

static const struct command *command_find(const char *name) {
    for (size_t i = 0; i < N_COMMANDS; i++)
        if (!strcmp(commands[i].name, name)) return &commands[i];
    return NULL;
}

static int unknown_command(const char *name) {
    const char *names[N_COMMANDS];
    for (size_t i = 0; i < N_COMMANDS; i++) names[i] = commands[i].name;
    const char *near = diag_suggest(str_from(name), names, N_COMMANDS);
    fprintf(stderr,
        "tenantry: there is no command \"%s\"%s%s%s\ntry: tenantry --help\n", name,
        near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    return EXIT_USAGE;
}

int main(int argc, char **argv) {
    umask(022); /* what is published does not depend on who builds */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ,
        SIG_IGN); /* a file over the user's limit is then an error of write() */
    json_setup();
    if (argc < 2) {
        show_usage(stderr);
        return EXIT_USAGE;
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") ||
        !strcmp(argv[1], "help")) {
        show_usage(stdout);
        return EXIT_FINE;
    }
    if (!strcmp(argv[1], "--version")) {
        show_version();
        return EXIT_FINE;
    }
    const struct command *c = command_find(argv[1]);
    return c ? c->run(c, argc - 1, argv + 1) : unknown_command(argv[1]);
}

#include "api/settings.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXIT_USAGE 2

static int misuse(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static int misuse(const char *fmt, ...) {
    va_list ap;
    fputs("tenantry-api: ", stderr);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputs("\ntry: tenantry-api --help\n", stderr);
    return EXIT_USAGE;
}

static bool read_listen(struct settings *s, const char *text) {
    const char *colon = strrchr(text, ':');
    char *end;
    if (!colon || colon == text) return false;
    struct str address = {text, (size_t)(colon - text)};
    if (address.ptr[0] == '[' && str_ends(address, "]"))
        address = str_slice(address, 1, address.len - 1);
    unsigned long port = strtoul(colon + 1, &end, 10);
    if (*end || !colon[1] || port > 65535) return false;
    s->address = arena_str(&s->arena, address);
    s->port = (unsigned)port;
    return true;
}

static int read_option(struct settings *s, int opt, const char *value) {
    switch (opt) {
    case 'C':
        s->directory = value;
        return -1;
    case 'd':
        s->database = value;
        return -1;
    case 's':
        s->snapshots = false;
        return -1;
    case 'l':
        if (read_listen(s, value)) return -1;
        return misuse("--listen \"%s\" is not an address and port such as "
                      "127.0.0.1:8080",
            value);
    default:
        return misuse("unknown option, or one without its value");
    }
}

int settings_read(struct settings *s, int argc, char **argv) {
    static const struct option options[] = {{"directory", required_argument, NULL, 'C'},
        {"database", required_argument, NULL, 'd'},
        {"listen", required_argument, NULL, 'l'},
        {"no-snapshots", no_argument, NULL, 's'}, {0}};
    int opt, code = -1;
    *s = (struct settings){.directory = ".",
        .database = getenv("DATABASE_URL"),
        .address = "127.0.0.1",
        .port = 8080,
        .connections = 4,
        .snapshots = true};
    arena_init(&s->arena);
    opterr = 0;
    while (code < 0 && (opt = getopt_long(argc, argv, "C:", options, NULL)) != -1)
        code = read_option(s, opt, optarg);
    if (code < 0 && optind < argc)
        code = misuse("unexpected argument \"%s\"", argv[optind]);
    return code < 0 ? settings_read_identity(s) : code;
}

void settings_dispose(struct settings *s) {
    arena_dispose(&s->arena);
}

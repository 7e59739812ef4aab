#include "api/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/settings_table.h"
#include "base/fetch.h"
#include "base/file.h"
#include "model/hosts.h"

#define EXIT_USAGE 2
#define FILE_MAX (64u << 10)
#define VALUES_MAX 64
#define SECRET_MIN 32 /* of HS256: RFC 7518, section 3.2 */

struct reading {
    struct settings *settings;
    bool wrong;
};

static void misuse(struct reading *r, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
static void misuse(struct reading *r, const char *fmt, ...) {
    va_list ap;
    fputs("tenantry-api: ", stderr);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    r->wrong = true;
}

/* ---- one value ---- */

static void *member(struct reading *r, const struct setting *t) {
    return (char *)r->settings + t->offset;
}

static void take_number(
    struct reading *r, const struct setting *t, const char *from, const char *text) {
    char *end;
    unsigned long n = strtoul(text, &end, 10);
    if (*end || text[0] < '0' || text[0] > '9' || n < t->min || n > t->max)
        misuse(
            r, "%s is a number from %u to %u, not \"%s\"", from, t->min, t->max, text);
    else
        *(unsigned *)member(r, t) = (unsigned)n;
}

static void take_switch(
    struct reading *r, const struct setting *t, const char *from, const char *text) {
    bool on = !strcmp(text, "on");
    if (!on && strcmp(text, "off"))
        misuse(r, "%s is on or off, not \"%s\"", from, text);
    else
        *(bool *)member(r, t) = on;
}

static void take_list(
    struct reading *r, const struct setting *t, const char *from, const char *text) {
    struct str rest = str_from(text), part;
    while (rest.len) {
        size_t n = strcspn(rest.ptr, ", \t\n");
        part = str_slice(rest, 0, n < rest.len ? n : rest.len);
        rest = str_slice(rest, n + 1, rest.len);
        if (part.len && !t->add(r->settings, part))
            misuse(r, "%s \"" STR_FMT "\" is not %s", from, STR_ARG(part), t->wanted);
    }
}

static void take(
    struct reading *r, const struct setting *t, const char *from, const char *text) {
    switch (t->kind) {
    case SETTING_TEXT:
        *(const char **)member(r, t) = arena_strdup(&r->settings->arena, text);
        break;
    case SETTING_NUMBER:
        take_number(r, t, from, text);
        break;
    case SETTING_SWITCH:
        take_switch(r, t, from, text);
        break;
    case SETTING_FLAG:
        *(bool *)member(r, t) = true;
        break;
    case SETTING_LIST:
        take_list(r, t, from, text);
        break;
    }
}

/* ---- files ---- */

static char *read_file(struct arena *a, const char *path, int *err) {
    struct buf text;
    char *value = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    buf_init(&text, 0);
    *err = fd < 0 ? errno : file_read_fd(fd, 0, FILE_MAX, &text);
    if (fd >= 0) close(fd);
    if (!*err) {
        struct str s = buf_view(&text);
        if (str_ends(s, "\n")) s.len--;
        if (str_ends(s, "\r")) s.len--;
        value = arena_str(a, s);
    }
    if (text.ptr) explicit_bzero(text.ptr, text.len);
    buf_dispose(&text);
    return value;
}

/* `variable` itself, or what is in the file that its _FILE names. */
static char *find_value(
    struct arena *a, const char *variable, int *err, const char **where) {
    const char *value = getenv(variable);
    *err = 0;
    if (value && *value) return arena_strdup(a, value);
    *where = getenv(arena_printf(a, "%s_FILE", variable));
    return *where && **where ? read_file(a, *where, err) : NULL;
}

/* ---- all values ---- */

static void take_variable(struct reading *r, const struct setting *t) {
    const char *where;
    int err = 0;
    const char *value = NULL;
    if (t->variable) value = find_value(&r->settings->arena, t->variable, &err, &where);
    if (err)
        misuse(r, "%s_FILE: cannot read %s: %s", t->variable, where, strerror(err));
    else if (value)
        take(r, t, t->variable, value);
    else if (t->usual && !t->beneath)
        take(r, t, t->name, t->usual);
}

static unsigned processors(void) {
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof set, &set) ? 1 : CPU_COUNT(&set);
    return n > 0 ? (unsigned)n : 1;
}

static void help(void) {
    printf(
        "tenantry-api: answers what cannot be a file: live prices, posts, who may do "
        "what\n\n"
        "usage: tenantry-api [OPTION]...\n\n");
    for (const struct setting *t = settings_table; t->name; t++) {
        printf("  --%s%s%s\n      %s\n", t->name, t->value ? " " : "",
            t->value ? t->value : "", t->help);
        if (t->variable)
            printf("      %s%s%s\n", t->variable, t->usual ? "; usually " : "",
                t->usual ? t->usual : "");
    }
    printf("  --help, --version\n\n"
           "Each may be given by the variable below it instead, or by a file that the "
           "variable with _FILE\nbehind it names.  Secrets are never options.  See "
           "tenantry-api(8).\n");
}

/* What getopt_long needs; the n-th option of the table has the value n + 256. */
static struct option *options_make(struct arena *a) {
    size_t n = 0;
    while (settings_table[n].name) n++;
    struct option *all = arena_alloc(a, (n + 4) * sizeof *all);
    for (size_t i = 0; i < n; i++)
        all[i] = (struct option){settings_table[i].name,
            settings_table[i].value ? required_argument : no_argument, NULL,
            (int)i + 256};
    all[n] = (struct option){"help", no_argument, NULL, 'h'};
    all[n + 1] = (struct option){"version", no_argument, NULL, 'V'};
    all[n + 2] = (struct option){"no-snapshots", no_argument, NULL, 's'};
    return all;
}

/* One option of the command line; -1: go on. */
static int take_option(struct reading *r, int opt, bool *given, char **argv) {
    switch (opt) {
    case 'h':
        help();
        return 0;
    case 'V':
        puts("tenantry-api " TENANTRY_VERSION);
        return 0;
    case '?':
        misuse(r, "there is no option %s", argv[optind - 1]);
        return -1;
    case ':':
        misuse(r, "%s needs a value", argv[optind - 1]);
        return -1;
    default:
        break;
    }
    size_t i = opt == 'C' ? 0 : (size_t)opt - 256;
    const char *value = optarg;
    if (opt == 's') {
        for (i = 0; strcmp(settings_table[i].name, "snapshots");) i++;
        value = "off";
    }
    const struct setting *t = &settings_table[i];
    char from[64];
    snprintf(from, sizeof from, "--%s", t->name);
    given[i] = true;
    take(r, t, from, value);
    return -1;
}

/* From the environment or a file alone; NULL: there is none. */
static const char *take_secret(struct reading *r, const char *variable) {
    const char *where = "";
    int err;
    const char *secret = find_value(&r->settings->arena, variable, &err, &where);
    if (err) misuse(r, "%s_FILE: cannot read %s: %s", variable, where, strerror(err));
    return secret;
}

static void take_secrets(struct reading *r) {
    struct settings *s = r->settings;
    s->jwt_secret = take_secret(r, "TENANTRY_API_JWT_SECRET");
    s->media_secret = take_secret(r, "TENANTRY_API_MEDIA_SECRET");
    if (s->jwt_secret && strlen(s->jwt_secret) < SECRET_MIN)
        misuse(r, "TENANTRY_API_JWT_SECRET must have %d bytes or more", SECRET_MIN);
    if (s->jwks && strstr(s->jwks, "://") && !fetch_is_private(s->jwks))
        misuse(
            r, "--jwks \"%s\" is not https, nor http to this machine itself", s->jwks);
}

int settings_read(struct settings *s, int argc, char **argv) {
    struct reading r = {.settings = s};
    int opt, code = -1;
    *s = (struct settings){.workers = processors()};
    arena_init(&s->arena);
    bool given[VALUES_MAX] = {false};
    struct option *options = options_make(&s->arena);
    for (const struct setting *t = settings_table; t->name; t++)
        if (t->beneath) take(&r, t, t->name, t->usual);
    opterr = 0;
    while (code < 0 && (opt = getopt_long(argc, argv, ":C:", options, NULL)) != -1)
        code = take_option(&r, opt, given, argv);
    if (code >= 0) return code;
    for (int i = optind; i < argc; i++)
        misuse(&r, "there are no arguments, only options: \"%s\"", argv[i]);
    for (size_t i = 0; settings_table[i].name; i++)
        if (!given[i]) take_variable(&r, &settings_table[i]);
    take_secrets(&r);
    if (!r.wrong) return -1;
    fputs("try: tenantry-api --help\n", stderr);
    return EXIT_USAGE;
}

void settings_dispose(struct settings *s) {
    arena_dispose(&s->arena);
}

bool settings_platform_has(const struct settings *s, struct str host) {
    struct arena a;
    bool found = false;
    arena_init(&a);
    const char *name = host_clean(&a, host);
    size_t len = name ? strlen(name) : 0;
    for (unsigned i = 0; i < s->n_platform && name && !found; i++) {
        size_t own = strlen(s->platform[i]);
        found = len >= own && !strcmp(name + len - own, s->platform[i]) &&
                (len == own || name[len - own - 1] == '.');
    }
    arena_dispose(&a);
    return found || !s->n_platform;
}

bool settings_nets_have(const struct settings_nets *n, const struct net_address *a) {
    for (unsigned i = 0; i < n->n; i++)
        if (net_has(&n->items[i], a)) return true;
    return false;
}

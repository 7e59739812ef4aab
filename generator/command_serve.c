/* tenantry serve */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "generator/build.h"
#include "generator/command.h"
#include "generator/preview_serve.h"

#define PORT_DEFAULT 8080
#define PORTS_TRIED 20
#define LOOPBACK "127.0.0.1"

enum { SERVE_PORT, SERVE_LISTEN, SERVE_NO_BAR, SERVE_PUBLISHED };
static const struct option serve_options[] = {
    {"port", required_argument, NULL, OPT_EXTRA + SERVE_PORT},
    {"listen", required_argument, NULL, OPT_EXTRA + SERVE_LISTEN},
    {"no-bar", no_argument, NULL, OPT_EXTRA + SERVE_NO_BAR},
    {"published", no_argument, NULL, OPT_EXTRA + SERVE_PUBLISHED},
    {"templates", required_argument, NULL, OPT_TEMPLATES},
    {"jobs", required_argument, NULL, OPT_JOBS},
    {"clock", required_argument, NULL, OPT_CLOCK},
    {0},
};

struct server {
    const struct command *command;
    struct command_line *line;
    struct loop *loop;
    struct preview preview;
    struct http *http;
    const char *address;
    unsigned port;
};

static int read_port(
    const struct command *c, const struct command_line *line, unsigned *port) {
    const char *text = line->extra[SERVE_PORT];
    char *end;
    *port = PORT_DEFAULT;
    if (!text) return -1;
    unsigned long n = strtoul(text, &end, 10);
    if (*end || !*text || n > 65535)
        return command_misuse(c,
            "--port is a number from 1 to 65535, or 0 for any that is free, not \"%s\"",
            text);
    *port = (unsigned)n;
    return -1;
}

static bool is_loopback(const char *address) {
    return !strncmp(address, "127.", 4) || !strcmp(address, "::1");
}

/* ---- listening ---- */

/* Who has a port: the name of a process of ours that listens there is not asked for;
 * the way out is another port. */
static int cannot_listen(struct server *s, int err) {
    if (err == EINVAL)
        return command_misuse(s->command,
            "--listen is an address such as 127.0.0.1, ::1 or 0.0.0.0, not \"%s\"",
            s->address);
    fprintf(stderr, "tenantry serve: cannot listen on %s port %u: %s\n", s->address,
        s->port, strerror(err));
    if (err == EADDRINUSE)
        fprintf(stderr,
            "Another program has that port, maybe another preview; `ss -ltnp 'sport = "
            ":%u'` tells which.\nTake another one with --port %u, or any with --port "
            "0.\n",
            s->port, s->port < 65535 ? s->port + 1 : 8080);
    else if (err == EACCES)
        fprintf(stderr, "Ports below 1024 are for root; take one such as --port %u.\n",
            PORT_DEFAULT);
    return EXIT_MACHINE;
}

/* Without --port, the next free one will do. */
static int start_listening(struct server *s) {
    bool chosen = s->line->extra[SERVE_PORT] != NULL;
    unsigned wanted = s->port;
    int err = http_listen(s->http, s->address, &s->port);
    for (unsigned i = 1; err == EADDRINUSE && !chosen && i < PORTS_TRIED; i++) {
        s->port = wanted + i;
        err = http_listen(s->http, s->address, &s->port);
    }
    if (err) {
        s->port = wanted;
        return cannot_listen(s, err);
    }
    if (s->port != wanted && wanted)
        fprintf(stderr, "port %u is taken; this is %u\n", wanted, s->port);
    /* Some systems look up localhost in the newer family first.  It need not be there.
     */
    if (!strcmp(s->address, LOOPBACK)) {
        unsigned same = s->port;
        http_listen(s->http, "::1", &same);
    }
    return -1;
}

/* ---- saying where ---- */

static void announce_json(const struct server *s) {
    printf(
        "{\"type\":\"listening\",\"url\":\"http://localhost:%u/\",\"address\":\"%s\","
        "\"port\":%u,\"tenants\":%zu}\n",
        s->port, s->address, s->port, s->preview.n_tenants);
}

static void announce(const struct server *s) {
    const struct preview *p = &s->preview;
    const char *id = p->n_tenants ? p->tenants[0]->id : "acme";
    if (s->line->options.json) {
        announce_json(s);
        return;
    }
    printf("\n  All tenants   http://localhost:%u/\n", s->port);
    printf("  One tenant    http://%s.localhost:%u/\n", id, s->port);
    if (p->open_to_all)
        printf("  From outside  http://<this machine>:%u/?tenant=%s\n", s->port, id);
    printf(
        "\n%zu tenant%s. Pages follow what you save; out/ is left alone. Ctrl-C ends "
        "it.\n",
        p->n_tenants, p->n_tenants == 1 ? "" : "s");
}

static void print_diags(const struct server *s, const struct diag_list *l) {
    for (const struct diag *d = l->first; d; d = d->next) {
        if (d->level == DIAG_NOTICE) continue;
        if (s->line->options.json)
            diag_print_json(d, stdout);
        else
            diag_print_human(d, s->preview.build.workspace.dir.fd, false, stderr);
    }
}

/* ---- running ---- */

static void stop(void *ctx) {
    struct server *s = ctx;
    loop_stop(s->loop);
}

static int run(struct server *s) {
    int code = start_listening(s);
    if (code >= 0) return code;
    struct loop_event *interrupt = loop_signal(s->loop, SIGINT, stop, s);
    struct loop_event *terminate = loop_signal(s->loop, SIGTERM, stop, s);
    print_diags(s, &s->preview.shared);
    announce(s);
    fflush(stdout);
    loop_run(s->loop);
    loop_event_free(interrupt);
    loop_event_free(terminate);
    return EXIT_FINE;
}

static int open_and_run(struct server *s) {
    struct diag_list diags;
    diag_init(&diags);
    struct options o = s->line->options;
    o.drafts = !s->line->extra[SERVE_PUBLISHED];
    bool fixed_clock = s->line->clock || getenv("SOURCE_DATE_EPOCH");
    int code = EXIT_INPUT;
    if (preview_open(&s->preview, s->loop, &o, fixed_clock, &diags)) {
        s->preview.bar = !s->line->extra[SERVE_NO_BAR];
        s->preview.open_to_all = !is_loopback(s->address);
        struct http_settings settings = {.handle = serve_request,
            .ctx = &s->preview,
            .connections = 1000,
            .header_seconds = 10,
            .idle_seconds = 75,
            .answer_seconds = 300,
            .header_bytes = 32 << 10,
            .body_bytes = 64 << 10};
        s->http = http_new(s->loop, &settings);
        code = run(s);
        preview_close(&s->preview);
        http_free(s->http);
    } else
        print_diags(s, &diags);
    diag_dispose(&diags);
    return code;
}

int command_serve(const struct command *c, int argc, char **argv) {
    struct command_line line;
    struct server s = {.command = c, .line = &line};
    int code = command_parse(c, argc, argv, serve_options, &line);
    if (code < 0 && line.first < argc)
        code = command_misuse(c, "unexpected argument \"%s\"", argv[line.first]);
    if (code < 0) code = read_port(c, &line, &s.port);
    s.address = line.extra[SERVE_LISTEN] ? line.extra[SERVE_LISTEN] : LOOPBACK;
    if (code < 0) {
        s.loop = loop_new();
        code = s.loop ? open_and_run(&s) : EXIT_MACHINE;
        loop_free(s.loop);
    }
    command_line_dispose(&line);
    return code;
}

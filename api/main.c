/* tenantry-api: what cannot be a file. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "api/dispatch.h"
#include "api/identity.h"
#include "base/json.h"

enum { EXIT_FINE, EXIT_INPUT, EXIT_USAGE, EXIT_MACHINE };

static int serve(struct server *s) {
    const struct http_settings http = {.handle = dispatch,
        .ctx = s,
        .connections = 12000,
        .header_seconds = 10,
        .idle_seconds = 60,
        .answer_seconds = 30,
        .header_bytes = 16u << 10,
        .body_bytes = 1u << 20};
    unsigned port = s->settings->port;
    s->http = http_new(s->loop, &http);
    int err = http_listen(s->http, s->settings->address, &port);
    if (err) {
        fprintf(stderr, "tenantry-api: cannot listen on %s:%u: %s\n",
            s->settings->address, port, strerror(err));
        return EXIT_MACHINE;
    }
    printf("listening on http://%s:%u\n", s->settings->address, port);
    fflush(stdout);
    loop_run(s->loop);
    return EXIT_FINE;
}

static int run(struct server *s) {
    struct diag_list diags;
    diag_init(&diags);
    s->tenants = tenants_open(s->settings->directory, &diags);
    for (const struct diag *d = diags.first; d; d = d->next)
        if (d->level == DIAG_ERROR) diag_print_human(d, AT_FDCWD, false, stderr);
    bool fine = s->tenants != NULL;
    diag_dispose(&diags);
    s->loop = loop_new();
    if (!fine || !s->loop) return fine ? EXIT_MACHINE : EXIT_INPUT;
    s->identity = identity_new(s->loop, s->settings);
    if (!s->identity) return EXIT_USAGE;
    if (s->settings->database)
        s->pool =
            pool_new(s->loop, &(struct pool_settings){.url = s->settings->database,
                                  .connections = s->settings->connections,
                                  .waiting = 1024,
                                  .seconds = 5});
    return serve(s);
}

int main(int argc, char **argv) {
    struct settings settings;
    struct server s = {.settings = &settings};
    signal(SIGPIPE, SIG_IGN);
    json_setup();
    int code = settings_read(&settings, argc, argv);
    if (code < 0) code = run(&s);
    if (s.http) http_free(s.http);
    if (s.pool) pool_free(s.pool);
    identity_free(s.identity);
    tenants_drop(s.tenants);
    loop_free(s.loop);
    settings_dispose(&settings);
    return code;
}

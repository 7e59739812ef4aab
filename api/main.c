/* tenantry-api: what cannot be a file. */
#include <signal.h>
#include <stdio.h>

#include "api/settings.h"
#include "api/supervise.h"
#include "api/workspace_report.h"
#include "base/json.h"

enum { EXIT_FINE, EXIT_INPUT, EXIT_USAGE, EXIT_MACHINE };

static int run(const struct settings *s) {
    struct tenants *t = workspace_read(s->directory, s->check);
    if (!t) return EXIT_INPUT;
    if (!s->check) return supervise(s, t);
    printf("all is well: %zu tenants\n", t->n);
    tenants_drop(t);
    return EXIT_FINE;
}

int main(int argc, char **argv) {
    struct settings settings;
    signal(SIGPIPE, SIG_IGN);
    json_setup();
    int code = settings_read(&settings, argc, argv);
    if (code < 0) code = run(&settings);
    settings_dispose(&settings);
    return code;
}

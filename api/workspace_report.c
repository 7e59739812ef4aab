#include "api/workspace_report.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "api/stripe_names.h"

static void print_errors(const struct diag_list *diags, const char *dir) {
    int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    for (const struct diag *d = diags->first; d; d = d->next)
        if (d->level == DIAG_ERROR)
            diag_print_human(d, fd < 0 ? AT_FDCWD : fd, false, stderr);
    if (fd >= 0) close(fd);
}

struct tenants *workspace_read(const char *dir, bool strict) {
    struct diag_list diags;
    diag_init(&diags);
    struct tenants *t = tenants_open(dir, &diags);
    /* No tenant is left out for it: one would sell at the other's prices. */
    bool clear = !t || stripe_names_check(t, &diags);
    print_errors(&diags, dir);
    if (!clear || (strict && diags.errors)) {
        tenants_drop(t);
        t = NULL;
    }
    diag_dispose(&diags);
    return t;
}

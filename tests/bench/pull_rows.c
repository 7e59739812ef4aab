/* pull_rows WORKSPACE URL JOBS [OUT]: reads every tenant's rows as a build does, with a
 * renderer that only counts bytes; with OUT it keeps them there, as a build does, too.
 * `pull_rows --sql` prints the query for posts. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "generator/build.h"
#include "generator/pull_rows.h"
#include "generator/worker.h"

struct bench {
    struct build_inputs in;
    struct diag_list diags;
    unsigned long long rows, bytes;
    bool failed;
};
struct count {
    unsigned long long rows, bytes;
};

static void read_tenant(void *ctx, size_t i, struct worker *w, struct buf *result) {
    struct bench *b = ctx;
    struct site s = {.build = &b->in.build};
    struct diag_list diags;
    struct count c = {0};
    diag_init(&diags);
    s.diags = &diags;
    arena_init(&s.arena);
    arena_init(&s.content.arena);
    s.tenant.id = (char *)b->in.ids[i];
    s.content.tenant = s.tenant.id;
    worker_step(w, s.tenant.id);
    bool ok = pull_tenant(b->in.build.pull, &s);
    c.rows = s.content.n;
    for (size_t k = 0; k < s.content.n; k++) c.bytes += s.content.items[k].text.len;
    if (ok) pull_published(&s);
    for (const struct diag *d = diags.first; d; d = d->next)
        diag_print_human(d, -1, false, stderr);
    if (ok) buf_append(result, &c, sizeof c);
    content_dispose(&s.content);
    pull_rows_dispose(&s.rows);
    arena_dispose(&s.arena);
    diag_dispose(&diags);
}

static void tenant_read(
    void *ctx, size_t i, struct str result, const char *file, const char *why) {
    struct bench *b = ctx;
    struct count c;
    (void)i;
    if (result.len != sizeof c) {
        fprintf(stderr, "%s: %s\n", file, why);
        b->failed = true;
        return;
    }
    memcpy(&c, result.ptr, sizeof c);
    b->rows += c.rows;
    b->bytes += c.bytes;
}

int main(int argc, char **argv) {
    struct options o = {.now = clock_now(), .check = true};
    struct bench b = {0};
    json_setup();
    if (argc == 2 && !strcmp(argv[1], "--sql")) return puts(pull_posts.sql) < 0;
    if (argc != 4 && argc != 5) return 2;
    o.dir = argv[1];
    o.out = "";
    o.database = argv[2];
    diag_init(&b.diags);
    if (!build_open(&b.in, &o, &b.diags)) return 3;
    double began = clock_seconds();
    b.in.build.pull = pull_open(&o, argv[2], &b.diags);
    for (const struct diag *d = b.diags.first; d; d = d->next)
        if (d->level == DIAG_ERROR) diag_print_human(d, -1, false, stderr);
    if (!b.in.build.pull) return 3;
    int out_fd = argc == 5 ? open(argv[4], O_RDONLY | O_DIRECTORY) : -1;
    if (out_fd >= 0) pull_keep(b.in.build.pull, out_fd);
    struct worker_jobs jobs = {.jobs = (unsigned)strtoul(argv[3], NULL, 10),
        .n = b.in.n_ids,
        .ctx = &b,
        .task = read_tenant,
        .done = tenant_read};
    if (workers_run(&jobs)) return 3;
    printf("%.3f %llu %llu\n", clock_seconds() - began, b.rows, b.bytes);
    pull_close(b.in.build.pull);
    build_close(&b.in);
    diag_dispose(&b.diags);
    return b.failed;
}

/* One run of a build: what build.c and build_watch*.c share. */
#ifndef GENERATOR_BUILD_INTERNAL_H
#define GENERATOR_BUILD_INTERNAL_H
#include "generator/build.h"
#include "generator/report.h"

struct run {
    const struct options *options;
    struct build_inputs in;
    struct diag_list diags;    /* of the whole, in tenant order */
    struct diag_list *by_task; /* of each tenant asked for */
    struct cache *cache;       /* NULL: with check */
    size_t *todo, n_todo;      /* the tenants to make, by index in in.ids */
    bool opened;               /* `in` is */
    struct out_dir out;
    bool has_out;
    json_t *hosts;   /* hosts.json as it is, and as it will be */
    json_t *results; /* per tenant, in order */
    json_t *removed_trees;
    struct report report;
    size_t done;
    bool machine_failed;
    bool writing;            /* this pass publishes */
    bool stale;              /* the database does not answer, but rows are kept */
    struct arena task_arena; /* in a worker: the JSON of the tenant in hand */
};

void run_init(struct run *r, const struct options *o);
/* The whole data flow, to the summary.  False: it came to nothing, which was reported.
 */
bool run_build(struct run *r);
int run_exit_code(const struct run *r);
void run_dispose(struct run *r);

/* Opens the workspace into r->in, which is empty, and settles who owns which domain.
 * False: nobody's site can be made.  Reports to r->diags. */
bool run_read(struct run *r);
/* A result on its way from a worker: blocks of bytes. */
void result_put(struct buf *result, struct str bytes);
bool result_take(struct str *bytes, struct str *block);
/* Whether the site has rules that nginx.conf holds, and they changed. */
bool site_changes_rules(const json_t *site);
/* Brings hosts.json and nginx.conf up to r->results and removes trees that nobody has
 * any more: their names are added to r->removed_trees. */
void run_publish_hosts(struct run *r);
#endif

/* What the build takes from Postgres: the posts of a tenant that are to be seen, its
 * plans, and the promotions that run.
 *
 * The parent holds one read-only snapshot open; each worker looks at that very snapshot
 * through a connection of its own, as the role tenantry_builder, and sees one tenant at
 * a time: row-level security keeps every other one's rows from it. */
#ifndef GENERATOR_PULL_H
#define GENERATOR_PULL_H
#include "generator/site.h"

struct pull;
/* Connects and takes the snapshot.  NULL: reported as the machine's.  With --stale, a
 * database that does not answer is replaced by the rows that are kept. */
struct pull *pull_open(
    const struct options *o, const char *url, struct diag_list *diags);
/* Each tenant as it is when it is read, without a snapshot for all: for what follows
 * changes.  Connects when it is needed; `url` is borrowed.  Never NULL. */
struct pull *pull_live(const struct options *o, const char *url);
void pull_close(struct pull *p); /* in the process that opened it; NULL is fine */
/* Reads the rows of s->tenant.id: posts join s->content, s->rows gets the rest.  False:
 * reported, each row by table, tenant and id. */
bool pull_tenant(struct pull *p, struct site *s);
/* The pricing section of the config with the plans of the rows.  New reference; NULL:
 * there are none. */
json_t *pull_pricing(const struct site *s);
/* The site is published: its rows are kept for --stale, where pull_keep asked for it.
 */
void pull_published(struct site *s);
void pull_rows_dispose(struct site_rows *rows);

/* What changed since an earlier look, whatever committed at the same time. */
struct pull_look {
    const char *snapshot; /* of this look: `since` of the next */
    struct str slugs;     /* of the tenants that changed, one a line */
};
/* `since` NULL: only the snapshot.  In `a`.  False: reported as the machine's. */
bool pull_look(struct pull *p, const char *since, struct pull_look *look,
    struct arena *a, struct diag_list *diags);

/* ---- for builds without an answer ---- */

/* From now on rows are kept in the output folder. */
void pull_keep(struct pull *p, int out_fd);
/* Forgets what is kept of other tenants; ids are in byte order. */
void pull_forget(struct pull *p, const char *const *ids, size_t n);
/* When the rows that are kept were taken. */
struct pull_age {
    int64_t oldest, newest; /* seconds since 1970 */
    size_t n;               /* tenants that have any */
};
/* NULL: the database answers; else why not, and *age is filled. */
const char *pull_stale(
    const struct pull *p, const char *const *ids, size_t n, struct pull_age *age);

/* ---- between the parts of it ---- */

struct database;
/* The connection of this process.  NULL: reported. */
struct database *pull_reader(struct pull *p, struct diag_list *diags);
/* "posts of acme, id 0198...": stands for a file in messages. */
const char *pull_place(struct site *s, const char *table, const char *id);
#endif

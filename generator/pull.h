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
/* Connects and takes the snapshot.  NULL: reported as the machine's. */
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
void pull_rows_dispose(struct site_rows *rows);

/* What changed since an earlier look, whatever committed at the same time. */
struct pull_look {
    const char *snapshot; /* of this look: `since` of the next */
    struct str slugs;     /* of the tenants that changed, one a line */
};
/* `since` NULL: only the snapshot.  In `a`.  False: reported as the machine's. */
bool pull_look(struct pull *p, const char *since, struct pull_look *look,
    struct arena *a, struct diag_list *diags);

/* ---- between the parts of it ---- */

struct database;
/* The connection of this process.  NULL: reported. */
struct database *pull_reader(struct pull *p, struct diag_list *diags);
/* Brings s->content.until down to the next moment when other rows are to be seen,
 * though none changes.  False: the query failed. */
bool pull_until(struct database *d, const char *now, struct site *s);
/* Makes content of the rows in s->rows.posts. */
bool pull_posts(struct site *s);
/* Judges the plans and makes JSON of them: s->rows.plans. */
bool pull_plans(struct site *s, const struct pg_rows *rows);
/* "posts of acme, id 0198...": stands for a file in messages. */
const char *pull_place(struct site *s, const char *table, const char *id);
extern const char pull_posts_sql[], pull_plans_sql[], pull_promotions_sql[];
#endif

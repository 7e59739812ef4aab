/* The database behind a workspace: where it is, its schema, its first rows. */
#ifndef GENERATOR_DATABASE_H
#define GENERATOR_DATABASE_H
#include <stdbool.h>
#include "base/diag.h"
#include "base/json.h"
#include "base/pg.h"
#include "generator/options.h"
#include "model/workspace.h"

struct database {
    struct arena arena;
    const struct options *options;
    struct diag_list *diags;
    struct pg pg;
    const char *url;
};
/* The connection string that was given: --database, else DATABASE_URL; NULL: none. */
const char *database_given(const struct options *o);
/* The connection string that applies: the one given, else that of the
 * throw-away server of this workspace when it runs; NULL: none. */
const char *database_url(const struct options *o, struct arena *a);
/* Connects; false: d->pg.error says why, and database_unanswered reports it.  d is safe
 * to close in either case. */
bool database_connect(struct database *d, const struct options *o, const char *url,
    struct diag_list *diags);
bool database_unanswered(struct database *d); /* returns false */
/* Connects; false: reported.  d is safe to close in either case. */
bool database_open(struct database *d, const struct options *o, const char *url,
    struct diag_list *diags);
void database_close(struct database *d);
/* Reports the last failure of d->pg as the machine's; returns false. */
bool database_failed(struct database *d, const char *doing);
/* Adds an error that is not the input's fault; returns false. */
bool database_trouble(struct diag_list *diags, const char *file, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- migrations ---- */

struct migration {
    const char *name;    /* "0003_content" */
    const char *file;    /* for messages: the folder as it was found, and the name */
    const char *digest;  /* SHA-256 of its bytes, hex */
    const char *applied; /* when, as text; NULL: not yet */
    struct str text;     /* NUL-terminated */
    bool alone;          /* its first line says that it cannot be in a transaction */
};
struct migrations {
    struct migration *items; /* by number */
    size_t n;
    size_t pending;
};
/* Reads the numbered files of `folder`, or of db/migrations beside the program or where
 * it was installed when NULL.  False: reported. */
bool migrations_load(
    struct migrations *m, const char *folder, struct arena *a, struct diag_list *diags);
/* Finds out which are applied.  False: one was changed, is missing or comes too late,
 * or the database failed; reported. */
bool migrations_compare(struct migrations *m, struct database *d);
/* Applies what is pending, once however many try at the same time. *applied counts.
 * False: reported; what was applied before stays. */
bool database_migrate(struct database *d, struct migrations *m, size_t *applied);

/* ---- first rows ---- */

struct seed_counts {
    size_t tenants, plans, posts; /* rows that were not there before */
};
/* Makes a row of every tenant folder, of its display plans when `plans`, and of what
 * db/samples/<id>.json holds where the workspace has such a file.  Rows that are there
 * stay as they are, but for a tenant's name.  False: reported; the other tenants'
 * rows are in. */
bool database_seed(struct database *d, const struct workspace *w, bool plans,
    struct seed_counts *counts);

/* ---- tenants as customers ---- */

struct tenant_wish {
    const char *id, *name;
    const char *owner;   /* e-mail of who is to own it; NULL: nobody yet */
    bool free;           /* it need not pay; else it waits for its first payment */
    const json_t *plans; /* that it may subscribe to, as in tenantry.json; NULL: none */
};
/* Each answers what is true then, or NULL: reported.  Whatever is there stays, so that
 * all can be done again.  `invitation`: the token that an owner registers with who is
 * nobody yet. */
json_t *database_tenant_new(struct database *d, const struct tenant_wish *wish);
/* word: suspend, resume or close; days: of grace, NULL: none. */
json_t *database_tenant_turn(
    struct database *d, const char *id, const char *word, const char *days);
json_t *database_tenant_list(struct database *d);

/* ---- the throw-away server of a workspace ---- */

struct server {
    struct arena arena;
    struct diag_list *diags;
    const char *workspace; /* absolute */
    const char *dir;       /* .tenantry/postgres in it, absolute */
    const char *shown;     /* the same, as the user would write it */
    const char *socket;    /* the folder of its socket; short */
    const char *url;       /* of the superuser */
    unsigned uid, gid;     /* whom it runs as */
};
/* Works out where it would be; touches nothing.  False: reported. */
bool server_find(struct server *s, const char *workspace, struct diag_list *diags);
void server_dispose(struct server *s);
bool server_exists(const struct server *s);  /* was made at some time */
bool server_running(const struct server *s); /* answers */
/* Makes it unless it is there, starts it unless it runs (*started tells).  False:
 * reported. */
bool server_start(struct server *s, bool *started);
/* Stops it if it runs (*stopped tells); `discard` removes its files as well. */
bool server_stop(struct server *s, bool discard, bool *stopped);
/* The connection string for another role than the superuser. */
const char *server_url(const struct server *s, struct arena *a, const char *user);
#endif

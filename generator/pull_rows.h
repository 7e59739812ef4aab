/* Rows on their way into a site, whether Postgres sends them or a file keeps them. */
#ifndef GENERATOR_PULL_ROWS_H
#define GENERATOR_PULL_ROWS_H
#include "generator/database.h"
#include "generator/pull.h"

#define PULL_COLUMNS 24 /* more than any table has */

/* A tenant's rows, taken one by one. */
struct pull_rows {
    struct site *s;
    bool lasting; /* the cells live as long as the site, else they are copied */
    struct content_row *posts; /* owned, as are their values */
    size_t n, cap;
    size_t plans;
    bool ok; /* nothing was wrong with a row so far */
};
struct pull_table {
    const char *name, *sql; /* without parameters */
    unsigned columns;
    /* One row; a NULL is SQL's.  What is wrong with it is reported: r->ok. */
    void (*take)(struct pull_rows *r, const char *const *cells);
};
enum { PULL_POSTS, PULL_PLANS, PULL_PROMOTIONS, PULL_TABLES };
extern const struct pull_table pull_posts, pull_plans, pull_promotions;
const struct pull_table *pull_table(unsigned i);

/* The tenant has a row in the database. */
void pull_rows_known(struct pull_rows *r);
/* All rows were taken: posts join the site's content.  False: reported. */
bool pull_rows_join(struct pull_rows *r);
void pull_rows_drop(struct pull_rows *r); /* what did not join */

/* A moment as SQL gives it, see PULL_MOMENT; `none` for a NULL. */
int64_t pull_moment(const char *cell, int64_t none);
/* The site changes by itself at that moment. */
void pull_note_moment(struct site *s, int64_t t);
/* SQL: seconds since 1970.  The build's clock counts whole ones, so that what happens
 * within a second has happened at the next. */
#define PULL_MOMENT(column) "ceil(extract(epoch from " column "))::text"
#endif

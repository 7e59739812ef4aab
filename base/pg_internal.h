/* Between the files of base/pg.h. */
#ifndef BASE_PG_INTERNAL_H
#define BASE_PG_INTERNAL_H
#include "base/pg.h"

/* Keeps what a result (libpq's) or, when it is NULL, the connection says went wrong. */
void pg_keep_error(struct pg *p, const void *result);
#endif

/* Running Postgres's own programs as a user without privileges. */
#ifndef GENERATOR_DATABASE_PROCESS_H
#define GENERATOR_DATABASE_PROCESS_H
#include <stdbool.h>
#include "base/arena.h"

/* The path of one of them: in PATH, else of the newest version where Debian keeps them;
 * NULL: not installed. */
const char *process_find_postgres(struct arena *a, const char *program);
/* Whether that user may enter the folder. */
bool process_reaches(const char *folder, unsigned uid, unsigned gid);
/* Runs it (args[0] is its name, NULL the last) as that user, in /, with what it says
 * appended to `said`.  False: it did not exit with 0. */
bool process_run(const char *path, const char *const *args, unsigned uid, unsigned gid,
    struct buf *said);
/* The last n lines that are not empty, joined by "; ". */
const char *process_last_lines(struct arena *a, struct str text, size_t n);
#endif

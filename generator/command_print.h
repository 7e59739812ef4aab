/* What the commands that answer questions print: tables for people, objects for
 * programs.
 */
#ifndef GENERATOR_COMMAND_PRINT_H
#define GENERATOR_COMMAND_PRINT_H
#include "base/diag.h"
#include "base/json.h"
#include "generator/options.h"

/* One JSON object, on a line of its own. */
void print_object(const json_t *v);
/* Rows (objects): with --format json one a line, else a table of these keys, each
 * column as wide as its widest text.  What a row lacks is shown as "-", or at
 * the end of the line not at all. */
void print_rows(
    const json_t *rows, const char *const *keys, size_t n, const struct options *o);
/* Errors always, the rest with -v: the question was another one. */
void print_diags(const struct diag_list *diags, int dir_fd, const struct options *o);
/* Flushes standard output.  Returns `code`, or 3 when what was printed did not arrive.
 */
int print_end(int code);
#endif

/* Bodies of plain forms: application/x-www-form-urlencoded. */
#ifndef API_FORM_H
#define API_FORM_H
#include "base/arena.h"
#include "base/str.h"

/* The first field of this name, decoded, in the arena; NULL: there is none, or its
 * value is no text (a bad escape, a NUL, not UTF-8). */
char *form_field(struct arena *a, struct str body, const char *name);
#endif

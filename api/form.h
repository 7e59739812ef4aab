/* Bodies of plain forms: application/x-www-form-urlencoded. */
#ifndef API_FORM_H
#define API_FORM_H
#include "base/arena.h"

bool form_is(const char *content_type);
/* The decoded value of the first field of this name; NULL: there is none, or it is not
 * text (a NUL, bad UTF-8). */
char *form_value(struct arena *a, struct str body, const char *name);
#endif

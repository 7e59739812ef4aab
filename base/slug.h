/* Names for addresses. */
#ifndef BASE_SLUG_H
#define BASE_SLUG_H
#include "base/arena.h"

/* Lower-case ASCII letters, digits and single hyphens.  Latin letters lose their marks,
 * + # & become words, other scripts are spelt by their numbers, so that different names
 * stay different; what else there is becomes a hyphen.  Never empty ("x"). */
char *slug_make(struct arena *a, struct str text);
#endif

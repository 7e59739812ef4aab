/* Running text, whatever language it was marked up in. */
#ifndef MODEL_PROSE_H
#define MODEL_PROSE_H
#include "base/str.h"

/* How many words begin in s; *inside: whether one is open, kept from piece to piece. */
unsigned prose_words(const char *s, size_t len, bool *inside);
/* At most `max` characters, whole words, with an ellipsis when something is missing.
 * Borrowed from s or, when it was cut, from scratch. */
struct str prose_shorten(struct buf *scratch, struct str s, size_t max);
/* Sets b to the slug of a heading: lower case, blanks as hyphens, letters and digits of
 * any script kept.  UTF-8; it may come out empty. */
void prose_slug(struct buf *b, const char *s);
#endif

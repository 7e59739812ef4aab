/* What an editor wrote, as the inside of a JSON string that is safe to put into a page.
 *
 * Making HTML harmless takes longer than reading it from the database, so a worker
 * remembers what became of a text, by its SHA-256. */
#ifndef API_RICHTEXT_H
#define API_RICHTEXT_H
#include "base/str.h"

struct richtext;
struct richtext *richtext_new(void);
void richtext_free(struct richtext *r); /* NULL is allowed */
/* Appends harmless HTML, escaped for JSON.  False: it cannot be made harmless (too
 * deep, not UTF-8, a control character); nothing was appended. */
bool richtext_write(struct richtext *r, struct str html, struct buf *out);
#endif

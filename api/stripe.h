/* What is Stripe's way of saying things: signatures of its events, forms, names of
 * keys. Pure, but for stripe_secret, which reads the environment. */
#ifndef API_STRIPE_H
#define API_STRIPE_H
#include <stdbool.h>
#include "base/arena.h"
#include "base/str.h"

#define STRIPE_TOLERANCE 300 /* seconds that a signature may be old */
/* Whether `header` (Stripe-Signature) signs these bytes with one of the secrets, which
 * commas separate, and is not too old at `now` (seconds since 1970).  What is of the
 * future is not refused: as Stripe's own libraries judge. */
bool stripe_signed(const char *header, struct str body, struct str secrets, long now);

/* ---- forms, as Stripe wants them: line_items[0][price]=... ---- */

/* Appends a field; the name as it is, the value escaped.  NULL: left out. */
void stripe_field(struct buf *form, const char *name, const char *value);

/* ---- the operator's settings ---- */

/* The variable <name>, or what the file holds that the variable <name>_FILE names, or
 * the file <name> of systemd's $CREDENTIALS_DIRECTORY; without its last line end. NULL:
 * there is none.  Read anew each time, so that a key can be changed. */
char *stripe_secret(struct arena *a, const char *name);
/* The same of "STRIPE_<what>_<TENANT>", or else of "STRIPE_<what>".  A tenant whose
 * name ends in "file" has only the latter. */
char *stripe_secret_of(struct arena *a, const char *what, const char *tenant);
/* The former alone; NULL: this tenant has none. */
char *stripe_secret_own(struct arena *a, const char *what, const char *tenant);
#endif

/* Somebody who wants to come in: what they sent, as JSON or by a plain form, and how
 * they are answered. */
#ifndef API_ENTRY_H
#define API_ENTRY_H
#include "api/call.h"

struct entry {
    bool form;               /* a page without script: answered by sending it on */
    const char *email;       /* in lower case where that is ASCII */
    const char *name;        /* "": none */
    struct str password;     /* bytes of UTF-8 */
    const char *invitation;  /* SHA-256 of its token, hex; NULL: none */
    bool joining;            /* may become somebody new */
    const char *user, *hash; /* of whoever has the e-mail; NULL: nobody */
    bool again;              /* looked for a second time */
    char *token;             /* of the session to be */
};
/* Reads and checks the body; the entry is c->handler.  NULL: answered. */
struct entry *entry_read(struct call *c, bool joining);
/* In: a form is sent on to the tenant's own page, others have the JSON. */
void entry_welcome(struct call *c, struct str json);
/* Not in.  A form is sent back to where it came from with ?error=. */
void entry_refuse(struct call *c, int status, const char *detail);
/* A form, or what is to be answered like one: goes to this path. */
void entry_send_on(struct call *c, const char *path);
bool entry_is_form(const struct call *c);
/* Whether it looks like an e-mail address; whose it is shows when mail arrives. */
bool entry_email_fits(struct str email);
#endif

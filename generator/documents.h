/* Agent documents: skill.md, skill.json, heartbeat.md, and the strict SKILL.md made
 * from skill.md. */
#ifndef GENERATOR_DOCUMENTS_H
#define GENERATOR_DOCUMENTS_H
#include <stdbool.h>
#include "base/diag.h"
#include "base/json.h"
#include "model/tenant.h"

struct document {     /* tenants/<id>/<name>, published at the root byte for byte */
    const char *name; /* "skill.md" */
    const char *file; /* "tenants/acme/skill.md", for messages */
    struct str text;
};
/* What other modules know, asked while checking. */
struct document_context {
    const struct tenant *tenant;
    /* True when the tenant's own site has this path ("/heartbeat.md") or it is
     * external. */
    bool (*published)(void *ctx, struct str path);
    /* The tenant that owns a host named in a URL, or NULL: nobody here. */
    const char *(*owner)(void *ctx, struct str host);
    void *ctx;
};
/* The view's skills[]: for skill.md (if there is one with front matter): {name,
 * description, url, digest, document_md}. document_md holds the strict form's bytes:
 * only name, description, license, compatibility, metadata, allowed-tools at the top,
 * every other key moved into metadata as a string.  name is made ASCII-valid from the
 * front matter's name, else the tenant id. New reference, an array (possibly empty).
 * False: errors were reported (front matter, limits of the strict form). */
bool documents_skills(const struct document *docs, size_t n, const struct tenant *t,
    json_t **skills, struct diag_list *diags);
/* Everything else: errors (secrets, versions equal, listed files exist, canonical host,
 * other tenants' domains, broken JSON) and warnings (body size, "use when", http://,
 * api_base, heartbeat interval, remote instructions).  What documents_skills reports is
 * not reported again, secrets_check of each document is included. */
void documents_check(const struct document *docs, size_t n,
    const struct document_context *c, struct diag_list *diags);
/* The document of that name, or NULL. */
const struct document *documents_find(
    const struct document *docs, size_t n, const char *name);
/* A front matter or JSON value as text: strings as they are, lists and objects as
 * compact JSON. */
char *document_value_text(struct arena *a, const json_t *value);

/* An http(s) URL found in running text. */
struct document_url {
    struct str url;  /* as written, trailing punctuation of the sentence left out */
    struct str host; /* without user and port; may be no valid host name */
    struct str rest; /* after the authority: path, query, fragment */
    struct str path; /* of rest; "/" when empty */
    bool secure;     /* https */
    size_t at;       /* offset in the text */
};
/* The next URL at or after *from, which moves behind it.  False: no more. */
bool document_url_next(struct str text, size_t *from, struct document_url *out);

/* Secret-looking strings (sk_live_, rk_live_, whsec_, AKIA..., private key blocks,
 * ghp_, xox..., Stripe price_ ids in config) in any published text: an error with
 * position each.  Returns how many.  Placeholders of documentation are let pass. */
unsigned secrets_check(
    struct str text, const char *file, unsigned first_line, struct diag_list *diags);
#endif

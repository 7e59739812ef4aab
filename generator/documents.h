/* Agent documents: skill.md, skill.json, heartbeat.md, and the strict SKILL.md made from skill.md. */
#ifndef GENERATOR_DOCUMENTS_H
#define GENERATOR_DOCUMENTS_H
#include <stdbool.h>
#include "base/diag.h"
#include "base/json.h"
#include "model/tenant.h"

struct document {       /* tenants/<id>/<name>, published at the root byte for byte */
    const char *name;   /* "skill.md" */
    const char *file;   /* "tenants/acme/skill.md", for messages */
    struct str text;
};
/* What other modules know, asked while checking. */
struct document_context {
    const struct tenant *tenant;
    /* True when the tenant's own site has this path ("/heartbeat.md") or it is external. */
    bool (*published)(void *ctx, struct str path);
    /* The tenant that owns a host named in a URL, or NULL: nobody here. */
    const char *(*owner)(void *ctx, struct str host);
    void *ctx;
};
/* The view's skills[]: for skill.md (if there is one with front matter): {name, description, url, digest, document_md}.
 * document_md holds the strict form's bytes: only name, description, license, compatibility, metadata, allowed-tools at the top,
 * every other key moved into metadata as a string.  name is made ASCII-valid from the front matter's name, else the tenant id.
 * New reference, an array (possibly empty). False: errors were reported. */
bool documents_skills(const struct document *docs, size_t n, const struct tenant *t, json_t **skills, struct diag_list *diags);
/* Rules of ../facts 3.6: errors (limits, versions equal, listed files exist, canonical host, other tenants' domains, ...) and
 * warnings (body size, "use when", http://, api_base, ...). */
void documents_check(const struct document *docs, size_t n, const struct document_context *c, struct diag_list *diags);
/* Secret-looking strings (sk_live_, rk_live_, whsec_, AKIA..., private key blocks, ghp_, xox..., Stripe price_ ids in config) in
 * any published text: an error with position each.  Returns how many. */
unsigned secrets_check(struct str text, const char *file, unsigned first_line, struct diag_list *diags);
#endif

/* One tenant's config.json: the single source of truth about a brand. */
#ifndef MODEL_TENANT_H
#define MODEL_TENANT_H
#include <stdbool.h>
#include "base/arena.h"
#include "base/diag.h"
#include "base/file.h"
#include "base/json.h"

struct tenant {
    struct arena arena;
    const char *id;
    const char *file; /* "tenants/acme/config.json" */
    struct str text;  /* the file's bytes; in the arena */
    json_t *config;   /* as the file says, validated; owned */
    const char *
        *domains; /* lower-case, no port, no trailing dot; in the config's order */
    size_t n_domains;
    const char
        *canonical;    /* the host of meta.url when it is in domains, else domains[0] */
    const char *url;   /* "https://" canonical, no trailing slash */
    const char *theme; /* theme.name, else "default" */
    bool mirror;       /* "aliases": "mirror" */
};
/* Reads and validates tenants/<id>/config.json.  Every mistake is reported, with
 * position; unknown keys warn ("did you mean").  False: there were errors; t is still
 * safe to dispose. */
bool tenant_load(struct tenant *t, const struct root *tenants, const char *id,
    struct diag_list *diags);
/* The same from text already at hand (tests, fuzzing). */
bool tenant_parse(
    struct tenant *t, const char *id, struct str text, struct diag_list *diags);
void tenant_dispose(struct tenant *t);
bool tenant_id_valid(struct str id); /* 1-63 of a-z 0-9 - _, first a letter or digit */
/* Where a value of the config stands, for messages of later passes ("/branding/logo").
 */
struct diag_place tenant_place(const struct tenant *t, const char *pointer, bool key);
/* The part anyone may read, by allowlist: what /tenants/<id>/config.json publishes. New
 * reference. */
json_t *tenant_public(const struct tenant *t, const json_t *pricing);

/* Bare HSL triple "45 93% 47%" (also decimals, "45deg"). h 0-360, s and l 0-100. */
struct hsl {
    double h, s, l;
};
bool hsl_parse(struct str s, struct hsl *out);
void hsl_hex(struct hsl c, char out[8]);         /* "#e7b008" */
double hsl_contrast(struct hsl a, struct hsl b); /* WCAG 2.x contrast ratio, 1 to 21 */
/* The lightness nearest to c's that reaches `ratio` against `other`; false when none
 * does. */
bool hsl_passing(struct hsl c, struct hsl other, double ratio, struct hsl *out);

/* The table behind the validator, the JSON Schema and the reference page. */
void tenant_schema_json(struct buf *out); /* JSON Schema draft 2020-12 */
void tenant_schema_man(struct buf *out);  /* tenantry-config(5), mdoc */
#endif

/* Tenants as customers: their rows in the database. */
#include "base/crypto.h"
#include "generator/database.h"

#define TOKEN_BYTES 32

/* What a function that answers JSON said; NULL: it failed, which was reported. */
static json_t *ask(struct database *d, const char *what, const char *sql,
    const char *const *values, int n) {
    char *text = pg_value(&d->pg, sql, values, n, &d->arena);
    if (text) return json_loads(text, JSON_DECODE_ANY, NULL);
    if (!pg_connected(&d->pg))
        database_failed(d, what);
    else
        diag_add(d->diags, DIAG_ERROR, DIAG_NOWHERE, "%s: %s", what, d->pg.error.ptr);
    return NULL;
}

static const char *make_token(struct arena *a) {
    char bytes[TOKEN_BYTES];
    crypto_random(bytes, sizeof bytes);
    return base64url_encode(a, (struct str){bytes, sizeof bytes});
}

json_t *database_tenant_new(struct database *d, const struct tenant_wish *wish) {
    char hash[SHA256_HEX_SIZE];
    struct buf plans;
    const char *token = make_token(&d->arena);
    sha256_hex(str_from(token), hash);
    buf_init(&plans, 0);
    if (wish->plans) json_write(&plans, wish->plans, 0);
    const char *const values[] = {wish->id, wish->name, wish->free ? "true" : "false",
        wish->owner, hash, plans.len ? plans.ptr : NULL};
    json_t *v = ask(d, wish->id,
        "select tenantry.tenant_open($1, $2, $3::boolean, $4, $5, $6::text::jsonb)",
        values, 6);
    buf_dispose(&plans);
    const char *owner = json_path_string(v, "owner");
    if (owner && !strcmp(owner, "invited")) json_set_str(v, "invitation", token);
    return v;
}

json_t *database_tenant_turn(
    struct database *d, const char *id, const char *word, const char *days) {
    const char *const values[] = {id, word, days};
    json_t *v = ask(d, id,
        "select coalesce(tenantry.tenant_turn($1, $2, make_interval(days =>"
        " $3::integer)), 'null')",
        values, 3);
    if (!json_is_null(v)) return v;
    diag_add(d->diags, DIAG_ERROR, DIAG_NOWHERE,
        "%s: the database has no such tenant; `tenantry db tenant list` names those it "
        "has",
        id);
    return NULL;
}

json_t *database_tenant_list(struct database *d) {
    return ask(d, "listing tenants",
        "select coalesce(jsonb_agg(tenantry.tenant_line(t.id) order by t.slug collate "
        "\"C\"), '[]') from tenantry.tenant_list() t",
        NULL, 0);
}

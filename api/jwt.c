#include "api/jwt.h"

#include <math.h>
#include <strings.h>

#include "base/crypto.h"
#include "base/uuid.h"

#define TOKEN_MAX (8u << 10)
#define TIME_MAX 253402300800.0 /* the year 10000 */
#define NAMESPACE "https://hasura.io/jwt/claims"

const char *jwt_reason(enum jwt_verdict v) {
    static const char *const reasons[] = {"it is fine", "it is no JSON Web Token",
        "it has extensions in crit", "no key is known by its kid",
        "its alg is not that of the key", "the signature is wrong", "it has expired",
        "it is of the future", "it is of another issuer", "it is for somebody else",
        "it is not for this tenant", "it names no user", "it may not act in that role"};
    return reasons[v];
}

/* ---- parts ---- */

static json_t *parse(struct str text) {
    struct diag_list diags;
    diag_init(&diags);
    json_t *v = json_parse(text, "token", &diags);
    diag_dispose(&diags);
    if (json_is_object(v)) return v;
    json_decref(v);
    return NULL;
}

static json_t *decode(struct str part, struct arena *a) {
    struct str text;
    return base64url_decode(a, part, &text) ? parse(text) : NULL;
}

static const char *text_of(const json_t *object, const char *name) {
    return json_string_value(json_object_get(object, name));
}

/* ---- the header ---- */

static const struct jwt_key *key_of(const char *id, struct jwt_keys keys) {
    if (!id) return keys.n == 1 ? keys.items : NULL;
    for (size_t i = 0; i < keys.n; i++)
        if (keys.items[i].id && !strcmp(keys.items[i].id, id)) return &keys.items[i];
    return NULL;
}

/* A token made for another purpose says so (RFC 8725, section 3.11). */
static bool type_fits(const json_t *header) {
    const json_t *typ = json_object_get(header, "typ");
    const char *name = json_string_value(typ);
    if (!typ) return true;
    if (name && !strncasecmp(name, "application/", 12)) name += 12;
    return name && (!strcasecmp(name, "JWT") || !strcasecmp(name, "at+jwt"));
}

static enum jwt_verdict read_header(
    const json_t *header, struct jwt_keys keys, const struct jwt_key **key) {
    const json_t *kid = json_object_get(header, "kid");
    if (!type_fits(header) || (kid && !json_is_string(kid))) return JWT_MALFORMED;
    if (json_object_get(header, "crit") || json_object_get(header, "b64"))
        return JWT_CRITICAL;
    *key = key_of(json_string_value(kid), keys);
    if (!*key) return JWT_UNKNOWN_KEY;
    const char *alg = text_of(header, "alg");
    if (!alg || strcmp(alg, jwk_name(jwk_algorithm((*key)->key)))) return JWT_ALGORITHM;
    return JWT_FINE;
}

/* ---- claims ---- */

/* Seconds since 1970; false: it is there and no such thing. */
static bool read_time(const json_t *body, const char *name, double *t) {
    const json_t *v = json_object_get(body, name);
    *t = v ? json_number_value(v) : NAN;
    return !v || (json_is_number(v) && *t >= 0 && *t < TIME_MAX);
}

static enum jwt_verdict judge_times(const json_t *body, const struct jwt_expected *e) {
    double expires, begins, issued;
    double now = (double)e->now, leeway = (double)e->leeway;
    if (!read_time(body, "exp", &expires) || !read_time(body, "nbf", &begins) ||
        !read_time(body, "iat", &issued) || isnan(expires))
        return JWT_MALFORMED;
    if (expires <= now - leeway) return JWT_EXPIRED;
    if (begins > now + leeway || issued > now + leeway) return JWT_EARLY;
    return JWT_FINE;
}

/* Whether aud, a string or a list of them, names this. */
static bool audience_names(const json_t *body, const char *name) {
    const json_t *aud = json_object_get(body, "aud"), *one;
    size_t i;
    if (json_is_string(aud)) return !strcmp(json_string_value(aud), name);
    json_array_foreach(aud, i, one) {
        if (json_is_string(one) && !strcmp(json_string_value(one), name)) return true;
    }
    return false;
}

static bool audience_is_tenant(const json_t *body, const struct jwt_expected *e) {
    bool named = audience_names(body, e->slug);
    for (size_t i = 0; i < e->n_hosts && !named; i++)
        named = audience_names(body, e->hosts[i]);
    return named;
}

static enum jwt_verdict judge_parties(
    const json_t *body, const struct jwt_expected *e) {
    const char *iss = text_of(body, "iss");
    if (e->issuer && (!iss || strcmp(iss, e->issuer))) return JWT_ISSUER;
    bool ours = e->audience && audience_names(body, e->audience);
    if (e->audience ? !ours && !audience_is_tenant(body, e)
                    : json_object_get(body, "aud") && !audience_is_tenant(body, e))
        return JWT_AUDIENCE;
    return JWT_FINE;
}

/* The claims of Hasura: an object, or the text of one.  False: they are there and
 * neither.  A new reference. */
static bool read_namespace(const json_t *body, json_t **found) {
    json_t *v = json_object_get(body, NAMESPACE);
    *found = NULL;
    if (!v) return true;
    if (json_is_string(v))
        *found = parse((struct str){json_string_value(v), json_string_length(v)});
    else if (json_is_object(v))
        *found = json_incref(v);
    return *found != NULL;
}

/* Its names count in any case, so one that is there twice says nothing: false. */
static bool read_claim(json_t *claims, const char *name, const json_t **found) {
    const char *key;
    json_t *v;
    *found = NULL;
    json_object_foreach(claims, key, v) {
        if (strcasecmp(key, name)) continue;
        if (*found) return false;
        *found = v;
    }
    return true;
}

static bool is_tenant(const json_t *v, const struct jwt_expected *e) {
    const char *text = json_string_value(v);
    if (!text) return false;
    return !strcmp(text, e->slug) || (*e->tenant && !strcasecmp(text, e->tenant));
}

/* Whoever has a key for one tenant must not be somebody in another. */
static enum jwt_verdict judge_tenant(
    const json_t *body, json_t *hasura, const struct jwt_expected *e) {
    const json_t *there = NULL, *here = json_object_get(body, "tenant_id");
    if (!read_claim(hasura, "x-hasura-tenant-id", &there)) return JWT_MALFORMED;
    if ((there && !is_tenant(there, e)) || (here && !is_tenant(here, e)))
        return JWT_TENANT;
    return there || here || audience_is_tenant(body, e) ? JWT_FINE : JWT_TENANT;
}

static bool holds(const json_t *list, const char *text) {
    const json_t *one;
    size_t i;
    json_array_foreach(list, i, one) {
        const char *name = json_string_value(one);
        if (name && text && !strcmp(name, text)) return true;
    }
    return false;
}

static enum jwt_verdict judge_role(
    json_t *hasura, const struct jwt_expected *e, struct arena *a, const char **role) {
    const json_t *usual, *allowed;
    if (!read_claim(hasura, "x-hasura-default-role", &usual) ||
        !read_claim(hasura, "x-hasura-allowed-roles", &allowed))
        return JWT_MALFORMED;
    if (!json_is_string(usual) || !json_is_array(allowed)) return JWT_ROLE;
    const char *chosen = e->role ? e->role : json_string_value(usual);
    if (!holds(allowed, json_string_value(usual)) || !holds(allowed, chosen))
        return JWT_ROLE;
    *role = arena_strdup(a, chosen);
    return JWT_FINE;
}

static enum jwt_verdict judge_user(
    const json_t *body, json_t *hasura, struct arena *a, const char **user) {
    const json_t *v = NULL;
    if (!read_claim(hasura, "x-hasura-user-id", &v)) return JWT_MALFORMED;
    if (!v) v = json_object_get(body, "sub");
    *user = json_is_string(v) ? uuid_read(a, str_from(json_string_value(v))) : NULL;
    return *user ? JWT_FINE : JWT_USER;
}

static enum jwt_verdict judge_body(const json_t *body, const struct jwt_expected *e,
    struct arena *a, struct jwt_claims *claims) {
    json_t *hasura;
    enum jwt_verdict v = judge_times(body, e);
    if (!v) v = judge_parties(body, e);
    if (v) return v;
    if (!read_namespace(body, &hasura)) return JWT_MALFORMED;
    v = judge_tenant(body, hasura, e);
    if (!v) v = judge_user(body, hasura, a, &claims->user);
    if (!v && hasura) v = judge_role(hasura, e, a, &claims->role);
    json_decref(hasura);
    return v;
}

/* ---- the whole ---- */

enum jwt_verdict jwt_judge(struct str token, struct jwt_keys keys,
    const struct jwt_expected *expected, struct arena *a, struct jwt_claims *claims) {
    struct str rest = token, head, body, signature;
    const struct jwt_key *key = NULL;
    *claims = (struct jwt_claims){0};
    if (token.len > TOKEN_MAX || !str_cut(&rest, '.', &head) ||
        !str_cut(&rest, '.', &body) || !rest.ptr ||
        str_find_char(rest, '.', &(size_t){0}) ||
        !base64url_decode(a, rest, &signature))
        return JWT_MALFORMED;
    json_t *header = decode(head, a);
    enum jwt_verdict v = header ? read_header(header, keys, &key) : JWT_MALFORMED;
    json_decref(header);
    if (v) return v;
    struct str signed_part = {token.ptr, head.len + 1 + body.len};
    if (!jwk_verify(key->key, signed_part, signature)) return JWT_SIGNATURE;
    json_t *claimed = decode(body, a);
    v = claimed ? judge_body(claimed, expected, a, claims) : JWT_MALFORMED;
    json_decref(claimed);
    return v;
}

/* tenantry explain: keys of config.json, and names that only the build makes. */
#include <string.h>

#include "generator/command_explain.h"

#define PARTS_MAX 32
#define SHORT_VALUE 60 /* bytes of a value that still fits behind its key */

struct key { /* "pricing.plans[0].price" taken apart */
    struct str parts[PARTS_MAX];
    size_t n;
    char *pointer; /* "/pricing/plans/0/price" */
};

/* ---- the key ---- */

static void add_pointer(struct buf *b, struct str part) {
    buf_char(b, '/');
    for (size_t i = 0; i < part.len; i++) {
        if (part.ptr[i] == '~' || part.ptr[i] == '/')
            buf_cstr(b, part.ptr[i] == '~' ? "~0" : "~1");
        else
            buf_char(b, part.ptr[i]);
    }
}

static bool key_parse(struct explain *e, struct key *k) {
    char *text = arena_strdup(&e->arena, e->key);
    struct buf pointer;
    bool ok = true;
    *k = (struct key){0};
    for (char *c = text; *c; c++)
        if (*c == '[') *c = '.';
    struct str rest = str_from(text), part;
    buf_init(&pointer, 0);
    while (str_cut(&rest, '.', &part)) {
        if (str_ends(part, "]")) part.len--;
        ok = part.len && k->n < PARTS_MAX;
        if (!ok) break;
        k->parts[k->n++] = part;
        add_pointer(&pointer, part);
    }
    k->pointer = arena_str(&e->arena, buf_view(&pointer));
    buf_dispose(&pointer);
    return ok && k->n;
}

static bool read_index(struct str part, size_t *i) {
    *i = 0;
    for (size_t k = 0; k < part.len; k++) {
        if (part.ptr[k] < '0' || part.ptr[k] > '9' || k > 6) return false;
        *i = *i * 10 + (size_t)(part.ptr[k] - '0');
    }
    return part.len > 0;
}

static const json_t *member(const json_t *v, struct str part) {
    size_t i;
    if (json_is_array(v)) return read_index(part, &i) ? json_array_get(v, i) : NULL;
    return json_object_getn(v, part.ptr, part.len);
}

static const json_t *key_find(const struct key *k, const json_t *v) {
    for (size_t i = 0; i < k->n && v; i++) v = member(v, k->parts[i]);
    return v;
}

/* The JSON Schema of the key, or NULL when it is not described. */
static const json_t *schema_find(const struct key *k, const json_t *schema) {
    size_t index;
    for (size_t i = 0; i < k->n && schema; i++) {
        const json_t *items = json_object_get(schema, "items");
        if (items && read_index(k->parts[i], &index))
            schema = items;
        else
            schema = member(json_object_get(schema, "properties"), k->parts[i]);
    }
    return schema;
}

/* New reference. */
static json_t *schema_read(void) {
    struct buf text;
    struct diag_list ignored;
    buf_init(&text, 0);
    diag_init(&ignored);
    tenant_schema_json(&text);
    json_t *schema = json_parse(buf_view(&text), "schema", &ignored);
    diag_dispose(&ignored);
    buf_dispose(&text);
    return schema;
}

/* ---- the answer ---- */

static char *value_text(struct explain *e, const json_t *v, int indent) {
    struct buf b;
    buf_init(&b, 0);
    json_write(&b, v, indent);
    char *text = arena_str(&e->arena, buf_view(&b));
    buf_dispose(&b);
    return text;
}

/* "key = value" when that fits on a line. */
static bool say_key(struct explain *e, const json_t *value) {
    const char *text = value ? value_text(e, value, 0) : "";
    bool fits = value && strlen(text) <= SHORT_VALUE;
    buf_printf(&e->text, "%s%s%s\n", e->key, fits ? " = " : "", fits ? text : "");
    json_set_str(e->v, "kind", "config");
    json_object_set(e->v, "value", value ? (json_t *)value : json_null());
    return fits;
}

static void say_rest(struct explain *e, const json_t *value, const json_t *schema) {
    const char *help = json_path_string(schema, "description");
    if (help) explain_fact(e, "help", "meaning", help);
    if (!value) return;
    struct str lines = str_from(value_text(e, value, 2)), line;
    while (str_cut(&lines, '\n', &line))
        buf_printf(&e->text, "  " STR_FMT "\n", STR_ARG(line));
}

static void say_place(struct explain *e, struct diag_place at) {
    json_set_str(e->v, "file", at.file);
    json_set_int(e->v, "line", at.line);
    json_set_int(e->v, "col", at.col);
    explain_line(e, "from", "%s:%u:%u", at.file, at.line, at.col);
}

/* What templates get instead, when that is another text: a published image. */
static void say_published(struct explain *e, const struct key *k, const json_t *value) {
    const json_t *shown = key_find(k, e->site.view);
    if (!json_is_string(value) || !json_is_string(shown) || json_equal(value, shown))
        return;
    explain_fact(e, "published", "published", json_string_value(shown));
}

static bool answer_own(struct explain *e, const struct key *k, const json_t *schema) {
    const struct tenant *t = &e->site.tenant;
    const json_t *value = key_find(k, t->config);
    if (!value) return false;
    bool said = say_key(e, value);
    json_set_str(e->v, "source", "own");
    say_place(e, tenant_place(t, k->pointer, false));
    say_published(e, k, value);
    say_rest(e, said ? NULL : value, schema);
    return true;
}

/* Pricing is lent whole or not at all. */
static bool answer_lent(struct explain *e, const struct key *k, const json_t *schema) {
    const struct build *b = &e->in.build;
    const struct tenant *t = &e->site.tenant;
    if (!str_is(k->parts[0], "pricing") || !b->has_lender) return false;
    if (json_object_get(t->config, "pricing")) return false;
    const json_t *value = key_find(k, b->lender.config);
    if (!value) return false;
    bool said = say_key(e, value);
    json_set_str(e->v, "source", "inherited");
    json_set_str(e->v, "lender", b->lender.id);
    explain_line(e, "inherited", "pricing comes whole from the default tenant, %s",
        b->lender.id);
    say_place(e, tenant_place(&b->lender, k->pointer, false));
    explain_line(e, "because", "%s has no \"pricing\" of its own", t->file);
    say_rest(e, said ? NULL : value, schema);
    return true;
}

static bool answer_absent(struct explain *e, const json_t *schema) {
    if (!schema) return false;
    const json_t *value = json_object_get(schema, "default");
    bool said = say_key(e, value);
    json_set_str(e->v, "source", value ? "default" : "unset");
    if (value)
        explain_line(e, "default", "%s does not say", e->site.tenant.file);
    else
        explain_line(e, "unset", "%s does not have it", e->site.tenant.file);
    say_rest(e, said ? NULL : value, schema);
    return true;
}

static void say_size(struct explain *e, const json_t *value) {
    const char *key;
    json_t *child;
    if (json_is_array(value)) {
        json_set_int(e->v, "count", (json_int_t)json_array_size(value));
        buf_printf(&e->text, "%s: a list of %zu\n", e->key, json_array_size(value));
        return;
    }
    json_t *keys = json_array();
    buf_printf(&e->text, "%s:", e->key);
    json_object_foreach((json_t *)value, key, child) {
        buf_printf(&e->text, "%s %s", json_array_size(keys) ? "," : "", key);
        json_array_append_new(keys, json_string(key));
    }
    buf_cstr(&e->text, "\n");
    json_object_set_new(e->v, "keys", keys);
}

/* A name of templates/README.md that no file holds. */
static bool answer_made(struct explain *e, const struct key *k) {
    const json_t *value = key_find(k, e->site.view);
    if (!value) return false;
    if (json_is_array(value) || json_is_object(value))
        say_size(e, value);
    else
        say_key(e, value);
    json_set_str(e->v, "kind", "config");
    json_set_str(e->v, "source", "build");
    explain_line(e, "made", "by the build, for templates (templates/README.md)");
    return true;
}

bool explain_config(struct explain *e) {
    struct key k;
    if (!key_parse(e, &k)) return false;
    json_t *root = schema_read();
    const json_t *schema = schema_find(&k, root);
    bool known = answer_own(e, &k, schema) || answer_lent(e, &k, schema) ||
                 answer_absent(e, schema) || answer_made(e, &k);
    json_decref(root);
    return known;
}

/* ---- names ---- */

static void add_described(struct explain *e, struct explain_names *names,
    const json_t *schema, const char *prefix) {
    const char *key;
    json_t *child;
    json_object_foreach(json_object_get(schema, "properties"), key, child) {
        char *name = arena_printf(&e->arena, "%s%s%s", prefix, *prefix ? "." : "", key);
        explain_names_add(names, name);
        add_described(e, names, child, name);
    }
}

static void add_present(struct explain *e, struct explain_names *names,
    const json_t *value, const char *prefix) {
    const char *key;
    json_t *child;
    json_object_foreach((json_t *)value, key, child) {
        char *name = arena_printf(&e->arena, "%s%s%s", prefix, *prefix ? "." : "", key);
        explain_names_add(names, name);
        add_present(e, names, child, name);
    }
}

void explain_config_names(struct explain *e, struct explain_names *names) {
    json_t *root = schema_read();
    add_described(e, names, root, "");
    add_present(e, names, e->site.tenant.config, "");
    add_present(e, names, json_object_get(e->site.view, "site"), "site");
    json_decref(root);
}

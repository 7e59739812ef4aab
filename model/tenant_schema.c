/* config.json described for editors (JSON Schema) and for people (mdoc). */
#include <string.h>

#include "model/tenant.h"
#include "model/tenant_table.h"

#define MAN_COLUMNS 78

/* The table's own JSON texts; they are constants of the program. */
static json_t *literal(const char *text) {
    return text ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;
}

static json_t *examples_of(const struct field *f) {
    const char *sample = field_text(f->type)->sample;
    if (f->examples) return literal(f->examples);
    return sample ? json_pack("[s]", sample) : NULL;
}

/* ---- JSON Schema ---- */

static json_t *schema_of(const struct field *f);

static const char *schema_type(enum field_type type) {
    switch (type) {
    case FIELD_BOOL:
        return "boolean";
    case FIELD_NUMBER:
        return "number";
    case FIELD_INTEGER:
        return "integer";
    case FIELD_LIST:
        return "array";
    case FIELD_OBJECT:
    case FIELD_FLAGS:
        return "object";
    default:
        return "string";
    }
}

static void schema_words(const struct field *f, json_t *schema) {
    json_t *words = json_array();
    const char *rest = f->words;
    struct str word;
    while (field_word(&rest, &word))
        json_array_append_new(words, json_stringn(word.ptr, word.len));
    json_object_set_new(schema, "enum", words);
}

static void schema_text(const struct field *f, json_t *schema) {
    const char *pattern = field_text(f->type)->pattern;
    if (f->words) schema_words(f, schema);
    if (pattern && (f->flags & FIELD_EMPTY)) {
        json_t *none = json_pack("{s:s}", "const", "");
        json_t *some = json_pack("{s:s}", "pattern", pattern);
        json_object_set_new(schema, "anyOf", json_pack("[o,o]", none, some));
    } else if (pattern) {
        json_set_str(schema, "pattern", pattern);
    } else if (f->type == FIELD_STRING && (f->flags & FIELD_REQUIRED)) {
        json_set_int(schema, "minLength", 1);
    }
}

static void schema_old_names(const struct field *f, json_t *properties) {
    const char *rest = f->old;
    struct str word;
    while (field_word(&rest, &word)) {
        json_t *old = json_pack(
            "{s:b,s:s+}", "deprecated", 1, "description", "Now called ", field_name(f));
        json_object_setn_new(properties, word.ptr, word.len, old);
    }
}

static void schema_object(const struct field *f, json_t *schema) {
    json_t *properties = json_object(), *required = json_array();
    for (const struct field *g = NULL; (g = field_next(f, g));) {
        json_object_set_new(properties, field_name(g), schema_of(g));
        schema_old_names(g, properties);
        if (g->flags & FIELD_REQUIRED)
            json_array_append_new(required, json_string(field_name(g)));
    }
    json_object_set_new(schema, "properties", properties);
    if (json_array_size(required)) json_object_set(schema, "required", required);
    json_decref(required);
    json_object_set_new(schema, "additionalProperties", json_true());
}

static void schema_list(const struct field *f, json_t *schema) {
    const struct field *item = field_find(f, "-");
    json_object_set_new(schema, "items", schema_of(item));
    if (!(item->flags & FIELD_REQUIRED)) return;
    json_set_int(schema, "minItems", 1);
    json_set_bool(schema, "uniqueItems", true);
}

static json_t *schema_of(const struct field *f) {
    json_t *schema = json_object(), *examples = examples_of(f);
    json_set_str(schema, "description", f->help);
    if (f->type == FIELD_LABEL)
        json_object_set_new(schema, "type", json_pack("[s,s]", "string", "number"));
    else
        json_set_str(schema, "type", schema_type(f->type));
    if (f->type == FIELD_NUMBER || f->type == FIELD_INTEGER)
        json_set_int(schema, "minimum", 0);
    if (f->type == FIELD_OBJECT)
        schema_object(f, schema);
    else if (f->type == FIELD_LIST)
        schema_list(f, schema);
    else if (f->type == FIELD_FLAGS)
        json_object_set_new(
            schema, "additionalProperties", json_pack("{s:s}", "type", "boolean"));
    else
        schema_text(f, schema);
    if (f->fallback) json_object_set_new(schema, "default", literal(f->fallback));
    if (examples) json_object_set_new(schema, "examples", examples);
    return schema;
}

void tenant_schema_json(struct buf *out) {
    json_t *schema = json_object(), *root = schema_of(field_root());
    json_set_str(schema, "$schema", "https://json-schema.org/draft/2020-12/schema");
    json_set_str(schema, "title", "Tenantry: tenants/<id>/config.json");
    json_object_update(schema, root);
    json_write(out, schema, 2);
    if (!str_ends(buf_view(out), "\n")) buf_char(out, '\n');
    json_decref(root);
    json_decref(schema);
}

/* ---- mdoc ---- */

/* One code point as mandoc writes it on any terminal. */
static size_t man_point(struct buf *out, struct str s, size_t i) {
    unsigned char c = (unsigned char)s.ptr[i];
    size_t more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
    unsigned point = c & (0x3fu >> more);
    for (size_t k = 1; k <= more && i + k < s.len; k++)
        point = point << 6 | ((unsigned char)s.ptr[i + k] & 0x3f);
    buf_printf(out, "\\[u%04X]", point);
    return more + 1;
}

static void man_text(struct buf *out, struct str s) {
    /* A point or an apostrophe that begins a line would be a request. */
    if (s.len && strchr(".'", s.ptr[0])) buf_cstr(out, "\\&");
    for (size_t i = 0; i < s.len;) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c >= 0x80) {
            i += man_point(out, s, i);
            continue;
        }
        if (c == '\\')
            buf_cstr(out, "\\e");
        else if (c == '"')
            buf_cstr(out, "\\(dq");
        else if (c == '-')
            buf_cstr(out, "\\-");
        else
            buf_char(out, (char)c);
        i++;
    }
}

/* Prose: mdoc wants every sentence to begin a line. */
static void man_prose(struct buf *out, const char *text) {
    struct str rest = str_from(text);
    size_t at;
    while (str_find(rest, ". ", &at)) {
        man_text(out, str_slice(rest, 0, at + 1));
        buf_char(out, '\n');
        rest = str_slice(rest, at + 2, rest.len);
    }
    man_text(out, rest);
    buf_char(out, '\n');
}

static void man_json(struct buf *out, const json_t *value) {
    struct buf text;
    buf_init(&text, 0);
    json_write(&text, value, 0);
    man_text(out, buf_view(&text));
    buf_dispose(&text);
}

static void man_examples(struct buf *out, const struct field *f) {
    json_t *examples = examples_of(f);
    size_t n = json_array_size(examples);
    for (size_t i = 0; i < n; i++) {
        buf_cstr(out, i ? "," : n > 1 ? "Examples:" : "Example:");
        buf_cstr(out, "\n.Li ");
        man_json(out, json_array_get(examples, i));
        buf_cstr(out, "\n");
    }
    json_decref(examples);
}

static const char *man_type(const struct field *f) {
    const char *what = field_text(f->type)->what;
    return what ? what : field_expects(f->type);
}

static void man_kind(struct buf *out, const struct field *f) {
    const char *rest = f->words;
    struct str word;
    size_t n = 0;
    buf_cstr(out, "Type: ");
    if (!f->words) man_text(out, str_from(man_type(f)));
    while (field_word(&rest, &word)) {
        if (n++) buf_cstr(out, " or ");
        man_text(out, word);
    }
    buf_cstr(out, f->flags & FIELD_REQUIRED ? "; required" : "");
    buf_cstr(out, f->flags & FIELD_EMPTY ? "; may be empty" : "");
    if (f->fallback) {
        buf_cstr(out, "; default ");
        man_text(out, str_from(f->fallback));
    }
    buf_cstr(out, ".\n");
}

static void man_field(struct buf *out, const struct field *f, struct arena *a) {
    const char *rest = f->old;
    struct str word;
    const char *name = json_pointer_human(a, f->pointer);
    buf_cstr(out, ".It Li ");
    /* The human form keeps the table's "-"; readers know it as []. */
    struct str left = str_from(name);
    size_t at;
    while (str_find(left, ".-", &at)) {
        man_text(out, str_slice(left, 0, at));
        buf_cstr(out, "[]");
        left = str_slice(left, at + 2, left.len);
        if (left.len) buf_char(out, '.'), left = str_slice(left, 1, left.len);
    }
    man_text(out, left);
    buf_char(out, '\n');
    man_prose(out, f->help);
    man_kind(out, f);
    man_examples(out, f);
    while (field_word(&rest, &word))
        buf_printf(out, "Formerly called\n.Li " STR_FMT " .\n", STR_ARG(word));
}

static void man_fields(struct buf *out, const struct field *f, struct arena *a) {
    for (const struct field *g = NULL; (g = field_next(f, g));) {
        man_field(out, g, a);
        man_fields(out, g, a);
    }
}

static const char man_head[] =
    ".Dd January 1, 2026\n"
    ".Dt TENANTRY-CONFIG 5\n"
    ".Os\n"
    ".Sh NAME\n"
    ".Nm tenantry-config\n"
    ".Nd the configuration of one tenant\n"
    ".Sh DESCRIPTION\n"
    "Each folder of\n"
    ".Pa tenants/\n"
    "holds a file\n"
    ".Pa config.json\n"
    "that describes one brand.\n"
    "It is a JSON object with the keys below.\n"
    "A key that is not listed is a warning; its value reaches the templates as it is.\n"
    "Keys that end in\n"
    ".Li _html\n"
    "or\n"
    ".Li _md\n"
    "are left out: they are reserved for what the generator makes.\n"
    ".Pp\n"
    "Stripe's price ids and other secrets are errors wherever they stand.\n"
    ".Pp\n"
    "A request belongs to the tenant that lists its host name, after a leading\n"
    ".Li www.\\&\n"
    "is removed, or else to the one that lists the longest name above it.\n"
    ".Bl -tag -width Ds\n";
static const char man_tail[] = ".El\n"
                               ".Sh FILES\n"
                               ".Bl -tag -width Ds -compact\n"
                               ".It Pa tenants/<id>/config.json\n"
                               "the configuration\n"
                               ".El\n"
                               ".Sh SEE ALSO\n"
                               ".Xr tenantry 1\n";

/* Text lines no longer than manual pages have them; requests stay whole. */
static void man_wrap(struct buf *out, struct str line) {
    while (line.len > MAN_COLUMNS && line.ptr[0] != '.') {
        size_t at = MAN_COLUMNS;
        while (at && line.ptr[at] != ' ') at--;
        if (!at) break;
        buf_str(out, str_slice(line, 0, at));
        buf_char(out, '\n');
        line = str_slice(line, at + 1, line.len);
        if (line.len && strchr(".'", line.ptr[0])) buf_cstr(out, "\\&");
    }
    buf_str(out, line);
    buf_char(out, '\n');
}

void tenant_schema_man(struct buf *out) {
    struct arena a;
    struct buf page;
    size_t at;
    arena_init(&a);
    buf_init(&page, 0);
    buf_cstr(&page, man_head);
    man_fields(&page, field_root(), &a);
    buf_cstr(&page, man_tail);
    struct str rest = buf_view(&page);
    while (str_find(rest, "\n", &at)) {
        man_wrap(out, str_slice(rest, 0, at));
        rest = str_slice(rest, at + 1, rest.len);
    }
    buf_dispose(&page);
    arena_dispose(&a);
}

/* From a tenant's skill.md, in whatever dialect, to the strict SKILL.md of the
 * Agent Skills specification: six keys at the top, metadata values strings. */
#include "generator/documents.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/crypto.h"
#include "generator/frontmatter.h"

#define NAME_MAX_CHARS 64
#define DESCRIPTION_MAX_CHARS 1024
#define COMPATIBILITY_MAX_CHARS 500
#define YAML_KEY_MAX 1000 /* a longer key needs YAML's explicit form */

struct skill {
    const struct document *doc;
    const struct tenant *tenant;
    const struct frontmatter *fm;
    struct diag_list *diags;
    struct arena *arena;
    char *name, *description;
    char *license, *compatibility, *tools; /* NULL: absent */
    json_t *metadata;                      /* string -> string */
};

const struct document *documents_find(
    const struct document *docs, size_t n, const char *name) {
    for (size_t i = 0; i < n; i++)
        if (strcmp(docs[i].name, name) == 0) return &docs[i];
    return NULL;
}

char *document_value_text(struct arena *a, const json_t *value) {
    if (!value || json_is_null(value)) return arena_strdup(a, "");
    if (json_is_string(value))
        return arena_str(
            a, (struct str){json_string_value(value), json_string_length(value)});
    struct buf b;
    buf_init(&b, 0);
    json_write(&b, value, 0);
    char *text = arena_str(a, buf_view(&b));
    buf_dispose(&b);
    return text;
}

static size_t count_chars(const char *s) {
    size_t n = 0;
    for (; *s; s++)
        if (((unsigned char)*s & 0xC0) != 0x80) n++;
    return n;
}

static struct diag_place place_of(const struct skill *s, const char *pointer) {
    return frontmatter_place(s->fm, s->doc->file, pointer, false);
}

/* ---- YAML that reads back as the same string, whatever it holds ---- */

static bool is_reserved_word(struct str s) {
    static const char *const words[] = {
        "true", "false", "null", "yes", "no", "on", "off", "y", "n"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (s.len == strlen(words[i]) && strncasecmp(s.ptr, words[i], s.len) == 0)
            return true;
    return false;
}

static bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* Narrower than YAML's own rule, so that no reader can take it for anything else. */
static bool is_plain(struct str s) {
    if (s.len == 0 || s.len > 2000 || !is_letter(s.ptr[0])) return false;
    if (s.ptr[s.len - 1] == ' ' || is_reserved_word(s)) return false;
    for (size_t i = 0; i < s.len; i++)
        if (!is_letter(s.ptr[i]) && !is_digit(s.ptr[i]) &&
            !strchr(" ._/()+-", s.ptr[i]))
            return false;
    return true;
}

/* Code points that YAML calls non-printable, line breaks of old YAML included. */
static bool needs_escape(uint32_t c) {
    return (c >= 0x7F && c <= 0x9F) || c == 0x2028 || c == 0x2029 || c == 0xFEFF ||
           c == 0xFFFE || c == 0xFFFF;
}

static uint32_t decode(const unsigned char *p, size_t left, size_t *size) {
    *size = 1;
    if (p[0] >= 0xC2 && p[0] <= 0xDF && left > 1) {
        *size = 2;
        return (uint32_t)(p[0] & 0x1F) << 6 | (p[1] & 0x3F);
    }
    if ((p[0] & 0xF0) == 0xE0 && left > 2) {
        *size = 3;
        return (uint32_t)(p[0] & 0x0F) << 12 | (uint32_t)(p[1] & 0x3F) << 6 |
               (p[2] & 0x3F);
    }
    return p[0];
}

static void yaml_char(struct buf *b, const char *p, size_t size, uint32_t c) {
    if (c == '"' || c == '\\')
        buf_printf(b, "\\%c", (int)c);
    else if (c == '\n')
        buf_cstr(b, "\\n");
    else if (c == '\t')
        buf_cstr(b, "\\t");
    else if (c < 0x20)
        buf_printf(b, "\\x%02X", (unsigned)c);
    else if (needs_escape(c) && (size > 1 || c == 0x7F))
        buf_printf(b, "\\u%04X", (unsigned)c);
    else
        buf_append(b, p, size);
}

static void yaml_scalar(struct buf *b, struct str s) {
    if (is_plain(s)) {
        buf_str(b, s);
        return;
    }
    buf_char(b, '"');
    for (size_t i = 0, size; i < s.len; i += size) {
        uint32_t c = decode((const unsigned char *)s.ptr + i, s.len - i, &size);
        yaml_char(b, s.ptr + i, size, c);
    }
    buf_char(b, '"');
}

static void yaml_entry(
    struct buf *b, const char *indent, struct str key, const char *v) {
    bool explicit_key = key.len > YAML_KEY_MAX;
    buf_printf(b, "%s%s", indent, explicit_key ? "? " : "");
    yaml_scalar(b, key);
    if (explicit_key) buf_printf(b, "\n%s", indent);
    buf_cstr(b, ": ");
    yaml_scalar(b, str_from(v));
    buf_char(b, '\n');
}

static void yaml_optional(struct buf *b, const char *key, const char *v) {
    if (v) yaml_entry(b, "", str_from(key), v);
}

static void strict_write(struct buf *b, const struct skill *s) {
    buf_cstr(b, "---\n");
    yaml_optional(b, "name", s->name);
    yaml_optional(b, "description", s->description);
    yaml_optional(b, "license", s->license);
    yaml_optional(b, "compatibility", s->compatibility);
    yaml_optional(b, "allowed-tools", s->tools);
    if (json_object_size(s->metadata) > 0) buf_cstr(b, "metadata:\n");
    const char *key;
    json_t *value;
    json_object_foreach(s->metadata, key, value)
        yaml_entry(b, "  ", str_from(key), json_string_value(value));
    buf_cstr(b, "---\n");
    buf_str(b, s->fm->body);
}

/* ---- the keys ---- */

/* Lower-case letters and digits stay, any run of anything else becomes one '-'. */
static char *name_from(struct arena *a, const char *raw) {
    char *name = arena_alloc(a, NAME_MAX_CHARS + 1);
    size_t n = 0;
    for (; *raw && n < NAME_MAX_CHARS; raw++) {
        char c = *raw >= 'A' && *raw <= 'Z' ? (char)(*raw - 'A' + 'a') : *raw;
        if ((c >= 'a' && c <= 'z') || is_digit(c))
            name[n++] = c;
        else if (n > 0 && name[n - 1] != '-')
            name[n++] = '-';
    }
    while (n > 0 && name[n - 1] == '-') n--;
    name[n] = '\0';
    return name;
}

static bool read_name(struct skill *s) {
    const json_t *value = json_object_get(s->fm->values, "name");
    char *raw = document_value_text(s->arena, value);
    s->name = name_from(s->arena, raw);
    if (!*s->name) s->name = name_from(s->arena, s->tenant->id);
    if (!*raw) {
        diag_add(s->diags, DIAG_WARNING, DIAG_AT(s->doc->file, 1, 1),
            "front matter without name; the skill is published as \"%s\"", s->name);
        return true;
    }
    if (count_chars(raw) > NAME_MAX_CHARS) {
        diag_add(s->diags, DIAG_ERROR, place_of(s, "/name"),
            "name has %zu characters; a skill's name has at most %d", count_chars(raw),
            NAME_MAX_CHARS);
        return false;
    }
    if (strcmp(raw, s->name) != 0)
        diag_add(s->diags, DIAG_WARNING, place_of(s, "/name"),
            "name \"%s\" is not a skill name (a-z, 0-9 and single - between them); "
            "the skill is published as \"%s\"",
            raw, s->name);
    return true;
}

static bool read_description(struct skill *s) {
    const json_t *value = json_object_get(s->fm->values, "description");
    s->description = document_value_text(s->arena, value);
    if (str_trim(str_from(s->description)).len == 0) {
        diag_add(s->diags, DIAG_ERROR,
            value ? place_of(s, "/description") : DIAG_AT(s->doc->file, 1, 1),
            "front matter without description; say what the skill does and when to use "
            "it, in at most %d characters",
            DESCRIPTION_MAX_CHARS);
        return false;
    }
    size_t n = count_chars(s->description);
    if (n <= DESCRIPTION_MAX_CHARS) return true;
    diag_add(s->diags, DIAG_ERROR, place_of(s, "/description"),
        "description has %zu characters; a skill's description has at most %d", n,
        DESCRIPTION_MAX_CHARS);
    return false;
}

static bool read_compatibility(struct skill *s) {
    const json_t *value = json_object_get(s->fm->values, "compatibility");
    if (!value) return true;
    s->compatibility = document_value_text(s->arena, value);
    size_t n = count_chars(s->compatibility);
    if (n >= 1 && n <= COMPATIBILITY_MAX_CHARS) return true;
    diag_add(s->diags, DIAG_ERROR, place_of(s, "/compatibility"),
        "compatibility has %zu characters; it must have 1 to %d", n,
        COMPATIBILITY_MAX_CHARS);
    return false;
}

/* A string of names, or (a common dialect) a list of them. */
static void read_tools(struct skill *s) {
    const json_t *value = json_object_get(s->fm->values, "allowed-tools");
    if (!value || json_is_null(value)) return;
    if (!json_is_array(value)) {
        s->tools = document_value_text(s->arena, value);
        return;
    }
    s->tools = arena_strdup(s->arena, "");
    size_t i;
    json_t *item;
    json_array_foreach(value, i, item) s->tools = arena_printf(s->arena, "%s%s%s",
        s->tools, i ? " " : "", document_value_text(s->arena, item));
}

static bool is_strict_key(const char *key) {
    static const char *const keys[] = {
        "name", "description", "license", "compatibility", "metadata", "allowed-tools"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (strcmp(key, keys[i]) == 0) return true;
    return false;
}

static void metadata_set(struct skill *s, const char *key, const char *text) {
    const char *old = json_string_value(json_object_get(s->metadata, key));
    if (old && strcmp(old, text) != 0) {
        char *pointer = arena_printf(s->arena, "/%s", key);
        diag_add(s->diags, DIAG_WARNING, place_of(s, pointer),
            "%s says \"%s\" and metadata.%s says \"%s\"; SKILL.md can hold only one "
            "and "
            "gets the first",
            key, text, key, old);
    }
    json_set_str(s->metadata, key, text);
}

static void read_metadata(struct skill *s) {
    s->metadata = json_object();
    const json_t *own = json_object_get(s->fm->values, "metadata");
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)own, key, value)
        metadata_set(s, key, document_value_text(s->arena, value));
    if (own && !json_is_object(own) && !json_is_null(own))
        metadata_set(s, "metadata", document_value_text(s->arena, own));
    json_object_foreach(s->fm->values, key, value) if (!is_strict_key(key))
        metadata_set(s, key, document_value_text(s->arena, value));
}

static bool skill_read(struct skill *s) {
    bool ok = read_name(s);
    ok = read_description(s) && ok;
    ok = read_compatibility(s) && ok;
    const json_t *license = json_object_get(s->fm->values, "license");
    if (license && !json_is_null(license))
        s->license = document_value_text(s->arena, license);
    read_tools(s);
    read_metadata(s);
    return ok;
}

static json_t *skill_view(const struct skill *s) {
    struct buf b;
    buf_init(&b, 0);
    strict_write(&b, s);
    char hex[SHA256_HEX_SIZE];
    sha256_hex(buf_view(&b), hex);
    json_t *view = json_object();
    json_set_str(view, "name", s->name);
    json_set_str(view, "description", s->description);
    json_set_str(view, "url",
        arena_printf(s->arena, "%s/.well-known/agent-skills/%s/SKILL.md",
            s->tenant->url, s->name));
    json_set_str(view, "digest", arena_printf(s->arena, "sha256:%s", hex));
    json_set_text(view, "document_md", buf_view(&b));
    buf_dispose(&b);
    return view;
}

bool documents_skills(const struct document *docs, size_t n, const struct tenant *t,
    json_t **skills, struct diag_list *diags) {
    *skills = json_array();
    const struct document *doc = documents_find(docs, n, "skill.md");
    if (!doc) return true;
    struct arena arena;
    arena_init(&arena);
    struct frontmatter fm;
    bool ok = frontmatter_parse(&fm, doc->text, doc->file, diags);
    if (ok && fm.yaml.len > 0) {
        struct skill s = {
            .doc = doc, .tenant = t, .fm = &fm, .diags = diags, .arena = &arena};
        ok = skill_read(&s);
        if (ok) json_array_append_new(*skills, skill_view(&s));
        json_decref(s.metadata);
    }
    frontmatter_dispose(&fm);
    arena_dispose(&arena);
    return ok;
}

#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "generator/edge.h"
#include "generator/edge_rules.h"

#define MAX_RULES 100
#define MAX_LINE 2000

static bool same_name(struct str a, struct str b) {
    return a.len == b.len && strncasecmp(a.ptr, b.ptr, a.len) == 0;
}

/* A path, not a header: "/..." or "scheme://..." without a blank before it. */
static bool is_path(struct str line) {
    size_t at, blank;
    if (line.ptr[0] == '/') return true;
    if (!str_find(line, "://", &at)) return false;
    struct str scheme = str_slice(line, 0, at);
    return at > 0 && !str_find_char(scheme, ' ', &blank) &&
           !str_find_char(scheme, '\t', &blank) && !str_find_char(scheme, ':', &blank);
}

static bool check_name(struct edge_reader *r, struct str name) {
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool word =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (word || (c && strchr("!#$%&'*+-.^_`|~", c))) continue;
        EDGE_ERROR(r, name.ptr + i,
            "\"" STR_FMT "\" is not a header name: letters, digits and \"-\"",
            STR_ARG(name));
        return false;
    }
    return true;
}

static bool check_value(struct edge_reader *r, struct str value) {
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.ptr[i];
        if ((c >= ' ' && c < 127) || c == '\t') continue;
        EDGE_ERROR(r, value.ptr + i,
            "a header value is ASCII without control characters; found byte %u", c);
        return false;
    }
    return true;
}

static void add_header(
    struct edge_header_rule *rule, struct arena *a, struct edge_header header) {
    size_t unsets = 0;
    for (size_t i = 0; i < rule->n; i++) {
        struct edge_header *h = &rule->headers[i];
        unsets += h->unset;
        if (h->unset != header.unset || !same_name(h->name, header.name)) continue;
        if (!h->unset)
            h->value = str_from(arena_printf(
                a, STR_FMT ", " STR_FMT, STR_ARG(h->value), STR_ARG(header.value)));
        return;
    }
    rule->headers =
        mem_grow(rule->headers, &rule->cap, rule->n + 1, sizeof *rule->headers);
    size_t at = header.unset ? unsets : rule->n;
    memmove(rule->headers + at + 1, rule->headers + at,
        (rule->n - at) * sizeof *rule->headers);
    rule->headers[at] = header;
    rule->n++;
}

/* "! Name" */
static bool read_unset(struct edge_reader *r, struct str line, struct edge_header *h) {
    struct str name = str_trim(str_slice(line, 1, line.len));
    *h = (struct edge_header){.name = name, .value = STR(""), .unset = true};
    if (name.len == 0 || line.ptr[1] != ' ') {
        EDGE_ERROR(r, line.ptr, "to take a header away write \"! Name\"");
        return false;
    }
    return check_name(r, name);
}

static bool read_header(struct edge_reader *r, struct str line, struct edge_header *h) {
    size_t colon;
    if (line.ptr[0] == '!') return read_unset(r, line, h);
    if (!str_find_char(line, ':', &colon)) {
        EDGE_ERROR(r, line.ptr, "\"" STR_FMT "\" is neither a path nor \"Name: value\"",
            STR_ARG(line));
        return false;
    }
    *h = (struct edge_header){.name = str_trim(str_slice(line, 0, colon)),
        .value = str_trim(str_slice(line, colon + 1, line.len))};
    if (h->name.len == 0)
        EDGE_ERROR(r, line.ptr, "no header name before \":\"");
    else if (h->value.len == 0)
        EDGE_ERROR(r, line.ptr + colon,
            "no value for " STR_FMT "; to take a header away write \"! " STR_FMT "\"",
            STR_ARG(h->name), STR_ARG(h->name));
    else
        return check_name(r, h->name) && check_value(r, h->value);
    return false;
}

static void check_placeholders(
    struct edge_reader *r, const struct edge_pattern *p, struct str value) {
    size_t at;
    if (str_find(value, ":splat", &at) && !edge_capture_index(p->path, STR("splat")) &&
        !edge_capture_index(p->host, STR("splat")))
        EDGE_ERROR(r, value.ptr + at,
            "\":splat\" stands for what \"*\" matched, and the path has no \"*\"");
}

static bool same_pattern(const struct edge_pattern *a, const struct edge_pattern *b) {
    return str_equal(a->host, b->host) && str_equal(a->path, b->path);
}

/* `errors`: how many there were when the rule began; a header that was refused is no
 * lack. */
static void report_empty(
    struct edge_reader *r, const struct edge_header_rule *rule, unsigned errors) {
    if (!rule || rule->n > 0 || r->diags->errors > errors) return;
    r->ok = false;
    diag_add(r->diags, DIAG_ERROR, DIAG_AT(r->file, rule->line, 1),
        "no headers follow \"" STR_FMT "\"", STR_ARG(rule->pattern.path));
}

/* NULL: the rule is not usable, which was reported. */
static struct edge_header_rule *start_rule(
    struct edge_headers *h, struct edge_reader *r, struct str line) {
    struct edge_pattern pattern;
    if (!edge_pattern_parse(r, line, false, &pattern)) return NULL;
    for (size_t i = 0; i < h->n; i++) {
        if (!same_pattern(&h->rules[i].pattern, &pattern)) continue;
        EDGE_ERROR(r, line.ptr,
            "\"" STR_FMT
            "\" has rules on line %u; put these headers there, only one of the two "
            "would count",
            STR_ARG(line), h->rules[i].line);
        return NULL;
    }
    if (h->n == MAX_RULES) {
        EDGE_ERROR(
            r, line.ptr, "more than %d rules; the rest would be ignored", MAX_RULES);
        return NULL;
    }
    h->rules = mem_grow(h->rules, &h->cap, h->n + 1, sizeof *h->rules);
    struct edge_header_rule *rule = &h->rules[h->n++];
    *rule = (struct edge_header_rule){.pattern = pattern, .line = r->line};
    return rule;
}

bool edge_headers_parse(struct edge_headers *h, struct str text, const char *file,
    struct diag_list *diags) {
    struct edge_reader r = {.file = file,
        .diags = diags,
        .rest = text,
        .max = MAX_LINE,
        .what = "a line",
        .ok = true};
    struct edge_header_rule *rule = NULL;
    unsigned errors = 0;
    bool broken = false; /* the headers belong to a rule that was refused */
    arena_init(&h->arena);
    h->rules = NULL;
    h->n = h->cap = 0;
    for (struct str line; edge_reader_next(&r, &line);) {
        if (is_path(line)) {
            report_empty(&r, rule, errors);
            rule = start_rule(h, &r, line);
            errors = diags->errors;
            broken = !rule;
            continue;
        }
        struct edge_header header;
        if (!read_header(&r, line, &header)) continue;
        if (rule) {
            check_placeholders(&r, &rule->pattern, header.value);
            add_header(rule, &h->arena, header);
        } else if (!broken)
            EDGE_ERROR(&r, line.ptr, "no path yet; begin with a line such as \"/*\"");
    }
    report_empty(&r, rule, errors);
    return r.ok;
}

void edge_headers_dispose(struct edge_headers *h) {
    for (size_t i = 0; i < h->n; i++) mem_free(h->rules[i].headers);
    mem_free(h->rules);
    arena_dispose(&h->arena);
}

bool edge_check_headers(struct str text, const char *file, struct diag_list *diags) {
    struct edge_headers h;
    bool ok = edge_headers_parse(&h, text, file, diags);
    edge_headers_dispose(&h);
    return ok;
}

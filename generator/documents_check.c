/* What an agent would stumble over in a tenant's documents: redirects that strip
 * its credentials, files that are listed but missing, versions that disagree. */
#include <regex.h>
#include <string.h>
#include <strings.h>

#include "generator/documents.h"
#include "generator/frontmatter.h"
#include "model/hosts.h"

#define BODY_MAX_LINES 500
#define BODY_MAX_TOKENS 5000
#define BYTES_PER_TOKEN 4 /* the usual estimate for English */

static const char *const versioned[] = {"skill.md", "skill.json", "heartbeat.md"};
#define N_VERSIONED (sizeof versioned / sizeof *versioned)

struct version {
    const char *text; /* NULL: the document names none */
    struct diag_place place;
};
struct check {
    const struct document_context *c;
    struct diag_list *diags;
    struct arena arena;
    struct version versions[N_VERSIONED];
    regex_t interval, fetch, obey;
    const struct document *doc;   /* the one at hand */
    const struct frontmatter *fm; /* NULL: it has none */
};
/* A string of a JSON document or of front matter. */
struct value {
    const char *pointer, *key;
    const json_t *json;
    bool listed; /* somewhere below "files" */
};

static struct diag_place place_at(const struct check *k, size_t at) {
    unsigned line, col;
    str_line_col(k->doc->text, at, &line, &col);
    return DIAG_AT(k->doc->file, line, col);
}

static struct diag_place place_of(const struct check *k, const char *pointer) {
    if (k->fm) return frontmatter_place(k->fm, k->doc->file, pointer, false);
    unsigned line, col;
    if (!json_locate(k->doc->text, pointer, false, &line, &col))
        return DIAG_FILE(k->doc->file);
    return DIAG_AT(k->doc->file, line, col);
}

static bool doc_is(const struct check *k, const char *name) {
    return strcmp(k->doc->name, name) == 0;
}

static bool matches(struct check *k, const regex_t *re, struct str text) {
    return regexec(re, arena_str(&k->arena, text), 0, NULL, 0) == 0;
}

/* ---- files that a document names ---- */

static bool has_file_suffix(struct str path) {
    static const char *const suffixes[] = {
        "md", "json", "txt", "html", "xml", "yaml", "yml", "sh", "pdf"};
    struct str suffix = path_suffix(path);
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++)
        if (str_is(suffix, suffixes[i])) return true;
    return false;
}

static bool has_placeholder(struct str path) {
    for (size_t i = 0; i < path.len; i++)
        if (strchr("{}<>*$", path.ptr[i])) return true;
    size_t at;
    return str_find(path, "/:", &at);
}

static void check_file(struct check *k, struct str path, struct diag_place place) {
    if (has_placeholder(path) || k->c->published(k->c->ctx, path)) return;
    diag_add(k->diags, DIAG_ERROR, place,
        "names " STR_FMT
        ", which %s does not publish; add the file or remove the mention",
        STR_ARG(path), k->c->tenant->canonical);
}

/* "heartbeat.md", "./skill.md", "/docs/x.md": a file beside the document. */
static void check_relative(
    struct check *k, struct str target, bool listed, struct diag_place place) {
    size_t at;
    if (str_find_char(target, '#', &at)) target = str_slice(target, 0, at);
    if (str_find_char(target, '?', &at)) target = str_slice(target, 0, at);
    if (target.len == 0 || str_find_char(target, ':', &at) || str_starts(target, "//"))
        return;
    if (str_starts(target, "~") || (!listed && !has_file_suffix(target))) return;
    while (str_starts(target, "/")) target = str_slice(target, 1, target.len);
    char *path = path_resolve(&k->arena, STR(""), target);
    if (path)
        check_file(k, str_from(arena_printf(&k->arena, "/%s", path)), place);
    else
        diag_add(k->diags, DIAG_ERROR, place,
            "\"" STR_FMT "\" leads above the root of the site", STR_ARG(target));
}

/* ---- URLs ---- */

static bool is_own_alias(struct check *k, const char *host) {
    const struct tenant *t = k->c->tenant;
    const char *key = host_key(&k->arena, str_from(host));
    if (!key || strcmp(host, t->canonical) == 0) return false;
    for (size_t i = 0; i < t->n_domains; i++)
        if (t->mirror && strcmp(t->domains[i], host) == 0) return false;
    for (size_t i = 0; i < t->n_domains; i++) {
        const char *domain = host_key(&k->arena, str_from(t->domains[i]));
        if (domain && strcmp(domain, key) == 0) return true;
    }
    return false;
}

/* Names that never leave the machine, and identifiers that are no addresses. */
static bool may_be_plain_http(const char *host) {
    static const char *const names[] = {"localhost", "json-schema.org", "www.w3.org",
        "schema.org", "purl.org", "xmlns.com"};
    static const char *const ends[] = {".localhost", ".local", ".test", ".example"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(host, names[i]) == 0) return true;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (str_ends(str_from(host), ends[i])) return true;
    return strncmp(host, "127.", 4) == 0;
}

static void check_own_url(struct check *k, const struct document_url *u,
    const char *host, bool listed, struct diag_place place) {
    const struct tenant *t = k->c->tenant;
    if (is_own_alias(k, host)) {
        diag_add(k->diags, DIAG_ERROR, place,
            STR_FMT " is answered with a redirect, on which agents lose their "
                    "Authorization header; write %s" STR_FMT,
            STR_ARG(u->url), t->url, STR_ARG(u->rest));
        return;
    }
    if (!u->secure)
        diag_add(k->diags, DIAG_WARNING, place,
            STR_FMT " is not encrypted; write https://%s" STR_FMT, STR_ARG(u->url),
            host, STR_ARG(u->rest));
    bool canonical = strcmp(host, t->canonical) == 0;
    if (canonical && (listed || has_file_suffix(u->path)))
        check_file(k, u->path, place);
}

static void check_foreign_url(struct check *k, const struct document_url *u,
    const char *host, struct diag_place place) {
    if (!u->secure && !may_be_plain_http(host))
        diag_add(k->diags, DIAG_WARNING, place,
            STR_FMT " is not encrypted, so anyone on the way can change what an agent "
                    "reads; use https",
            STR_ARG(u->url));
}

static void check_url(struct check *k, const struct document_url *u, bool listed,
    struct diag_place place) {
    const char *host = host_clean(&k->arena, u->host);
    if (!host) return;
    const char *owner = k->c->owner(k->c->ctx, str_from(host));
    if (!owner) {
        check_foreign_url(k, u, host, place);
    } else if (strcmp(owner, k->c->tenant->id) != 0) {
        diag_add(k->diags, DIAG_ERROR, place,
            "%s belongs to tenant \"%s\"; a document of \"%s\" must not send agents "
            "there (its own address is %s)",
            host, owner, k->c->tenant->id, k->c->tenant->url);
    } else {
        check_own_url(k, u, host, listed, place);
    }
}

static struct str line_around(struct str text, size_t at) {
    size_t from = at, to = at;
    while (from > 0 && text.ptr[from - 1] != '\n') from--;
    while (to < text.len && text.ptr[to] != '\n') to++;
    return str_slice(text, from, to);
}

/* Marketplaces flag a heartbeat that has agents obey what another host says tomorrow.
 */
static void check_remote_instruction(struct check *k, const struct document_url *u) {
    const char *host = host_clean(&k->arena, u->host);
    if (!host || k->c->owner(k->c->ctx, str_from(host))) return;
    struct str line = line_around(k->doc->text, u->at);
    if (!matches(k, &k->fetch, line)) return;
    if (!has_file_suffix(u->path) && !matches(k, &k->obey, line)) return;
    diag_add(k->diags, DIAG_WARNING, place_at(k, u->at),
        "tells the agent to fetch instructions from %s, a host of somebody else who "
        "could change them; publish them at %s",
        host, k->c->tenant->url);
}

static void check_urls_of_text(struct check *k) {
    struct document_url u;
    size_t from = 0;
    while (document_url_next(k->doc->text, &from, &u)) {
        check_url(k, &u, false, place_at(k, u.at));
        if (doc_is(k, "heartbeat.md")) check_remote_instruction(k, &u);
    }
}

static void check_links_of_text(struct check *k) {
    struct str rest = k->doc->text;
    size_t at;
    while (str_find(rest, "](", &at)) {
        rest = str_slice(rest, at + 2, rest.len);
        size_t n = 0;
        while (n < rest.len && (unsigned char)rest.ptr[n] > ' ' && rest.ptr[n] != ')')
            n++;
        size_t offset = (size_t)(rest.ptr - k->doc->text.ptr);
        check_relative(k, str_slice(rest, 0, n), false, place_at(k, offset));
    }
}

/* ---- values of JSON and front matter ---- */

static void check_api_base(struct check *k, const struct value *v) {
    struct str text = str_from(json_string_value(v->json));
    struct document_url u;
    size_t from = 0;
    const char *host = NULL;
    if (document_url_next(text, &from, &u) && u.at == 0)
        host = host_clean(&k->arena, u.host);
    const char *owner = host ? k->c->owner(k->c->ctx, str_from(host)) : NULL;
    if (!host)
        diag_add(k->diags, DIAG_WARNING, place_of(k, v->pointer),
            "%s: \"" STR_FMT "\" is not an absolute URL such as %s/api", v->key,
            STR_ARG(text), k->c->tenant->url);
    else if (!owner) /* somebody else's tenant is an error already */
        diag_add(k->diags, DIAG_WARNING, place_of(k, v->pointer),
            "%s: %s is not one of this tenant's domains (%s)", v->key, host,
            k->c->tenant->canonical);
}

static void check_json_string(struct check *k, const struct value *v) {
    struct str text = {json_string_value(v->json), json_string_length(v->json)};
    struct document_url u;
    size_t from = 0;
    bool any = false;
    while (document_url_next(text, &from, &u)) {
        check_url(k, &u, v->listed && u.at == 0, place_of(k, v->pointer));
        any = true;
    }
    if (v->listed && !any) check_relative(k, text, true, place_of(k, v->pointer));
}

static void check_string(struct check *k, const struct value *v) {
    if (v->key && (!strcmp(v->key, "api_base") || !strcmp(v->key, "apiBase")))
        check_api_base(k, v);
    if (!k->fm) check_json_string(k, v); /* front matter is scanned with the text */
}

static char *pointer_to(struct arena *a, const char *parent, const char *key) {
    char *out = arena_alloc(a, strlen(parent) + 2 * strlen(key) + 2);
    size_t n = strlen(parent);
    memcpy(out, parent, n);
    out[n++] = '/';
    for (; *key; key++) {
        out[n++] = *key == '~' || *key == '/' ? '~' : *key;
        if (*key == '~' || *key == '/') out[n++] = *key == '~' ? '0' : '1';
    }
    return out;
}

/* As deep as json_parse and yaml_parse let a document be. */
static void walk(struct check *k, const struct value *v) {
    if (json_is_string(v->json)) check_string(k, v);
    const char *key;
    json_t *item;
    json_object_foreach((json_t *)v->json, key, item) {
        struct value child = {pointer_to(&k->arena, v->pointer, key), key, item,
            v->listed || strcmp(key, "files") == 0};
        walk(k, &child);
    }
    size_t i;
    json_array_foreach(v->json, i, item) {
        struct value child = {
            arena_printf(&k->arena, "%s/%zu", v->pointer, i), v->key, item, v->listed};
        walk(k, &child);
    }
}

/* ---- versions ---- */

static void note_version(struct check *k, const json_t *values) {
    static const char *const paths[][2] = {
        {"version", "/version"}, {"metadata.version", "/metadata/version"}};
    for (size_t i = 0; i < N_VERSIONED; i++) {
        if (!doc_is(k, versioned[i])) continue;
        struct version *v = &k->versions[i];
        for (size_t p = 0; p < 2 && !v->text; p++) {
            const json_t *value = json_path(values, paths[p][0]);
            if (!value) continue;
            v->text = document_value_text(&k->arena, value);
            v->place = place_of(k, paths[p][1]);
        }
    }
}

static void check_versions(struct check *k) {
    size_t first = 0;
    while (first < N_VERSIONED && !k->versions[first].text) first++;
    for (size_t i = first + 1; i < N_VERSIONED; i++) {
        const struct version *a = &k->versions[first], *b = &k->versions[i];
        if (!b->text || strcmp(a->text, b->text) == 0) continue;
        diag_add(k->diags, DIAG_ERROR, b->place,
            "version %s differs from version %s of %s; agents compare them to see "
            "whether "
            "to update",
            b->text, a->text, versioned[first]);
        diag_note(k->diags, a->place, "version %s stands here", a->text);
    }
}

/* ---- one document after another ---- */

static void check_body_size(struct check *k) {
    struct str body = k->fm ? k->fm->body : k->doc->text;
    size_t lines = 0, tokens = body.len / BYTES_PER_TOKEN;
    for (size_t i = 0; i < body.len; i++) lines += body.ptr[i] == '\n';
    unsigned line = k->fm ? k->fm->body_line : 1;
    if (lines > BODY_MAX_LINES)
        diag_add(k->diags, DIAG_WARNING, DIAG_AT(k->doc->file, line, 0),
            "the skill has %zu lines; keep it below %d and move detail to files that "
            "it "
            "names",
            lines, BODY_MAX_LINES);
    if (tokens > BODY_MAX_TOKENS)
        diag_add(k->diags, DIAG_WARNING, DIAG_AT(k->doc->file, line, 0),
            "the skill has about %zu tokens; keep it below %d and move detail to files "
            "that it names",
            tokens, BODY_MAX_TOKENS);
}

static void check_skill(struct check *k) {
    check_body_size(k);
    if (!k->fm) {
        diag_add(k->diags, DIAG_WARNING, DIAG_AT(k->doc->file, 1, 1),
            "no front matter with name and description, so agents cannot discover the "
            "skill");
        return;
    }
    const char *text = json_path_string(k->fm->values, "description");
    if (text && *text && !strcasestr(text, "when"))
        diag_add(k->diags, DIAG_WARNING, place_of(k, "/description"),
            "description does not say when to use the skill; agents choose by it, so "
            "add "
            "\"Use when ...\"");
}

static void check_heartbeat(struct check *k) {
    if (!matches(k, &k->interval, k->doc->text))
        diag_add(k->diags, DIAG_WARNING, DIAG_AT(k->doc->file, 1, 1),
            "the heartbeat does not say how often; name an interval such as "
            "\"every 4 hours\"");
}

static void check_encoding(struct check *k) {
    size_t bad;
    if (!str_is_utf8(k->doc->text, &bad))
        diag_add(k->diags, DIAG_ERROR, place_at(k, bad),
            "not UTF-8; save the document as UTF-8");
}

static void check_markdown(struct check *k) {
    struct diag_list unheard; /* documents_skills reports what is wrong with skill.md */
    diag_init(&unheard);
    struct frontmatter fm;
    bool parsed = frontmatter_parse(&fm, k->doc->text, k->doc->file, &unheard);
    k->fm = parsed && fm.yaml.len > 0 ? &fm : NULL;
    if (!doc_is(k, "skill.md")) check_encoding(k);
    check_urls_of_text(k);
    check_links_of_text(k);
    if (k->fm) {
        note_version(k, fm.values);
        walk(k, &(struct value){.pointer = "", .json = fm.values});
    }
    if (doc_is(k, "skill.md") && parsed) check_skill(k);
    if (doc_is(k, "heartbeat.md")) check_heartbeat(k);
    k->fm = NULL;
    frontmatter_dispose(&fm);
    diag_dispose(&unheard);
}

static void check_json(struct check *k) {
    json_t *values = json_parse(k->doc->text, k->doc->file, k->diags);
    if (!values) return;
    note_version(k, values);
    walk(k, &(struct value){.pointer = "", .json = values});
    json_decref(values);
}

static void check_document(struct check *k) {
    struct str suffix = path_suffix(str_from(k->doc->name));
    if (str_is(suffix, "md"))
        check_markdown(k);
    else if (str_is(suffix, "json"))
        check_json(k);
    else
        check_urls_of_text(k);
    secrets_check(k->doc->text, k->doc->file, 1, k->diags);
}

static void patterns_compile(struct check *k) {
    const int flags = REG_EXTENDED | REG_ICASE | REG_NOSUB;
    regcomp(&k->interval,
        "[0-9][ +-]*(s|sec|m|min|h|hr|d|second|minute|hour|day|week)s?([^a-z]|$)|"
        "hourly|daily|weekly|interval|cron|"
        "(every|each|per|once an?|twice an?) "
        "([a-z]+ )?(second|minute|hour|day|week|morning|evening|session)",
        flags);
    regcomp(&k->fetch,
        "(^|[^a-z])(fetch|re-?fetch|curl|wget|download|read|re-?read|follow|get|load|"
        "run|install|check)([^a-z]|$)",
        flags);
    regcomp(&k->obey,
        "instruction|(^|[^a-z])(follow|obey|execute|run|install)([^a-z]|$)|"
        "[|] *(ba|z)?sh([^a-z]|$)",
        flags);
}

static void patterns_free(struct check *k) {
    regfree(&k->interval);
    regfree(&k->fetch);
    regfree(&k->obey);
}

static bool has_document(const struct document *docs, size_t n, const char *name) {
    for (size_t i = 0; i < n; i++)
        if (strcmp(docs[i].name, name) == 0) return true;
    return false;
}

void documents_check(const struct document *docs, size_t n,
    const struct document_context *c, struct diag_list *diags) {
    struct check k = {.c = c, .diags = diags};
    arena_init(&k.arena);
    /* Compiling costs more than all the rest, and only heartbeats are matched. */
    bool heartbeat = has_document(docs, n, "heartbeat.md");
    if (heartbeat) patterns_compile(&k);
    for (size_t i = 0; i < n; i++) {
        k.doc = &docs[i];
        check_document(&k);
    }
    check_versions(&k);
    if (heartbeat) patterns_free(&k);
    arena_dispose(&k.arena);
}

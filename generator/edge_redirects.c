#include <stdint.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "generator/edge.h"
#include "generator/edge_rules.h"

#define MAX_STATIC 2000
#define MAX_DYNAMIC 100
#define MAX_LINE 1000
#define MAX_HOPS 20
#define MAX_TARGET 2048

struct redirects_state {
    struct edge_redirects *list;
    struct edge_reader r;
    struct map seen; /* from -> its line, a number in place of the pointer */
    unsigned n_static, n_dynamic;
    unsigned dynamic_line; /* of the first dynamic rule; 0: none yet */
};

/* Path of a target without query and fragment. */
static struct str target_path(struct str to) {
    size_t at;
    if (str_find_char(to, '#', &at)) to = str_slice(to, 0, at);
    if (str_find_char(to, '?', &at)) to = str_slice(to, 0, at);
    return to;
}

static bool read_word(struct str *rest, struct str *word) {
    *rest = str_trim(*rest);
    size_t n = 0;
    while (n < rest->len && rest->ptr[n] != ' ' && rest->ptr[n] != '\t') n++;
    *word = str_slice(*rest, 0, n);
    *rest = str_slice(*rest, n, rest->len);
    return n > 0;
}

static bool read_code(struct edge_reader *r, struct str word, unsigned *code) {
    static const unsigned known[] = {200, 301, 302, 303, 307, 308};
    *code = 302;
    if (word.len == 0) {
        diag_add(r->diags, DIAG_WARNING, edge_reader_place(r, word.ptr),
            "no status code: Cloudflare takes 302, Netlify 301; write the one you "
            "mean");
        return true;
    }
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        char text[4] = {(char)('0' + known[i] / 100), (char)('0' + known[i] / 10 % 10),
            (char)('0' + known[i] % 10)};
        *code = known[i];
        if (str_is(word, text)) return true;
    }
    EDGE_ERROR(r, word.ptr,
        "\"" STR_FMT "\" is not one of the status codes 200 301 302 303 307 308",
        STR_ARG(word));
    return false;
}

static bool check_target(struct edge_reader *r, const struct edge_redirect *rule) {
    struct str to = rule->to;
    bool relative = str_starts(to, "/") && !str_starts(to, "//");
    if (rule->code == 200 && !relative) {
        EDGE_ERROR(r, to.ptr,
            "code 200 serves a file of this site: \"" STR_FMT "\" must begin with one "
            "\"/\"",
            STR_ARG(to));
        return false;
    }
    if (!relative && (!str_starts(to, "https://") || to.len == strlen("https://"))) {
        EDGE_ERROR(r, to.ptr,
            "\"" STR_FMT "\" must begin with one \"/\" or with "
            "\"https://\"",
            STR_ARG(to));
        return false;
    }
    for (size_t i = 0; i < to.len; i++) {
        if ((unsigned char)to.ptr[i] >= ' ' && to.ptr[i] != 127) continue;
        EDGE_ERROR(r, to.ptr + i, "control character in a URL");
        return false;
    }
    return true;
}

/* Placeholders of the target that the path does not have stay as they are. */
static bool check_captures(struct edge_reader *r, const struct edge_redirect *rule) {
    struct edge_piece piece;
    for (struct str rest = rule->to; edge_piece_next(&rest, &piece);) {
        if (piece.kind != EDGE_NAME) continue;
        if (edge_capture_index(rule->from.path, piece.text)) continue;
        if (str_is(piece.text, "splat")) {
            EDGE_ERROR(r, piece.text.ptr - 1,
                "\":splat\" stands for what \"*\" matched, and \"" STR_FMT
                "\" has no \"*\"",
                STR_ARG(rule->from.path));
            return false;
        }
        diag_add(r->diags, DIAG_WARNING, edge_reader_place(r, piece.text.ptr - 1),
            "\":" STR_FMT "\" is no placeholder of \"" STR_FMT "\" and stays as it is",
            STR_ARG(piece.text), STR_ARG(rule->from.path));
    }
    return true;
}

/* The host turns ".../index.html" into ".../" itself, which the rule then meets again.
 */
static bool check_index_loop(struct edge_reader *r, const struct edge_redirect *rule) {
    struct str to = rule->to, from = rule->from.path;
    bool whole = str_ends(from, "/*") || str_ends(from, "/");
    if (!whole || !str_starts(to, "/") ||
        !(str_ends(to, "/index") || str_ends(to, "/index.html")))
        return true;
    EDGE_ERROR(r, to.ptr,
        "this loops: the host sends \"" STR_FMT
        "\" to its folder, where the rule holds again; unknown pages are what 404.html "
        "is for",
        STR_ARG(to));
    return false;
}

static void check_slash(struct edge_reader *r, const struct edge_redirect *rule) {
    struct str from = rule->from.path;
    if (rule->code == 200 || from.len < 2 || !str_ends(from, "/") ||
        !str_equal(str_slice(from, 0, from.len - 1), rule->to))
        return;
    diag_add(r->diags, DIAG_WARNING, edge_reader_place(r, rule->to.ptr),
        "loops when there is a page at \"" STR_FMT "\": the site sends \"" STR_FMT
        "\" there",
        STR_ARG(from), STR_ARG(rule->to));
}

/* Counts the rule as the host does: all after the first dynamic one are dynamic. */
static bool count_rule(struct redirects_state *s, const struct edge_redirect *rule) {
    struct edge_reader *r = &s->r;
    if (rule->from.dynamic) {
        if (!s->dynamic_line) s->dynamic_line = r->line;
        if (++s->n_dynamic <= MAX_DYNAMIC) return true;
        EDGE_ERROR(r, rule->from.path.ptr,
            "more than %d rules with \"*\" or a placeholder", MAX_DYNAMIC);
        return false;
    }
    if (s->dynamic_line) {
        EDGE_ERROR(r, rule->from.path.ptr,
            "a rule without \"*\" or placeholder stands after the dynamic one on line "
            "%u; put all static rules first, or they count among the %d dynamic ones",
            s->dynamic_line, MAX_DYNAMIC);
        return true;
    }
    if (++s->n_static <= MAX_STATIC) return true;
    EDGE_ERROR(r, rule->from.path.ptr, "more than %d static rules", MAX_STATIC);
    return false;
}

static bool parse_rule(
    struct redirects_state *s, struct str line, struct edge_redirect *rule) {
    struct edge_reader *r = &s->r;
    struct str from, code, more;
    read_word(&line, &from);
    if (!read_word(&line, &rule->to)) {
        EDGE_ERROR(r, from.ptr, "no target; a rule reads \"/from /to 301\"");
        return false;
    }
    read_word(&line, &code);
    if (read_word(&line, &more)) {
        EDGE_ERROR(r, more.ptr,
            "a rule ends after the status code; leave \"" STR_FMT "\" out",
            STR_ARG(more));
        return false;
    }
    rule->line = r->line;
    bool ok = edge_pattern_parse(r, from, true, &rule->from);
    if (!read_code(r, code, &rule->code)) return false;
    if (!check_target(r, rule) || !ok || !check_captures(r, rule)) return false;
    return check_index_loop(r, rule);
}

static void add_rule(struct redirects_state *s, struct str line) {
    struct edge_redirect rule;
    if (!parse_rule(s, line, &rule)) return;
    check_slash(&s->r, &rule);
    if (!count_rule(s, &rule)) return;
    uintptr_t first =
        (uintptr_t)map_add(&s->seen, rule.from.path, (void *)(uintptr_t)s->r.line);
    if (first != s->r.line) {
        diag_add(s->r.diags, DIAG_WARNING, edge_reader_place(&s->r, line.ptr),
            "\"" STR_FMT "\" is already redirected on line %u; this rule is ignored",
            STR_ARG(rule.from.path), (unsigned)first);
        return;
    }
    struct edge_redirects *d = s->list;
    d->rules = mem_grow(d->rules, &d->cap, d->n + 1, sizeof *d->rules);
    d->rules[d->n++] = rule;
}

/* A path that the pattern matches: every piece that captures is "x". */
static bool sample_path(struct str pattern, struct buf *out) {
    struct edge_piece piece;
    buf_reset(out);
    while (edge_piece_next(&pattern, &piece))
        buf_str(out, piece.kind == EDGE_LITERAL ? piece.text : STR("x"));
    return !out->full;
}

/* The rule that takes `path`: a static one if any, else the first dynamic one. */
static const struct edge_redirect *find_rule(const struct edge_redirects *d,
    const struct map *fixed, struct str path, struct str captures[EDGE_MAX_CAPTURES]) {
    const struct edge_redirect *rule = map_get(fixed, path);
    for (size_t i = 0; !rule && i < d->n; i++)
        if (d->rules[i].from.dynamic &&
            edge_match(d->rules[i].from.path, path, captures))
            rule = &d->rules[i];
    return rule;
}

static void follow(
    const struct edge_redirect *rule, const struct str *captures, struct buf *out) {
    struct edge_piece piece;
    buf_reset(out);
    for (struct str rest = target_path(rule->to); edge_piece_next(&rest, &piece);) {
        unsigned i = edge_capture_index(rule->from.path, piece.text);
        if (piece.kind == EDGE_NAME && i)
            buf_str(out, captures[i]);
        else if (piece.kind == EDGE_NAME)
            buf_printf(out, ":" STR_FMT, STR_ARG(piece.text));
        else
            buf_str(out, piece.kind == EDGE_SPLAT ? STR("*") : piece.text);
    }
}

/* Whether redirects from a sample of `start` never end, and `start` is the first rule
 * of the ring (so that each ring is reported once). */
static bool rule_loops(const struct edge_redirects *d, const struct map *fixed,
    const struct edge_redirect *start, struct buf path[2]) {
    const struct edge_redirect *first = NULL;
    unsigned now = 0;
    if (!sample_path(start->from.path, &path[0])) return false;
    for (unsigned hop = 0; hop < MAX_HOPS; hop++) {
        struct str captures[EDGE_MAX_CAPTURES] = {{0}};
        const struct edge_redirect *rule =
            find_rule(d, fixed, buf_view(&path[now]), captures);
        if (!rule || rule->code == 200 || rule->to.ptr[0] != '/') return false;
        if (hop == 0 && rule != start) return false;
        if (hop > 0 && (!first || rule < first)) first = rule;
        follow(rule, captures, &path[!now]);
        now = !now;
        if (path[now].full) break;
    }
    return first == start;
}

static void check_loops(struct redirects_state *s) {
    const struct edge_redirects *d = s->list;
    struct map fixed = {0};
    struct buf path[2];
    buf_init(&path[0], MAX_TARGET);
    buf_init(&path[1], MAX_TARGET);
    for (size_t i = 0; i < d->n; i++)
        if (!d->rules[i].from.dynamic)
            map_add(&fixed, d->rules[i].from.path, &d->rules[i]);
    for (size_t i = 0; i < d->n; i++) {
        const struct edge_redirect *rule = &d->rules[i];
        if (!rule_loops(d, &fixed, rule, path)) continue;
        s->r.ok = false;
        diag_add(s->r.diags, DIAG_ERROR, DIAG_AT(s->r.file, rule->line, 1),
            "\"" STR_FMT "\" loops: its target \"" STR_FMT
            "\" is redirected back to it",
            STR_ARG(rule->from.path), STR_ARG(rule->to));
    }
    buf_dispose(&path[0]);
    buf_dispose(&path[1]);
    map_dispose(&fixed);
}

bool edge_redirects_parse(struct edge_redirects *d, struct str text, const char *file,
    struct diag_list *diags) {
    *d = (struct edge_redirects){0};
    struct redirects_state s = {.list = d,
        .r = {.file = file,
            .diags = diags,
            .rest = text,
            .max = MAX_LINE,
            .what = "a rule",
            .ok = true}};
    for (struct str line; edge_reader_next(&s.r, &line);) add_rule(&s, line);
    check_loops(&s);
    map_dispose(&s.seen);
    return s.r.ok;
}

void edge_redirects_dispose(struct edge_redirects *d) {
    mem_free(d->rules);
}

bool edge_check_redirects(struct str text, const char *file, struct diag_list *diags) {
    struct edge_redirects d;
    bool ok = edge_redirects_parse(&d, text, file, diags);
    edge_redirects_dispose(&d);
    return ok;
}

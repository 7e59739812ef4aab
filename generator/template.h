/* Mustache, compiled once: the public spec's required modules, inheritance and dynamic
 * names; no lambdas.
 *
 * Two rules of ours are switched on by template_env.strict and off for the public spec:
 * an unknown variable is an error unless it stands in a section (or inverted section)
 * that tests that name, and {{{x}}} / {{&x}} are accepted only for names ending in
 * _html or _md. */
#ifndef GENERATOR_TEMPLATE_H
#define GENERATOR_TEMPLATE_H
#include "base/diag.h"
#include "base/json.h"

enum escape {
    ESCAPE_HTML, /* html xml svg */
    ESCAPE_JSON, /* json webmanifest js: the inside of a JSON string, < as \u003c */
    ESCAPE_CSS,  /* css: none, but a control character or one of < { } ; is an error */
    ESCAPE_NONE, /* all else: none, but a control character is an error (values of names
                    ending in _md excepted) */
    ESCAPE_SPEC  /* HTML, for partials of any name: the public spec's test runner */
};
enum escape escape_for(
    struct str path); /* by suffix of an output path or partial name */

struct template; /* compiled, immutable, lives in the arena it was compiled into */

/* Compiles; `file` and `first_line` (where the text starts in that file) are for
 * messages. Every syntax error is reported, not only the first.  NULL: there were
 * errors. The text must outlive the template (or lie in the arena). */
const struct template *template_compile(struct arena *a, const char *file,
    unsigned first_line, struct str text, struct diag_list *diags);
/* The same for a text that begins in the middle of a line. */
const struct template *template_compile_at(
    struct arena *a, struct diag_place place, struct str text, struct diag_list *diags);

/* Where its text begins. */
struct diag_place template_start(const struct template *t);

struct template_env {
    /* Finds {{>name}} (or {{<name}} when parent) for a template whose escape is `from`.
     * NULL: unknown, which is an error when strict, nothing otherwise.  *escape is set
     * to the partial's own escape (preset to `from`). When the partial exists but did
     * not compile, return NULL and set *broken (its error was already reported). */
    const struct template *(*find)(void *ctx, struct str name, bool parent,
        enum escape from, enum escape *escape, bool *broken);
    /* Optional: names near to an unknown partial, for "did you mean"; may be NULL. */
    const char *(*suggest)(void *ctx, struct str name, bool parent);
    void *ctx;
    bool strict;
    unsigned max_depth; /* partials and sections nested while rendering; 0: 64 */
    struct diag_list *diags;
};
/* Appends to out (whose cap bounds the output).  stack[0] is the outermost context,
 * stack[n-1] the innermost; borrowed, never changed.  Errors name the template, line
 * and column, and with notes the chain of partials that led there. False: there were
 * errors. */
bool template_render(const struct template *t, enum escape escape, json_t *const *stack,
    size_t n, const struct template_env *env, struct buf *out);
/* Evaluates a short template such as "blog/{{slug}}/index.html" in one go, without
 * partials. */
bool template_eval(struct str text, const char *file, unsigned line, enum escape escape,
    json_t *const *stack, size_t n, struct diag_list *diags, struct buf *out);
#endif

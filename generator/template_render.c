/* Mustache: nodes to text. */
#include <string.h>
#include "base/file.h"
#include "base/mem.h"
#include "generator/template_render.h"

enum {
    DEFAULT_DEPTH = 64,
    PASSES_MAX = 10 * 1000 * 1000, /* of sections, in one rendering */
};

enum escape escape_for(struct str path) {
    static const struct {
        const char *suffix;
        enum escape escape;
    } known[] = {{"html", ESCAPE_HTML}, {"xml", ESCAPE_HTML}, {"svg", ESCAPE_HTML},
        {"json", ESCAPE_JSON}, {"webmanifest", ESCAPE_JSON}, {"js", ESCAPE_JSON},
        {"css", ESCAPE_CSS}};
    struct str suffix = path_suffix(path);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (str_is(suffix, known[i].suffix)) return known[i].escape;
    return ESCAPE_NONE;
}

/* ---- literal text ---- */

static void put_indent(
    struct render *r, const struct frame *f, const struct node *node) {
    struct str indent = buf_view(&r->indent);
    indent = str_slice(indent, r->indented, indent.len);
    r->indented = 0;
    if (indent.len && !buf_str(r->out, indent)) render_full(r, f, node);
}

static bool is_line_end(struct str s) {
    return s.len &&
           (s.ptr[0] == '\n' || (s.len > 1 && s.ptr[0] == '\r' && s.ptr[1] == '\n'));
}

/* Empty lines stay empty. */
static void put_lines(
    struct render *r, const struct frame *f, const struct node *node) {
    struct str rest = node->text;
    bool line = node->flags & NODE_LINE;
    if (rest.len == 0 && line) put_indent(r, f, node);
    while (rest.len && !r->stop) {
        size_t n;
        n = str_find_char(rest, '\n', &n) ? n + 1 : rest.len;
        if (line && !is_line_end(rest)) put_indent(r, f, node);
        if (!buf_append(r->out, rest.ptr, n)) render_full(r, f, node);
        rest = str_slice(rest, n, rest.len);
        line = true;
    }
}

static inline void render_text(
    struct render *r, const struct frame *f, const struct node *node) {
    if (r->indent.len)
        put_lines(r, f, node);
    else if (node->text.len && !buf_str(r->out, node->text))
        render_full(r, f, node);
}

/* ---- sections, partials, blocks ---- */

/* "a.html > b.html > a.html": from the last rendering of the same template to this one.
 */
static void chain_print(
    const struct frame *f, const struct frame *from, struct buf *b) {
    if (f != from && f->caller) {
        chain_print(f->caller, from, b);
        buf_cstr(b, " > ");
    }
    buf_cstr(b, f->t->file);
}

static void too_deep(struct render *r, const struct frame *f, const struct node *node) {
    const struct frame *from = f->caller;
    while (from && strcmp(from->t->file, f->t->file) != 0) from = from->caller;
    struct buf chain;
    buf_init(&chain, 500);
    chain_print(f, from, &chain);
    render_error(r, f, node, "sections and partials are nested deeper than %u%s%s",
        r->max_depth, f->caller ? ": " : "", f->caller ? buf_view(&chain).ptr : "");
    buf_dispose(&chain);
    r->stop = true;
}

static void render_nodes(
    struct render *r, const struct frame *f, uint32_t i, uint32_t end);

static bool go_down(struct render *r, const struct frame *f, const struct node *node) {
    if (r->depth < r->max_depth) {
        r->depth++;
        return true;
    }
    too_deep(r, f, node);
    return false;
}

static void render_children(
    struct render *r, const struct frame *f, const struct node *node) {
    if (r->passes++ == PASSES_MAX) {
        render_error(r, f, node, "the sections repeat more than %d times", PASSES_MAX);
        r->stop = true;
    }
    render_nodes(r, f, (uint32_t)(node - f->t->nodes) + 1, node->end);
}

static void render_section(
    struct render *r, const struct frame *f, const struct node *node) {
    json_t *v = name_find(r, node);
    bool truthy = json_truthy(v);
    if (truthy != (node->kind == NODE_SECTION) || !go_down(r, f, node)) return;
    if (!truthy) {
        render_children(r, f, node);
    } else if (json_is_array(v)) {
        size_t size = json_array_size(v);
        r->n++;
        for (size_t i = 0; i < size && !r->stop; i++) {
            r->stack[r->n - 1] = json_array_get(v, i);
            render_children(r, f, node);
        }
        r->n--;
    } else {
        r->stack[r->n++] = v;
        render_children(r, f, node);
        r->n--;
    }
    r->depth--;
}

static void report_unsafe(struct render *r, const struct frame *f) {
    for (const struct node *node = f->t->nodes; node < f->t->nodes + f->t->n; node++)
        if (node->flags & NODE_UNSAFE)
            render_error(r, f, node,
                "\"" STR_FMT
                "\" may not go into the page unescaped: only names ending in "
                "_html or _md can; write {{" STR_FMT "}}",
                STR_ARG(node->name), STR_ARG(node->name));
}

/* Renders a whole template, or [i, end) of it when it fills a block. */
static void enter(struct render *r, const struct frame *f, uint32_t i, uint32_t end) {
    if (f->t->has_unsafe && r->env->strict) report_unsafe(r, f);
    render_nodes(r, f, i, end);
}

static void unknown_partial(
    struct render *r, const struct frame *f, const struct node *node, struct str name) {
    const struct template_env *env = r->env;
    bool parent = node->kind == NODE_PARENT;
    const char *near = env->suggest ? env->suggest(env->ctx, name, parent) : NULL;
    const char *what = parent ? "layout" : "partial";
    if (near)
        render_error(r, f, node, "there is no %s \"" STR_FMT "\"; did you mean \"%s\"?",
            what, STR_ARG(name), near);
    else
        render_error(r, f, node, "there is no %s \"" STR_FMT "\"", what, STR_ARG(name));
}

/* The name a partial or parent tag stands for. False: none, and what there was to
 * report is reported. */
static bool partial_name(struct render *r, const struct frame *f,
    const struct node *node, char *space, size_t size, struct str *name) {
    *name = node->name;
    if (!(node->flags & NODE_DYNAMIC)) return true;
    const json_t *v = name_find(r, node);
    if (!v && r->env->strict && !(node->flags & NODE_TESTED)) name_unknown(r, f, node);
    if (!v) return false;
    *name = value_text(v, space, size);
    if (name->len == 0 && r->env->strict)
        render_error(r, f, node, "\"" STR_FMT "\" is %s, so it names no partial",
            STR_ARG(node->name), json_is_string(v) ? "empty" : value_kind(v));
    return name->len > 0;
}

/* A block that is filled but that the layout does not have would vanish in silence.
 * Only a likely slip is reported: a theme may fill blocks for layouts of another. */
static void check_block(
    struct render *r, const struct frame *inner, const struct node *arg) {
    const char *known[64];
    size_t n = 0;
    struct arena a;
    for (const struct node *b = inner->t->nodes; b < inner->t->nodes + inner->t->n;
         b++) {
        if (b->kind == NODE_PARENT) return; /* it may go on to that one */
        if (b->kind == NODE_BLOCK && str_equal(b->name, arg->name)) return;
    }
    arena_init(&a);
    for (const struct node *b = inner->t->nodes; b < inner->t->nodes + inner->t->n; b++)
        if (b->kind == NODE_BLOCK && n < sizeof known / sizeof *known)
            known[n++] = arena_str(&a, b->name);
    const char *near = diag_suggest(arg->name, known, n);
    if (near)
        render_error(r, inner->caller, arg,
            "%s has no block \"" STR_FMT "\"; did you mean \"%s\"?", inner->t->file,
            STR_ARG(arg->name), near);
    arena_dispose(&a);
}

static void check_blocks(struct render *r, const struct frame *inner) {
    const struct given *given = inner->given;
    const struct node *nodes = inner->caller->t->nodes;
    for (uint32_t i = given->first; i < given->end; i = nodes[i].end)
        check_block(r, inner, &nodes[i]);
}

static void call_template(
    struct render *r, struct frame *inner, const struct node *node) {
    char space[64];
    struct str name;
    const struct frame *f = inner->caller;
    if (!partial_name(r, f, node, space, sizeof space, &name)) return;
    bool broken = false;
    const struct template_env *env = r->env;
    if (env->find)
        inner->t = env->find(env->ctx, name, node->kind == NODE_PARENT, f->escape,
            &inner->escape, &broken);
    if (!inner->t && broken)
        r->failed = true;
    else if (!inner->t && env->strict)
        unknown_partial(r, f, node, name);
    if (!inner->t || !go_down(r, f, node)) return;
    if (env->strict && inner->given != f->given) check_blocks(r, inner);
    enter(r, inner, 0, inner->t->n);
    r->depth--;
}

/* Makes the indentation `outer` bytes of the present one plus `more`; returns what was.
 */
static struct buf indent_swap(struct render *r, size_t outer, struct str more) {
    struct buf old = r->indent;
    if (outer == old.len && more.len == 0) return old;
    buf_init(&r->indent, 0);
    buf_append(&r->indent, buf_view(&old).ptr, outer);
    buf_str(&r->indent, more);
    return old;
}

static void indent_restore(struct render *r, struct buf old) {
    if (r->indent.ptr != old.ptr) buf_dispose(&r->indent);
    r->indent = old;
}

static void render_partial(
    struct render *r, const struct frame *f, const struct node *node) {
    struct given given = {f->given, f, (uint32_t)(node - f->t->nodes) + 1, node->end};
    struct frame inner = {
        .caller = f, .site = node, .given = f->given, .escape = f->escape};
    if (given.first < given.end) inner.given = &given;
    bool alone = node->flags & NODE_ALONE;
    if (!alone && node->indent.len && !buf_str(r->out, node->indent))
        render_full(r, f, node);
    struct buf old =
        indent_swap(r, alone ? r->indent.len : 0, alone ? node->indent : STR(""));
    call_template(r, &inner, node);
    indent_restore(r, old);
}

static const struct node *given_find(
    const struct given *given, struct str name, const struct given **by) {
    const struct node *found = NULL;
    for (; given; given = given->outer) {
        const struct node *nodes = given->frame->t->nodes;
        for (uint32_t i = given->first; i < given->end; i = nodes[i].end) {
            if (!str_equal(nodes[i].name, name)) continue;
            found = &nodes[i];
            *by = given;
        }
    }
    return found;
}

/* Puts the argument in the place of the block, indented as the block was. */
static void fill_block(struct render *r, const struct frame *f, const struct node *node,
    const struct node *arg, const struct given *by) {
    struct frame inner = {f, by->frame->t, node, by->outer, by->frame->escape};
    bool own_line = node->flags & (NODE_ALONE | NODE_PAIR);
    bool arg_line = arg->flags & NODE_ALONE;
    uint32_t first = (uint32_t)(arg - inner.t->nodes) + 1;
    size_t pending = r->indented;
    struct buf old = indent_swap(r, r->indent.len, node->indent);
    size_t before = r->out->len;
    if (own_line && !arg_line && first < arg->end) put_indent(r, f, node);
    if (!own_line && arg_line) r->indented = r->indent.len;
    render_nodes(r, &inner, first, arg->end);
    indent_restore(r, old);
    bool empty = r->out->len == before;
    r->indented = empty ? pending : 0;
    bool ended = empty || r->out->ptr[r->out->len - 1] == '\n';
    if (node->flags & NODE_PAIR && !ended && !buf_str(r->out, node->text))
        render_full(r, f, node);
}

static void render_block(
    struct render *r, const struct frame *f, const struct node *node) {
    const struct given *by = NULL;
    const struct node *arg = given_find(f->given, node->name, &by);
    if (node->flags & NODE_FIRST && node->indent.len && !buf_str(r->out, node->indent))
        render_full(r, f, node);
    if (!go_down(r, f, node)) return;
    if (arg)
        fill_block(r, f, node, arg, by);
    else
        render_children(r, f, node);
    r->depth--;
}

static void render_nodes(
    struct render *r, const struct frame *f, uint32_t i, uint32_t end) {
    const struct node *nodes = f->t->nodes;
    for (; i < end && !r->stop; i = nodes[i].end) {
        const struct node *node = &nodes[i];
        if (node->kind == NODE_TEXT) {
            render_text(r, f, node);
            continue;
        }
        bool alone = node->flags & NODE_ALONE;
        if (node->flags & NODE_LINE && !alone && r->indent.len) put_indent(r, f, node);
        switch ((enum node_kind)node->kind) {
        case NODE_VALUE:
            render_value(r, f, node);
            break;
        case NODE_SECTION:
        case NODE_INVERTED:
            render_section(r, f, node);
            break;
        case NODE_PARTIAL:
        case NODE_PARENT:
            render_partial(r, f, node);
            break;
        case NODE_BLOCK:
            render_block(r, f, node);
            break;
        case NODE_TEXT:
        case NODE_ARGUMENT:
            break;
        }
    }
}

bool template_render(const struct template *t, enum escape escape, json_t *const *stack,
    size_t n, const struct template_env *env, struct buf *out) {
    struct render r = {.env = env, .out = out, .n = n};
    r.max_depth = env->max_depth ? env->max_depth : DEFAULT_DEPTH;
    r.stack = mem_alloc((n + r.max_depth + 1) * sizeof(json_t *));
    if (n) memcpy(r.stack, stack, n * sizeof(json_t *));
    buf_init(&r.indent, 0);
    struct frame page = {.t = t, .escape = escape};
    enter(&r, &page, 0, t->n);
    mem_free(r.stack);
    return !r.failed;
}

bool template_eval(struct str text, const char *file, unsigned line, enum escape escape,
    json_t *const *stack, size_t n, struct diag_list *diags, struct buf *out) {
    struct arena arena;
    arena_init(&arena);
    struct template_env env = {.strict = true, .diags = diags};
    const struct template *t = template_compile(&arena, file, line, text, diags);
    bool ok = t && template_render(t, escape, stack, n, &env, out);
    arena_dispose(&arena);
    return ok;
}

/* Mustache: text to nodes.
 *
 * One pass over the text. Literal bytes gather in `run` until a tag needs a node of its
 * own. Three things happen to white space on the way: a tag alone on its line takes the
 * line with it; the content of a block that is handed to a parent loses the indentation
 * of its first line; and nodes that begin a line are marked, for partials that are
 * indented. */
#include "base/mem.h"
#include "generator/template_compile.h"

struct diag_place template_place(const struct template *t, size_t at) {
    unsigned line, col;
    str_line_col(t->text, at, &line, &col);
    if (line == 1 && t->first_col) col += t->first_col - 1;
    return DIAG_AT(t->file, t->first_line + line - 1, col);
}

struct diag_place template_start(const struct template *t) {
    return template_place(t, 0);
}

static struct open *innermost(struct compiler *c) {
    return c->depth ? &c->open[c->depth - 1] : NULL;
}

static bool in_parent(struct compiler *c) {
    struct open *top = innermost(c);
    return top && top->kind == NODE_PARENT;
}

/* ---- literal text ---- */

static void run_append(struct compiler *c, struct str s) {
    if (s.len == 0) return;
    if (c->run.len == 0) {
        c->run_line = c->line;
        c->run_at = (size_t)(s.ptr - c->text.ptr);
    }
    buf_str(&c->run, s);
    c->line = s.ptr[s.len - 1] == '\n';
}

static struct str dedented(const struct compiler *c, struct str line) {
    size_t n = 0;
    while (n < line.len && n < c->dedent.len && line.ptr[n] == c->dedent.ptr[n]) n++;
    return str_slice(line, n, line.len);
}

static void warn_ignored(struct compiler *c, size_t at) {
    struct open *top = innermost(c);
    if (top->dropped) return;
    top->dropped = true;
    diag_add(c->diags, DIAG_WARNING, template_place(c->t, at),
        "ignored: inside {{<" STR_FMT "}} only blocks count; put this into "
        "{{$block}}...{{/block}}",
        STR_ARG(top->name));
}

/* Takes the source from c->pos up to `end` as literal text. */
static void text_add(struct compiler *c, size_t end) {
    struct str rest = str_slice(c->text, c->pos, end);
    if (in_parent(c)) {
        struct str visible = str_trim(rest);
        if (visible.len) warn_ignored(c, (size_t)(visible.ptr - c->text.ptr));
    } else if (c->dedent.len == 0) {
        run_append(c, rest);
    } else {
        while (rest.len) {
            size_t n, from = (size_t)(rest.ptr - c->text.ptr);
            n = str_find_char(rest, '\n', &n) ? n + 1 : rest.len;
            struct str line = str_slice(rest, 0, n);
            bool whole = from == 0 || c->text.ptr[from - 1] == '\n';
            run_append(c, whole ? dedented(c, line) : line);
            rest = str_slice(rest, n, rest.len);
        }
    }
    c->pos = end;
}

static struct node *node_add(
    struct compiler *c, enum node_kind kind, unsigned flags, size_t at) {
    if (c->n == c->cap)
        c->nodes = mem_grow(c->nodes, &c->cap, c->n + 1, sizeof *c->nodes);
    struct node *node = &c->nodes[c->n++];
    *node = (struct node){.kind = (uint8_t)kind, .flags = (uint16_t)flags};
    node->end = (uint32_t)c->n;
    node->at = (uint32_t)at;
    return node;
}

static void run_flush(struct compiler *c) {
    if (c->run.len == 0) return;
    struct node *node = node_add(c, NODE_TEXT, c->run_line ? NODE_LINE : 0, c->run_at);
    node->text = arena_copy(c->arena, buf_view(&c->run));
    buf_reset(&c->run);
}

/* The blanks before a tag that is first on its line leave the text. */
static void run_trim(struct compiler *c) {
    while (c->run.len && is_blank(c->run.ptr[c->run.len - 1])) c->run.len--;
    c->line = true;
}

static unsigned take_line_flag(struct compiler *c) {
    bool line = c->line;
    c->line = false;
    return line ? NODE_LINE : 0;
}

/* Moves past the tag, and past its line when it stands alone on it. */
static bool take_line(struct compiler *c, const struct tag *tag) {
    bool alone = tag->first && tag->last;
    if (alone && !in_parent(c)) run_trim(c);
    c->pos = alone ? tag->next_line : tag->end;
    return alone;
}

static struct str own_indent(struct compiler *c, const struct tag *tag) {
    return dedented(c, str_slice(c->text, tag->line_start, tag->at));
}

/* The blanks that begin the first line with content; `if_closed` when that line only
 * closes the block again. */
static struct str first_indent(struct compiler *c, size_t from, struct str if_closed) {
    size_t start = from, at = from;
    while (at < c->text.len && is_space(c->text.ptr[at]))
        if (c->text.ptr[at++] == '\n') start = at;
    struct str rest = str_slice(c->text, at, c->text.len);
    if (rest.len == 0) return if_closed;
    if (rest.len > c->left.len && memcmp(rest.ptr, c->left.ptr, c->left.len) == 0) {
        rest = str_trim(str_slice(rest, c->left.len, rest.len));
        if (rest.len && rest.ptr[0] == '/') return if_closed;
    }
    return str_slice(c->text, start, at);
}

/* ---- from tag to node ---- */

static void node_name(struct compiler *c, struct node *node, const struct tag *tag) {
    node->name = tag->name;
    if (tag->dynamic) node->flags |= NODE_DYNAMIC;
    if (!tag_is_dotted(tag) || str_is(tag->name, ".")) return;
    size_t n = 1;
    for (size_t i = 0; i < tag->name.len; i++) n += tag->name.ptr[i] == '.';
    struct str *parts = arena_alloc(c->arena, n * sizeof *parts);
    struct str rest = tag->name, part;
    for (n = 0; str_cut(&rest, '.', &part); n++) parts[n] = part;
    node->parts = parts;
    node->nparts = (uint16_t)n;
}

static bool name_is_tested(struct compiler *c, struct str name) {
    for (size_t i = 0; i < c->depth; i++)
        if ((c->open[i].kind == NODE_SECTION || c->open[i].kind == NODE_INVERTED) &&
            str_equal(c->open[i].name, name))
            return true;
    return false;
}

static void compile_value(struct compiler *c, const struct tag *tag) {
    run_flush(c);
    struct node *node = node_add(c, NODE_VALUE, take_line_flag(c), tag->at);
    node_name(c, node, tag);
    bool markdown = str_ends(tag->name, "_md");
    if (markdown) node->flags |= NODE_MARKDOWN;
    if (name_is_tested(c, tag->name)) node->flags |= NODE_TESTED;
    if (tag->sigil) {
        node->flags |= NODE_RAW;
        if (!markdown && !str_ends(tag->name, "_html")) {
            node->flags |= NODE_UNSAFE;
            c->t->has_unsafe = true;
        }
    }
    c->pos = tag->end;
}

static void compile_partial(struct compiler *c, const struct tag *tag) {
    bool alone = take_line(c, tag);
    run_flush(c);
    struct node *node =
        node_add(c, NODE_PARTIAL, alone ? NODE_ALONE : take_line_flag(c), tag->at);
    node_name(c, node, tag);
    if (alone) node->indent = own_indent(c, tag);
    if (tag->dynamic && name_is_tested(c, tag->name)) node->flags |= NODE_TESTED;
}

static bool delimiter_is_good(struct str s) {
    bool good = s.len > 0 && s.len <= 16;
    for (size_t i = 0; i < s.len; i++)
        good = good && (unsigned char)s.ptr[i] > ' ' && s.ptr[i] != '=';
    return good;
}

static void compile_delimiters(struct compiler *c, const struct tag *tag) {
    size_t n = 0;
    while (n < tag->name.len && !is_space(tag->name.ptr[n])) n++;
    struct str left = str_slice(tag->name, 0, n);
    struct str right = str_trim(str_slice(tag->name, n, tag->name.len));
    take_line(c, tag);
    if (delimiter_is_good(left) && delimiter_is_good(right)) {
        c->left = left;
        c->right = right;
    } else {
        compile_error(c, tag->at,
            "set-delimiter tag: two delimiters without blanks and = are wanted, "
            "as in {{=<%% %%>=}}");
    }
}

static void open_push(struct compiler *c, const struct tag *tag, enum node_kind kind) {
    if (c->depth == OPEN_MAX_DEPTH) {
        compile_error(c, tag->at, "sections are nested deeper than %d", OPEN_MAX_DEPTH);
        c->pos = c->text.len;
        c->cut = true;
        return;
    }
    c->open[c->depth++] = (struct open){.node = (uint32_t)(c->n - 1),
        .kind = kind,
        .dynamic = tag->dynamic,
        .name = tag->name,
        .at = tag->at,
        .dedent = c->dedent};
}

static void compile_section(struct compiler *c, const struct tag *tag) {
    enum node_kind kind = tag->sigil == '#' ? NODE_SECTION : NODE_INVERTED;
    bool alone = take_line(c, tag);
    run_flush(c);
    node_name(c, node_add(c, kind, alone ? 0 : take_line_flag(c), tag->at), tag);
    open_push(c, tag, kind);
}

static void compile_parent(struct compiler *c, const struct tag *tag) {
    if (tag->first && !in_parent(c)) run_trim(c);
    run_flush(c);
    unsigned flags = take_line_flag(c) | (tag->first ? NODE_FIRST : 0);
    struct node *node = node_add(c, NODE_PARENT, flags, tag->at);
    node_name(c, node, tag);
    if (tag->first) node->indent = own_indent(c, tag);
    if (tag->dynamic && name_is_tested(c, tag->name)) node->flags |= NODE_TESTED;
    c->pos = tag->end;
    open_push(c, tag, NODE_PARENT);
}

static bool argument_is_repeated(struct compiler *c, const struct tag *tag) {
    uint32_t i = innermost(c)->node + 1;
    for (; i < c->n; i = c->nodes[i].end)
        if (str_equal(c->nodes[i].name, tag->name)) return true;
    return false;
}

static void compile_argument(struct compiler *c, const struct tag *tag) {
    if (argument_is_repeated(c, tag))
        compile_error(c, tag->at,
            "block \"" STR_FMT "\" is filled twice in {{<" STR_FMT "}}",
            STR_ARG(tag->name), STR_ARG(innermost(c)->name));
    node_add(c, NODE_ARGUMENT, tag->last ? NODE_ALONE : 0, tag->at)->name = tag->name;
    c->line = tag->last;
    c->pos = tag->last ? tag->next_line : tag->end;
    open_push(c, tag, NODE_ARGUMENT);
    if (tag->last) c->dedent = first_indent(c, tag->next_line, STR(""));
}

static void compile_block(struct compiler *c, const struct tag *tag) {
    if (in_parent(c)) {
        compile_argument(c, tag);
        return;
    }
    bool alone = take_line(c, tag);
    struct str own =
        tag->first ? str_slice(c->text, tag->line_start, tag->at) : STR("");
    if (tag->first) run_trim(c);
    run_flush(c);
    unsigned flags = alone        ? NODE_ALONE
                     : tag->first ? take_line_flag(c) | NODE_FIRST
                                  : take_line_flag(c);
    struct node *node = node_add(c, NODE_BLOCK, flags, tag->at);
    node->name = tag->name;
    node->indent = dedented(c, alone ? first_indent(c, c->pos, own) : own);
    open_push(c, tag, NODE_BLOCK);
}

/* ---- closing ---- */

static const char *open_sigil(const struct open *open) {
    switch (open->kind) {
    case NODE_SECTION:
        return "#";
    case NODE_INVERTED:
        return "^";
    case NODE_PARENT:
        return open->dynamic ? "<*" : "<";
    default:
        return "$";
    }
}

static bool open_has_name(const struct open *open, struct str name) {
    if (open->dynamic && str_starts(name, "*"))
        name = str_trim(str_slice(name, 1, name.len));
    return str_equal(open->name, name);
}

/* Where an empty block and its end share a line with nothing else, the line is the
 * block's. */
static bool close_pair(struct compiler *c, struct node *node, const struct tag *tag) {
    bool empty = node + 1 == c->nodes + c->n && c->run.len == 0;
    if (!(node->flags & NODE_FIRST) || !empty || !tag->last) return false;
    node->flags = NODE_PAIR;
    node->text = str_slice(c->text, tag->end, tag->next_line);
    while (node->text.len && is_blank(node->text.ptr[0]))
        node->text = str_slice(node->text, 1, node->text.len);
    c->pos = tag->next_line;
    c->line = true;
    return true;
}

static void close_section(
    struct compiler *c, struct open *open, const struct tag *tag) {
    if (open->kind == NODE_BLOCK && close_pair(c, &c->nodes[open->node], tag)) return;
    bool alone = take_line(c, tag);
    run_flush(c);
    if (!alone && take_line_flag(c)) node_add(c, NODE_TEXT, NODE_LINE, tag->at);
}

static void close_parent(struct compiler *c, struct open *open, const struct tag *tag) {
    struct node *node = &c->nodes[open->node];
    bool alone = node->flags & NODE_FIRST && tag->last;
    if (alone) node->flags |= NODE_ALONE;
    c->line = alone;
    c->pos = alone ? tag->next_line : tag->end;
}

static void close_argument(struct compiler *c, const struct tag *tag) {
    if (tag->first) run_trim(c);
    run_flush(c);
    c->pos = tag->end;
}

static void open_pop(struct compiler *c, const struct tag *tag) {
    struct open *open = innermost(c);
    if (open->kind == NODE_PARENT)
        close_parent(c, open, tag);
    else if (open->kind == NODE_ARGUMENT)
        close_argument(c, tag);
    else
        close_section(c, open, tag);
    c->nodes[open->node].end = (uint32_t)c->n;
    c->dedent = open->dedent;
    c->depth--;
    if (in_parent(c) && open->kind != NODE_ARGUMENT) c->n = open->node;
}

/* {{/b}} for {{#a}}: a misspelt end closes what is open, any other is left out. */
static void close_mismatch(struct compiler *c, const struct tag *tag) {
    struct open *top = innermost(c);
    if (str_equal(c->late, tag->name)) { /* {{#a}}{{#b}}{{/a}}{{/b}}: said at {{#b}} */
        c->late = STR("");
        c->pos = tag->end;
        return;
    }
    if (!top) {
        compile_error(c, tag->at,
            "{{/" STR_FMT "}} closes nothing: no section is open here",
            STR_ARG(tag->name));
        c->pos = tag->end;
        return;
    }
    compile_error(c, tag->at, "{{/" STR_FMT "}} does not close {{%s" STR_FMT "}}",
        STR_ARG(tag->name), open_sigil(top), STR_ARG(top->name));
    diag_note(c->diags, template_place(c->t, top->at),
        "opened here; {{/%s" STR_FMT "}} closes it", top->dynamic ? "*" : "",
        STR_ARG(top->name));
    const char *known = arena_str(c->arena, top->name);
    if (diag_suggest(tag->name, &known, 1))
        open_pop(c, tag);
    else
        c->pos = tag->end;
}

static void compile_close(struct compiler *c, const struct tag *tag) {
    size_t i = c->depth;
    while (i > 0 && !open_has_name(&c->open[i - 1], tag->name)) i--;
    if (i == 0) {
        close_mismatch(c, tag);
        return;
    }
    while (c->depth > i) {
        struct open *top = innermost(c);
        compile_error(c, top->at,
            "{{%s" STR_FMT "}} is not closed before {{/" STR_FMT "}}", open_sigil(top),
            STR_ARG(top->name), STR_ARG(tag->name));
        diag_note(c->diags, template_place(c->t, tag->at),
            "{{/" STR_FMT "}} is expected before this", STR_ARG(top->name));
        c->late = top->name;
        open_pop(c, tag);
    }
    open_pop(c, tag);
}

static void compile_tag(struct compiler *c, const struct tag *tag) {
    bool output = tag->sigil == 0 || strchr("{&>#^<", tag->sigil);
    if (output && in_parent(c)) warn_ignored(c, tag->at);
    bool drop = in_parent(c) && (tag->sigil == 0 || strchr("{&>", tag->sigil));
    switch (drop ? '!' : tag->sigil) {
    case '!':
        take_line(c, tag);
        break;
    case '=':
        compile_delimiters(c, tag);
        break;
    case '>':
        compile_partial(c, tag);
        break;
    case '<':
        compile_parent(c, tag);
        break;
    case '$':
        compile_block(c, tag);
        break;
    case '#':
    case '^':
        compile_section(c, tag);
        break;
    case '/':
        compile_close(c, tag);
        break;
    default:
        compile_value(c, tag);
        break;
    }
}

static void compile_text(struct compiler *c) {
    size_t at;
    while (c->pos < c->text.len && find_from(c->text, c->pos, c->left, &at)) {
        if (c->errors >= ERRORS_MAX) return;
        struct tag tag = {.at = at};
        text_add(c, at);
        if (tag_read(c, &tag)) compile_tag(c, &tag);
    }
    if (c->pos < c->text.len) text_add(c, c->text.len);
    run_flush(c);
    for (size_t i = 0; i < c->depth && !c->cut; i++)
        compile_error(c, c->open[i].at,
            "{{%s" STR_FMT "}} is never closed: {{/%s" STR_FMT "}} is missing",
            open_sigil(&c->open[i]), STR_ARG(c->open[i].name),
            c->open[i].dynamic ? "*" : "", STR_ARG(c->open[i].name));
}

static bool text_check(struct compiler *c) {
    size_t bad = 0;
    if (c->text.len > TEXT_MAX_BYTES)
        compile_error(c, 0, "the template is larger than %d bytes", TEXT_MAX_BYTES);
    else if (!str_is_utf8(c->text, &bad))
        compile_error(c, bad, "not UTF-8: save the template in that encoding");
    return c->errors == 0;
}

const struct template *template_compile(struct arena *a, const char *file,
    unsigned first_line, struct str text, struct diag_list *diags) {
    return template_compile_at(a, DIAG_AT(file, first_line, 1), text, diags);
}

const struct template *template_compile_at(struct arena *a, struct diag_place place,
    struct str text, struct diag_list *diags) {
    if (!text.ptr) text = STR("");
    struct template *t = arena_alloc(a, sizeof *t);
    *t = (struct template){.file = place.file,
        .first_line = place.line,
        .first_col = place.col,
        .text = text};
    struct compiler *c = mem_calloc(1, sizeof *c);
    c->t = t;
    c->arena = a;
    c->diags = diags;
    c->text = text;
    c->left = STR("{{");
    c->right = STR("}}");
    c->line = true;
    buf_init(&c->run, 0);
    if (text_check(c)) compile_text(c);
    bool failed = c->errors > 0;
    if (!failed) {
        struct node *nodes = arena_alloc(a, (c->n + 1) * sizeof *nodes);
        if (c->n) memcpy(nodes, c->nodes, c->n * sizeof *nodes);
        t->nodes = nodes;
        t->n = (uint32_t)c->n;
    }
    buf_dispose(&c->run);
    mem_free(c->nodes);
    mem_free(c);
    return failed ? NULL : t;
}

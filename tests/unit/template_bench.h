/* The template language beyond the public Mustache spec: escaping, unknown names,
 * errors and their places, limits. */
#ifndef TESTS_UNIT_TEMPLATE_BENCH_H
#define TESTS_UNIT_TEMPLATE_BENCH_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "generator/template.h"

/* One rendering after the other, with the same partials. */
struct bench {
    struct arena arena;
    struct diag_list diags;
    struct buf out;
    json_t *partials, *data;
    bool lax;
    unsigned max_depth;
    size_t max_out;
    enum escape escape;
    char said[8192]; /* all diagnostics, one a line */
};

__attribute__((unused)) static const struct template *find(void *ctx, struct str name,
    bool parent, enum escape from, enum escape *escape, bool *broken) {
    struct bench *b = ctx;
    (void)from, (void)parent;
    json_t *text = json_object_getn(b->partials, name.ptr, name.len);
    if (!text) return NULL;
    char *file = arena_str(&b->arena, name);
    size_t dot;
    if (str_find_char(name, '.', &dot)) *escape = escape_for(name);
    const struct template *t = template_compile(
        &b->arena, file, 1, str_from(json_string_value(text)), &b->diags);
    *broken = !t;
    return t;
}

__attribute__((unused)) static const char *suggest(
    void *ctx, struct str name, bool parent) {
    (void)ctx, (void)parent;
    static const char *const known[] = {"header", "base"};
    return diag_suggest(name, known, 2);
}

__attribute__((unused)) static void bench_init(struct bench *b) {
    *b = (struct bench){.escape = ESCAPE_HTML};
    arena_init(&b->arena);
    diag_init(&b->diags);
    b->partials = json_object();
}

__attribute__((unused)) static void bench_dispose(struct bench *b) {
    json_decref(b->partials);
    json_decref(b->data);
    buf_dispose(&b->out);
    diag_dispose(&b->diags);
    arena_dispose(&b->arena);
}

__attribute__((unused)) static void partial(
    struct bench *b, const char *name, const char *text) {
    json_object_set_new(b->partials, name, json_string(text));
}

__attribute__((unused)) static void say(
    struct buf *said, struct diag_place p, const char *what, const char *m) {
    buf_printf(said, "%s:%u:%u: %s%s\n", p.file, p.line, p.col, what, m);
}

__attribute__((unused)) static void collect(struct bench *b) {
    struct buf said;
    buf_init(&said, 0);
    buf_cstr(&said, "");
    for (const struct diag *d = b->diags.first; d; d = d->next) {
        say(&said, d->place, d->level == DIAG_WARNING ? "warning: " : "", d->message);
        for (const struct diag_note *n = d->notes; n; n = n->next)
            say(&said, n->place, "note: ", n->message);
    }
    assert_true(said.len < sizeof b->said);
    if (said.len) memcpy(b->said, said.ptr, said.len);
    b->said[said.len] = '\0';
    buf_dispose(&said);
}

/* `data`: JSON with ' for ". */
__attribute__((unused)) static bool render(
    struct bench *b, const char *text, const char *data) {
    char *json = arena_strdup(&b->arena, data);
    for (char *p = json; *p; p++)
        if (*p == '\'') *p = '"';
    json_decref(b->data);
    b->data = json_loads(json, JSON_DECODE_ANY, NULL);
    assert_non_null(b->data);
    struct template_env env = {.find = find,
        .suggest = suggest,
        .ctx = b,
        .strict = !b->lax,
        .max_depth = b->max_depth,
        .diags = &b->diags};
    buf_dispose(&b->out);
    buf_init(&b->out, b->max_out);
    buf_cstr(&b->out, "");
    const struct template *t =
        template_compile(&b->arena, "t.html", 1, str_from(text), &b->diags);
    bool ok = t && template_render(t, b->escape, &b->data, 1, &env, &b->out);
    collect(b);
    return ok;
}

__attribute__((unused)) static void expect(
    struct bench *b, const char *text, const char *data, const char *want) {
    bool ok = render(b, text, data);
    assert_string_equal(b->said, "");
    assert_true(ok);
    assert_string_equal(b->out.ptr ? b->out.ptr : "", want);
}

__attribute__((unused)) static void renders(
    const char *text, const char *data, const char *want) {
    struct bench b;
    bench_init(&b);
    expect(&b, text, data, want);
    bench_dispose(&b);
}

__attribute__((unused)) static void renders_as(
    enum escape escape, const char *text, const char *data, const char *want) {
    struct bench b;
    bench_init(&b);
    b.escape = escape;
    expect(&b, text, data, want);
    bench_dispose(&b);
}

__attribute__((unused)) static void fails_as(
    enum escape escape, const char *text, const char *data, const char *said) {
    struct bench b;
    bench_init(&b);
    b.escape = escape;
    assert_false(render(&b, text, data));
    assert_string_equal(b.said, said);
    bench_dispose(&b);
}

__attribute__((unused)) static void fails(
    const char *text, const char *data, const char *said) {
    fails_as(ESCAPE_HTML, text, data, said);
}

/* ---- values ---- */
#endif

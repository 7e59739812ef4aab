/* Any bytes as a template, and as the partials it calls, against a fixed context. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "generator/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

struct input {
    struct arena arena;
    struct diag_list diags;
    const struct template *parts[4];
};

/* a, b, c: parts of the input, separated by NUL; any other name: unknown. */
static const struct template *find(void *ctx, struct str name, bool parent,
    enum escape from, enum escape *escape, bool *broken) {
    struct input *in = ctx;
    (void)parent, (void)from;
    if (name.len != 1 || name.ptr[0] < 'a' || name.ptr[0] > 'c') return NULL;
    const struct template *t = in->parts[name.ptr[0] - 'a' + 1];
    *escape = name.ptr[0] == 'c' ? ESCAPE_JSON : *escape;
    *broken = !t;
    return t;
}

static const char data[] =
    "{\"a\":\"b\",\"x\":{\"y\":{\"z\":\"<&>\\\"'\"},\"a\":1},\"l\":[1,2.5],\"t\":true,"
    "\"f\":false,\"n\":null,\"e\":\"\",\"x_html\":\"<b>\\n</b>\",\"m_md\":\"a\\nb\","
    "\"o\":[{\"a\":\"c\"}],\"k\":\"\\u0001{;}\"}";

static void render_all(struct input *in, json_t *const *stack, bool strict) {
    for (int escape = ESCAPE_HTML; escape <= ESCAPE_SPEC; escape++) {
        struct template_env env = {.find = find,
            .ctx = in,
            .strict = strict,
            .max_depth = 12,
            .diags = &in->diags};
        struct buf out;
        buf_init(&out, 1 << 16);
        unsigned errors = in->diags.errors;
        bool ok = template_render(in->parts[0], escape, stack, 2, &env, &out);
        if (out.len > out.max) abort();
        if (ok && (in->diags.errors > errors || out.full)) abort();
        buf_dispose(&out);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    static json_t *context;
    if (!context) {
        json_setup();
        context = json_loads(data, 0, NULL);
    }
    struct input in = {0};
    arena_init(&in.arena);
    diag_init(&in.diags);
    char *text = malloc(size + 1);
    memcpy(text, bytes, size);
    struct str rest = {text, size}, part;
    for (size_t i = 0; i < 4 && str_cut(&rest, '\0', &part); i++) {
        unsigned errors = in.diags.errors;
        in.parts[i] = template_compile(&in.arena, "t", 1, part, &in.diags);
        if (!in.parts[i] != (in.diags.errors > errors)) abort();
    }
    json_t *stack[] = {context, json_object_get(context, "x")};
    if (in.parts[0]) render_all(&in, stack, true);
    if (in.parts[0]) render_all(&in, stack, false);
    free(text);
    diag_dispose(&in.diags);
    arena_dispose(&in.arena);
    return 0;
}

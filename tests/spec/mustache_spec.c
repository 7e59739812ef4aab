/* Runs the public Mustache spec: mustache_spec FOLDER with its *.json files.
 * Lambdas are not part of our language and are left out. */
#include <fcntl.h>
#include <stdio.h>
#include "base/file.h"
#include "base/json.h"
#include "generator/template.h"

struct suite {
    struct arena arena;
    struct diag_list diags;
    json_t *partials;
    unsigned passed, failed;
};

static const struct template *find_partial(void *ctx, struct str name, bool parent,
    enum escape from, enum escape *escape, bool *broken) {
    struct suite *s = ctx;
    json_t *text = json_object_getn(s->partials, name.ptr, name.len);
    (void)parent, (void)from, (void)escape, (void)broken;
    if (!text) return NULL;
    return template_compile(&s->arena, arena_str(&s->arena, name), 1,
        str_from(json_string_value(text)), &s->diags);
}

static void print_quoted(const char *what, struct str s) {
    struct buf b;
    buf_init(&b, 0);
    buf_json(&b, s, false);
    printf("  %s \"%s\"\n", what, b.ptr ? b.ptr : "");
    buf_dispose(&b);
}

static void run_test(struct suite *s, const char *file, const json_t *test) {
    struct template_env env = {.find = find_partial, .ctx = s, .diags = &s->diags};
    struct str text = str_from(json_string_value(json_object_get(test, "template")));
    struct str want = str_from(json_string_value(json_object_get(test, "expected")));
    json_t *data = json_object_get(test, "data");
    struct buf out;
    buf_init(&out, 1 << 20);
    arena_init(&s->arena);
    diag_init(&s->diags);
    s->partials = json_object_get(test, "partials");
    const struct template *t =
        template_compile(&s->arena, "template", 1, text, &s->diags);
    bool ok = t && template_render(t, ESCAPE_SPEC, &data, 1, &env, &out) &&
              str_equal(buf_view(&out), want);
    if (!ok) {
        printf("%s: %s\n", file, json_string_value(json_object_get(test, "name")));
        print_quoted("template", text);
        print_quoted("expected", want);
        print_quoted("rendered", buf_view(&out));
        for (const struct diag *d = s->diags.first; d; d = d->next)
            printf("  %s:%u:%u: %s\n", d->place.file, d->place.line, d->place.col,
                d->message);
    }
    *(ok ? &s->passed : &s->failed) += 1;
    diag_dispose(&s->diags);
    arena_dispose(&s->arena);
    buf_dispose(&out);
}

static bool run_file(struct suite *s, const struct root *folder, const char *name) {
    struct buf text;
    buf_init(&text, 0);
    json_error_t error;
    json_t *spec = NULL;
    int err = root_read(folder, name, 1 << 24, &text);
    if (!err) spec = json_loadb(text.ptr, text.len, 0, &error);
    json_t *tests = json_object_get(spec, "tests"), *test;
    size_t i;
    json_array_foreach(tests, i, test) run_test(s, name, test);
    if (!json_is_array(tests)) fprintf(stderr, "%s: no spec file\n", name);
    bool ok = json_is_array(tests);
    json_decref(spec);
    buf_dispose(&text);
    return ok;
}

int main(int argc, char **argv) {
    struct suite suite = {0};
    struct root folder;
    struct file_list files = {0};
    struct arena names;
    if (argc != 2 || root_open(&folder, AT_FDCWD, argv[1], argv[1]) || folder.fd < 0) {
        fprintf(stderr, "usage: mustache_spec FOLDER\n");
        return 2;
    }
    arena_init(&names);
    bool ok = file_list_dir(&folder, ".", &names, &files) == 0;
    for (size_t i = 0; i < files.n; i++) {
        const char *name = files.items[i].path;
        if (!str_ends(str_from(name), ".json") ||
            str_is(str_from(name), "lambdas.json"))
            continue;
        ok = run_file(&suite, &folder, name) && ok;
    }
    printf("%u passed, %u failed\n", suite.passed, suite.failed);
    arena_dispose(&names);
    root_close(&folder);
    return ok && suite.failed == 0 && suite.passed > 0 ? 0 : 1;
}

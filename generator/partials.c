#include "generator/partials.h"

#include <string.h>

#include "base/mem.h"

#define NAME_MAX_LEN 200 /* bytes of a partial's name */

/* The suffix a name without one gets: that of what is being escaped. */
static struct str default_suffix(const struct partials *p, enum escape from) {
    if (from == ESCAPE_HTML && !str_is(p->suffix, "xml") && !str_is(p->suffix, "svg"))
        return STR("html");
    if (from == ESCAPE_JSON && !str_is(p->suffix, "webmanifest") &&
        !str_is(p->suffix, "js"))
        return STR("json");
    return p->suffix;
}

static const struct theme_file *find_in(
    const struct partials *p, const char *folder, struct str name, struct str suffix) {
    struct str parts[] = {
        str_from(folder), name, suffix.len ? STR(".") : STR(""), suffix};
    char path[NAME_MAX_LEN + 300];
    size_t n = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (parts[i].len > sizeof path - n) return NULL;
        memcpy(path + n, parts[i].ptr, parts[i].len);
        n += parts[i].len;
    }
    return theme_find(p->theme, (struct str){path, n});
}

static const struct template *find_partial(void *ctx, struct str name, bool parent,
    enum escape from, enum escape *escape, bool *broken) {
    static const char *const folders[] = {"partials/", "layouts/"};
    const struct partials *p = ctx;
    const struct theme_file *f = NULL;
    if (name.len > NAME_MAX_LEN) return NULL;
    struct str suffix = path_suffix(name).len ? STR("") : default_suffix(p, from);
    if (str_find_char(name, '/', &(size_t){0}))
        f = find_in(p, "", name, suffix);
    else
        for (int i = 0; i < 2 && !f; i++)
            f = find_in(p, folders[i ^ parent], name, suffix);
    if (!f) return NULL;
    *escape = escape_for(str_from(f->path));
    *broken = f->broken;
    return f->body;
}

/* As one would write it: without the suffix when the name that was tried has none. */
static const char *partial_called(struct arena *a, const char *file, struct str tried) {
    struct str suffix = path_suffix(str_from(file));
    if (path_suffix(tried).len || !suffix.len) return file;
    return arena_str(a, (struct str){file, strlen(file) - suffix.len - 1});
}

static const char *suggest_partial(void *ctx, struct str name, bool parent) {
    const struct partials *p = ctx;
    const char *best = NULL;
    (void)parent;
    struct arena a;
    arena_init(&a);
    for (const struct theme *t = p->theme; t && !best; t = t->base) {
        const char **names = mem_alloc((t->n + 1) * sizeof *names);
        size_t n = 0;
        for (size_t i = 0; i < t->n; i++) {
            const char *slash = strchr(t->files[i].path, '/');
            if (slash && (!strncmp(t->files[i].path, "partials/", 9) ||
                             !strncmp(t->files[i].path, "layouts/", 8)))
                names[n++] = partial_called(&a, slash + 1, name);
        }
        best = diag_suggest(name, names, n);
        mem_free(names);
    }
    if (best) best = arena_strdup(&p->diags->arena, best);
    arena_dispose(&a);
    return best;
}

struct template_env partials_env(
    struct partials *p, const struct site *s, struct str output_path) {
    *p = (struct partials){s->theme, path_suffix(output_path), s->diags};
    return (struct template_env){.find = find_partial,
        .suggest = suggest_partial,
        .ctx = p,
        .strict = true,
        .diags = s->diags};
}

/* Markdown of any kind, after its front matter: no crash, what comes out is UTF-8 with
 * unique ids, raw HTML of the input never appears, and a second run, with the autolink
 * extension whether or not the text seems to need it, gives the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "generator/frontmatter.h"
#include "generator/markdown_internal.h"

bool __real_markdown_scan(struct str text, const struct markdown_options *o,
    struct diag_list *diags, struct markdown_features *f);
bool __wrap_markdown_scan(struct str text, const struct markdown_options *o,
    struct diag_list *diags, struct markdown_features *f);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool autolink_always;

/* The linker puts it before the real one (see the Makefile). */
bool __wrap_markdown_scan(struct str text, const struct markdown_options *o,
    struct diag_list *diags, struct markdown_features *f) {
    bool ok = __real_markdown_scan(text, o, diags, f);
    f->bare_address |= autolink_always;
    return ok;
}

static struct link_target resolve(
    void *ctx, struct str target, bool image, struct diag_place place) {
    if (!place.line || (target.len && !target.ptr)) abort();
    (void)ctx;
    return (struct link_target){NULL, image ? 2 : 0, image ? 1 : 0};
}

static void check(const struct markdown_result *r) {
    size_t bad;
    if (!str_is_utf8(r->html, &bad) || !str_is_utf8(r->summary, &bad)) abort();
    if (str_find(r->html, "<script", &bad) || str_find(r->html, "<!--", &bad)) abort();
    for (size_t i = 0; i < json_array_size(r->ids); i++)
        for (size_t k = 0; k < i; k++)
            if (json_equal(json_array_get(r->ids, i), json_array_get(r->ids, k)))
                abort();
}

static void render(struct str text, bool autolink, struct buf *html) {
    autolink_always = autolink;
    struct diag_list diags;
    struct markdown_result r;
    struct markdown_options o = {.file = "fuzz", .first_line = 1, .resolve = resolve};
    struct markdown *m = markdown_new();
    diag_init(&diags);
    bool ok = markdown_render(m, text, &o, &diags, &r);
    if (!ok && !diags.errors) abort();
    if (ok) check(&r);
    if (ok) buf_str(html, r.html);
    json_decref(r.toc);
    json_decref(r.ids);
    diag_dispose(&diags);
    markdown_free(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct frontmatter f;
    struct diag_list diags;
    struct buf first, second;
    json_setup();
    diag_init(&diags);
    frontmatter_parse(&f, (struct str){(const char *)data, size}, "fuzz", &diags);
    buf_init(&first, 0);
    buf_init(&second, 0);
    render((struct str){(const char *)data, size}, false, &first);
    render((struct str){(const char *)data, size}, true, &second);
    if (!str_equal(buf_view(&first), buf_view(&second))) abort();
    buf_dispose(&first);
    buf_dispose(&second);
    frontmatter_dispose(&f);
    diag_dispose(&diags);
    return 0;
}

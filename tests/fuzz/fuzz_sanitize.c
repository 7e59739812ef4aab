/* HTML of any kind: no crash, what comes out is on the judge's list and well-formed,
 * and so it is after a second run, which finds nothing to leave out. */
#include <stdint.h>
#include <stdlib.h>
#include "model/sanitize.h"
#include "tests/support/html_judge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct link_target resolve(
    void *ctx, struct str target, bool image, struct diag_place place) {
    (void)ctx;
    if (!place.line || !place.col || (target.len && !target.ptr)) abort();
    return (struct link_target){NULL, image ? 2 : 0, image ? 1 : 0};
}

static bool sanitize(struct str html, struct buf *out, bool again) {
    struct diag_list diags;
    struct sanitize_result r;
    struct sanitize_options o = {"fuzz", 1, again ? NULL : resolve, NULL};
    struct sanitize *s = sanitize_new();
    diag_init(&diags);
    bool ok = sanitize_html(s, html, &o, &diags, &r);
    if (!ok && !diags.errors) abort();
    if (ok && (judge_html(r.html) || (again && *r.dropped.first))) abort();
    if (ok) buf_str(out, r.html);
    size_t bad;
    if (ok && !str_is_utf8(r.summary, &bad)) abort();
    json_decref(r.toc);
    json_decref(r.ids);
    diag_dispose(&diags);
    sanitize_free(s);
    return ok;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct buf first, second;
    json_setup();
    buf_init(&first, 0);
    buf_init(&second, 0);
    if (sanitize((struct str){(const char *)data, size}, &first, false) &&
        !sanitize(buf_view(&first), &second, true))
        abort();
    buf_dispose(&first);
    buf_dispose(&second);
    return 0;
}

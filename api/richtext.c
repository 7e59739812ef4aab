#include "api/richtext.h"

#include "base/crypto.h"
#include "base/mem.h"
#include "model/sanitize.h"

#define SLOTS 1024               /* a power of two */
#define REMEMBER_MAX (16u << 10) /* bytes of a text that is remembered */

struct remembered {
    unsigned char digest[32];
    struct buf text; /* ptr NULL: the slot is free */
};
struct richtext {
    struct sanitize *sanitize;
    struct remembered slots[SLOTS];
};

struct richtext *richtext_new(void) {
    struct richtext *r = mem_calloc(1, sizeof *r);
    r->sanitize = sanitize_new();
    return r;
}

void richtext_free(struct richtext *r) {
    if (!r) return;
    for (size_t i = 0; i < SLOTS; i++) buf_dispose(&r->slots[i].text);
    sanitize_free(r->sanitize);
    mem_free(r);
}

/* Nothing that HTML or JSON knows as special, so it becomes itself. */
static bool is_plain(struct str s) {
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c < ' ' || c > '~' || c == '<' || c == '>' || c == '&' || c == '"' ||
            c == '\'' || c == '\\')
            return false;
    }
    return true;
}

static bool sanitized(struct richtext *r, struct str html, struct buf *out) {
    static const struct sanitize_options options = {.file = "post"};
    struct sanitize_result made;
    struct diag_list diags;
    diag_init(&diags);
    bool ok = sanitize_html(r->sanitize, html, &options, &diags, &made);
    diag_dispose(&diags);
    if (!ok) return false;
    buf_json(out, made.html, true);
    json_decref(made.toc);
    json_decref(made.ids);
    return true;
}

bool richtext_write(struct richtext *r, struct str html, struct buf *out) {
    unsigned char digest[32];
    if (is_plain(html)) return buf_str(out, html);
    if (html.len > REMEMBER_MAX) return sanitized(r, html, out);
    sha256_raw(html, digest);
    struct remembered *at = &r->slots[(digest[0] | digest[1] << 8) & (SLOTS - 1)];
    if (!at->text.ptr || memcmp(at->digest, digest, sizeof digest)) {
        buf_reset(&at->text);
        memset(at->digest, 0, sizeof at->digest);
        if (!sanitized(r, html, &at->text)) return false;
        buf_cstr(&at->text, "");
        memcpy(at->digest, digest, sizeof digest);
    }
    return buf_str(out, buf_view(&at->text));
}

/* Diagnostics as bytes, for the pipe between worker and parent.
 *
 * "DIAG", the length of all that follows, then one record after the other.  Numbers are
 * 32 bits in the machine's order; a text is its length plus one (0: NULL) and its
 * bytes. */
#include "base/diag.h"

#include <stdint.h>
#include <string.h>

static const char magic[4] = {'D', 'I', 'A', 'G'};

static void put_number(struct buf *b, uint32_t n) {
    buf_append(b, &n, sizeof(n));
}

static void put_text(struct buf *b, const char *text) {
    struct str s = str_from(text);
    put_number(b, text ? (uint32_t)s.len + 1 : 0);
    buf_str(b, s);
}

static void put_place(struct buf *b, struct diag_place place) {
    put_text(b, place.file);
    put_number(b, place.line);
    put_number(b, place.col);
}

static void put_diag(struct buf *b, const struct diag *d) {
    uint32_t notes = 0;
    for (const struct diag_note *n = d->notes; n; n = n->next) notes++;
    put_number(b, d->level);
    put_place(b, d->place);
    put_text(b, d->tenant);
    put_text(b, d->message);
    put_number(b, d->repeated);
    put_number(b, d->secret);
    put_number(b, d->machine);
    put_number(b, notes);
    for (const struct diag_note *n = d->notes; n; n = n->next) {
        put_place(b, n->place);
        put_text(b, n->message);
    }
}

void diag_pack(const struct diag_list *l, struct buf *out) {
    struct buf records;
    buf_init(&records, 0);
    for (const struct diag *d = l->first; d; d = d->next) put_diag(&records, d);
    buf_append(out, magic, sizeof(magic));
    put_number(out, (uint32_t)records.len);
    buf_str(out, buf_view(&records));
    buf_dispose(&records);
}

static bool take_number(struct str *s, uint32_t *n) {
    if (s->len < sizeof(*n)) return false;
    memcpy(n, s->ptr, sizeof(*n));
    *s = str_slice(*s, sizeof(*n), s->len);
    return true;
}

/* The text is copied into `a`, which gives it its NUL. */
static bool take_text(struct str *s, struct arena *a, const char **text) {
    uint32_t n;
    *text = NULL;
    if (!take_number(s, &n)) return false;
    if (n == 0) return true;
    if (n - 1 > s->len) return false;
    *text = arena_str(a, str_slice(*s, 0, n - 1));
    *s = str_slice(*s, n - 1, s->len);
    return true;
}

static bool take_place(struct str *s, struct arena *a, struct diag_place *place) {
    return take_text(s, a, &place->file) && take_number(s, &place->line) &&
           take_number(s, &place->col);
}

static bool take_notes(struct str *s, struct diag_list *l, uint32_t n) {
    while (n-- > 0) {
        struct diag_place place;
        const char *message;
        bool ok = take_place(s, &l->arena, &place) &&
                  take_text(s, &l->arena, &message) && message;
        if (!ok) return false;
        diag_note(l, place, "%s", message);
    }
    return true;
}

static bool take_diag(struct str *s, struct diag_list *l) {
    uint32_t level, repeated, secret, machine, notes;
    struct diag_place place;
    const char *tenant, *message;
    bool ok = take_number(s, &level) && level <= DIAG_ERROR &&
              take_place(s, &l->arena, &place) && take_text(s, &l->arena, &tenant) &&
              take_text(s, &l->arena, &message) && message &&
              take_number(s, &repeated) && take_number(s, &secret) &&
              take_number(s, &machine) && take_number(s, &notes);
    if (!ok) return false;
    l->tenant = tenant;
    diag_add(l, (enum diag_level)level, place, "%s", message);
    l->last->repeated = repeated;
    if (secret) diag_secret(l);
    if (machine) l->machine = l->last->machine = true;
    return take_notes(s, l, notes);
}

bool diag_unpack(struct diag_list *l, struct str packed) {
    uint32_t size;
    if (packed.len < sizeof(magic) || memcmp(packed.ptr, magic, sizeof(magic)) != 0) {
        return false;
    }
    struct str s = str_slice(packed, sizeof(magic), packed.len);
    if (!take_number(&s, &size) || size != s.len) return false;
    const char *tenant = l->tenant;
    bool ok = true;
    while (ok && s.len > 0) ok = take_diag(&s, l);
    l->tenant = tenant;
    return ok;
}

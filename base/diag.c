/* Diagnostics: gathered here; printed by diag_print.c; sent by diag_pack.c. */
#include "base/diag.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"

void diag_init(struct diag_list *l) {
    *l = (struct diag_list){0};
    arena_init(&l->arena);
}

void diag_dispose(struct diag_list *l) {
    map_dispose(&l->said);
    arena_dispose(&l->arena);
    diag_init(l);
}

void diag_reset(struct diag_list *l) {
    map_dispose(&l->said);
    struct arena kept = l->arena;
    arena_reset(&kept);
    *l = (struct diag_list){.arena = kept};
}

static bool same_text(const char *a, const char *b) {
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* Most diagnostics speak of the same file and tenant as the one before. */
static const char *keep_text(struct diag_list *l, const char *s, const char *last) {
    if (!s) return NULL;
    return same_text(s, last) ? last : arena_strdup(&l->arena, s);
}

static unsigned *count_of(struct diag_list *l, enum diag_level level) {
    if (level == DIAG_ERROR) return &l->errors;
    return level == DIAG_WARNING ? &l->warnings : &l->notices;
}

static bool same_line(const struct diag *a, const struct diag *b) {
    return a->place.line == b->place.line && same_text(a->place.file, b->place.file);
}

static bool is_secret_line(const struct diag_list *l, const struct diag *d) {
    for (const struct diag *old = l->secrets ? l->first : NULL; old; old = old->next)
        if (old->secret && same_line(old, d)) return true;
    return false;
}

/* `message` already lives in the list's arena. */
static struct diag *append(struct diag_list *l, enum diag_level level,
    struct diag_place place, const char *tenant, const char *message) {
    const struct diag *last = l->last;
    struct diag *d = arena_alloc(&l->arena, sizeof(*d));
    d->level = level;
    d->place = place;
    d->place.file = keep_text(l, place.file, last ? last->place.file : NULL);
    d->tenant = keep_text(l, tenant, last ? last->tenant : NULL);
    d->message = message;
    d->secret = is_secret_line(l, d);
    if (l->last) {
        l->last->next = d;
    } else {
        l->first = d;
    }
    l->last = d;
    (*count_of(l, level))++;
    return d;
}

static void append_note(
    struct diag_list *l, struct diag *d, struct diag_place place, const char *message) {
    struct diag_note *note = arena_alloc(&l->arena, sizeof(*note));
    note->place = place;
    note->place.file = keep_text(l, place.file, d->place.file);
    note->message = message;
    struct diag_note **end = &d->notes;
    while (*end) end = &(*end)->next;
    *end = note;
}

static const char *format_text(struct arena *a, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));
static const char *format_text(struct arena *a, const char *fmt, va_list ap) {
    struct buf b;
    buf_init(&b, 0);
    buf_vprintf(&b, fmt, ap);
    const char *text = arena_str(a, buf_view(&b));
    buf_dispose(&b);
    return text;
}

void diag_add(struct diag_list *l, enum diag_level level, struct diag_place place,
    const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    const char *message = format_text(&l->arena, fmt, ap);
    va_end(ap);
    append(l, level, place, l->tenant, message);
}

static void mark_machine(struct diag_list *l) {
    l->machine = l->last->machine = true;
}

void diag_unreadable(struct diag_list *l, const char *file, int err) {
    diag_add(l, DIAG_ERROR, DIAG_FILE(file), "cannot be read: %s", file_error(err));
    if (err == EIO || err == EMFILE || err == ENFILE || err == ENOMEM) mark_machine(l);
}

void diag_note(struct diag_list *l, struct diag_place place, const char *fmt, ...) {
    if (!l->last) return;
    va_list ap;
    va_start(ap, fmt);
    const char *message = format_text(&l->arena, fmt, ap);
    va_end(ap);
    append_note(l, l->last, place, message);
}

void diag_secret(struct diag_list *l) {
    if (!l->last) return;
    l->secrets = true;
    for (struct diag *d = l->first; d; d = d->next)
        if (same_line(d, l->last)) d->secret = true;
}

/* Level, place and message as one text. */
static struct str say(struct arena *a, const struct diag *d) {
    return str_from(arena_printf(a, "%d %u:%u %s\n%s", d->level, d->place.line,
        d->place.col, d->place.file ? d->place.file : "", d->message));
}

/* Brings l->said up to date. */
static void index_said(struct diag_list *l) {
    struct diag *d = l->said_last ? l->said_last->next : l->first;
    for (; d; d = d->next) {
        map_add(&l->said, say(&l->arena, d), d);
        l->said_last = d;
    }
}

static void append_copy(struct diag_list *dst, const struct diag *d) {
    struct diag *copy = append(
        dst, d->level, d->place, d->tenant, arena_strdup(&dst->arena, d->message));
    copy->repeated = d->repeated;
    if (d->secret) diag_secret(dst);
    if (d->machine) mark_machine(dst);
    for (const struct diag_note *n = d->notes; n; n = n->next) {
        append_note(dst, copy, n->place, arena_strdup(&dst->arena, n->message));
    }
}

void diag_merge(struct diag_list *dst, const struct diag_list *src) {
    struct arena scratch;
    arena_init(&scratch);
    for (const struct diag *d = src->first; d; d = d->next) {
        arena_reset(&scratch);
        index_said(dst);
        struct diag *old = map_get(&dst->said, say(&scratch, d));
        if (!old) {
            append_copy(dst, d);
            continue;
        }
        /* `repeated` counts tenants, so what one tenant says twice is one. */
        if (same_text(old->tenant, d->tenant)) continue;
        if (old->repeated_by && same_text(old->repeated_by, d->tenant)) continue;
        old->repeated += 1 + d->repeated;
        old->repeated_by = keep_text(dst, d->tenant, old->repeated_by);
    }
    arena_dispose(&scratch);
}

struct ranked {
    struct diag *diag;
    size_t file, arrival;
};

static int compare_ranked(const void *x, const void *y) {
    const struct ranked *a = x, *b = y;
    const struct diag_place *p = &a->diag->place, *q = &b->diag->place;
    if (a->file != b->file) return a->file < b->file ? -1 : 1;
    if (p->line != q->line) return p->line < q->line ? -1 : 1;
    if (p->col != q->col) return p->col < q->col ? -1 : 1;
    return a->arrival < b->arrival ? -1 : a->arrival > b->arrival;
}

void diag_sort(struct diag_list *l) {
    size_t n = l->errors + l->warnings + l->notices, i = 0;
    if (n < 2) return;
    struct ranked *all = mem_alloc(n * sizeof *all);
    struct map files = {0}; /* -> struct ranked *, the first that spoke of it */
    for (struct diag *d = l->first; d; d = d->next, i++) {
        all[i] = (struct ranked){d, i, i};
        /* Those without a file stay apart. */
        struct ranked *first =
            !d->place.file ? NULL : map_add(&files, str_from(d->place.file), &all[i]);
        if (first) all[i].file = first->arrival;
    }
    map_dispose(&files);
    qsort(all, n, sizeof *all, compare_ranked);
    for (i = 0; i + 1 < n; i++) all[i].diag->next = all[i + 1].diag;
    l->first = all[0].diag;
    l->last = all[n - 1].diag;
    l->last->next = NULL;
    map_dispose(&l->said);
    l->said_last = NULL;
    mem_free(all);
}

const char *diag_suggest(struct str word, const char *const *known, size_t n) {
    const char *best = NULL;
    /* A third of the word may be wrong; short words need at least one slip allowed. */
    unsigned limit = word.len < 2 ? 0 : word.len < 6 ? 1 : (unsigned)(word.len / 3);
    unsigned best_distance = limit + 1;
    for (size_t i = 0; i < n; i++) {
        size_t len = strlen(known[i]);
        if (len + best_distance <= word.len || word.len + best_distance <= len)
            continue;
        unsigned distance = str_distance(word, (struct str){known[i], len});
        if (distance < best_distance) {
            best_distance = distance;
            best = known[i];
        }
    }
    return best;
}

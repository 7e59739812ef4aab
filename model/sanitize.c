/* One text from its checks to its result. */
#include "model/sanitize.h"
#include "base/html.h"
#include "base/mem.h"
#include "model/prose.h"
#include "model/sanitize_internal.h"

struct slug_count {
    unsigned next;
};

struct sanitize *sanitize_new(void) {
    struct sanitize *s = mem_calloc(1, sizeof *s);
    buf_init(&s->text, SANITIZE_MAX_OUT);
    buf_init(&s->html, SANITIZE_MAX_OUT);
    arena_init(&s->ids);
    return s;
}

void sanitize_free(struct sanitize *s) {
    struct buf *all[] = {&s->text, &s->html, &s->lead, &s->heading, &s->scratch,
        &s->address, &s->summary};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) buf_dispose(all[i]);
    arena_dispose(&s->ids);
    mem_free(s);
}

struct diag_place place_of(struct sanitize_run *r, size_t at) {
    unsigned first = r->o->first_line ? r->o->first_line : 1;
    if (at > r->source.len) return DIAG_AT(r->o->file, first, 0);
    if (at < r->line_at) { /* the next step begins anew */
        r->line_at = r->line_from = 0;
        r->line = 0;
    }
    const char *p = r->source.ptr;
    for (const char *nl; (nl = memchr(p + r->line_at, '\n', at - r->line_at));) {
        r->line_from = r->line_at = (size_t)(nl - p) + 1;
        r->line++;
    }
    r->line_at = at;
    return DIAG_AT(r->o->file, first + r->line, (unsigned)(at - r->line_from) + 1);
}

static struct sanitize_dropped *dropped(struct sanitize_run *r, size_t at) {
    struct sanitize_dropped *d = &r->out->dropped;
    if (*d->first) return NULL;
    d->place = place_of(r, at);
    return d;
}

void drop_element(struct sanitize_run *r, struct str name, size_t at) {
    r->out->dropped.elements++;
    struct sanitize_dropped *d = dropped(r, at);
    if (d) snprintf(d->first, sizeof d->first, "<" STR_FMT ">", STR_ARG(name));
}

void drop_attribute(
    struct sanitize_run *r, struct str attribute, struct str element, size_t at) {
    r->out->dropped.attributes++;
    struct sanitize_dropped *d = dropped(r, at);
    if (d)
        snprintf(d->first, sizeof d->first, STR_FMT " of <" STR_FMT ">",
            STR_ARG(attribute), STR_ARG(element));
}

void drop_address(
    struct sanitize_run *r, const char *attribute, const char *element, size_t at) {
    r->out->dropped.addresses++;
    struct sanitize_dropped *d = dropped(r, at);
    if (d) snprintf(d->first, sizeof d->first, "%s of <%s>", attribute, element);
}

void drop_text(struct sanitize_run *r) {
    r->out->dropped.elements++;
    struct sanitize_dropped *d = dropped(r, AT_UNKNOWN);
    if (d) snprintf(d->first, sizeof d->first, "text outside the cells of a table");
}

/* b holds the slug; appends -1, -2 ... until the id is free. */
static const char *unique_id(struct sanitize_run *r, struct buf *b) {
    struct slug_count *count = map_get(&r->slugs, buf_view(b));
    size_t len = b->len;
    while (count && map_get(&r->slugs, buf_view(b))) {
        b->len = len;
        buf_printf(b, "-%u", count->next++);
    }
    struct str id = arena_copy(&r->s->ids, buf_view(b));
    count = arena_alloc(&r->s->ids, sizeof *count);
    count->next = 1;
    map_add(&r->slugs, id, count);
    return arena_str(&r->s->ids, id);
}

const char *heading_note(struct sanitize_run *r, int level) {
    struct buf *text = &r->s->heading, *b = &r->s->scratch;
    buf_char(text, ' ');
    struct str words = str_trim(buf_view(text));
    text->len = words.len; /* put_collapsed began with none in front */
    text->ptr[text->len] = '\0';
    prose_slug(b, text->ptr);
    if (!b->len) buf_cstr(b, "section");
    const char *id = unique_id(r, b);
    json_array_append_new(r->out->ids, json_string_nocheck(id));
    if (level != 2 && level != 3) return id;
    json_t *entry = json_object();
    json_set_int(entry, "level", level);
    json_set_str(entry, "id", id);
    json_set_text(entry, "text", buf_view(text));
    buf_reset(b);
    buf_printf(b, "#%s", id);
    json_set_str(entry, "url", b->ptr);
    json_array_append_new(r->out->toc, entry);
    return id;
}

static bool refuse(struct sanitize_run *r, size_t at, const char *what) {
    diag_add(r->diags, DIAG_ERROR, place_of(r, at), "%s", what);
    return false;
}

static bool check_source(struct sanitize_run *r) {
    size_t at;
    if (r->source.len > SANITIZE_MAX_BYTES) {
        diag_add(r->diags, DIAG_ERROR, DIAG_FILE(r->o->file),
            "the HTML has %zu bytes; the limit is %u MiB", r->source.len,
            SANITIZE_MAX_BYTES / 1024 / 1024);
        return false;
    }
    if (!str_is_utf8(r->source, &at))
        return refuse(r, at, "the HTML is not UTF-8 here; save it as UTF-8");
    if (str_find_control(r->source, &at))
        return refuse(r, at,
            "a control character, which HTML cannot hold; only tab and line ends are "
            "allowed");
    return true;
}

static void start(struct sanitize_run *r) {
    struct sanitize *s = r->s;
    struct buf *all[] = {&s->text, &s->html, &s->lead, &s->heading};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) buf_reset(all[i]);
    arena_reset(&s->ids);
    *r->out = (struct sanitize_result){.toc = json_array(), .ids = json_array()};
    buf_cstr(&s->text, HTML_START);
}

/* The cap on the lead may have cut a character in two. */
static struct str summarise(struct sanitize *s) {
    struct str lead = buf_view(&s->lead);
    size_t bad;
    if (!str_is_utf8(lead, &bad)) lead.len = bad;
    return prose_shorten(&s->summary, str_trim(lead), SANITIZE_SUMMARY_CHARS);
}

static bool work(struct sanitize_run *r) {
    size_t bad;
    start(r);
    sanitize_read(r);
    if (r->s->text.full)
        return refuse(r, AT_UNKNOWN,
            "the HTML becomes too large when its markup is made plain; it holds mostly "
            "< and \", write them as text or leave them out");
    if (!sanitize_write(r)) return false;
    if (!str_is_utf8(buf_view(&r->s->html), &bad))
        return refuse(r, AT_UNKNOWN, "the HTML cannot be read as UTF-8");
    r->out->html = buf_view(&r->s->html);
    r->out->summary = summarise(r->s);
    return true;
}

bool sanitize_html(struct sanitize *s, struct str html,
    const struct sanitize_options *o, struct diag_list *diags,
    struct sanitize_result *out) {
    struct sanitize_run r = {
        .s = s, .o = o, .diags = diags, .out = out, .source = html};
    *out = (struct sanitize_result){0};
    if (!check_source(&r)) return false;
    bool ok = work(&r);
    map_dispose(&r.slugs);
    if (ok) return true;
    json_decref(out->toc);
    json_decref(out->ids);
    *out = (struct sanitize_result){0};
    return false;
}

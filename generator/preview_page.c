#include "generator/preview_page.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"

#define PAGE_MAX (64u << 20)
#define DOMAINS_SHOWN 6

struct preview_page {
    struct arena arena;
    struct map templates; /* name -> struct template * */
    char nonce[24];
};

/* ---- templates ---- */

static const struct template *find(void *ctx, struct str name, bool parent,
    enum escape from, enum escape *escape, bool *broken) {
    struct preview_page *page = ctx;
    (void)parent, (void)from, (void)escape, (void)broken;
    return map_get(&page->templates, name);
}

struct preview_page *page_new(struct diag_list *diags) {
    static const char *const names[] = {"bar.html", "cards.html", "failed.html",
        "front.html", "inject.html", "message.html", "problem.html", "problems.html",
        "view.html"};
    struct preview_page *page = mem_calloc(1, sizeof *page);
    uint64_t random[1] = {0};
    arena_init(&page->arena);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct str name = str_from(names[i]);
        const struct template *t =
            template_compile(&page->arena, names[i], 1, page_asset(name), diags);
        map_set(&page->templates, name, (void *)t);
    }
    if (getrandom(random, sizeof random, GRND_NONBLOCK) < 0) random[0] = 0;
    snprintf(page->nonce, sizeof page->nonce, "%016jx", (uintmax_t)random[0]);
    return page;
}

void page_free(struct preview_page *page) {
    if (!page) return;
    map_dispose(&page->templates);
    arena_dispose(&page->arena);
    mem_free(page);
}

const char *page_nonce(const struct preview *p) {
    return p->page->nonce;
}

/* Takes the reference of v. */
static void show(struct preview *p, const char *name, json_t *v, struct buf *out) {
    struct diag_list diags;
    diag_init(&diags);
    struct template_env env = {
        .find = find, .ctx = p->page, .strict = true, .diags = &diags};
    const struct template *t = map_get(&p->page->templates, str_from(name));
    out->max = out->len + PAGE_MAX;
    if (!template_render(t, ESCAPE_HTML, &v, 1, &env, out))
        buf_printf(out, "%s", diags.first ? diags.first->message : "");
    json_decref(v);
    diag_dispose(&diags);
}

/* Text of the user's files may be any bytes. */
static void set_text(json_t *v, const char *key, const char *text) {
    struct str s = str_from(text);
    struct buf b;
    size_t bad;
    buf_init(&b, 0);
    while (!str_is_utf8(s, &bad)) {
        buf_str(&b, str_slice(s, 0, bad));
        buf_cstr(&b, "\xEF\xBF\xBD");
        s = str_slice(s, bad + 1, s.len);
    }
    buf_str(&b, s);
    json_set_text(v, key, buf_view(&b));
    buf_dispose(&b);
}

/* ---- addresses ---- */

char *page_tenant_url(const struct page_place *at, const char *id, const char *path) {
    if (at->names)
        return arena_printf(at->arena, "http://%s.localhost%s%s", id, at->port, path);
    bool query = strchr(path, '?');
    return arena_printf(at->arena, "%s%ctenant=%s", path, query ? '&' : '?', id);
}

static char *front_url(const struct page_place *at) {
    if (!at->names) return arena_strdup(at->arena, "/?tenant=");
    return arena_printf(at->arena, "http://localhost%s/", at->port);
}

/* ---- names ---- */

/* What stands for the brand where there is room for one sign. */
static void set_face(json_t *v, const struct preview_tenant *t) {
    const char *name = *t->name ? t->name : t->id;
    size_t first = 1;
    while ((name[first] & 0xC0) == 0x80) first++;
    set_text(v, "name", name);
    if (*t->emoji)
        set_text(v, "emoji", t->emoji);
    else
        json_set_text(v, "emoji", (struct str){name, first});
}

static const char *count_text(char *space, size_t size, unsigned n, const char *noun) {
    if (!n) return "";
    snprintf(space, size, "%u %s%s", n, noun, n == 1 ? "" : "s");
    return space;
}

/* "2 errors", else "1 warning", else "". */
static const char *problem_text(char *space, size_t size, const struct diag_list *l) {
    return count_text(space, size, l->errors ? l->errors : l->warnings,
        l->errors ? "error" : "warning");
}

static const char *level_name(enum diag_level level) {
    return level == DIAG_ERROR ? "error" : level == DIAG_WARNING ? "warning" : "notice";
}

/* ---- problems ---- */

static void set_place(json_t *v, struct diag_place place) {
    char text[1200];
    int n = snprintf(text, sizeof text, "%.1100s", place.file ? place.file : "");
    if (place.file && place.line)
        n += snprintf(text + n, sizeof text - (size_t)n, ":%u", place.line);
    if (place.file && place.line && place.col)
        snprintf(text + n, sizeof text - (size_t)n, ":%u", place.col);
    set_text(v, "place", text);
}

static json_t *problem_view(struct preview *p, const struct diag *d) {
    json_t *v = json_object(), *notes = json_array();
    struct buf source;
    buf_init(&source, 0);
    diag_source(&source, d, p->build.workspace.dir.fd);
    set_text(v, "source", source.ptr);
    buf_dispose(&source);
    json_set_str(v, "level", level_name(d->level));
    set_text(v, "message", d->message);
    set_place(v, d->place);
    for (const struct diag_note *n = d->notes; n; n = n->next) {
        json_t *note = json_object();
        set_text(note, "message", n->message);
        set_place(note, n->place);
        json_array_append_new(notes, note);
    }
    json_object_set_new(v, "notes", notes);
    return v;
}

/* Errors first: they are what keeps the page from being made. */
static json_t *problem_views(struct preview *p, const struct diag_list *l) {
    json_t *all = json_array();
    for (int level = DIAG_ERROR; level >= DIAG_WARNING; level--)
        for (const struct diag *d = l->first; d; d = d->next)
            if ((int)d->level == level) json_array_append_new(all, problem_view(p, d));
    return all;
}

void page_problems(struct preview *p, struct preview_tenant *t, struct buf *out) {
    struct diag_list all;
    char title[100], text[64];
    json_t *v = json_object();
    diag_init(&all);
    render_diags(p, t, &all);
    problem_text(text, sizeof text, &all);
    snprintf(title, sizeof title, "%s in this tenant",
        all.errors + all.warnings ? text : "Nothing is wrong");
    set_face(v, t);
    json_set_str(v, "title", title);
    json_set_str(v, "level", all.errors ? "error" : "warning");
    json_set_str(v, "subtitle",
        !all.errors ? "The page is up to date; a build would publish it."
        : t->site   ? "Behind this is the last good version of the page."
                    : "There is no good version of it yet.");
    json_set_bool(v, "has_site", t->site != NULL);
    json_set_bool(v, "errors", all.errors > 0);
    json_object_set_new(v, "problems", problem_views(p, &all));
    show(p, "problems.html", v, out);
    diag_dispose(&all);
}

/* ---- in a tenant's page ---- */

void page_inject(struct preview *p, struct preview_tenant *t, struct buf *out) {
    json_t *v = json_object();
    char info[200];
    snprintf(info, sizeof info,
        "{\"tenant\":\"%s\",\"version\":%u,\"errors\":%u,\"bar\":%s}", t->id,
        t->version, render_errors(p, t), p->bar ? "true" : "false");
    json_set_str(v, "nonce", p->page->nonce);
    json_set_str(v, "info", info);
    show(p, "inject.html", v, out);
}

static char *view_url(
    struct arena *a, const struct preview_tenant *t, const char *path, bool names) {
    char *url = arena_printf(a, "/.tenantry/view?path=%s", path);
    return names ? url : arena_printf(a, "%s&tenant=%s", url, t->id);
}

/* The home page is made of index.md, if somebody wrote one. */
static const char *content_of(struct preview *p, struct arena *a,
    const struct preview_tenant *t, const struct preview_file *f) {
    const char *const owners[] = {t->id, "_shared"};
    if (*f->content || strcmp(f->path, "index.html")) return f->content;
    for (int i = 0; i < 2; i++) {
        struct stat st;
        const char *path = arena_printf(a, "%s/index.md", owners[i]);
        int fd = root_open_file(&p->build.workspace.content, path, &st);
        if (fd < 0) continue;
        close(fd);
        return arena_printf(a, "%s/%s", p->build.workspace.content.name, path);
    }
    return "";
}

void page_bar(struct preview *p, const struct page_place *at, struct preview_tenant *t,
    const struct preview_file *f, const char *path, struct buf *out) {
    json_t *v = json_object();
    struct diag_list all;
    char text[64];
    diag_init(&all);
    render_diags(p, t, &all);
    set_face(v, t);
    json_set_str(v, "front", front_url(at));
    json_set_bool(v, "draft", f && f->draft);
    json_set_bool(v, "future", f && f->future);
    set_text(v, "content", f ? content_of(p, at->arena, t, f) : "");
    set_text(v, "template", f ? f->template : "");
    set_text(v, "page", f ? f->path : "");
    json_set_str(v, "problem_text", problem_text(text, sizeof text, &all));
    json_set_str(v, "level", all.errors ? "error" : "warning");
    json_set_str(v, "view", view_url(at->arena, t, path, at->names));
    show(p, "bar.html", v, out);
    diag_dispose(&all);
}

void page_failed(struct preview *p, const struct page_place *at,
    struct preview_tenant *t, struct buf *out) {
    json_t *v = json_object();
    struct buf script;
    buf_init(&script, 0);
    page_inject(p, t, &script);
    set_face(v, t);
    json_set_str(v, "title", "not made yet");
    json_set_str(v, "front", front_url(at));
    json_set_text(v, "inject_html", buf_view(&script));
    show(p, "failed.html", v, out);
    buf_dispose(&script);
}

void page_view(
    struct preview *p, struct preview_tenant *t, const char *path, struct buf *out) {
    json_t *v = json_object();
    set_face(v, t);
    set_text(v, "path", path);
    show(p, "view.html", v, out);
}

void page_message(struct preview *p, const struct page_place *at, const char *title,
    const char *text, struct buf *out) {
    json_t *v = json_object();
    set_text(v, "title", title);
    set_text(v, "text", text);
    json_set_str(v, "front", front_url(at));
    show(p, "message.html", v, out);
}

/* ---- the front page ---- */

static json_t *domain_views(
    const struct page_place *at, const struct preview_tenant *t, size_t *more) {
    json_t *all = json_array();
    size_t n = t->n_domains > DOMAINS_SHOWN ? DOMAINS_SHOWN : t->n_domains;
    for (size_t i = 0; i < n; i++) {
        json_t *v = json_object();
        json_set_str(v, "host", t->domains[i]);
        json_set_str(
            v, "href", page_tenant_url(at, at->names ? t->domains[i] : t->id, "/"));
        json_array_append_new(all, v);
    }
    *more = t->n_domains - n;
    return all;
}

static void set_state(struct preview *p, struct preview_tenant *t,
    const struct diag_list *all, json_t *v) {
    char text[64];
    bool wrong = all->errors || all->warnings;
    bool known = t->tried || t->checked;
    const char *state = all->errors ? "error" : wrong ? "warning" : known ? "fine" : "";
    json_set_str(v, "state", *state ? state : "idle");
    json_set_str(v, "state_text",
        wrong   ? problem_text(text, sizeof text, all)
        : known ? "Fine"
                : "Not looked at yet");
    for (const struct diag *d = all->first; d; d = d->next)
        if (d->level == (all->errors ? DIAG_ERROR : DIAG_WARNING)) {
            json_object_set_new(v, "first_problem", problem_view(p, d));
            return;
        }
    json_set_bool(v, "first_problem", false);
}

static void set_find(json_t *v, const struct preview_tenant *t) {
    struct buf b;
    buf_init(&b, 4096);
    buf_printf(&b, "%s %s", t->id, t->name);
    for (size_t i = 0; i < t->n_domains; i++) buf_printf(&b, " %s", t->domains[i]);
    set_text(v, "find", b.ptr);
    buf_dispose(&b);
}

static json_t *card_view(
    struct preview *p, const struct page_place *at, struct preview_tenant *t) {
    json_t *v = json_object();
    struct diag_list all;
    char text[64];
    size_t more;
    diag_init(&all);
    render_diags(p, t, &all);
    set_face(v, t);
    set_find(v, t);
    set_state(p, t, &all, v);
    json_set_str(v, "id", t->id);
    set_text(v, "tagline", t->tagline);
    json_set_str(v, "primary", *t->primary ? t->primary : "220 9% 62%");
    json_set_str(v, "foreground", *t->foreground ? t->foreground : "0 0% 100%");
    json_set_str(v, "accent", *t->accent ? t->accent : "220 9% 46%");
    set_text(v, "theme", t->theme ? t->theme : "");
    json_set_str(v, "url", page_tenant_url(at, t->id, "/"));
    json_set_str(v, "phone_url", page_tenant_url(at, t->id, "/.tenantry/view?path=/"));
    json_object_set_new(v, "domains", domain_views(at, t, &more));
    json_set_int(v, "more_domains", (json_int_t)more);
    json_set_str(v, "site_pages",
        count_text(
            text, sizeof text, t->site ? (unsigned)t->site->n_files : 0, "file"));
    diag_dispose(&all);
    return v;
}

/* Of the workspace as a whole: what no card shows. */
static json_t *shared_views(struct preview *p) {
    json_t *all = json_array();
    for (const struct diag *d = p->shared.first; d; d = d->next)
        if (d->level > DIAG_NOTICE && !d->tenant)
            json_array_append_new(all, problem_view(p, d));
    return all;
}

static void set_clock(struct preview *p, const struct page_place *at, json_t *v) {
    json_set_str(
        v, "clock", p->fixed_clock ? clock_long(at->arena, p->options.now) : "");
}

static json_t *cards_view(struct preview *p, const struct page_place *at) {
    json_t *v = json_object(), *cards = json_array(), *shared = shared_views(p);
    char text[64];
    unsigned broken = 0;
    for (size_t i = 0; i < p->n_tenants; i++) {
        json_t *card = card_view(p, at, p->tenants[i]);
        const char *state = json_path_string(card, "state");
        broken += state && !strcmp(state, "error");
        json_array_append_new(cards, card);
    }
    json_set_int(v, "count", (json_int_t)p->n_tenants);
    json_set_str(v, "noun", p->n_tenants == 1 ? "tenant" : "tenants");
    snprintf(text, sizeof text, "%u with errors", broken);
    json_set_str(v, "errors_text", broken ? text : "");
    json_set_bool(v, "has_shared", json_array_size(shared) > 0);
    json_object_set_new(v, "shared", shared);
    json_object_set_new(v, "tenants", cards);
    return v;
}

void page_front(
    struct preview *p, const struct page_place *at, bool whole, struct buf *out) {
    json_t *v = cards_view(p, at);
    const struct hosts *h = &p->build.hosts;
    char *folder = realpath(p->options.dir, NULL);
    set_text(v, "folder", folder ? path_base(str_from(folder)).ptr : p->options.dir);
    free(folder);
    json_set_str(v, "example", h->n ? h->items[0].name : "acme.example");
    json_set_str(v, "port", *at->port ? at->port + 1 : "80");
    set_clock(p, at, v);
    show(p, whole ? "front.html" : "cards.html", v, out);
}

/* tenantry new post, tenantry new page */
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/slug.h"
#include "generator/build.h"
#include "generator/command_new.h"
#include "generator/plan.h"
#include "generator/plan_tenant.h"

#define SLUG_MAX 80 /* an address is read aloud, pasted and cut */

/* "it's" reads better as its than as it-s. */
static struct str without_apostrophes(struct maker *m, const char *title) {
    char *text = arena_strdup(&m->arena, title), *to = text;
    for (const char *c = text; *c; c++) {
        if (!strncmp(c, "\u2019", 3))
            c += 2;
        else if (*c != '\'')
            *to++ = *c;
    }
    return (struct str){text, (size_t)(to - text)};
}

/* The slug of a title; the day where nothing of it can stand in an address. */
static const char *slug_of(struct maker *m, const char *title) {
    char *slug = slug_make(&m->arena, without_apostrophes(m, title));
    bool readable = false;
    for (const char *c = title; *c; c++)
        readable |= (*c >= '0' && *c <= '9') || ((*c | 32) >= 'a' && (*c | 32) <= 'z');
    if (!readable) return clock_iso_date(&m->arena, m->options->now);
    if (strlen(slug) <= SLUG_MAX) return slug;
    slug[SLUG_MAX] = 0;
    char *hyphen = strrchr(slug, '-');
    if (hyphen) *hyphen = 0;
    return slug;
}

static int choose_slug(struct maker *m, const char *title, const char **slug) {
    *slug = m->slug ? m->slug : slug_of(m, title);
    if (!m->slug || !strcmp(slug_make(&m->arena, str_from(m->slug)), m->slug))
        return -1;
    return command_misuse(m->command,
        "--slug is a-z, 0-9 and single hyphens, such as \"%s\", not \"%s\"",
        slug_make(&m->arena, str_from(m->slug)), m->slug);
}

/* ---- the tenant ---- */

static bool page_free(struct maker *m, struct site *s, const char *slug) {
    char *path = arena_printf(&m->arena, "/%s/", slug);
    const struct output *o = s->theme ? plan_find(s, str_from(path)) : NULL;
    bool shared = o && o->content && !strcmp(o->content->owner, "_shared");
    if (!o || shared) return true;
    diag_add(&m->diags, DIAG_ERROR, DIAG_NOWHERE,
        "%s is already made by %s; choose another title, or --slug", path, o->from);
    return false;
}

static bool check_page(
    struct maker *m, struct build_inputs *in, const char *tenant, const char *slug) {
    struct diag_list ignored; /* `check` reports what is wrong with the rest */
    struct site s;
    bool ok = true;
    diag_init(&ignored);
    if (site_open(&s, &in->build, tenant, &ignored)) {
        site_read(&s);
        if (s.theme) site_plan(&s);
        ok = page_free(m, &s, slug);
    }
    site_dispose(&s);
    diag_dispose(&ignored);
    return ok;
}

static void report_tenant(struct maker *m, const struct workspace *w, const char *id) {
    const char *near = diag_suggest(str_from(id), w->ids, w->n_ids);
    diag_add(&m->diags, DIAG_ERROR, DIAG_NOWHERE, "there is no tenant \"%s\"; %s%s%s",
        id, near ? "did you mean \"" : "make it with: tenantry new tenant ",
        near ? near : id, near ? "\"?" : "");
}

/* Whether the tenant is there and, of a page, nothing else has its address. */
static bool check_target(
    struct maker *m, const char *tenant, const char *slug, bool page) {
    struct options o = *m->options;
    struct build_inputs in;
    struct diag_list ignored;
    bool ok = false, known = false;
    if (!strcmp(tenant, "_shared")) return true;
    diag_init(&ignored);
    if (!build_open(&in, &o, &ignored) && !in.build.workspace.n_ids)
        diag_merge(&m->diags, &ignored);
    else {
        const struct workspace *w = &in.build.workspace;
        for (size_t i = 0; i < w->n_ids; i++) known |= !strcmp(w->ids[i], tenant);
        ok = known && (!page || check_page(m, &in, tenant, slug));
        if (!known) report_tenant(m, w, tenant);
    }
    build_close(&in);
    diag_dispose(&ignored);
    return ok;
}

/* ---- the file ---- */

static int make_item(
    struct maker *m, const char *tenant, const char *title, bool page) {
    struct buf text;
    const char *slug;
    int code = choose_slug(m, title, &slug);
    if (code >= 0) return code;
    if (page && !strcmp(slug, "index"))
        return command_misuse(m->command,
            "index.md is the landing page; edit content/%s/index.md", tenant);
    if (!check_target(m, tenant, slug, page)) return EXIT_INPUT;
    buf_init(&text, 0);
    buf_cstr(&text, "---\n");
    maker_yaml(&text, "title", title);
    if (!page)
        buf_printf(
            &text, "date: %s\ntags: []\n", clock_iso_date(&m->arena, m->options->now));
    buf_cstr(&text, "draft: true\n---\n\nWrite here, in Markdown.\n");
    const char *path = arena_printf(
        &m->arena, "content/%s/%s%s.md", tenant, page ? "" : "posts/", slug);
    maker_add_buf(m, path, &text);
    m->next = "write, then take out the line `draft: true`; `tenantry build --drafts` "
              "shows it before";
    return -1;
}

int maker_post(struct maker *m, const char *tenant, const char *title) {
    return make_item(m, tenant, title, false);
}

int maker_page(struct maker *m, const char *tenant, const char *title) {
    return make_item(m, tenant, title, true);
}

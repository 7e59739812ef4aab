#include "generator/plan_tenant.h"

#include <string.h>

#include "generator/plan.h"
#include "generator/pull.h"
#include "generator/view.h"

#define DOCUMENT_MAX (8u << 20) /* bytes of one tenant document */

/* ---- the tenant's folder ---- */

static bool is_document(const char *name) {
    struct str suffix = path_suffix(str_from(name));
    return !strchr(name, '/') && name[0] != '.' && name[0] != '_' &&
           strcmp(name, "config.json") && strcmp(name, "README.md") &&
           (str_is(suffix, "md") || str_is(suffix, "json"));
}

static void read_document(struct site *s, const char *name) {
    struct document *d = &s->documents[s->n_documents];
    struct buf text;
    buf_init(&text, 0);
    d->name = name;
    d->file = arena_printf(&s->arena, "tenants/%s/%s", s->tenant.id, name);
    char *path = arena_printf(&s->arena, "%s/%s", s->tenant.id, name);
    int err = root_read(&s->build->workspace.tenants, path, DOCUMENT_MAX, &text);
    if (err) {
        diag_unreadable(s->diags, d->file, err);
    } else {
        d->text = arena_copy(&s->arena, buf_view(&text));
        s->n_documents++;
    }
    buf_dispose(&text);
}

static bool is_hidden(const char *path) {
    const char *base = strrchr(path, '/');
    base = base ? base + 1 : path;
    return *base == '.' && strcmp(base, ".well-known");
}

/* Sorts the files of the tenant's folder by what they are for. */
static void read_folder(struct site *s) {
    struct file_list list = {0};
    const struct root *tenants = &s->build->workspace.tenants;
    int err = file_walk(tenants, s->tenant.id, false, &s->arena, &list);
    if (err) {
        const char *folder = arena_printf(&s->arena, "tenants/%s", s->tenant.id);
        diag_unreadable(s->diags, folder, err);
        return;
    }
    size_t room = (list.n + 1) * sizeof(char *);
    s->images = arena_alloc(&s->arena, room);
    s->templates = arena_alloc(&s->arena, room);
    s->statics = arena_alloc(&s->arena, room);
    s->documents = arena_alloc(&s->arena, (list.n + 1) * sizeof *s->documents);
    for (size_t i = 0; i < list.n; i++) {
        char *path = (char *)list.items[i].path;
        if (str_starts(str_from(path), "images/") && !is_hidden(path))
            s->images[s->n_images++] = path;
        else if (str_starts(str_from(path), "templates/"))
            s->templates[s->n_templates++] = path + strlen("templates/");
        else if (str_starts(str_from(path), "static/"))
            s->statics[s->n_statics++] = path;
        else if (is_document(path))
            read_document(s, path);
    }
}

static void read_theme(struct site *s) {
    s->theme = themes_find(&s->build->themes, s->tenant.theme);
    if (!s->theme || !s->n_templates) return;
    s->overlay = theme_overlay(s->theme, &s->build->workspace, s->tenant.id,
        s->templates, s->n_templates, s->diags);
    s->theme = s->overlay;
}

bool site_open(
    struct site *s, const struct build *b, const char *id, struct diag_list *diags) {
    *s = (struct site){.build = b, .diags = diags};
    arena_init(&s->arena);
    diags->tenant = id;
    if (!tenant_load(&s->tenant, &b->workspace.tenants, id, diags)) return false;
    read_folder(s);
    read_theme(s);
    return true;
}

/* ---- content, plan ---- */

bool site_read(struct site *s) {
    const struct build *b = s->build;
    const char *id = s->tenant.id;
    bool ok = content_load(&s->content, &b->workspace, id, b->options, s->diags);
    if (b->pull) ok &= pull_tenant(b->pull, s);
    media_init(&s->media, &s->arena, &b->workspace, id, s->diags);
    s->media.content = &s->content;
    return ok;
}

bool site_plan(struct site *s) {
    bool ok = view_tenant(s);
    ok &= view_collections(s);
    return plan_site(s) && ok;
}

void site_dispose(struct site *s) {
    for (size_t i = 0; i < s->n_tags; i++) json_drop(s->tags[i].ref);
    plan_dispose(&s->plan);
    map_dispose(&s->redirects);
    map_dispose(&s->dead_fragments);
    json_drop(s->view);
    json_drop(s->asked);
    json_drop(s->pricing);
    media_dispose(&s->media);
    content_dispose(&s->content);
    pull_rows_dispose(&s->rows);
    theme_free(s->overlay);
    tenant_dispose(&s->tenant);
    arena_dispose(&s->arena);
}

/* What all tenants share: the workspace, its configs as far as others need them, the
 * domains, the themes. */
#include <string.h>

#include "base/mem.h"
#include "generator/preview.h"

/* ---- one tenant's config ---- */

static const char *text_of(
    struct preview_tenant *t, const json_t *config, const char *key) {
    const char *text = json_path_string(config, key);
    return arena_strdup(&t->arena, text ? text : "");
}

static struct diag_place keep_place(struct preview_tenant *t, struct diag_place place) {
    if (place.file) place.file = arena_strdup(&t->arena, place.file);
    return place;
}

static void take_config(struct preview_tenant *t, const struct tenant *c) {
    t->name = text_of(t, c->config, "branding.name");
    t->tagline = text_of(t, c->config, "branding.tagline");
    t->emoji = text_of(t, c->config, "branding.logoEmoji");
    t->primary = text_of(t, c->config, "theme.primaryColor");
    t->foreground = text_of(t, c->config, "theme.primaryForeground");
    t->accent = text_of(t, c->config, "theme.accentColor");
    t->theme = arena_strdup(&t->arena, c->theme);
    t->theme_place = keep_place(t, tenant_place(c, "/theme/name", false));
    t->canonical = arena_strdup(&t->arena, c->canonical);
    t->domains = arena_alloc(&t->arena, (c->n_domains + 1) * sizeof *t->domains);
    t->places = arena_alloc(&t->arena, (c->n_domains + 1) * sizeof *t->places);
    t->n_domains = c->n_domains;
    for (size_t i = 0; i < c->n_domains; i++) {
        char *pointer = arena_printf(&t->arena, "/domains/%zu", i);
        t->domains[i] = arena_strdup(&t->arena, c->domains[i]);
        t->places[i] = keep_place(t, tenant_place(c, pointer, false));
    }
}

static bool is_default(const struct preview *p, const struct preview_tenant *t) {
    const char *id = p->build.workspace.default_tenant;
    return id && !strcmp(id, t->id);
}

static void drop_lender(struct preview *p) {
    if (p->build.has_lender) tenant_dispose(&p->build.lender);
    p->build.has_lender = false;
}

/* A config that is wrong keeps name, colours and domains of the one before. */
static void load_config(struct preview *p, struct preview_tenant *t) {
    struct tenant c;
    diag_reset(&t->config_diags);
    t->config_diags.tenant = t->id;
    t->config_ok =
        tenant_load(&c, &p->build.workspace.tenants, t->id, &t->config_diags);
    if (t->config_ok) {
        arena_reset(&t->arena);
        take_config(t, &c);
    }
    if (t->config_ok && is_default(p, t)) {
        drop_lender(p);
        p->build.lender = c;
        p->build.has_lender = true;
    } else
        tenant_dispose(&c);
}

/* ---- domains ---- */

static void gather_hosts(struct preview *p) {
    struct hosts *h = &p->build.hosts;
    hosts_dispose(h);
    hosts_init(h);
    for (size_t i = 0; i < p->n_tenants; i++) {
        const struct preview_tenant *t = p->tenants[i];
        for (size_t k = 0; k < t->n_domains; k++)
            hosts_add(h, t->id, t->domains[k], t->places[k]);
    }
    diag_reset(&p->claims);
    hosts_check(h, NULL, NULL, NULL, &p->claims);
}

/* ---- tenants ---- */

static struct preview_tenant *tenant_make(struct preview *p, const char *id) {
    struct preview_tenant *t = mem_calloc(1, sizeof *t);
    arena_init(&t->arena);
    diag_init(&t->config_diags);
    diag_init(&t->diags);
    t->id = mem_strdup(id);
    t->name = t->tagline = t->emoji = t->primary = t->foreground = t->accent = "";
    t->preview = p;
    t->fd = -1;
    t->stale = true;
    t->version = 1;
    return t;
}

static void tenant_drop(struct preview *p, struct preview_tenant *t) {
    render_cancel(p, t);
    for (struct preview_watcher *w = p->watchers; w; w = w->next)
        if (w->tenant == t) {
            w->tenant = NULL;
            http_stream_send(w->request, "change", STR("{\"kind\":\"reload\"}"));
        }
    render_forget(p, t);
    diag_dispose(&t->config_diags);
    diag_dispose(&t->diags);
    arena_dispose(&t->arena);
    mem_free((char *)t->id);
    mem_free(t);
}

/* Takes up the tenants of the workspace and drops those that are gone.  Both lists are
 * in byte order. */
static void match_tenants(struct preview *p) {
    const struct workspace *w = &p->build.workspace;
    struct preview_tenant **old = p->tenants;
    size_t n_old = p->n_tenants, k = 0;
    p->tenants = mem_calloc(w->n_ids + 1, sizeof *p->tenants);
    p->n_tenants = 0;
    map_dispose(&p->by_id);
    p->by_id = (struct map){0};
    for (size_t i = 0; i < w->n_ids; i++) {
        while (k < n_old && strcmp(old[k]->id, w->ids[i]) < 0) tenant_drop(p, old[k++]);
        bool known = k < n_old && !strcmp(old[k]->id, w->ids[i]);
        struct preview_tenant *t = known ? old[k++] : tenant_make(p, w->ids[i]);
        p->tenants[p->n_tenants++] = t;
        map_set(&p->by_id, str_from(t->id), t);
        if (!known || is_default(p, t)) load_config(p, t);
    }
    while (k < n_old) tenant_drop(p, old[k++]);
    mem_free(old);
}

/* ---- the whole ---- */

void world_themes(struct preview *p) {
    themes_dispose(&p->build.themes);
    themes_init(&p->build.themes, &p->build.workspace);
    diag_reset(&p->themes);
}

void world_reload(struct preview *p) {
    struct build *b = &p->build;
    themes_dispose(&b->themes);
    drop_lender(p);
    workspace_close(&b->workspace);
    diag_reset(&p->shared);
    diag_reset(&p->themes);
    workspace_open(&b->workspace, p->options.dir, p->options.templates, &p->shared);
    themes_init(&b->themes, &b->workspace);
    match_tenants(p);
    gather_hosts(p);
}

void world_open(struct preview *p) {
    struct build *b = &p->build;
    b->options = &p->options;
    b->markdown = markdown_new();
    hosts_init(&b->hosts);
    diag_init(&p->shared);
    diag_init(&p->themes);
    diag_init(&p->claims);
    workspace_open(&b->workspace, p->options.dir, p->options.templates, &p->shared);
    themes_init(&b->themes, &b->workspace);
    match_tenants(p);
    gather_hosts(p);
}

void world_config(struct preview *p, struct preview_tenant *t) {
    load_config(p, t);
}

void world_hosts(struct preview *p) {
    gather_hosts(p);
}

void world_close(struct preview *p) {
    struct build *b = &p->build;
    for (size_t i = 0; i < p->n_tenants; i++) tenant_drop(p, p->tenants[i]);
    mem_free(p->tenants);
    map_dispose(&p->by_id);
    drop_lender(p);
    themes_dispose(&b->themes);
    markdown_free(b->markdown);
    hosts_dispose(&b->hosts);
    workspace_close(&b->workspace);
    diag_dispose(&p->shared);
    diag_dispose(&p->themes);
    diag_dispose(&p->claims);
}

/* ---- what is wrong ---- */

static void copy_diag(struct diag_list *out, const struct diag *d) {
    const char *was = out->tenant;
    out->tenant = d->tenant;
    diag_add(out, d->level, d->place, "%s", d->message);
    if (d->secret) diag_secret(out);
    for (const struct diag_note *n = d->notes; n; n = n->next)
        diag_note(out, n->place, "%s", n->message);
    out->tenant = was;
}

static bool in_folder(const char *file, const char *folder, const char *name) {
    size_t n = strlen(folder), k = strlen(name);
    return file && !strncmp(file, folder, n) && file[n] == '/' &&
           !strncmp(file + n + 1, name, k) &&
           (!file[n + 1 + k] || file[n + 1 + k] == '/');
}

/* Of the workspace: what stands in a tenant's folder is that tenant's. */
static bool concerns(const struct preview *p, const struct diag *d, const char *id) {
    if (d->tenant) return !strcmp(d->tenant, id);
    const char *tenants = p->build.workspace.tenants.name;
    if (!d->place.file || !tenants || strncmp(d->place.file, tenants, strlen(tenants)))
        return true;
    return in_folder(d->place.file, tenants, id);
}

/* Of the themes: those that the tenant's theme rests on. */
static bool theme_concerns(
    const struct preview *p, const struct diag *d, const struct preview_tenant *t) {
    const char *folder = p->build.workspace.templates.name;
    const char *name = t->theme ? t->theme : "default";
    if (d->tenant) return !strcmp(d->tenant, t->id);
    const struct theme *theme = themes_find(&p->build.themes, name);
    if (!theme) return true;
    for (; theme; theme = theme->base)
        if (in_folder(d->place.file, folder, theme->name)) return true;
    return false;
}

void world_diags(
    struct preview *p, const struct preview_tenant *t, struct diag_list *out) {
    for (const struct diag *d = p->shared.first; d; d = d->next)
        if (concerns(p, d, t->id)) copy_diag(out, d);
    for (const struct diag *d = p->claims.first; d; d = d->next)
        if (d->level > DIAG_NOTICE && concerns(p, d, t->id)) copy_diag(out, d);
    for (const struct diag *d = p->themes.first; d; d = d->next)
        if (theme_concerns(p, d, t)) copy_diag(out, d);
}

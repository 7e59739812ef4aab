#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "generator/build.h"

static bool is_asked_for(const struct options *o, const char *id) {
    for (size_t i = 0; i < o->n_only; i++)
        if (!strcmp(o->only[i], id)) return true;
    return !o->n_only;
}

static void check_asked_for(struct build_inputs *in, const struct options *o) {
    const struct workspace *w = &in->build.workspace;
    for (size_t i = 0; i < o->n_only; i++) {
        bool found = false;
        for (size_t k = 0; k < w->n_ids; k++) found |= !strcmp(w->ids[k], o->only[i]);
        if (found) continue;
        const char *near = diag_suggest(str_from(o->only[i]), w->ids, w->n_ids);
        diag_add(in->diags, DIAG_ERROR, DIAG_NOWHERE, "there is no tenant \"%s\"%s%s%s",
            o->only[i], near ? "; did you mean \"" : "", near ? near : "",
            near ? "\"?" : "");
    }
}

static void add_domains(
    struct build_inputs *in, const struct tenant *t, const char *id) {
    for (size_t i = 0; i < t->n_domains; i++) {
        char pointer[32];
        snprintf(pointer, sizeof pointer, "/domains/%zu", i);
        hosts_add(&in->build.hosts, id, t->domains[i], tenant_place(t, pointer, false));
    }
    map_set(&in->domains_of, str_from(id), (void *)(uintptr_t)t->n_domains);
}

/* What the cache knows of a config that did not change. */
static bool recall_tenant(
    struct build_inputs *in, size_t i, const struct cache *cache) {
    const struct build *b = &in->build;
    const char *id = b->workspace.ids[i], *theme;
    size_t n;
    bool lends =
        b->workspace.default_tenant && !strcmp(id, b->workspace.default_tenant);
    if (lends || !cache ||
        !cache_tenant(cache, id, &in->configs[i], &theme, &in->build.hosts, &n))
        return false;
    map_set(&in->domains_of, str_from(id), (void *)(uintptr_t)n);
    in->diags->tenant = id;
    if (is_asked_for(b->options, id))
        themes_get(&in->build.themes, theme, DIAG_NOWHERE, in->diags);
    in->diags->tenant = NULL;
    return true;
}

/* The part of each config that the other tenants' builds depend on: its domains and its
 * theme.  The worker reads it again: memory then does not grow with the number of
 * tenants. */
static void read_tenant(struct build_inputs *in, size_t i) {
    struct build *b = &in->build;
    const char *id = b->workspace.ids[i];
    struct tenant t;
    in->diags->tenant = id;
    if (tenant_load(&t, &b->workspace.tenants, id, in->diags)) {
        in->configs[i] = hash_of(t.text);
        add_domains(in, &t, id);
        if (is_asked_for(b->options, id))
            themes_get(
                &b->themes, t.theme, tenant_place(&t, "/theme/name", false), in->diags);
    } else {
        map_set(&in->broken, str_from(id), in);
        /* Which theme it has is not known, but every theme rests on this one. */
        if (is_asked_for(b->options, id))
            themes_get(&b->themes, "default", DIAG_NOWHERE, in->diags);
    }
    if (b->workspace.default_tenant && !strcmp(id, b->workspace.default_tenant) &&
        !map_get(&in->broken, str_from(id))) {
        b->lender = t;
        b->has_lender = true;
    } else
        tenant_dispose(&t);
    in->diags->tenant = NULL;
}

bool build_open(
    struct build_inputs *in, const struct options *o, struct diag_list *diags) {
    return build_open_known(in, o, NULL, diags);
}

bool build_open_known(struct build_inputs *in, const struct options *o,
    const struct cache *cache, struct diag_list *diags) {
    *in = (struct build_inputs){.diags = diags};
    struct build *b = &in->build;
    b->options = o;
    hosts_init(&b->hosts);
    /* With wrong settings nothing is built, but the configs are read to report on them
     * too. */
    bool opened = workspace_open(&b->workspace, o->dir, o->templates, diags);
    themes_init(&b->themes, &b->workspace);
    b->markdown = markdown_new();
    if (opened) check_asked_for(in, o);
    if (opened && !b->workspace.n_ids && !diags->errors)
        diag_add(diags, DIAG_WARNING, DIAG_FILE(b->workspace.tenants.name),
            "there is no tenant in it; `tenantry new tenant` makes one");
    in->ids = mem_calloc(b->workspace.n_ids + 1, sizeof *in->ids);
    in->configs = mem_calloc(b->workspace.n_ids + 1, sizeof *in->configs);
    for (size_t i = 0; i < b->workspace.n_ids; i++) {
        const char *id = b->workspace.ids[i];
        if (!recall_tenant(in, i, cache)) read_tenant(in, i);
        if (is_asked_for(o, id)) in->ids[in->n_ids++] = id;
    }
    return opened;
}

void build_close(struct build_inputs *in) {
    struct build *b = &in->build;
    if (b->has_lender) tenant_dispose(&b->lender);
    if (b->markdown) markdown_free(b->markdown);
    themes_dispose(&b->themes);
    hosts_dispose(&b->hosts);
    workspace_close(&b->workspace);
    mem_free(in->ids);
    mem_free(in->configs);
    map_dispose(&in->broken);
    map_dispose(&in->domains_of);
}

#include "api/tenants.h"

#include "base/mem.h"
#include "model/workspace.h"

static void add_hosts(struct tenants *t, const struct api_tenant *a) {
    for (size_t i = 0; i < a->config.n_domains; i++)
        hosts_add(&t->hosts, a->slug, a->config.domains[i], DIAG_FILE(a->config.file));
}

static const char *nobody(void *ctx, const char *key) {
    (void)ctx;
    (void)key;
    return NULL;
}

static void lost(void *ctx, const char *slug) {
    struct tenants *t = ctx;
    struct api_tenant *a = tenants_named(t, str_from(slug));
    if (a) a->slug = NULL; /* found by neither host nor name */
}

static void read_configs(
    struct tenants *t, const struct workspace *w, struct diag_list *diags) {
    t->items = mem_calloc(w->n_ids + 1, sizeof *t->items);
    for (size_t i = 0; i < w->n_ids; i++) {
        struct api_tenant *a = &t->items[t->n];
        diags->tenant = w->ids[i];
        if (!tenant_load(&a->config, &w->tenants, w->ids[i], diags)) {
            tenant_dispose(&a->config);
            *a = (struct api_tenant){0};
            continue;
        }
        a->slug = a->config.id;
        a->index = t->n++;
        add_hosts(t, a);
    }
    diags->tenant = NULL;
}

struct tenants *tenants_open(const char *dir, struct diag_list *diags) {
    struct workspace w;
    struct tenants *t = NULL;
    if (workspace_open(&w, dir, NULL, diags)) {
        t = mem_calloc(1, sizeof *t);
        t->references = 1;
        hosts_init(&t->hosts);
        read_configs(t, &w, diags);
        t->price_names = json_incref(w.price_names);
        if (w.default_tenant) t->lender = tenants_named(t, str_from(w.default_tenant));
        hosts_check(&t->hosts, nobody, lost, t, diags);
    }
    workspace_close(&w);
    return t;
}

struct tenants *tenants_keep(struct tenants *t) {
    t->references++;
    return t;
}

void tenants_drop(struct tenants *t) {
    if (!t || --t->references) return;
    for (size_t i = 0; i < t->n; i++) tenant_dispose(&t->items[i].config);
    json_decref(t->price_names);
    hosts_dispose(&t->hosts);
    mem_free(t->items);
    mem_free(t);
}

struct api_tenant *tenants_find(struct tenants *t, struct str host) {
    const struct host *h = hosts_find(&t->hosts, host);
    return h ? tenants_named(t, str_from(h->tenant)) : NULL;
}

struct api_tenant *tenants_named(struct tenants *t, struct str slug) {
    size_t from = 0, to = t->n;
    while (from < to) {
        size_t mid = from + (to - from) / 2;
        int order = str_compare(str_from(t->items[mid].config.id), slug);
        if (!order) return t->items[mid].slug ? &t->items[mid] : NULL;
        if (order < 0)
            from = mid + 1;
        else
            to = mid;
    }
    return NULL;
}

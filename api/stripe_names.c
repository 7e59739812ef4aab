#include "api/stripe_names.h"

#include <stdlib.h>
#include <string.h>

#include "api/price_ids.h"
#include "api/stripe.h"
#include "base/map.h"
#include "model/pricing.h"

struct meaning {
    const char *what, *file;
};
struct check {
    struct arena arena;
    struct map known; /* variable -> struct meaning */
    struct diag_list *diags;
    bool clear;
};

static void add(
    struct check *k, const char *variable, struct meaning m, const char *remedy) {
    struct meaning *own = arena_alloc(&k->arena, sizeof *own);
    *own = m;
    const struct meaning *first = map_add(&k->known, str_from(variable), own);
    if (!strcmp(first->what, m.what)) return;
    k->clear = false;
    diag_add(k->diags, DIAG_ERROR, DIAG_FILE(m.file), "%s stands for %s and for %s; %s",
        variable, first->what, m.what, remedy);
    if (strcmp(first->file, m.file) != 0)
        diag_note(k->diags, DIAG_FILE(first->file), "the other one");
}

static void add_secrets(struct check *k, const struct api_tenant *t) {
    static const char *const names[] = {"SECRET_KEY", "WEBHOOK_SECRET"};
    struct arena *a = &k->arena;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (stripe_secret_own(a, names[i], t->slug))
            add(k,
                arena_printf(a, "STRIPE_%s_%s", names[i], price_id_upper(a, t->slug)),
                (struct meaning){arena_printf(a, "tenant %s", t->slug), t->config.file},
                "rename the folder of one of the two");
}

static void add_price(struct check *k, const char *variable, struct meaning m) {
    const char *value = getenv(variable);
    if (value && *value)
        add(k, variable, m,
            "rename one of the two, or unset it and name others in tenantry.json's "
            "stripePriceNames");
}

static void add_plans(
    struct check *k, const struct api_tenant *t, const json_t *plans) {
    size_t i;
    json_t *plan;
    struct arena *a = &k->arena;
    const char *tenant = price_id_upper(a, t->slug), *file = t->config.file;
    json_array_foreach((json_t *)plans, i, plan) {
        const char *id = json_path_string(plan, "id");
        if (!id) continue;
        const char *key = price_id_upper(a, id);
        add_price(k, arena_printf(a, "STRIPE_%s_%s_PRICE_ID", tenant, key),
            (struct meaning){
                arena_printf(a, "plan %s of tenant %s", id, t->slug), file});
        add_price(k, arena_printf(a, "STRIPE_%s_PRICE_ID", key),
            (struct meaning){arena_printf(a, "plan %s", id), file});
    }
}

bool stripe_names_check(const struct tenants *t, struct diag_list *diags) {
    struct check k = {.diags = diags, .clear = true};
    const json_t *lent = t->lender ? t->lender->config.config : NULL;
    arena_init(&k.arena);
    for (size_t i = 0; i < t->n; i++) {
        const struct api_tenant *tenant = &t->items[i];
        bool inherited;
        if (!tenant->slug) continue; /* nobody asks for it */
        add_secrets(&k, tenant);
        add_plans(&k, tenant,
            json_object_get(
                pricing_source(tenant->config.config, lent, &inherited), "plans"));
        add_plans(&k, tenant, t->tenant_plans);
    }
    map_dispose(&k.known);
    arena_dispose(&k.arena);
    return k.clear;
}

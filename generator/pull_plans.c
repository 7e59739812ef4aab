/* Plans out of rows, as config.json would list them. */
#include <string.h>

#include "generator/pull.h"
#include "model/pricing.h"

enum { PLAN_ID, PLAN_CURRENCY, PLAN_JSON };

const char pull_plans_sql[] =
    "select p.id, p.currency, p.plan::text from tenantry.plans_public p"
    " order by p.position, p.key collate \"C\"";

const char pull_promotions_sql[] =
    "select r.name, r.headline,"
    " to_char(r.starts_at, 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'),"
    " to_char(r.ends_at, 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
    " from tenantry.promotions r"
    " where r.active and r.starts_at <= $1::timestamptz and r.ends_at > $1::timestamptz"
    " order by r.starts_at, r.name collate \"C\"";

static bool is_told(const json_t *plan, const char *key) {
    const char *text = json_path_string(plan, key);
    return text && *text;
}

static bool judge(struct site *s, const json_t *plan, const char *file) {
    static const char *const needed[] = {"id", "name"};
    json_t *feature;
    size_t i;
    bool ok = true;
    for (i = 0; i < 2; i++) {
        if (is_told(plan, needed[i])) continue;
        diag_add(s->diags, DIAG_ERROR, DIAG_FILE(file), "%s: it is empty",
            i ? "name" : "key");
        ok = false;
    }
    json_array_foreach(json_object_get(plan, "features"), i, feature) {
        if (json_is_string(feature)) continue;
        diag_add(s->diags, DIAG_ERROR, DIAG_FILE(file),
            "features: the one at %zu is no text; expected a list of texts", i + 1);
        ok = false;
    }
    return ok;
}

static bool add_plan(struct site *s, const struct pg_rows *rows, int i) {
    const char *file = pull_place(s, "plans", pg_cell(rows, i, PLAN_ID));
    const char *currency = pg_cell(rows, i, PLAN_CURRENCY);
    const char *text = pg_cell(rows, i, PLAN_JSON);
    json_t *plan = json_parse(str_from(text), file, s->diags);
    if (!plan) return false;
    bool ok = judge(s, plan, file);
    if (!i) s->rows.currency = arena_strdup(&s->arena, currency);
    if (strcmp(s->rows.currency, currency)) {
        diag_add(s->diags, DIAG_ERROR, DIAG_FILE(file),
            "its currency is %s, that of the plans before it %s; a page shows one",
            currency, s->rows.currency);
        ok = false;
    }
    json_array_append_new(s->rows.plans, plan);
    return ok;
}

bool pull_plans(struct site *s, const struct pg_rows *rows) {
    bool ok = true;
    if (!rows->rows) return true;
    s->rows.plans = json_array();
    for (int i = 0; i < rows->rows; i++) ok &= add_plan(s, rows, i);
    return ok;
}

json_t *pull_pricing(const struct site *s) {
    if (!s->rows.plans) return NULL;
    return pricing_of_rows(s->tenant.config, s->rows.currency, s->rows.plans);
}

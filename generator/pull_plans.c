/* Plans out of rows, as config.json would list them. */
#include <string.h>

#include "generator/pull_rows.h"
#include "model/pricing.h"

enum { PLAN_ID, PLAN_CURRENCY, PLAN_JSON, PLAN_COLUMNS };
enum { PROMOTION_TEXTS = 4, PROMOTION_STARTS = 4, PROMOTION_ENDS, PROMOTION_COLUMNS };

static const char plans_sql[] =
    "select p.id, p.currency, p.plan::text from tenantry.plans_public p"
    " order by p.position, p.key collate \"C\"";

/* All that may run one day: the build has its own clock. */
static const char promotions_sql[] =
    "select r.name, r.headline,"
    " to_char(r.starts_at, 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'),"
    " to_char(r.ends_at, 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'),"
    " " PULL_MOMENT("r.starts_at") ", " PULL_MOMENT(
        "r.ends_at") ""
                     " from tenantry.promotions r where r.active"
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

static void take_plan(struct pull_rows *r, const char *const *cells) {
    struct site *s = r->s;
    const char *file = pull_place(s, "plans", cells[PLAN_ID]);
    const char *currency = cells[PLAN_CURRENCY];
    if (!s->rows.plans) s->rows.plans = json_array();
    json_t *plan = json_parse(str_from(cells[PLAN_JSON]), file, s->diags);
    r->ok &= plan && judge(s, plan, file);
    if (!plan) return;
    if (!s->rows.currency) s->rows.currency = arena_strdup(&s->arena, currency);
    if (strcmp(s->rows.currency, currency)) {
        diag_add(s->diags, DIAG_ERROR, DIAG_FILE(file),
            "its currency is %s, that of the plans before it %s; a page shows one",
            currency, s->rows.currency);
        r->ok = false;
    }
    json_array_append_new(s->rows.plans, plan);
}

const struct pull_table pull_plans = {"plans", plans_sql, PLAN_COLUMNS, take_plan};

static void take_promotion(struct pull_rows *r, const char *const *cells) {
    static const char *const keys[PROMOTION_TEXTS] = {
        "name", "headline", "starts", "ends"};
    struct site *s = r->s;
    int64_t now = s->build->options->now;
    int64_t starts = pull_moment(cells[PROMOTION_STARTS], INT64_MIN);
    int64_t ends = pull_moment(cells[PROMOTION_ENDS], INT64_MAX);
    pull_note_moment(s, starts);
    pull_note_moment(s, ends);
    if (starts > now || ends <= now || !s->rows.promotions) return;
    json_t *v = json_object();
    for (int k = 0; k < PROMOTION_TEXTS; k++) json_set_str(v, keys[k], cells[k]);
    json_array_append_new(s->rows.promotions, v);
}

const struct pull_table pull_promotions = {
    "promotions", promotions_sql, PROMOTION_COLUMNS, take_promotion};

json_t *pull_pricing(const struct site *s) {
    if (!s->rows.plans) return NULL;
    return pricing_of_rows(s->tenant.config, s->rows.currency, s->rows.plans);
}

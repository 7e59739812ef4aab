/* GET /api/features: the features of the config, less what the plan refuses; for admins
 * also the plan, its limits, and what is used of them. */
#include "api/handle.h"
#include "api/standing.h"

/* What the plan says yes or no to. */
static json_t *features_of(const struct call *c, const json_t *limits) {
    json_t *config = json_object_get(c->tenant->config.config, "features");
    json_t *out = json_is_object(config) ? json_copy(config) : json_object(), *allowed;
    const char *name;
    json_object_foreach((json_t *)limits, name, allowed) {
        if (json_is_false(allowed) ||
            (json_is_true(allowed) && !json_object_get(out, name)))
            json_share(out, name, allowed);
    }
    return out;
}

/* What is not written yet is used all the same. */
static double used_of(const struct call *c, const char *name, const json_t *used) {
    double written = json_number_value(json_object_get(used, name));
    int64_t n = standing_used(c->server, c->tenant->uuid, name, *(int64_t *)c->handler);
    return (double)n > written ? (double)n : written;
}

static json_t *limits_of(
    const struct call *c, const json_t *limits, const json_t *used) {
    json_t *out = json_object(), *limit;
    const char *name;
    json_object_foreach((json_t *)limits, name, limit) {
        if (!json_is_number(limit)) continue;
        json_t *one = json_object();
        bool none = json_number_value(limit) < 0;
        json_object_set_new(one, "limit", none ? json_null() : json_incref(limit));
        json_set_int(one, "used", (json_int_t)used_of(c, name, used));
        json_object_set_new(out, name, one);
    }
    return out;
}

static void answered(struct call *c, const struct pool_answer *a) {
    json_t *told = json_loads(call_value(a), 0, NULL), *v = json_object();
    json_t *limits = json_object_get(told, "limits");
    json_object_set_new(v, "features", features_of(c, limits));
    json_share(v, "status", json_object_get(told, "status"));
    json_share(v, "reason", json_object_get(told, "reason"));
    if (c->principal.rank >= RANK_ADMIN) {
        json_share(v, "plan", json_object_get(told, "plan"));
        json_object_set_new(
            v, "limits", limits_of(c, limits, json_object_get(told, "used")));
    }
    call_reply_value(c, v);
    json_decref(told);
    json_decref(v);
}

void handle_features(struct call *c) {
    struct arena *a = &c->request->arena;
    int64_t *hour = c->handler = arena_alloc(a, sizeof *hour);
    *hour = standing_hour();
    if (!c->server->pool || (c->server->listed && !*c->tenant->uuid)) {
        json_t *v = json_object();
        json_object_set_new(v, "features", features_of(c, NULL));
        call_reply_value(c, v);
        json_decref(v);
        return;
    }
    const char *const values[] = {arena_printf(a, "%lld", (long long)*hour)};
    call_ask(c, &(struct call_question){.role = "tenantry_webhook",
                    .sql = "select tenantry.tenant_features(to_timestamp($1::bigint))",
                    .values = values,
                    .n_values = 1,
                    .done = answered});
}

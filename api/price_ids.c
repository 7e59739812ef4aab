#include "api/price_ids.h"

#include <stdlib.h>

char *price_id_upper(struct arena *a, const char *text) {
    char *out = arena_strdup(a, text);
    for (char *p = out; *p; p++)
        if (*p >= 'a' && *p <= 'z')
            *p = (char)(*p - 'a' + 'A');
        else if (!(*p >= 'A' && *p <= 'Z') && !(*p >= '0' && *p <= '9'))
            *p = '_';
    return out;
}

static const char *set(const char *name) {
    const char *value = name ? getenv(name) : NULL;
    return value && *value ? value : NULL;
}

const char *price_id_find(
    struct arena *a, const char *tenant, const char *plan, const json_t *names) {
    const char *key = price_id_upper(a, plan);
    const char *value =
        set(arena_printf(a, "STRIPE_%s_%s_PRICE_ID", price_id_upper(a, tenant), key));
    if (!value) value = set(arena_printf(a, "STRIPE_%s_PRICE_ID", key));
    return value ? value : set(json_string_value(json_object_get(names, plan)));
}

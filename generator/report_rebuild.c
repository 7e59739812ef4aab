/* The line that a build which stays says of each tenant it made anew. */
#include <stdio.h>

#include "generator/plan.h"
#include "generator/report.h"

#define URLS_LISTED 6 /* without -v */

struct listing {
    size_t changed, removed, listed, most;
    bool fresh;
    struct buf urls;
};

static void list_urls(struct listing *l, const json_t *paths, bool removed) {
    const json_t *path;
    struct arena a;
    size_t i;
    arena_init(&a);
    json_array_foreach(paths, i, path) {
        if (l->listed == l->most) break;
        l->listed++;
        buf_printf(&l->urls, " %s%s", removed ? "-" : "",
            plan_url_path(&a, json_string_value(path)));
    }
    arena_dispose(&a);
}

/* The first site is the canonical one; the others are redirects or repeat it. */
static void list_sites(struct listing *l, const json_t *result) {
    const json_t *site;
    size_t i;
    json_array_foreach(json_object_get(result, "sites"), i, site) {
        l->changed += (size_t)json_integer_value(json_object_get(site, "written"));
        l->removed += (size_t)json_integer_value(json_object_get(site, "removed"));
        if (i) continue;
        l->fresh = json_is_true(json_object_get(site, "fresh"));
        if (l->fresh) continue;
        list_urls(l, json_object_get(site, "changed"), false);
        list_urls(l, json_object_get(site, "removed_paths"), true);
    }
}

static void say_changes(const struct listing *l) {
    size_t all = l->changed + l->removed;
    if (l->fresh) {
        printf("is new, %zu files", l->changed);
        return;
    }
    if (!all) printf("unchanged");
    if (l->changed) printf("%zu changed", l->changed);
    if (l->removed) printf("%s%zu removed", l->changed ? ", " : "", l->removed);
}

static void say_human(struct report *r, const json_t *result, const char *reason,
    const struct diag_list *diags) {
    struct listing l = {.most = r->options->verbosity > 0 ? SIZE_MAX : URLS_LISTED};
    double ms = json_real_value(json_object_get(result, "seconds")) * 1000;
    buf_init(&l.urls, 0);
    list_sites(&l, result);
    printf("%s: ", json_path_string(result, "tenant"));
    if (json_is_true(json_object_get(result, "ok")))
        say_changes(&l);
    else
        printf("keeps the site it has, %u error%s", diags->errors,
            diags->errors == 1 ? "" : "s");
    printf(", %.1f ms (%s)", ms, reason);
    if (l.listed) printf(":" STR_FMT, STR_ARG(buf_view(&l.urls)));
    if (!l.fresh && l.listed < l.changed + l.removed && l.listed == l.most)
        printf(" and %zu more", l.changed + l.removed - l.listed);
    printf("\n");
    buf_dispose(&l.urls);
}

static void say_json(
    const json_t *result, const char *reason, const struct diag_list *diags) {
    json_t *v = json_object(), *sites = json_array(), *site;
    size_t i;
    json_array_foreach(json_object_get(result, "sites"), i, site) {
        json_t *copy = json_copy(site);
        report_urls(copy, "changed", "changed_urls");
        report_urls(copy, "removed_paths", "removed_urls");
        json_array_append_new(sites, copy);
    }
    json_set_str(v, "type", "rebuild");
    json_object_set(v, "tenant", json_object_get(result, "tenant"));
    json_object_set(v, "ok", json_object_get(result, "ok"));
    json_set_str(v, "reason", reason);
    json_object_set_new(v, "milliseconds",
        json_real(json_real_value(json_object_get(result, "seconds")) * 1000));
    json_set_int(v, "errors", diags->errors);
    json_set_int(v, "warnings", diags->warnings);
    json_object_set_new(v, "sites", sites);
    report_line(v);
    json_decref(v);
}

void report_rebuild(struct report *r, const json_t *result, const char *reason,
    const struct diag_list *diags) {
    if (r->options->json)
        say_json(result, reason, diags);
    else if (r->options->verbosity >= 0)
        say_human(r, result, reason, diags);
    fflush(stdout);
}

/* tenantry db tenant */
#include "generator/command_db_tenant.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "generator/command_print.h"
#include "model/tenant.h"

#define DAYS_MAX 90

static bool wrong(struct diag_list *diags, const char *what, const char *right) {
    diag_add(diags, DIAG_ERROR, DIAG_NOWHERE, "%s: %s", what, right);
    return false;
}

/* ---- new ---- */

/* As its config calls it; the folder may be made later. */
static const char *name_of(const struct workspace *w, const char *id, struct arena *a) {
    struct tenant t;
    struct diag_list ignored;
    bool there = false;
    const char *name = NULL;
    for (size_t i = 0; i < w->n_ids; i++) there |= !strcmp(w->ids[i], id);
    if (!there) return id;
    diag_init(&ignored);
    if (tenant_load(&t, &w->tenants, id, &ignored))
        name = json_path_string(t.config, "branding.name");
    name = arena_strdup(a, name ? name : id);
    tenant_dispose(&t);
    diag_dispose(&ignored);
    return name;
}

static void say_new(const struct tenant_request *r, const json_t *v) {
    const char *id = json_path_string(v, "tenant");
    const char *status = json_path_string(v, "status");
    const char *token = json_path_string(v, "invitation");
    if (r->options->verbosity < 0) return;
    printf("%s %s: %s%s\n", id,
        json_is_true(json_object_get(v, "made")) ? "is made" : "is there", status,
        !strcmp(status, "pending") ? ", until its owner pays for a plan" : "");
    if (token)
        printf("%s is invited as its owner, who registers with this token, told only "
               "once:\n%s\n",
            r->owner, token);
}

static bool make(const struct tenant_request *r, struct database *d) {
    struct workspace w;
    bool ok = workspace_open(&w, r->options->dir, NULL, d->diags);
    json_t *v = NULL;
    if (ok)
        v = database_tenant_new(
            d, &(struct tenant_wish){.id = r->id,
                   .name = r->name ? r->name : name_of(&w, r->id, &d->arena),
                   .owner = r->owner,
                   .free = r->free,
                   .plans = w.tenant_plans});
    workspace_close(&w);
    if (!v) return false;
    if (r->options->json) {
        json_set_str(v, "type", "tenant");
        print_object(v);
    } else
        say_new(r, v);
    json_decref(v);
    return true;
}

/* ---- the others ---- */

static bool turn(const struct tenant_request *r, struct database *d) {
    json_t *v = database_tenant_turn(d, r->id, r->what, r->days);
    const char *reason = json_path_string(v, "reason");
    if (v && r->options->json) {
        json_set_str(v, "type", "tenant");
        print_object(v);
    } else if (v && r->options->verbosity >= 0)
        printf("%s: %s%s\n", r->id, json_path_string(v, "status"),
            reason && !strcmp(reason, "payment") ? ", since its plan is not paid" : "");
    json_decref(v);
    return v;
}

static bool list(const struct tenant_request *r, struct database *d) {
    static const char *const keys[] = {"tenant", "status", "reason", "plan", "members"};
    json_t *rows = database_tenant_list(d), *row;
    size_t i;
    json_array_foreach(rows, i, row) {
        if (json_is_null(json_object_get(row, "reason")))
            json_object_del(row, "reason");
        if (json_is_null(json_object_get(row, "plan"))) json_object_del(row, "plan");
        if (r->options->json) json_set_str(row, "type", "tenant");
    }
    if (rows) print_rows(rows, keys, 5, r->options);
    json_decref(rows);
    return rows;
}

/* ---- dispatch ---- */

static const char *const words[] = {"new", "list", "suspend", "resume", "close"};
enum { N_WORDS = sizeof words / sizeof *words };

static bool days_fit(const char *text) {
    char *end;
    long days = text ? strtol(text, &end, 10) : 1;
    return !text || (*text && !*end && days >= 1 && days <= DAYS_MAX);
}

bool command_db_tenant_fits(const struct tenant_request *r, struct diag_list *diags) {
    const char *near = r->what ? diag_suggest(str_from(r->what), words, N_WORDS) : NULL;
    bool known = false, listing = r->what && !strcmp(r->what, "list");
    for (size_t i = 0; i < N_WORDS; i++) known |= r->what && !strcmp(r->what, words[i]);
    if (!r->what)
        return wrong(
            diags, "db tenant", "say what: new, list, suspend, resume or close");
    if (!known)
        return wrong(diags, r->what,
            near ? arena_printf(&diags->arena, "did you mean \"%s\"?", near)
                 : "is none of new, list, suspend, resume, close");
    if (listing) return !r->id || wrong(diags, "db tenant list", "it takes no tenant");
    if (!r->id) return wrong(diags, r->what, "say which tenant, by its id");
    if (!tenant_id_valid(str_from(r->id)))
        return wrong(diags, r->id,
            "no id of a tenant; use a-z, 0-9, - and _, first a letter or digit");
    if (r->owner && (!strchr(r->owner, '@') || strpbrk(r->owner, " \t\r\n")))
        return wrong(
            diags, "--owner", "must be an e-mail address such as ada@example.com");
    return days_fit(r->days) || wrong(diags, "--days", "must be a number from 1 to 90");
}

bool command_db_tenant(const struct tenant_request *r, struct database *d) {
    if (!strcmp(r->what, "new")) return make(r, d);
    return !strcmp(r->what, "list") ? list(r, d) : turn(r, d);
}

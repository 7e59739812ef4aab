/* What a build says: diagnostics, progress, summary; for people or, with --format json,
 * one object a line. */
#ifndef GENERATOR_REPORT_H
#define GENERATOR_REPORT_H
#include "base/diag.h"
#include "base/json.h"
#include "generator/options.h"

struct report {
    const struct options *options;
    bool terminal; /* standard error is one: colour and progress */
    double began;
    double shown; /* when the progress line was last drawn */
};
void report_init(struct report *r, const struct options *o);
void report_progress(struct report *r, size_t done, size_t total);
/* Why a tenant is made anew. */
void report_reason(struct report *r, const char *tenant, const char *reason);
void report_diags(struct report *r, const struct diag_list *diags, int dir_fd);
/* A tenant was made anew while the build stays: its result, and why. */
void report_rebuild(struct report *r, const json_t *result, const char *reason,
    const struct diag_list *diags);
void report_line(const json_t *v); /* one object on a line */
/* Adds to a site, as `urls`, the addresses of the files it lists as `paths`. */
void report_urls(json_t *site, const char *paths, const char *urls);
/* `results`: per tenant, in order: {tenant, ok, sites[...], seconds} as render_tenant
 * made them. */
/* The database does not answer (`why`): which rows are built from instead. */
struct pull_age;
void report_stale(struct report *r, const char *why, const struct pull_age *age);
void report_summary(struct report *r, json_t *results, json_t *removed_trees,
    const struct diag_list *diags, const char *out_name);
#endif

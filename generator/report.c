#include "generator/report.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "generator/plan.h"
#include "generator/pull.h"

#define SITES_LISTED 40 /* of more than that only those that changed, without -v */
#define URLS_LISTED 10  /* of each site, without -v */
#define PROGRESS_SECONDS 0.1

void report_init(struct report *r, const struct options *o) {
    *r = (struct report){.options = o, .began = clock_seconds()};
    r->terminal = isatty(STDERR_FILENO) && !o->json;
}

void report_progress(struct report *r, size_t done, size_t total) {
    double now = clock_seconds();
    if (!r->terminal || r->options->verbosity < 0) return;
    if (done < total && now - r->shown < PROGRESS_SECONDS) return;
    r->shown = now;
    if (now - r->began >
        PROGRESS_SECONDS) /* a build shorter than a blink needs no progress */
        fprintf(stderr, done < total ? "\r%zu of %zu tenants\033[K" : "\r\033[K", done,
            total);
    fflush(stderr);
}

void report_line(const json_t *v) {
    char *text = json_dumps(v, JSON_COMPACT);
    puts(text);
    free(text);
}

void report_reason(struct report *r, const char *tenant, const char *reason) {
    if (!r->options->explain) return;
    if (!r->options->json) {
        printf("%s: %s\n", tenant, reason);
        return;
    }
    json_t *v = json_object();
    json_set_str(v, "type", "reason");
    json_set_str(v, "tenant", tenant);
    json_set_text(v, "reason", str_from(reason));
    report_line(v);
    json_decref(v);
}

/* "3 hours old" */
static char *age_text(struct arena *a, int64_t seconds) {
    static const struct {
        int64_t seconds;
        const char *name;
    } units[] = {{86400, "day"}, {3600, "hour"}, {60, "minute"}, {1, "second"}};
    size_t i = 0;
    if (seconds < 0) seconds = 0; /* a clock was set back */
    while (i < 3 && seconds < 2 * units[i].seconds) i++;
    long long n = seconds / units[i].seconds;
    return arena_printf(a, "%lld %s%s old", n, units[i].name, n == 1 ? "" : "s");
}

/* Not even -q hides it: such a site is not what the database says. */
void report_stale(struct report *r, const char *why, const struct pull_age *age) {
    struct arena a;
    arena_init(&a);
    char *oldest = clock_rfc3339(&a, age->oldest);
    int64_t seconds = clock_now() - age->oldest;
    if (r->options->json) {
        json_t *v = json_object();
        json_set_str(v, "type", "stale");
        json_set_text(v, "reason", str_from(why));
        json_set_str(v, "oldest", oldest);
        json_set_str(v, "newest", clock_rfc3339(&a, age->newest));
        json_set_int(v, "seconds", seconds);
        report_line(v);
        json_decref(v);
    } else if (age->oldest == age->newest)
        fprintf(stderr,
            "the database does not answer (%s); building from rows of %s, %s\n", why,
            oldest, age_text(&a, seconds));
    else
        fprintf(stderr,
            "the database does not answer (%s); building from rows of %s to %s, the "
            "oldest %s\n",
            why, oldest, clock_rfc3339(&a, age->newest), age_text(&a, seconds));
    arena_dispose(&a);
}

void report_diags(struct report *r, const struct diag_list *diags, int dir_fd) {
    bool colour = r->terminal;
    for (const struct diag *d = diags->first; d; d = d->next) {
        if (d->level == DIAG_NOTICE && r->options->verbosity < 1 && !r->options->json)
            continue;
        if (d->level == DIAG_WARNING && r->options->verbosity < 0) continue;
        if (r->options->json)
            diag_print_json(d, stdout);
        else
            diag_print_human(d, dir_fd, colour, stderr);
    }
}

static void print_bytes(double bytes) {
    static const char *const units[] = {"B", "KB", "MB", "GB"};
    int u = 0;
    for (; bytes >= 999.5 && u < 3; u++) bytes /= 1000;
    printf(bytes < 10 && u ? "%7.1f %-2s" : "%7.0f %-2s", bytes, units[u]);
}

static void print_site(json_t *site, double seconds) {
    json_int_t written = json_integer_value(json_object_get(site, "written"));
    json_int_t removed = json_integer_value(json_object_get(site, "removed"));
    printf("  %-32s", json_path_string(site, "host"));
    if (json_is_true(json_object_get(site, "alias")) &&
        !json_integer_value(json_object_get(site, "pages"))) {
        printf("redirects to the canonical host\n");
        return;
    }
    printf("%6lld pages %6lld files ",
        (long long)json_integer_value(json_object_get(site, "pages")),
        (long long)json_integer_value(json_object_get(site, "files")));
    print_bytes((double)json_integer_value(json_object_get(site, "bytes")));
    printf(" %7.0f ms", seconds * 1000);
    if (!json_is_true(json_object_get(site, "fresh"))) {
        if (written + removed)
            printf("   %lld changed, %lld removed", (long long)written,
                (long long)removed);
        else
            printf("   unchanged");
    }
    printf("\n");
}

/* The files' addresses, each after `word`; `most` of them. */
static void print_urls(const json_t *paths, const char *word, size_t most) {
    struct arena a;
    size_t n = json_array_size(paths);
    if (n == most + 1) most++; /* a line that said so would be no shorter */
    arena_init(&a);
    for (size_t i = 0; i < n && i < most; i++)
        printf("      %s %s\n", word,
            plan_url_path(&a, json_string_value(json_array_get(paths, i))));
    if (n > most) printf("      and %zu more %s (-v lists all)\n", n - most, word);
    arena_dispose(&a);
}

static bool is_changed(json_t *site) {
    return !json_is_true(json_object_get(site, "fresh")) &&
           json_integer_value(json_object_get(site, "written")) +
               json_integer_value(json_object_get(site, "removed"));
}

/* Of many sites, those that say something. */
static void print_sites(const struct options *o, json_t *results, bool all) {
    json_t *result, *site;
    size_t i, k, listed = 0, urls = o->verbosity > 0 ? UINT32_MAX : URLS_LISTED;
    json_array_foreach(results, i, result) {
        double seconds = json_real_value(json_object_get(result, "seconds"));
        json_array_foreach(json_object_get(result, "sites"), k, site) {
            if (!all && (!is_changed(site) || listed == SITES_LISTED)) continue;
            listed++;
            print_site(site, seconds);
            if (!is_changed(site)) continue;
            print_urls(json_object_get(site, "changed"), "changed", urls);
            print_urls(json_object_get(site, "removed_paths"), "removed", urls);
        }
    }
}

struct totals {
    json_int_t sites, pages, files, bytes, written, removed, ok, failed, drafts, future;
};

static void add_totals(struct totals *t, json_t *result) {
    json_t *site;
    size_t i;
    if (json_is_true(json_object_get(result, "ok")))
        t->ok++;
    else
        t->failed++;
    t->drafts += json_integer_value(json_object_get(result, "drafts"));
    t->future += json_integer_value(json_object_get(result, "future"));
    json_array_foreach(json_object_get(result, "sites"), i, site) {
        t->sites++;
        t->pages += json_integer_value(json_object_get(site, "pages"));
        t->files += json_integer_value(json_object_get(site, "files"));
        t->bytes += json_integer_value(json_object_get(site, "bytes"));
        t->written += json_integer_value(json_object_get(site, "written"));
        t->removed += json_integer_value(json_object_get(site, "removed"));
    }
}

/* Files to upload are named by path, what is to be purged by address. */
void report_urls(json_t *site, const char *paths, const char *urls) {
    json_t *list = json_array(), *path;
    struct arena a;
    size_t i;
    arena_init(&a);
    json_array_foreach(json_object_get(site, paths), i, path) json_array_append_new(
        list, json_string(plan_url_path(&a, json_string_value(path))));
    json_object_set_new(site, urls, list);
    arena_dispose(&a);
}

/* One line a domain, then the summary: what deploy and purge need. */
static void summary_json(struct report *r, json_t *results, json_t *removed_trees,
    const struct totals *t, const struct diag_list *diags) {
    json_t *result, *site, *v;
    size_t i, k;
    json_array_foreach(results, i, result) {
        json_array_foreach(json_object_get(result, "sites"), k, site) {
            v = json_copy(site);
            json_set_str(v, "type", "site");
            report_urls(v, "changed", "changed_urls");
            report_urls(v, "removed_paths", "removed_urls");
            json_object_set(v, "tenant", json_object_get(result, "tenant"));
            report_line(v);
            json_decref(v);
        }
    }
    v = json_object();
    json_set_str(v, "type", "summary");
    json_set_int(v, "tenants", t->ok);
    json_set_int(v, "failed", t->failed);
    json_set_int(v, "sites", t->sites);
    json_set_int(v, "pages", t->pages);
    json_set_int(v, "files", t->files);
    json_set_int(v, "bytes", t->bytes);
    json_set_int(v, "written", t->written);
    json_set_int(v, "removed", t->removed);
    json_set_int(v, "errors", diags->errors);
    json_set_int(v, "warnings", diags->warnings);
    json_object_set(v, "removed_trees", removed_trees);
    json_object_set_new(v, "seconds", json_real(clock_seconds() - r->began));
    report_line(v);
    json_decref(v);
}

static const char *plural(json_int_t n) {
    return n == 1 ? "" : "s";
}

static void summary_human(struct report *r, json_t *results, json_t *removed_trees,
    const struct totals *t, const struct diag_list *diags, const char *out_name) {
    bool held = r->options->strict && diags->errors + diags->warnings;
    bool check = r->options->check || held;
    json_t *name;
    size_t i;
    if (!check)
        print_sites(
            r->options, results, t->sites <= SITES_LISTED || r->options->verbosity > 0);
    json_array_foreach(removed_trees, i, name) printf(
        "  %-32s removed: no tenant lists it any more\n", json_string_value(name));
    printf("%s %lld tenant%s", check ? "checked" : "built", (long long)t->ok,
        plural(t->ok));
    if (!check) {
        printf(", %lld pages, %lld files,", (long long)t->pages, (long long)t->files);
        print_bytes((double)t->bytes);
        printf(", into %s", out_name);
    }
    printf(", in %.2f s", clock_seconds() - r->began);
    if (held && !r->options->check) printf("; nothing is published (--strict)");
    if (t->failed) printf("; %lld failed", (long long)t->failed);
    if (t->drafts + t->future && !r->options->drafts && r->options->verbosity >= 0)
        printf("; %lld draft%s and %lld future page%s left out", (long long)t->drafts,
            plural(t->drafts), (long long)t->future, plural(t->future));
    if (diags->errors + diags->warnings)
        printf("; %u error%s, %u warning%s", diags->errors, plural(diags->errors),
            diags->warnings, plural(diags->warnings));
    printf("\n");
}

void report_summary(struct report *r, json_t *results, json_t *removed_trees,
    const struct diag_list *diags, const char *out_name) {
    struct totals t = {0};
    json_t *result;
    size_t i;
    json_array_foreach(results, i, result) add_totals(&t, result);
    if (r->options->json)
        summary_json(r, results, removed_trees, &t, diags);
    else if (r->options->verbosity >= 0 || t.failed)
        summary_human(r, results, removed_trees, &t, diags, out_name);
    fflush(stdout);
}

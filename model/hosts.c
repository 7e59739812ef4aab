#include "model/hosts.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define HOST_MAX 253
#define LABEL_MAX 63

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* Removes ":8080" (or a bare ":"); false when what follows the colon is no port. */
static bool cut_port(struct str *host) {
    size_t at;
    if (!str_find_char(*host, ':', &at)) return true;
    if (host->len - at > 6) return false;
    for (size_t i = at + 1; i < host->len; i++) {
        if (!is_digit(host->ptr[i])) return false;
    }
    host->len = at;
    return true;
}

static bool label_valid(struct str label) {
    if (!label.len || label.len > LABEL_MAX) return false;
    return label.ptr[0] != '-' && label.ptr[label.len - 1] != '-';
}

/* Writes the cleaned name; 0: it is none. */
static size_t clean_into(char out[HOST_MAX + 1], struct str host) {
    if (!cut_port(&host)) return 0;
    if (host.len && host.ptr[host.len - 1] == '.') host.len--;
    if (!host.len || host.len > HOST_MAX) return 0;
    size_t start = 0;
    for (size_t i = 0; i < host.len; i++) {
        char c = host.ptr[i];
        if (c >= 'A' && c <= 'Z') c = (char)(c + 32);
        if (c == '.') {
            if (!label_valid(str_slice(host, start, i))) return 0;
            start = i + 1;
        } else if (!(c >= 'a' && c <= 'z') && !is_digit(c) && c != '-') {
            return 0;
        }
        out[i] = c;
    }
    if (!label_valid(str_slice(host, start, host.len))) return 0;
    out[host.len] = '\0';
    return host.len;
}

/* Past a leading "www.", unless a top-level domain would remain ("www.com"). */
static const char *skip_www(const char *name) {
    bool www = strncmp(name, "www.", 4) == 0 && strchr(name + 4, '.');
    return www ? name + 4 : name;
}

char *host_clean(struct arena *a, struct str host) {
    char name[HOST_MAX + 1];
    size_t n = clean_into(name, host);
    return n ? arena_str(a, (struct str){name, n}) : NULL;
}

bool host_valid(struct str host) {
    char name[HOST_MAX + 1];
    return clean_into(name, host) > 0;
}

char *host_key(struct arena *a, struct str host) {
    char name[HOST_MAX + 1];
    return clean_into(name, host) ? arena_strdup(a, skip_www(name)) : NULL;
}

void hosts_init(struct hosts *h) {
    *h = (struct hosts){.sorted = true};
    arena_init(&h->arena);
}

void hosts_dispose(struct hosts *h) {
    mem_free(h->items);
    arena_dispose(&h->arena);
    *h = (struct hosts){0};
}

void hosts_add(
    struct hosts *h, const char *tenant, const char *domain, struct diag_place place) {
    const char *name = host_clean(&h->arena, str_from(domain));
    if (!name) return;
    if (h->n == h->cap)
        h->items = mem_grow(h->items, &h->cap, h->n + 1, sizeof *h->items);
    struct host *item = &h->items[h->n++];
    *item = (struct host){.key = skip_www(name), .name = name, .place = place};
    item->tenant = arena_strdup(&h->arena, tenant);
    if (place.file) item->place.file = arena_strdup(&h->arena, place.file);
    h->sorted = false;
}

struct ranked {
    struct host host;
    size_t rank;
};

static int compare_ranked(const void *x, const void *y) {
    const struct ranked *a = x, *b = y;
    int order = strcmp(a->host.key, b->host.key);
    return order ? order : a->rank < b->rank ? -1 : a->rank > b->rank;
}

static void hosts_sort(struct hosts *h) {
    if (h->sorted || !h->n) return;
    /* qsort promises no order among equals: carry the order of arrival along. */
    struct ranked *all = mem_alloc(h->n * sizeof *all);
    for (size_t i = 0; i < h->n; i++) all[i] = (struct ranked){h->items[i], i};
    qsort(all, h->n, sizeof *all, compare_ranked);
    for (size_t i = 0; i < h->n; i++) h->items[i] = all[i].host;
    mem_free(all);
    h->sorted = true;
}

/* The first item with this key. */
static const struct host *find_key(const struct hosts *h, const char *key) {
    size_t low = 0, high = h->n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (strcmp(h->items[mid].key, key) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    bool found = low < h->n && strcmp(h->items[low].key, key) == 0;
    return found ? &h->items[low] : NULL;
}

/* The longest listed name that `key` lies below. */
static const struct host *find_above(const struct hosts *h, const char *key) {
    const char *last = strrchr(key, '.');
    /* The "suffix" of an IPv4 address names nothing. */
    if (last && is_digit(last[1])) return NULL;
    while ((key = strchr(key, '.'))) {
        const struct host *found = find_key(h, ++key);
        if (found) return found;
    }
    return NULL;
}

const struct host *hosts_find(struct hosts *h, struct str host) {
    char name[HOST_MAX + 1];
    if (!clean_into(name, host)) return NULL;
    hosts_sort(h);
    const char *key = skip_www(name);
    const struct host *found = find_key(h, key);
    return found ? found : find_above(h, key);
}

static bool same_tenant(const struct host *a, const struct host *b) {
    return strcmp(a->tenant, b->tenant) == 0;
}

static const struct host *first_other(
    const struct host *group, size_t n, const struct host *mine) {
    for (size_t i = 0; i < n; i++) {
        if (!same_tenant(&group[i], mine)) return &group[i];
    }
    return NULL;
}

static void report_claim(const struct host *group, size_t n, const struct host *mine,
    struct diag_list *diags) {
    const struct host *other = first_other(group, n, mine);
    bool alike = strcmp(other->name, mine->name) == 0;
    diag_add(diags, DIAG_ERROR, mine->place,
        "\"%s\" is also claimed by the tenant \"%s\"%s%s%s; "
        "a domain belongs to one tenant",
        mine->name, other->tenant, alike ? "" : " as \"", alike ? "" : other->name,
        alike ? "" : "\"");
    for (size_t i = 0; i < n; i++) {
        if (!same_tenant(&group[i], mine))
            diag_note(diags, group[i].place, "claimed here by \"%s\"", group[i].tenant);
    }
}

struct claim_rules {
    const char *(*publishes)(void *ctx, const char *key);
    void (*lost)(void *ctx, const char *tenant);
    void *ctx;
};

/* One key, n claims of it: true when all are of one tenant. */
static bool check_group(const struct host *group, size_t n, const struct claim_rules *r,
    struct diag_list *diags) {
    if (!first_other(group, n, group)) return true;
    const char *holder = r->publishes ? r->publishes(r->ctx, group->key) : NULL;
    const char *was = diags->tenant;
    for (size_t i = 0; i < n; i++) {
        diags->tenant = group[i].tenant;
        report_claim(group, n, &group[i], diags);
        if (r->lost && !(holder && strcmp(holder, group[i].tenant) == 0))
            r->lost(r->ctx, group[i].tenant);
    }
    diags->tenant = was;
    return false;
}

static void check_below(
    const struct hosts *h, const struct host *mine, struct diag_list *diags) {
    const struct host *above = find_above(h, mine->key);
    if (!above || same_tenant(above, mine)) return;
    const char *was = diags->tenant;
    diags->tenant = mine->tenant;
    diag_add(diags, DIAG_NOTICE, mine->place,
        "\"%s\" lies below \"%s\" of the tenant \"%s\"; "
        "this name goes to \"%s\", the others below it to \"%s\"",
        mine->name, above->name, above->tenant, mine->tenant, above->tenant);
    diag_note(diags, above->place, "\"%s\" is listed here", above->name);
    diags->tenant = was;
}

bool hosts_check(struct hosts *h, const char *(*publishes)(void *ctx, const char *key),
    void (*lost)(void *ctx, const char *tenant), void *ctx, struct diag_list *diags) {
    struct claim_rules rules = {publishes, lost, ctx};
    bool ok = true;
    hosts_sort(h);
    for (size_t i = 0, end; i < h->n; i = end) {
        for (end = i + 1; end < h->n; end++) {
            if (strcmp(h->items[end].key, h->items[i].key) != 0) break;
        }
        ok &= check_group(&h->items[i], end - i, &rules, diags);
        check_below(h, &h->items[i], diags);
    }
    return ok;
}

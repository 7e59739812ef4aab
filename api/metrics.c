#include "api/metrics.h"

#include <stdatomic.h>
#include <stdint.h>

#include "base/mem.h"

#define STATUSES 6 /* 0, 1xx to 5xx */

static const double bounds[] = {
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5};
#define BUCKETS (sizeof bounds / sizeof *bounds + 1)

struct part { /* a worker's */
    _Atomic uint64_t counts[METRIC_COUNT], gauges[GAUGE_COUNT];
    _Atomic uint64_t buckets[BUCKETS], microseconds;
    _Atomic uint64_t requests[]; /* by route, and the last for none; STATUSES each */
};
struct metrics {
    unsigned workers;
    size_t routes, part_size, size;
    _Alignas(64) unsigned char parts[];
};

struct metrics *metrics_new(unsigned workers, size_t routes) {
    size_t n = (routes + 1) * STATUSES;
    size_t part = sizeof(struct part) + n * sizeof(uint64_t);
    part = (part + 63) / 64 * 64;
    size_t size = sizeof(struct metrics) + part * workers;
    struct metrics *m = mem_share(size);
    m->workers = workers;
    m->routes = routes;
    m->part_size = part;
    m->size = size;
    return m;
}

void metrics_free(struct metrics *m) {
    if (m) mem_unshare(m, m->size);
}

static struct part *part_of(const struct metrics *m, unsigned worker) {
    return (struct part *)(size_t)(m->parts + worker * m->part_size);
}

static void add(_Atomic uint64_t *to, uint64_t n) {
    atomic_fetch_add_explicit(to, n, memory_order_relaxed);
}

void metrics_count(struct metrics *m, unsigned worker, enum metric which) {
    add(&part_of(m, worker)->counts[which], 1);
}

void metrics_set(
    struct metrics *m, unsigned worker, enum gauge which, unsigned long long value) {
    atomic_store_explicit(
        &part_of(m, worker)->gauges[which], value, memory_order_relaxed);
}

void metrics_request(
    struct metrics *m, unsigned worker, size_t route, int status, double seconds) {
    struct part *p = part_of(m, worker);
    size_t bucket = 0, class = status >= 100 && status < 600 ? (size_t)status / 100 : 0;
    while (bucket < BUCKETS - 1 && seconds > bounds[bucket]) bucket++;
    if (route > m->routes) route = m->routes;
    add(&p->buckets[bucket], 1);
    add(&p->microseconds, (uint64_t)(seconds * 1e6));
    add(&p->requests[route * STATUSES + class], 1);
}

/* ---- reading ---- */

static uint64_t sum(const struct metrics *m, const _Atomic uint64_t *in_first) {
    const unsigned char *first = (const unsigned char *)part_of(m, 0);
    size_t offset = (size_t)((const unsigned char *)in_first - first);
    uint64_t total = 0;
    for (unsigned w = 0; w < m->workers; w++) {
        _Atomic uint64_t *at =
            (_Atomic uint64_t *)((unsigned char *)part_of(m, w) + offset);
        total += atomic_load_explicit(at, memory_order_relaxed);
    }
    return total;
}

struct named {
    const char *name, *labels, *type, *help; /* help NULL: of the one before */
};
static const struct named counts[METRIC_COUNT] = {
    {"tenantry_snapshot_total", "{result=\"hit\"}", "counter",
        "Public reads that memory could answer"},
    {"tenantry_snapshot_total", "{result=\"miss\"}", NULL, NULL},
    {"tenantry_limited_total", "{by=\"client\"}", "counter",
        "Requests answered with 429"},
    {"tenantry_limited_total", "{by=\"tenant\"}", NULL, NULL},
    {"tenantry_malformed_total", "", "counter", "Requests that were no proper HTTP"},
    {"tenantry_log_dropped_total", "", "counter",
        "Log lines lost because nobody took them"},
    {"tenantry_worker_restarts_total", "", "counter", "Workers that died"},
    {"tenantry_reloads_total", "", "counter", "Workspaces taken over at a reload"}};
static const struct named gauges[GAUGE_COUNT] = {
    {"tenantry_connections", "", "gauge", "Open connections of clients"},
    {"tenantry_pool_connections", "{state=\"open\"}", "gauge",
        "Connections to the database"},
    {"tenantry_pool_connections", "{state=\"busy\"}", NULL, NULL},
    {"tenantry_pool_waiting", "", "gauge", "Questions that wait for a connection"},
    {"tenantry_pool_questions_total", "", "counter", "Questions put to the database"},
    {"tenantry_pool_refused_total", "", "counter",
        "Questions the database answered with an error"},
    {"tenantry_pool_away_total", "", "counter", "Questions without an answer in time"}};

static void head(
    struct buf *out, const char *name, const char *type, const char *help) {
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void write_named(const struct metrics *m, struct buf *out,
    const struct named *names, size_t n, const _Atomic uint64_t *values) {
    for (size_t i = 0; i < n; i++) {
        if (names[i].help) head(out, names[i].name, names[i].type, names[i].help);
        buf_printf(out, "%s%s %llu\n", names[i].name, names[i].labels,
            (unsigned long long)sum(m, &values[i]));
    }
}

static void write_requests(const struct metrics *m, struct buf *out,
    const char *(*method)(size_t route), const char *(*path)(size_t route)) {
    head(out, "tenantry_requests_total", "counter",
        "Requests by route and class of the status");
    for (size_t i = 0; i < (m->routes + 1) * STATUSES; i++) {
        size_t route = i / STATUSES;
        uint64_t n = sum(m, &part_of(m, 0)->requests[i]);
        if (!n) continue;
        buf_printf(out,
            "tenantry_requests_total{method=\"%s\",route=\"%s\",status=\"%zuxx\"} "
            "%llu\n",
            route < m->routes ? method(route) : "",
            route < m->routes ? path(route) : "", i % STATUSES, (unsigned long long)n);
    }
}

static void write_histogram(const struct metrics *m, struct buf *out) {
    const struct part *p = part_of(m, 0);
    unsigned long long n = 0;
    head(out, "tenantry_request_seconds", "histogram",
        "From the end of the request to the answer");
    for (size_t i = 0; i < BUCKETS; i++) {
        n += sum(m, &p->buckets[i]);
        buf_cstr(out, "tenantry_request_seconds_bucket{le=\"");
        if (i < BUCKETS - 1)
            buf_printf(out, "%g", bounds[i]);
        else
            buf_cstr(out, "+Inf");
        buf_printf(out, "\"} %llu\n", n);
    }
    buf_printf(out,
        "tenantry_request_seconds_sum %.6f\ntenantry_request_seconds_count "
        "%llu\n",
        (double)sum(m, &p->microseconds) / 1e6, n);
}

void metrics_write(const struct metrics *m, struct buf *out,
    const char *(*method)(size_t route), const char *(*path)(size_t route)) {
    write_requests(m, out, method, path);
    write_histogram(m, out);
    write_named(m, out, counts, METRIC_COUNT, part_of(m, 0)->counts);
    write_named(m, out, gauges, GAUGE_COUNT, part_of(m, 0)->gauges);
    head(out, "tenantry_workers", "gauge", "Worker processes");
    buf_printf(out, "tenantry_workers %u\n", m->workers);
}

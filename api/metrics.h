/* Figures of all workers, in memory that they share; read in Prometheus's text form. */
#ifndef API_METRICS_H
#define API_METRICS_H
#include <stddef.h>
#include "base/str.h"

enum metric { /* what is counted */
    METRIC_SNAPSHOT_HIT,
    METRIC_SNAPSHOT_MISS,
    METRIC_LIMITED_CLIENT,
    METRIC_LIMITED_TENANT,
    METRIC_MALFORMED,
    METRIC_LOG_DROPPED,
    METRIC_RESTARTS,
    METRIC_RELOADS,
    METRIC_COUNT
};
enum gauge { /* what is measured now and then */
    GAUGE_CONNECTIONS,
    GAUGE_POOL_OPEN,
    GAUGE_POOL_BUSY,
    GAUGE_POOL_WAITING,
    GAUGE_POOL_ASKED,
    GAUGE_POOL_REFUSED,
    GAUGE_POOL_AWAY,
    GAUGE_COUNT
};
struct metrics;
/* Before the workers are forked; `routes` counts the route table. */
struct metrics *metrics_new(unsigned workers, size_t routes);
void metrics_free(struct metrics *m); /* NULL is allowed */
/* Each worker writes into a part of its own. */
void metrics_count(struct metrics *m, unsigned worker, enum metric which);
void metrics_set(
    struct metrics *m, unsigned worker, enum gauge which, unsigned long long value);
/* A request was answered; `route` beyond the table: none had its path. */
void metrics_request(
    struct metrics *m, unsigned worker, size_t route, int status, double seconds);
/* Appends all, summed over the workers; name(i) and method(i) of the routes. */
void metrics_write(const struct metrics *m, struct buf *out,
    const char *(*method)(size_t route), const char *(*path)(size_t route));
#endif

/* Calendar time, always UTC, never the C library's zone. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H
#include <stdbool.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/str.h"

/* "2026-01-02", "2026-01-02T03:04[:05][.fff][Z|+01:00]", also with a blank for the T;
 * no zone means UTC. Years 1 to 9999, real calendar dates only. Seconds since 1970. */
bool clock_parse(struct str s, int64_t *t);
int64_t clock_now(void);
/* The build's time: `option` (--clock) if given, else SOURCE_DATE_EPOCH, else now.
 * False: not a time. */
bool clock_choose(const char *option, int64_t *t);
char *clock_iso_date(struct arena *a, int64_t t); /* 2026-01-02 */
char *clock_rfc3339(struct arena *a, int64_t t);  /* 2026-01-02T03:04:05Z */
char *clock_rfc822(struct arena *a, int64_t t);   /* Fri, 02 Jan 2026 03:04:05 +0000 */
char *clock_long(struct arena *a, int64_t t);     /* January 2, 2026 */
double clock_seconds(void);                       /* monotonic, for durations */
#endif

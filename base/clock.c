/* Calendar time by arithmetic alone: no zone file and no locale is ever asked. */
#include "base/clock.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static const int64_t day_seconds = 86400;
static const int64_t time_first = INT64_C(-62135596800); /* 0001-01-01T00:00:00Z */
static const int64_t time_last = INT64_C(253402300799);  /* 9999-12-31T23:59:59Z */

static const char month_names[12][10] = {"January", "February", "March", "April", "May",
    "June", "July", "August", "September", "October", "November", "December"};
static const char day_names[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

struct civil {
    int year, month, day;
    int hour, minute, second;
    int weekday; /* 0: Sunday */
};

static bool is_leap(int year) {
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int days_in_month(int year, int month) {
    static const int days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && is_leap(year));
}

/* Years are counted from March, which puts the leap day last. */
static int64_t days_from_civil(int year, int month, int day) {
    int64_t y = year - (month <= 2);
    int64_t era = y / 400;
    int64_t of_era = y % 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static struct civil civil_from_time(int64_t t) {
    if (t < time_first) t = time_first;
    if (t > time_last) t = time_last;
    int64_t from_first = t - time_first; /* so that nothing below is negative */
    int second = (int)(from_first % day_seconds);
    int64_t days = from_first / day_seconds + 306; /* since 0000-03-01 */
    int64_t era = days / 146097;
    int64_t of_era = days % 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * of_year + 2) / 153;
    return (struct civil){
        .year = (int)(era * 400 + year + (month >= 10)),
        .month = (int)(month < 10 ? month + 3 : month - 9),
        .day = (int)(of_year - (153 * month + 2) / 5 + 1),
        .hour = second / 3600,
        .minute = second / 60 % 60,
        .second = second % 60,
        .weekday = (int)((days + 3) % 7),
    };
}

/* Cuts exactly n digits off the front. */
static bool take_digits(struct str *s, size_t n, int *value) {
    if (s->len < n) return false;
    *value = 0;
    for (size_t i = 0; i < n; i++) {
        char c = s->ptr[i];
        if (c < '0' || c > '9') return false;
        *value = *value * 10 + (c - '0');
    }
    *s = str_slice(*s, n, s->len);
    return true;
}

static bool take_char(struct str *s, const char *any) {
    for (; *any && s->len; any++) {
        if (s->ptr[0] != *any) continue;
        *s = str_slice(*s, 1, s->len);
        return true;
    }
    return false;
}

static bool take_date(struct str *s, struct civil *c) {
    bool ok = take_digits(s, 4, &c->year) && take_char(s, "-") &&
              take_digits(s, 2, &c->month) && take_char(s, "-") &&
              take_digits(s, 2, &c->day);
    return ok && c->year >= 1 && c->month >= 1 && c->month <= 12 && c->day >= 1 &&
           c->day <= days_in_month(c->year, c->month);
}

static bool take_hour_minute(struct str *s, int *hour, int *minute) {
    return take_digits(s, 2, hour) && take_char(s, ":") && take_digits(s, 2, minute) &&
           *hour < 24 && *minute < 60;
}

static bool take_time(struct str *s, struct civil *c) {
    if (!take_hour_minute(s, &c->hour, &c->minute)) return false;
    if (!take_char(s, ":")) return true;
    if (!take_digits(s, 2, &c->second) || c->second > 59) return false;
    if (!take_char(s, ".")) return true;
    int digit;
    if (!take_digits(s, 1, &digit)) return false;
    while (take_digits(s, 1, &digit)) continue;
    return true;
}

static bool take_zone(struct str *s, int64_t *offset) {
    *offset = 0;
    if (s->len == 0 || take_char(s, "Zz")) return true;
    bool east = s->ptr[0] == '+';
    int hour, minute;
    if (!take_char(s, "+-") || !take_hour_minute(s, &hour, &minute)) return false;
    *offset = (hour * 60 + minute) * (east ? 60 : -60);
    return true;
}

bool clock_parse(struct str s, int64_t *t) {
    struct civil c = {0};
    int64_t offset = 0;
    if (!take_date(&s, &c)) return false;
    if (s.len > 0) {
        bool ok = take_char(&s, "Tt ") && take_time(&s, &c) && take_zone(&s, &offset);
        if (!ok || s.len > 0) return false;
    }
    int64_t time = days_from_civil(c.year, c.month, c.day) * day_seconds +
                   c.hour * 3600 + c.minute * 60 + c.second - offset;
    /* A zone can push the edges of the calendar out of it. */
    if (time < time_first || time > time_last) return false;
    *t = time;
    return true;
}

int64_t clock_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec;
}

static bool parse_seconds(struct str s, int64_t *t) {
    bool negative = take_char(&s, "-");
    if (s.len == 0 || s.len > 12) return false;
    int64_t value = 0;
    int digit;
    while (take_digits(&s, 1, &digit)) value = value * 10 + digit;
    if (negative) value = -value;
    if (s.len > 0 || value < time_first || value > time_last) return false;
    *t = value;
    return true;
}

bool clock_choose(const char *option, int64_t *t) {
    if (option) {
        struct str s = str_from(option);
        return clock_parse(s, t) || parse_seconds(s, t);
    }
    const char *epoch = getenv("SOURCE_DATE_EPOCH");
    if (epoch && *epoch) return parse_seconds(str_from(epoch), t);
    *t = clock_now();
    return true;
}

/* Two or four digits; dates are made by the ten thousand, printf would show. */
static char *put_digits(char *to, int value, int digits) {
    for (int i = digits; i-- > 0; value /= 10) to[i] = (char)('0' + value % 10);
    return to + digits;
}

static char *put_date(char *to, const struct civil *c) {
    to = put_digits(to, c->year, 4);
    *to++ = '-';
    to = put_digits(to, c->month, 2);
    *to++ = '-';
    return put_digits(to, c->day, 2);
}

static char *put_time(char *to, const struct civil *c) {
    to = put_digits(to, c->hour, 2);
    *to++ = ':';
    to = put_digits(to, c->minute, 2);
    *to++ = ':';
    return put_digits(to, c->second, 2);
}

static char *put_text(char *to, const char *text, size_t n) {
    memcpy(to, text, n);
    return to + n;
}

char *clock_iso_date(struct arena *a, int64_t t) {
    struct civil c = civil_from_time(t);
    char *text = arena_take(a, sizeof "2026-01-02");
    *put_date(text, &c) = '\0';
    return text;
}

char *clock_rfc3339(struct arena *a, int64_t t) {
    struct civil c = civil_from_time(t);
    char *text = arena_take(a, sizeof "2026-01-02T03:04:05Z"), *to = put_date(text, &c);
    *to++ = 'T';
    to = put_time(to, &c);
    *to++ = 'Z';
    *to = '\0';
    return text;
}

char *clock_rfc822(struct arena *a, int64_t t) {
    struct civil c = civil_from_time(t);
    char *text = arena_take(a, sizeof "Fri, 02 Jan 2026 03:04:05 +0000");
    char *to = put_text(text, day_names[c.weekday], 3);
    to = put_text(to, ", ", 2);
    to = put_digits(to, c.day, 2);
    *to++ = ' ';
    to = put_text(to, month_names[c.month - 1], 3);
    *to++ = ' ';
    to = put_digits(to, c.year, 4);
    *to++ = ' ';
    memcpy(put_time(to, &c), " +0000", sizeof " +0000");
    return text;
}

char *clock_long(struct arena *a, int64_t t) {
    struct civil c = civil_from_time(t);
    const char *month = month_names[c.month - 1];
    char *text = arena_take(a, sizeof "September 30, 2026");
    char *to = put_text(text, month, strlen(month));
    *to++ = ' ';
    to = put_digits(to, c.day, c.day < 10 ? 1 : 2);
    to = put_text(to, ", ", 2);
    char *year = to;
    to = put_digits(to, c.year, 4);
    /* Years below 1000 are written without zeros in front. */
    for (; *year == '0'; to--) memmove(year, year + 1, (size_t)(to - year - 1));
    *to = '\0';
    return text;
}

double clock_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

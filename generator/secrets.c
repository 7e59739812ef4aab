/* Strings that open doors, found before they are published. */
#include <math.h>
#include <string.h>
#include <strings.h>

#include "generator/documents.h"

#define ALNUM "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define UPPER_DIGIT "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define TAIL_MAX 512
#define RUN_MIN 20 /* the shortest secret: prefix and tail together */
/* "-----BEGIN ... PRIVATE KEY-----" and the headers of an encrypted one. */
#define KEY_HEAD_MAX 200

struct pattern {
    const char *prefix, *what;
    const char *tail; /* characters that may follow the prefix */
    size_t min, max;  /* of them; max 0: no limit */
    bool boundary;    /* short prefix: a word must begin here */
    const char *advice;
};
#define REVOKE "published files are readable by everyone: remove it and revoke the key"

static const struct pattern patterns[] = {
    {"sk_live_", "Stripe secret key", ALNUM, 16, 0, false, REVOKE},
    {"rk_live_", "Stripe restricted key", ALNUM, 16, 0, false, REVOKE},
    {"whsec_", "webhook signing secret", ALNUM "+/=_-", 20, 0, false, REVOKE},
    {"price_", "Stripe price id", ALNUM, 14, 40, false,
        "price ids belong in the API's settings, by plan id; remove it"},
    {"AKIA", "AWS access key id", UPPER_DIGIT, 16, 16, true, REVOKE},
    {"ASIA", "AWS access key id", UPPER_DIGIT, 16, 16, true, REVOKE},
    {"ghp_", "GitHub token", ALNUM, 30, 0, false, REVOKE},
    {"gho_", "GitHub token", ALNUM, 30, 0, false, REVOKE},
    {"ghu_", "GitHub token", ALNUM, 30, 0, false, REVOKE},
    {"ghs_", "GitHub token", ALNUM, 30, 0, false, REVOKE},
    {"ghr_", "GitHub token", ALNUM, 30, 0, false, REVOKE},
    {"github_pat_", "GitHub token", ALNUM "_", 22, 0, false, REVOKE},
    {"glpat-", "GitLab token", ALNUM "_-", 20, 0, false, REVOKE},
    {"xoxb-", "Slack token", ALNUM "-", 20, 0, false, REVOKE},
    {"xoxp-", "Slack token", ALNUM "-", 20, 0, false, REVOKE},
    {"xoxa-", "Slack token", ALNUM "-", 20, 0, false, REVOKE},
    {"xoxr-", "Slack token", ALNUM "-", 20, 0, false, REVOKE},
    {"xoxs-", "Slack token", ALNUM "-", 20, 0, false, REVOKE},
    {"npm_", "npm token", ALNUM, 30, 0, false, REVOKE},
    {"sk-ant-", "API key", ALNUM "_-", 24, 0, false, REVOKE},
    {"sk-proj-", "API key", ALNUM "_-", 24, 0, false, REVOKE},
    {"AIza", "Google API key", ALNUM "_-", 35, 35, true, REVOKE},
};

static bool is_word(char c) {
    return c != '\0' && strchr(ALNUM, c) != NULL;
}

static size_t run_length(struct str s, const char *set) {
    size_t n = 0;
    while (n < s.len && s.ptr[n] != '\0' && strchr(set, s.ptr[n])) n++;
    return n;
}

/* Bits per character, by how often each occurs. */
static double entropy(struct str s) {
    unsigned count[256] = {0};
    double bits = 0;
    for (size_t i = 0; i < s.len; i++) count[(unsigned char)s.ptr[i]]++;
    for (size_t i = 0; i < 256; i++) {
        double p = (double)count[i] / (double)s.len;
        if (count[i] > 0) bits -= p * log2(p);
    }
    return bits;
}

/* abcdef, 123456, aaaa: half of it or more runs on from the character before. */
static bool is_sequence(struct str s) {
    size_t steps = 0;
    for (size_t i = 1; i < s.len; i++) {
        int d = s.ptr[i] - s.ptr[i - 1];
        steps += d == 0 || d == 1;
    }
    return 2 * steps >= s.len;
}

static bool has_placeholder_word(const char *s) {
    static const char *const words[] = {"your", "example", "xxxx", "secret", "redacted",
        "placeholder", "changeme", "replace", "insert", "dummy", "sample", "goeshere"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcasestr(s, words[i])) return true;
    return false;
}

/* A key is random: long, many different characters, a digit among them. */
static bool looks_random(struct str tail) {
    char text[TAIL_MAX + 1];
    if (tail.len > TAIL_MAX) tail.len = TAIL_MAX;
    memcpy(text, tail.ptr, tail.len);
    text[tail.len] = '\0';
    if (strcspn(text, "0123456789") == tail.len) return false;
    return entropy(tail) >= 2.9 && !is_sequence(tail) && !has_placeholder_word(text);
}

static bool has_upper(struct str s) {
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] >= 'A' && s.ptr[i] <= 'Z') return true;
    return false;
}

static size_t pattern_match(const struct pattern *p, struct str text, size_t at) {
    struct str here = str_slice(text, at, text.len);
    if (text.ptr[at] != p->prefix[0] || !str_starts(here, p->prefix)) return 0;
    if (p->boundary && at > 0 && is_word(text.ptr[at - 1])) return 0;
    size_t prefix = strlen(p->prefix);
    struct str tail = str_slice(here, prefix, here.len);
    tail.len = run_length(tail, p->tail);
    if (tail.len < p->min || (p->max > 0 && tail.len > p->max)) return 0;
    /* Names of columns and options begin with price_ as well. */
    if (strcmp(p->prefix, "price_") == 0 && !has_upper(tail)) return 0;
    return looks_random(tail) ? prefix + tail.len : 0;
}

/* A private key: the opening line with real material below it, line breaks of JSON
 * strings (\n) included. */
static size_t key_block_match(struct str text, size_t at) {
    struct str here = str_slice(text, at, at + 600);
    size_t head, material = 0;
    if (!str_starts(here, "-----BEGIN ")) return 0;
    if (!str_find(here, "PRIVATE KEY-----", &head) || head > 40) return 0;
    for (size_t i = head + 16; i < here.len && material < 40;) {
        struct str rest = str_slice(here, i, here.len);
        if (str_starts(rest, "\\n") || str_starts(rest, "\\r")) {
            i += 2;
            continue;
        }
        struct str run = str_slice(rest, 0, run_length(rest, ALNUM "+/="));
        if (run.len >= 40 && looks_random(run)) material = run.len;
        i += run.len + 1;
    }
    return material > 0 ? head + 16 : 0;
}

static struct diag_place place_at(
    struct str text, size_t at, const char *file, unsigned first_line) {
    unsigned line, col;
    str_line_col(text, at, &line, &col);
    return DIAG_AT(file, line + (first_line > 0 ? first_line - 1 : 0), col);
}

/* The length of the secret that begins at `at`, reported; 0: none does. */
static size_t report_at(struct str text, size_t at, const char *file,
    unsigned first_line, struct diag_list *diags) {
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        size_t n = pattern_match(&patterns[i], text, at);
        if (n == 0) continue;
        diag_add(diags, DIAG_ERROR, place_at(text, at, file, first_line),
            "this looks like %s %s (%s and %zu characters); %s",
            strchr("AEIOU", patterns[i].what[0]) ? "an" : "a", patterns[i].what,
            patterns[i].prefix, n - strlen(patterns[i].prefix), patterns[i].advice);
        diag_secret(diags);
        return n;
    }
    size_t n = key_block_match(text, at);
    if (n == 0) return 0;
    diag_add(diags, DIAG_ERROR, place_at(text, at, file, first_line),
        "this is a private key; " REVOKE);
    diag_secret(diags);
    return n;
}

/* What prefixes and tails are made of. */
static const bool is_run_char[256] = {['0' ... '9'] = true,
    ['A' ... 'Z'] = true,
    ['a' ... 'z'] = true,
    ['_'] = true,
    ['-'] = true,
    ['+'] = true,
    ['/'] = true,
    ['='] = true};

/* The next run of at least RUN_MIN such characters from `at` on.  Looking at every
 * RUN_MIN-th character first passes prose at a fraction of a nanosecond a byte. */
static bool next_run(struct str text, size_t at, size_t *from, size_t *to) {
    const unsigned char *p = (const unsigned char *)text.ptr;
    for (size_t i = at + RUN_MIN - 1; i < text.len; i += RUN_MIN) {
        if (!is_run_char[p[i]]) continue;
        size_t a = i, b = i + 1;
        while (a > at && is_run_char[p[a - 1]]) a--;
        while (b < text.len && is_run_char[p[b]]) b++;
        if (b - a >= RUN_MIN) {
            *from = a;
            *to = b;
            return true;
        }
        i = b - 1;
    }
    return false;
}

unsigned secrets_check(
    struct str text, const char *file, unsigned first_line, struct diag_list *diags) {
    unsigned found = 0;
    size_t done = 0, from, to;
    while (next_run(text, done, &from, &to)) {
        /* A private key's opening line stands before its material. */
        size_t at = from - done > KEY_HEAD_MAX ? from - KEY_HEAD_MAX : done;
        while (at < to) {
            bool starts = text.ptr[at] && strchr("srwpAgxn-", text.ptr[at]);
            size_t n = starts ? report_at(text, at, file, first_line, diags) : 0;
            found += n > 0;
            at += n > 0 ? n : 1;
        }
        done = at;
    }
    return found;
}

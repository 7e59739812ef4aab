#include "base/fetch.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"

struct fetch {
    struct fetch *next;
    struct fetcher *fetcher;
    CURL *easy;
    struct fetch_question asked;
    struct buf body;
    char error[CURL_ERROR_SIZE];
};
struct watched { /* a socket of libcurl's */
    struct fetcher *fetcher;
    curl_socket_t socket;
    struct loop_event *event;
};
struct fetcher {
    struct loop *loop;
    CURLM *multi;
    struct loop_event *timer;
    struct fetch *all;
};

/* ---- where to ---- */

static bool is_loopback(const char *host) {
    return !strcasecmp(host, "localhost") || !strcmp(host, "[::1]") ||
           (!strncmp(host, "127.", 4) && strspn(host, "0123456789.") == strlen(host));
}

bool fetch_may(const char *url) {
    CURLU *parts = curl_url();
    char *scheme = NULL, *host = NULL;
    if (!parts) mem_exhausted();
    bool may =
        !curl_url_set(parts, CURLUPART_URL, url, 0) &&
        !curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) &&
        !curl_url_get(parts, CURLUPART_HOST, &host, 0) &&
        (!strcmp(scheme, "https") || (!strcmp(scheme, "http") && is_loopback(host)));
    curl_free(scheme);
    curl_free(host);
    curl_url_cleanup(parts);
    return may;
}

/* ---- the end of a fetch ---- */

/* Of "public, max-age=300". */
static long read_max_age(CURL *easy) {
    struct curl_header *h;
    if (curl_easy_header(easy, "Cache-Control", 0, CURLH_HEADER, -1, &h)) return -1;
    struct str rest = str_from(h->value), part;
    while (str_cut(&rest, ',', &part)) {
        part = str_trim(part);
        if (!strncasecmp(part.ptr, "max-age=", 8) && part.len > 8)
            return strtol(part.ptr + 8, NULL, 10);
    }
    return -1;
}

static void fetch_free(struct fetch *one) {
    struct fetch **at = &one->fetcher->all;
    while (*at != one) at = &(*at)->next;
    *at = one->next;
    curl_multi_remove_handle(one->fetcher->multi, one->easy);
    curl_easy_cleanup(one->easy);
    buf_dispose(&one->body);
    mem_free(one);
}

static void ended(struct fetch *one, CURLcode code) {
    struct fetch_answer a = {.body = buf_view(&one->body)};
    long status = 0;
    char why[64];
    curl_easy_getinfo(one->easy, CURLINFO_RESPONSE_CODE, &status);
    a.max_age = read_max_age(one->easy);
    if (one->body.full)
        a.why = "the answer is too long";
    else if (code)
        a.why = *one->error ? one->error : curl_easy_strerror(code);
    else if (status != 200) {
        snprintf(why, sizeof why, "the answer has status %ld", status);
        a.why = why;
    }
    one->asked.done(one->asked.ctx, &a);
    fetch_free(one);
}

static void look_for_ends(struct fetcher *f) {
    CURLMsg *m;
    int left;
    while ((m = curl_multi_info_read(f->multi, &left))) {
        struct fetch *one;
        if (m->msg != CURLMSG_DONE) continue;
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &one);
        ended(one, m->data.result);
    }
}

/* ---- libcurl on our loop ---- */

static void on_socket(void *ctx) {
    struct watched *w = ctx;
    struct fetcher *f = w->fetcher;
    int running;
    /* libcurl finds out itself what is ready; it may drop w meanwhile. */
    curl_multi_socket_action(f->multi, w->socket, 0, &running);
    look_for_ends(f);
}

static void on_timer(void *ctx) {
    struct fetcher *f = ctx;
    int running;
    curl_multi_socket_action(f->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    look_for_ends(f);
}

static int watch_socket(
    CURL *easy, curl_socket_t socket, int what, void *ctx, void *per_socket) {
    struct fetcher *f = ctx;
    struct watched *w = per_socket;
    (void)easy;
    if (w) loop_event_free(w->event);
    if (what == CURL_POLL_REMOVE) {
        curl_multi_assign(f->multi, socket, NULL);
        mem_free(w);
        return 0;
    }
    if (!w) {
        w = mem_alloc(sizeof *w);
        *w = (struct watched){.fetcher = f, .socket = socket};
        curl_multi_assign(f->multi, socket, w);
    }
    w->event = loop_socket(
        f->loop, socket, what & CURL_POLL_IN, what & CURL_POLL_OUT, on_socket, w);
    return 0;
}

static int set_timer(CURLM *multi, long milliseconds, void *ctx) {
    struct fetcher *f = ctx;
    (void)multi;
    if (milliseconds < 0)
        loop_disarm(f->timer);
    else
        loop_arm(f->timer, (double)milliseconds / 1000);
    return 0;
}

/* ---- asking ---- */

static size_t take(char *bytes, size_t size, size_t n, void *ctx) {
    struct fetch *one = ctx;
    return buf_append(&one->body, bytes, size * n) ? size * n : 0;
}

static void set_up(CURL *easy, struct fetch *one, const char *url) {
    curl_easy_setopt(easy, CURLOPT_PRIVATE, one);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, one->error);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(
        easy, CURLOPT_PROTOCOLS_STR, strncasecmp(url, "https:", 6) ? "http" : "https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT, (long)one->asked.seconds);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "tenantry-api");
    curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, NULL);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, one);
}

void fetch_get(struct fetcher *f, const struct fetch_question *q) {
    struct fetch *one = mem_calloc(1, sizeof *one);
    one->fetcher = f;
    one->asked = *q;
    one->asked.url = NULL;
    buf_init(&one->body, q->bytes);
    one->easy = curl_easy_init();
    if (!one->easy) mem_exhausted();
    set_up(one->easy, one, q->url);
    one->next = f->all;
    f->all = one;
    if (curl_multi_add_handle(f->multi, one->easy)) mem_exhausted();
}

struct fetcher *fetcher_new(struct loop *l) {
    struct fetcher *f = mem_calloc(1, sizeof *f);
    if (curl_global_init(CURL_GLOBAL_DEFAULT)) mem_exhausted();
    f->loop = l;
    f->multi = curl_multi_init();
    if (!f->multi) mem_exhausted();
    f->timer = loop_timer(l, on_timer, f);
    curl_multi_setopt(f->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
    curl_multi_setopt(f->multi, CURLMOPT_SOCKETDATA, f);
    curl_multi_setopt(f->multi, CURLMOPT_TIMERFUNCTION, set_timer);
    curl_multi_setopt(f->multi, CURLMOPT_TIMERDATA, f);
    return f;
}

void fetcher_free(struct fetcher *f) {
    if (!f) return;
    while (f->all) fetch_free(f->all);
    curl_multi_cleanup(f->multi);
    loop_event_free(f->timer);
    curl_global_cleanup();
    mem_free(f);
}

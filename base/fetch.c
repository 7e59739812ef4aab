#include "base/fetch.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <strings.h>

#include "base/mem.h"

#define CONNECT_SECONDS 5.0

struct fetch {
    struct loop *loop;
    CURLM *multi;
    struct loop_event *timer;
    struct job *jobs;
};
struct job {
    struct fetch *fetch;
    struct job *next, **at;
    CURL *easy;
    struct curl_slist *headers;
    struct buf body;
    void (*done)(void *ctx, const struct fetch_answer *a);
    void *ctx;
};
struct watch { /* one of libcurl's sockets */
    struct fetch *fetch;
    struct loop_event *event;
    curl_socket_t fd;
};

static void job_free(struct job *j) {
    *j->at = j->next;
    if (j->next) j->next->at = j->at;
    curl_multi_remove_handle(j->fetch->multi, j->easy);
    curl_easy_cleanup(j->easy);
    curl_slist_free_all(j->headers);
    buf_dispose(&j->body);
    mem_free(j);
}

/* Of "public, max-age=300". */
static long read_max_age(CURL *easy) {
    struct curl_header *h;
    if (curl_easy_header(easy, "Cache-Control", 0, CURLH_HEADER, -1, &h)) return -1;
    struct str rest = str_from(h->value), part;
    while (str_cut(&rest, ',', &part)) {
        part = str_trim(part);
        if (part.len > 8 && !strncasecmp(part.ptr, "max-age=", 8))
            return strtol(part.ptr + 8, NULL, 10);
    }
    return -1;
}

static void job_end(struct job *j, CURLcode result) {
    long status = 0;
    struct fetch_answer a = {.why = ""};
    if (result == CURLE_OK)
        curl_easy_getinfo(j->easy, CURLINFO_RESPONSE_CODE, &status);
    else
        a.why = j->body.full ? "the answer is too long" : curl_easy_strerror(result);
    a.status = (int)status;
    a.max_age = read_max_age(j->easy);
    a.body = buf_view(&j->body);
    j->done(j->ctx, &a);
    job_free(j);
}

static void collect(struct fetch *f) {
    CURLMsg *m;
    int left;
    while ((m = curl_multi_info_read(f->multi, &left))) {
        struct job *j = NULL;
        CURLcode result = m->data.result;
        if (m->msg != CURLMSG_DONE) continue;
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&j);
        job_end(j, result);
    }
}

static void act(struct fetch *f, curl_socket_t fd) {
    int running;
    curl_multi_socket_action(f->multi, fd, 0, &running);
    collect(f);
}

static void on_timer(void *ctx) {
    act(ctx, CURL_SOCKET_TIMEOUT);
}

static void on_socket(void *ctx) {
    struct watch *w = ctx;
    act(w->fetch, w->fd); /* after which w may be gone */
}

static int set_timer(CURLM *multi, long ms, void *ctx) {
    struct fetch *f = ctx;
    (void)multi;
    if (ms < 0)
        loop_disarm(f->timer);
    else
        loop_arm(f->timer, (double)ms / 1000);
    return 0;
}

static int set_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *known) {
    struct fetch *f = ctx;
    struct watch *w = known;
    (void)easy;
    if (w) loop_event_free(w->event);
    if (what == CURL_POLL_REMOVE) {
        mem_free(w);
        curl_multi_assign(f->multi, fd, NULL);
        return 0;
    }
    if (!w) {
        w = mem_calloc(1, sizeof *w);
        *w = (struct watch){.fetch = f, .fd = fd};
        curl_multi_assign(f->multi, fd, w);
    }
    w->event = loop_socket(
        f->loop, fd, what & CURL_POLL_IN, what & CURL_POLL_OUT, on_socket, w);
    return 0;
}

static size_t keep(char *bytes, size_t size, size_t n, void *ctx) {
    struct job *j = ctx;
    return buf_append(&j->body, bytes, size * n) ? size * n : 0;
}

static bool is_loopback(const char *host) {
    return !strcasecmp(host, "localhost") || !strcmp(host, "[::1]") ||
           (!strncmp(host, "127.", 4) && strspn(host, "0123456789.") == strlen(host));
}

bool fetch_is_private(const char *url) {
    CURLU *parts = curl_url();
    char *scheme = NULL, *host = NULL;
    if (!parts) mem_exhausted();
    bool is =
        !curl_url_set(parts, CURLUPART_URL, url, 0) &&
        !curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) &&
        !curl_url_get(parts, CURLUPART_HOST, &host, 0) &&
        (!strcmp(scheme, "https") || (!strcmp(scheme, "http") && is_loopback(host)));
    curl_free(scheme);
    curl_free(host);
    curl_url_cleanup(parts);
    return is;
}

struct fetch *fetch_new(struct loop *l) {
    struct fetch *f = mem_calloc(1, sizeof *f);
    if (curl_global_init(CURL_GLOBAL_DEFAULT)) mem_exhausted();
    f->loop = l;
    f->multi = curl_multi_init();
    if (!f->multi) mem_exhausted();
    f->timer = loop_timer(l, on_timer, f);
    curl_multi_setopt(f->multi, CURLMOPT_SOCKETFUNCTION, set_socket);
    curl_multi_setopt(f->multi, CURLMOPT_SOCKETDATA, f);
    curl_multi_setopt(f->multi, CURLMOPT_TIMERFUNCTION, set_timer);
    curl_multi_setopt(f->multi, CURLMOPT_TIMERDATA, f);
    return f;
}

void fetch_free(struct fetch *f) {
    if (!f) return;
    while (f->jobs) job_free(f->jobs);
    curl_multi_cleanup(f->multi);
    loop_event_free(f->timer);
    mem_free(f);
}

static void set_options(struct job *j, const struct fetch_question *q) {
    CURL *e = j->easy;
    curl_easy_setopt(e, CURLOPT_URL, q->url);
    curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(e, CURLOPT_HTTPHEADER, j->headers);
    curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)(q->seconds * 1000) + 1);
    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)(CONNECT_SECONDS * 1000));
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, keep);
    curl_easy_setopt(e, CURLOPT_WRITEDATA, j);
    curl_easy_setopt(e, CURLOPT_PRIVATE, j);
    if (!q->post) return;
    curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)q->body.len);
    curl_easy_setopt(e, CURLOPT_COPYPOSTFIELDS, q->body.len ? q->body.ptr : "");
}

void fetch_ask(struct fetch *f, const struct fetch_question *q,
    void (*done)(void *ctx, const struct fetch_answer *a), void *ctx) {
    struct job *j = mem_calloc(1, sizeof *j);
    *j = (struct job){.fetch = f, .done = done, .ctx = ctx, .easy = curl_easy_init()};
    if (!j->easy) mem_exhausted();
    for (size_t i = 0; q->headers && q->headers[i]; i++) {
        struct curl_slist *more = curl_slist_append(j->headers, q->headers[i]);
        if (!more) mem_exhausted();
        j->headers = more;
    }
    buf_init(&j->body, q->max);
    set_options(j, q);
    j->at = &f->jobs;
    j->next = f->jobs;
    if (j->next) j->next->at = &j->next;
    f->jobs = j;
    curl_multi_add_handle(f->multi, j->easy); /* goes on by set_timer */
}

#include "generator/preview_serve.h"

#include <string.h>

#include "base/mem.h"

#define HTML "text/html; charset=utf-8"

static void reply_html(struct http_request *r, int status, struct buf *page) {
    http_reply(r, status, HTML, buf_view(page));
    buf_dispose(page);
}

static void reply_message(struct preview *p, const struct ask *ask,
    struct http_request *r, int status, const char *title, const char *text) {
    struct buf page;
    buf_init(&page, 0);
    page_message(p, &ask->place, title, text, &page);
    reply_html(r, status, &page);
}

static void reply_unknown(
    struct preview *p, const struct ask *ask, struct http_request *r) {
    char *title = arena_printf(
        &r->arena, "No tenant answers to \"" STR_FMT "\"", STR_ARG(r->host));
    reply_message(p, ask, r, 421, title,
        "Its name must be the id of a tenant with .localhost behind it, or stand in "
        "the "
        "domains of a config.json.");
}

/* ---- pages of a tenant ---- */

/* The site was made, or could not be.  Whose it is, is asked anew: the tenant may be
 * gone. */
static void site_ready(struct preview *p, struct http_request *r) {
    struct ask ask = ask_read(p, r);
    struct preview_tenant *t = ask.tenant;
    struct buf page;
    if (!t) {
        reply_unknown(p, &ask, r);
        return;
    }
    t->used = ++p->uses;
    if (t->site) {
        serve_site(p, &ask, r);
        return;
    }
    buf_init(&page, 0);
    page_failed(p, &ask.place, t, &page);
    reply_html(r, 503, &page);
}

/* ---- /.tenantry/ ---- */

static const char *parameter(struct http_request *r, const char *name) {
    const char *value = http_parameter(r, name);
    return value ? value : "";
}

/* The path of the page that asks. */
static const char *page_parameter(struct http_request *r) {
    const char *path = parameter(r, "path");
    bool fine = path[0] == '/' && path[1] != '/' && path[1] != '\\';
    return fine ? path : "/";
}

static void answer_events(
    struct preview *p, const struct ask *ask, struct http_request *r) {
    const char *path = NULL;
    const struct preview_file *f = NULL;
    if (ask->tenant && ask->tenant->site)
        f = serve_find(&ask->tenant->site->trees[0], page_parameter(r));
    if (f) path = f->path;
    bool front = http_parameter(r, "front") != NULL;
    if (!front && !ask->tenant)
        reply_unknown(p, ask, r);
    else
        watcher_subscribe(p, r, front ? NULL : ask->tenant, path);
}

static void answer_bar(
    struct preview *p, const struct ask *ask, struct http_request *r) {
    struct buf page;
    const struct preview_site *s = ask->tenant->site;
    const char *path = page_parameter(r);
    const struct preview_file *f = s ? serve_find(&s->trees[0], path) : NULL;
    if (s && !f) f = map_get(&s->trees[0].files, STR("404.html"));
    buf_init(&page, 0);
    page_bar(p, &ask->place, ask->tenant, f, path, &page);
    reply_html(r, 200, &page);
}

static void answer_problems(
    struct preview *p, const struct ask *ask, struct http_request *r) {
    struct buf page;
    buf_init(&page, 0);
    page_problems(p, ask->tenant, &page);
    reply_html(r, 200, &page);
}

static void answer_view(
    struct preview *p, const struct ask *ask, struct http_request *r) {
    struct buf page;
    buf_init(&page, 0);
    page_view(p, ask->tenant, page_parameter(r), &page);
    reply_html(r, 200, &page);
}

static void answer_front(
    struct preview *p, const struct ask *ask, struct http_request *r, bool whole) {
    struct buf page;
    buf_init(&page, 0);
    page_front(p, &ask->place, whole, &page);
    reply_html(r, 200, &page);
}

static void answer_cards(
    struct preview *p, const struct ask *ask, struct http_request *r) {
    answer_front(p, ask, r, false);
}

static void answer_asset(
    struct preview *p, const struct ask *ask, struct http_request *r, struct str name) {
    struct str bytes = page_asset(name), suffix = path_suffix(name);
    bool style = str_is(suffix, "css"), script = str_is(suffix, "js");
    if (bytes.ptr && (style || script))
        http_reply(r, 200,
            style ? "text/css; charset=utf-8" : "text/javascript; charset=utf-8",
            bytes);
    else
        reply_message(p, ask, r, 404, "There is no such page", "");
}

static const struct own_page {
    const char *name;
    bool of_tenant; /* as it is now: the answer waits until the site was made anew */
    void (*answer)(struct preview *p, const struct ask *ask, struct http_request *r);
} own_pages[] = {
    {"events", false, answer_events},
    {"cards", false, answer_cards},
    {"bar", true, answer_bar},
    {"problems", true, answer_problems},
    {"view", true, answer_view},
};

static struct str own_name(const struct http_request *r) {
    return str_from(r->path + strlen("/.tenantry/"));
}

static const struct own_page *own_find(const struct http_request *r) {
    for (size_t i = 0; i < sizeof own_pages / sizeof *own_pages; i++)
        if (str_is(own_name(r), own_pages[i].name)) return &own_pages[i];
    return NULL;
}

static void own_ready(struct preview *p, struct http_request *r) {
    struct ask ask = ask_read(p, r);
    if (ask.tenant)
        own_find(r)->answer(p, &ask, r);
    else
        reply_unknown(p, &ask, r);
}

static void answer_own(struct preview *p, struct ask *ask, struct http_request *r) {
    const struct own_page *page = own_find(r);
    if (!page)
        answer_asset(p, ask, r, own_name(r));
    else if (!page->of_tenant)
        page->answer(p, ask, r);
    else if (ask->tenant)
        render_wait(p, ask->tenant, r, own_ready);
    else
        reply_unknown(p, ask, r);
}

/* ---- all ---- */

void serve_request(void *ctx, struct http_request *r) {
    struct preview *p = ctx;
    struct ask ask = ask_read(p, r);
    ask_remember(&ask, r);
    if (strcmp(r->method, "GET") && !r->head) {
        http_add_header(r, "Allow", STR("GET, HEAD"));
        http_reply(r, 405, "text/plain; charset=utf-8", STR("only GET and HEAD\n"));
    } else if (ask.unknown)
        reply_unknown(p, &ask, r);
    else if (!strncmp(r->path, "/.tenantry/", strlen("/.tenantry/")))
        answer_own(p, &ask, r);
    else if (ask.tenant)
        render_wait(p, ask.tenant, r, site_ready);
    else if (!strcmp(r->path, "/"))
        answer_front(p, &ask, r, true);
    else
        reply_message(p, &ask, r, 404, "There is no such page",
            "Here are only the tenants; the pages of each are behind its own name.");
}

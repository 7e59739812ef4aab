/* A tenant's files as a CDN would give them, by the rules of _headers and _redirects;
 * what edge_nginx.c writes for nginx, done at once. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/crypto.h"
#include "base/mem.h"
#include "generator/edge_apply.h"
#include "generator/preview_serve.h"

/* ---- which file ---- */

static const struct preview_file *file_at(
    const struct preview_tree *t, const char *path) {
    return map_get(&t->files, str_from(path));
}

/* Files that say how to serve, and dot files but .well-known. */
static bool is_hidden(const char *path) {
    if (!strcmp(path, "/_headers") || !strcmp(path, "/_redirects")) return true;
    for (const char *at = path; (at = strstr(at, "/.")); at++)
        if (at != path || strncmp(at, "/.well-known", 12) || (at[12] && at[12] != '/'))
            return true;
    return false;
}

const struct preview_file *serve_find(const struct preview_tree *t, const char *path) {
    char name[4096];
    size_t n = strlen(path);
    if (is_hidden(path) || !strcmp(path, "/404.html")) return NULL;
    bool folder = path[n - 1] == '/';
    snprintf(name, sizeof name, "%s%s", path + 1, folder ? "index.html" : "");
    const struct preview_file *f = file_at(t, name);
    if (f || folder) return f;
    snprintf(name, sizeof name, "%s.html", path + 1);
    return file_at(t, name);
}

static bool is_folder(const struct preview_tree *t, const char *path) {
    char name[4096];
    snprintf(name, sizeof name, "%s/index.html", path + 1);
    return file_at(t, name) != NULL;
}

static const struct preview_tree *tree_of(
    const struct preview_site *s, const char *host) {
    for (size_t i = 0; host && i < s->n_trees; i++)
        if (!strcmp(s->trees[i].host, host)) return &s->trees[i];
    return host ? NULL : &s->trees[0];
}

/* ---- redirects ---- */

/* Within the preview, another domain of ours is another name below localhost. */
static const char *kept_here(struct preview *p, const struct ask *ask,
    struct http_request *r, const char *target) {
    struct str rest = str_from(target), host;
    size_t at;
    bool web = str_starts(rest, "https://") || str_starts(rest, "http://");
    if (!web || (!ask->local && !ask->bare) || !str_find(rest, "//", &at))
        return target;
    rest = str_slice(rest, at + 2, rest.len);
    size_t n = strcspn(rest.ptr, "/?#");
    host = str_slice(rest, 0, n);
    const struct host *found = hosts_find(&p->build.hosts, host);
    if (!found) return target;
    const struct preview_tenant *t = preview_find(p, str_from(found->tenant));
    bool main = t && t->canonical && str_is(host, t->canonical);
    const char *id =
        main || !ask->place.names ? found->tenant : arena_str(&r->arena, host);
    const char *path = rest.ptr[n] == '/'
                           ? rest.ptr + n
                           : arena_printf(&r->arena, "/%s", rest.ptr + n);
    return page_tenant_url(&ask->place, id, path);
}

static void redirect(struct preview *p, const struct ask *ask, struct http_request *r,
    unsigned code, const char *target) {
    http_add_header(r, "Location", str_from(kept_here(p, ask, r, target)));
    http_reply(r, (int)code, "text/plain; charset=utf-8", STR("see Location\n"));
}

/* "/about" -> "/about/", "/about/index.html" -> "/about/". */
static bool redirect_clean(struct preview *p, const struct ask *ask,
    const struct preview_tree *t, struct http_request *r) {
    struct str raw = str_from(r->raw_path);
    const char *mark = *r->query ? "?" : "";
    char *to = NULL;
    bool safe = !strstr(r->path, "//") && !strchr(r->path, '\\');
    if (str_ends(raw, "/index.html") && safe)
        to = arena_printf(
            &r->arena, STR_FMT "%s%s", (int)(raw.len - 10), raw.ptr, mark, r->query);
    else if (!serve_find(t, r->path) && safe && !is_hidden(r->path) &&
             is_folder(t, r->path))
        to = arena_printf(&r->arena, "%s/%s%s", r->raw_path, mark, r->query);
    if (to) redirect(p, ask, r, 301, to);
    return to != NULL;
}

/* ---- headers ---- */

static void policy_directive(
    struct buf *out, struct str name, struct str rest, const char *more) {
    bool none = str_is(rest, "'none'");
    buf_printf(out, STR_FMT " " STR_FMT "%s%s; ", STR_ARG(name),
        none && more ? 0 : (int)rest.len, rest.ptr, more ? " " : "", more ? more : "");
}

static bool name_is(struct str s, const char *name) {
    return s.len == strlen(name) && !strncasecmp(s.ptr, name, s.len);
}

struct policy { /* what its text says of the things that our script needs */
    struct buf *out;
    const char *script;   /* its source, allowed */
    struct str otherwise; /* default-src */
    bool has_script, has_connect;
};

static void one_directive(struct policy *c, struct str text) {
    struct str name = text;
    size_t at = text.len;
    str_find_char(text, ' ', &at);
    name = str_slice(text, 0, at);
    struct str rest = str_trim(str_slice(text, at, text.len));
    bool script = name_is(name, "script-src"), connect = name_is(name, "connect-src");
    c->has_script |= script;
    c->has_connect |= connect;
    if (name_is(name, "default-src")) c->otherwise = rest;
    if (name_is(name, "upgrade-insecure-requests") ||
        name_is(name, "require-trusted-types-for") || !name.len)
        return;
    if (name_is(name, "frame-ancestors"))
        buf_cstr(c->out, "frame-ancestors 'self'; ");
    else
        policy_directive(c->out, name, rest,
            script || name_is(name, "script-src-elem") ? c->script
            : connect                                  ? "'self'"
                                                       : NULL);
}

/* The site's policy, as far as it lets our script run and the view frame the page. */
static struct str loosened(struct preview *p, struct http_request *r, struct str text) {
    struct str policy, directive;
    struct buf out;
    buf_init(&out, 0);
    const char *script = arena_printf(&r->arena, "'nonce-%s'", page_nonce(p));
    while (str_cut(&text, ',', &policy)) {
        struct policy c = {.out = &out, .script = script};
        if (out.len) buf_cstr(&out, ", ");
        while (str_cut(&policy, ';', &directive))
            one_directive(&c, str_trim(directive));
        if (!c.otherwise.ptr) continue;
        if (!c.has_script)
            policy_directive(&out, STR("script-src"), c.otherwise, script);
        if (!c.has_connect)
            policy_directive(&out, STR("connect-src"), c.otherwise, "'self'");
    }
    struct str all = arena_copy(&r->arena, buf_view(&out));
    buf_dispose(&out);
    return all;
}

static void add_field(struct preview *p, const struct ask *ask, struct http_request *r,
    const struct edge_field *f) {
    struct str value = f->value;
    size_t at;
    if (ask->browser && name_is(f->name, "Content-Security-Policy"))
        value = loosened(p, r, value);
    /* They would last longer than the preview. */
    if (ask->browser &&
        (name_is(f->name, "Strict-Transport-Security") ||
            name_is(f->name, "X-Frame-Options") || name_is(f->name, "Clear-Site-Data")))
        return;
    if (ask->browser && name_is(f->name, "Cache-Control") &&
        !str_find(value, "immutable", &at))
        return;
    http_add_header(r, arena_str(&r->arena, f->name), value);
}

/* Returns the type that the rules give, or NULL. */
static const char *add_headers(struct preview *p, const struct ask *ask,
    const struct preview_tree *t, struct http_request *r) {
    struct edge_path path = {t->host, str_from(r->path), str_from(r->raw_path)};
    struct edge_fields fields = edge_headers_apply(&t->headers, &path, &r->arena);
    const char *type = NULL;
    bool cache = false;
    size_t at;
    for (size_t i = 0; i < fields.n; i++) {
        const struct edge_field *f = &fields.items[i];
        if (name_is(f->name, "Content-Type"))
            type = arena_str(&r->arena, f->value);
        else
            add_field(p, ask, r, f);
        cache |= name_is(f->name, "Cache-Control") &&
                 (!ask->browser || str_find(f->value, "immutable", &at));
    }
    if (!cache) http_add_header(r, "Cache-Control", STR("no-cache"));
    return type;
}

/* ---- the answer ---- */

static const char *etag_of(const struct preview_file *f) {
    struct preview_file *mine = (struct preview_file *)f;
    char hex[SHA256_HEX_SIZE];
    if (*f->etag) return f->etag;
    sha256_hex(f->bytes, hex);
    snprintf(mine->etag, sizeof mine->etag, "\"%.16s\"", hex);
    return f->etag;
}

struct composed { /* a page with our script in it */
    struct buf bytes;
};

static void composed_free(void *ctx) {
    struct composed *c = ctx;
    buf_dispose(&c->bytes);
    mem_free(c);
}

/* Behind everything: scripts of the page see it as it will be. */
static void compose(
    struct preview *p, struct preview_tenant *t, struct str page, struct buf *out) {
    size_t end = page.len;
    for (size_t i = page.len; i-- > 0 && page.len - i < 4096;)
        if (page.len - i >= 7 && !strncasecmp(page.ptr + i, "</body>", 7)) {
            end = i;
            break;
        }
    buf_str(out, str_slice(page, 0, end));
    page_inject(p, t, out);
    buf_str(out, str_slice(page, end, page.len));
}

static void reply_composed(struct preview *p, const struct ask *ask,
    struct http_request *r, int status, const struct preview_file *f) {
    struct composed *c = mem_calloc(1, sizeof *c);
    buf_init(&c->bytes, 0);
    compose(p, ask->tenant, f->bytes, &c->bytes);
    char *etag = arena_printf(
        &r->arena, "%.13s-%s-%u\"", etag_of(f), page_nonce(p), ask->tenant->version);
    struct http_file file = {buf_view(&c->bytes), etag, composed_free, c};
    http_reply_file(r, status, &file);
}

static void reply_file(struct preview *p, const struct ask *ask,
    const struct preview_tree *t, struct http_request *r, int status,
    const struct preview_file *f) {
    const char *type = add_headers(p, ask, t, r);
    char *path = arena_printf(&r->arena, "/%s", f->path);
    if (!type || status == 404) type = edge_type(&r->arena, str_from(path));
    http_add_header(r, "Content-Type", str_from(type));
    bool page = str_starts(str_from(type), "text/html");
    if (page) http_add_header(r, "Vary", STR("Accept, User-Agent"));
    if (page && ask->browser) {
        reply_composed(p, ask, r, status, f);
        return;
    }
    struct preview_site *s = ask->tenant->site;
    s->references++;
    struct http_file file = {f->bytes, etag_of(f), preview_site_release, s};
    http_reply_file(r, status, &file);
}

static void reply_missing(struct preview *p, const struct ask *ask,
    const struct preview_tree *t, struct http_request *r) {
    const struct preview_file *f = file_at(t, "404.html");
    if (f) {
        reply_file(p, ask, t, r, 404, f);
        return;
    }
    struct preview_file none = {.path = "404.html", .bytes = STR("")};
    none.bytes =
        STR("<!doctype html>\n<title>404</title>\n<p>There is no such page.\n");
    if (ask->browser) {
        reply_file(p, ask, t, r, 404, &none);
        return;
    }
    http_reply(r, 404, "text/html; charset=utf-8", none.bytes);
}

/* Code 200 of _redirects: the file of another path. */
static const struct preview_file *rewritten(
    const struct preview_tree *t, struct arena *a, const char *target) {
    struct str path = str_from(target);
    path = str_slice(path, 0, strcspn(target, "?#"));
    const char *decoded = arena_str(a, path_from_url(a, path));
    const struct preview_file *f = *decoded == '/' ? serve_find(t, decoded) : NULL;
    if (f || *decoded != '/') return f;
    return serve_find(t, arena_printf(a, "%s/", decoded));
}

void serve_site(struct preview *p, const struct ask *ask, struct http_request *r) {
    const struct preview_site *s = ask->tenant->site;
    const struct preview_tree *t = tree_of(s, ask->host);
    const char *target = NULL;
    if (!t) { /* a host below one that is claimed */
        const char *query = *r->query ? "?" : "";
        redirect(p, ask, r, 301,
            arena_printf(&r->arena, "https://%s%s%s%s", s->trees[0].host, r->raw_path,
                query, r->query));
        return;
    }
    if (is_hidden(r->path)) {
        reply_missing(p, ask, t, r);
        return;
    }
    struct edge_path path = {t->host, str_from(r->path), str_from(r->raw_path)};
    unsigned code = edge_redirects_apply(
        &t->redirects, &path, str_from(r->query), &r->arena, &target);
    if (code && code != 200) {
        add_headers(p, ask, t, r);
        redirect(p, ask, r, code, target);
        return;
    }
    if (!code && redirect_clean(p, ask, t, r)) return;
    const struct preview_file *f =
        code ? rewritten(t, &r->arena, target) : serve_find(t, r->path);
    if (f)
        reply_file(p, ask, t, r, 200, f);
    else
        reply_missing(p, ask, t, r);
}

#include "generator/edge_nginx.h"

#include <string.h>

#include "base/mem.h"

static void write_listen(
    struct buf *out, const struct edge_nginx *conf, const char *suffix) {
    struct str rest = str_from(conf->listen ? conf->listen : "80"), part;
    while (str_cut(&rest, ',', &part)) {
        part = str_trim(part);
        if (part.len)
            buf_printf(out, "    listen " STR_FMT "%s;\n", STR_ARG(part), suffix);
    }
}

static const char head_comment[] =
    "# Every site for nginx, made by `tenantry build`; changes to this file are lost.\n"
    "# Include it in nginx.conf, inside http { }, and reload nginx when it has "
    "changed:\n"
    "#\n"
    "#     map \"\" $tenantry_root { default /path/to/out; }\n"
    "#     include /path/to/out/nginx.conf;\n"
    "#\n"
    "# It brings the types of files (mime.types beside it only causes warnings), the\n"
    "# default server and server_names_hash_*: leave those out elsewhere. "
    "Compression\n"
    "# and logs are yours to set in http { }. What every server shall have besides, "
    "such\n"
    "# as TLS, goes into files tenantry-server*.conf beside nginx's own nginx.conf; "
    "of\n"
    "# the default server: tenantry-default*.conf.\n";

/* The maps look at what was asked for, so they hold on the error page too:
 * tenantry_path   the path as it was sent, safe to copy into an answer
 * tenantry_hidden dot files but .well-known, and the files that say how to serve
 * tenantry_index  the folder, when its index.html was named
 * tenantry_file, tenantry_page
 *                 what to try: /a/ is /a/index.html, and /a may be a.html or folder a
 * No `//` or backslash may begin a redirect: it would lead to another host. */
static const char head_maps[] =
    "geo $tenantry_dollar {\n    default \"$\";\n}\n"
    "map $request_uri $tenantry_path {\n"
    "    \"~^(?<tenantry_sent>[^?#]*)\" $tenantry_sent;\n}\n"
    "map $uri $tenantry_hidden {\n"
    "    \"~(?s)^/(?:_(?:headers|redirects)$|\\\\.(?!well-known(?:/|$))|.*/\\\\.)\" "
    "1;\n}\n"
    "map $tenantry_path $tenantry_index {\n"
    "    \"~^(?<tenantry_folder>/(?:[^/\\\\\\\\][^\\\\\\\\]*/)?)index\\\\.html$\" "
    "$tenantry_folder;\n}\n"
    "map $uri $tenantry_file {\n    default $uri;\n    \"~/$\" "
    "\"${uri}index.html\";\n}\n"
    "map $uri $tenantry_page {\n    default $uri;\n    \"~/$\" /.none;\n}\n";

void edge_nginx_head(struct buf *out, const struct edge_nginx *conf) {
    buf_cstr(out, head_comment);
    buf_cstr(out, "\nserver_names_hash_max_size 32768;\n"
                  "server_names_hash_bucket_size 256;\n");
    buf_cstr(out, head_maps);
    nginx_types(out);
    buf_cstr(out, "\n# Hosts that nobody claims.\nserver {\n");
    write_listen(out, conf, " default_server");
    buf_cstr(out, "    server_name _;\n    include tenantry-default*.conf;\n"
                  "    return 421;\n}\n");
}

void nginx_serve_files(struct buf *out) {
    buf_cstr(out,
        "        if ($tenantry_index) {\n"
        "            return 301 $tenantry_index$is_args$args;\n        }\n"
        "        try_files $tenantry_file $tenantry_page.html $tenantry_page/ =404;\n");
}

bool nginx_exact_location(struct nginx_server *s, const char *path, bool redirect) {
    for (size_t i = 0; i < s->n_exact; i++)
        if (strcmp(s->exact[i], path) == 0) return false;
    s->exact = mem_grow(s->exact, &s->cap_exact, s->n_exact + 1, sizeof *s->exact);
    s->exact[s->n_exact++] = path;
    bool regex = s->dynamic && !redirect;
    buf_cstr(s->out, regex ? "    location ~ " : "    location = ");
    if (regex)
        nginx_exact_regex(s->out, str_from(path));
    else
        nginx_quoted(s->out, str_from(path));
    buf_cstr(s->out, " {\n");
    return true;
}

/* `return 301 "target";`, the query of the request going along unless the target has
 * its own. */
static void write_return(struct buf *out, const struct edge_redirect *rule) {
    size_t hash = rule->to.len, query;
    str_find_char(rule->to, '#', &hash);
    struct str to = str_slice(rule->to, 0, hash);
    buf_printf(out, "        return %u \"", rule->code);
    nginx_substitute(out, to, rule->from.path);
    if (!str_find_char(to, '?', &query)) buf_cstr(out, "$is_args$args");
    nginx_substitute(out, str_slice(rule->to, hash, rule->to.len), rule->from.path);
    buf_cstr(out, "\";\n");
}

/* Code 200: the file of another path. */
static void write_rewrite(struct buf *out, const struct edge_redirect *rule) {
    struct str to = rule->to;
    size_t at;
    if (str_find_char(to, '#', &at)) to = str_slice(to, 0, at);
    if (str_find_char(to, '?', &at)) to = str_slice(to, 0, at);
    static const char *const endings[] = {"", ".html", "/index.html"};
    bool folder = str_ends(to, "/");
    buf_cstr(out, "        try_files");
    for (size_t i = 0; i < (folder ? 1 : 3); i++) {
        buf_cstr(out, " \"");
        nginx_substitute(out, to, rule->from.path);
        buf_printf(out, "%s\"", folder ? "index.html" : endings[i]);
    }
    buf_cstr(out, " =404;\n");
}

/* Number of the capture right behind the target's first slash, or 0. */
static unsigned leading_capture(const struct edge_redirect *rule) {
    struct str rest = rule->to;
    struct edge_piece first, second;
    if (!edge_piece_next(&rest, &first) || !str_is(first.text, "/")) return 0;
    if (!edge_piece_next(&rest, &second) || second.kind != EDGE_NAME) return 0;
    return edge_capture_index(rule->from.path, second.text);
}

static void write_dynamic(struct nginx_server *s, const struct edge_redirect *rule) {
    buf_cstr(s->out, "    location ~ ");
    nginx_regex(s->out, rule->from.path, rule->code == 200);
    buf_cstr(s->out, " {\n");
    if (rule->code == 200)
        write_rewrite(s->out, rule);
    else if (!nginx_uses_captures(rule->to, rule->from.path))
        write_return(s->out, rule);
    else {
        /* Only the path as it was sent may be copied: a decoded one may hold newlines.
         */
        buf_cstr(s->out, "        if ($tenantry_path ~ ");
        nginx_raw_regex(s->out, rule->from.path, leading_capture(rule));
        buf_cstr(s->out, ") {\n    ");
        write_return(s->out, rule);
        buf_cstr(s->out, "        }\n        return 404;\n");
    }
    buf_cstr(s->out, "    }\n");
}

void nginx_redirect_locations(struct nginx_server *s) {
    for (size_t i = 0; i < s->redirects->n; i++) {
        const struct edge_redirect *rule = &s->redirects->rules[i];
        if (rule->from.dynamic) {
            write_dynamic(s, rule);
            continue;
        }
        const char *path = nginx_path(s->arena, rule->from.path);
        if (!path || !nginx_exact_location(s, path, true)) continue;
        if (rule->code == 200)
            write_rewrite(s->out, rule);
        else
            write_return(s->out, rule);
        buf_cstr(s->out, "    }\n");
    }
}

static void write_server(struct buf *out, const struct edge_nginx *conf,
    const char *name, const char *redirect_to) {
    buf_cstr(out, "\nserver {\n");
    write_listen(out, conf, "");
    buf_printf(out, "    server_name %s;\n    include tenantry-server*.conf;\n", name);
    if (!redirect_to) return;
    buf_cstr(out, "    return 301 \"");
    nginx_value(out, str_from(redirect_to));
    buf_cstr(out, "$request_uri\";\n}\n");
}

static void write_files(struct nginx_server *s, const struct edge_nginx *conf) {
    buf_cstr(s->out, "    root \"");
    if (conf->root)
        nginx_value(s->out, str_from(conf->root));
    else
        buf_cstr(s->out, "${tenantry_root}");
    buf_printf(s->out, "/%s\";\n", s->site->host);
    nginx_charset(s->out);
    buf_cstr(s->out, "    default_type application/octet-stream;\n"
                     "    absolute_redirect off;\n"
                     "    error_page 404 @missing;\n");
    nginx_headers(s);
    buf_cstr(s->out, "    if ($tenantry_hidden) {\n        return 404;\n    }\n");
    nginx_redirect_locations(s);
    if (nginx_exact_location(s, "/404.html", false))
        buf_cstr(s->out, "        return 404;\n    }\n");
    nginx_type_locations(s);
    buf_cstr(s->out, "    location / {\n");
    nginx_serve_files(s->out);
    buf_cstr(s->out, "    }\n"
                     "    location @missing {\n"
                     "        try_files /404.html =404;\n    }\n}\n");
}

void edge_nginx_site(
    struct buf *out, const struct edge_nginx *conf, const struct edge_site *site) {
    write_server(out, conf, site->host, site->redirect_to);
    if (site->redirect_to) return;
    struct diag_list ignored;
    struct arena arena;
    struct edge_headers headers;
    struct edge_redirects redirects;
    diag_init(&ignored);
    arena_init(&arena);
    edge_headers_parse(&headers, site->headers, "_headers", &ignored);
    edge_redirects_parse(&redirects, site->redirects, "_redirects", &ignored);
    struct nginx_server s = {.out = out,
        .site = site,
        .headers = &headers,
        .redirects = &redirects,
        .arena = &arena};
    for (size_t i = 0; i < redirects.n; i++)
        s.dynamic = s.dynamic || redirects.rules[i].from.dynamic;
    write_files(&s, conf);
    mem_free(s.exact);
    edge_redirects_dispose(&redirects);
    edge_headers_dispose(&headers);
    arena_dispose(&arena);
    diag_dispose(&ignored);
}

void edge_nginx_wildcard(struct buf *out, const struct edge_nginx *conf,
    const char *domain, const char *url) {
    struct buf name;
    buf_init(&name, 0);
    buf_printf(&name, "*.%s", domain);
    write_server(out, conf, name.ptr, url);
    buf_dispose(&name);
}

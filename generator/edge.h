/* _headers and _redirects: Cloudflare's format and limits, compiled for nginx. */
#ifndef GENERATOR_EDGE_H
#define GENERATOR_EDGE_H
#include <stdbool.h>
#include "base/diag.h"
#include "base/json.h"

/* Checks a rendered file against Cloudflare's rules and limits (facts: 100 header rules, 2,000 characters a line, one splat,
 * 2,000 static + 100 dynamic redirects, ...). `file` names the output for messages. False: errors were reported. */
bool edge_check_headers(struct str text, const char *file, struct diag_list *diags);
bool edge_check_redirects(struct str text, const char *file, struct diag_list *diags);

/* One tree as nginx serves it. */
struct edge_site {
    const char *host;       /* server_name and folder below out/ */
    const char *redirect_to; /* NULL, or for a tree that only redirects: "https://canonical" */
    struct str headers;     /* text of its _headers; may be empty */
    struct str redirects;   /* text of its _redirects; may be empty */
};
/* Appends what belongs once at the head of nginx.conf: maps, types (text/markdown, manifest), comments on how to include it
 * inside http { } with `root` = absolute path of out/. */
void edge_nginx_head(struct buf *out, const char *root);
/* Appends the server block of one site: clean URLs (/about/ -> about/index.html, /about -> 301 /about/), 404.html, headers per
 * path, redirects (static by exact location, splats and placeholders by regex), never serving dot files but .well-known. */
void edge_nginx_site(struct buf *out, const struct edge_site *site);
/* Appends a server block that sends hosts below a claimed domain to `url` (only when nothing else claims them). */
void edge_nginx_wildcard(struct buf *out, const char *domain, const char *url);
#endif

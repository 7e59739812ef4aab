/* _headers and _redirects: Cloudflare's format and limits, compiled for nginx. */
#ifndef GENERATOR_EDGE_H
#define GENERATOR_EDGE_H
#include <stdbool.h>
#include "base/diag.h"
#include "base/str.h"

/* Checks a rendered file against Cloudflare's rules and limits: 100 header rules, 2,000
 * characters a line, one splat a path, 2,000 static and 100 dynamic redirects of 1,000
 * characters, static ones first, no loops ... `file` names the output for messages.
 * False: errors were reported; warnings are no errors. */
bool edge_check_headers(struct str text, const char *file, struct diag_list *diags);
bool edge_check_redirects(struct str text, const char *file, struct diag_list *diags);

/* What all server blocks share. */
struct edge_nginx {
    const char *root; /* absolute path of out/; NULL: the variable $tenantry_root, which
                         the includer sets, so that the file can move with out/ */
    const char *listen; /* parameters of `listen`, several separated by commas:
                           "443 ssl, [::]:443 ssl"; NULL: "80" */
};
/* One tree as nginx serves it. */
struct edge_site {
    const char *host;        /* server_name and folder below out/ */
    const char *redirect_to; /* NULL, or for a tree that only redirects:
                                "https://canonical" */
    struct str headers;      /* text of its _headers; may be empty */
    struct str redirects;    /* text of its _redirects; may be empty */
};
/* Appends what belongs once at the head of nginx.conf: how to include it, maps, types,
 * and the server that answers 421 to hosts that nobody claims. */
void edge_nginx_head(struct buf *out, const struct edge_nginx *conf);
/* Appends the server block of one site: clean URLs (/about/ is about/index.html, /about
 * and /about/index.html lead to /about/), 404.html, headers by path, redirects before
 * files; never dot files but .well-known.  Rules that edge_check_* calls errors are
 * left out. */
void edge_nginx_site(
    struct buf *out, const struct edge_nginx *conf, const struct edge_site *site);
/* Appends a server block that sends hosts below a claimed domain to `url` (only when
 * nothing else claims them). */
void edge_nginx_wildcard(struct buf *out, const struct edge_nginx *conf,
    const char *domain, const char *url);
#endif

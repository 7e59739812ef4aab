/* nginx.conf from rules.  Part of edge. */
#ifndef GENERATOR_EDGE_NGINX_H
#define GENERATOR_EDGE_NGINX_H
#include "generator/edge.h"
#include "generator/edge_rules.h"

/* One server block in the making. */
struct nginx_server {
    struct buf *out;
    const struct edge_site *site;
    const struct edge_headers *headers;
    const struct edge_redirects *redirects;
    struct arena *arena;
    bool dynamic;       /* there are redirects by regex, which go before files */
    const char **exact; /* paths that have their location */
    size_t n_exact, cap_exact;
};

/* Text within double quotes.  nginx has no escape for `$`: where it expands variables,
 * a variable of the head stands for it. */
void nginx_plain(struct buf *out, struct str s);  /* no variables there */
void nginx_value(struct buf *out, struct str s);  /* variables are expanded */
void nginx_quoted(struct buf *out, struct str s); /* nginx_plain with the quotes */

/* The path of a pattern without captures as nginx sees it ("%20" is " "); NULL when it
 * cannot be (control characters). */
const char *nginx_path(struct arena *a, struct str path);
/* Appends the pattern as a quoted regex: for the decoded $uri ...  Captures are named
 * tenantry_1, tenantry_2 ...: `set` would escape $1 once more. */
void nginx_regex(struct buf *out, struct str pattern, bool capture);
void nginx_exact_regex(struct buf *out, struct str decoded); /* one path, as it is */
/* ... or for the path as it was sent, which alone is safe to copy into an answer.
 * `guarded`: number of the capture that may not begin with a slash, or 0. */
void nginx_raw_regex(struct buf *out, struct str pattern, unsigned guarded);
/* Whether the text holds placeholders of the pattern; appends it with their captures.
 */
bool nginx_uses_captures(struct str text, struct str pattern);
void nginx_substitute(struct buf *out, struct str text, struct str pattern);

/* Whether the rule may hold for the host. */
bool nginx_host_matches(const struct edge_pattern *p, const char *host);

/* `set`, `if` and `add_header` lines of a server. */
void nginx_headers(struct nginx_server *s);
/* Locations for files whose Content-Type a rule sets, and the feeds. */
void nginx_type_locations(struct nginx_server *s);
void nginx_redirect_locations(struct nginx_server *s);
/* Begins "location = path {" once per path (false: it has one); as a regex when the
 * server has dynamic redirects, which must win. */
bool nginx_exact_location(struct nginx_server *s, const char *path, bool redirect);
/* What a location that serves files consists of. */
void nginx_serve_files(struct buf *out);

void nginx_types(struct buf *out);   /* the `types` block of the head */
void nginx_charset(struct buf *out); /* `charset` and `charset_types` of a server */
/* Whether a file at `path` has this Content-Type anyway. */
bool nginx_type_is_default(struct str path, struct str type);
#endif

/* Writes nginx.conf for a tree that was made by hand: conf ROOT LISTEN, and on standard
 * input lines "site HOST", "alias HOST URL", "below DOMAIN URL". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "generator/edge.h"

static void read_file(
    struct buf *b, const char *root, const char *host, const char *name) {
    char path[4096];
    int c;
    snprintf(path, sizeof path, "%s/%s/%s", root, host, name);
    FILE *f = fopen(path, "r");
    if (!f) return;
    while ((c = getc(f)) != EOF) buf_char(b, (char)c);
    fclose(f);
}

static bool write_site(
    struct buf *out, const struct edge_nginx *conf, struct edge_site *site) {
    struct buf headers, redirects;
    struct diag_list diags;
    buf_init(&headers, 0);
    buf_init(&redirects, 0);
    diag_init(&diags);
    read_file(&headers, conf->root, site->host, "_headers");
    read_file(&redirects, conf->root, site->host, "_redirects");
    site->headers = buf_view(&headers);
    site->redirects = buf_view(&redirects);
    bool ok = edge_check_headers(site->headers, "_headers", &diags);
    ok = edge_check_redirects(site->redirects, "_redirects", &diags) && ok;
    for (const struct diag *d = diags.first; d; d = d->next)
        fprintf(stderr, "%s:%u:%u: %s\n", d->place.file, d->place.line, d->place.col,
            d->message);
    edge_nginx_site(out, conf, site);
    buf_dispose(&headers);
    buf_dispose(&redirects);
    diag_dispose(&diags);
    return ok;
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    struct edge_nginx conf = {.root = argv[1], .listen = argv[2]};
    struct buf out;
    char kind[16], host[300], url[300], line[700];
    bool ok = true;
    buf_init(&out, 0);
    edge_nginx_head(&out, &conf);
    while (fgets(line, sizeof line, stdin)) {
        int n = sscanf(line, "%15s %299s %299s", kind, host, url);
        struct edge_site site = {.host = host, .redirect_to = n == 3 ? url : NULL};
        if (n >= 2 && strcmp(kind, "below") == 0)
            edge_nginx_wildcard(&out, &conf, host, url);
        else if (n >= 2)
            ok = write_site(&out, &conf, &site) && ok;
    }
    fwrite(out.ptr, 1, out.len, stdout);
    buf_dispose(&out);
    return ok ? 0 : 1;
}

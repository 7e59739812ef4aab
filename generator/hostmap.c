#include "generator/hostmap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "generator/edge.h"
#include "model/hosts.h"

#define HOSTMAP_MAX (64u << 20) /* bytes of hosts.json */
#define EDGE_MAX (4u << 20)     /* bytes of one _headers or _redirects */

/* The includer says where out/ lies, so that the same build gives the same bytes
 * wherever it goes. */
static const struct edge_nginx nginx = {.root = NULL};

static struct root out_root(const struct out_dir *out) {
    return (struct root){.fd = out->fd, .name = out->name};
}

json_t *hostmap_read(const struct out_dir *out) {
    struct root root = out_root(out);
    struct buf text;
    struct diag_list ignored;
    json_t *map = NULL;
    buf_init(&text, 0);
    diag_init(&ignored);
    if (!root_read(&root, "hosts.json", HOSTMAP_MAX, &text))
        map = json_parse(buf_view(&text), "hosts.json", &ignored);
    json_t *hosts = json_incref(json_object_get(map, "hosts"));
    json_decref(map);
    diag_dispose(&ignored);
    buf_dispose(&text);
    if (json_is_object(hosts)) return hosts;
    json_decref(hosts);
    return json_object();
}

const char *hostmap_tenant(const json_t *map, const char *key) {
    const char *tenant =
        json_string_value(json_object_get(json_object_get(map, key), "tenant"));
    if (tenant || !strncmp(key, "www.", 4)) return tenant;
    char *www = mem_alloc(strlen(key) + 5);
    memcpy(www, "www.", 4);
    memcpy(www + 4, key, strlen(key) + 1);
    tenant = json_string_value(json_object_get(json_object_get(map, www), "tenant"));
    mem_free(www);
    return tenant;
}

void hostmap_drop(json_t *map, bool (*gone)(void *ctx, const char *tenant), void *ctx) {
    const char *host;
    json_t *entry;
    void *next;
    json_object_foreach_safe(map, next, host, entry) {
        const char *tenant = json_string_value(json_object_get(entry, "tenant"));
        if (!tenant || gone(ctx, tenant)) json_object_del(map, host);
    }
}

void hostmap_put(json_t *map, const char *tenant, const json_t *sites) {
    const char *canonical = json_path_string(json_array_get(sites, 0), "host");
    json_t *site;
    size_t i;
    json_array_foreach(sites, i, site) {
        const char *host = json_path_string(site, "host");
        json_t *entry = json_object();
        json_set_str(entry, "tenant", tenant);
        json_set_str(entry, "tree", host);
        json_set_str(entry, "canonical", canonical);
        json_object_set(entry, "redirect", json_object_get(site, "redirects"));
        json_object_set_new(map, host, entry);
    }
}

static int by_text(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The hosts that have a tree, in byte order. */
static const char **hosts_with_tree(const struct out_dir *out, json_t *map, size_t *n) {
    const char **hosts = mem_alloc((json_object_size(map) + 1) * sizeof *hosts), *host;
    json_t *entry;
    *n = 0;
    json_object_foreach(map, host, entry) {
        struct stat st;
        struct str name = str_from(host);
        if (path_is_safe(name) && !str_find_char(name, '/', &(size_t){0}) &&
            !fstatat(out->fd, host, &st, AT_SYMLINK_NOFOLLOW) && S_ISDIR(st.st_mode))
            hosts[(*n)++] = host;
    }
    qsort(hosts, *n, sizeof *hosts, by_text);
    return hosts;
}

static int write_hosts(
    const struct out_dir *out, json_t *map, const char **hosts, size_t n) {
    json_t *top = json_object(), *sorted = json_object();
    struct buf text;
    for (size_t i = 0; i < n; i++)
        json_object_set(sorted, hosts[i], json_object_get(map, hosts[i]));
    json_object_set_new(top, "hosts", sorted);
    buf_init(&text, 0);
    json_write(&text, top, 2);
    buf_char(&text, '\n');
    int err = file_write_replace(out->fd, "hosts.json", buf_view(&text));
    buf_dispose(&text);
    json_decref(top);
    return err;
}

static void read_edge_file(
    const struct out_dir *out, const char *host, const char *name, struct buf *text) {
    struct root root = out_root(out);
    struct buf path;
    buf_init(&path, 0);
    buf_printf(&path, "%s/%s", host, name);
    buf_reset(text);
    root_read(&root, path.ptr, EDGE_MAX, text); /* without the file: no rules */
    buf_dispose(&path);
}

/* Hosts below a claimed domain belong to it (model/hosts.h), so nginx sends them on.
 * One rule a matched name: www.x adds nothing to x. */
static void add_wildcard(
    struct buf *conf, json_t *map, const char *host, const char *url) {
    if (!strncmp(host, "www.", 4) && json_object_get(map, host + 4)) return;
    edge_nginx_wildcard(conf, &nginx, host, url);
}

static void add_site(
    struct buf *conf, const struct out_dir *out, json_t *map, const char *host) {
    json_t *entry = json_object_get(map, host);
    const char *canonical = json_string_value(json_object_get(entry, "canonical"));
    struct buf headers, redirects, url;
    buf_init(&headers, 0);
    buf_init(&redirects, 0);
    buf_init(&url, 0);
    buf_printf(&url, "https://%s", canonical ? canonical : host);
    read_edge_file(out, host, "_headers", &headers);
    read_edge_file(out, host, "_redirects", &redirects);
    bool redirect = json_is_true(json_object_get(entry, "redirect"));
    struct edge_site site = {.host = host,
        .redirect_to = redirect ? url.ptr : NULL,
        .headers = buf_view(&headers),
        .redirects = buf_view(&redirects)};
    edge_nginx_site(conf, &nginx, &site);
    add_wildcard(conf, map, host, url.ptr);
    buf_dispose(&headers);
    buf_dispose(&redirects);
    buf_dispose(&url);
}

int hostmap_write(const struct out_dir *out, json_t *map) {
    struct buf conf;
    size_t n;
    const char **hosts = hosts_with_tree(out, map, &n);
    buf_init(&conf, 0);
    edge_nginx_head(&conf, &nginx);
    for (size_t i = 0; i < n; i++) add_site(&conf, out, map, hosts[i]);
    int err = file_write_replace(out->fd, "nginx.conf", buf_view(&conf));
    if (!err) err = write_hosts(out, map, hosts, n);
    buf_dispose(&conf);
    mem_free(hosts);
    return err;
}

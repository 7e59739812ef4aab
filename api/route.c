#include "api/route.h"

#include <string.h>

/* Whether `path` has the route's shape; what stands for its names goes to `parts`. */
static bool matches(
    const char *shape, const char *path, struct arena *a, const char *parts[2]) {
    size_t n = 0;
    while (*shape) {
        if (*shape != '{') {
            if (*shape++ != *path++) return false;
            continue;
        }
        const char *end = strchr(shape, '}');
        size_t len = end[-1] == '*' ? strlen(path) : strcspn(path, "/");
        if (!len || n == 2) return false;
        parts[n++] = arena_str(a, (struct str){path, len});
        path += len;
        shape = end + 1;
    }
    return !*path;
}

static bool takes(const struct route *r, const char *method) {
    return !strcmp(r->method, method) ||
           (!strcmp(method, "HEAD") && !strcmp(r->method, "GET"));
}

size_t routes_count(void) {
    size_t n = 0;
    while (routes[n].path) n++;
    return n;
}

const struct route *route_find(const char *method, const char *path, struct arena *a,
    const char *parts[2], char **allow) {
    *allow = "";
    for (const struct route *r = routes; r->path; r++) {
        if (!matches(r->path, path, a, parts)) continue;
        if (takes(r, method)) return r;
        *allow = arena_printf(a, "%s%s%s%s", *allow, **allow ? ", " : "", r->method,
            strcmp(r->method, "GET") ? "" : ", HEAD");
    }
    return NULL;
}

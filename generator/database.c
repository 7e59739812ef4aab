#include "generator/database.h"

#include <stdarg.h>
#include <stdlib.h>

bool database_trouble(struct diag_list *diags, const char *file, const char *fmt, ...) {
    struct buf text;
    va_list ap;
    buf_init(&text, 0);
    va_start(ap, fmt);
    buf_vprintf(&text, fmt, ap);
    va_end(ap);
    diag_add(diags, DIAG_ERROR, DIAG_FILE(file), "%s", text.ptr);
    diags->machine = diags->last->machine = true;
    buf_dispose(&text);
    return false;
}

bool database_failed(struct database *d, const char *doing) {
    return database_trouble(d->diags, NULL, "%s: %s: %s",
        pg_describe(&d->arena, d->url), doing,
        d->pg.error.len ? d->pg.error.ptr : "no reason given");
}

const char *database_given(const struct options *o) {
    const char *env = getenv("DATABASE_URL");
    if (o->database) return o->database;
    return env && *env ? env : NULL;
}

const char *database_url(const struct options *o, struct arena *a) {
    const char *url = database_given(o);
    if (url) return url;
    struct diag_list ignored;
    struct server s;
    diag_init(&ignored);
    if (server_find(&s, o->dir, &ignored) && server_exists(&s) && server_running(&s))
        url = arena_strdup(a, s.url);
    server_dispose(&s);
    diag_dispose(&ignored);
    return url;
}

bool database_connect(struct database *d, const struct options *o, const char *url,
    struct diag_list *diags) {
    *d = (struct database){.options = o, .diags = diags};
    arena_init(&d->arena);
    d->url = arena_strdup(&d->arena, url);
    return pg_open(&d->pg, url);
}

bool database_unanswered(struct database *d) {
    return database_failed(d, "the database does not answer");
}

bool database_open(struct database *d, const struct options *o, const char *url,
    struct diag_list *diags) {
    return database_connect(d, o, url, diags) || database_unanswered(d);
}

void database_close(struct database *d) {
    pg_close(&d->pg);
    arena_dispose(&d->arena);
}

/* Following the database: a notification, a new connection or a few seconds that have
 * passed are reasons to look; only the look tells what changed. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "generator/build_watch_internal.h"

static void heard(void *ctx, const char *payload) {
    struct watcher *w = ctx;
    (void)payload; /* anybody may send one, and not all arrive */
    w->look_wanted = true;
    watcher_go_on(w);
}

static void listening(void *ctx) {
    struct watcher *w = ctx;
    w->connected = true;
    w->look_wanted = true;
    if (w->was_connected) {
        watch_trouble(w, "the database answers again");
        /* The workers' connections may be as dead as this one was.  And what is there
         * now may be less than what was: after a crash without its last commits, or on
         * another server.  So all are compared, those that changed first. */
        worker_pool_renew(w->pool);
        tenants_mark(w, CAUSE_COMPARED);
    }
    w->was_connected = true;
    w->database_said = (struct hash){0};
    tenants_retry(w);
    watcher_go_on(w);
}

static void lost(void *ctx, const char *why) {
    struct watcher *w = ctx;
    struct diag_list diags;
    w->connected = false;
    diag_init(&diags);
    diag_add(&diags, DIAG_WARNING, DIAG_NOWHERE,
        "the database is gone: %s; all sites stay as they are until it is back", why);
    watch_say(w, &diags, &w->database_said);
    diag_dispose(&diags);
}

void rows_follow(struct watcher *w) {
    struct listen_settings s = {.url = w->url,
        .channel = "tenantry",
        .heard = heard,
        .listening = listening,
        .lost = lost,
        .ctx = w};
    w->listener = listen_new(w->loop, &s);
}

void rows_dispose(struct watcher *w) {
    listen_free(w->listener);
    pull_close(w->pull);
    mem_free(w->snapshot);
}

bool rows_look(struct watcher *w) {
    struct buf request;
    unsigned slot;
    buf_init(&request, 0);
    buf_char(&request, REQUEST_LOOK);
    buf_cstr(&request, w->snapshot);
    bool given = worker_pool_give(w->pool, buf_view(&request), &slot);
    buf_dispose(&request);
    if (!given) return false;
    w->slots[slot].tenant = NULL;
    w->looking = true;
    w->look_wanted = false;
    w->looked = clock_seconds();
    return true;
}

static void mark_changed(struct watcher *w, struct str slugs) {
    struct str slug;
    while (str_cut(&slugs, '\n', &slug)) {
        struct watched *t = map_get(&w->by_id, slug);
        if (t) tenant_mark(w, t, CAUSE_ROWS); /* rows need not have a folder */
    }
}

void rows_looked(struct watcher *w, struct str bytes, const char *why) {
    struct str snapshot = {0}, slugs = {0};
    struct diag_list diags;
    w->looking = false;
    diag_init(&diags);
    bool whole = bytes.ptr && result_take(&bytes, &snapshot) &&
                 result_take(&bytes, &slugs) && diag_unpack(&diags, bytes);
    if (!whole)
        diag_add(&diags, DIAG_WARNING, DIAG_NOWHERE,
            "looking for changes in the database %s; it is tried again", why);
    watch_say(w, &diags, &w->database_said);
    diag_dispose(&diags);
    /* Without a new snapshot the next look begins where this one did. */
    if (!whole || !snapshot.len) return;
    mem_free(w->snapshot);
    w->snapshot = mem_alloc(snapshot.len + 1);
    memcpy(w->snapshot, snapshot.ptr, snapshot.len);
    w->snapshot[snapshot.len] = '\0';
    mark_changed(w, slugs);
}

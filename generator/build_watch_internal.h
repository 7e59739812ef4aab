/* The parts of a build that stays. */
#ifndef GENERATOR_BUILD_WATCH_INTERNAL_H
#define GENERATOR_BUILD_WATCH_INTERNAL_H
#include <sys/queue.h>
#include "base/listen.h"
#include "base/loop.h"
#include "base/watch.h"
#include "generator/build_internal.h"
#include "generator/pull.h"
#include "generator/worker_pool.h"

/* Why a tenant is made anew; a greater one is the better reason to give. */
enum watch_cause {
    CAUSE_NONE,
    CAUSE_COMPARED, /* nothing is known to have changed */
    CAUSE_SHARED,   /* themes, shared content, settings, other tenants' domains */
    CAUSE_CLOCK,
    CAUSE_FILES,
    CAUSE_ROWS,
    CAUSE_NEW
};
#define CAUSE_DIRECT CAUSE_CLOCK /* from here on it goes before the others */

struct watched { /* a tenant that is followed */
    TAILQ_ENTRY(watched) queue;
    char *id;
    enum watch_cause queued; /* it waits in a queue */
    enum watch_cause busy;   /* a worker has it in hand ... */
    enum watch_cause again;  /* ... and something changed since */
    enum watch_cause retry;  /* the machine failed it; it is tried again ... */
    double retry_at;         /* ... at this moment (clock_seconds) */
    unsigned tries;
    int64_t until; /* the clock alone changes it then; INT64_MAX: never */
    json_t *result;
    struct hash said; /* of what was wrong with it when that was last told */
    struct hash config;
    bool broken;
    bool here; /* its folder is */
};
TAILQ_HEAD(watched_list, watched);

struct watch_slot {         /* what a worker has in hand */
    struct watched *tenant; /* NULL: it looks for changes */
};
struct watcher {
    struct options options; /* its clock is set for each request */
    struct run run;
    const char *url;
    struct pull *pull; /* of the workers */
    struct loop *loop;
    struct worker_pool *pool;
    struct watch_slot *slots;
    struct listener *listener;
    struct loop_event *tick, *clock, *settle, *later, *signals[2], *files_event;

    struct map by_id; /* -> struct watched * */
    struct watched **tenants;
    size_t n_tenants, cap_tenants;
    struct watched_list direct, rest; /* who waits */

    /* the database */
    bool connected;     /* it listens */
    bool was_connected; /* it has at some time */
    bool look_wanted, looking;
    double looked;   /* when it last did */
    double compared; /* when all tenants last were */
    char *snapshot;  /* of the last look */
    struct hash database_said;

    /* the files */
    struct watch *files;
    double changed_since; /* the first of the changes that wait; 0: none */
    bool reload, all;     /* what they ask for */
    bool unusable;        /* the workspace is: nothing is made */
    struct hash shared_said, hosts_said, domains;

    /* publishing */
    bool locked;
    double locked_since;
    bool hosts_changed;
    double hosts_since;
    bool untidy;       /* a worker died and may have left a stage */
    unsigned stopping; /* signals so far */
};

/* ---- build_watch.c ---- */

/* Hands out work, and does what is to be done between two pieces of it. */
void watcher_go_on(struct watcher *w);
void watcher_result(struct watcher *w, struct watched *t, struct str bytes,
    const char *file, const char *why);

/* ---- build_watch_tenants.c: who is to be made anew ---- */

/* The tenants of w->run.in; those that are new are marked, those that are gone
 * forgotten. */
void tenants_meet(struct watcher *w);
void tenants_dispose(struct watcher *w);
void tenant_mark(struct watcher *w, struct watched *t, enum watch_cause why);
void tenants_mark(struct watcher *w, enum watch_cause why); /* all of them */
/* The next to be made, no longer in a queue; NULL: none.  `direct`: only of those that
 * go first. */
struct watched *tenants_next(struct watcher *w, bool direct);
/* Marks those whose time has come. */
void tenants_tick(struct watcher *w);
/* Sets the timer to the next moment that the clock alone changes something. */
void tenants_arm(struct watcher *w);
void tenants_retry(struct watcher *w); /* at once */
const char *watch_reason(enum watch_cause why);

/* ---- build_watch_files.c ---- */

/* Before the workspace is read, so that no change is missed. */
bool files_watch(struct watcher *w);
void files_follow(struct watcher *w);
void files_dispose(struct watcher *w);
struct hash domains_hash(struct build *b);

/* ---- build_watch_rows.c ---- */

void rows_follow(struct watcher *w);
void rows_dispose(struct watcher *w);
bool rows_look(struct watcher *w); /* asks a worker to; false: none is idle */
void rows_looked(struct watcher *w, struct str bytes, const char *why);

/* ---- build_watch_work.c: in the workers ---- */

enum { REQUEST_LOOK = 'l', REQUEST_RENDER = 'r' };
/* "r", the clock, the tenant's id; "l" and the snapshot of the last look. */
void watch_task(void *ctx, struct str request, struct worker *w, struct buf *result);
/* Prints what of `diags` was not said before, by *said. */
void watch_say(struct watcher *w, const struct diag_list *diags, struct hash *said);
struct hash watch_hash(const struct diag_list *diags); /* what is said */
/* Something about the machine. */
void watch_trouble(struct watcher *w, const char *message);
#endif

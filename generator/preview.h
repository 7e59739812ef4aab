/* The preview: every tenant's site in memory, made when somebody looks at it and again
 * when something it is made of changes.  One thread; rendering is done by forked
 * workers, so a tenant that hangs or crashes costs nobody else. */
#ifndef GENERATOR_PREVIEW_H
#define GENERATOR_PREVIEW_H
#include "base/http.h"
#include "base/loop.h"
#include "base/watch.h"
#include "generator/options.h"
#include "generator/preview_site.h"
#include "generator/worker.h"

struct preview;
struct preview_page;
struct preview_waiting { /* a request that waits for a site */
    struct preview_waiting *next;
    struct http_request *request;
    void (*ready)(struct preview *p, struct http_request *r);
};
struct preview_tenant {
    const char *id;
    /* As its config says; empty texts when the config cannot be read. */
    struct arena arena;
    bool config_ok;
    const char *name, *tagline, *emoji, *primary, *foreground, *accent;
    const char **domains;
    size_t n_domains;
    const char *canonical, *theme; /* theme NULL: config is wrong */
    struct diag_place *places;     /* of the domains */
    struct diag_place theme_place;
    struct diag_list config_diags;
    /* As it was rendered. */
    struct preview_site *site; /* the last good one, or NULL */
    struct diag_list diags;    /* of the last try, good or not */
    unsigned version;          /* of what is to be seen: grows with every change */
    double seconds;
    unsigned errors_told; /* to its watchers */
    bool tried, stale, failed, queued, again;
    bool checked;       /* rendered into nothing, for its messages */
    unsigned long used; /* when its site was last asked for */
    /* In the making. */
    struct worker_one *worker;
    struct loop_event *readable, *patience;
    int fd;
    double began;
    struct preview_waiting *waiting;
    struct preview *preview;
};
/* A browser that wants to hear of changes. */
struct preview_watcher {
    struct preview_watcher *next;
    struct preview *preview;
    struct http_request *request;
    struct preview_tenant *tenant; /* NULL: the front page */
    char *page;                    /* output path of what it shows; NULL: 404.html */
};
struct preview_pending { /* changes not yet applied */
    double since;        /* 0: none */
    bool all, workspace, templates, shared;
    unsigned files;
    char first[256]; /* for the log */
};

struct preview {
    struct loop *loop;
    struct options options;
    bool fixed_clock; /* --clock or SOURCE_DATE_EPOCH */
    struct build build;
    bool open;
    struct diag_list shared; /* of the workspace; what is stamped belongs to a tenant */
    struct diag_list themes; /* of the themes */
    struct diag_list claims; /* of the domains */
    struct preview_tenant **tenants; /* by id */
    size_t n_tenants, cap_tenants;
    struct map by_id;
    unsigned running;
    bool checking; /* one of them is render_check's */
    size_t site_bytes;
    struct preview_watcher *watchers;
    struct watch *watch;
    struct loop_event *watch_event, *settle, *front_timer, *ping;
    bool front_due, front_soon;
    struct preview_pending pending;
    struct map changed; /* tenant id -> its struct, of those with a change pending */
    struct preview_page *page;
    unsigned long uses;
    bool bar;
    bool open_to_all; /* listens beyond this machine: its names are not known to us */
};

/* Reads the workspace and watches it.  False: it cannot be used at all; reported. What
 * is wrong in it is no reason: the pages say so. */
bool preview_open(struct preview *p, struct loop *l, const struct options *o,
    bool fixed_clock, struct diag_list *diags);
void preview_close(struct preview *p);
struct preview_tenant *preview_find(struct preview *p, struct str id);

/* preview_world.c: what all tenants share. */
void world_open(struct preview *p);
void world_close(struct preview *p);
void world_reload(struct preview *p); /* workspace, tenants and themes */
void world_themes(struct preview *p); /* the themes alone */
void world_config(struct preview *p, struct preview_tenant *t); /* one config; then: */
void world_hosts(struct preview *p); /* whose host is whose */
/* What concerns this tenant of that which is not its own: copies into out. */
void world_diags(
    struct preview *p, const struct preview_tenant *t, struct diag_list *out);

/* preview_render.c */
/* Calls ready at once or, when the site has to be made (anew), after that. */
void render_wait(struct preview *p, struct preview_tenant *t, struct http_request *r,
    void (*ready)(struct preview *p, struct http_request *r));
void render_start(struct preview *p, struct preview_tenant *t);
void render_outdated(
    struct preview_tenant *t); /* something that it is made of changed */
void render_forget(struct preview *p, struct preview_tenant *t); /* drops its site */
/* While the front page is open and there is nothing else to do: looks for the mistakes
 * of tenants that nobody has opened, one after the other. */
void render_check(struct preview *p);
void render_cancel(struct preview *p, struct preview_tenant *t);
/* All that is wrong with a tenant now, its own and what it shares. */
void render_diags(struct preview *p, struct preview_tenant *t, struct diag_list *out);
unsigned render_errors(struct preview *p, struct preview_tenant *t); /* how many */

/* preview_change.c: from a change on the disk to what has to be made anew. */
bool change_watch(struct preview *p); /* false: see errno */
void change_dispose(struct preview *p);

/* preview_watcher.c */
void watchers_open(struct preview *p);
void watchers_dispose(struct preview *p);
/* r becomes a stream of what changes on that page; t NULL: on the front page. */
void watcher_subscribe(struct preview *p, struct http_request *r,
    struct preview_tenant *t, const char *page);
bool watchers_of(const struct preview *p, const struct preview_tenant *t);
bool watchers_of_front(const struct preview *p);
/* Something that the front page shows has changed; soon: it cannot wait. */
void watchers_front(struct preview *p, bool soon);
/* Tells those whose tenant has other errors than they were told. */
void watchers_errors(struct preview *p);
/* A tenant was rendered (well or not); `was` is the site before. */
void watchers_rendered(struct preview *p, struct preview_tenant *t,
    const struct preview_site *was, bool good);
#endif

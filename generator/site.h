/* Everything about one tenant while its site is made: read, planned, rendered,
 * published by one worker. */
#ifndef GENERATOR_SITE_H
#define GENERATOR_SITE_H
#include "generator/content.h"
#include "generator/documents.h"
#include "generator/markdown.h"
#include "generator/media.h"
#include "generator/theme.h"
#include "model/hosts.h"
#include "model/tenant.h"

/* What all tenants of a build share; made by the parent before it forks, never changed
 * after. */
struct pull;
struct build {
    const struct options *options;
    struct pull *pull; /* what it reads of the database; NULL: files only */
    struct workspace workspace;
    struct themes themes;
    struct hosts hosts;   /* every domain of every valid tenant */
    struct tenant lender; /* the default tenant, for its pricing */
    bool has_lender;
    struct markdown *markdown;
    struct diag_list *diags;
};

enum output_kind {
    OUTPUT_TEMPLATE, /* render `file` */
    OUTPUT_COPY,     /* the bytes of root/source */
    OUTPUT_BYTES     /* `bytes`, made by the plan */
};
struct pager { /* a slice of a list; `over` is borrowed from the view */
    json_t *over;
    unsigned number, total, size;
    const char *const *paths; /* the URL path of every page of the series */
};
struct output {
    const char *path; /* "blog/index.html" */
    enum output_kind kind;
    const struct theme_file *file; /* of a template */
    json_t *element;         /* the `each` element; borrowed from the view, or NULL */
    struct item *content;    /* the content item behind it, or NULL */
    struct pager pager;      /* total 0: none */
    const struct root *root; /* of a copy */
    const char *source;
    struct str bytes;
    const char *from; /* file to name in messages */
    const char *url;  /* its plan_url_path once plan_suggest has asked for it */
    bool in_sitemap;
};
struct plan {
    struct output **items; /* by path once plan_site is done */
    size_t n, cap;
    struct map by_path; /* path -> struct output * */
    bool unsure;        /* some paths could not be told, so a missing page is no news */
};
/* The visible items of one collection, in the order of the view's list. */
struct collection {
    const char *name;
    struct item **items;
    size_t n;
    json_t *list; /* in the view; borrowed */
};
struct tag {
    const char *slug;
    const char *name, *file; /* as it was first written, and where */
    json_t *ref; /* {name, slug, path, url}, shared by all items that carry it; owned */
    json_t *view; /* ref and items; in the view; borrowed */
};
struct alias { /* a redirect from content */
    const char *from;
    const struct item *to;
};

struct site_rows {         /* of the tenant in the database */
    struct buf kept;       /* with --stale: the file they stand in */
    struct keeper *keeper; /* keeps them for --stale; NULL: nothing does */
    json_t *plans;         /* active ones; owned; NULL: none */
    json_t *promotions;    /* that run at the build's time; owned; NULL: no database */
    const char *currency;
};

struct site {
    const struct build *build;
    struct diag_list *diags;
    struct arena arena;
    struct tenant tenant;
    struct theme *theme;   /* shared, or the tenant's overlay */
    struct theme *overlay; /* owned; NULL without own templates */
    struct content content;
    struct media_set media;
    struct document *documents;
    size_t n_documents;
    char **images, **templates, **statics; /* files of the tenant's folder, below it */
    size_t n_images, n_templates, n_statics;
    struct site_rows rows;
    json_t *pricing; /* as it is shown; owned; NULL without */
    json_t *view;    /* the outermost context; owned */
    struct collection *collections;
    size_t n_collections;
    struct tag *tags; /* by name */
    size_t n_tags;
    struct plan plan;
    struct alias *aliases;
    size_t n_aliases;
    json_t *asked; /* hosts that the documents name -> whose they are ("": nobody's);
                      owned; NULL: none */
    struct map redirects;      /* alias path -> struct alias * */
    struct map dead_fragments; /* "/page/#id" that Markdown names in vain; reported */
};
#endif

/* Themes: folders of templates layered over each other, the nearest file winning. */
#ifndef GENERATOR_THEME_H
#define GENERATOR_THEME_H
#include "base/map.h"
#include "generator/template.h"
#include "model/workspace.h"

struct theme_file {
    const char *path;        /* in the theme: "site/blog/post.html" */
    const char *file;        /* for messages: "templates/default/site/blog/post.html" */
    const struct root *root; /* what to open it with ... */
    const char *rel;         /* ... and under which name */
    bool is_template;        /* else: copied, or an asset */
    bool off;    /* empty or `when: false`: switches an inherited file off */
    bool broken; /* did not compile; its errors were reported */
    bool lost;   /* nor is its front matter usable: what pages it makes is unknown */
    const struct template *body;
    /* Front matter. */
    json_t *meta;     /* the object; never NULL for a template */
    const char *when; /* dotted name, maybe with a leading '!'; NULL: always */
    const char *each; /* dotted name of a list; NULL: once */
    const struct template *each_path; /* with each: the output path */
    const char *over;                 /* paginate.over; NULL: no pages */
    unsigned size;                    /* paginate.size */
    const struct template *page_path; /* paginate.path, for pages 2 and on */
    json_t *lists;                    /* lists, or NULL; borrowed from meta */
    bool no_sitemap;
    unsigned meta_line; /* line on which the front matter begins */
    struct str yaml;    /* its text, for messages */
};

struct asset {
    const char *path;   /* below assets/: "main.css" */
    const char *url;    /* "/assets/main.1a2b3c4d.css" */
    const char *output; /* url without the leading slash */
    const struct theme_file *file;
    struct str bytes; /* of a style sheet, its references rewritten; ptr NULL: as the
                         file is */
};

struct theme {
    struct arena arena;
    const char *name;
    struct theme
        *base; /* what this one is layered over; owned by `themes`, NULL for default */
    struct theme_file *files; /* of this layer alone, by path */
    size_t n;
    struct map index;     /* path -> struct theme_file * */
    struct asset *assets; /* of all layers, by path */
    size_t n_assets;
    json_t *asset_urls; /* the view's `assets` */
};

/* The themes of a workspace, each loaded once. */
struct themes {
    const struct workspace *workspace;
    struct theme **items;
    size_t n, cap;
    struct arena arena;
    struct map broken; /* names of those that could not be used, which was reported */
};
void themes_init(struct themes *t, const struct workspace *w);
void themes_dispose(struct themes *t);
/* Loads (or finds) a theme and its parents; `place` is where its name stands.  NULL: no
 * such folder, reported there, or theme.json is wrong, reported once.  Templates that
 * do not compile are reported and marked broken. */
struct theme *themes_get(struct themes *t, const char *name, struct diag_place place,
    struct diag_list *diags);
/* One that was loaded, or NULL. */
struct theme *themes_find(const struct themes *t, const char *name);
/* The theme of one tenant: `files` (paths below tenants/<id>/templates/) over `base`.
 * Free with theme_free. */
struct theme *theme_overlay(struct theme *base, const struct workspace *w,
    const char *tenant, char **files, size_t n, struct diag_list *diags);
void theme_free(struct theme *t);

/* The nearest file, or NULL when there is none or it is switched off. */
const struct theme_file *theme_find(const struct theme *t, struct str path);
/* All files below a folder ("site/"), layers merged, in byte order. */
struct theme_files {
    const struct theme_file **items;
    size_t n;
};
struct theme_files theme_below(
    const struct theme *t, const char *folder, struct arena *a);
#endif

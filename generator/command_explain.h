/* What the parts of `tenantry explain` share. */
#ifndef GENERATOR_COMMAND_EXPLAIN_H
#define GENERATOR_COMMAND_EXPLAIN_H
#include "generator/build.h"
#include "generator/site.h"

struct explain { /* one question and its answer */
    const struct options *options;
    struct build_inputs in;
    struct site site;        /* read and planned as far as its errors allow */
    struct diag_list common; /* of the workspace and its themes */
    struct diag_list own;    /* of the site */
    const char *key;
    struct arena arena;
    struct buf text; /* the answer for people ... */
    json_t *v;       /* ... and for programs */
};

/* A line of the answer: "  from      tenants/acme/config.json:14:21". */
void explain_line(struct explain *e, const char *label, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The same, also kept as text under `key` of the object. */
void explain_fact(
    struct explain *e, const char *key, const char *label, const char *value);

/* Each answers when the question is of its kind; false: it is not. */
bool explain_config(struct explain *e);
bool explain_theme(struct explain *e);
bool explain_content(struct explain *e);
bool explain_address(struct explain *e);
bool explain_source(struct explain *e);

/* Names that could have been meant. */
struct explain_names {
    const char **items;
    size_t n, cap;
};
void explain_names_add(struct explain_names *names, const char *name);
void explain_config_names(struct explain *e, struct explain_names *names);
void explain_file_names(struct explain *e, struct explain_names *names);
#endif

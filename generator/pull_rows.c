#include "generator/pull_rows.h"

#include <stdlib.h>

#include "base/mem.h"

const struct pull_table *pull_table(unsigned i) {
    static const struct pull_table *const tables[PULL_TABLES] = {
        [PULL_POSTS] = &pull_posts,
        [PULL_PLANS] = &pull_plans,
        [PULL_PROMOTIONS] = &pull_promotions};
    return i < PULL_TABLES ? tables[i] : NULL;
}

void pull_rows_known(struct pull_rows *r) {
    r->s->rows.promotions = json_array();
}

bool pull_rows_join(struct pull_rows *r) {
    struct site *s = r->s;
    bool ok = content_join(&s->content, r->posts, r->n, s->build->options, s->diags);
    mem_free(r->posts);
    r->posts = NULL;
    return r->ok && ok;
}

void pull_rows_drop(struct pull_rows *r) {
    for (size_t i = 0; i < r->n; i++) json_drop(r->posts[i].values);
    mem_free(r->posts);
    r->posts = NULL;
}

int64_t pull_moment(const char *cell, int64_t none) {
    if (!cell) return none;
    if (*cell == 'I') return INT64_MAX; /* Infinity */
    if (cell[0] == '-' && cell[1] == 'I') return INT64_MIN;
    return strtoll(cell, NULL, 10);
}

void pull_note_moment(struct site *s, int64_t t) {
    struct content *c = &s->content;
    int64_t now = s->build->options->now;
    if (t > now && t < c->until) c->until = t;
    if (t <= now && t > c->since) c->since = t;
}

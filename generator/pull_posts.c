/* Posts out of rows: what the front matter of a file would say stands in columns. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "generator/pull_rows.h"

/* Where the calendar of base/clock.h ends: the year 10000. */
#define CLOCK_END INT64_C(253402300800)
#define POST_MAX (5u * 1024 * 1024) /* bytes of one post's content */

enum post_column {
    POST_ID,
    POST_SLUG,
    POST_TITLE,
    POST_DESCRIPTION,
    POST_CONTENT,
    POST_SIZE,
    POST_FORMAT,
    POST_STATUS,
    POST_TAGS,
    POST_IMAGE,
    POST_EXTRA,
    POST_DATE,
    POST_UPDATED,
    POST_AUTHOR,
    POST_COMMENTS,
    POST_REACTIONS,
    POST_DUE,
    POST_EXPIRES,
    POST_COLUMNS
};

#define DUE PULL_MOMENT("p.publish_at")
#define EXPIRES PULL_MOMENT("p.expires_at")
/* Also what is still to come or has expired: the build has its own clock. */
static const char posts_sql[] =
    "select p.id, p.slug, p.title, p.description,"
    " case when octet_length(p.content) <= 5242880 then p.content end,"
    " coalesce(octet_length(p.content), 0), p.format, p.status, to_json(p.tags),"
    " p.image, p.extra, date_trunc('second', p.shown_at at time zone 'UTC')::text,"
    " date_trunc('second', p.updated_at at time zone 'UTC')::text,"
    " p.author, p.comments, p.reactions,"
    " case when p.status = 'SCHEDULED' then " DUE " end, " EXPIRES
    " from tenantry.posts_public p order by p.slug collate \"C\"";

struct reader {
    struct site *s;
    const char *const *cells;
    const char *file; /* the row, for messages */
    bool ok;
};

static const char *cell(const struct reader *r, enum post_column col) {
    return r->cells[col];
}

static void wrong(struct reader *r, const char *message) {
    diag_add(r->s->diags, DIAG_ERROR, DIAG_FILE(r->file), "%s", message);
    r->ok = false;
}

static void check_texts(struct reader *r) {
    static const struct {
        enum post_column col;
        const char *name;
    } texts[] = {{POST_TITLE, "title"}, {POST_DESCRIPTION, "description"},
        {POST_AUTHOR, "the author's name"}, {POST_IMAGE, "image"},
        {POST_CONTENT, "content"}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const char *text = cell(r, texts[i].col);
        size_t at;
        if (text && str_find_control(str_from(text), &at))
            wrong(r, arena_printf(&r->s->arena,
                         "%s: a control character at byte %zu; remove it",
                         texts[i].name, at + 1));
    }
}

static void check_row(struct reader *r) {
    struct arena *a = &r->s->arena;
    const char *title = cell(r, POST_TITLE), *slug = cell(r, POST_SLUG);
    if (!title || !str_trim(str_from(title)).len)
        wrong(r, "title: it is missing; say what the post is called");
    if (!*slug || strchr(slug, '/'))
        wrong(r, arena_printf(a,
                     "slug: \"%s\" is not one part of an address; use letters, digits, "
                     "- and _",
                     slug));
    if (strtoull(cell(r, POST_SIZE), NULL, 10) > POST_MAX)
        wrong(r, arena_printf(a,
                     "content: %s bytes are too long for a post; expected at most %u",
                     cell(r, POST_SIZE), POST_MAX));
    check_texts(r);
}

/* ---- what front matter would say ---- */

static void set_text(struct reader *r, json_t *v, const char *key, enum post_column c) {
    const char *text = cell(r, c);
    if (text) json_set_str(v, key, text);
}

/* `date` and `updated` as the build understands them, or nothing after a report. */
static void set_date(struct reader *r, json_t *v, const char *key, enum post_column c) {
    const char *text = cell(r, c);
    int64_t t;
    if (!text) return;
    if (clock_parse(str_from(text), &t)) {
        json_set_str(v, key, clock_rfc3339(&r->s->arena, t));
        return;
    }
    const char *name = strcmp(key, "date")                         ? "updated_at"
                       : strcmp(cell(r, POST_STATUS), "SCHEDULED") ? "published_at"
                                                                   : "publish_at";
    wrong(r, arena_printf(
                 &r->s->arena, "%s: %s is no date of the years 1 to 9999", name, text));
}

static json_t *values_of(struct reader *r) {
    json_t *v = json_parse(str_from(cell(r, POST_EXTRA)), r->file, r->s->diags);
    if (!json_is_object(v)) {
        json_decref(v);
        r->ok = false;
        v = json_object();
    }
    set_text(r, v, "title", POST_TITLE);
    set_text(r, v, "slug", POST_SLUG);
    set_text(r, v, "description", POST_DESCRIPTION);
    set_text(r, v, "author", POST_AUTHOR);
    set_text(r, v, "image", POST_IMAGE);
    set_date(r, v, "date", POST_DATE);
    set_date(r, v, "updated", POST_UPDATED);
    json_t *tags = json_parse(str_from(cell(r, POST_TAGS)), r->file, r->s->diags);
    json_object_set_new(v, "tags", tags ? tags : json_array());
    json_set_int(v, "comment_count", strtoll(cell(r, POST_COMMENTS), NULL, 10));
    json_set_int(v, "reaction_count", strtoll(cell(r, POST_REACTIONS), NULL, 10));
    return v;
}

/* Whether it is shown at the build's time.  A date that no calendar of the build has is
 * let through, to be reported. */
static bool is_shown(struct site *s, const char *const *cells) {
    const struct options *o = s->build->options;
    int64_t due = pull_moment(cells[POST_DUE], INT64_MIN);
    int64_t expires = pull_moment(cells[POST_EXPIRES], INT64_MAX);
    bool future = due > o->now && due < CLOCK_END, expired = expires <= o->now;
    pull_note_moment(s, due);
    pull_note_moment(s, expires);
    s->content.n_expired += expired;
    s->content.n_future += future && !expired && !o->drafts;
    return !expired && (!future || o->drafts);
}

static const char *keep(const struct pull_rows *rows, const char *text) {
    return rows->lasting ? text : arena_strdup(&rows->s->arena, text);
}

static void take_post(struct pull_rows *rows, const char *const *cells) {
    struct site *s = rows->s;
    struct reader r = {s, cells, NULL, true};
    if (!is_shown(s, cells)) return;
    r.file = pull_place(s, "posts", cells[POST_ID]);
    check_row(&r);
    const char *content = cells[POST_CONTENT];
    rows->posts = mem_grow(rows->posts, &rows->cap, rows->n + 1, sizeof *rows->posts);
    struct content_row *row = &rows->posts[rows->n++];
    *row = (struct content_row){.slug = keep(rows, cells[POST_SLUG]),
        .file = r.file,
        .values = values_of(&r),
        .body = str_from(content ? keep(rows, content) : ""),
        .html = !strcmp(cells[POST_FORMAT], "HTML"),
        .published = !strcmp(cells[POST_STATUS], "PUBLISHED")};
    row->wrong = !r.ok;
    rows->ok &= r.ok;
}

const struct pull_table pull_posts = {"posts", posts_sql, POST_COLUMNS, take_post};

/* Posts out of rows: what the front matter of a file would say stands in columns. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "generator/pull.h"

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
    POST_REACTIONS
};

/* $1: the build's clock, $2: whether what is still to come is shown.  A date that no
 * calendar of the build has is let through, to be reported. */
const char pull_posts_sql[] =
    "select p.id, p.slug, p.title, p.description,"
    " case when octet_length(p.content) <= 5242880 then p.content end,"
    " coalesce(octet_length(p.content), 0), p.format, p.status, to_json(p.tags),"
    " p.image, p.extra,"
    " date_trunc('second', (case when p.status = 'SCHEDULED' then p.publish_at"
    " else p.published_at end) at time zone 'UTC')::text,"
    " date_trunc('second', p.updated_at at time zone 'UTC')::text,"
    " u.name,"
    " (select count(*) from tenantry.comments c"
    " where c.tenant_id = p.tenant_id and c.post_id = p.id and c.status = 'VISIBLE'),"
    " (select count(*) from tenantry.reactions r"
    " where r.tenant_id = p.tenant_id and r.post_id = p.id)"
    " from tenantry.posts p left join tenantry.users u on u.id = p.author_id"
    " where p.visibility = 'PUBLIC'"
    " and (p.status = 'PUBLISHED' or (p.status = 'SCHEDULED' and ($2::boolean"
    " or p.publish_at <= $1::timestamptz or p.publish_at >= '10000-01-01')))"
    " and (p.expires_at is null or p.expires_at > $1::timestamptz)"
    " and (p.space_id is null or exists (select from tenantry.spaces s"
    " where s.tenant_id = p.tenant_id and s.id = p.space_id))"
    " order by p.slug collate \"C\"";

struct reader {
    struct site *s;
    const struct pg_rows *rows;
    int row;
    const char *file; /* the row, for messages */
    bool ok;
};

static const char *cell(const struct reader *r, enum post_column col) {
    return pg_cell(r->rows, r->row, col);
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

bool pull_posts(struct site *s) {
    const struct pg_rows *rows = &s->rows.posts;
    struct content_row *list = mem_calloc((size_t)rows->rows + 1, sizeof *list);
    bool ok = true;
    for (int i = 0; i < rows->rows; i++) {
        struct reader r = {s, rows, i, NULL, true};
        r.file = pull_place(s, "posts", cell(&r, POST_ID));
        check_row(&r);
        const char *content = cell(&r, POST_CONTENT);
        list[i] = (struct content_row){.slug = cell(&r, POST_SLUG),
            .file = r.file,
            .values = values_of(&r),
            .body = str_from(content ? content : ""),
            .html = !strcmp(cell(&r, POST_FORMAT), "HTML"),
            .published = !strcmp(cell(&r, POST_STATUS), "PUBLISHED"),
            .wrong = !r.ok};
        ok &= r.ok;
    }
    ok &= content_join(
        &s->content, list, (size_t)rows->rows, s->build->options, s->diags);
    mem_free(list);
    return ok;
}

/* GET /api/posts and /api/posts/{slug}: what the public may read, newest first. */
#include <stdio.h>
#include <stdlib.h>

#include "api/handle.h"
#include "api/public.h"
#include "api/richtext.h"
#include "api/snapshot.h"

#define PAGE_PATH "/blog/" /* where the themes that come with Tenantry put a post */

enum post_column {
    POST_ID,
    POST_SLUG,
    POST_TITLE,
    POST_DESCRIPTION,
    POST_CONTENT,
    POST_IS_HTML,
    POST_TAGS,
    POST_IMAGE,
    POST_SPACE,
    POST_AUTHOR,
    POST_COMMENTS,
    POST_REACTIONS,
    POST_PUBLISHED,
    POST_UPDATED,
    POST_SECONDS
};
static const struct snapshot_windows windows = {.max_age = 30,
    .s_maxage = 60,
    .stale_while_revalidate = 600,
    .stale_if_error = 86400};

/* What a date of ours can say, and a cursor. */
#define FIRST_MOMENT "0001-01-01Z"
#define LAST_MOMENT "9999-12-31 23:59:59.999999Z"
/* The first row is no post: it says when the answer is to be another. */
#define POSTS(content_max, rest)                                                       \
    "select null,null,null,null,null,null,null,null,null,null,null,null,null,null,"    \
    "(select seconds from tenantry.posts_turn) union all (select "                     \
    "p.id,p.slug,p.title,p.description,"                                               \
    "case when octet_length(p.content)<=" content_max " then p.content end,"           \
    "p.format='HTML',case when cardinality(p.tags)>0 then to_json(p.tags) "            \
    "end,p.image,p.space,"                                                             \
    "p.author,p.comments,p.reactions,p.shown_at,"                                      \
    "p.updated_at,null from tenantry.posts_public p"                                   \
    " where p.shown_at>='" FIRST_MOMENT "' and " rest ")"
/* Newest first, $1 posts behind the one at ($2, $3). */
#define PAGE(rest)                                                                     \
    POSTS("32768",                                                                     \
        "p.shown_at<=$2::timestamptz and (p.shown_at<$2 or p.id>$3::uuid)" rest        \
        " order by p.shown_at desc,p.id limit $1::integer")
#define NO_ID "00000000-0000-0000-0000-000000000000"
static const char page_sql[] = PAGE("");
static const char tag_sql[] = PAGE(" and p.tags @> array[$4::text]");
#define IN_SPACE(n)                                                                    \
    " and p.space_id=(select s.id from tenantry.spaces s where s.slug=$" #n ")"
static const char space_sql[] = PAGE(IN_SPACE(4));
static const char both_sql[] = PAGE(" and p.tags @> array[$4::text]" IN_SPACE(5));
static const char post_sql[] =
    POSTS("524288", "p.shown_at<='" LAST_MOMENT "' and p.slug=$1::text");

/* ---- one post as JSON ---- */

static void put_text(struct buf *b, const char *name, const char *text) {
    buf_append(b, ",\"", 2);
    buf_cstr(b, name);
    if (!text) {
        buf_cstr(b, "\":null");
        return;
    }
    buf_append(b, "\":\"", 3);
    buf_json(b, str_from(text), true);
    buf_char(b, '"');
}

static void put_time(struct buf *b, const char *name, const char *timestamp) {
    char text[32];
    public_time(text, timestamp);
    put_text(b, name, text);
}

/* HTML is harmless; Markdown is the source, to be rendered without raw HTML. */
static void put_content(
    struct call *c, struct buf *b, const struct pg_rows *rows, int i) {
    const char *text = pg_cell(rows, i, POST_CONTENT);
    bool html = *pg_cell(rows, i, POST_IS_HTML) == 't';
    size_t start = b->len;
    buf_cstr(b, ",\"content\":\"");
    bool there = text && html ? richtext_write(c->server->richtext, str_from(text), b)
                              : text && buf_json(b, str_from(text), true);
    if (there)
        buf_char(b, '"');
    else {
        b->len = start;
        buf_cstr(b, ",\"content\":null");
    }
    buf_cstr(b, html ? ",\"format\":\"html\"" : ",\"format\":\"markdown\"");
}

static void put_url(struct buf *b, const struct api_tenant *t, const char *slug) {
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
    buf_cstr(b, ",\"url\":\"");
    buf_cstr(b, t->config.url);
    buf_cstr(b, PAGE_PATH);
    for (const char *p = slug; *p;) {
        size_t n = strspn(p, plain);
        buf_append(b, p, n);
        p += n;
        if (*p) buf_printf(b, "%%%02X", (unsigned char)*p++);
    }
    buf_cstr(b, "/\"");
}

static void put_post(struct call *c, struct buf *b, const struct pg_rows *rows, int i) {
    const char *tags = pg_cell(rows, i, POST_TAGS);
    buf_cstr(b, "{\"id\":\"");
    buf_cstr(b, pg_cell(rows, i, POST_ID));
    buf_char(b, '"');
    put_text(b, "slug", pg_cell(rows, i, POST_SLUG));
    put_text(b, "title", pg_cell(rows, i, POST_TITLE));
    put_text(b, "description", pg_cell(rows, i, POST_DESCRIPTION));
    put_content(c, b, rows, i);
    buf_cstr(b, ",\"tags\":");
    buf_cstr(b, tags ? tags : "[]");
    put_text(b, "image", pg_cell(rows, i, POST_IMAGE));
    put_text(b, "space", pg_cell(rows, i, POST_SPACE));
    put_text(b, "author", pg_cell(rows, i, POST_AUTHOR));
    buf_cstr(b, ",\"comments\":");
    buf_cstr(b, pg_cell(rows, i, POST_COMMENTS));
    buf_cstr(b, ",\"reactions\":");
    buf_cstr(b, pg_cell(rows, i, POST_REACTIONS));
    put_time(b, "publishedAt", pg_cell(rows, i, POST_PUBLISHED));
    put_time(b, "updatedAt", pg_cell(rows, i, POST_UPDATED));
    put_url(b, c->tenant, pg_cell(rows, i, POST_SLUG));
    buf_char(b, '}');
}

static double seconds_of(const struct pg_rows *rows) {
    const char *text = rows->rows ? pg_cell(rows, 0, POST_SECONDS) : NULL;
    double seconds = text ? strtod(text, NULL) : -1;
    return text && seconds < 0 ? 0 : seconds;
}

/* ---- pages ---- */

static void page_done(struct call *c, const struct pool_answer *a) {
    const struct public_query *q = snapshot_handler(c);
    const struct pg_rows *rows = &a->rows;
    struct buf b;
    char cursor[PUBLIC_CURSOR_SIZE];
    int n = rows->rows - 1, shown = n > (int)q->limit ? (int)q->limit : n;
    buf_init(&b, 0);
    buf_cstr(&b, "{\"posts\":[");
    for (int i = 1; i <= shown; i++) {
        if (i > 1) buf_char(&b, ',');
        put_post(c, &b, rows, i);
    }
    bool more = n > shown && public_cursor(cursor, pg_cell(rows, shown, POST_PUBLISHED),
                                 pg_cell(rows, shown, POST_ID));
    buf_cstr(&b, "]");
    put_text(&b, "nextCursor", more ? cursor : NULL);
    buf_char(&b, '}');
    snapshot_fill(c, buf_view(&b), seconds_of(rows));
    buf_dispose(&b);
}

static void page_ask(struct call *c) {
    const struct public_query *q = snapshot_handler(c);
    char limit[16];
    snprintf(limit, sizeof limit, "%u", q->limit + 1);
    const char *values[5] = {limit, LAST_MOMENT, NO_ID};
    const char *sql =
        q->tag ? (q->space ? both_sql : tag_sql) : (q->space ? space_sql : page_sql);
    int n = 3;
    if (q->after) {
        values[1] = q->after;
        values[2] = q->after_id;
    }
    if (q->tag) values[n++] = q->tag;
    if (q->space) values[n++] = q->space;
    snapshot_ask(c, sql, values, n, page_done);
}

/* Posts are in the database or, for this program, nowhere. */
static bool has_rows(struct call *c) {
    struct server *s = c->server;
    if (s->pool && s->listed && *c->tenant->uuid) return true;
    if (!s->pool)
        call_problem(c, 503, "this server has no database");
    else if (!s->listed)
        call_problem(c, 503, "the database does not answer; try again");
    else
        call_problem(c, 404, "nothing is kept of this tenant");
    return false;
}

void handle_posts(struct call *c) {
    struct public_query *q = arena_alloc(&c->request->arena, sizeof *q);
    if (!public_query_read(c, q) || !has_rows(c)) return;
    snapshot_answer(c, &(struct snapshot_question){.windows = &windows,
                           .parameters = q->parameters,
                           .ask = page_ask,
                           .handler = q});
}

/* ---- one ---- */

static void post_done(struct call *c, const struct pool_answer *a) {
    struct buf b;
    if (a->rows.rows < 2) {
        snapshot_problem(c, 404, "there is no such post");
        return;
    }
    buf_init(&b, 0);
    put_post(c, &b, &a->rows, 1);
    snapshot_fill(c, buf_view(&b), seconds_of(&a->rows));
    buf_dispose(&b);
}

static void post_ask(struct call *c) {
    const char *const values[] = {snapshot_handler(c)};
    snapshot_ask(c, post_sql, values, 1, post_done);
}

void handle_post(struct call *c) {
    struct str slug = str_from(c->path[0]);
    size_t at;
    if (slug.len > 1024 || !str_is_utf8(slug, &at)) {
        call_problem(c, 404, "there is no such post");
        return;
    }
    if (!has_rows(c)) return;
    snapshot_answer(c, &(struct snapshot_question){.windows = &windows,
                           .parameters = slug,
                           .ask = post_ask,
                           .handler = arena_str(&c->request->arena, slug)});
}

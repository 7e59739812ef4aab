/* posts.list, posts.create. */
#include "api/photo.h"
#include "api/richtext.h"
#include "api/trpc.h"
#include "base/slug.h"
#include "model/sanitize.h"

#define SLUG_MAX 80
#define CONTENT_MAX 500000

/* ---- what goes out ---- */

/* Markdown as well: a client that takes all content for HTML, as the first ones did,
 * must not run what is in it.  What cannot be made harmless is left out. */
static void clean_post(struct richtext *r, json_t *post) {
    struct diag_list diags;
    struct buf text;
    const json_t *content = json_object_get(post, "content");
    if (!json_is_string(content)) return;
    struct str html = {json_string_value(content), json_string_length(content)};
    diag_init(&diags);
    buf_init(&text, 0);
    buf_char(&text, '"');
    bool fine = richtext_write(r, html, &text);
    buf_char(&text, '"');
    json_t *clean = fine ? json_parse(buf_view(&text), "content", &diags) : NULL;
    json_object_set_new(post, "content", clean ? clean : json_string(""));
    buf_dispose(&text);
    diag_dispose(&diags);
}

static void finish_post(struct trpc_call *t, json_t *post) {
    clean_post(t->call.server->richtext, post);
    photo_sign(&t->call, json_object_get(post, "author"));
}

static bool finish_list(struct trpc_call *t, json_t *answer) {
    size_t i;
    json_t *post;
    json_array_foreach(json_object_get(answer, "posts"), i, post) finish_post(t, post);
    return true;
}

static bool finish_created(struct trpc_call *t, json_t *answer) {
    finish_post(t, answer);
    return true;
}

/* ---- what comes in ---- */

/* A token may stand for less than its user is. */
static bool prepare_list(struct trpc_call *t) {
    trpc_add_value(t, t->call.principal.rank < RANK_MEMBER ? "true" : "false");
    return true;
}

static void check_content(struct trpc_call *t) {
    static const struct sanitize_options o = {.file = "content"};
    const json_t *html = json_object_get(t->input.json, "content");
    struct str text = {json_string_value(html), json_string_length(html)};
    struct sanitize_result result = {0};
    struct sanitize *s = sanitize_new();
    struct diag_list diags;
    diag_init(&diags);
    sanitize_html(s, text, &o, &diags, &result);
    for (const struct diag *d = diags.first; d; d = d->next)
        if (d->level == DIAG_ERROR) trpc_wrong(t, "content", "%s", d->message);
    json_decref(result.toc);
    json_decref(result.ids);
    diag_dispose(&diags);
    sanitize_free(s);
}

/* Whole words of it, so that it fits into a file's name with room for a number. */
static const char *slug_of(struct trpc_call *t, const char *title) {
    char *slug = slug_make(t->input.arena, str_from(title));
    if (strlen(slug) > SLUG_MAX) {
        slug[SLUG_MAX] = '\0';
        char *end = strrchr(slug, '-');
        if (end && end > slug) *end = '\0';
    }
    return slug;
}

static bool prepare_create(struct trpc_call *t) {
    const char *status = trpc_value(t, "status");
    bool scheduled = !strcmp(status, "SCHEDULED");
    if (scheduled && !trpc_value(t, "scheduledAt"))
        trpc_wrong(t, "scheduledAt", "is required for a SCHEDULED post");
    if (!scheduled && trpc_value(t, "scheduledAt"))
        trpc_wrong(
            t, "scheduledAt", "is for a SCHEDULED post only, not a %s one", status);
    check_content(t);
    trpc_add_value(t, slug_of(t, trpc_value(t, "title")));
    return !t->wrong;
}

/* ---- the procedures ---- */

const struct trpc_procedure trpc_posts_list = {.name = "posts.list",
    .summary = "Published posts that whoever asks may read, newest first",
    .input = (const struct trpc_field[]){{.name = "spaceId",
                                             .type = TRPC_ID,
                                             .missing = "there is no such space"},
        {.name = "limit",
            .type = TRPC_INTEGER,
            .min = 1,
            .max = 100,
            .otherwise = "20"},
        {.name = "cursor", .type = TRPC_ID, .missing = "cursor: there is no such post"},
        {0}},
    .sql = "select tenantry.trpc_posts_list($1::uuid, $2::int, $3::uuid, $4)",
    .prepare = prepare_list,
    .finish = finish_list,
    .marks = (const struct trpc_mark[]){{"posts.*.publishedAt", "Date"},
        {"posts.*.scheduledAt", "Date"}, {"posts.*.createdAt", "Date"},
        {"posts.*.updatedAt", "Date"}, {"nextCursor", "undefined"}, {0}}};

const struct trpc_procedure trpc_posts_create = {.name = "posts.create",
    .summary = "A new post in a space, in the name of whoever asks",
    .mutation = true,
    .who = RANK_MEMBER,
    .input = (const struct trpc_field[]){{.name = "spaceId",
                                             .type = TRPC_ID,
                                             .required = true,
                                             .missing = "there is no such space"},
        {.name = "title", .type = TRPC_LINE, .required = true, .min = 1, .max = 300},
        {.name = "content",
            .type = TRPC_TEXT,
            .required = true,
            .min = 0,
            .max = CONTENT_MAX},
        {.name = "status",
            .type = TRPC_WORD,
            .words = {"DRAFT", "PUBLISHED", "SCHEDULED", "ARCHIVED"},
            .otherwise = "DRAFT"},
        {.name = "scheduledAt", .type = TRPC_DATE}, {0}},
    .sql = "select tenantry.trpc_posts_create($1::uuid, $2, $3, "
           "$4::tenantry.post_status, $5::timestamptz, $6)",
    .prepare = prepare_create,
    .finish = finish_created,
    .marks = (const struct trpc_mark[]){{"publishedAt", "Date"},
        {"scheduledAt", "Date"}, {"createdAt", "Date"}, {"updatedAt", "Date"}, {0}}};

/* The first rows of a workspace's tenants.  Rows that are there are left alone, so that
 * seeding again adds what is new and changes nothing. */
#include <errno.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/json.h"
#include "generator/database.h"
#include "model/tenant.h"

#define SAMPLE_MAX ((size_t)4 << 20) /* bytes of one file of samples */

/* Ids follow from names, so that every database with the same samples has the same. */
static const char add_tenant[] =
    "with made as (insert into tenantry.tenants (id, slug, name, status)"
    " values ($1::uuid, $2, $3, 'active') on conflict (id) do nothing returning 1)"
    " select count(*) from made";
static const char rename_tenant[] =
    "update tenantry.tenants set name = $2 where id = $1::uuid and name <> $2"
    " returning 1";
static const char add_plans[] =
    "with made as (insert into tenantry.plans (tenant_id, id, key, name, description,"
    " price, currency, credits, bonus, features, highlight, coming_soon, cta, extra,"
    " position)"
    " select $1::uuid, md5($1 || '/plan/' || (p ->> 'id'))::uuid, p ->> 'id',"
    " p ->> 'name', coalesce(p ->> 'description', ''), (p ->> 'price')::numeric,"
    " upper(coalesce($2::jsonb ->> 'currency', 'USD')),"
    " coalesce((p ->> 'credits')::numeric, 0)::int,"
    " coalesce((p ->> 'bonus')::numeric, 0)::int,"
    " coalesce(p -> 'features', '[]'), coalesce((p ->> 'highlight')::boolean, false),"
    " coalesce((p ->> 'comingSoon')::boolean, false), coalesce(p ->> 'cta', ''),"
    " p - '{id,name,description,price,credits,bonus,features,highlight,comingSoon,cta}'"
    "::text[], n"
    " from jsonb_array_elements($2::jsonb -> 'plans') with ordinality as list (p, n)"
    " on conflict (tenant_id, key) do nothing returning 1)"
    " select count(*) from made";

/* What a file of samples may hold, in the order of what refers to what. */
enum { SAMPLE_POSTS = 4 };
static const char *const add_samples[] = {
    "with made as (insert into tenantry.users (id, email, name, signup_tenant)"
    " select md5('user/' || u.email)::uuid, u.email, u.name,"
    " (select t.slug from tenantry.tenants t where t.id = $1::uuid)"
    " from jsonb_to_recordset($2::jsonb -> 'users') as u (email text, name text)"
    " on conflict (email) do nothing returning 1) select count(*) from made",

    "with made as (insert into tenantry.memberships (tenant_id, user_id, role,"
    " join_source)"
    " select $1::uuid, md5('user/' || u.email)::uuid,"
    " coalesce(u.role, 'member')::tenantry.member_role,"
    " coalesce(u.join_source, 'free_signup')::tenantry.join_source"
    " from jsonb_to_recordset($2::jsonb -> 'users')"
    " as u (email text, role text, join_source text)"
    " on conflict do nothing returning 1) select count(*) from made",

    "with made as (insert into tenantry.spaces (tenant_id, id, slug, name, description,"
    " type, visibility, position)"
    " select $1::uuid, md5($1 || '/space/' || s.slug)::uuid, s.slug, s.name,"
    " s.description, coalesce(s.type, 'FEED')::tenantry.space_type,"
    " coalesce(s.visibility, 'MEMBERS')::tenantry.visibility, coalesce(s.position, 0)"
    " from jsonb_to_recordset($2::jsonb -> 'spaces') as s (slug text, name text,"
    " description text, type text, visibility text, position int)"
    " on conflict do nothing returning 1) select count(*) from made",

    "with made as (insert into tenantry.promotions (tenant_id, id, name, headline,"
    " overrides, starts_at, ends_at)"
    " select $1::uuid, md5($1 || '/promotion/' || p.name)::uuid, p.name,"
    " coalesce(p.headline, ''), coalesce(p.overrides, '{}'), p.starts_at, p.ends_at"
    " from jsonb_to_recordset($2::jsonb -> 'promotions') as p (name text,"
    " headline text, overrides jsonb, starts_at timestamptz, ends_at timestamptz)"
    " on conflict do nothing returning 1) select count(*) from made",

    "with made as (insert into tenantry.posts (tenant_id, id, space_id, author_id,"
    " slug, title, description, content, format, status, tags, published_at,"
    " publish_at)"
    " select $1::uuid, md5($1 || '/post/' || p.slug)::uuid,"
    " md5($1 || '/space/' || p.space)::uuid, md5('user/' || p.author)::uuid, p.slug,"
    " p.title, p.description, p.content,"
    " coalesce(p.format, 'HTML')::tenantry.post_format,"
    " coalesce(p.status, 'PUBLISHED')::tenantry.post_status, coalesce(p.tags, '{}'),"
    " p.published_at, p.publish_at"
    " from jsonb_to_recordset($2::jsonb -> 'posts') as p (space text, author text,"
    " slug text, title text, description text, content text, format text, status text,"
    " tags text[], published_at timestamptz, publish_at timestamptz)"
    " on conflict do nothing returning 1) select count(*) from made",

    "with made as (insert into tenantry.comments (tenant_id, id, post_id, author_id,"
    " content, created_at)"
    " select $1::uuid, md5($1 || '/comment/' || c.post || '/' || c.content)::uuid,"
    " md5($1 || '/post/' || c.post)::uuid, md5('user/' || c.author)::uuid, c.content,"
    " c.created_at"
    " from jsonb_to_recordset($2::jsonb -> 'comments') as c (post text, author text,"
    " content text, created_at timestamptz)"
    " on conflict do nothing returning 1) select count(*) from made",

    "with made as (insert into tenantry.reactions (tenant_id, post_id, user_id, kind)"
    " select $1::uuid, md5($1 || '/post/' || r.post)::uuid,"
    " md5('user/' || r.author)::uuid, coalesce(r.kind, 'like')"
    " from jsonb_to_recordset($2::jsonb -> 'reactions') as r (post text, author text,"
    " kind text)"
    " on conflict do nothing returning 1) select count(*) from made",
};
#define N_SAMPLES (sizeof add_samples / sizeof *add_samples)

struct seeder {
    struct database *db;
    const struct workspace *workspace;
    const struct tenant *tenant;
    struct arena arena; /* of this tenant */
    const char *id;     /* the tenant's */
    bool plans;
    struct seed_counts counts; /* of this tenant, until they are committed */
};

/* Runs a statement that counts what it made; -1: it failed. */
static long add(struct seeder *s, const char *sql, const char *const *values, int n) {
    char *made = pg_value(&s->db->pg, sql, values, n, &s->arena);
    return made ? strtol(made, NULL, 10) : -1;
}

static bool failed(struct seeder *s, const char *file) {
    struct pg *p = &s->db->pg;
    if (!pg_connected(p)) return database_failed(s->db, "seeding");
    diag_add(s->db->diags, DIAG_ERROR, DIAG_FILE(file),
        "the database does not take its rows: %s", p->error.ptr);
    return false;
}

/* Sets the tenant for this transaction.  The id: the one it has, else one that follows
 * from its name. */
static bool enter_tenant(struct seeder *s) {
    const char *const slug[] = {s->tenant->id};
    s->id = pg_value(&s->db->pg,
        "select set_config('app.current_tenant_id', coalesce(tenantry.tenant_id($1),"
        " md5('tenant/' || $1)::uuid)::text, true)",
        slug, 1, &s->arena);
    return s->id != NULL;
}

static bool seed_row(struct seeder *s) {
    const char *name = json_path_string(s->tenant->config, "branding.name");
    const char *const values[] = {s->id, s->tenant->id, name};
    const char *const renamed[] = {s->id, name};
    struct pg_rows rows;
    long made = add(s, add_tenant, values, 3);
    if (made < 0) return false;
    s->counts.tenants += (size_t)made;
    bool ok = pg_ask(&s->db->pg, rename_tenant, renamed, 2, &rows);
    pg_rows_clear(&rows);
    return ok;
}

static bool seed_plans(struct seeder *s) {
    json_t *pricing = json_object_get(s->tenant->config, "pricing");
    struct buf text;
    if (!s->plans || !pricing) return true;
    buf_init(&text, 0);
    json_write(&text, pricing, 0);
    const char *const values[] = {s->id, text.ptr};
    long made = add(s, add_plans, values, 2);
    buf_dispose(&text);
    if (made > 0) s->counts.plans += (size_t)made;
    return made >= 0;
}

static bool seed_text(struct seeder *s, const char *text) {
    const char *const values[] = {s->id, text};
    for (size_t i = 0; i < N_SAMPLES; i++) {
        long made = add(s, add_samples[i], values, 2);
        if (made < 0) return false;
        if (i == SAMPLE_POSTS) s->counts.posts += (size_t)made;
    }
    return true;
}

/* *file: where the samples are, once there are any. */
static bool seed_samples(struct seeder *s, const char **file) {
    struct diag_list *diags = s->db->diags;
    const char *path = arena_printf(&s->arena, "db/samples/%s.json", s->tenant->id);
    struct buf text;
    buf_init(&text, 0);
    int err = root_read(&s->workspace->dir, path, SAMPLE_MAX, &text);
    bool ok = !err || err == ENOENT;
    if (!ok) diag_unreadable(diags, path, err);
    if (!err) {
        *file = path;
        json_t *value = json_parse(buf_view(&text), path, diags);
        ok = value && seed_text(s, text.ptr);
        if (value && !ok) failed(s, path);
        json_decref(value);
    }
    buf_dispose(&text);
    return ok;
}

static bool seed_tenant(struct seeder *s) {
    struct pg *p = &s->db->pg;
    const char *file = s->tenant->file;
    if (!pg_run(p, "begin")) return database_failed(s->db, "seeding");
    bool ok = (enter_tenant(s) && seed_row(s) && seed_plans(s)) || failed(s, file);
    ok = ok && seed_samples(s, &file);
    if (ok && !pg_run(p, "commit")) ok = failed(s, file);
    if (!ok && pg_connected(p)) pg_run(p, "rollback");
    return ok;
}

static void sum(struct seed_counts *all, const struct seed_counts *one) {
    all->tenants += one->tenants;
    all->plans += one->plans;
    all->posts += one->posts;
}

bool database_seed(struct database *d, const struct workspace *w, bool plans,
    struct seed_counts *counts) {
    bool ok = true;
    *counts = (struct seed_counts){0};
    for (size_t i = 0; i < w->n_ids && pg_connected(&d->pg); i++) {
        struct tenant t;
        struct seeder s = {.db = d, .workspace = w, .tenant = &t, .plans = plans};
        arena_init(&s.arena);
        bool fine =
            tenant_load(&t, &w->tenants, w->ids[i], d->diags) && seed_tenant(&s);
        if (fine) sum(counts, &s.counts);
        ok &= fine;
        tenant_dispose(&t);
        arena_dispose(&s.arena);
    }
    return ok;
}

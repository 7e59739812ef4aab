-- What anybody may read of a tenant, in the form in which the API and the build ask for it.

set local role tenantry_owner;
set local search_path = tenantry;

-- ---- plans and promotions ----

alter table plans add column for_tenant boolean not null default false;
comment on column plans.for_tenant is 'what the tenant itself may subscribe to; nobody else sees it';
grant select (for_tenant) on plans to tenantry_web, tenantry_member, tenantry_builder;

-- A plan as config.json would list it: one rule for the build and for the API.
create view plans_public with (security_invoker = true) as
    select p.tenant_id, p.id, p.key, p.currency, p.position,
        p.extra || jsonb_strip_nulls(jsonb_build_object('id', p.key, 'name', p.name,
            'description', nullif(p.description, ''), 'price', trim_scale(p.price), 'interval', p.interval,
            'credits', p.credits, 'bonus', p.bonus, 'features', p.features, 'highlight', p.highlight,
            'comingSoon', p.coming_soon, 'cta', nullif(p.cta, ''))) as plan,
        p.limits
    from tenantry.plans p where p.active and not p.for_tenant;
grant select on plans_public to tenantry_web, tenantry_member, tenantry_admin, tenantry_builder;

-- {"plans": [{"currency", "limits", "plan"}], "promotions": [those that run], "seconds": until one begins
-- or ends; null: never}
create function public_pricing() returns text
language plpgsql stable set search_path = tenantry, pg_temp as $$
begin
    return (select jsonb_build_object(
        'plans', (select coalesce(jsonb_agg(jsonb_build_object('currency', p.currency, 'limits', p.limits,
                'plan', p.plan) order by p.position, p.key collate "C"), '[]') from tenantry.plans_public p),
        'promotions', (select coalesce(jsonb_agg(jsonb_build_object('name', r.name, 'headline', r.headline,
                'overrides', r.overrides,
                'startsAt', to_char(r.starts_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
                'endsAt', to_char(r.ends_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
            order by r.starts_at, r.name collate "C"), '[]')
            from tenantry.promotions r where r.active and r.starts_at <= now() and r.ends_at > now()),
        'seconds', (select extract(epoch from min(t.at) - now()) from tenantry.promotions r,
            lateral (select case when r.starts_at > now() then r.starts_at else r.ends_at end) t (at)
            where r.active and r.ends_at > now() and isfinite(t.at))));
end $$;
grant execute on function public_pricing() to tenantry_web;

-- ---- posts ----

-- Seconds until a post of the tenant appears or expires by itself; null: never.  The one view that looks
-- with its owner's eyes, before whom the tenant's wall stands as well: of what the public does not see
-- yet it learns no more than that.  A function would cost a tenth of a page of posts.
create view posts_turn with (security_barrier = true) as
    select extract(epoch from least(
        (select p.publish_at from tenantry.posts p where p.status = 'SCHEDULED'
            and p.publish_at > now() and p.publish_at < 'infinity' order by p.publish_at limit 1),
        (select p.expires_at from tenantry.posts p
            where p.expires_at > now() and p.expires_at < 'infinity' order by p.expires_at limit 1)) - now())
        as seconds;
grant select on posts_turn to tenantry_web;

-- A post as the public sees it.  Whose and which posts those are is row-level security's to say; that
-- one of a space which is not open does not show is said here.
create view posts_public with (security_invoker = true) as
    select p.tenant_id, p.id, p.slug, p.title, p.description, p.content, p.format, p.tags, p.image,
        p.space_slug as space, p.author_name as author, p.comment_count as comments,
        p.reaction_count as reactions, p.shown_at, p.updated_at, p.status, p.extra, p.publish_at, p.expires_at,
        p.space_id
    from tenantry.posts p
    where p.space_id is null or p.space_slug is not null;
grant select on posts_public to tenantry_web, tenantry_builder;

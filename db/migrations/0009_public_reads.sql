-- What anybody may read of a tenant, in the form in which the API asks for it.
--
-- A post's comments and reactions are counted when they are written: a page of posts is read far more
-- often than anybody writes one, and counting is what would take longest.

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

-- ---- counts ----

create table post_counts (
    tenant_id uuid not null,
    post_id uuid not null,
    comments integer not null default 0,
    reactions integer not null default 0,
    primary key (tenant_id, post_id),
    foreign key (tenant_id, post_id) references posts on delete cascade
) with (fillfactor = 70);
comment on table post_counts is 'Visible comments and reactions of a post; no row: none';

alter table post_counts enable row level security;
alter table post_counts force row level security;
create policy tenant on post_counts
    using (tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid);
create policy directory on post_counts to tenantry_directory using (true) with check (true);
grant select on post_counts to tenantry_web, tenantry_member, tenantry_admin, tenantry_builder;
grant select, insert, update on post_counts to tenantry_directory;

reset role;
set local role tenantry_directory;

-- More of a post that is there (a reference to it is what was written), or less of one that may go.
create function add_counts(tenants uuid[], posts uuid[], comments integer, reactions integer) returns void
language plpgsql security definer set search_path = tenantry, pg_temp as $$
begin
    if comments + reactions > 0 then
        insert into tenantry.post_counts as o (tenant_id, post_id, comments, reactions)
            select t, p, count(*) * add_counts.comments, count(*) * add_counts.reactions
            from unnest(tenants, posts) x (t, p) group by t, p order by t, p
            on conflict (tenant_id, post_id) do update
                set comments = o.comments + excluded.comments, reactions = o.reactions + excluded.reactions;
    else
        update tenantry.post_counts o
            set comments = o.comments + x.n * add_counts.comments, reactions = o.reactions + x.n * add_counts.reactions
            from (select t, p, count(*) as n from unnest(tenants, posts) x (t, p) group by t, p) x
            where o.tenant_id = x.t and o.post_id = x.p;
    end if;
end $$;

create function count_comments() returns trigger
language plpgsql security definer set search_path = tenantry, pg_temp as $$
begin
    if tg_op <> 'DELETE' then
        perform tenantry.add_counts(array_agg(c.tenant_id), array_agg(c.post_id), 1, 0) from added c
            where c.status = 'VISIBLE' having count(*) > 0;
    end if;
    if tg_op <> 'INSERT' then
        perform tenantry.add_counts(array_agg(c.tenant_id), array_agg(c.post_id), -1, 0) from removed c
            where c.status = 'VISIBLE' having count(*) > 0;
    end if;
    return null;
end $$;

create function count_reactions() returns trigger
language plpgsql security definer set search_path = tenantry, pg_temp as $$
begin
    if tg_op <> 'DELETE' then
        perform tenantry.add_counts(array_agg(r.tenant_id), array_agg(r.post_id), 0, 1) from added r having count(*) > 0;
    end if;
    if tg_op <> 'INSERT' then
        perform tenantry.add_counts(array_agg(r.tenant_id), array_agg(r.post_id), 0, -1) from removed r having count(*) > 0;
    end if;
    return null;
end $$;
grant execute on function count_comments(), count_reactions() to tenantry_owner;

reset role;
set local role tenantry_owner;

do $$
declare
    t text;
begin
    foreach t in array array['comments', 'reactions'] loop
        execute format('create trigger %I after insert on %I referencing new table as added
            for each statement execute function %I()', t || '_count_insert', t, 'count_' || t);
        execute format('create trigger %I after update on %I referencing old table as removed new table as added
            for each statement execute function %I()', t || '_count_update', t, 'count_' || t);
        execute format('create trigger %I after delete on %I referencing old table as removed
            for each statement execute function %I()', t || '_count_delete', t, 'count_' || t);
    end loop;
end $$;

-- Counts all of one tenant anew; nobody comments meanwhile.
create function count_posts(tenant uuid) returns void
language plpgsql security definer set search_path = tenantry, pg_temp as $$
begin
    perform set_config('app.current_tenant_id', tenant::text, true);
    lock table tenantry.comments, tenantry.reactions in share mode;
    insert into tenantry.post_counts (tenant_id, post_id, comments, reactions)
        select tenant, x.post_id, sum(x.comments), sum(x.reactions) from (
            select c.post_id, 1 as comments, 0 as reactions from tenantry.comments c
                where c.tenant_id = tenant and c.status = 'VISIBLE'
            union all select r.post_id, 0, 1 from tenantry.reactions r where r.tenant_id = tenant
            union all select o.post_id, 0, 0 from tenantry.post_counts o where o.tenant_id = tenant) x
        group by x.post_id order by x.post_id
        on conflict (tenant_id, post_id) do update
            set comments = excluded.comments, reactions = excluded.reactions;
end $$;

-- ---- posts ----

-- Seconds until a post of the tenant appears or expires by itself; null: never.  Of what the public does
-- not see yet it learns no more than that.
create function posts_turn() returns double precision
language plpgsql stable security definer set search_path = tenantry, pg_temp as $$
declare
    tenant uuid := nullif(current_setting('app.current_tenant_id', true), '')::uuid;
begin
    return extract(epoch from least(
        (select min(p.publish_at) from tenantry.posts p where p.tenant_id = tenant and p.status = 'SCHEDULED'
            and p.publish_at > now() and p.publish_at < 'infinity'),
        (select min(p.expires_at) from tenantry.posts p where p.tenant_id = tenant
            and p.expires_at > now() and p.expires_at < 'infinity')) - now());
end $$;
grant execute on function posts_turn() to tenantry_web;

create type public_post as (
    id uuid,
    slug text,
    title text,
    description text,
    content text, -- null: none, or longer than the answer may carry
    format post_format,
    tags json, -- null: none
    image text,
    space text,
    author text,
    counts integer[], -- comments, reactions
    published_at timestamp, -- UTC, as is the next
    updated_at timestamp,
    seconds double precision -- of the first row alone, which is no post: posts_turn()
);

-- What the public sees, newest first: `n` posts behind the one at (after, after_id), with this tag, in
-- this space.  Those published and those whose minute has come have an index each, whose order is the
-- page's; a condition on either would not be looked up if it called a function that is not leakproof, as
-- comparing an enum does.  Authors and counts are looked up by their keys: a join would be planned by
-- what the tenants have on average.
create function public_posts(n integer, after timestamptz, after_id uuid, tag text, space text)
returns setof public_post
language plpgsql stable set search_path = tenantry, pg_temp as $$
declare
    first constant timestamptz := '0001-01-01Z';
    last timestamptz := coalesce(after, '9999-12-31 23:59:59.999999Z');
    last_id uuid := coalesce(after_id, '00000000-0000-0000-0000-000000000000');
    in_space uuid;
    head tenantry.public_post;
begin
    head.seconds := tenantry.posts_turn();
    return next head;
    if space is not null then
        select s.id into in_space from tenantry.spaces s
            where s.tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid
                and s.slug = public_posts.space and s.visibility = 'PUBLIC' and s.archived_at is null;
        if in_space is null then
            return;
        end if;
    end if;
    return query
        select p.id, p.slug, p.title, p.description, case when octet_length(p.content) <= 32768 then p.content end,
            p.format, case when cardinality(p.tags) > 0 then to_json(p.tags) end, p.image,
            case when p.space_id is not null then (select s.slug from tenantry.spaces s
                where s.tenant_id = p.tenant_id and s.id = p.space_id) end,
            case when p.author_id is not null then (select u.name from tenantry.users u where u.id = p.author_id) end,
            (select array[c.comments, c.reactions] from tenantry.post_counts c
                where c.tenant_id = p.tenant_id and c.post_id = p.id),
            p.shown at time zone 'UTC', p.updated_at at time zone 'UTC', null::double precision
        from (
            (select p.id, p.slug, p.title, p.description, p.content, p.format, p.tags, p.image,
                    p.space_id, p.author_id, p.updated_at, p.tenant_id, p.published_at as shown
                from tenantry.posts p
                where p.status = 'PUBLISHED' and p.visibility = 'PUBLIC' and p.published_at between first and last
                    and (p.published_at < last or p.id > last_id)
                    and (p.space_id is null or exists (select from tenantry.spaces s
                        where s.tenant_id = p.tenant_id and s.id = p.space_id))
                    and (public_posts.tag is null or p.tags @> array[public_posts.tag])
                    and (in_space is null or p.space_id = in_space)
                order by p.published_at desc, p.id limit n)
            union all
            (select p.id, p.slug, p.title, p.description, p.content, p.format, p.tags, p.image,
                    p.space_id, p.author_id, p.updated_at, p.tenant_id, p.publish_at as shown
                from tenantry.posts p
                where p.status = 'SCHEDULED' and p.visibility = 'PUBLIC' and p.publish_at between first and last
                    and (p.publish_at < last or p.id > last_id)
                    and (p.space_id is null or exists (select from tenantry.spaces s
                        where s.tenant_id = p.tenant_id and s.id = p.space_id))
                    and (public_posts.tag is null or p.tags @> array[public_posts.tag])
                    and (in_space is null or p.space_id = in_space)
                order by p.publish_at desc, p.id limit n)
            order by shown desc, id limit n) p
        order by p.shown desc, p.id;
end $$;

create function public_post(slug text) returns setof public_post
language plpgsql stable set search_path = tenantry, pg_temp as $$
declare
    head tenantry.public_post;
begin
    head.seconds := tenantry.posts_turn();
    return next head;
    return query
        select p.id, p.slug, p.title, p.description, case when octet_length(p.content) <= 524288 then p.content end,
            p.format, case when cardinality(p.tags) > 0 then to_json(p.tags) end, p.image,
            case when p.space_id is not null then (select s.slug from tenantry.spaces s
                where s.tenant_id = p.tenant_id and s.id = p.space_id) end,
            case when p.author_id is not null then (select u.name from tenantry.users u where u.id = p.author_id) end,
            (select array[c.comments, c.reactions] from tenantry.post_counts c
                where c.tenant_id = p.tenant_id and c.post_id = p.id),
            p.shown at time zone 'UTC', p.updated_at at time zone 'UTC', null::double precision
        from (select p.*, case when p.status = 'SCHEDULED' then p.publish_at else p.published_at end as shown
            from tenantry.posts p
            where p.tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid
                and p.slug = public_post.slug and p.visibility = 'PUBLIC'
                and p.status in ('PUBLISHED', 'SCHEDULED')
                and (p.space_id is null or exists (select from tenantry.spaces s
                    where s.tenant_id = p.tenant_id and s.id = p.space_id))) p
        where p.shown between '0001-01-01Z' and '9999-12-31 23:59:59.999999Z';
end $$;
grant execute on function public_posts(integer, timestamptz, uuid, text, text), public_post(text) to tenantry_web;

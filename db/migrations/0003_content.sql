-- What members write: spaces, posts, comments, reactions.
--
-- A post may be half finished: the build judges it and names the row.
--
-- What a page of posts shows of other tables (the author's name, the space's, how many comments and
-- reactions) is kept with the post: pages are read far more often than anybody writes, and looking it
-- up, or counting, is what would take longest.

set local role tenantry_owner;
set local search_path = tenantry;

create type space_type as enum ('FEED', 'CHAT', 'COURSE', 'CALCULATOR', 'DASHBOARD', 'EVENT');
create type space_role as enum ('MEMBER', 'MODERATOR');
create type visibility as enum ('PUBLIC', 'MEMBERS', 'PAID');
create type post_status as enum ('DRAFT', 'PUBLISHED', 'SCHEDULED', 'ARCHIVED');
create type post_format as enum ('HTML', 'MARKDOWN');
create type comment_status as enum ('VISIBLE', 'HIDDEN');

create table spaces (
    tenant_id uuid not null references tenants on delete cascade,
    id uuid not null default gen_random_uuid(),
    slug text not null,
    name text not null,
    description text,
    type space_type not null default 'FEED',
    visibility visibility not null default 'MEMBERS',
    position integer not null default 0,
    settings jsonb not null default '{}' check (jsonb_typeof(settings) = 'object'),
    archived_at timestamptz,
    shown_slug text generated always as
        (case when visibility = 'PUBLIC' and archived_at is null then slug end) stored,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (tenant_id, id),
    unique (tenant_id, slug)
);
comment on column spaces.shown_slug is 'null: the public does not see it';
comment on column spaces.visibility is 'PUBLIC: its posts are on the site; MEMBERS, PAID: for signed-in members';

create table space_members (
    tenant_id uuid not null references tenants on delete cascade,
    space_id uuid not null,
    user_id uuid not null,
    role space_role not null default 'MEMBER',
    joined_at timestamptz not null default now(),
    primary key (tenant_id, space_id, user_id),
    foreign key (tenant_id, space_id) references spaces on delete cascade,
    foreign key (tenant_id, user_id) references memberships on delete cascade
);
create index space_members_of_user on space_members (tenant_id, user_id);

create table posts (
    tenant_id uuid not null references tenants on delete cascade,
    id uuid not null default gen_random_uuid(),
    space_id uuid,
    author_id uuid,
    slug text not null,
    title text,
    description text,
    content text,
    format post_format not null default 'HTML',
    status post_status not null default 'DRAFT',
    visibility visibility not null default 'PUBLIC',
    tags text[] not null default '{}',
    image text,
    extra jsonb not null default '{}' check (jsonb_typeof(extra) = 'object'),
    published_at timestamptz,
    publish_at timestamptz,
    expires_at timestamptz,
    shown_at timestamptz generated always as
        (case status when 'PUBLISHED' then published_at when 'SCHEDULED' then publish_at end) stored,
    author_name text,
    space_slug text,
    comment_count integer not null default 0,
    reaction_count integer not null default 0,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (tenant_id, id),
    unique (tenant_id, slug),
    check (status <> 'SCHEDULED' or publish_at is not null),
    foreign key (tenant_id, space_id) references spaces on delete cascade,
    foreign key (tenant_id, author_id) references memberships on delete set null (author_id)
) with (fillfactor = 80); -- room for the next count
comment on column posts.visibility is 'that of its space, if it has one';
comment on column posts.published_at is 'set when it becomes PUBLISHED';
comment on column posts.publish_at is 'when a SCHEDULED one becomes visible; nothing changes its status then';
comment on column posts.extra is 'whatever else front matter might say';
comment on column posts.shown_at is 'its date: since when the public can see it, or will';
comment on column posts.author_name is 'that of the user, kept by triggers';
comment on column posts.space_slug is 'the shown_slug of its space, kept by triggers';
comment on column posts.comment_count is 'visible ones, kept by triggers';
comment on column posts.reaction_count is 'kept by triggers';
create index posts_of_space on posts (tenant_id, space_id, shown_at desc, id) where space_id is not null;
create index posts_of_author on posts (tenant_id, author_id) where author_id is not null;
create index posts_due on posts (tenant_id, publish_at) where status = 'SCHEDULED';

create table comments (
    tenant_id uuid not null references tenants on delete cascade,
    id uuid not null default gen_random_uuid(),
    post_id uuid not null,
    parent_id uuid,
    author_id uuid,
    content text not null,
    status comment_status not null default 'VISIBLE',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (tenant_id, id),
    foreign key (tenant_id, post_id) references posts on delete cascade,
    foreign key (tenant_id, parent_id) references comments on delete cascade,
    foreign key (tenant_id, author_id) references memberships on delete set null (author_id)
);
create index comments_of_post on comments (tenant_id, post_id, created_at);
create index comments_of_parent on comments (tenant_id, parent_id) where parent_id is not null;
create index comments_of_author on comments (tenant_id, author_id) where author_id is not null;

create table reactions (
    tenant_id uuid not null references tenants on delete cascade,
    post_id uuid not null,
    user_id uuid not null,
    kind text not null default 'like' check (length(kind) between 1 and 32),
    created_at timestamptz not null default now(),
    primary key (tenant_id, post_id, user_id, kind),
    foreign key (tenant_id, post_id) references posts on delete cascade,
    foreign key (tenant_id, user_id) references memberships on delete cascade
);
create index reactions_of_user on reactions (tenant_id, user_id);

create function posts_prepare() returns trigger
language plpgsql set search_path = tenantry, pg_temp as $$
begin
    if new.status = 'PUBLISHED' and new.published_at is null then
        new.published_at := now();
    end if;
    if tg_op = 'UPDATE' then
        new.updated_at := now();
    end if;
    return new;
end $$;

-- What is counted is no change of the post.
create trigger posts_1_prepare before insert or update of space_id, author_id, slug, title, description, content,
    format, status, visibility, tags, image, extra, published_at, publish_at, expires_at on posts
    for each row execute function posts_prepare();
create trigger spaces_updated_at before update on spaces for each row execute function keep_updated_at();
create trigger comments_updated_at before update on comments for each row execute function keep_updated_at();

-- ---- walls ----

do $$
declare
    t text;
begin
    foreach t in array array['spaces', 'space_members', 'posts', 'comments', 'reactions'] loop
        execute format('alter table %I enable row level security', t);
        execute format('alter table %I force row level security', t);
        execute format($p$create policy tenant on %I
            using (tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid)
            with check (tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid)$p$, t);
    end loop;
end $$;

create policy directory on spaces to tenantry_directory using (true);
create policy directory on posts to tenantry_directory using (true) with check (true);
create policy public_only on spaces as restrictive for select to tenantry_web, tenantry_builder
    using (visibility = 'PUBLIC' and archived_at is null);
create policy published_only on posts as restrictive for select to tenantry_web
    using (visibility = 'PUBLIC' and (status = 'PUBLISHED' or (status = 'SCHEDULED' and publish_at <= now()))
        and (expires_at is null or expires_at > now()));
-- The build has its own clock.
create policy public_only on posts as restrictive for select to tenantry_builder
    using (visibility = 'PUBLIC' and status in ('PUBLISHED', 'SCHEDULED'));
create policy readable on posts as restrictive for select to tenantry_member
    using (author_id = nullif(current_setting('app.current_user_id', true), '')::uuid
        or status = 'PUBLISHED' or (status = 'SCHEDULED' and publish_at <= now()));
create policy visible_only on comments as restrictive for select to tenantry_web
    using (status = 'VISIBLE');

-- Members write in their own name and change what is theirs.
do $$
declare
    t record;
begin
    for t in select * from (values ('posts', 'author_id'), ('comments', 'author_id'), ('reactions', 'user_id'))
        as owned (name, col)
    loop
        execute format($p$create policy own_insert on %I as restrictive for insert to tenantry_member
            with check (%I = nullif(current_setting('app.current_user_id', true), '')::uuid)$p$, t.name, t.col);
        execute format($p$create policy own_update on %I as restrictive for update to tenantry_member
            using (%2$I = nullif(current_setting('app.current_user_id', true), '')::uuid)
            with check (%2$I = nullif(current_setting('app.current_user_id', true), '')::uuid)$p$, t.name, t.col);
        execute format($p$create policy own_delete on %I as restrictive for delete to tenantry_member
            using (%I = nullif(current_setting('app.current_user_id', true), '')::uuid)$p$, t.name, t.col);
    end loop;
end $$;

-- Of people, the public knows those whose posts it can read.
create policy authors on users for select to tenantry_web
    using (exists (select from posts p
        where p.tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid
            and p.author_id = users.id));

-- ---- rights ----

grant select on spaces to tenantry_web, tenantry_member, tenantry_builder, tenantry_admin;
grant insert, update (slug, name, description, type, visibility, position, settings, archived_at), delete
    on spaces to tenantry_admin;
grant select on space_members to tenantry_member;
grant select, insert, update (role), delete on space_members to tenantry_admin;

grant select on posts to tenantry_web, tenantry_builder, tenantry_member, tenantry_admin;
grant insert (tenant_id, id, space_id, author_id, slug, title, description, content, format, status, tags, image,
        extra, publish_at, expires_at),
    update (space_id, slug, title, description, content, format, status, tags, image, extra, publish_at,
        expires_at),
    delete on posts to tenantry_member, tenantry_admin;
grant insert (visibility, published_at), update (visibility, published_at) on posts to tenantry_admin;
grant select (tenant_id, id, slug, visibility, shown_slug),
    update (slug) on spaces to tenantry_directory; -- to lock a row
grant select (tenant_id, id, author_id, space_id, visibility, space_slug, comment_count, reaction_count),
    update (visibility, author_name, space_slug, comment_count, reaction_count) on posts to tenantry_directory;

grant select on comments to tenantry_web, tenantry_member, tenantry_admin;
grant insert (tenant_id, id, post_id, parent_id, author_id, content), update (content), delete
    on comments to tenantry_member, tenantry_admin;
grant update (status) on comments to tenantry_admin;
grant select (tenant_id, post_id, kind) on reactions to tenantry_web;
grant select, insert (tenant_id, post_id, user_id, kind), delete on reactions to tenantry_member, tenantry_admin;

-- ---- what is kept with a post ----

reset role;
set local role tenantry_directory;

-- Who may read a post follows from its space.  One that is about to change is waited for: whoever changes
-- it does not see this post yet.
create function posts_follow_space() returns trigger
language plpgsql security definer set search_path = tenantry, pg_temp as $$
begin
    if new.space_id is null then
        new.space_slug := null;
        return new;
    end if;
    select s.visibility, s.shown_slug into new.visibility, new.space_slug from tenantry.spaces s
        where s.tenant_id = new.tenant_id and s.id = new.space_id for share;
    new.visibility := coalesce(new.visibility, 'MEMBERS'); -- no such space: the foreign key will say so
    return new;
end $$;

-- A new name, or an end, is no change of the posts themselves: their updated_at stays.
create function spaces_lead_posts() returns trigger
language plpgsql security definer set search_path = tenantry, pg_temp as $$
begin
    if old.visibility <> new.visibility then
        update tenantry.posts p set visibility = new.visibility
            where p.tenant_id = new.tenant_id and p.space_id = new.id and p.visibility <> new.visibility;
    end if;
    update tenantry.posts p set space_slug = new.shown_slug
        where p.tenant_id = new.tenant_id and p.space_id = new.id and p.space_slug is distinct from new.shown_slug;
    return null;
end $$;

-- A name that is about to change is waited for: whoever changes it does not see this post yet.
create function posts_name_author() returns trigger
language plpgsql security definer set search_path = tenantry, pg_temp as $$
begin
    new.author_name := (select u.name from tenantry.users u where u.id = new.author_id for share);
    return new;
end $$;

create function users_rename_author() returns trigger
language plpgsql security definer set search_path = tenantry, pg_temp as $$
begin
    -- Of each tenant, as that is what the index begins with.
    update tenantry.posts p set author_name = new.name from tenantry.tenants t
        where p.tenant_id = t.id and p.author_id = new.id;
    return null;
end $$;

-- So many more, or less, for each post, which is named once.  In one order, so that two who count the
-- same posts do not wait for each other; one that has gone counts nothing.
create function posts_count(tenants uuid[], ids uuid[], comments integer[], reactions integer[]) returns void
language plpgsql security definer set search_path = tenantry, pg_temp as $$
begin
    perform from tenantry.posts p
        where (p.tenant_id, p.id) in (select t, i from unnest(tenants, ids) x (t, i))
        order by p.tenant_id, p.id for no key update;
    update tenantry.posts p set comment_count = p.comment_count + coalesce(x.c, 0),
            reaction_count = p.reaction_count + coalesce(x.r, 0)
        from unnest(tenants, ids, comments, reactions) x (t, i, c, r)
        where p.tenant_id = x.t and p.id = x.i;
end $$;

-- An update counts by what is different after it: a new text touches no post.
create function count_comments() returns trigger
language plpgsql security definer set search_path = tenantry, pg_temp as $$
begin
    if tg_op = 'INSERT' then
        perform tenantry.posts_count(array_agg(x.t), array_agg(x.p), array_agg(x.n), null) from (
            select c.tenant_id, c.post_id, count(*)::integer from added c where c.status = 'VISIBLE' group by 1, 2) x (t, p, n);
    elsif tg_op = 'DELETE' then
        perform tenantry.posts_count(array_agg(x.t), array_agg(x.p), array_agg(x.n), null) from (
            select c.tenant_id, c.post_id, -count(*)::integer from removed c where c.status = 'VISIBLE' group by 1, 2) x (t, p, n);
    else
        perform tenantry.posts_count(array_agg(x.t), array_agg(x.p), array_agg(x.n), null) from (
            select c.tenant_id, c.post_id, sum(c.n)::integer from (
                select a.tenant_id, a.post_id, 1 as n from added a where a.status = 'VISIBLE'
                union all select r.tenant_id, r.post_id, -1 from removed r where r.status = 'VISIBLE') c
            group by 1, 2 having sum(c.n) <> 0) x (t, p, n);
    end if;
    return null;
end $$;

create function count_reactions() returns trigger
language plpgsql security definer set search_path = tenantry, pg_temp as $$
begin
    if tg_op = 'INSERT' then
        perform tenantry.posts_count(array_agg(x.t), array_agg(x.p), null, array_agg(x.n)) from (
            select r.tenant_id, r.post_id, count(*)::integer from added r group by 1, 2) x (t, p, n);
    elsif tg_op = 'DELETE' then
        perform tenantry.posts_count(array_agg(x.t), array_agg(x.p), null, array_agg(x.n)) from (
            select r.tenant_id, r.post_id, -count(*)::integer from removed r group by 1, 2) x (t, p, n);
    else
        perform tenantry.posts_count(array_agg(x.t), array_agg(x.p), null, array_agg(x.n)) from (
            select r.tenant_id, r.post_id, sum(r.n)::integer from (
                select a.tenant_id, a.post_id, 1 as n from added a
                union all select o.tenant_id, o.post_id, -1 from removed o) r
            group by 1, 2 having sum(r.n) <> 0) x (t, p, n);
    end if;
    return null;
end $$;
grant execute on function posts_follow_space(), spaces_lead_posts(), posts_name_author(), users_rename_author(),
    count_comments(), count_reactions() to tenantry_owner;

reset role;
set local role tenantry_owner;

create trigger posts_2_follow_space before insert or update of space_id, visibility on posts
    for each row when (new.space_id is not null or new.space_slug is not null) execute function posts_follow_space();
create trigger spaces_lead_posts after update of visibility, slug, archived_at on spaces
    for each row when (old.visibility <> new.visibility or old.shown_slug is distinct from new.shown_slug)
    execute function spaces_lead_posts();
create trigger posts_3_name_author before insert or update of author_id on posts
    for each row execute function posts_name_author();
create trigger users_rename_author after update of name on users
    for each row when (old.name <> new.name) execute function users_rename_author();
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

-- What a community's clients ask for: posts of spaces, members, oneself.
--
-- Each function acts for whoever asks: tenantry_web, _member (guests, too) or _admin, in the
-- tenant and for the user of the transaction.  Another tenant's row is not there.

set local role tenantry_owner;
set local search_path = tenantry;

create function current_tenant() returns uuid
language sql stable set search_path = tenantry, pg_temp as $$
    select nullif(current_setting('app.current_tenant_id', true), '')::uuid
$$;

create function current_person() returns uuid
language sql stable set search_path = tenantry, pg_temp as $$
    select nullif(current_setting('app.current_user_id', true), '')::uuid
$$;

create function json_time(t timestamptz) returns text
language plpgsql stable set search_path = tenantry, pg_temp as $$
begin
    return to_char(t at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"');
end $$;
comment on function json_time is 'As JavaScript writes a Date';

-- ---- what a subscription is worth ----

create function subscription_counts(status subscription_status, grace_until timestamptz) returns boolean
language sql stable set search_path = tenantry, pg_temp as $$
    select status in ('active', 'trialing')
        or status in ('past_due', 'unpaid') and coalesce(grace_until > now(), false)
$$;
comment on function subscription_counts is 'Whether it gives what it is for: paid, on trial, or behind but within the grace';

-- ---- who may read what ----

create function has_paid(person uuid) returns boolean
language sql stable set search_path = tenantry, pg_temp as $$
    select coalesce(bool_or(subscription_counts(s.status, s.grace_until)),
            (select m.join_source = 'paid' from tenantry.memberships m where m.user_id = person), false)
        from tenantry.subscriptions s where s.user_id = person
$$;
comment on function has_paid is
    'A subscription that runs, or is in its grace; or, where there never was one, a place that was bought';

create function reader(guest boolean, out open visibility[], out extra uuid[], out member boolean)
language plpgsql stable set search_path = tenantry, pg_temp as $$
declare
    rank member_role;
begin
    open := array['PUBLIC']::visibility[];
    extra := '{}';
    member := false;
    if current_user not in ('tenantry_member', 'tenantry_admin') then
        return; -- the public has no right to look at the rest
    end if;
    select m.role into rank from memberships m where m.user_id = current_person();
    member := coalesce(rank <> 'guest' and not guest, false);
    if current_user = 'tenantry_admin' then
        open := enum_range(null::visibility);
    elsif not member then
        extra := array(select s.id from spaces s join space_members i on i.space_id = s.id
            where i.user_id = current_person() and s.visibility = 'MEMBERS');
    else
        open := open || 'MEMBERS'::visibility;
        if has_paid(current_person()) then
            open := open || 'PAID'::visibility;
        end if;
        extra := array(select i.space_id from space_members i
            where i.user_id = current_person() and i.role = 'MODERATOR');
    end if;
end $$;
comment on function reader is
    'What whoever asks, as a guest if they say so, may read: posts of these visibilities, and of these spaces besides';

create function space_enter(space uuid, open visibility[], extra uuid[], member boolean) returns void
language plpgsql stable set search_path = tenantry, pg_temp as $$
declare
    seen visibility;
begin
    select s.visibility into seen from spaces s where s.id = space and s.archived_at is null;
    if seen is not null and (seen = any(open) or space = any(extra)) then
        return;
    elsif seen = 'PAID' and member then
        raise exception using errcode = 'PT403', message = 'this space is for members who have paid';
    end if;
    raise exception using errcode = 'PT404', message = 'there is no such space';
end $$;

-- ---- posts ----

-- In plpgsql, which keeps a function's plan from call to call, as SQL does not.
create function person_json(person uuid) returns json
language plpgsql stable set search_path = tenantry, pg_temp as $$
declare
    -- Whoever has no tenant learns nothing, also not whether somebody is there.
    tenant constant uuid := nullif(current_setting('app.current_tenant_id', true), '')::uuid;
begin
    return (select json_build_object('id', u.id, 'name', u.name, 'profilePhotoUrl', u.avatar_url)
        from users u where u.id = person);
end $$;

create function post_json(p posts) returns json
language plpgsql stable set search_path = tenantry, pg_temp as $$
begin
    return json_build_object('id', p.id, 'spaceId', p.space_id, 'slug', p.slug, 'title', p.title,
        'content', p.content, 'format', p.format, 'status', p.status, 'tags', p.tags,
        'author', person_json(p.author_id),
        '_count', json_build_object(
            'Reaction', p.reaction_count, 'Comment', p.comment_count),
        'publishedAt', json_time(p.published_at), 'scheduledAt', json_time(p.publish_at),
        'createdAt', json_time(p.created_at), 'updatedAt', json_time(p.updated_at));
end $$;

-- Without sorts the plan is a walk along the index of dates: planned for all tenants at once, a large one's
-- posts would look like a handful to sort.
create function trpc_posts_list(space uuid, size integer, after uuid, guest boolean) returns text
language plpgsql stable set search_path = tenantry, pg_temp set enable_sort = off as $$
declare
    tenant constant uuid := current_tenant();
    r record;
    last timestamptz := 'infinity';
    last_id uuid;
    found uuid[];
    fit integer;
begin
    select * into r from reader(guest);
    if space is not null then
        perform space_enter(space, r.open, r.extra, r.member);
    end if;
    if after is not null then
        select p.shown_at, p.id
            into last, last_id from posts p
            where p.id = after and p.status in ('PUBLISHED', 'SCHEDULED')
                and (p.visibility = any(r.open) or p.space_id = any(r.extra));
        if last is null then
            raise exception using errcode = 'PT404', message = 'cursor: there is no such post';
        end if;
    end if;
    -- Posts may be long: a page ends after 300 kB, but not before its first post.
    select array_agg(v.id order by v.place), count(*) filter (where v.before < 300000 and v.place <= size)
        into found, fit from (
        select u.id, row_number() over listed as place, sum(u.bytes) over listed - u.bytes as before from (
            select p.id, p.shown_at, coalesce(octet_length(p.content), 0) as bytes from posts p
            where p.tenant_id = tenant and p.shown_at <= last
                and (p.shown_at < last or last_id is null or p.id > last_id)
                and (p.status = 'PUBLISHED' or p.status = 'SCHEDULED' and p.shown_at <= now())
                and (p.expires_at is null or p.expires_at > now())
                and (p.visibility = any(r.open) or p.space_id = any(r.extra))
                and (space is null or p.space_id = space)
                and (p.space_id is null or exists (select from spaces s
                    where s.tenant_id = tenant and s.id = p.space_id and s.archived_at is null))
            order by p.shown_at desc, p.id limit size + 1) u
        window listed as (order by u.shown_at desc, u.id)) v;
    return (select json_build_object(
            'posts', coalesce(json_agg(post_json(p) order by g.place), '[]'),
            'nextCursor', case when cardinality(found) > fit then found[fit] end)
        from unnest(found[1:fit]) with ordinality g (id, place) join posts p on p.id = g.id);
end $$;

create function trpc_posts_create(space uuid, title text, content text, status post_status, scheduled timestamptz,
    slug text) returns text
language plpgsql set search_path = tenantry, pg_temp as $$
declare
    r record;
    made posts;
begin
    select * into r from reader(false);
    if not r.member then
        raise exception using errcode = 'PT403', message = 'guests read; members write';
    end if;
    perform space_enter(space, r.open, r.extra, r.member);
    for i in 1..20 loop
        insert into posts (tenant_id, space_id, author_id, slug, title, content, status, publish_at)
            values (current_tenant(), space, current_person(),
                trpc_posts_create.slug || case when i = 1 then '' when i < 20 then '-' || i
                    else '-' || left(md5(random()::text), 12) end,
                title, content, status, scheduled)
            on conflict do nothing returning * into made;
        exit when found;
    end loop;
    return post_json(made);
end $$;

-- ---- members ----

create function member_role_name(role member_role) returns text
language sql immutable set search_path = tenantry, pg_temp as $$
    select case when role in ('owner', 'admin') then 'ADMIN' else 'MEMBER' end
$$;

create function member_json(who uuid) returns json
language plpgsql stable set search_path = tenantry, pg_temp as $$
begin
    -- E-mail is a column that only admins may name.
    if current_user = 'tenantry_admin' then
        return (select json_build_object('userId', m.user_id, 'name', u.name, 'profilePhotoUrl', u.avatar_url,
                'role', member_role_name(m.role), 'rank', m.role, 'joinedAt', json_time(m.joined_at),
                'email', u.email, 'joinSource', m.join_source, 'lastActiveAt', json_time(m.last_active_at))
            from memberships m join users u on u.id = m.user_id where m.user_id = who);
    end if;
    return (select json_build_object('userId', m.user_id, 'name', u.name, 'profilePhotoUrl', u.avatar_url,
            'role', member_role_name(m.role), 'rank', m.role, 'joinedAt', json_time(m.joined_at))
        from memberships m join users u on u.id = m.user_id where m.user_id = who);
end $$;

create function trpc_members_list(page integer, size integer, search text, role text) returns text
language plpgsql stable set search_path = tenantry, pg_temp as $$
declare
    mailed uuid[] := '{}';
    shown uuid[];
    total bigint;
begin
    if search is not null and current_user = 'tenantry_admin' then
        mailed := array(select u.id from users u where position(lower(search) in u.email) > 0);
    end if;
    select count(*), (array_agg(m.user_id order by m.joined_at, m.user_id))
            [(page - 1) * size + 1 : page * size]
        into total, shown
        from memberships m join users u on u.id = m.user_id
        where (trpc_members_list.role is null or member_role_name(m.role) = trpc_members_list.role)
            and (search is null or position(lower(search) in lower(u.name)) > 0 or u.id = any(mailed));
    return (select json_build_object('members', coalesce(json_agg(member_json(g.id) order by g.place), '[]'),
            'page', page, 'limit', size, 'total', total, 'pages', (total + size - 1) / size)
        from unnest(shown) with ordinality g (id, place));
end $$;

create function trpc_members_get(who uuid) returns text
language plpgsql stable set search_path = tenantry, pg_temp as $$
declare
    shown json := member_json(who);
begin
    if shown is null then
        raise exception using errcode = 'PT404', message = 'there is no such member';
    end if;
    return shown;
end $$;

-- ---- oneself ----

create function own_email() returns text
language sql stable security definer set search_path = tenantry, pg_temp as $$
    select u.email from tenantry.users u
        where u.id = nullif(current_setting('app.current_user_id', true), '')::uuid
$$;
comment on function own_email is 'Of whoever asks; e-mail is no column that members may read';

create function subscription_json(person uuid) returns json
language sql stable set search_path = tenantry, pg_temp as $$
    select json_build_object('planId', s.plan_key, 'status', s.status, 'quantity', s.quantity,
            'currentPeriodEnd', json_time(s.current_period_end), 'trialEnd', json_time(s.trial_end),
            'cancelAtPeriodEnd', s.cancel_at_period_end, 'graceUntil', json_time(s.grace_until))
        from subscriptions s where s.user_id = person
        order by s.status in ('active', 'trialing') desc, s.current_period_end desc nulls last, s.created_at desc, s.id
        limit 1
$$;

create function trpc_current_user() returns text
language plpgsql stable set search_path = tenantry, pg_temp as $$
declare
    shown json := (select json_build_object('id', m.user_id, 'email', own_email(), 'name', u.name,
            'profilePhotoUrl', u.avatar_url, 'role', member_role_name(m.role), 'rank', m.role,
            'joinSource', m.join_source, 'joinedAt', json_time(m.joined_at),
            'isFreeMember', member_is_free(m.user_id), 'hasPaidAccess', has_paid(m.user_id),
            'tenantId', t.id, 'tenant', json_build_object('id', t.id, 'slug', t.slug, 'name', t.name),
            'subscription', subscription_json(m.user_id))
        from memberships m join users u on u.id = m.user_id join tenants t on t.id = m.tenant_id
        where m.user_id = current_person());
begin
    if shown is null then
        raise exception using errcode = 'PT403', message = 'you are no member here';
    end if;
    return shown;
end $$;

grant execute on function current_tenant(), current_person(), json_time(timestamptz), reader(boolean),
    space_enter(uuid, visibility[], uuid[], boolean), person_json(uuid), post_json(posts),
    trpc_posts_list(uuid, integer, uuid, boolean) to tenantry_web, tenantry_member, tenantry_admin;
grant execute on function has_paid(uuid), member_role_name(member_role), member_json(uuid), own_email(),
    subscription_json(uuid), trpc_members_list(integer, integer, text, text),
    trpc_members_get(uuid), trpc_current_user(),
    trpc_posts_create(uuid, text, text, post_status, timestamptz, text) to tenantry_member, tenantry_admin;
grant execute on function subscription_counts(subscription_status, timestamptz)
    to tenantry_member, tenantry_admin, tenantry_webhook;

-- What a second reading of the functions before found.

set local role tenantry_owner;
set local search_path = tenantry;

-- When a person was here last, and since when, is told by their membership.  Of the account that would be
-- what they do in other tenants.
revoke select (created_at, last_login_at) on users from tenantry_admin;

create or replace function account_find(email text, joining boolean, invitation text) returns text
language plpgsql stable security definer set search_path = tenantry, pg_temp as $$
declare
    standing constant tenant_status := (select t.status from tenantry.tenants t
        where t.id = nullif(current_setting('app.current_tenant_id', true), '')::uuid);
begin
    -- Here, before anything depends on whether the e-mail is somebody's.
    if joining and (standing in ('suspended', 'closed') or standing = 'pending' and invitation is null) then
        raise exception using errcode = 'PT403', message = 'nobody can sign in here at the moment';
    end if;
    if joining and invitation is not null and not exists (select from tenantry.invitations i
            where i.token_hash = decode(invitation, 'hex') and i.status = 'pending' and i.expires_at > now()
                and i.email = lower(account_find.email)) then
        raise exception using errcode = 'PT404', message = 'there is no such invitation';
    end if;
    if joining and invitation is null and not tenantry.signup_open() then
        raise exception using errcode = 'PT403', message = 'signing up needs an invitation';
    end if;
    return (select json_build_object('user', f.id, 'hash', f.password_hash)
        from tenantry.user_find(lower(account_find.email)) f);
end $$;

-- What is in a space that was archived is not listed, wherever it is asked for.
create or replace function trpc_posts_list(space uuid, size integer, after uuid, guest boolean) returns text
language plpgsql stable set search_path = tenantry, pg_temp as $$
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
        select case p.status when 'PUBLISHED' then p.published_at else p.publish_at end, p.id
            into last, last_id from posts p
            where p.id = after and p.status in ('PUBLISHED', 'SCHEDULED')
                and (p.visibility = any(r.open) or p.space_id = any(r.extra));
        if last is null then
            raise exception using errcode = 'PT404', message = 'cursor: there is no such post';
        end if;
    end if;
    -- Two lists that an index has in order, and the few at the head of both.  Posts may be long:
    -- a page ends after 300 kB, but not before its first post.
    select array_agg(v.id order by v.place), count(*) filter (where v.before < 300000 and v.place <= size)
        into found, fit from (
        select u.id, row_number() over listed as place, sum(u.bytes) over listed - u.bytes as before from (
        (select p.id, p.published_at as shown, coalesce(octet_length(p.content), 0) as bytes from posts p
            where p.tenant_id = tenant and p.status = 'PUBLISHED' and p.published_at <= last
                and (p.published_at < last or last_id is null or p.id > last_id)
                and (p.expires_at is null or p.expires_at > now())
                and (p.visibility = any(r.open) or p.space_id = any(r.extra))
                and (space is null or p.space_id = space)
                and (p.space_id is null or exists (select from spaces s
                    where s.tenant_id = tenant and s.id = p.space_id and s.archived_at is null))
            order by p.published_at desc, p.id limit size + 1)
        union all
        (select p.id, p.publish_at, coalesce(octet_length(p.content), 0) from posts p
            where p.tenant_id = tenant and p.status = 'SCHEDULED' and p.publish_at <= least(now(), last)
                and (p.publish_at < last or last_id is null or p.id > last_id)
                and (p.expires_at is null or p.expires_at > now())
                and (p.visibility = any(r.open) or p.space_id = any(r.extra))
                and (space is null or p.space_id = space)
                and (p.space_id is null or exists (select from spaces s
                    where s.tenant_id = tenant and s.id = p.space_id and s.archived_at is null))
            order by p.publish_at desc, p.id limit size + 1)) u
        window listed as (order by u.shown desc, u.id)) v;
    return (select json_build_object(
            'posts', coalesce(json_agg(post_json(p) order by g.place), '[]'),
            'nextCursor', case when cardinality(found) > fit then found[fit] end)
        from unnest(found[1:fit]) with ordinality g (id, place) join posts p on p.id = g.id);
end $$;

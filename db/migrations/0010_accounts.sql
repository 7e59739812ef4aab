-- Who is asking, and how they come in: sessions, keys, passwords, invitations.
--
-- Tokens arrive here as the hex of their SHA-256 and are kept as its bytes; passwords arrive
-- hashed.  A request calls these as tenantry_web, before it is known to be anybody: they act as
-- tenantry_owner, which the wall keeps within the tenant of the transaction.  Only what must find
-- a person by e-mail acts as tenantry_directory, and only tenantry_owner may call that.

set local role tenantry_directory;
set local search_path = tenantry;

create function user_find(email text) returns table (id uuid, password_hash text, disabled boolean)
language sql stable security definer set search_path = tenantry, pg_temp as $$
    select u.id, u.password_hash, u.disabled_at is not null from tenantry.users u
        where u.email = user_find.email
$$;
comment on function user_find is 'The one person with this e-mail, whatever tenants they are in';

create function user_add(email text, password_hash text, name text, signup_tenant text) returns uuid
language sql security definer set search_path = tenantry, pg_temp as $$
    insert into tenantry.users (email, password_hash, name, signup_tenant, last_login_at)
        values (email, password_hash, name, signup_tenant, now())
        on conflict do nothing returning id
$$;
comment on function user_add is 'The new person''s id; null: the e-mail is somebody''s';

create function user_login(id uuid, checked text, rehashed text) returns text
language sql security definer set search_path = tenantry, pg_temp as $$
    update tenantry.users u
        set last_login_at = now(), password_hash = coalesce(rehashed, u.password_hash)
        where u.id = user_login.id and u.password_hash = checked and u.disabled_at is null
        returning u.email
$$;
comment on function user_login is
    'The e-mail of whoever gave the password of the hash `checked`; null: it was changed since, or they are disabled';

create function user_email(id uuid) returns text
language sql stable security definer set search_path = tenantry, pg_temp as $$
    select u.email from tenantry.users u where u.id = user_email.id and u.disabled_at is null
$$;

grant execute on function user_find(text), user_add(text, text, text, text), user_login(uuid, text, text),
    user_email(uuid) to tenantry_owner;

reset role;
set local role tenantry_owner;

-- ---- who asks ----

create function identity_of_session(token text, idle interval) returns text
language plpgsql stable security definer set search_path = tenantry, pg_temp as $$
begin
    return (select json_build_object('user', s.user_id, 'role', m.role, 'session', s.id,
            'stale', s.last_seen_at < now() - interval '5 minutes')
        from tenantry.sessions s
        join tenantry.memberships m on m.tenant_id = s.tenant_id and m.user_id = s.user_id
        join tenantry.users u on u.id = s.user_id
        where s.token_hash = decode(token, 'hex') and s.revoked_at is null and s.expires_at > now()
            and s.last_seen_at > now() - idle and u.disabled_at is null);
end $$;
comment on function identity_of_session is 'Null: unknown, expired, idle too long, revoked or disabled';

create function identity_of_key(prefix text, key text) returns text
language plpgsql stable security definer set search_path = tenantry, pg_temp as $$
begin
    return (select json_build_object('user', k.user_id, 'role', m.role, 'key', k.id, 'scopes', k.scopes,
            'stale', k.last_used_at is null or k.last_used_at < now() - interval '5 minutes')
        from tenantry.api_keys k
        join tenantry.memberships m on m.tenant_id = k.tenant_id and m.user_id = k.user_id
        join tenantry.users u on u.id = k.user_id
        where k.key_hash = decode(key, 'hex') and k.prefix = identity_of_key.prefix
            and k.revoked_at is null and (k.expires_at is null or k.expires_at > now())
            and u.disabled_at is null);
end $$;

create function identity_of_user(id uuid) returns text
language plpgsql stable security definer set search_path = tenantry, pg_temp as $$
begin
    return (select json_build_object('user', u.id, 'role', m.role, 'disabled', u.disabled_at is not null)
        from tenantry.memberships m join tenantry.users u on u.id = m.user_id
        where m.user_id = identity_of_user.id);
end $$;
comment on function identity_of_user is 'Of a token''s user; null: no member here';

create function identity_seen(id uuid) returns void
language plpgsql security definer set search_path = tenantry, pg_temp as $$
declare
    who uuid;
begin
    update tenantry.sessions s set last_seen_at = now()
        where s.id = identity_seen.id and s.revoked_at is null returning s.user_id into who;
    if who is null then
        update tenantry.api_keys k set last_used_at = now()
            where k.id = identity_seen.id returning k.user_id into who;
    end if;
    update tenantry.memberships m set last_active_at = now() where m.user_id = who;
end $$;
comment on function identity_seen is 'A session or a key was used';

-- ---- coming in ----

create function signup_open() returns boolean
language sql stable security definer set search_path = tenantry, pg_temp as $$
    select coalesce((select t.settings ->> 'signup' from tenantry.tenants t
        where t.id = nullif(current_setting('app.current_tenant_id', true), '')::uuid), 'open') = 'open'
$$;
comment on function signup_open is 'Setting "signup" of the tenant: "open" lets everybody join, anything else only the invited';

create function account_find(email text, joining boolean, invitation text) returns text
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
comment on function account_find is
    'The hash that a password is to be compared with; a disabled person''s too, so that both take as long';

create function session_open(user_id uuid, token text, agent text, lifetime interval) returns text
language sql security definer set search_path = tenantry, pg_temp as $$
    insert into tenantry.sessions (tenant_id, user_id, token_hash, user_agent, expires_at)
        values (nullif(current_setting('app.current_tenant_id', true), '')::uuid, user_id,
            decode(token, 'hex'), left(agent, 255), now() + lifetime)
        returning json_build_object('user', user_id, 'session', id, 'expiresAt', expires_at)::text
$$;

-- Single use: of any number at once, one finds it pending.
create function invitation_take(user_id uuid, email text, token text) returns boolean
language plpgsql security definer set search_path = tenantry, pg_temp as $$
declare
    taken tenantry.invitations;
begin
    update tenantry.invitations i set status = 'accepted', accepted_at = now()
        where i.token_hash = decode(token, 'hex') and i.status = 'pending' and i.expires_at > now()
            and i.email = invitation_take.email
        returning * into taken;
    if not found then
        return false;
    end if;
    -- Whoever is a member already keeps the higher role: the enum begins with it.
    insert into tenantry.memberships as m (tenant_id, user_id, role, join_source, invited_by)
        values (taken.tenant_id, invitation_take.user_id, taken.role, 'invite_link', taken.invited_by)
        on conflict on constraint memberships_pkey do update set role = least(m.role, excluded.role);
    update tenantry.invitations i set accepted_by = invitation_take.user_id where i.id = taken.id;
    return true;
end $$;

-- Where nothing is paid for, those come in who can do something about it: owners and admins, and
-- whoever is invited to a tenant that is being set up.
create function member_join(user_id uuid, email text, invitation text) returns boolean
language plpgsql security definer set search_path = tenantry, pg_temp as $$
declare
    here tenantry.tenants;
    has tenantry.member_role;
begin
    select * into here from tenantry.tenants t
        where t.id = nullif(current_setting('app.current_tenant_id', true), '')::uuid;
    select m.role into has from tenantry.memberships m where m.user_id = member_join.user_id;
    if here.status = 'closed' or here.status = 'suspended' and coalesce(has not in ('owner', 'admin'), true)
        or here.status = 'pending' and invitation is null and coalesce(has not in ('owner', 'admin'), true) then
        raise exception using errcode = 'PT403', message = 'nobody can sign in here at the moment';
    end if;
    if invitation is not null then
        if not tenantry.invitation_take(user_id, email, invitation) then
            raise exception using errcode = 'PT404', message = 'there is no such invitation';
        end if;
        return true;
    end if;
    if has is not null then
        return true;
    end if;
    if not tenantry.signup_open() then
        return false;
    end if;
    insert into tenantry.memberships (tenant_id, user_id, join_source)
        values (here.id, member_join.user_id, 'free_signup') on conflict do nothing;
    return true;
end $$;
comment on function member_join is 'Whether the user is a member now';

create function account_register(email text, name text, password_hash text, invitation text, token text,
    agent text, lifetime interval) returns text
language plpgsql security definer set search_path = tenantry, pg_temp as $$
declare
    who uuid;
    address text := lower(email);
begin
    who := tenantry.user_add(address, password_hash, name, (select t.slug from tenantry.tenants t
        where t.id = nullif(current_setting('app.current_tenant_id', true), '')::uuid));
    if who is null then
        return null;
    end if;
    if not tenantry.member_join(who, address, invitation) then
        raise exception using errcode = 'PT403', message = 'signing up needs an invitation';
    end if;
    return tenantry.session_open(who, token, agent, lifetime);
end $$;
comment on function account_register is 'The new session; null: the e-mail is somebody''s';

create function account_login(user_id uuid, checked text, rehashed text, invitation text, token text,
    replaced text, agent text, lifetime interval) returns text
language plpgsql security definer set search_path = tenantry, pg_temp as $$
declare
    address text := tenantry.user_login(user_id, checked, rehashed);
begin
    -- One answer for a disabled person, a changed password, and no way in.
    if address is null or not tenantry.member_join(user_id, address, invitation) then
        return null;
    end if;
    update tenantry.sessions s set revoked_at = now()
        where s.token_hash = decode(replaced, 'hex') and s.revoked_at is null;
    return tenantry.session_open(user_id, token, agent, lifetime);
end $$;
comment on function account_login is
    'The new session of whoever proved to know the password of the hash `checked`; null: no way in';

create function account_logout(session uuid, everywhere boolean) returns void
language sql security definer set search_path = tenantry, pg_temp as $$
    update tenantry.sessions s set revoked_at = now() where s.revoked_at is null
        and s.user_id = nullif(current_setting('app.current_user_id', true), '')::uuid
        and (everywhere or s.id = session)
$$;
comment on function account_logout is 'Ends one session of the current user in this tenant, or all of them';

create function member_is_free(user_id uuid) returns boolean
language sql stable set search_path = tenantry, pg_temp as $$
    select exists (select from tenantry.memberships m
            where m.user_id = member_is_free.user_id and m.join_source = 'free_signup')
        and not exists (select from tenantry.subscriptions s
            where s.user_id = member_is_free.user_id and s.status in ('active', 'trialing'))
$$;
comment on function member_is_free is 'Came in for free, and has no subscription in this tenant';

create function account_session(session uuid) returns text
language sql stable security definer set search_path = tenantry, pg_temp as $$
    select json_build_object(
        'user', json_build_object('id', u.id, 'email', u.email, 'name', u.name, 'image', u.avatar_url),
        'membership', json_build_object('role', m.role, 'joinSource', m.join_source, 'joinedAt', m.joined_at,
            'isFreeMember', tenantry.member_is_free(u.id)),
        'expires', (select s.expires_at from tenantry.sessions s where s.id = session))::text
    from tenantry.memberships m join tenantry.users u on u.id = m.user_id
    where m.user_id = nullif(current_setting('app.current_user_id', true), '')::uuid
$$;
comment on function account_session is 'The current user as they see themselves; null: no member here';

-- ---- invitations and keys ----

create function invitation_accept(token text) returns text
language plpgsql security definer set search_path = tenantry, pg_temp as $$
declare
    who uuid := nullif(current_setting('app.current_user_id', true), '')::uuid;
begin
    if not tenantry.invitation_take(who, tenantry.user_email(who), token) then
        raise exception using errcode = 'PT404', message = 'there is no such invitation';
    end if;
    return (select json_build_object('role', m.role) from tenantry.memberships m where m.user_id = who);
end $$;

create function invitation_create(email text, role text, token text) returns text
language plpgsql set search_path = tenantry, pg_temp as $$
declare
    here uuid := nullif(current_setting('app.current_tenant_id', true), '')::uuid;
    made tenantry.invitations;
begin
    if exists (select from tenantry.users u where u.email = lower(invitation_create.email)
            and exists (select from tenantry.memberships m where m.user_id = u.id)) then
        raise exception using errcode = 'PT409', message = 'whoever has this e-mail is a member already';
    end if;
    update tenantry.invitations i set status = 'revoked'
        where i.email = lower(invitation_create.email) and i.status = 'pending';
    insert into tenantry.invitations (tenant_id, email, role, token_hash, invited_by)
        values (here, lower(invitation_create.email), invitation_create.role::tenantry.member_role,
            decode(token, 'hex'), nullif(current_setting('app.current_user_id', true), '')::uuid)
        returning id, expires_at into made.id, made.expires_at;
    return json_build_object('id', made.id, 'expiresAt', made.expires_at);
end $$;
comment on function invitation_create is 'Invites anew whoever was invited before: the older token ends';

-- Whoever may not invite any more has not invited: what they left open ends with their role.
create function memberships_end_invitations() returns trigger
language plpgsql security definer set search_path = tenantry, pg_temp as $$
declare
    here text := current_setting('app.current_tenant_id', true);
begin
    perform set_config('app.current_tenant_id', old.tenant_id::text, true);
    update tenantry.invitations i set status = 'revoked'
        where i.tenant_id = old.tenant_id and i.invited_by = old.user_id and i.status = 'pending';
    perform set_config('app.current_tenant_id', coalesce(here, ''), true);
    return case tg_op when 'DELETE' then old else new end;
end $$;
create trigger memberships_end_invitations_delete before delete on memberships
    for each row when (old.role in ('owner', 'admin')) execute function memberships_end_invitations();
create trigger memberships_end_invitations_update after update of role on memberships for each row
    when (old.role in ('owner', 'admin') and new.role not in ('owner', 'admin')) execute function memberships_end_invitations();

create function api_key_create(name text, prefix text, key text, scopes text, days integer) returns text
language sql set search_path = tenantry, pg_temp as $$
    insert into tenantry.api_keys (tenant_id, user_id, name, prefix, key_hash, scopes, expires_at)
        values (nullif(current_setting('app.current_tenant_id', true), '')::uuid,
            nullif(current_setting('app.current_user_id', true), '')::uuid, name, prefix,
            decode(key, 'hex'), string_to_array(scopes, ' '), now() + make_interval(days => days))
        returning json_build_object('id', id, 'name', name, 'prefix', prefix, 'scopes',
            string_to_array(api_key_create.scopes, ' '), 'expiresAt', expires_at)::text
$$;

create function api_key_list() returns text
language sql stable set search_path = tenantry, pg_temp as $$
    select json_build_object('keys', coalesce(json_agg(json_build_object('id', k.id, 'name', k.name,
            'userId', k.user_id, 'prefix', k.prefix, 'scopes', k.scopes, 'createdAt', k.created_at,
            'lastUsedAt', k.last_used_at, 'expiresAt', k.expires_at) order by k.created_at, k.id), '[]'))::text
        from tenantry.api_keys k
        where k.revoked_at is null and (k.expires_at is null or k.expires_at > now())
$$;

create function api_key_revoke(id uuid) returns boolean
language plpgsql set search_path = tenantry, pg_temp as $$
begin
    update tenantry.api_keys k set revoked_at = now() where k.id = api_key_revoke.id and k.revoked_at is null;
    if not found then
        raise exception using errcode = 'PT404', message = 'there is no such key';
    end if;
    return true;
end $$;

-- When a person was here last, and since when, is told by their membership.  Of the account that would be
-- what they do in other tenants.
revoke select (created_at, last_login_at) on users from tenantry_admin;

grant execute on function identity_of_session(text, interval), identity_of_key(text, text), identity_of_user(uuid),
    identity_seen(uuid), account_find(text, boolean, text), account_register(text, text, text, text, text, text, interval),
    account_login(uuid, text, text, text, text, text, text, interval), account_logout(uuid, boolean),
    account_session(uuid), invitation_accept(text) to tenantry_web;
grant execute on function member_is_free(uuid) to tenantry_member, tenantry_admin;
grant execute on function invitation_create(text, text, text), api_key_create(text, text, text, text, integer),
    api_key_list(), api_key_revoke(uuid) to tenantry_admin;

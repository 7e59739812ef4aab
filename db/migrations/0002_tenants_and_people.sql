-- Tenants, and who belongs to them.
--
-- Every row of every table below belongs to one tenant and says so in tenant_id, the first column
-- of every key: ids of another tenant can be neither referred to nor guessed from a conflict.
-- Users are the exception: they belong to nobody, their memberships do.

set local role tenantry_owner;
set local search_path = tenantry;

create type tenant_status as enum ('pending', 'active', 'suspended', 'closed');
create type member_role as enum ('owner', 'admin', 'member', 'guest');
create type join_source as enum ('free_signup', 'paid', 'invite_link');
create type invitation_status as enum ('pending', 'accepted', 'expired', 'revoked');

create function keep_updated_at() returns trigger
language plpgsql set search_path = tenantry, pg_temp as $$
begin
    new.updated_at := now();
    return new;
end $$;

-- Columns named as the trigger's arguments are written once, when the row is made.
create function refuse_change() returns trigger
language plpgsql set search_path = tenantry, pg_temp as $$
declare
    name text;
begin
    foreach name in array tg_argv loop
        if to_jsonb(new) -> name is distinct from to_jsonb(old) -> name then
            raise exception '%.% is written once, when the row is made', tg_table_name, name
                using errcode = 'integrity_constraint_violation', column = name, table = tg_table_name;
        end if;
    end loop;
    return new;
end $$;

create table tenants (
    id uuid primary key default gen_random_uuid(),
    slug text not null unique check (slug ~ '^[a-z0-9][a-z0-9_-]{0,62}$'),
    name text not null,
    status tenant_status not null default 'pending',
    settings jsonb not null default '{}' check (jsonb_typeof(settings) = 'object'),
    stripe_customer_id text,
    grace_until timestamptz,
    suspended_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
comment on table tenants is 'A brand; slug is its folder in tenants/';
comment on column tenants.grace_until is 'a payment failed; access ends then unless it is made up for';

create table users (
    id uuid primary key default gen_random_uuid(),
    email text not null check (email = lower(email) and email ~ '^[^@[:space:]]+@[^@[:space:]]+$'),
    password_hash text,
    name text not null default '',
    avatar_url text,
    signup_tenant text,
    email_verified_at timestamptz,
    last_login_at timestamptz,
    disabled_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create unique index users_email on users (email);
comment on table users is 'A person, known to every tenant they are a member of';
comment on column users.signup_tenant is 'slug of the tenant they first signed up with; never changes';

create table memberships (
    tenant_id uuid not null references tenants on delete cascade,
    user_id uuid not null references users on delete cascade,
    role member_role not null default 'member',
    join_source join_source not null default 'free_signup',
    permissions text[] not null default '{}',
    invited_by uuid,
    last_active_at timestamptz,
    joined_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (tenant_id, user_id),
    foreign key (tenant_id, invited_by) references memberships on delete set null (invited_by)
);
create index memberships_by_role on memberships (tenant_id, role, joined_at);
create index memberships_inviter on memberships (tenant_id, invited_by) where invited_by is not null;
create index memberships_of_user on memberships (user_id);

create table invitations (
    tenant_id uuid not null references tenants on delete cascade,
    id uuid not null default gen_random_uuid(),
    email text not null check (email = lower(email)),
    role member_role not null default 'member' check (role <> 'owner'),
    token_hash bytea not null check (length(token_hash) = 32),
    status invitation_status not null default 'pending',
    invited_by uuid,
    accepted_by uuid,
    accepted_at timestamptz,
    expires_at timestamptz not null default now() + interval '7 days',
    created_at timestamptz not null default now(),
    primary key (tenant_id, id),
    unique (tenant_id, token_hash),
    foreign key (tenant_id, invited_by) references memberships on delete set null (invited_by),
    foreign key (tenant_id, accepted_by) references memberships on delete set null (accepted_by)
);
comment on column invitations.token_hash is 'SHA-256 of the token; the token itself is in the e-mail only';
create unique index invitations_pending on invitations (tenant_id, email) where status = 'pending';
create index invitations_inviter on invitations (tenant_id, invited_by);
create index invitations_accepter on invitations (tenant_id, accepted_by);

create table sessions (
    tenant_id uuid not null references tenants on delete cascade,
    id uuid not null default gen_random_uuid(),
    user_id uuid not null,
    token_hash bytea not null check (length(token_hash) = 32),
    user_agent text,
    created_at timestamptz not null default now(),
    last_seen_at timestamptz not null default now(),
    expires_at timestamptz not null,
    revoked_at timestamptz,
    primary key (tenant_id, id),
    unique (tenant_id, token_hash),
    foreign key (tenant_id, user_id) references memberships on delete cascade
);
create index sessions_of_user on sessions (tenant_id, user_id);
create index sessions_expiry on sessions (tenant_id, expires_at);

create table api_keys (
    tenant_id uuid not null references tenants on delete cascade,
    id uuid not null default gen_random_uuid(),
    user_id uuid not null,
    name text not null,
    prefix text not null,
    key_hash bytea not null check (length(key_hash) = 32),
    scopes text[] not null default '{}',
    created_at timestamptz not null default now(),
    last_used_at timestamptz,
    expires_at timestamptz,
    revoked_at timestamptz,
    primary key (tenant_id, id),
    unique (tenant_id, key_hash),
    foreign key (tenant_id, user_id) references memberships on delete cascade
);
create index api_keys_of_user on api_keys (tenant_id, user_id);

create trigger tenants_updated_at before update on tenants for each row execute function keep_updated_at();
create trigger users_updated_at before update on users for each row execute function keep_updated_at();
create trigger memberships_updated_at before update on memberships
    for each row execute function keep_updated_at();
create trigger tenants_write_once before update on tenants
    for each row execute function refuse_change('id', 'slug');
create trigger users_write_once before update on users
    for each row execute function refuse_change('id', 'signup_tenant');

-- ---- walls ----

do $$
declare
    t text;
begin
    foreach t in array array['memberships', 'invitations', 'sessions', 'api_keys'] loop
        execute format('alter table %I enable row level security', t);
        execute format('alter table %I force row level security', t);
        execute format($p$create policy tenant on %I
            using (tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid)
            with check (tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid)$p$, t);
    end loop;
end $$;

alter table tenants enable row level security;
alter table tenants force row level security;
create policy tenant on tenants
    using (id = nullif(current_setting('app.current_tenant_id', true), '')::uuid)
    with check (id = nullif(current_setting('app.current_tenant_id', true), '')::uuid);
create policy directory on tenants for select to tenantry_directory using (true);

alter table users enable row level security;
alter table users force row level security;
create policy directory on users to tenantry_directory using (true) with check (true);
create policy self on users for select to tenantry_member, tenantry_admin
    using (id = nullif(current_setting('app.current_user_id', true), '')::uuid);
create policy members on users for select
    to tenantry_owner, tenantry_member, tenantry_admin, tenantry_webhook
    using (exists (select from memberships m
        where m.tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid
            and m.user_id = users.id));

-- What has been applied is no secret within the house, and of no tenant.
alter table migrations enable row level security;
alter table migrations force row level security;
create policy housekeeping on migrations to tenantry_owner using (true) with check (true);

-- Permissive policies add up; these take away.
create policy not_the_owner on memberships as restrictive for delete to tenantry_admin
    using (role <> 'owner');

-- ---- rights ----

grant select (id, slug, name, status) on tenants to tenantry_web, tenantry_member, tenantry_builder;
grant select on tenants to tenantry_admin, tenantry_webhook;
grant update (name, settings) on tenants to tenantry_admin;
grant update (status, stripe_customer_id, grace_until, suspended_at) on tenants to tenantry_webhook;
grant select (id, slug, status) on tenants to tenantry_directory;

grant select (id, name, avatar_url) on users to tenantry_web, tenantry_member, tenantry_builder;
grant select (id, name, avatar_url, email, created_at, last_login_at) on users to tenantry_admin;
grant select (id, email, name) on users to tenantry_webhook;
grant select, insert, update on users to tenantry_directory;

grant select (tenant_id, user_id, role, join_source, joined_at, last_active_at) on memberships
    to tenantry_member, tenantry_webhook;
grant select, delete on memberships to tenantry_admin;
grant insert (tenant_id, user_id, join_source), update (join_source) on memberships to tenantry_webhook;

grant select (tenant_id, id, email, role, status, invited_by, accepted_by, accepted_at, expires_at, created_at)
    on invitations to tenantry_admin;
grant insert (tenant_id, id, email, role, token_hash, invited_by, expires_at) on invitations to tenantry_admin;
grant update (status) on invitations to tenantry_admin;

grant select (tenant_id, id, user_id, name, prefix, scopes, created_at, last_used_at, expires_at, revoked_at)
    on api_keys to tenantry_admin;
grant insert (tenant_id, id, user_id, name, prefix, key_hash, scopes, expires_at), update (revoked_at)
    on api_keys to tenantry_admin;

-- ---- the directory ----

reset role;
set local role tenantry_directory;

create function tenant_id(slug text) returns uuid
language sql stable security definer set search_path = tenantry, pg_temp as $$
    select t.id from tenantry.tenants t where t.slug = tenant_id.slug
$$;
comment on function tenant_id is 'The id to set as app.current_tenant_id; null when there is no such tenant';

create function tenant_list() returns table (id uuid, slug text, status tenantry.tenant_status)
language sql stable security definer set search_path = tenantry, pg_temp as $$
    select t.id, t.slug, t.status from tenantry.tenants t order by t.slug collate "C"
$$;
comment on function tenant_list is 'Every tenant, in byte order of the slug; no other column';

grant execute on function tenant_id(text) to tenantry_api, tenantry_builder, tenantry_owner;
grant execute on function tenant_list() to tenantry_api, tenantry_builder, tenantry_owner;

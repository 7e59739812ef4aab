-- Who may do what.  Roles belong to the whole cluster, so another database may have made them.
--
--   tenantry_owner      owns everything, cannot log in, is itself bound by row-level security
--   tenantry_migrator   logs in to change the schema and to seed
--   tenantry_directory  owns the few functions that look across tenants
--   tenantry_api        logs in for the API; has no rights but to become one of the next four
--   tenantry_web        a request of nobody in particular
--   tenantry_member     a request of a member
--   tenantry_admin      a request of an admin or owner of the tenant
--   tenantry_webhook    what the payment provider says: alone in writing to billing
--   tenantry_builder    logs in for `tenantry build`; reads what is public
--
-- Those that log in have no password: until one is set, only a trusted socket lets them in.

-- Two databases of one cluster may be migrated at once, and roles are shared between them.
select pg_advisory_xact_lock(hashtextextended('tenantry roles', 0));

do $$
declare
    r record;
begin
    for r in select * from (values
        ('tenantry_owner', 'nologin'), ('tenantry_directory', 'nologin'),
        ('tenantry_migrator', 'login inherit'), ('tenantry_api', 'login noinherit'),
        ('tenantry_web', 'nologin'), ('tenantry_member', 'nologin'),
        ('tenantry_admin', 'nologin'), ('tenantry_webhook', 'nologin'),
        ('tenantry_builder', 'login')) as roles (name, options)
    loop
        if not exists (select from pg_roles where rolname = r.name) then
            execute format('create role %I %s', r.name, r.options);
        end if;
    end loop;
end $$;

do $$
declare
    r record;
    name text;
begin
    for r in select * from (values
        ('tenantry_owner', 'tenantry_migrator'), ('tenantry_directory', 'tenantry_migrator'),
        ('tenantry_web', 'tenantry_api'),
        ('tenantry_member', 'tenantry_api'), ('tenantry_admin', 'tenantry_api'),
        ('tenantry_webhook', 'tenantry_api')) as grants (role, member)
    loop
        if not pg_has_role(r.member, r.role, 'member') then
            execute format('grant %I to %I', r.role, r.member);
        end if;
    end loop;
    -- Whoever applies this must be able to hand over what it makes.
    foreach name in array array['tenantry_owner', 'tenantry_directory']
    loop
        if not pg_has_role(current_user, name, 'member') then
            execute format('grant %I to %I', name, current_user);
        end if;
    end loop;
end $$;

do $$
declare
    r record;
    setting text;
begin
    for r in select * from (values
        ('tenantry_api', array['statement_timeout=5s', 'lock_timeout=1s',
            'idle_in_transaction_session_timeout=10s', 'search_path=tenantry']),
        ('tenantry_builder', array['statement_timeout=10min', 'lock_timeout=2s',
            'idle_in_transaction_session_timeout=10min', 'search_path=tenantry',
            'default_transaction_read_only=on']),
        ('tenantry_migrator', array['search_path=tenantry'])) as settings (role, list)
    loop
        foreach setting in array r.list loop
            execute format('alter role %I in database %I set %s = %L', r.role,
                current_database(), split_part(setting, '=', 1), split_part(setting, '=', 2));
        end loop;
    end loop;
end $$;

-- A new owner must be able to make what it is given; afterwards it need not be.
do $$
begin
    execute format('grant create on database %I to tenantry_owner', current_database());
    alter schema tenantry owner to tenantry_owner;
    execute format('revoke create on database %I from tenantry_owner', current_database());
end $$;
alter table tenantry.migrations owner to tenantry_owner;
grant usage on schema tenantry to tenantry_directory, tenantry_api, tenantry_web, tenantry_member,
    tenantry_admin, tenantry_webhook, tenantry_builder;
grant create on schema tenantry to tenantry_directory;
revoke all on schema tenantry from public;
-- Nobody may call a function unless it was granted.
alter default privileges for role tenantry_owner revoke execute on functions from public;
alter default privileges for role tenantry_directory revoke execute on functions from public;

-- Wakes up whoever shows a tenant: channel "tenantry", payload the tenant's slug, once for each
-- tenant that a statement touched.  A wake-up and no more: what changed is read, not told.

set local role tenantry_directory;
set local search_path = tenantry;

create function notify_rows() returns trigger
language plpgsql security definer set search_path = tenantry, pg_temp as $$
begin
    perform pg_notify('tenantry', t.slug) from tenantry.tenants t
        where t.id in (select c.tenant_id from changed c);
    return null;
end $$;

create function notify_tenants() returns trigger
language plpgsql security definer set search_path = tenantry, pg_temp as $$
begin
    perform pg_notify('tenantry', c.slug) from changed c;
    return null;
end $$;

-- The owner of a table must be able to name the function; calling it by hand is an error anyway.
grant execute on function notify_rows(), notify_tenants() to tenantry_owner;
reset role;
set local role tenantry_owner;

do $$
declare
    t text;
    f text;
begin
    foreach t in array array['posts', 'plans', 'promotions', 'tenants'] loop
        f := case t when 'tenants' then 'notify_tenants' else 'notify_rows' end;
        execute format('create trigger %I after insert on %I referencing new table as changed
            for each statement execute function %I()', t || '_notify_insert', t, f);
        execute format('create trigger %I after update on %I referencing new table as changed
            for each statement execute function %I()', t || '_notify_update', t, f);
        execute format('create trigger %I after delete on %I referencing old table as changed
            for each statement execute function %I()', t || '_notify_delete', t, f);
    end loop;
end $$;

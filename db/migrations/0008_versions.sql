-- Which tenants' sites may differ from what they were at a moment in the past, exactly, whatever
-- commits at the same time, and without anybody waiting for anybody.
--
-- A transaction that touches what a site shows leaves a row (tenant, its own number) behind.  Whoever
-- follows keeps the snapshot of the last look: what changed since are the rows whose number it does
-- not see.  A late commit is one of those, though its number is low and its clock behind; a deletion
-- leaves a row as well.
--
-- Rows are taken out by the next transaction of the same tenant, when nobody else has them locked.
-- That loses nothing: who takes one out knows it to be committed, and leaves one of its own.  If a
-- snapshot sees the newer one, it was taken after the older one's commit, and saw that, too.
--
-- The slug stands here once more, and no foreign key: that a tenant is gone has to be told as well.

set local role tenantry_owner;
set local search_path = tenantry;

create table tenant_changes (
    tenant_id uuid not null,
    id uuid not null default gen_random_uuid(),
    slug text not null,
    xid xid8 not null default pg_current_xact_id(),
    primary key (tenant_id, id)
);
comment on table tenant_changes is 'The last transactions that touched what a tenant''s site shows';
create index tenant_changes_by_xid on tenant_changes (xid);

alter table tenant_changes enable row level security;
alter table tenant_changes force row level security;
create policy tenant on tenant_changes
    using (tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid);
create policy directory on tenant_changes to tenantry_directory using (true) with check (true);
grant select, insert, delete, update (xid) on tenant_changes to tenantry_directory; -- update: to lock a row

reset role;
set local role tenantry_directory;

create function record_changes(ids uuid[], slugs text[]) returns void
language plpgsql security definer set search_path = tenantry, pg_temp as $$
begin
    insert into tenantry.tenant_changes (tenant_id, slug)
        select t.id, t.slug from unnest(ids, slugs) t (id, slug)
        where not exists (select from tenantry.tenant_changes c
            where c.tenant_id = t.id and c.xid = pg_current_xact_id());
    -- With a snapshot of its own a transaction would fail over a row that has gone since.
    if found and current_setting('transaction_isolation') = 'read committed' then
        delete from tenantry.tenant_changes c
            using (select o.tenant_id, o.id from tenantry.tenant_changes o
                where o.tenant_id = any (ids) and o.xid <> pg_current_xact_id()
                for update skip locked) old
            where c.tenant_id = old.tenant_id and c.id = old.id;
    end if;
end $$;

create function notify_changed(ids uuid[]) returns void
language plpgsql security definer set search_path = tenantry, pg_temp as $$
declare
    slugs text[];
begin
    select array_agg(t.id), array_agg(t.slug) into ids, slugs from tenantry.tenants t where t.id = any(ids);
    perform tenantry.record_changes(ids, slugs);
    perform pg_notify('tenantry', s) from unnest(slugs) s;
end $$;

create or replace function notify_rows() returns trigger
language plpgsql security definer set search_path = tenantry, pg_temp as $$
begin
    perform tenantry.notify_changed(array(select distinct c.tenant_id from changed c));
    return null;
end $$;

-- Of posts that change; not of those in which something is only counted (0003_content.sql).
create function notify_posts() returns trigger
language plpgsql security definer set search_path = tenantry, pg_temp as $$
begin
    perform tenantry.notify_changed(array(select distinct c.tenant_id
        from changed c left join was w on w.tenant_id = c.tenant_id and w.id = c.id
        where w.id is null or (w.comment_count, w.reaction_count) = (c.comment_count, c.reaction_count)));
    return null;
end $$;

create or replace function notify_tenants() returns trigger
language plpgsql security definer set search_path = tenantry, pg_temp as $$
begin
    perform tenantry.record_changes(array_agg(c.id), array_agg(c.slug)) from changed c;
    perform pg_notify('tenantry', c.slug) from changed c;
    return null;
end $$;

-- For what is written too often to wake anybody up: committing a notification takes a lock that the
-- whole server has one of.
create function record_rows() returns trigger
language plpgsql security definer set search_path = tenantry, pg_temp as $$
begin
    perform tenantry.record_changes(array_agg(t.id), array_agg(t.slug)) from tenantry.tenants t
        where t.id in (select c.tenant_id from changed c);
    return null;
end $$;

create function tenants_changed(since pg_snapshot) returns setof text
language sql stable security definer set search_path = tenantry, pg_temp as $$
    select distinct c.slug from tenantry.tenant_changes c
        where c.xid >= pg_snapshot_xmin(since) and not pg_visible_in_snapshot(c.xid, since)
            -- A row out of a dump has a number of another server's, maybe of its future.
            and pg_visible_in_snapshot(c.xid, pg_current_snapshot())
$$;
comment on function tenants_changed is
    'Slugs of the tenants that changed since a snapshot (pg_current_snapshot() of an earlier look)';

grant execute on function record_rows(), notify_posts() to tenantry_owner;
grant execute on function tenants_changed(pg_snapshot) to tenantry_api, tenantry_builder, tenantry_owner;
reset role;
set local role tenantry_owner;

drop trigger posts_notify_update on posts;
create trigger posts_notify_update after update on posts referencing old table as was new table as changed
    for each statement execute function notify_posts();
do $$
declare
    t text;
    f text;
begin
    foreach t in array array['spaces', 'comments', 'reactions'] loop
        f := case t when 'spaces' then 'notify_rows' else 'record_rows' end;
        execute format('create trigger %I after insert on %I referencing new table as changed
            for each statement execute function %I()', t || '_record_insert', t, f);
        execute format('create trigger %I after update on %I referencing new table as changed
            for each statement execute function %I()', t || '_record_update', t, f);
        execute format('create trigger %I after delete on %I referencing old table as changed
            for each statement execute function %I()', t || '_record_delete', t, f);
    end loop;
end $$;

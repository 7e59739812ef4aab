-- Every table x role x verb x setting: counts the rows of another tenant that are seen or touched.
-- A role that has every right on every table shows that the wall stands without the grants.
set client_min_messages = warning;
create role probe_all nologin;
grant usage on schema tenantry to probe_all;
grant all on all tables in schema tenantry to probe_all;

create temporary table results (role text, tbl text, verb text, setting text, outcome text, rows bigint);

-- One attempt, undone.  'rows' is how many foreign rows it saw, touched, made or lost.
create function pg_temp.attempt(role text, verb text, command text, setting text, tbl text, foreign_rows text,
    out outcome text, out rows bigint)
language plpgsql as $$
declare
    counting text := format('select count(*) from tenantry.%I where %s', tbl, foreign_rows);
    before bigint;
begin
    rows := 0;
    execute counting into before;
    begin
        perform set_config('app.current_user_id', md5('user/alpha')::uuid::text, true);
        if setting is not null then
            perform set_config('app.current_tenant_id', setting, true);
        end if;
        execute format('set local role %I', role);
        if verb = 'select' then
            execute command into rows;
        else
            execute command;
            if verb in ('update', 'delete') then
                get diagnostics rows = row_count;
            end if;
        end if;
        reset role;
        if verb <> 'select' then
            declare
                after bigint;
            begin
                execute counting into after;
                rows := rows + abs(after - before);
            end;
        end if;
        raise exception using errcode = 'PT000', message = 'undo';
    exception
        when sqlstate 'PT000' then outcome := 'ran';
        when others then outcome := sqlstate; rows := 0;
    end;
end $$;

do $$
declare
    alpha uuid := md5('tenant/alpha')::uuid;
    beta uuid := md5('tenant/beta')::uuid;
    t record;
    r text;
    s record;
    c record;
    a record;
    foreign_rows text;
    insertable text;
    updatable text;
begin
    for t in select relname::text as name, oid from pg_class
        where relnamespace = 'tenantry'::regnamespace and relkind in ('r', 'v', 'm')
        and relname not in ('migrations', 'posts_turn') -- which has no rows of anybody's: walls.py
    loop
        execute format('create temporary table donor as select * from tenantry.%I', t.name);
        grant select on donor to public;
        foreach r in array array['tenantry_web', 'tenantry_member', 'tenantry_admin', 'tenantry_webhook',
            'tenantry_builder', 'tenantry_api', 'tenantry_owner', 'probe_all']
        loop
            select string_agg(quote_ident(attname), ', ' order by attnum)
                    filter (where has_column_privilege(r, t.oid, attnum, 'insert')),
                min(quote_ident(attname)) filter (where has_column_privilege(r, t.oid, attnum, 'update')
                    and attname not in ('tenant_id', 'id', 'slug'))
                into insertable, updatable
                from pg_attribute where attrelid = t.oid and attnum > 0 and not attisdropped and attgenerated = '';
            for s in select * from (values ('own', alpha::text), ('other', beta::text), ('empty', ''),
                ('unset', null), ('garbage', 'x''; reset role; --')) as settings (name, value)
            loop
                -- Foreign is whatever is not of the tenant that is set.  Of users it is who is not a member there;
                -- alpha's is the one that asks, and sees themself.
                foreign_rows := case when t.name <> 'users'
                    then format('%I <> %L', case t.name when 'tenants' then 'id' else 'tenant_id' end,
                        case s.name when 'own' then alpha when 'other' then beta else md5('nobody')::uuid end)
                    when s.name <> 'other' then format('id = %L', md5('user/beta')::uuid)
                    when r in ('tenantry_member', 'tenantry_admin') then 'false'
                    else format('id = %L', md5('user/alpha')::uuid) end;
                for c in select * from (values
                    ('select', format('select count(*) from tenantry.%I where %s', t.name, foreign_rows)),
                    ('update', format('update tenantry.%I set %s = %2$s where %s', t.name,
                        coalesce(updatable, 'tenant_id'), foreign_rows)),
                    ('delete', format('delete from tenantry.%I where %s', t.name, foreign_rows)),
                    -- Without a condition no column is read: no missing right to read stands in for the wall.
                    ('delete all', format('delete from tenantry.%I', t.name)),
                    ('insert', format('insert into tenantry.%I (%s) select %2$s from donor where %s', t.name,
                        coalesce(insertable, 'tenant_id'), foreign_rows))) as commands (verb, sql)
                loop
                    select * into a from pg_temp.attempt(r, c.verb, c.sql, s.value, t.name, foreign_rows);
                    insert into results values (r, t.name, c.verb, s.name, a.outcome, a.rows);
                end loop;
            end loop;
        end loop;
        drop table donor;
    end loop;
end $$;

select 'attempts ' || count(*) || ', ran ' || count(*) filter (where outcome = 'ran') || ', foreign rows ' || sum(rows)
    from results;
select format('LEAK %s %s %s with the tenant %s: %s', role, verb, tbl, setting, rows) from results where rows > 0
    order by 1 limit 20;
-- The wall itself, and not a key or a check, is what keeps a foreign row out.
select format('NOT BY THE WALL %s insert %s with the tenant %s: %s', role, tbl, setting, outcome) from results
    where role in ('probe_all', 'tenantry_owner') and verb = 'insert' and setting <> 'garbage'
    and outcome not in ('42501') and tbl <> 'users'
    -- A view that computes a column, or shows one that is generated, takes no rows of anybody's.
    and not (outcome in ('0A000', '428C9') and (select relkind = 'v' from pg_class
        where relnamespace = 'tenantry'::regnamespace and relname = tbl)) order by 1 limit 20;
-- The probe must be able to see: with the right tenant everybody who may read reads something.
select 'SEES ' || count(*) from results where role = 'probe_all' and verb = 'delete all' and setting = 'own'
    and outcome = 'ran';
drop owned by probe_all;
drop role probe_all;

-- Every function x role that may call it x setting of the tenant, with ids, tokens and names of another
-- tenant: the answer is that to ones nobody has, and no row of another tenant is changed.  Functions and
-- their arguments are found in the catalogue.
set client_min_messages = warning;
begin;
insert into tenantry.spaces (tenant_id, slug, name, visibility) select id, slug, slug, 'PUBLIC' from tenantry.tenants;
insert into tenantry.posts (tenant_id, slug, title, status) select id, slug, slug, 'PUBLISHED' from tenantry.tenants;

-- What stands for an argument: of alpha, of beta, or of nobody.
create function pg_temp.sample(of text, type text, name text, whose text) returns text
language sql as $$
    select case
        when type = 'uuid' and name ~ '^(user_id|buyer|person|who|member)$' then md5('user/' || whose)::uuid::text
        when type = 'uuid' then md5('tenant/' || whose)::uuid::text
        when type = 'text' then case
            when name ~ '^(token|key|invitation|replaced)$' then encode(sha256(whose::bytea), 'hex')
            when name = 'email' then whose || '@example.com'
            when name = 'prefix' then 'tk'
            when name = 'session' then 'cs_' || whose
            when name = 'subject' or name = 'subscription' then 'sub_' || whose
            when name = 'customer' then 'cus_u_' || whose
            when name in ('slug', 'space', 'tag', 'search', 'attempt') then whose
            when name = 'wanted' then 'basic'
            when name = 'role' then case when of like 'trpc%' then 'MEMBER' else 'member' end
            when name = 'scopes' then 'read'
            else 'x' end
        when type = 'jsonb' and name = 'event' then jsonb_build_object('id', 'evt_' || whose, 'created', 1,
            'type', 'customer.subscription.updated', 'data', jsonb_build_object('object', jsonb_build_object(
                'id', 'sub_' || whose, 'customer', 'cus_u_' || whose, 'status', 'canceled')))::text
        when type = 'jsonb' then '{}'
        when type = 'integer' then '1'
        when type = 'boolean' then 'false'
        when type = 'interval' then '1 day'
        when type like '%visibility[]' then '{PUBLIC,MEMBERS,PAID}'
        when type like '%[]' then '{}'
        when type like '%post_status' then 'DRAFT' end
$$;

create function pg_temp.rows_of(tenant uuid) returns text
language plpgsql as $$
declare
    t text;
    part text;
    whole text := '';
begin
    for t in select relname from pg_class where relnamespace = 'tenantry'::regnamespace and relkind = 'r'
        and relname not in ('users', 'migrations') order by relname
    loop
        execute format('select md5(string_agg(x::text, $1 order by x::text)) from tenantry.%I x where %I = $2', t,
            case t when 'tenants' then 'id' else 'tenant_id' end) into part using ',', tenant;
        whole := whole || coalesce(part, '-');
    end loop;
    return whole;
end $$;

-- One call, undone: what it says, without what names whose things were asked for; and, looking, beta's rows
-- after it.
create function pg_temp.attempt(role text, setting text, call text, looking boolean, out said text, out after text)
language plpgsql as $$
begin
    begin
        perform set_config('app.current_user_id', md5('user/alpha')::uuid::text, true);
        if setting is not null then
            perform set_config('app.current_tenant_id', setting, true);
        end if;
        execute format('set local role %I', role);
        begin
            execute call into said;
        exception when others then
            said := sqlstate || ' ' || sqlerrm;
        end;
        reset role;
        if looking then
            after := pg_temp.rows_of(md5('tenant/beta')::uuid);
        end if;
        raise exception using errcode = 'PT000', message = 'undo';
    exception when sqlstate 'PT000' then
        null;
    end;
    said := regexp_replace(said, '[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{64}|alpha|beta|nobody', '<id>', 'g');
end $$;

create temporary table results (name text, role text, setting text, own text, theirs text, nobodys text, touched boolean);

do $$
declare
    f record;
    s record;
    calls text[];
    before text := pg_temp.rows_of(md5('tenant/beta')::uuid);
    own record;
    theirs record;
    nobodys record;
begin
    for f in select p.oid, p.proname, p.pronargs, p.proargnames, p.proargtypes, r.role
        from pg_proc p, unnest(array['tenantry_web', 'tenantry_member', 'tenantry_admin', 'tenantry_webhook',
            'tenantry_builder', 'tenantry_api']) r (role)
        where p.pronamespace = 'tenantry'::regnamespace and p.prorettype <> 'trigger'::regtype
            and has_function_privilege(r.role, p.oid, 'execute')
            -- Those find a tenant by name, and tell that one has changed: they are the API's, not a request's.
            and not (p.proname in ('tenant_id', 'tenant_list', 'tenants_changed')
                and r.role in ('tenantry_api', 'tenantry_builder'))
    loop
        select array_agg(format('select string_agg(x::text, %L) from tenantry.%I(%s) x', ' ', f.proname, list) order by place)
            into calls from (
            select w.place, (select string_agg(format('%L::%s', pg_temp.sample(f.proname, format_type(f.proargtypes[i], null),
                    f.proargnames[i + 1], w.whose), format_type(f.proargtypes[i], null)), ', ' order by i)
                from generate_series(0, f.pronargs - 1) i) as list
            from unnest(array['alpha', 'beta', 'nobody']) with ordinality w (whose, place)) x;
        for s in select * from (values ('own', md5('tenant/alpha')::uuid::text), ('empty', ''), ('unset', null),
            ('garbage', 'x''; reset role; --')) as settings (name, value)
        loop
            select * into own from pg_temp.attempt(f.role, s.value, calls[1], false);
            select * into theirs from pg_temp.attempt(f.role, s.value, calls[2], true);
            select * into nobodys from pg_temp.attempt(f.role, s.value, calls[3], false);
            insert into results values (f.proname, f.role, s.name, own.said, theirs.said, nobodys.said,
                theirs.after <> before);
        end loop;
    end loop;
end $$;

select 'calls ' || count(*) * 3 || ' of ' || count(distinct name) || ' functions' from results;
-- Users belong to nobody: whether an e-mail is somebody's is what signing up has to find out.
select format('TELLS %s for %s with the tenant %s: %s, not %s', name, role, setting, theirs, nobodys) from results
    where theirs is distinct from nobodys and name not in ('account_find', 'account_register')
    order by 1 limit 20;
select format('TOUCHES %s for %s with the tenant %s', name, role, setting) from results where touched order by 1 limit 20;
-- Without a tenant, one's own things are nobody's either.
select format('WITHOUT %s for %s with the tenant %s: %s, not %s', name, role, setting, own, nobodys) from results
    where setting <> 'own' and own is distinct from nobodys and name not in ('account_find', 'account_register')
    -- One sees oneself.
    and not (name = 'person_json' and role in ('tenantry_member', 'tenantry_admin')) order by 1 limit 20;
select 'SEES ' || count(distinct name) from results where setting = 'own' and own is distinct from nobodys;
rollback;

-- What the catalogue has to say about every table, key, policy, function and right in the schema, in
-- TAP.  Tables are found there, not listed: a new one is held to the same.
begin;
create temporary view tables as
    select c.oid, c.relname::text as name, c.relrowsecurity as walled, c.relforcerowsecurity as forced,
        c.relowner::regrole::text as owner,
        case when c.relname = 'tenants' then 'id' else 'tenant_id' end as tenant_column
    from pg_class c where c.relnamespace = 'tenantry'::regnamespace and c.relkind in ('r', 'p');
-- Users belong to nobody, and migrations to the house.
create temporary view tenant_tables as
    select t.*, a.attnum, a.attnotnull from tables t
    left join pg_attribute a on a.attrelid = t.oid and a.attname = t.tenant_column and not a.attisdropped
    where t.name not in ('users', 'migrations');
create temporary view request_roles as
    select rolname::text as name from pg_roles where rolname in
        ('tenantry_web', 'tenantry_member', 'tenantry_admin', 'tenantry_webhook', 'tenantry_builder', 'tenantry_api');
create temporary view inline_setting as
    select 'NULLIF(current_setting(''app.current_tenant_id''::text, true), ''''::text))::uuid' as text;
create temporary view policies as
    select p.*, pg_get_expr(p.polqual, p.polrelid) as qual, pg_get_expr(p.polwithcheck, p.polrelid) as checks,
        array(select r::regrole::text from unnest(p.polroles) r) as roles
    from pg_policy p;
create temporary view functions as
    select p.oid::regprocedure::text as name, p.* from pg_proc p where p.pronamespace = 'tenantry'::regnamespace;

select no_plan();

select cmp_ok((select count(*)::int from tenant_tables), '>=', 24, 'there are tables to look at');
select is_empty($$select name from tables where owner <> 'tenantry_owner'$$, 'tables belong to tenantry_owner');
select is_empty($$select name from tables where not walled$$, 'every table has row-level security');
select is_empty($$select name from tables where not forced$$, 'every table forces it on its owner');
select is_empty($$select name from tenant_tables where attnum is null$$, 'every table says whose its rows are');
select is_empty($$select name from tenant_tables where not attnotnull$$, 'and of every row');
select is_empty($$select name from tenant_tables t where not exists (select from pg_index i
    where i.indrelid = t.oid and i.indisvalid and i.indpred is null and i.indkey[0] = t.attnum)$$,
    'every table has an index that begins with the tenant');
select is_empty($$select t.name || ': ' || i.indexrelid::regclass from tenant_tables t
    join pg_index i on i.indrelid = t.oid where i.indisunique and i.indkey[0] <> t.attnum
    and t.name <> 'tenants'$$, 'every unique key begins with the tenant');
select is_empty($$select t.name || ': ' || c.conname from tenant_tables t
    join pg_constraint c on c.conrelid = t.oid and c.contype = 'f'
    where c.conkey[1] <> t.attnum
    and not (t.name = 'memberships' and c.confrelid = 'tenantry.users'::regclass)$$,
    'every foreign key begins with the tenant');
select is_empty($$select t.name || ': ' || c.conname from tenant_tables t
    join pg_constraint c on c.conrelid = t.oid and c.contype = 'f' join tenant_tables f on f.oid = c.confrelid
    where c.confkey[1] <> f.attnum$$, 'and refers to the tenant of the other row');
select is_empty($$select t.name || ': ' || c.conname from tenant_tables t
    join pg_constraint c on c.conrelid = t.oid and c.contype = 'f' and cardinality(c.conkey) > 1
    where not exists (select from pg_index i where i.indrelid = t.oid
        and i.indkey[0] = c.conkey[1] and i.indkey[1] = c.conkey[2])$$,
    'every foreign key has an index for what it refers to');

select is_empty($$select t.name from tenant_tables t where not exists (select from policies p, inline_setting s
    where p.polrelid = t.oid and p.polpermissive and p.polcmd = '*' and p.polroles = '{0}'
    and p.qual = format('(%s = (%s)', t.tenant_column, s.text)
    and p.checks = p.qual)$$, 'every table has the wall as its policy, for reading and for writing');
select is_empty($$select t.name || ': ' || p.polname from tenant_tables t join policies p on p.polrelid = t.oid
    where p.polpermissive and p.polname <> 'tenant'
    and not (t.name = 'tenants' and p.roles = '{tenantry_directory}' and p.polcmd = 'r')
    and not (t.name in ('tenant_changes', 'spaces', 'posts') and p.roles = '{tenantry_directory}')$$,
    'nothing opens a door in it');
select is_empty($$select p.polname from policies p where p.polrelid = 'tenantry.users'::regclass and p.polpermissive
    and p.roles <> '{tenantry_directory}' and (p.polcmd <> 'r' or not (
        p.qual like '%app.current_tenant_id%' or p.qual like '%app.current_user_id%'))$$,
    'users are seen through the tenant, or by themselves');

select is_empty($$select name from functions where prosecdef and not exists (
    select from unnest(proconfig) s where s like 'search_path=tenantry, pg_temp')$$,
    'functions that act for others have a search_path');
select is_empty($$select name from functions where not exists (
    select from unnest(proconfig) s where s like 'search_path=%')$$, 'all functions have');
select is_empty($$select name from functions where has_function_privilege('public', oid, 'execute')$$,
    'no function is everybody''s');
select is_empty($$select f.name || ' for ' || r.name from functions f, request_roles r
    where has_function_privilege(r.name, f.oid, 'execute') and f.proowner::regrole::text = 'tenantry_directory'
    and not (r.name in ('tenantry_api', 'tenantry_builder') and f.proname in ('tenant_id', 'tenant_list', 'tenants_changed'))$$,
    'requests may call no function that looks across tenants');
-- What a request may have done in the owner's name, within its tenant: it reads or writes what
-- opens doors.  Each is there for one role.
create temporary view doors as select unnest(array['identity_of_session', 'identity_of_key', 'identity_of_user',
    'identity_seen', 'account_find', 'account_register', 'account_login', 'account_logout', 'account_session',
    'invitation_accept']) as name;
select is_empty($$select f.name || ' for ' || r.name from functions f, request_roles r
    where f.prosecdef and f.proowner::regrole::text = 'tenantry_owner'
    and has_function_privilege(r.name, f.oid, 'execute')
    and not (r.name = 'tenantry_web' and f.proname in (select name from doors))
    -- One's own, of whoever is signed in.
    and not (r.name in ('tenantry_member', 'tenantry_admin') and f.proname = 'own_email')$$,
    'nor one that acts for the owner, but those that are known');
select is_empty($$select name from functions where prosecdef
    and proowner::regrole::text not in ('tenantry_owner', 'tenantry_directory')$$,
    'functions that act for others act for a role that is walled in');
select is_empty($$select relname from pg_class c where relnamespace = 'tenantry'::regnamespace and relkind = 'v'
    and not coalesce(reloptions @> '{security_invoker=true}', false) and relname <> 'posts_turn'$$,
    'views look with the eyes of the caller, but for one');
select is((select concat_ws(', ', c.relowner::regrole, c.reloptions,
        (select string_agg(a.attname, ' ') from pg_attribute a where a.attrelid = c.oid and a.attnum > 0),
        (select string_agg(r.name, ' ') from request_roles r where has_table_privilege(r.name, c.oid, 'select')))
    from pg_class c where c.oid = 'tenantry.posts_turn'::regclass),
    'tenantry_owner, {security_barrier=true}, seconds, tenantry_web', 'which tells the public how many seconds, and no more');
select is_empty($$select relname from pg_class where relnamespace = 'tenantry'::regnamespace and relkind in ('m', 'f')$$,
    'there are no materialized views or foreign tables');

select is_empty($$select name from tables where has_table_privilege('public', oid,
    'select, insert, update, delete, truncate, references, trigger') or has_any_column_privilege('public', oid,
    'select, insert, update, references')$$, 'no table is everybody''s');
select is_empty($$select t.name || ' for ' || r.name from tables t, request_roles r
    where has_table_privilege(r.name, t.oid, 'truncate, references, trigger')$$,
    'requests may neither empty a table nor hang anything on it');
select is_empty($$select r.name from request_roles r where has_schema_privilege(r.name, 'tenantry', 'create')$$,
    'nor make anything');
select is_empty($$select t.name from tables t where has_any_column_privilege('tenantry_api', t.oid, 'select')$$,
    'the API has no rights before it has become somebody');
select is_empty($$select t.name from tables t where has_table_privilege('tenantry_builder', t.oid,
    'insert, update, delete') or has_any_column_privilege('tenantry_builder', t.oid, 'insert, update')$$,
    'the build only reads');
select is_empty($$select rolname from pg_roles where rolname like 'tenantry\_%'
    and (rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication)$$, 'no role is above the wall');
select is_empty($$select rolname from pg_roles where rolname in ('tenantry_owner', 'tenantry_directory', 'tenantry_web',
    'tenantry_member', 'tenantry_admin', 'tenantry_webhook') and rolcanlogin$$, 'only three roles log in');
select ok((select not rolinherit from pg_roles where rolname = 'tenantry_api'), 'the API has to say who it acts for');
select is_empty($$select r.name from request_roles r where pg_has_role(r.name, 'tenantry_owner', 'member')
    or pg_has_role(r.name, 'tenantry_directory', 'member')$$, 'requests cannot become the owner or the directory');

-- Columns that say what somebody has paid for, or may do, or that open doors.
create temporary view columns as
    select t.name as t, a.attname::text as c, t.oid, a.attnum from tables t
    join pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped;
select is_empty($$select r.name, t, c from columns, request_roles r
    where (t, c) in (('memberships', 'role'), ('memberships', 'permissions'), ('subscriptions', 'status'),
        ('subscriptions', 'quantity'), ('subscriptions', 'plan_key'), ('subscriptions', 'plan_id'),
        ('usage', 'quantity'), ('tenants', 'status'), ('users', 'signup_tenant'), ('users', 'password_hash'))
    and r.name <> 'tenantry_webhook' and (has_column_privilege(r.name, oid, attnum, 'update')
        or has_column_privilege(r.name, oid, attnum, 'insert'))$$,
    'role, status, plan and quantity are not a request''s to write');
select is_empty($$select r.name, t, c from columns, request_roles r where c in ('tenant_id', 'id', 'created_at')
    and r.name <> 'tenantry_webhook' and has_column_privilege(r.name, oid, attnum, 'update')$$,
    'nor to whom a row belongs');
select is_empty($$select r.name, t, c from columns, request_roles r
    where c in ('password_hash', 'token_hash', 'key_hash', 'secret', 'previous_secret')
    and has_column_privilege(r.name, oid, attnum, 'select')$$, 'what opens doors is not a request''s to read');
select is_empty($$select r.name, t, c from columns, request_roles r where c like 'stripe%'
    and r.name not in ('tenantry_admin', 'tenantry_webhook') and has_column_privilege(r.name, oid, attnum, 'select')$$,
    'ids of the payment provider do not reach the public or the build');
select is_empty($$select r.name, t from columns, request_roles r where t in ('subscriptions', 'customers', 'usage',
    'webhook_events', 'checkout_sessions', 'invoices') and r.name <> 'tenantry_webhook'
    and has_any_column_privilege(r.name, oid, 'insert, update')$$, 'billing is the webhook''s to write');

select throws_ok($$update tenantry.users set signup_tenant = 'beta' where email = 'alpha@example.com'$$, '23000', null,
    'signup_tenant is written once');
select throws_ok($$update tenantry.users set signup_tenant = null where email = 'alpha@example.com'$$, '23000', null,
    'and stays');
select throws_ok($$update tenantry.tenants set slug = 'gamma' where slug = 'alpha'$$, '23000', null, 'so does a slug');
select lives_ok($$update tenantry.users set name = 'A' where email = 'alpha@example.com'$$, 'other columns change');
select enum_has_labels('tenantry', 'subscription_status', array['incomplete', 'incomplete_expired', 'trialing',
    'active', 'past_due', 'canceled', 'unpaid', 'paused'], 'every status a subscription can have');
select enum_has_labels('tenantry', 'post_status', array['DRAFT', 'PUBLISHED', 'SCHEDULED', 'ARCHIVED'], 'of a post');
select enum_has_labels('tenantry', 'space_type', array['FEED', 'CHAT', 'COURSE', 'CALCULATOR', 'DASHBOARD', 'EVENT'],
    'types of space');
select enum_has_labels('tenantry', 'join_source', array['free_signup', 'paid', 'invite_link'], 'ways in');
select enum_has_labels('tenantry', 'member_role', array['owner', 'admin', 'member', 'guest'], 'roles');

select * from finish();
rollback;

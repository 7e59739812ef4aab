-- What a plan allows, and the tenant as a customer.
--
-- A tenant may have a subscription of its own (payer 'tenant') to a plan that is offered to it, not to
-- its visitors.  That plan's limits hold for all of the tenant.  A tenant without any such subscription
-- has no limits: its operator asks no money of it.

set local role tenantry_owner;
set local search_path = tenantry;

alter table tenants add column suspended_for text check (suspended_for in ('payment', 'operator'));
alter table tenants add column free boolean not null default true;
comment on column tenants.free is 'pays nothing to the operator; until it has bought a plan';
comment on column tenants.suspended_for is 'why; what was not paid for comes back when it is paid';

alter policy active_only on plans using (active and not for_tenant);
create policy for_members on plans as restrictive for select to tenantry_member using (not for_tenant);
-- Limits are the operator's to set.
create policy own_insert on plans as restrictive for insert to tenantry_admin with check (not for_tenant);
create policy own_update on plans as restrictive for update to tenantry_admin using (not for_tenant);
create policy own_delete on plans as restrictive for delete to tenantry_admin using (not for_tenant);

grant update (suspended_for, free) on tenants to tenantry_webhook;
grant execute on function current_tenant(), current_person(), json_time(timestamptz) to tenantry_webhook;

-- ---- how a tenant stands ----

-- The plan that applies to the tenant itself.  `bought`: it has paid for one, now or once; `running`:
-- what it pays for is in force.  The one that is in force comes before those that were.
create function tenant_plan(out key text, out limits jsonb, out bought boolean, out running boolean)
language plpgsql stable set search_path = tenantry, pg_temp as $$
begin
    select s.plan_key, coalesce(p.limits, '{}'), subscription_counts(s.status, s.grace_until)
        into key, limits, running
        from subscriptions s left join plans p on p.id = s.plan_id and p.for_tenant
        where s.payer = 'tenant' and s.paid_at is not null
        order by subscription_counts(s.status, s.grace_until) desc, s.paid_at desc, s.id limit 1;
    bought := found;
    running := coalesce(running, false) or exists (select from tenants t where t.grace_until > now());
    limits := coalesce(limits, '{}');
end $$;

-- {"status", "reason", "plan", "limits", "used": of this hour}.  A status that says active is not the
-- whole truth when a grace has ended, of which no event tells.
create function tenant_standing(since timestamptz) returns jsonb
language plpgsql stable set search_path = tenantry, pg_temp as $$
declare
    t tenants;
    plan record;
    lapsed boolean;
begin
    select * into t from tenants x where x.id = current_tenant();
    select * into plan from tenant_plan();
    lapsed := t.status = 'active' and plan.bought and not plan.running;
    return jsonb_build_object(
        'status', case when lapsed then 'suspended' else t.status::text end,
        'reason', case when lapsed then 'payment' when t.status = 'suspended' then coalesce(t.suspended_for, 'operator') end,
        'plan', plan.key, 'limits', plan.limits,
        'used', (select coalesce(jsonb_object_agg(u.metric, u.quantity), '{}') from usage u
            where u.period_start = since and u.period_end = since + interval '1 hour'));
end $$;

-- Adds what was counted since the last time; answers how the tenant stands with it.
create function tenant_count(since timestamptz, counted jsonb) returns jsonb
language plpgsql set search_path = tenantry, pg_temp as $$
begin
    insert into usage as u (tenant_id, metric, period_start, period_end, quantity)
        select current_tenant(), c.key, since, since + interval '1 hour', c.value::numeric
        from jsonb_each_text(counted) c order by c.key
        on conflict (tenant_id, metric, period_start) do update set quantity = u.quantity + excluded.quantity;
    return tenant_standing(since);
end $$;

-- The same for people, with what is not counted by the hour.
create function tenant_features(since timestamptz) returns jsonb
language sql stable set search_path = tenantry, pg_temp as $$
    select jsonb_set(s.v, '{used,seats}', to_jsonb((select count(*) from memberships m where m.role <> 'guest')))
        from (select tenant_standing(since) as v) s
$$;

-- ---- seats ----

-- After the row is there: whoever counts last, counts all.  What was paid for is not refused: checkout
-- has looked before it took money.
create function memberships_seat() returns trigger
language plpgsql security definer set search_path = tenantry, pg_temp as $$
declare
    most numeric;
begin
    select case jsonb_typeof(p.limits -> 'seats') when 'number' then (p.limits ->> 'seats')::numeric end
        into most from tenantry.tenant_plan() p;
    if coalesce(most, -1) < 0 then
        return null;
    end if;
    -- Those who wait here see, when it is their turn, all who were before them.
    perform pg_advisory_xact_lock(hashtextextended('seats ' || new.tenant_id, 0));
    if (select count(*) from tenantry.memberships m where m.tenant_id = new.tenant_id and m.role <> 'guest') > most then
        raise exception using errcode = 'PT402', message = 'all seats of this tenant''s plan are taken';
    end if;
    return null;
end $$;
create trigger memberships_seat_insert after insert on memberships for each row
    when (new.role <> 'guest' and new.join_source <> 'paid') execute function memberships_seat();
create trigger memberships_seat_update after update of role on memberships for each row
    when (old.role = 'guest' and new.role <> 'guest' and new.join_source <> 'paid') execute function memberships_seat();

-- Whoever is no member yet becomes one when they have paid: there must be a seat for them.
create function checkout_seat() returns trigger
language plpgsql set search_path = tenantry, pg_temp as $$
declare
    most numeric;
begin
    select case jsonb_typeof(p.limits -> 'seats') when 'number' then (p.limits ->> 'seats')::numeric end
        into most from tenant_plan() p;
    if most >= 0 and (select count(*) from memberships m where m.role <> 'guest') >= most then
        raise exception using errcode = 'PT402', message = 'all seats of this tenant''s plan are taken';
    end if;
    return new;
end $$;
create trigger checkout_sessions_seat before insert or update of buyer_id on checkout_sessions for each row
    when (new.buyer_id is not null and new.user_id is null) execute function checkout_seat();

-- ---- who may come in ----

alter table invitations drop constraint invitations_role_check;
create policy not_an_owner on invitations as restrictive for insert to tenantry_admin with check (role <> 'owner');

-- ---- what the tenant has paid for ----

-- After each event of a subscription of the tenant's own.  It looks at the subscriptions only, so that
-- the order of the events does not matter.
create function tenant_conclude() returns trigger
language plpgsql set search_path = tenantry, pg_temp as $$
declare
    plan record;
begin
    select * into plan from tenant_plan();
    update tenants t set
        stripe_customer_id = coalesce((select c.stripe_customer_id from customers c
            where c.user_id is null and c.deleted_at is null), t.stripe_customer_id),
        status = case when plan.running then 'active' when plan.bought then 'suspended' else t.status end::tenant_status,
        free = t.free and not plan.bought,
        suspended_for = case when plan.running or not plan.bought then null else 'payment' end,
        suspended_at = case when plan.running or not plan.bought then null else coalesce(t.suspended_at, now()) end
    where t.id = new.tenant_id
        and (t.status in ('pending', 'active') or t.status = 'suspended' and t.suspended_for = 'payment');
    return null;
end $$;
create trigger subscriptions_conclude after update of grace_until on subscriptions for each row
    when (new.payer = 'tenant') execute function tenant_conclude();

-- ---- what is sold ----

create function billing_plan(wanted text, env_price text) returns text
language plpgsql stable set search_path = tenantry, pg_temp as $$
declare
    p plans;
begin
    select * into p from plans x where x.key = wanted and x.active and x.for_tenant;
    if not found then
        raise exception using errcode = 'PT404', message = 'there is no such plan';
    elsif p.coming_soon then
        raise exception using errcode = 'PT422', message = 'this plan is not for sale yet';
    elsif p.price = 0 then
        raise exception using errcode = 'PT422', message = 'this plan is free: there is nothing to pay';
    elsif coalesce(p.stripe_price_id, env_price) is null then
        raise exception using errcode = 'PT503', message = 'this plan cannot be bought at the moment';
    end if;
    return coalesce(p.stripe_price_id, env_price);
end $$;

create function billing_owner() returns void
language plpgsql stable set search_path = tenantry, pg_temp as $$
begin
    if not exists (select from memberships m where m.user_id = current_person() and m.role = 'owner') then
        raise exception using errcode = 'PT403', message = 'this is for owners';
    end if;
end $$;

-- The tenant begins to pay.  As checkout_begin; what was begun is found again for as long as Stripe
-- repeats its answer, so that a tenant that is set up in many attempts has one checkout.
create function billing_begin(wanted text, env_price text) returns text
language plpgsql set search_path = tenantry, pg_temp as $$
declare
    tenant tenants;
    price text;
    mark text;
    payer record;
    found_row record;
begin
    perform billing_owner();
    select * into tenant from tenants t where t.id = current_tenant();
    if tenant.status = 'closed' or tenant.status = 'suspended' and tenant.suspended_for is distinct from 'payment' then
        raise exception using errcode = 'PT403', message = 'nothing can be bought for this tenant at the moment';
    end if;
    -- Whoever begins twice at once waits, and finds the first one's row.
    perform pg_advisory_xact_lock(hashtextextended('billing ' || tenant.id, 0));
    if exists (select from subscriptions s where s.payer = 'tenant'
        and s.status in ('active', 'trialing', 'past_due', 'unpaid', 'paused')) then
        raise exception using errcode = 'PT409', message = 'this tenant has a plan already: change that one';
    end if;
    price := billing_plan(wanted, env_price);
    -- In one look: Stripe repeats what it said under a key, so after a customer that was lost, or an
    -- attempt that was refused, it is asked with others.
    select (select c.stripe_customer_id from customers c where c.user_id is null and c.deleted_at is null) as customer,
            (select count(*) from customers c where c.user_id is null and c.deleted_at is not null)
            + (select count(*) from checkout_sessions c where c.idempotency_key like 'tenant-%' and c.status = 'expired'
                and c.stripe_session_id is null) as lost into payer;
    mark := encode(sha256(convert_to(jsonb_build_array('tenant', wanted, price,
        tenant.settings -> 'paymentMethods', payer.lost)::text, 'UTF8')), 'hex');
    select c.id, c.idempotency_key into found_row from checkout_sessions c
        where c.fingerprint = mark and c.status = 'open' and c.created_at > now() - interval '23 hours'
        order by c.created_at desc limit 1;
    if not found then
        insert into checkout_sessions (tenant_id, plan_key, fingerprint, idempotency_key)
        values (tenant.id, wanted, mark, 'tenant-' || tenant.id || '-checkout-' || gen_random_uuid())
        returning id, idempotency_key into found_row;
    end if;
    return jsonb_build_object('id', found_row.id, 'key', found_row.idempotency_key, 'tenant', tenant.id,
        'price', price, 'mode', 'subscription', 'methods', coalesce(tenant.settings -> 'paymentMethods', '["card"]'),
        'member', true, 'name', tenant.slug,
        'customer', payer.customer,
        'customerKey', 'tenant-' || tenant.id || '-customer' || case when payer.lost > 0 then '-' || payer.lost else '' end);
end $$;

-- ---- what has been bought ----

-- Of the tenant, or of whoever asks.
create function billing_subscription(of_tenant boolean) returns subscriptions
language sql stable set search_path = tenantry, pg_temp as $$
    select s.* from subscriptions s
        where case when of_tenant then s.payer = 'tenant' else s.user_id = current_person() end
            and (s.paid_at is not null or s.status <> 'incomplete')
        order by subscription_counts(s.status, s.grace_until) desc, s.paid_at desc nulls last, s.id limit 1
$$;

create function billing_json(of_tenant boolean) returns jsonb
language sql stable set search_path = tenantry, pg_temp as $$
    select jsonb_build_object('plan', s.plan_key, 'status', s.status,
            'active', subscription_counts(s.status, s.grace_until), 'quantity', s.quantity,
            'currentPeriodEnd', json_time(s.current_period_end), 'trialEnd', json_time(s.trial_end),
            'cancelAtPeriodEnd', s.cancel_at_period_end, 'graceUntil', json_time(s.grace_until))
        from billing_subscription(of_tenant) s where s.id is not null
$$;

create function billing_show(owner boolean) returns text
language sql stable set search_path = tenantry, pg_temp as $$
    select jsonb_build_object('own', billing_json(false), 'tenant', case when owner then billing_json(true) end)::text
$$;

-- Whose customer at Stripe; nobody sees another's.
create function billing_customer(of_tenant boolean) returns text
language plpgsql stable set search_path = tenantry, pg_temp as $$
declare
    customer text;
begin
    if of_tenant then
        perform billing_owner();
    end if;
    -- Of what was bought; who paid before they were a member may have no row, or another one.
    select s.stripe_customer_id into customer from billing_subscription(of_tenant) s
        where s.stripe_customer_id <> '' and not exists (select from customers c
            where c.stripe_customer_id = s.stripe_customer_id and c.deleted_at is not null);
    customer := coalesce(customer, (select c.stripe_customer_id from customers c
        where c.user_id is not distinct from case when of_tenant then null else current_person() end
            and c.deleted_at is null));
    if customer is null then
        raise exception using errcode = 'PT404', message = 'nothing was bought here yet';
    end if;
    return customer;
end $$;

-- The subscription to change, and the price it is to have; without a plan: the subscription alone.
create function billing_change(of_tenant boolean, wanted text, listed jsonb, env_price text) returns text
language plpgsql stable set search_path = tenantry, pg_temp as $$
declare
    s subscriptions;
    plan record;
    price text;
begin
    if of_tenant then
        perform billing_owner();
    end if;
    s := billing_subscription(of_tenant);
    if s.status is null or s.status not in ('active', 'trialing', 'past_due', 'unpaid')
        or s.stripe_subscription_id not like 'sub\_%' then
        raise exception using errcode = 'PT404', message = 'there is no subscription to change';
    end if;
    if wanted is not null and of_tenant then
        price := billing_plan(wanted, env_price);
    elsif wanted is not null then
        select * into plan from checkout_plan(wanted, listed);
        price := coalesce(plan.stripe_price_id, env_price);
        if plan.every = 'once' then
            raise exception using errcode = 'PT422', message = 'this plan is paid once, not subscribed to';
        elsif price is null then
            raise exception using errcode = 'PT503', message = 'this plan cannot be bought at the moment';
        end if;
    end if;
    if wanted = s.plan_key and not s.cancel_at_period_end then
        raise exception using errcode = 'PT409', message = 'this is the plan it has';
    end if;
    return jsonb_build_object('subscription', s.stripe_subscription_id, 'price', price);
end $$;

-- ---- the operator's side: `tenantry db tenant` ----

-- Sets up a tenant, or goes on with one: whatever is there stays, so that it can be done again after
-- any interruption.  It waits for its first payment, unless it is free.  `token`: hex of the hash of
-- what an owner who is nobody yet is invited with.
create function tenant_open(slug text, name text, free boolean, owner text, token text, offered jsonb) returns jsonb
language plpgsql set search_path = tenantry, pg_temp as $$
declare
    here uuid := coalesce(tenant_id(slug), md5('tenant/' || slug)::uuid);
    t tenants;
    made boolean;
    person uuid;
    came text;
begin
    perform set_config('app.current_tenant_id', here::text, true);
    insert into tenants as x (id, slug, name, status, free)
        values (here, tenant_open.slug, tenant_open.name,
            case when tenant_open.free then 'active' else 'pending' end::tenant_status, tenant_open.free)
        on conflict (id) do nothing;
    made := found;
    update tenants x set status = case x.status when 'pending' then 'active' else x.status end, free = true
        where x.id = here and tenant_open.free and not x.free and not (select p.bought from tenant_plan() p);
    select * into t from tenants x where x.id = here;
    insert into plans as p (tenant_id, key, name, description, price, currency, interval, limits, position, for_tenant)
        select here, o.v ->> 'id', o.v ->> 'name', coalesce(o.v ->> 'description', ''), (o.v ->> 'price')::numeric,
            upper(coalesce(o.v ->> 'currency', 'USD')), coalesce(o.v ->> 'interval', 'month')::plan_interval,
            coalesce(o.v -> 'limits', '{}'), o.n, true
        from jsonb_array_elements(coalesce(offered, '[]')) with ordinality o (v, n)
        on conflict (tenant_id, key) do update set name = excluded.name, description = excluded.description,
            price = excluded.price, currency = excluded.currency, interval = excluded.interval, limits = excluded.limits,
            position = excluded.position, active = true where p.for_tenant;
    update plans p set active = false where p.tenant_id = here and p.for_tenant and p.active
        and not exists (select from jsonb_array_elements(coalesce(offered, '[]')) o (v) where o.v ->> 'id' = p.key);
    if owner is not null then
        select f.id into person from user_find(lower(owner)) f;
        if exists (select from memberships m where m.tenant_id = here and m.user_id = person and m.role = 'owner') then
            came := 'there';
        elsif person is not null then
            insert into memberships as m (tenant_id, user_id, role, join_source) values (here, person, 'owner', 'invite_link')
                on conflict (tenant_id, user_id) do update set role = 'owner';
            came := 'joined';
        else
            update invitations i set status = 'revoked'
                where i.tenant_id = here and i.email = lower(owner) and i.status = 'pending';
            insert into invitations (tenant_id, email, role, token_hash)
                values (here, lower(owner), 'owner', decode(token, 'hex'));
            came := 'invited';
        end if;
    end if;
    return jsonb_build_object('tenant', slug, 'id', here, 'made', made, 'status', t.status, 'owner', came);
end $$;

-- Suspends, resumes or closes; null: there is no such tenant.
create function tenant_turn(slug text, word text, grace interval) returns jsonb
language plpgsql set search_path = tenantry, pg_temp as $$
declare
    here uuid := tenant_id(slug);
    t tenants;
    plan record;
begin
    perform set_config('app.current_tenant_id', coalesce(here::text, ''), true);
    select * into t from tenants x where x.id = here for update;
    if not found then
        return null;
    end if;
    if word = 'suspend' and t.status in ('pending', 'closed') then
        raise exception using errcode = 'PT409', message = format('it is %s; there is nothing to suspend', t.status);
    elsif word = 'resume' and t.status = 'pending' then
        raise exception using errcode = 'PT409', message = 'it waits for its first payment; --free lets it run without';
    end if;
    update tenants x set
        grace_until = case when word = 'resume' then now() + grace end,
        suspended_for = case word when 'suspend' then 'operator' end,
        suspended_at = case when word = 'suspend' then coalesce(x.suspended_at, now()) end,
        status = case word when 'suspend' then 'suspended' when 'close' then 'closed' else 'active' end::tenant_status
        where x.id = here;
    select * into plan from tenant_plan();
    if word = 'resume' and not t.free and grace is null and not plan.running then
        update tenants x set status = case when plan.bought then 'suspended' else 'pending' end::tenant_status,
            suspended_for = case when plan.bought then 'payment' end, suspended_at = case when plan.bought then now() end
            where x.id = here;
    end if;
    return tenant_line(here);
end $$;

-- How a tenant stands, for the operator.
create function tenant_line(tenant uuid) returns jsonb
language plpgsql set search_path = tenantry, pg_temp as $$
declare
    standing jsonb;
begin
    perform set_config('app.current_tenant_id', tenant::text, true);
    standing := tenant_standing(date_trunc('hour', now()));
    return (select jsonb_build_object('tenant', t.slug, 'status', standing ->> 'status', 'reason', standing ->> 'reason',
            'plan', coalesce(standing ->> 'plan', case when t.free then 'free' end),
            'members', (select count(*)::text from memberships m where m.tenant_id = tenant))
        from tenants t where t.id = tenant);
end $$;

do $$
declare
    f regprocedure;
begin
    for f in select p.oid from pg_proc p where p.pronamespace = 'tenantry'::regnamespace
        and (p.proname ~ '^(billing_|tenant_(plan|standing|count|features|conclude)$)' or p.proname = 'stripe_event') loop
        execute format('grant execute on function %s to tenantry_webhook', f);
    end loop;
end $$;

-- What the payment provider says becomes the state of a subscription, in whatever order and however
-- often it says it.
--
-- The state is made of facts that do not depend on the order in which they come: of what can change,
-- the newest by a total order; of what happens once, the first.  What follows from them (grace, the
-- plan's row, the member) is worked out anew each time.

set local role tenantry_owner;
set local search_path = tenantry;

create type subscription_payer as enum ('member', 'guest', 'tenant');

alter table subscriptions
    add column payer subscription_payer not null default 'guest',
    add column buyer_id uuid,
    add column email text,
    add column paid_at timestamptz,
    add column admitted boolean not null default false,
    add column state_order text collate "C" not null default '',
    add column plan_order text collate "C" not null default '',
    add column buyer_order text collate "C" not null default '';
comment on column subscriptions.user_id is 'the member who subscribed';
comment on column subscriptions.payer is 'a member, a guest who was not signed in, or the tenant itself';
comment on column subscriptions.buyer_id is 'who was signed in; becomes a member, and user_id, when they have paid';
comment on column subscriptions.email is 'of the checkout; who a guest is';
comment on column subscriptions.paid_at is 'when it was first paid or on trial';
comment on column subscriptions.admitted is 'its buyer was made a member for it, which happens once';
comment on column subscriptions.state_order is 'the newest event applied, as text that sorts; deleted is above all';
comment on column subscriptions.plan_order is 'the same of the newest event that named the plan';
comment on column subscriptions.buyer_order is 'the same of the newest event that named who pays';

alter table checkout_sessions
    add column buyer_id uuid,
    add column fingerprint text not null default '',
    add column payment_status text,
    add column stripe_subscription_id text;
comment on column checkout_sessions.user_id is 'the member who pays';
comment on column checkout_sessions.buyer_id is 'who was signed in, member or not';
comment on column checkout_sessions.fingerprint is 'who buys what: a second click finds the first one''s row';
-- A customer that was deleted at Stripe stays known, for what is still said of it; the next one takes
-- its place.
alter table customers add column deleted_at timestamptz,
    drop constraint customers_tenant_id_user_id_key;
comment on column customers.deleted_at is 'it is not there any more at Stripe: nothing new is bought in its name';
create index customers_of_user on customers (tenant_id, user_id);
create unique index customers_current on customers (tenant_id, user_id) nulls not distinct where deleted_at is null;
create index checkout_sessions_open on checkout_sessions (tenant_id, fingerprint) where status = 'open';

create table invoices (
    tenant_id uuid not null references tenants on delete cascade,
    stripe_invoice_id text not null,
    stripe_subscription_id text not null,
    failed_at timestamptz,
    settled_at timestamptz,
    primary key (tenant_id, stripe_invoice_id)
);
comment on table invoices is 'Whether a subscription is behind: an invoice that failed and is not settled';
comment on column invoices.failed_at is 'when paying it failed for the first time';
comment on column invoices.settled_at is 'when it was paid, or was no longer owed';
create index invoices_failing on invoices (tenant_id, stripe_subscription_id, failed_at)
    where settled_at is null;

alter table invoices enable row level security;
alter table invoices force row level security;
create policy tenant on invoices
    using (tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid);

grant select, insert, update on invoices to tenantry_webhook;
grant select on promotions to tenantry_webhook;
grant select (payer, paid_at) on subscriptions to tenantry_member, tenantry_admin;

-- ---- reading an event ----

-- An id that may have been expanded to the object.
create function stripe_id(value jsonb) returns text
language sql immutable set search_path = tenantry, pg_temp as $$
    select case jsonb_typeof(value) when 'object' then value ->> 'id' when 'string' then value #>> '{}' end
$$;

create function stripe_time(value jsonb) returns timestamptz
language sql immutable set search_path = tenantry, pg_temp as $$
    select case when jsonb_typeof(value) = 'number' then to_timestamp((value #>> '{}')::float8) end
$$;

-- Text that sorts as events of one subscription follow each other.  Within a second Stripe gives no
-- order: created comes before updated, a status further on after one before it, a later period after
-- an earlier; the event's id decides what is left.
create function stripe_order(event jsonb) returns text
language sql immutable set search_path = tenantry, pg_temp as $$
    select case event ->> 'type' when 'customer.subscription.deleted' then '9' else '1' end
        || lpad(event ->> 'created', 12, '0')
        || case when event ->> 'type' like '%.created' then '0' else '1' end
        || case event #>> '{data,object,status}' when 'incomplete' then '0' when 'trialing' then '1'
            when 'active' then '2' when 'past_due' then '3' when 'unpaid' then '4' when 'paused' then '5' else '6' end
        || lpad(coalesce(event #>> '{data,object,items,data,0,current_period_end}',
            event #>> '{data,object,current_period_end}', '0'), 12, '0')
        || (event ->> 'id')
$$;

-- What an event is about: the subscription (of a single payment, its session), the metadata that
-- was put there at checkout, the customer.  No row: it is nothing to us.
create function stripe_subject(event jsonb, out subscription text, out customer text, out metadata jsonb)
returns setof record
language plpgsql immutable set search_path = tenantry, pg_temp as $$
declare
    o jsonb := event #> '{data,object}';
    kind text := event ->> 'type';
begin
    customer := stripe_id(o -> 'customer');
    if kind in ('customer.subscription.created', 'customer.subscription.updated', 'customer.subscription.deleted',
        'customer.subscription.paused', 'customer.subscription.resumed') then
        subscription := o ->> 'id';
        metadata := o -> 'metadata';
    elsif kind in ('checkout.session.completed', 'checkout.session.expired',
        'checkout.session.async_payment_succeeded', 'checkout.session.async_payment_failed') then
        subscription := case o ->> 'mode' when 'payment' then o ->> 'id' else stripe_id(o -> 'subscription') end;
        metadata := o -> 'metadata';
    elsif kind in ('invoice.paid', 'invoice.payment_succeeded', 'invoice.payment_failed', 'invoice.voided') then
        -- Since 2025-03-31 an invoice names what it is for in `parent`.
        subscription := coalesce(stripe_id(o #> '{parent,subscription_details,subscription}'),
            stripe_id(o -> 'subscription'));
        metadata := coalesce(o #> '{parent,subscription_details,metadata}', o #> '{subscription_details,metadata}');
        if subscription is null then
            return;
        end if;
    elsif kind = 'customer.deleted' then
        customer := o ->> 'id';
        metadata := o -> 'metadata';
    else
        return;
    end if;
    if jsonb_typeof(metadata) is distinct from 'object' then
        metadata := '{}';
    end if;
    return next;
end $$;

-- Whether it is this tenant's: by the name in its metadata, or, without one, by what is known here.
create function stripe_is_ours(event jsonb, subscription text, customer text, metadata jsonb) returns boolean
language plpgsql stable set search_path = tenantry, pg_temp as $$
begin
    if metadata ->> 'tenantId' is not null then
        return exists (select from tenants t where metadata ->> 'tenantId' in (t.id::text, t.slug));
    end if;
    return exists (select from subscriptions s where s.stripe_subscription_id = subscription)
        or exists (select from customers c where c.stripe_customer_id = customer)
        or exists (select from checkout_sessions c where c.stripe_session_id = event #>> '{data,object,id}');
end $$;

-- ---- its effect ----

create function stripe_checkout(event jsonb, metadata jsonb) returns void
language plpgsql set search_path = tenantry, pg_temp as $$
declare
    o jsonb := event #> '{data,object}';
    kind text := event ->> 'type';
    made timestamptz := stripe_time(event -> 'created');
begin
    update checkout_sessions c set
        stripe_session_id = o ->> 'id',
        status = case when kind <> 'checkout.session.expired' then 'complete'
            when c.status = 'open' then 'expired' else c.status end::checkout_status,
        completed_at = case when kind <> 'checkout.session.expired' then least(c.completed_at, made) else c.completed_at end,
        payment_status = case when 'paid' in (c.payment_status, o ->> 'payment_status') then 'paid'
            else coalesce(o ->> 'payment_status', c.payment_status) end,
        stripe_subscription_id = coalesce(stripe_id(o -> 'subscription'), c.stripe_subscription_id)
    where c.id = coalesce(
        (select x.id from checkout_sessions x where x.stripe_session_id = o ->> 'id'),
        (select x.id from checkout_sessions x where x.id::text = metadata ->> 'checkoutId' and x.stripe_session_id is null));
end $$;

create function stripe_subscription(event jsonb, subject text) returns void
language plpgsql set search_path = tenantry, pg_temp as $$
declare
    o jsonb := event #> '{data,object}';
    place text := stripe_order(event);
    word text := case when event ->> 'type' = 'customer.subscription.deleted' then 'canceled' else o ->> 'status' end;
begin
    if word is null or not word = any (enum_range(null::subscription_status)::text[]) then
        raise exception using errcode = 'PT500', message = 'the status of the subscription is not one this version knows';
    end if;
    update subscriptions s set
        state_order = place,
        changed_by_event_at = stripe_time(event -> 'created'),
        status = word::subscription_status,
        quantity = coalesce((o #>> '{items,data,0,quantity}')::integer, (o ->> 'quantity')::integer, 1),
        -- Since 2025-03-31 the period is the item's.
        current_period_start = coalesce(stripe_time(o #> '{items,data,0,current_period_start}'),
            stripe_time(o -> 'current_period_start')),
        current_period_end = coalesce(stripe_time(o #> '{items,data,0,current_period_end}'),
            stripe_time(o -> 'current_period_end')),
        trial_end = stripe_time(o -> 'trial_end'),
        cancel_at = stripe_time(o -> 'cancel_at'),
        cancel_at_period_end = coalesce((o ->> 'cancel_at_period_end')::boolean, false),
        canceled_at = stripe_time(o -> 'canceled_at')
    where s.stripe_subscription_id = subject and s.state_order < place;
end $$;

-- What was paid for once: there is no subscription at Stripe, the session stands for it.
create function stripe_purchase(event jsonb, subject text) returns void
language plpgsql set search_path = tenantry, pg_temp as $$
declare
    place text := stripe_order(event);
begin
    if event #>> '{data,object,payment_status}' in ('paid', 'no_payment_required') then
        update subscriptions s set state_order = '9' || place, status = 'active',
            changed_by_event_at = stripe_time(event -> 'created')
        where s.stripe_subscription_id = subject and s.state_order < '9' || place;
    end if;
end $$;

create function stripe_invoice(event jsonb, subject text) returns void
language plpgsql set search_path = tenantry, pg_temp as $$
declare
    made timestamptz := stripe_time(event -> 'created');
    failed boolean := event ->> 'type' = 'invoice.payment_failed';
begin
    insert into invoices as i (tenant_id, stripe_invoice_id, stripe_subscription_id, failed_at, settled_at)
    values (nullif(current_setting('app.current_tenant_id', true), '')::uuid, event #>> '{data,object,id}', subject,
        case when failed then made end, case when not failed then made end)
    on conflict (tenant_id, stripe_invoice_id) do update set
        failed_at = least(i.failed_at, excluded.failed_at), settled_at = least(i.settled_at, excluded.settled_at);
end $$;

-- Which plan: that of the price, as the database or else the operator's settings know it; else what
-- was said at checkout.
-- What the operator sells to tenants goes first: an admin may write the same price at
-- Stripe into a plan of their own, and must not get that plan's limits for it.
create function stripe_plan(event jsonb, subject text, metadata jsonb, prices jsonb) returns void
language plpgsql set search_path = tenantry, pg_temp as $$
declare
    bought text := stripe_id(event #> '{data,object,items,data,0,price}');
    named text := coalesce((select p.key from plans p where p.for_tenant and p.key = prices ->> bought),
        (select p.key from plans p where p.stripe_price_id = bought), prices ->> bought);
    weight text := case when named is not null then '2' when event ->> 'type' like 'checkout.%' then '0' else '1' end;
    place text := weight || stripe_order(event);
begin
    named := coalesce(named, metadata ->> 'planId');
    if named is not null then
        update subscriptions s set plan_key = named, plan_order = place
        where s.stripe_subscription_id = subject and s.plan_order < place;
    end if;
end $$;

-- Who pays.  Who is named in the metadata must be a member, or have begun this very checkout: whoever
-- holds the tenant's account at Stripe cannot make a stranger a member.
create function stripe_buyer(event jsonb, subject text, customer text, metadata jsonb) returns void
language plpgsql set search_path = tenantry, pg_temp as $$
declare
    known customers;
    named uuid;
    weight text := '2';
    place text := stripe_order(event);
begin
    select m.user_id into named from memberships m where m.user_id::text = metadata ->> 'userId';
    if named is null then
        select c.buyer_id into named from checkout_sessions c
        where c.id::text = metadata ->> 'checkoutId' and c.buyer_id::text = metadata ->> 'userId';
    end if;
    if named is null then
        select * into known from customers c where c.stripe_customer_id = stripe_buyer.customer;
        named := known.user_id;
        weight := '1';
    end if;
    if named is not null or known.id is not null or metadata ->> 'payer' = 'tenant' then
        update subscriptions s set buyer_id = named, buyer_order = weight || place,
            payer = case when named is null then 'tenant' else 'member' end::subscription_payer
        where s.stripe_subscription_id = subject and s.buyer_order < weight || place;
    end if;
end $$;

-- What follows from the facts.
create function stripe_conclude(subject text) returns void
language plpgsql set search_path = tenantry, pg_temp as $$
declare
    s subscriptions;
    grace interval;
    behind timestamptz;
begin
    select * into s from subscriptions x where x.stripe_subscription_id = subject;
    -- Once: a member who was sent away does not come back with the next invoice.
    if s.paid_at is not null and s.buyer_id is not null and not s.admitted then
        begin
            insert into memberships (tenant_id, user_id, join_source) values (s.tenant_id, s.buyer_id, 'paid')
            on conflict (tenant_id, user_id) do nothing;
            s.admitted := true;
        exception when foreign_key_violation then
            null; -- the account is gone
        end;
    end if;
    select m.user_id into s.user_id from memberships m where m.user_id = s.buyer_id;
    if s.status in ('active', 'trialing', 'past_due', 'unpaid', 'paused') then
        select min(i.failed_at) into behind from invoices i
        where i.stripe_subscription_id = subject and i.settled_at is null;
        if behind is null and s.status in ('past_due', 'unpaid') then
            behind := s.changed_by_event_at;
        end if;
    end if;
    select make_interval(days => least(greatest(coalesce((t.settings ->> 'graceDays')::numeric, 7), 0), 90)::integer)
        into grace from tenants t where jsonb_typeof(t.settings -> 'graceDays') is not distinct from 'number';
    update subscriptions x set user_id = s.user_id, admitted = s.admitted, grace_until = behind + coalesce(grace, '7 days'),
        plan_id = (select p.id from plans p where p.key = x.plan_key)
    where x.stripe_subscription_id = subject;
end $$;

-- Events of an account at Stripe that is the tenant's own say nothing about what the tenant pays.
create function stripe_event(event jsonb, prices jsonb default '{}', operators boolean default true) returns text
language plpgsql set search_path = tenantry, pg_temp as $$
declare
    tenant uuid := nullif(current_setting('app.current_tenant_id', true), '')::uuid;
    kind text := event ->> 'type';
    made timestamptz := stripe_time(event -> 'created');
    subject record;
begin
    if jsonb_typeof(event -> 'id') is distinct from 'string' or kind is null or made is null then
        raise exception using errcode = 'PT400', message = 'this is not an event';
    end if;
    select * into subject from stripe_subject(event);
    if not found then
        return '{"effect":"ignored"}';
    end if;
    if not stripe_is_ours(event, subject.subscription, subject.customer, subject.metadata)
        or not operators and (subject.metadata ->> 'payer' = 'tenant'
            or exists (select from customers c where c.user_id is null and c.stripe_customer_id = subject.customer)
            or exists (select from subscriptions s where s.payer = 'tenant'
                and s.stripe_subscription_id = subject.subscription)) then
        return '{"effect":"foreign"}';
    end if;
    insert into webhook_events (tenant_id, event_id, type, created_at) values (tenant, event ->> 'id', kind, made)
    on conflict do nothing;
    if not found then
        return '{"effect":"duplicate"}';
    end if;
    if kind like 'checkout.%' then
        perform stripe_checkout(event, subject.metadata);
    elsif kind = 'customer.deleted' then
        update customers c set deleted_at = least(c.deleted_at, made) where c.stripe_customer_id = subject.customer;
    end if;
    if subject.subscription is not null and kind <> 'checkout.session.expired' then
        perform stripe_apply(event, subject.subscription, subject.customer, subject.metadata, prices);
    end if;
    return '{"effect":"applied"}';
end $$;
comment on function stripe_event is
    'Takes one event of Stripe''s: its effect and its record, together, once; operators: of the operator''s account';

create function stripe_apply(event jsonb, subject text, customer text, metadata jsonb, prices jsonb) returns void
language plpgsql set search_path = tenantry, pg_temp as $$
declare
    tenant uuid := nullif(current_setting('app.current_tenant_id', true), '')::uuid;
    o jsonb := event #> '{data,object}';
    kind text := event ->> 'type';
    paid boolean := kind in ('invoice.paid', 'invoice.payment_succeeded')
        or kind like 'customer.subscription.%' and o ->> 'status' in ('active', 'trialing')
        or kind like 'checkout.%' and o ->> 'payment_status' in ('paid', 'no_payment_required');
begin
    -- From here on the row is locked: events of one subscription take turns.
    insert into subscriptions as s (tenant_id, stripe_subscription_id, stripe_customer_id, plan_key, paid_at, email)
    values (tenant, subject, coalesce(customer, ''), '', case when paid then stripe_time(event -> 'created') end,
        case when kind like 'checkout.%' then lower(coalesce(o #>> '{customer_details,email}', o ->> 'customer_email')) end)
    on conflict (tenant_id, stripe_subscription_id) do update set
        stripe_customer_id = greatest(s.stripe_customer_id, excluded.stripe_customer_id),
        paid_at = least(s.paid_at, excluded.paid_at), email = least(s.email, excluded.email);
    case split_part(kind, '.', 1)
        when 'customer' then perform stripe_subscription(event, subject);
        when 'invoice' then perform stripe_invoice(event, subject);
        else
            if o ->> 'mode' = 'payment' then
                perform stripe_purchase(event, subject);
            end if;
    end case;
    perform stripe_plan(event, subject, metadata, prices);
    perform stripe_buyer(event, subject, customer, metadata);
    perform stripe_conclude(subject);
end $$;

-- ---- checkout ----

-- What is for sale under this key, as the pricing page shows it: the tenant's rows when it has any,
-- else what the config lists (null: it does not).
create function checkout_plan(wanted text, listed jsonb, out price numeric, out coming_soon boolean,
    out every plan_interval, out stripe_price_id text)
language plpgsql stable set search_path = tenantry, pg_temp as $$
begin
    if exists (select from plans p where p.active and not p.for_tenant) then
        select p.price, p.coming_soon, p.interval, p.stripe_price_id into price, coming_soon, every, stripe_price_id
            from plans p where p.key = wanted and p.active and not p.for_tenant;
    elsif listed is not null then
        price := coalesce((listed ->> 'price')::numeric, 0);
        coming_soon := coalesce((listed ->> 'comingSoon')::boolean, false);
        every := 'month';
    end if;
    if price is null then
        raise exception using errcode = 'PT404', message = 'there is no such plan';
    elsif coming_soon then
        raise exception using errcode = 'PT422', message = 'this plan is not for sale yet';
    elsif price = 0 then
        raise exception using errcode = 'PT422', message = 'this plan is free: there is nothing to pay';
    end if;
end $$;

-- Begins a checkout, or finds the one that the same buyer has just begun for the same thing (a double
-- click), so that both ask Stripe with one idempotency key.  `attempt` tells guests apart.
create function checkout_begin(wanted text, buyer uuid, attempt text, listed jsonb, env_price text) returns text
language plpgsql set search_path = tenantry, pg_temp as $$
declare
    tenant tenants;
    plan record;
    found_row record;
    coupon text;
    member record;
    mark text;
begin
    select * into tenant from tenants;
    if tenant.status is distinct from 'active' then
        raise exception using errcode = 'PT403', message = 'nothing is sold here at the moment';
    end if;
    select * into plan from checkout_plan(wanted, listed);
    plan.stripe_price_id := coalesce(plan.stripe_price_id, env_price);
    if plan.stripe_price_id is null then
        raise exception using errcode = 'PT503', message = 'this plan cannot be bought at the moment';
    end if;
    select p.stripe_coupon_id into coupon from promotions p
        where p.active and now() >= p.starts_at and now() < p.ends_at and p.stripe_coupon_id is not null
            and (p.overrides ? wanted or p.overrides ? '*') order by p.starts_at desc, p.id limit 1;
    -- In one look: whoever has lost a customer at Stripe begins anew, with another key.
    select m.user_id as id, u.email, u.name, c.stripe_customer_id as customer,
            (select count(*) from customers d where d.user_id = m.user_id and d.deleted_at is not null) as lost
        into member from memberships m join users u on u.id = m.user_id
        left join customers c on c.user_id = m.user_id and c.deleted_at is null where m.user_id = buyer;
    mark := encode(sha256(convert_to(jsonb_build_array(buyer, attempt, wanted, plan, coupon,
        tenant.settings -> 'paymentMethods', member.lost)::text, 'UTF8')), 'hex');
    perform pg_advisory_xact_lock(hashtextextended(tenant.id || mark, 0));
    select c.id, c.idempotency_key into found_row from checkout_sessions c
        where c.fingerprint = mark and c.status = 'open' and c.created_at > now() - interval '30 minutes'
            and (buyer is not null or attempt <> '') order by c.created_at desc limit 1;
    if not found then
        insert into checkout_sessions (tenant_id, user_id, buyer_id, plan_key, fingerprint, idempotency_key)
        values (tenant.id, member.id, buyer, wanted, mark, 'checkout-' || gen_random_uuid())
        returning id, idempotency_key into found_row;
    end if;
    return jsonb_build_object('id', found_row.id, 'key', found_row.idempotency_key, 'tenant', tenant.id,
        'price', plan.stripe_price_id, 'mode', case plan.every when 'once' then 'payment' else 'subscription' end,
        'coupon', coupon, 'methods', coalesce(tenant.settings -> 'paymentMethods', '["card"]'),
        'member', member.id is not null, 'customer', member.customer, 'email', member.email, 'name', member.name,
        'customerKey', 'customer-' || found_row.id);
end $$;

-- The member's customer at Stripe: the first one wins.
create function checkout_customer(member uuid, customer text) returns text
language sql set search_path = tenantry, pg_temp as $$
    insert into customers (tenant_id, user_id, stripe_customer_id)
    values (nullif(current_setting('app.current_tenant_id', true), '')::uuid, member, customer)
    on conflict do nothing;
    select c.stripe_customer_id from customers c where c.user_id is not distinct from member and c.deleted_at is null
$$;

create function checkout_made(checkout uuid, session text) returns text
language sql set search_path = tenantry, pg_temp as $$
    update checkout_sessions c set stripe_session_id = session
    where c.id = checkout and c.stripe_session_id is null;
    select ''
$$;

-- Stripe said no: the next attempt begins anew, with another key.
create function checkout_failed(checkout uuid) returns text
language sql set search_path = tenantry, pg_temp as $$
    update checkout_sessions c set status = 'expired'
    where c.id = checkout and c.status = 'open' and c.stripe_session_id is null;
    select ''
$$;

-- Stripe does not know the customer any more.
create function checkout_customer_lost(customer text) returns text
language sql set search_path = tenantry, pg_temp as $$
    update customers c set deleted_at = now() where c.stripe_customer_id = customer and c.deleted_at is null;
    select ''
$$;

-- What became of it, for the page that Stripe sends the buyer back to.
create function checkout_outcome(session text) returns text
language plpgsql stable set search_path = tenantry, pg_temp as $$
declare
    found_row record;
begin
    select c.status, c.payment_status, c.plan_key, s.status as subscription,
        coalesce(subscription_counts(s.status, s.grace_until), false) as active, s.current_period_end,
        c.status = 'complete' and coalesce(c.buyer_id, c.user_id, s.buyer_id) is null and s.payer = 'guest' as claimable
        into found_row from checkout_sessions c left join subscriptions s on s.stripe_subscription_id
            in (c.stripe_subscription_id, c.stripe_session_id)
        where c.stripe_session_id = session;
    if not found then
        raise exception using errcode = 'PT404', message = 'there is no such checkout';
    end if;
    return jsonb_build_object('status', found_row.status, 'paymentStatus', found_row.payment_status,
        'planId', found_row.plan_key, 'subscription', found_row.subscription, 'active', found_row.active,
        'currentPeriodEnd', found_row.current_period_end, 'claimable', coalesce(found_row.claimable, false));
end $$;

-- What somebody paid for who was not signed in becomes theirs when they are.  Whose it is tells the
-- session's id, which is told to nobody but who began the checkout and who paid; that the e-mail is the
-- same tells nothing, since nobody has verified the account's.  Once: of any number at once, one finds it
-- without an owner.
create function checkout_claim(session text, person uuid) returns text
language plpgsql set search_path = tenantry, pg_temp as $$
declare
    c checkout_sessions;
    s subscriptions;
begin
    if (select t.status from tenants t where t.id = nullif(current_setting('app.current_tenant_id', true), '')::uuid)
            in ('closed', 'suspended') then
        raise exception using errcode = 'PT403', message = 'nobody can sign in here at the moment';
    end if;
    -- First the checkout, then the subscription: as events lock them.
    select * into c from checkout_sessions x where x.stripe_session_id = session for update;
    if c.buyer_id = person then
        return checkout_outcome(session);
    end if;
    select * into s from subscriptions x
        where x.stripe_subscription_id in (c.stripe_subscription_id, c.stripe_session_id) for update;
    if c.id is null or coalesce(c.buyer_id, c.user_id, s.buyer_id) is not null or s.payer <> 'guest' then
        raise exception using errcode = 'PT404', message = 'there is no such checkout';
    elsif s.id is null then
        raise exception using errcode = 'PT409', message = case c.status when 'expired' then 'this checkout has expired'
            else 'this checkout is not complete yet; ask again when it is' end;
    elsif s.status in ('canceled', 'incomplete_expired') then
        raise exception using errcode = 'PT409', message = 'what was bought has ended';
    end if;
    update checkout_sessions x set buyer_id = person,
        user_id = (select m.user_id from memberships m where m.user_id = person) where x.id = c.id;
    -- Below all that events say of who pays.
    update subscriptions x set buyer_id = person, payer = 'member', buyer_order = '1' where x.id = s.id;
    perform stripe_conclude(s.stripe_subscription_id);
    select * into s from subscriptions x where x.id = s.id;
    if s.paid_at is not null and s.user_id is null then
        raise exception using errcode = 'PT403', message = 'there is no such account here';
    elsif s.user_id is not null and s.stripe_customer_id <> '' then
        insert into customers (tenant_id, user_id, stripe_customer_id)
            values (s.tenant_id, s.user_id, s.stripe_customer_id) on conflict do nothing;
    end if;
    return checkout_outcome(session);
end $$;

do $$
declare
    f regprocedure;
begin
    for f in select p.oid from pg_proc p where p.pronamespace = 'tenantry'::regnamespace
        and p.proname ~ '^(stripe|checkout)_' loop
        execute format('grant execute on function %s to tenantry_webhook', f);
    end loop;
end $$;

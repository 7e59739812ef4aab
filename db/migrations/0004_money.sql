-- Plans, promotions, and what the payment provider says about them.

set local role tenantry_owner;
set local search_path = tenantry;

create type plan_interval as enum ('day', 'week', 'month', 'year', 'once');
create type subscription_status as enum ('incomplete', 'incomplete_expired', 'trialing', 'active', 'past_due',
    'canceled', 'unpaid', 'paused');
create type checkout_status as enum ('open', 'complete', 'expired');

create table plans (
    tenant_id uuid not null references tenants on delete cascade,
    id uuid not null default gen_random_uuid(),
    key text not null,
    name text not null,
    description text not null default '',
    price numeric(12, 2) not null check (price >= 0),
    currency text not null default 'USD' check (currency ~ '^[A-Z]{3}$'),
    interval plan_interval not null default 'month',
    credits integer not null default 0 check (credits >= 0),
    bonus integer not null default 0 check (bonus >= 0),
    features jsonb not null default '[]' check (jsonb_typeof(features) = 'array'),
    limits jsonb not null default '{}' check (jsonb_typeof(limits) = 'object'),
    highlight boolean not null default false,
    coming_soon boolean not null default false,
    cta text not null default '',
    extra jsonb not null default '{}' check (jsonb_typeof(extra) = 'object'),
    active boolean not null default true,
    position integer not null default 0,
    stripe_product_id text,
    stripe_price_id text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (tenant_id, id),
    unique (tenant_id, key),
    unique (tenant_id, stripe_price_id)
);
comment on column plans.key is 'the plan''s id in config.json';
comment on column plans.limits is 'such as {"apiCalls": 1000, "seats": 3, "customDomain": false}; -1: without limit';
comment on column plans.extra is 'further keys of a display plan, as in config.json';
comment on column plans.stripe_price_id is 'never leaves the server';
create index plans_shown on plans (tenant_id, position) where active;

create table promotions (
    tenant_id uuid not null references tenants on delete cascade,
    id uuid not null default gen_random_uuid(),
    name text not null,
    headline text not null default '',
    overrides jsonb not null default '{}' check (jsonb_typeof(overrides) = 'object'),
    starts_at timestamptz not null,
    ends_at timestamptz not null,
    active boolean not null default true,
    stripe_coupon_id text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (tenant_id, id),
    check (starts_at < ends_at)
);
comment on column promotions.overrides is
    'by key of the plan: {"duckling": {"price": 9, "bonus": 20}}; "*" stands for every plan';
create index promotions_by_window on promotions (tenant_id, ends_at, starts_at) where active;

create table customers (
    tenant_id uuid not null references tenants on delete cascade,
    id uuid not null default gen_random_uuid(),
    user_id uuid,
    stripe_customer_id text not null,
    created_at timestamptz not null default now(),
    primary key (tenant_id, id),
    unique nulls not distinct (tenant_id, user_id),
    unique (tenant_id, stripe_customer_id),
    foreign key (tenant_id, user_id) references memberships on delete cascade
);
comment on column customers.user_id is 'null: the tenant itself pays';

create table subscriptions (
    tenant_id uuid not null references tenants on delete cascade,
    id uuid not null default gen_random_uuid(),
    user_id uuid,
    plan_id uuid,
    plan_key text not null,
    status subscription_status not null default 'incomplete',
    quantity integer not null default 1 check (quantity >= 0),
    stripe_subscription_id text not null,
    stripe_customer_id text not null,
    current_period_start timestamptz,
    current_period_end timestamptz,
    trial_end timestamptz,
    cancel_at timestamptz,
    cancel_at_period_end boolean not null default false,
    canceled_at timestamptz,
    grace_until timestamptz,
    changed_by_event_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (tenant_id, id),
    unique (tenant_id, stripe_subscription_id),
    foreign key (tenant_id, user_id) references memberships on delete set null (user_id),
    foreign key (tenant_id, plan_id) references plans on delete set null (plan_id)
);
comment on column subscriptions.user_id is 'who subscribed; null: the tenant itself';
comment on column subscriptions.plan_key is 'the plan may stand in config.json only';
comment on column subscriptions.changed_by_event_at is 'when the newest event was created that was applied; older ones are not';
create index subscriptions_of_user on subscriptions (tenant_id, user_id, status);
create index subscriptions_of_plan on subscriptions (tenant_id, plan_id);
create index subscriptions_of_customer on subscriptions (tenant_id, stripe_customer_id);

create table checkout_sessions (
    tenant_id uuid not null references tenants on delete cascade,
    id uuid not null default gen_random_uuid(),
    user_id uuid,
    plan_key text not null,
    status checkout_status not null default 'open',
    idempotency_key text not null,
    stripe_session_id text,
    created_at timestamptz not null default now(),
    completed_at timestamptz,
    primary key (tenant_id, id),
    unique (tenant_id, idempotency_key),
    unique (tenant_id, stripe_session_id),
    foreign key (tenant_id, user_id) references memberships on delete cascade
);
create index checkout_sessions_of_user on checkout_sessions (tenant_id, user_id);

create table webhook_events (
    tenant_id uuid not null references tenants on delete cascade,
    provider text not null default 'stripe',
    event_id text not null,
    type text not null,
    created_at timestamptz,
    received_at timestamptz not null default now(),
    primary key (tenant_id, provider, event_id)
);
comment on table webhook_events is 'Events whose effect is in: written in the same transaction, so that none counts twice';

create table usage (
    tenant_id uuid not null references tenants on delete cascade,
    metric text not null,
    period_start timestamptz not null,
    period_end timestamptz not null,
    quantity numeric(20, 4) not null default 0 check (quantity >= 0),
    reported_at timestamptz,
    updated_at timestamptz not null default now(),
    primary key (tenant_id, metric, period_start),
    check (period_start < period_end)
);

create trigger plans_updated_at before update on plans for each row execute function keep_updated_at();
create trigger promotions_updated_at before update on promotions for each row execute function keep_updated_at();
create trigger subscriptions_updated_at before update on subscriptions
    for each row execute function keep_updated_at();
create trigger usage_updated_at before update on usage for each row execute function keep_updated_at();

-- ---- walls ----

do $$
declare
    t text;
begin
    foreach t in array array['plans', 'promotions', 'customers', 'subscriptions', 'checkout_sessions',
        'webhook_events', 'usage'] loop
        execute format('alter table %I enable row level security', t);
        execute format('alter table %I force row level security', t);
        execute format($p$create policy tenant on %I
            using (tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid)
            with check (tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid)$p$, t);
    end loop;
end $$;

create policy active_only on plans as restrictive for select to tenantry_web, tenantry_builder using (active);
create policy active_only on promotions as restrictive for select to tenantry_web, tenantry_builder using (active);
create policy own_only on subscriptions as restrictive for select to tenantry_member
    using (user_id = nullif(current_setting('app.current_user_id', true), '')::uuid);

-- ---- rights: only tenantry_webhook writes what somebody has paid for ----

grant select (tenant_id, id, key, name, description, price, currency, interval, credits, bonus, features, limits,
        highlight, coming_soon, cta, extra, active, position, updated_at)
    on plans to tenantry_web, tenantry_member, tenantry_builder;
grant select on plans to tenantry_admin, tenantry_webhook;
grant insert, delete,
    update (key, name, description, price, currency, interval, credits, bonus, features, limits, highlight,
        coming_soon, cta, extra, active, position, stripe_product_id, stripe_price_id)
    on plans to tenantry_admin;

grant select (tenant_id, id, name, headline, overrides, starts_at, ends_at, active, updated_at)
    on promotions to tenantry_web, tenantry_member, tenantry_builder;
grant select, insert, delete, update (name, headline, overrides, starts_at, ends_at, active, stripe_coupon_id)
    on promotions to tenantry_admin;

grant select (tenant_id, id, user_id, plan_id, plan_key, status, quantity, current_period_start, current_period_end,
        trial_end, cancel_at, cancel_at_period_end, canceled_at, grace_until, created_at, updated_at)
    on subscriptions to tenantry_member, tenantry_admin;
grant select on usage to tenantry_admin;
grant select, insert, update on customers, checkout_sessions, subscriptions, usage to tenantry_webhook;
grant select, insert on webhook_events to tenantry_webhook;

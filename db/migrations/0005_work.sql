-- Projects, campaigns, outgoing webhooks, jobs.

set local role tenantry_owner;
set local search_path = tenantry;

create type campaign_status as enum ('draft', 'scheduled', 'sending', 'sent', 'canceled');
create type recipient_status as enum ('queued', 'sent', 'failed', 'skipped');
create type delivery_status as enum ('queued', 'delivered', 'failed');
create type job_status as enum ('queued', 'running', 'done', 'failed');

create table projects (
    tenant_id uuid not null references tenants on delete cascade,
    id uuid not null default gen_random_uuid(),
    name text not null,
    description text,
    owner_id uuid,
    settings jsonb not null default '{}' check (jsonb_typeof(settings) = 'object'),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (tenant_id, id),
    foreign key (tenant_id, owner_id) references memberships on delete set null (owner_id)
);
create index projects_of_owner on projects (tenant_id, owner_id);

create table segments (
    tenant_id uuid not null references tenants on delete cascade,
    id uuid not null default gen_random_uuid(),
    name text not null,
    filter jsonb not null default '{}' check (jsonb_typeof(filter) = 'object'),
    created_at timestamptz not null default now(),
    primary key (tenant_id, id),
    unique (tenant_id, name)
);

create table campaigns (
    tenant_id uuid not null references tenants on delete cascade,
    id uuid not null default gen_random_uuid(),
    subject text not null,
    content text not null,
    audience text not null default 'all_members' check (audience in ('all_members', 'paid_only', 'free_only', 'segment')),
    segment_id uuid,
    status campaign_status not null default 'draft',
    created_by uuid,
    scheduled_at timestamptz,
    sent_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (tenant_id, id),
    check ((audience = 'segment') = (segment_id is not null)),
    foreign key (tenant_id, segment_id) references segments,
    foreign key (tenant_id, created_by) references memberships on delete set null (created_by)
);
create index campaigns_due on campaigns (tenant_id, scheduled_at) where status = 'scheduled';
create index campaigns_of_segment on campaigns (tenant_id, segment_id);
create index campaigns_of_author on campaigns (tenant_id, created_by);

create table campaign_recipients (
    tenant_id uuid not null references tenants on delete cascade,
    campaign_id uuid not null,
    user_id uuid not null,
    status recipient_status not null default 'queued',
    sent_at timestamptz,
    primary key (tenant_id, campaign_id, user_id),
    foreign key (tenant_id, campaign_id) references campaigns on delete cascade,
    foreign key (tenant_id, user_id) references memberships on delete cascade
);
create index campaign_recipients_of_user on campaign_recipients (tenant_id, user_id);

create table webhooks (
    tenant_id uuid not null references tenants on delete cascade,
    id uuid not null default gen_random_uuid(),
    url text not null check (url ~ '^https?://'),
    secret text not null,
    previous_secret text,
    events text[] not null default '{}',
    active boolean not null default true,
    disabled_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (tenant_id, id)
);
comment on column webhooks.events is 'such as member.joined; none: all of them';
comment on column webhooks.previous_secret is 'signs as well while the receiver changes over';

create table webhook_deliveries (
    tenant_id uuid not null references tenants on delete cascade,
    id uuid not null default gen_random_uuid(),
    webhook_id uuid not null,
    event_type text not null,
    payload jsonb not null,
    status delivery_status not null default 'queued',
    attempts integer not null default 0,
    next_attempt_at timestamptz not null default now(),
    response_status integer,
    last_error text,
    created_at timestamptz not null default now(),
    delivered_at timestamptz,
    primary key (tenant_id, id),
    foreign key (tenant_id, webhook_id) references webhooks on delete cascade
);
create index webhook_deliveries_of_webhook on webhook_deliveries (tenant_id, webhook_id, created_at);
create index webhook_deliveries_due on webhook_deliveries (tenant_id, next_attempt_at) where status = 'queued';

create table jobs (
    tenant_id uuid not null references tenants on delete cascade,
    id uuid not null default gen_random_uuid(),
    kind text not null,
    payload jsonb not null default '{}',
    status job_status not null default 'queued',
    run_at timestamptz not null default now(),
    attempts integer not null default 0,
    locked_until timestamptz,
    last_error text,
    created_at timestamptz not null default now(),
    finished_at timestamptz,
    primary key (tenant_id, id)
);
create index jobs_due on jobs (tenant_id, run_at) where status in ('queued', 'running');

create trigger projects_updated_at before update on projects for each row execute function keep_updated_at();
create trigger campaigns_updated_at before update on campaigns for each row execute function keep_updated_at();
create trigger webhooks_updated_at before update on webhooks for each row execute function keep_updated_at();

-- ---- walls ----

do $$
declare
    t text;
begin
    foreach t in array array['projects', 'segments', 'campaigns', 'campaign_recipients', 'webhooks',
        'webhook_deliveries', 'jobs'] loop
        execute format('alter table %I enable row level security', t);
        execute format('alter table %I force row level security', t);
        execute format($p$create policy tenant on %I
            using (tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid)
            with check (tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid)$p$, t);
    end loop;
end $$;

create policy own_insert on projects as restrictive for insert to tenantry_member
    with check (owner_id = nullif(current_setting('app.current_user_id', true), '')::uuid);
create policy own_update on projects as restrictive for update to tenantry_member
    using (owner_id = nullif(current_setting('app.current_user_id', true), '')::uuid);
create policy own_delete on projects as restrictive for delete to tenantry_member
    using (owner_id = nullif(current_setting('app.current_user_id', true), '')::uuid);

-- ---- rights ----

grant select, insert (tenant_id, id, name, description, owner_id, settings), update (name, description, settings),
    delete on projects to tenantry_member, tenantry_admin;
grant update (owner_id) on projects to tenantry_admin;
grant select, insert, update (name, filter), delete on segments to tenantry_admin;
grant select, insert (tenant_id, id, subject, content, audience, segment_id, created_by, scheduled_at),
    update (subject, content, audience, segment_id, scheduled_at), delete on campaigns to tenantry_admin;
grant select on campaign_recipients to tenantry_admin;
grant select (tenant_id, id, url, events, active, disabled_at, created_at, updated_at),
    insert (tenant_id, id, url, secret, events), update (url, secret, previous_secret, events, active), delete
    on webhooks to tenantry_admin;
grant select on webhook_deliveries to tenantry_admin;
grant select (tenant_id, id, url, events, active) on webhooks to tenantry_webhook;
grant insert (tenant_id, id, webhook_id, event_type, payload) on webhook_deliveries to tenantry_webhook;
grant insert (tenant_id, id, kind, payload, run_at) on jobs to tenantry_webhook, tenantry_admin;

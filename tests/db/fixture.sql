-- Two tenants with a row in every table, and users that belong to one of them alone.
do $$
declare
    slug text;
    t uuid;
    u uuid;
    h bytea;
begin
    foreach slug in array array['alpha', 'beta'] loop
        t := md5('tenant/' || slug)::uuid;
        u := md5('user/' || slug)::uuid;
        h := sha256(slug::bytea);
        insert into tenantry.tenants (id, slug, name, status, stripe_customer_id)
            values (t, slug, slug, 'active', 'cus_' || slug);
        insert into tenantry.users (id, email, name, signup_tenant) values (u, slug || '@example.com', slug, slug);
        insert into tenantry.memberships (tenant_id, user_id, role) values (t, u, 'member');
        insert into tenantry.invitations (tenant_id, id, email, token_hash, invited_by)
            values (t, t, 'new@example.com', h, u);
        insert into tenantry.sessions (tenant_id, id, user_id, token_hash, expires_at)
            values (t, t, u, h, now() + interval '1 day');
        insert into tenantry.api_keys (tenant_id, id, user_id, name, prefix, key_hash) values (t, t, u, 'k', 'tk', h);
        insert into tenantry.spaces (tenant_id, id, slug, name, visibility) values (t, t, 'news', 'News', 'PUBLIC');
        insert into tenantry.space_members (tenant_id, space_id, user_id) values (t, t, u);
        insert into tenantry.posts (tenant_id, id, space_id, author_id, slug, title, content, status)
            values (t, t, t, u, 'hello', 'Hello', '<p>x</p>', 'PUBLISHED');
        insert into tenantry.comments (tenant_id, id, post_id, author_id, content) values (t, t, t, u, 'x');
        insert into tenantry.reactions (tenant_id, post_id, user_id) values (t, t, u);
        insert into tenantry.plans (tenant_id, id, key, name, price, stripe_price_id)
            values (t, t, 'basic', 'Basic', 5, 'price_' || slug);
        insert into tenantry.promotions (tenant_id, id, name, starts_at, ends_at)
            values (t, t, 'spring', now(), now() + interval '1 day');
        insert into tenantry.customers (tenant_id, id, user_id, stripe_customer_id) values (t, t, u, 'cus_u_' || slug);
        insert into tenantry.subscriptions (tenant_id, id, user_id, plan_id, plan_key, status,
                stripe_subscription_id, stripe_customer_id)
            values (t, t, u, t, 'basic', 'active', 'sub_' || slug, 'cus_u_' || slug);
        insert into tenantry.checkout_sessions (tenant_id, id, user_id, plan_key, idempotency_key,
                stripe_session_id)
            values (t, t, u, 'basic', slug, 'cs_' || slug);
        insert into tenantry.invoices (tenant_id, stripe_invoice_id, stripe_subscription_id)
            values (t, 'in_' || slug, 'sub_' || slug);
        insert into tenantry.webhook_events (tenant_id, event_id, type) values (t, 'evt_' || slug, 'x');
        insert into tenantry.usage (tenant_id, metric, period_start, period_end, quantity)
            values (t, 'api_calls', '2026-01-01', '2026-01-02', 7);
        insert into tenantry.projects (tenant_id, id, name, owner_id) values (t, t, 'p', u);
        insert into tenantry.segments (tenant_id, id, name) values (t, t, 's');
        insert into tenantry.campaigns (tenant_id, id, subject, content, created_by) values (t, t, 's', 'c', u);
        insert into tenantry.campaign_recipients (tenant_id, campaign_id, user_id) values (t, t, u);
        insert into tenantry.webhooks (tenant_id, id, url, secret) values (t, t, 'https://example.com/', 's');
        insert into tenantry.webhook_deliveries (tenant_id, id, webhook_id, event_type, payload)
            values (t, t, t, 'x', '{}');
        insert into tenantry.jobs (tenant_id, id, kind) values (t, t, 'x');
    end loop;
end $$;

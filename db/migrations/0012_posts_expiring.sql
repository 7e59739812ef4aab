-- tenantry: no transaction
-- When the next post expires.

drop index concurrently if exists tenantry.posts_expiring;
create index concurrently posts_expiring on tenantry.posts (tenant_id, expires_at) where expires_at is not null;

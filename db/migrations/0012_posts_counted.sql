-- tenantry: no transaction
-- When the next post expires, and the counts of what was written before 0009_public_reads.sql.

drop index concurrently if exists tenantry.posts_expiring;
create index concurrently posts_expiring on tenantry.posts (tenant_id, expires_at) where expires_at is not null;
do $$ declare t uuid; begin for t in select l.id from tenantry.tenant_list() l loop perform tenantry.count_posts(t); commit; end loop; end $$;

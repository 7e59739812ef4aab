-- tenantry: no transaction
-- What a page of posts is read by, newest first.  An attempt that was cut short leaves an invalid
-- index behind, so it goes first.

drop index concurrently if exists tenantry.posts_listing;

create index concurrently posts_listing on tenantry.posts (tenant_id, shown_at desc, id);

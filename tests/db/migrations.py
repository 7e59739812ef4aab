"""tenantry db migrate: once each, whoever calls it, and in nobody's way."""
import os, shutil, time

from cluster import MIGRATIONS, Traffic
from suite import edit, write

LIMIT = 1.0  # seconds that anybody may have to wait
BEFORE_API = "0007"  # databases of before the API had no more
NAMES = sorted(f[:-4] for f in os.listdir(MIGRATIONS) if f.endswith(".sql"))


class Folder:
    """A copy of the migrations with more behind them."""

    def __init__(self, top, name):
        self.path = os.path.join(top, "migrations-" + name)
        shutil.copytree(MIGRATIONS, self.path)

    def add(self, name, sql):
        write(os.path.join(self.path, name + ".sql"), sql)
        return self

    def remove(self, name):
        os.remove(os.path.join(self.path, name + ".sql"))
        return self


def migrate(c, name, folder, user=None):
    return c.db("migrate", "--database", c.url(name, user), migrations=folder.path)


def ledger(c, name):
    return c.sql("select string_agg(substr(name, 1, 4), ' ' order by name) from tenantry.migrations", name)


def test_many_at_once(s, c, top):
    name = c.make("many")
    deployers = [c.start_migrate(name, MIGRATIONS) for _ in range(8)]
    said = [p.communicate()[0] for p in deployers]
    s.equal([p.returncode for p in deployers], [0] * 8, "eight deployers at once") or print("".join(said))
    s.equal(sorted(x.split("(")[0].strip() for x in said).count(f"applied {len(NAMES)} migrations"), 1, "one of them applies")
    s.equal(ledger(c, name), " ".join(n[:4] for n in NAMES), "each is applied once")
    s.equal(c.sql("select count(*) from pg_index where not indisvalid", name), "0", "and whole")
    names = [c.make(f"many{i}") for i in range(3)]
    deployers = [c.start_migrate(n, MIGRATIONS) for n in names]
    said = [p.communicate()[0] for p in deployers]
    s.equal([p.returncode for p in deployers], [0] * 3, "three databases of one server at once") or print("".join(said))


def test_refusals(s, c, top):
    name, f = c.make("refused", "tenantry"), Folder(top, "refused")
    s.equal(migrate(c, name, f), (0, f"the schema is up to date ({len(NAMES)} migrations)\n"), "nothing to do")
    edit(os.path.join(f.path, "0003_content.sql"), "-- What members write", "-- What members have written")
    code, text = migrate(c, name, f)
    s.ok(code == 1 and "0003_content.sql: error: was changed after it was applied" in text, "a changed one is refused by name", text)
    f = Folder(top, "removed").remove("0005_work")
    code, text = migrate(c, name, f)
    s.ok(code == 1 and "0005_work" in text and "older than the database" in text, "so is one that is gone", text)
    last, new = NAMES[-1][:4], f"{int(NAMES[-1][:4]) + 1:04}"
    f = Folder(top, "early").remove(NAMES[-1]).add(f"{new}_x", "select 1;")
    early = c.make("early")
    migrate(c, early, f)
    f.add(f"{last}_late", "select 1;")
    code, text = migrate(c, early, f)
    s.ok(code == 1 and f"{last}_late.sql: error: comes before {new}_x" in text, "one that comes too late", text)
    f = Folder(top, "twins").add(f"{last}_other", "select 1;").add("8_x", "select 1;")
    code, text = migrate(c, name, f)
    s.ok(code == 1 and "has the number of" in text and "8_x.sql: error: is not called like a migration" in text,
         "two of one number, and a bad name", text)
    code, text = c.db("migrate", "--database", c.url(name), migrations=os.path.join(top, "nowhere"))
    s.ok(code in (1, 3) and "nowhere" in text, "a folder that is not there", text)


def test_bad(s, c, top):
    name, f = c.make("bad", "tenantry"), Folder(top, "bad")
    f.add("9008_good", "create table tenantry.good ();").add("9009_bad", "create table tenantry.half ();\n\nselect é from nowhere;\n")
    f.add("9010_never", "create table tenantry.never ();")
    code, text = migrate(c, name, f)
    s.ok(code == 1 and '9009_bad.sql:3:16: error: relation "nowhere" does not exist; was rolled back' in text, "a bad one is named with its line", text)
    s.equal(c.sql("select string_agg(relname, ' ') from pg_class where relname in ('good', 'half', 'never')", name), "good",
            "it leaves nothing behind, and the next does not run")
    s.equal(ledger(c, name)[-4:], "9008", "what was applied before stays")
    f.add("9009_bad", "create table tenantry.half ();")
    s.equal(migrate(c, name, f), (0, "applied 2 migrations\n"), "repaired, it goes on")
    f.add("9011_ends", "create table tenantry.ends (); commit; select 1;")
    code, text = migrate(c, name, f)
    s.ok(code == 1 and "9011_ends.sql: error: ends its transaction itself" in text, "one that commits by itself", text)
    f.add("9011_ends", "create table if not exists tenantry.ends ();")
    f.add("9012_alone", "-- tenantry: no transaction\ncreate index concurrently alone on tenantry.posts (tenant_id, title);\n"
                        "create index concurrently alone on tenantry.posts (tenant_id, title);\n")
    code, text = migrate(c, name, f)
    s.ok(code == 1 and '9012_alone.sql: error: relation "alone" already exists; what it did before stays' in text,
         "one without a transaction that fails", text)
    f.add("9012_alone", "-- tenantry: no transaction\ndrop index concurrently if exists tenantry.alone;\n\n"
                        "create index concurrently alone\n    on tenantry.posts (tenant_id, title);\n")
    s.equal(migrate(c, name, f), (0, "applied 1 migration\n"), "repaired, it is done again from its beginning")
    f.add("9013_by_migrator", "set local role tenantry_owner; alter table tenantry.posts add column mood text;")
    s.equal(migrate(c, name, f, "tenantry_migrator"), (0, "applied 1 migration\n"), "the migrator needs no more rights than it has")


def test_deployer(s, c, top):
    """Where nobody is a superuser, as with a hosted database."""
    c.sql("create role deployer login createrole", "postgres")
    c.sql("drop database if exists hosted", "postgres")
    c.sql("create database hosted owner deployer", "postgres")
    c.sql("grant tenantry_owner, tenantry_directory to deployer", "postgres")
    code, text = c.db("migrate", "--database", c.url("hosted", "deployer"))
    s.ok(code == 0 and f"applied {len(NAMES)}" in text, "a deployer who is no superuser", text)
    s.equal(c.sql("select count(*) from pg_class where relnamespace = 'tenantry'::regnamespace and relkind = 'r' "
                  "and relowner <> 'tenantry_owner'::regrole", "hosted"), "0", "owns nothing in the end")


def test_waiting(s, c, top):
    """Somebody holds a lock; who comes after must not queue behind the migration."""
    name, f = c.make("waiting", "tenantry"), Folder(top, "waiting")
    f.add("9008_column", "alter table tenantry.posts add column extra_column text;")
    holder = c.session(name)
    holder.ask("begin; select count(*) from tenantry.posts")
    traffic = Traffic(c, name, "select count(*) from tenantry.posts")
    deployer = c.start_migrate(name, f.path)
    time.sleep(2)
    s.ok(deployer.poll() is None, "it waits for a lock")
    holder.ask("commit")
    text = deployer.communicate()[0]
    traffic.stop()
    s.equal((deployer.returncode, text), (0, "applied 1 migration\n"), "and gets it")
    s.ok(traffic.slowest < LIMIT and not traffic.errors, f"meanwhile nobody waited long ({traffic.slowest:.2f} s)", traffic.errors)
    holder.close()


def test_holding(s, c, top):
    name, f = c.make("holding", "tenantry"), Folder(top, "holding")
    f.add("9008_slow", "alter table tenantry.posts add column slow text; select pg_sleep(20);")
    traffic = Traffic(c, name, "select count(*) from tenantry.posts")
    code, text = migrate(c, name, f)
    traffic.stop()
    s.ok(code == 1 and "9008_slow.sql: error: would hold its locks for more than 0.9 s" in text, "one that holds too long is stopped", text)
    s.ok(traffic.slowest < LIMIT + 0.2 and traffic.count > 10, f"before it is felt ({traffic.slowest:.2f} s)")
    s.equal(c.sql("select count(*) from pg_attribute where attname = 'slow'", name), "0", "and undone")


def fill(c, name, tenants, posts):
    c.sql(f"""insert into tenantry.tenants (slug, name, status)
            select 'many-' || n, 'Many ' || n, 'active' from generate_series(1, {tenants}) n;
        insert into tenantry.posts (tenant_id, slug, title, content, status, published_at)
            select t.id, 'post-' || n, 'Post ' || n, repeat('text ', 20), 'PUBLISHED', now() - n * interval '1 minute'
            from tenantry.tenants t, generate_series(1, {posts}) n where t.slug like 'many-%'""", name)


def test_upgrade(s, c, top, full):
    tenants, posts = (1000, 1000) if full else (100, 200)
    name, f = c.make("large", "tenantry"), Folder(top, "large")
    fill(c, name, tenants, posts)
    f.add("9008_by_title", "-- tenantry: no transaction\ndrop index concurrently if exists tenantry.posts_by_title;\n\n"
                           "create index concurrently posts_by_title on tenantry.posts (tenant_id, title);\n")
    f.add("9009_mood", "set local role tenantry_owner;\nalter table tenantry.posts add column mood text not null default 'fine';\n")
    f.add("9010_notes", "set local role tenantry_owner;\ncreate table tenantry.notes (tenant_id uuid not null references tenantry.tenants,\n"
                        "    id uuid not null default gen_random_uuid(), post_id uuid not null, primary key (tenant_id, id),\n"
                        "    foreign key (tenant_id, post_id) references tenantry.posts on delete cascade);\n")
    traffic = Traffic(c, name,
                      "select count(*) from tenantry.posts where tenant_id = (select id from tenantry.tenants where slug = 'many-7')",
                      "update tenantry.posts set title = title || '' where slug = 'post-3' and tenant_id = "
                      "(select id from tenantry.tenants where slug = 'many-9')",
                      "insert into tenantry.posts (tenant_id, slug, title) select id, gen_random_uuid(), 'x' "
                      "from tenantry.tenants where slug = 'many-8'")
    deployers = [c.start_migrate(name, f.path) for _ in range(3)]
    said = [p.communicate()[0] for p in deployers]
    traffic.stop()
    s.ok(sorted(said)[0] == "applied 3 migrations\n" and not any(p.returncode for p in deployers),
         f"upgrading {tenants * posts:,} posts while they are used", said)
    s.ok(traffic.slowest < LIMIT and not traffic.errors,
         f"nobody waits longer than a second ({traffic.count} commands, the slowest {traffic.slowest * 1000:.0f} ms)", traffic.errors[:3])
    s.equal(c.sql("select count(*) from pg_index where not indisvalid", name), "0", "the index is whole")
    print(f"upgrade of {tenants * posts:,} posts: {traffic.count} commands meanwhile, the slowest {traffic.slowest * 1000:.0f} ms")


def fill_work(c, name, comments):
    """Members everywhere; in one tenant `comments` for each post, and reactions."""
    c.sql(f"""insert into tenantry.users (email) select 'u' || n || '@example.com' from generate_series(1, 50) n;
        insert into tenantry.memberships (tenant_id, user_id)
            select t.id, u.id from tenantry.tenants t, tenantry.users u where t.slug like 'many-%';
        insert into tenantry.subscriptions (tenant_id, user_id, plan_key, stripe_subscription_id, stripe_customer_id)
            select tenant_id, user_id, 'x', 'sub_' || user_id, 'cus' from tenantry.memberships;
        insert into tenantry.comments (tenant_id, post_id, content) select p.tenant_id, p.id, 'x'
            from tenantry.posts p, generate_series(1, {comments}) n where p.tenant_id = tenantry.tenant_id('many-7');
        insert into tenantry.comments (tenant_id, post_id, content) select p.tenant_id, p.id, 'x'
            from tenantry.posts p where p.slug = 'post-1';
        insert into tenantry.reactions (tenant_id, post_id, user_id) select p.tenant_id, p.id, u.id
            from tenantry.posts p, tenantry.users u where p.tenant_id = tenantry.tenant_id('many-7')""", name)


def test_grown(s, c, top, full):
    """The migrations since the API, on a database of before that is used meanwhile."""
    tenants, posts, comments = (1000, 1000, 300) if full else (100, 200, 50)
    name, before, now = c.make("grown"), Folder(top, "before"), Folder(top, "now")
    for n in NAMES:
        if n[:4] > BEFORE_API:
            before.remove(n)
    migrate(c, name, before)
    fill(c, name, tenants, posts)
    fill_work(c, name, comments)
    of = "(select id from tenantry.tenants where slug = '{}')".format
    one = f"(select id from tenantry.posts where tenant_id = {of('many-7')} and slug = 'post-2')"
    traffic = Traffic(c, name,
                      f"select count(*) from tenantry.posts where tenant_id = {of('many-8')}",
                      f"update tenantry.posts set title = title || '' where slug = 'post-3' and tenant_id = {of('many-9')}",
                      f"insert into tenantry.comments (tenant_id, post_id, content) values ({of('many-7')}, {one}, 'new')",
                      f"delete from tenantry.comments where tenant_id = {of('many-7')} and id = (select id from tenantry.comments "
                      f"where tenant_id = {of('many-7')} and content = 'x' limit 1)",
                      f"update tenantry.reactions set created_at = now() where tenant_id = {of('many-7')} and post_id = {one}",
                      f"update tenantry.subscriptions set status = 'active' where tenant_id = {of('many-8')}",
                      f"select count(*) from tenantry.sessions s join tenantry.memberships m using (tenant_id, user_id) "
                      f"where s.tenant_id = {of('many-8')}")
    began = time.monotonic()
    code, text = migrate(c, name, now)
    seconds = time.monotonic() - began
    traffic.stop()
    s.ok(code == 0, f"from {BEFORE_API} to {NAMES[-1][:4]} with {tenants * posts:,} posts in use", text)
    s.ok(traffic.slowest < LIMIT and not traffic.errors,
         f"nobody waits longer than a second ({traffic.count} commands, the slowest {traffic.slowest * 1000:.0f} ms)", traffic.errors[:3])
    s.equal(c.sql("""select count(*) from tenantry.posts p left join (
            select tenant_id, post_id, count(*) filter (where kind = 'c') as comments, count(*) filter (where kind = 'r') as reactions from (
                select tenant_id, post_id, 'c' as kind from tenantry.comments where status = 'VISIBLE'
                union all select tenant_id, post_id, 'r' from tenantry.reactions) x group by 1, 2) x
            on x.tenant_id = p.tenant_id and x.post_id = p.id where coalesce(x.comments, 0) <> p.comment_count
            or coalesce(x.reactions, 0) <> p.reaction_count""", name), "0", "and every count is right")
    s.equal(c.sql("select count(*) from pg_index where not indisvalid", name), "0", "every index is whole")
    print(f"{BEFORE_API} to {NAMES[-1][:4]} with {tenants * posts:,} posts: {seconds:.1f} s, {traffic.count} commands meanwhile, "
          f"the slowest {traffic.slowest * 1000:.0f} ms")


def test(s, c, top, full):
    for check in (test_many_at_once, test_refusals, test_bad, test_deployer, test_waiting, test_holding):
        check(s, c, top)
    test_upgrade(s, c, top, full)
    test_grown(s, c, top, full)

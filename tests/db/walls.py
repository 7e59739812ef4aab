"""No query shows one tenant's row to another: the catalogue, the probe, keys as oracles, functions, roles."""
import re, time

LONG = True
FAULTS = {
    "a bare table": "create table tenantry.bare (tenant_id uuid not null, id uuid not null)",
    "a table without a tenant": "create table tenantry.bare (id uuid primary key)",
    "row-level security switched off": "alter table tenantry.comments disable row level security",
    "not forced": "alter table tenantry.comments no force row level security",
    "no policy": "drop policy tenant on tenantry.comments",
    "a policy for reading only": "drop policy tenant on tenantry.comments; create policy tenant on tenantry.comments for select "
        "using (tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid)",
    "a policy that lets everything through": "create policy open on tenantry.comments using (true)",
    "a policy beside the wall for one role": "create policy open on tenantry.posts for select to tenantry_web using (status = 'PUBLISHED')",
    "a setting that may be empty": "drop policy tenant on tenantry.comments; create policy tenant on tenantry.comments "
        "using (tenant_id = current_setting('app.current_tenant_id')::uuid)",
    "an index that does not begin with the tenant": "alter table tenantry.usage drop constraint usage_pkey; "
        "create index on tenantry.usage (metric, tenant_id)",
    "a unique key across tenants": "create unique index on tenantry.projects (name, id)",
    "a foreign key across tenants": "create unique index on tenantry.posts (id); alter table tenantry.projects add post_id uuid references tenantry.posts (id)",
    "a foreign key without an index": "alter table tenantry.projects add post_id uuid, add foreign key (tenant_id, post_id) references tenantry.posts",
    "a definer function without search_path": "create function tenantry.leak() returns bigint language sql security definer as "
        "'select count(*) from tenantry.posts'; alter function tenantry.leak owner to tenantry_owner; "
        "revoke execute on function tenantry.leak from public",
    "a definer function of a superuser": "create function tenantry.leak() returns bigint language sql security definer "
        "set search_path = tenantry, pg_temp as 'select count(*) from posts'; revoke execute on function tenantry.leak from public",
    "a function for everybody": "create function tenantry.leak() returns int language sql set search_path = tenantry, pg_temp as 'select 1'",
    "a directory function for requests": "grant execute on function tenantry.user_find(text) to tenantry_web",
    "a door for members": "grant execute on function tenantry.account_find(text, boolean, text) to tenantry_member",
    "an owner's function for requests": "grant execute on function tenantry.session_open(uuid, text, text, interval) to tenantry_web",
    "a view with its owner's eyes": "create view tenantry.all_posts as select * from tenantry.posts",
    "the one that may, saying more": "create or replace view tenantry.posts_turn with (security_barrier) as"
        " select 1::numeric as seconds, slug from tenantry.posts",
    "a materialized view": "create materialized view tenantry.all_posts as select * from tenantry.posts",
    "a right for everybody": "grant select on tenantry.posts to public",
    "a right to truncate": "grant truncate on tenantry.posts to tenantry_admin",
    "a right to make oneself owner": "grant update (role) on tenantry.memberships to tenantry_admin",
    "a right to what was paid": "grant update on tenantry.subscriptions to tenantry_member",
    "a right to secrets": "grant select on tenantry.api_keys to tenantry_admin",
    "a role above the wall": "alter role tenantry_web bypassrls",
    "a way to the directory": "grant tenantry_directory to tenantry_api",
    "signup_tenant that changes": "drop trigger users_write_once on tenantry.users",
}
LEAKS = {
    "a bare table": "create table tenantry.bare (tenant_id uuid not null, id uuid not null); "
        "insert into tenantry.bare select id, id from tenantry.tenants; grant select on tenantry.bare to tenantry_web",
    "row-level security switched off": "alter table tenantry.comments disable row level security",
    "not forced": "alter table tenantry.comments no force row level security",
    "a policy that lets everything through": "create policy open on tenantry.comments using (true)",
    "a view with its owner's eyes": "create view tenantry.all_posts as select * from tenantry.posts; grant select on tenantry.all_posts to tenantry_web",
}
# A function that looks, tells or touches beyond the wall, and one that asks whose things are not there.
SPIES = {
    "one that acts for whoever is above the wall": ("TELLS", "alter function tenantry.identity_of_session(text, interval) owner to {me}"),
    "one that touches what it is named": ("TOUCHES", "create function tenantry.forget(person uuid) returns bigint language sql security definer "
        "set search_path = tenantry, pg_temp as 'with x as (delete from sessions s where s.user_id = person returning 1) "
        "select count(*) from x'; grant execute on function tenantry.forget(uuid) to tenantry_web"),
    "one that tells whose a name is": ("TELLS", "create function tenantry.knows(slug text) returns boolean language sql security definer "
        "set search_path = tenantry, pg_temp as 'select exists (select from tenants t where t.slug = knows.slug)'; "
        "alter function tenantry.knows(text) owner to tenantry_directory; grant execute on function tenantry.knows(text) to tenantry_member"),
    "a wall that is gone": ("TELLS", "alter table tenantry.api_keys disable row level security"),
    "a wall that lets whoever is nobody in": ("WITHOUT", "alter policy tenant on tenantry.sessions using (tenant_id = coalesce("
        "nullif(current_setting('app.current_tenant_id', true), '')::uuid, tenant_id))"),
}
ENTER = "select set_config('app.current_tenant_id', md5('tenant/{}')::uuid::text, true), " \
        "set_config('app.current_user_id', md5('user/{}')::uuid::text, true) \\g /dev/null\n"


def catalogue(c, name):
    said = c.file(name, "catalogue.sql")
    return re.findall(r"^ok \d+ - (.*)", said, re.M), re.findall(r"^not ok \d+ - (.*)", said, re.M), said


def undo_roles(c):
    c.sql("alter role tenantry_web nobypassrls; revoke tenantry_directory from tenantry_api", "postgres")


def test_catalogue(s, c):
    if not c.sql("select 1 from pg_available_extensions where name = 'pgtap'"):
        s.skip("the catalogue", "pgTAP is not installed (package pgtap)")
        return
    c.sql("create extension pgtap with schema public", "walled")
    good, bad, said = catalogue(c, "walled")
    for what in good:
        s.ok(True, what)
    s.ok(not bad and len(good) > 40, "the catalogue is as it should be", said)
    for fault, sql in FAULTS.items():
        try:
            # The catalogue is looked at in the transaction of the fault, and both are undone.
            with open(__file__.replace("walls.py", "catalogue.sql")) as f:
                test = f.read().replace("begin;\n", f"begin;\n{sql};\n", 1)
            said = c.sql("set client_min_messages = warning;" + test, "walled")
            s.ok("\nnot ok" in "\n" + said, f"the catalogue notices {fault}")
        except AssertionError as e:
            s.ok(False, f"the catalogue notices {fault}", e)


def test_probe(s, c):
    said = c.file("walled", "probe.sql")
    attempts = re.search(r"attempts (\d+), ran (\d+), foreign rows (\d+)", said)
    s.ok(attempts and int(attempts[1]) > 4900 and int(attempts[2]) > 1000 and attempts[3] == "0", "the probe finds no foreign row", said)
    s.ok("LEAK" not in said and "NOT BY" not in said, "and no door but the wall's", said)
    s.ok(int(re.search(r"SEES (\d+)", said)[1]) >= 25, "it could see what is there", said)
    print(f"probe: {attempts[0]}")
    for fault, sql in LEAKS.items():
        name = c.make("leaking", "walled")
        c.sql(sql, name)
        s.ok("LEAK" in c.file(name, "probe.sql"), f"the probe notices {fault}")


def test_functions(s, c):
    said = c.file("walled", "functions.sql")
    calls = re.search(r"calls (\d+) of (\d+) functions", said)
    s.ok(calls and int(calls[2]) >= 58 and not re.search("TELLS|TOUCHES|WITHOUT", said),
         "no function tells, or touches, what is another tenant's", said)
    s.ok(int(re.search(r"SEES (\d+)", said)[1]) >= 22, "with one's own they do what they are for", said)
    print(f"functions: {calls and calls[0]}")
    for fault, (word, sql) in SPIES.items():
        name = c.make("spied", "walled")
        c.sql(sql.format(me=c.sql("select quote_ident(current_user)", name)), name)
        s.ok(f"\n{word} " in c.file(name, "functions.sql"), f"they notice {fault}")


def test_farewell(s, c):
    """Whoever deletes a tenant deletes all of it, and nothing else."""
    def rows(name, of):
        tables = c.sql("select relname from pg_class where relnamespace = 'tenantry'::regnamespace and relkind = 'r' "
                       "and relname not in ('users', 'migrations') order by 1", name).split()
        parts = (f"select '{t}', count(*) from tenantry.{t} x where x.{'id' if t == 'tenants' else 'tenant_id'} = md5('tenant/{of}')::uuid"
                 for t in tables)
        return dict(line.split("|") for line in c.sql(" union all ".join(parts), name).split("\n"))
    name = c.make("farewell", "walled")
    before, others = rows(name, "alpha"), rows(name, "beta")
    s.equal([t for t, n in before.items() if n == "0"], [], "the fixture has a row for every table")
    c.sql("delete from tenantry.tenants where slug = 'alpha'", name)
    # That it is gone is what a change is kept for.
    s.equal({t: n for t, n in rows(name, "alpha").items() if n != "0"}, {"tenant_changes": "1"}, "a tenant goes with all it had")
    s.equal(rows(name, "beta"), others, "and nobody else's")
    s.equal(c.sql("select count(*) from tenantry.users", name), "2", "people stay")


def test_oracles(s, c):
    """Whether another tenant has a row must not show in how a command fails."""
    def attempt(sql):
        said = c.sql("begin; set local role tenantry_owner;" + ENTER.format("alpha", "alpha") + sql + "; rollback", "walled", check=False)
        said = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "<id>", said)
        return "\n".join(line for line in said.splitlines() if "LOCATION" not in line)
    beta, none = "md5('tenant/beta')::uuid", "md5('nothing')::uuid"
    references = {
        "comments.post_id": "insert into tenantry.comments (tenant_id, post_id, content) values (md5('tenant/alpha')::uuid, {}, 'x')",
        "posts.space_id": "update tenantry.posts set space_id = {}",
        "posts.author_id": "update tenantry.posts set author_id = {}".replace("tenant/", "user/"),
        "subscriptions.plan_id": "update tenantry.subscriptions set plan_id = {}",
        "campaigns.segment_id": "update tenantry.campaigns set audience = 'segment', segment_id = {}",
        "webhook_deliveries.webhook_id": "update tenantry.webhook_deliveries set webhook_id = {}",
        "reactions.post_id": "update tenantry.reactions set post_id = {}",
    }
    for what, sql in references.items():
        theirs, nobodys = attempt(sql.format(beta)), attempt(sql.format(none))
        s.ok(theirs == nobodys and "23503" in theirs, f"{what} does not tell another's id from none", f"{theirs}\n---\n{nobodys}")
    taken = {
        "posts.slug": "insert into tenantry.posts (tenant_id, slug) values (md5('tenant/alpha')::uuid, 'only-beta')",
        "posts.id": f"insert into tenantry.posts (tenant_id, id, slug) values (md5('tenant/alpha')::uuid, {beta}, 'mine')",
        "invitations.email": "insert into tenantry.invitations (tenant_id, email, token_hash) values "
                             "(md5('tenant/alpha')::uuid, 'beta-only@example.com', sha256('beta'))",
        "webhook_events": "insert into tenantry.webhook_events (tenant_id, event_id, type) values (md5('tenant/alpha')::uuid, 'evt_beta', 'x')",
        "plans.stripe_price_id": "update tenantry.plans set stripe_price_id = 'price_beta'",
    }
    c.sql("insert into tenantry.posts (tenant_id, slug) values (md5('tenant/beta')::uuid, 'only-beta');"
          "insert into tenantry.invitations (tenant_id, email, token_hash) values "
          "(md5('tenant/beta')::uuid, 'beta-only@example.com', sha256('x'))", "walled")
    for what, sql in taken.items():
        s.equal(attempt(sql).strip(), "", f"{what} may be the same in two tenants")
    said = attempt(f"delete from tenantry.tenants where id = {beta}; update tenantry.tenants set id = {beta}")
    s.ok("23505" not in said, "a tenant's id is not found out by taking it", said)


def test_api(s, c):
    """As the API connects: it is nobody until it says who it acts for."""
    def ask(sql, user="tenantry_api"):
        return c.sql(sql, "walled", user, check=False).strip()
    s.ok("42501" in ask("select * from tenantry.posts"), "tenantry_api itself reads nothing")
    enter = "begin; set local role tenantry_web;" + ENTER.format("alpha", "alpha")
    s.equal(ask(enter + "select count(*) from tenantry.posts; commit"), "1", "tenantry_web reads its tenant's posts")
    s.equal(ask("begin; set local role tenantry_web; select count(*) from tenantry.posts; commit"), "0", "and none without a tenant")
    s.equal(ask(enter + "commit; begin; set local role tenantry_web; select count(*) from tenantry.posts; commit"), "0",
            "and none in the next transaction")
    s.ok("42501" in ask(enter + "set local row_security = off; select count(*) from tenantry.posts"), "without the wall there is an error, not a row")
    for role in ("tenantry_owner", "tenantry_directory", "tenantry_migrator", "postgres"):
        s.ok("42501" in ask(f"set role {role}"), f"it cannot become {role}")
    s.ok("42501" in ask(enter + "select * from tenantry.tenant_list()"), "requests cannot list tenants")
    s.ok("42501" in ask(enter + "select tenantry.tenant_id('beta')"), "nor find another's id")
    s.equal(ask("select tenantry.tenant_id('beta') = md5('tenant/beta')::uuid"), "t", "the API can")
    s.ok("42501" in ask(enter + "create table tenantry.mine ()"), "requests make nothing")
    s.ok("25006" in ask("begin; set local role tenantry_builder; select 1", "tenantry_builder") or
         "25006" in ask("create temporary table x ()", "tenantry_builder"), "the build's transactions are read-only")
    # What a caller puts into its own search_path must not be what a function finds.
    trap = "create temporary table tenants (id uuid, slug text, status text); insert into tenants values (md5('trap')::uuid, 'beta', 'x');"
    s.equal(ask("set search_path = pg_temp, tenantry;" + trap + "select tenantry.tenant_id('beta') = md5('tenant/beta')::uuid"), "t",
            "a table of the caller's does not stand in for ours")


def test_members(s, c):
    def ask(role, who, sql):
        return c.sql(f"begin; set local role tenantry_{role};" + ENTER.format("alpha", who) + sql + "; rollback", "walled", "tenantry_api",
                     check=False).strip()
    me = "md5('user/alpha')::uuid"
    new = "insert into tenantry.comments (tenant_id, post_id, author_id, content) values (md5('tenant/alpha')::uuid, " \
          "md5('tenant/alpha')::uuid, {}, 'x')"
    s.equal(ask("member", "alpha", new.format(me)), "", "a member comments")
    s.ok("42501" in ask("member", "other", new.format(me)), "but not in another's name")
    s.equal(ask("member", "other", "with x as (delete from tenantry.comments returning 1) select count(*) from x"), "0",
            "nor deletes what another wrote")
    s.equal(ask("member", "other", "select count(*) from tenantry.subscriptions"), "0", "nor sees what another pays")
    s.ok("42501" in ask("member", "alpha", "update tenantry.memberships set role = 'owner'"), "nobody makes themself owner")
    s.ok("42501" in ask("admin", "alpha", "update tenantry.memberships set role = 'owner'"), "not even an admin")
    c.sql(f"update tenantry.memberships set role = 'owner' where user_id = {me}", "walled")
    s.equal(ask("admin", "alpha", "with x as (delete from tenantry.memberships returning 1) select count(*) from x"), "0",
            "an owner is not thrown out")
    s.ok("42501" in ask("member", "alpha", "update tenantry.subscriptions set status = 'active'"), "nobody subscribes for free")
    s.ok("42501" in ask("web", "alpha", "select email from tenantry.users"), "the public sees no address")
    for column in ("last_login_at", "created_at", "signup_tenant", "disabled_at"):
        s.ok("42501" in ask("admin", "alpha", f"select {column} from tenantry.users"), f"an admin does not see {column}, which is of all tenants")


def test_published(s, c):
    post = "insert into tenantry.posts (tenant_id, slug, title, status, publish_at, visibility, expires_at) values " \
           "(md5('tenant/alpha')::uuid, '{}', 'x', '{}', {}, '{}', {});"
    rows = [("a-draft", "DRAFT", "null", "PUBLIC", "null"), ("b-archived", "ARCHIVED", "null", "PUBLIC", "null"),
            ("c-later", "SCHEDULED", "now() + interval '1 day'", "PUBLIC", "null"), ("d-due", "SCHEDULED", "now() - interval '1 day'", "PUBLIC", "null"),
            ("e-members", "PUBLISHED", "null", "MEMBERS", "null"), ("f-over", "PUBLISHED", "null", "PUBLIC", "now() - interval '1 day'")]
    c.sql("".join(post.format(*r) for r in rows), "walled")
    def seen(role):
        return c.sql(f"begin; set local role tenantry_{role};" + ENTER.format("alpha", "nobody") +
                     "select string_agg(slug, ' ' order by slug) from tenantry.posts; rollback", "walled")
    s.equal(seen("web"), "d-due hello", "the public sees what is published")
    s.equal(seen("builder"), "c-later d-due f-over hello", "the build sees what is or will be")
    s.equal(seen("member"), "d-due e-members f-over hello", "a member what is for members, too")
    c.sql("update tenantry.spaces set visibility = 'PAID' where tenant_id = md5('tenant/alpha')::uuid", "walled")
    s.equal(seen("web"), "d-due", "posts follow their space")
    s.ok("23514" in c.sql(post.format("g", "SCHEDULED", "null", "PUBLIC", "null"), "walled", check=False), "what is scheduled has a time")
    s.ok(c.sql("select published_at is not null from tenantry.posts where slug = 'e-members'", "walled") == "t", "what is published has a date")


def test_turn(s, c):
    """The view that sees scheduled posts tells of the tenant's own."""
    def turn(setting):
        return c.sql("begin; set local role tenantry_web;" + (f"set local app.current_tenant_id = '{setting}';" if setting is not None else "")
                     + "select round(seconds / 100) from tenantry.posts_turn", "walled", "tenantry_api", check=False)
    alpha, beta = (c.sql(f"select md5('tenant/{x}')::uuid", "walled") for x in ("alpha", "beta"))
    change = f"update tenantry.posts set {{}} where slug = 'hello' and tenant_id = '{beta}'"
    before = turn(alpha)
    c.sql(change.format("status = 'SCHEDULED', publish_at = now() + interval '1000 s'"), "walled")
    said = [turn(x).strip() for x in (beta, "", None, "garbage")]
    s.equal(said[:3], ["10", "", ""], "when one appears")
    s.ok("22P02" in said[3], "garbage is refused", said[3])
    c.sql(change.format("status = 'PUBLISHED', expires_at = now() + interval '500 s'"), "walled")
    s.equal(turn(beta).strip(), "5", "when one goes")
    s.equal(turn(alpha), before, "another tenant's is another's")
    c.sql(change.format("expires_at = null"), "walled")


def test_notify(s, c):
    def heard(sql):
        said = c.sql(f"listen tenantry; {sql};", "walled", check=False)
        return sorted(re.findall(r'notification "tenantry" with payload "(\w+)"', said))
    s.equal(heard("insert into tenantry.posts (tenant_id, slug) select md5('tenant/alpha')::uuid, 'n-' || n from generate_series(1, 5000) n"),
            ["alpha"], "five thousand posts of one tenant wake once")
    s.equal(heard("update tenantry.posts set title = 'y'"), ["alpha", "beta"], "one statement wakes each tenant it touched")
    s.equal(heard("update tenantry.posts set title = 'y' where false"), [], "and nobody when it touched nothing")
    s.equal(heard("delete from tenantry.posts where slug like 'n-%'"), ["alpha"], "deleting wakes")
    s.equal(heard("update tenantry.plans set price = 6 where tenant_id = md5('tenant/beta')::uuid"), ["beta"], "plans wake")
    s.equal(heard("update tenantry.promotions set headline = 'x' where tenant_id = md5('tenant/beta')::uuid"), ["beta"], "promotions wake")
    s.equal(heard("update tenantry.tenants set name = 'x' where slug = 'beta'"), ["beta"], "tenants wake")
    s.equal(heard("insert into tenantry.comments (tenant_id, post_id, content) select tenant_id, id, 'x' from tenantry.posts where slug = 'hello'"),
            [], "what is only counted does not")
    s.equal(c.sql("select string_agg(distinct comment_count::text, ' ') from tenantry.posts where slug = 'hello'", "walled"), "2", "but it is counted")
    names = "select string_agg(author_name, ' ' order by author_name) from tenantry.posts where slug = 'hello'"
    c.sql("insert into tenantry.memberships (tenant_id, user_id) values (md5('tenant/beta')::uuid, md5('user/alpha')::uuid);"
          "update tenantry.posts set author_id = md5('user/alpha')::uuid where slug = 'hello'", "walled")
    s.equal(heard("update tenantry.users set name = 'Renamed' where email = 'alpha@example.com'"), ["alpha", "beta"],
            "an author's new name wakes each tenant that shows it")
    s.equal(c.sql(names, "walled"), "Renamed Renamed", "it is on the posts")
    s.equal(heard("update tenantry.users set last_login_at = now() where email = 'alpha@example.com'"), [], "what else is known of them does not")
    c.sql("delete from tenantry.memberships where tenant_id = md5('tenant/beta')::uuid and user_id = md5('user/alpha')::uuid", "walled")
    s.equal(c.sql(names, "walled"), "Renamed", "who is gone is not named")
    s.equal(heard("begin; insert into tenantry.posts (tenant_id, slug) values (md5('tenant/alpha')::uuid, 'zz'); rollback"), [], "what is undone does not")
    said = c.sql("listen tenantry; begin; set local role tenantry_admin;" + ENTER.format("alpha", "alpha") +
                 "update tenantry.posts set title = 'z' where slug = 'hello'; commit;", "walled", "tenantry_api", check=False)
    s.ok('payload "alpha"' in said, "a request's change wakes", said)


def test_kept(s, c):
    """What is kept with a post is true, whoever writes at the same time, and is not written for nothing."""
    alpha, author = "md5('tenant/alpha')::uuid", "md5('user/alpha')::uuid"
    add = f"insert into tenantry.posts (tenant_id, id, author_id, slug, status) values ({alpha}, md5('{{0}}')::uuid, {author}, '{{0}}', 'PUBLISHED')"
    rename = f"update tenantry.users set name = '{{}}' where id = {author}"
    name = "select string_agg(distinct author_name, ' ') from tenantry.posts where slug ~ '^kept' and author_id is not null"
    a, b = c.session("walled"), c.session("walled")
    for new, first, then in (("Former", rename.format("Former"), add.format("kept-a")), ("Latter", add.format("kept-b"), rename.format("Latter"))):
        a.ask("begin; " + first)
        b.tell(then)
        time.sleep(0.3)
        a.ask("commit")
        b.ask("select 1")
        s.equal(c.sql(name, "walled"), new, f"a post and its author's new name at once: {new}")
    a.close()
    b.close()
    def row(slug):
        return c.sql(f"select comment_count, ctid from tenantry.posts where slug = '{slug}'", "walled").split("|")
    comment = "insert into tenantry.comments (tenant_id, id, post_id, content, status) values "
    c.sql(comment + ", ".join(f"({alpha}, md5('kept {n}')::uuid, md5('kept-{p}')::uuid, 'kept', '{w}')" for n, p, w in
                              ((1, "a", "VISIBLE"), (2, "a", "HIDDEN"), (3, "b", "VISIBLE"), (4, "b", "VISIBLE"))), "walled")
    before = row("kept-a"), row("kept-b")
    s.equal([x[0] for x in before], ["1", "2"], "visible comments are counted")
    c.sql("update tenantry.comments set content = 'new' where content = 'kept'", "walled")
    s.equal((row("kept-a"), row("kept-b")), before, "a comment's new text writes no post")
    c.sql("update tenantry.comments set status = case status when 'VISIBLE' then 'HIDDEN' else 'VISIBLE' end::tenantry.comment_status, "
          "post_id = case id when md5('kept 3')::uuid then md5('kept-a')::uuid else post_id end where content = 'new'", "walled")
    s.equal([row("kept-a")[0], row("kept-b")[0]], ["1", "0"], "shown, hidden and moved at once: counted by what is different")
    c.sql("update tenantry.comments set status = 'VISIBLE', post_id = md5('kept-b')::uuid where content = 'new'", "walled")
    s.equal([row("kept-a")[0], row("kept-b")[0]], ["0", "4"], "and once more")
    react = f"insert into tenantry.reactions (tenant_id, post_id, user_id, kind) values ({alpha}, md5('kept-{{}}')::uuid, {author}, '{{}}');"
    c.sql("".join(react.format(*x) for x in ("aa", "ab", "ba")) + "update tenantry.reactions set post_id = md5('kept-b')::uuid where kind = 'b'; "
          "delete from tenantry.reactions where kind = 'a' and post_id = md5('kept-a')::uuid", "walled")
    s.equal(c.sql("select string_agg(reaction_count::text, ' ' order by slug) from tenantry.posts where slug ~ '^kept'", "walled"), "0 2", "reactions, too")
    c.sql("delete from tenantry.posts where slug ~ '^kept'", "walled")


def test_spaces(s, c):
    """What a post keeps of its space is true, and what is only kept changes no post."""
    alpha = "md5('tenant/alpha')::uuid"
    c.sql(f"insert into tenantry.spaces (tenant_id, id, slug, name, visibility) values ({alpha}, md5('space a')::uuid, 'room', 'Room', 'PUBLIC'), "
          f"({alpha}, md5('space b')::uuid, 'den', 'Den', 'MEMBERS');"
          f"insert into tenantry.posts (tenant_id, id, space_id, slug, status) select {alpha}, md5(p)::uuid, md5('space ' || right(p, 1))::uuid, p, 'PUBLISHED' "
          "from unnest(array['in-a', 'in-b']) p", "walled")

    def change(sql):
        c.sql(sql, "walled")
        return c.sql("select string_agg(concat_ws('/', coalesce(space_slug, '-'), visibility), ' ' order by slug) from tenantry.posts where slug ~ '^in-[ab]'", "walled")
    space = "update tenantry.spaces set {} where id = md5('space {}')::uuid"
    stamp = "select updated_at from tenantry.posts where slug = 'in-a'"
    s.equal(change("select 1"), "room/PUBLIC -/MEMBERS", "a post has the name of a space that the public sees")
    before = c.sql(stamp, "walled")
    for what, of, want in (("slug = 'hall'", "a", "hall/PUBLIC -/MEMBERS"), ("archived_at = now()", "a", "-/PUBLIC -/MEMBERS"),
                          ("archived_at = null", "a", "hall/PUBLIC -/MEMBERS"), ("name = 'X', slug = 'attic'", "b", "hall/PUBLIC -/MEMBERS"),
                          ("visibility = 'PUBLIC'", "b", "hall/PUBLIC attic/PUBLIC"), ("visibility = 'PAID', slug = 'vault'", "b", "hall/PUBLIC -/PAID")):
        s.equal(change(space.format(what, of)), want, f"space {of}: {what}")
    s.equal(c.sql(stamp, "walled"), before, "a space's name, or its end, is no change of its posts")
    s.equal(change("update tenantry.posts set space_id = md5('space a')::uuid where slug = 'in-b'"), "hall/PUBLIC hall/PUBLIC", "moved to another space")
    s.equal(change("update tenantry.posts set space_id = null where slug = 'in-b'"), "hall/PUBLIC -/PUBLIC", "and out of it")
    c.sql("update tenantry.posts set space_id = md5('space a')::uuid where slug = 'in-b'", "walled")
    a, b = c.session("walled"), c.session("walled")
    add = f"insert into tenantry.posts (tenant_id, space_id, slug, status) values ({alpha}, md5('space a')::uuid, 'in-{{}}', 'PUBLISHED')"
    for first, then in ((space.format("visibility = 'MEMBERS'", "a"), add.format("c")), (add.format("d"), space.format("visibility = 'PUBLIC'", "a"))):
        a.ask("begin; " + first)
        b.tell(then)
        time.sleep(0.3)
        a.ask("commit")
        b.ask("select 1")
        said = c.sql("select string_agg(distinct concat_ws('/', coalesce(p.space_slug, '-'), p.visibility) || ' of ' || concat_ws('/', coalesce(s.shown_slug, '-'), "
                     "s.visibility), ', ') from tenantry.posts p join tenantry.spaces s on s.id = p.space_id where p.slug ~ '^in-'", "walled")
        s.ok(len(set(said.split(" of "))) == 1, f"a post and its space's change at once: {said}", said)
    a.close()
    b.close()
    c.sql("delete from tenantry.spaces where id in (md5('space a')::uuid, md5('space b')::uuid)", "walled")


def test(s, c, top, full):
    c.make("walled")
    code, text = c.db("migrate", "--database", c.url("walled"))
    s.ok(code == 0, "an empty database is migrated", text)
    c.file("walled", "fixture.sql")
    for check in (test_catalogue, test_probe, test_functions, test_farewell, test_oracles, test_api, test_members, test_published, test_turn, test_notify, test_kept,
                  test_spaces):
        check(s, c)

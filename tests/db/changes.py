"""tenants_changed: whoever keeps the snapshot of the last look misses no commit, and nobody waits for anybody."""
import random, threading, time

TENANT = "(select id from tenantry.tenants where slug = '{}')"


class Follower:
    """Looks now and then, as the role of the build."""

    def __init__(self, c, name):
        self.session = c.session(name)
        self.session.ask("set role tenantry_builder")
        self.since = self.session.ask("select pg_current_snapshot()")

    def look(self):
        told = self.session.ask(f"select pg_current_snapshot(), array(select tenantry.tenants_changed('{self.since}') order by 1)")
        self.since, slugs = told.split("|")
        return slugs.strip("{}").split(",") if slugs != "{}" else []


def post(tenant, slug):
    return f"insert into tenantry.posts (tenant_id, slug, title) values ({TENANT.format(tenant)}, '{slug}', 'x')"


def rows(c, name):
    return int(c.sql("select count(*) from tenantry.tenant_changes", name))


def test_what_counts(s, c, name):
    f = Follower(c, name)
    s.equal(f.look(), [], "nothing happened: nothing changed")
    of = TENANT.format("5ducks")
    cases = {
        "a post is made": post("5ducks", "a"),
        "changed": "update tenantry.posts set title = 'y' where slug = 'a'",
        "deleted": "delete from tenantry.posts where slug = 'a'",
        "a plan": f"update tenantry.plans set price = price + 1 where tenant_id = {of}",
        "a promotion": f"update tenantry.promotions set headline = 'y' where tenant_id = {of}",
        "the tenant": "update tenantry.tenants set name = 'y' where slug = '5ducks'",
        "a space": f"update tenantry.spaces set archived_at = archived_at where tenant_id = {of}",
        "a comment": f"update tenantry.comments set content = 'y' where tenant_id = {of}",
        "a reaction": f"delete from tenantry.reactions where tenant_id = {of}",
    }
    for what, sql in cases.items():
        c.sql(sql, name)
        s.equal(f.look(), ["5ducks"], f"told: {what}")
        s.equal(f.look(), [], f"once: {what}")
    c.sql("update tenantry.tenants set settings = '{}'", name)
    s.equal(f.look(), ["5ducks", "sendclaw", "tidewater"], "one statement for many tenants")
    c.sql("begin; " + post("5ducks", "b") + "; rollback", name)
    c.sql(f"update tenantry.memberships set last_active_at = now() where tenant_id = {of}", name)
    s.equal(f.look(), [], "what is undone, or of no site, is not")
    c.sql("insert into tenantry.tenants (slug, name) values ('passing', 'P')", name)
    s.equal(f.look(), ["passing"], "a tenant that comes")
    c.sql(post("passing", "z"), name)
    f.look()
    c.sql("delete from tenantry.tenants where slug = 'passing'", name)
    s.equal(f.look(), ["passing"], "and one that goes, with all it had")
    c.sql("begin; savepoint a; " + post("5ducks", "s1") + "; rollback to a; " + post("5ducks", "s2") + "; commit", name)
    s.equal(f.look(), ["5ducks"], "half of it undone")
    f.session.close()


def test_late(s, c, name):
    """A transaction that began first and commits last, with a look before, between and after."""
    f, early, late = Follower(c, name), c.session(name), c.session(name)
    late.ask("begin; " + post("5ducks", "late"))
    early.ask(post("5ducks", "early"))
    s.equal(f.look(), ["5ducks"], "the one that committed")
    early.ask(post("5ducks", "early2"))
    late.ask("commit")
    s.equal(f.look(), ["5ducks"], "both of them")
    late.ask("begin; " + post("5ducks", "late2"))
    early.ask(post("5ducks", "early3"))
    f.look()
    late.ask("commit")
    s.equal(f.look(), ["5ducks"], "the late one alone")
    began = time.monotonic()
    late.ask("begin; " + post("5ducks", "held") + "; " + post("sendclaw", "held"))
    early.ask("begin; " + post("sendclaw", "other") + "; " + post("5ducks", "other"))
    early.ask("commit")
    s.ok(time.monotonic() - began < 1, "an open transaction of the same tenants keeps nobody waiting")
    late.ask("commit")
    said = late.ask("begin isolation level repeatable read; select 1")
    early.ask(post("5ducks", "meanwhile"))
    said = late.ask(post("5ducks", "repeatable") + "; commit")
    s.ok("ERROR" not in said, "repeatable read does not fail over it", said)
    s.equal(f.look(), ["5ducks", "sendclaw"], "all of it is told")
    for x in (early, late, f.session):
        x.close()


def test_bounded(s, c, name):
    for i in range(30):
        c.sql(post("5ducks", f"bounded-{i}"), name)
    c.sql("begin; " + ";".join(post("5ducks", f"many-{i}") for i in range(200)) + "; commit", name)
    s.ok(rows(c, name) <= 8, "rows do not add up", rows(c, name))
    c.sql("insert into tenantry.tenant_changes (tenant_id, slug, xid) select id, slug, '9000000000000' from tenantry.tenants", name)
    f = Follower(c, name)
    s.equal(f.look(), [], "a dump's row from another server's future is no change")
    f.session.close()


def storm(s, c, name, seconds):
    """Writers that commit in every order; a follower that re-reads what it is told about must end with the truth."""
    going, tenants = True, ["5ducks", "sendclaw", "tidewater"]
    count = f"select count(*), max(updated_at) from tenantry.posts where tenant_id = {TENANT}"
    errors = []

    def write(seed):
        rng, session = random.Random(seed), c.session(name)
        n = 0
        while going:
            n += 1
            some = rng.sample(tenants, rng.randint(1, 3))
            sql = "begin; " + ";".join(post(t, f"storm-{seed}-{n}") for t in some)
            if rng.random() < 0.4:
                sql += f"; select pg_sleep({rng.random() * 0.05}) \\g /dev/null\n"
            said = session.ask(sql + (";" if not sql.endswith("\n") else "") + rng.choice(["commit", "commit", "rollback"]))
            if "ERROR" in said or "deadlock" in said:
                errors.append(said)
        session.close()

    f = Follower(c, name)
    known = {t: f.session.ask("reset role; " + count.format(t)) for t in tenants}
    f.session.ask("set role tenantry_builder")
    threads = [threading.Thread(target=write, args=(i,)) for i in range(6)]
    for t in threads:
        t.start()
    end, looks = time.monotonic() + seconds, 0
    reader = c.session(name)
    while time.monotonic() < end:
        looks += 1
        for t in f.look():
            known[t] = reader.ask(count.format(t))
    going = False
    for t in threads:
        t.join()
    for t in f.look():
        known[t] = reader.ask(count.format(t))
    truth = {t: reader.ask(count.format(t)) for t in tenants}
    reader.close()
    f.session.close()
    s.equal(errors[:1], [], "nobody failed or waited in a circle")
    return known == truth, looks


def test_storm(s, c, name, full):
    good, looks = storm(s, c, name, 20 if full else 3)
    s.ok(good and looks > 20, "six writers in every order: nothing was missed", looks)
    s.ok(rows(c, name) <= 40, "and rows did not add up", rows(c, name))


def test_fault(s, c, name):
    """What looks as good: the highest number seen so far.  The tests above must notice."""
    fault = c.make("faulty", name)
    c.sql("""create or replace function tenantry.tenants_changed(since pg_snapshot) returns setof text
        language sql stable security definer set search_path = tenantry, pg_temp as $$
        select distinct c.slug from tenantry.tenant_changes c where c.xid >= pg_snapshot_xmax(since) $$""", fault)
    f, early, late = Follower(c, fault), c.session(fault), c.session(fault)
    late.ask("begin; " + post("5ducks", "late9"))
    early.ask(post("5ducks", "early9"))
    f.look()
    late.ask("commit")
    s.equal(f.look(), [], "comparing with the highest number would miss a late commit")
    for x in (early, late, f.session):
        x.close()


def test(s, c, top, full):
    name = c.make("changes", "tenantry")
    c.db("seed", "--plans", "--database", c.url(name))
    for part in (test_what_counts, test_late, test_bounded):
        part(s, c, name)
    test_storm(s, c, name, full)
    test_fault(s, c, name)

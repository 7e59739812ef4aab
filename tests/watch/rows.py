"""Rows: every committed change, whoever is told of it."""
import os, random, subprocess

from common import HOSTS, SLUGS, blog, follow, page, post, rebuilt, same_as_fresh, tenant
from suite import clean_env, snapshot


def test_post(s, c, w):
    others = {h: snapshot(os.path.join(c.workspace, "out", h), inodes=True) for h in ("sendclaw.com", "tidewater.press")}
    c.sql(post("5ducks", "followed"))
    v = w.next(tenant="5ducks")
    if not s.ok(v and v["ok"], "a committed post is published", w.errors):
        return
    s.ok(blog(c, "5ducks", "followed"), "its page is there when its line is")
    urls = v["sites"][0]["changed_urls"]
    s.ok("/blog/followed/" in urls and "/blog/" in urls and v["reason"] == "its rows changed" and v["milliseconds"] > 0,
         "the line tells addresses, reason and time", v)
    c.sql("update tenantry.posts set title = 'Another' where slug = 'followed'")
    v = w.next(tenant="5ducks")
    s.ok(v and "Another" in blog(c, "5ducks", "followed"), "a changed one")
    c.sql("delete from tenantry.posts where slug = 'followed'")
    v = w.next(tenant="5ducks")
    s.ok(v and "/blog/followed/" in v["sites"][0]["removed_urls"] and not blog(c, "5ducks", "followed"), "a deleted one", v)
    s.equal(rebuilt(w.quiet(1)), [], "once each")
    now = {h: snapshot(os.path.join(c.workspace, "out", h), inodes=True) for h in others}
    s.equal(now, others, "nobody else's tree was touched")


def test_kinds(s, c, w):
    cases = [("a plan", f"update tenantry.plans set price = price + 1 where tenant_id = {tenant('5ducks')}"),
             ("a promotion", f"update tenantry.promotions set headline = 'Anew' where tenant_id = {tenant('5ducks')}"),
             ("the tenant", f"update tenantry.tenants set name = name where slug = '5ducks'")]
    for what, sql in cases:
        c.sql(sql)
        v = w.next(tenant="5ducks")
        s.ok(v and v["ok"], f"{what} changes: it is made anew")
    c.sql(f"insert into tenantry.comments (tenant_id, post_id, content) select tenant_id, id, 'x' from tenantry.posts "
          f"where slug = 'the-sixth-lead'")
    s.ok(w.next(tenant="5ducks", seconds=9) and "Comments: 3" in blog(c, "5ducks", "the-sixth-lead"),
         "a comment wakes nobody, and is found all the same")
    c.sql("begin; " + post("5ducks", "undone") + "; rollback")
    s.equal(rebuilt(w.quiet(1)), [], "what is undone is nothing")


def test_spoofed(s, c, w):
    for payload in ("", "5ducks", "../../etc", "nobody", "x" * 7000, "\\x00", "5ducks\nsendclaw", "é"):
        c.sql("select pg_notify('tenantry', '%s')" % payload)
    c.sql("select count(pg_notify('tenantry', 'garbage ' || n)) from generate_series(1, 20000) n")
    s.equal(rebuilt(w.quiet(1)), [], "what anybody may send makes nothing anew")
    c.sql("insert into tenantry.tenants (slug, name) values ('folderless', 'F')")
    c.sql("delete from tenantry.tenants where slug = 'folderless'")
    s.equal(rebuilt(w.quiet(1)), [], "rows of a tenant without a folder neither")
    c.sql(post("5ducks", "after-spoofs"))
    s.ok(w.next(tenant="5ducks"), "and it still follows")


def test_bad_row(s, c, w):
    before = snapshot(os.path.join(c.workspace, "out", "fiveducks.ai"))
    c.sql(post("5ducks", "bad", title="null"))
    said = w.next("diagnostic", level="error")
    s.ok(said and "posts of 5ducks" in said["file"] and "title" in said["message"], "a bad row is named", said)
    v = w.next(tenant="5ducks")
    s.ok(v and not v["ok"] and v["errors"] == 1, "and its tenant is not published", v)
    s.equal(snapshot(os.path.join(c.workspace, "out", "fiveducks.ai")), before, "it keeps the site it has")
    c.sql("update tenantry.posts set description = 'still bad' where slug = 'bad'")
    s.equal([v["type"] for v in w.quiet(1)], [], "it is said once")
    c.sql(post("sendclaw", "while-others-fail"))
    s.ok(w.next(tenant="sendclaw", ok=True), "the others go on")
    c.sql("update tenantry.posts set title = 'Good now' where slug = 'bad'")
    v = w.next(tenant="5ducks", ok=True)
    s.ok(v and "Good now" in (blog(c, "5ducks", "bad") or ""), "repaired, it is published")
    c.sql("update tenantry.posts set title = null where slug = 'bad'")
    s.ok(w.next("diagnostic", level="error") and w.next(tenant="5ducks", ok=False), "broken again, it is said again")
    c.sql("delete from tenantry.posts where slug = 'bad'")
    s.ok(w.next(tenant="5ducks", ok=True), "and so is its end")


def test_burst(s, c, w, full):
    n = 10000 if full else 2000
    c.sql("begin; " + ";".join(f"insert into tenantry.posts (tenant_id, slug, title, content, status, published_at) select "
          f"{tenant(t)}, 'burst-' || n, 'Burst', '<p>x</p>', case when n <= 30 then 'PUBLISHED' else 'DRAFT' end::tenantry.post_status, "
          f"'2026-04-01' from generate_series(1, {n // 3}) n" for t in SLUGS) + "; commit")
    got = rebuilt(w.quiet(2))
    s.ok(all(1 <= got.count(t) <= 2 for t in SLUGS), f"{n} rows at once: each tenant is made once or twice", got)
    s.ok(page(c, "tidewater", "blog/burst-7/index.html"), "and all of it is there")
    c.sql("delete from tenantry.posts where slug like 'burst-%'")
    w.quiet(2)


def test_storm(s, c, w, full):
    """Random changes as fast as they go; the end is what a build from nothing would be."""
    rng = random.Random(7)
    for i in range(300 if full else 40):
        t, n = rng.choice(SLUGS), rng.randint(1, 6)
        sql = rng.choice([
            post(t, f"storm-{n}") + " on conflict do nothing",
            f"update tenantry.posts set title = 'Storm {i}', status = 'PUBLISHED' where slug = 'storm-{n}'",
            f"update tenantry.posts set status = 'ARCHIVED' where slug = 'storm-{n}'",
            f"delete from tenantry.posts where slug = 'storm-{n}'",
            f"update tenantry.plans set price = {i} where tenant_id = {tenant(t)} and position = 0"])
        c.sql(sql)
    s.ok(all(v.get("ok", True) for v in w.quiet(2)), "nothing fails in a storm")
    same_as_fresh(s, c, "after a storm the sites are those of a build from nothing")
    c.sql("delete from tenantry.posts where slug like 'storm-%'")


def test_human(s, c):
    p = subprocess.Popen([c.program.path, "build", "--watch", "-C", c.workspace, "--database", c.url(), "--tenant", "5ducks"],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=clean_env())
    lines = iter(p.stdout.readline, "")
    s.ok(any(line.startswith("following 1 tenant ") for line in lines), "it says when it follows")
    c.sql(post("sendclaw", "not-asked-for"))
    c.sql(post("5ducks", "for-people"))
    line = next(lines)
    s.ok(line.startswith("5ducks: ") and " changed" in line and " ms (its rows changed): /" in line, "one line for people", line)
    p.terminate()
    s.equal((p.wait(20), p.stdout.read()), (0, ""), "and nothing of a tenant that was not asked for")
    c.sql("delete from tenantry.posts where slug in ('not-asked-for', 'for-people', 'after-spoofs')")


def test(s, c, top, full):
    w = follow(c)
    try:
        if not s.ok(w.ready, "it builds, and stays", w.errors):
            return
        same_as_fresh(s, c, "the first build is as any other")
        for part in (test_post, test_kinds, test_spoofed, test_bad_row):
            part(s, c, w)
        test_burst(s, c, w, full)
        test_storm(s, c, w, full)
        w.quiet(1)
    finally:
        s.equal(w.end(), 0, "it ends")
    test_human(s, c)

"""The clock: nothing changes but the time."""
import os, time

from common import blog, follow, page, post, rebuilt, tenant
from suite import write


def in_seconds(n):
    """A moment as SQL and as front matter, a whole second that many from now."""
    at = int(time.time()) + n
    return at, f"to_timestamp({at})", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


def lateness(w, at, slug="5ducks"):
    """Seconds after the moment that the tenant was made for it; None: never."""
    v = w.next(tenant=slug, reason="a date was reached", seconds=at - time.time() + 4)
    return time.time() - at if v else None


def on_time(s, w, at, what):
    late = lateness(w, at)
    return s.ok(late is not None and 0 <= late < 1.5, f"{what} at its second", late)


def test_posts(s, c, w):
    at, sql, text = in_seconds(4)
    c.sql(post("5ducks", "due", status="'SCHEDULED'", publish_at=sql, published_at="null"))
    w.next(tenant="5ducks")
    s.equal(blog(c, "5ducks", "due"), None, "a scheduled post is not there yet")
    on_time(s, w, at, "a scheduled post appears")
    s.ok(blog(c, "5ducks", "due"), "its page is there")
    at, sql, text = in_seconds(3)
    c.sql(f"update tenantry.posts set expires_at = {sql} + interval '0.4 s' where slug = 'due'")
    w.next(tenant="5ducks")
    on_time(s, w, at + 1, "one that expires goes")
    s.equal(blog(c, "5ducks", "due"), None, "its page is gone")
    c.sql("delete from tenantry.posts where slug = 'due'")
    w.quiet(1)


def test_promotion(s, c, w):
    begin, sql, text = in_seconds(3)
    end, sql2, text = in_seconds(6)
    c.sql(f"update tenantry.promotions set starts_at = {sql}, ends_at = {sql2}, active = true, headline = 'Short' "
          f"where tenant_id = {tenant('5ducks')}")
    w.next(tenant="5ducks")
    s.ok("Short" not in page(c, "5ducks", "pricing/index.html"), "a promotion has not begun")
    on_time(s, w, begin, "it begins")
    s.ok("Short" in page(c, "5ducks", "pricing/index.html"), "it runs")
    on_time(s, w, end, "it ends")
    s.ok("Short" not in page(c, "5ducks", "pricing/index.html"), "it is over")


def test_file(s, c, w):
    at, sql, text = in_seconds(4)
    path = os.path.join(c.workspace, "content/5ducks/posts/due-file.md")
    write(path, f"---\ntitle: Due\ndate: 2026-05-01\npublish: {text}\n---\n\nText.\n")
    w.next(tenant="5ducks", reason="its files changed")
    s.equal(blog(c, "5ducks", "due-file"), None, "a file of the future is not there yet")
    on_time(s, w, at, "a file's post appears")
    s.ok(blog(c, "5ducks", "due-file"), "its page is there")
    os.remove(path)
    w.next(tenant="5ducks")


def test_start(s, c):
    """What was due in the meantime, and what will be, when it starts."""
    past, sql, text = in_seconds(-5)
    at, sql2, text = in_seconds(6)
    c.sql(post("5ducks", "was-due", status="'SCHEDULED'", publish_at=sql, published_at="null"))
    c.sql(post("5ducks", "will-be", status="'SCHEDULED'", publish_at=sql2, published_at="null"))
    w = follow(c)
    s.ok(blog(c, "5ducks", "was-due") and not blog(c, "5ducks", "will-be"), "what is due when it starts")
    on_time(s, w, at, "what the first build left out appears")
    s.ok(blog(c, "5ducks", "will-be"), "its page is there")
    s.equal(rebuilt(w.quiet(2)), [], "once")
    w.end()
    c.sql("delete from tenantry.posts where slug in ('was-due', 'will-be')")


def test(s, c, top, full):
    w = follow(c)
    try:
        for part in (test_posts, test_promotion, test_file):
            part(s, c, w)
    finally:
        w.end()
    test_start(s, c)

"""The server: connections that are cut, a restart, one that stops answering."""
import threading, time

from common import SLUGS, blog, follow, post, same_as_fresh


def backends(c, pattern):
    return c.sql(f"select pid from pg_stat_activity where query ~* '{pattern}' and pid <> pg_backend_pid()").split()


def test_cut(s, c, w):
    """Whoever listens is cut off, and the change is committed before it is back."""
    for i in range(5):
        pid = backends(c, "^listen|^$") or ["0"]
        c.sql("select pg_terminate_backend(pid) from pg_stat_activity where backend_type = 'client backend' "
              f"and pid <> pg_backend_pid(); {post('5ducks', f'cut-{i}')}")
        end = time.monotonic() + 5
        while not blog(c, "5ducks", f"cut-{i}") and time.monotonic() < end:
            time.sleep(0.02)
        s.ok(blog(c, "5ducks", f"cut-{i}"), f"cut off and changed, {i}", w.said[-3:])
    w.quiet(2)
    c.sql("delete from tenantry.posts where slug like 'cut-%'")
    w.next(tenant="5ducks")


def test_restart(s, c, w):
    c.db("stop")
    s.ok(w.next("diagnostic", level="warning"), "that the server is gone is said")
    time.sleep(2)
    s.equal([v["type"] for v in w.quiet(0.5) if v["type"] == "rebuild"], [], "nothing is made without it")
    c.db("start")
    back = time.monotonic()
    c.sql(post("sendclaw", "after-restart"))
    end = back + 8
    while not blog(c, "sendclaw", "after-restart") and time.monotonic() < end:
        time.sleep(0.01)
    took = time.monotonic() - back
    s.ok(took < 2, f"caught up within two seconds of its return ({took:.2f} s)", w.said[-4:])
    w.quiet(1)
    c.sql("delete from tenantry.posts where slug = 'after-restart'")
    w.next(tenant="sendclaw")


def test_stopped(s, c, w):
    """A server that answers no more, and then does: what was committed just before is not lost."""
    c.sql(post("tidewater", "before-stop"))
    with c.paused():
        s.ok(w.next("diagnostic", seconds=10, level="warning"), "a server that does not answer is noticed")
    back = time.monotonic()
    c.sql(post("tidewater", "after-stop"))
    while not blog(c, "tidewater", "after-stop") and time.monotonic() < back + 10:
        time.sleep(0.01)
    took = time.monotonic() - back
    s.ok(took < 2, f"and followed again within two seconds ({took:.2f} s)", w.said[-4:])
    s.ok(blog(c, "tidewater", "before-stop"), "what came before is there")
    w.quiet(1)
    c.sql("delete from tenantry.posts where slug in ('before-stop', 'after-stop')")


def test_chaos(s, c, w, full):
    """Connections are cut at random while rows change; in the end all is right."""
    going = True

    def cut():
        while going:
            c.sql("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'postgres' and "
                  "backend_type = 'client backend' and pid <> pg_backend_pid() and application_name = 'tenantry'", "postgres")
            time.sleep(0.13)

    t = threading.Thread(target=cut)
    t.start()
    for i in range(200 if full else 30):
        c.sql(post(SLUGS[i % 3], f"chaos-{i}"))
    going = False
    t.join()
    end = time.monotonic() + 20
    while time.monotonic() < end and w.quiet(3):
        pass
    same_as_fresh(s, c, "cut off at random: nothing was missed")
    c.sql("delete from tenantry.posts where slug like 'chaos-%'")
    w.quiet(2)


def test(s, c, top, full):
    w = follow(c)
    try:
        for part in (test_cut, test_restart, test_stopped):
            part(s, c, w)
        test_chaos(s, c, w, full)
        s.equal(w.p.poll(), None, "it lived through it all")
    finally:
        s.equal(w.end(), 0, "it ends")

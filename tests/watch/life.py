"""Beginning, end, and who else is there."""
import os, random, signal, subprocess, time

from common import HOSTS, SLUGS, blog, follow, post, same_as_fresh
from suite import clean_env, snapshot, stages, trees


def run(c, *args, env=None, command="build"):
    p = subprocess.run([c.program.path, command, "-C", c.workspace, *args], capture_output=True, text=True,
                       env=env or clean_env(), timeout=60)
    return p.returncode, p.stderr + p.stdout


def test_usage(s, c):
    url = c.url()
    for args, env, want, code in [
            ((), None, "--watch follows a database", 2),
            (("--database", url, "--clock", "2026-01-01"), None, "leave out --clock", 2),
            (("--database", url), clean_env(SOURCE_DATE_EPOCH="1780000000"), "leave out SOURCE_DATE_EPOCH", 2),
            (("--database", url, "--strict"), None, "--strict publishes everything or nothing", 2),
            (("--database", url, "--stale"), None, "--stale does without the database", 2),
            (("--database", "postgresql:///x?host=/nonexistent"), None, "does not answer", 3),
            (("--database", c.url("template1")), None, "db migrate", 3)]:
        got, text = run(c, "--watch", *args, env=env)
        s.ok(got == code and want in text, f"refused: {want}", text)
    s.equal(run(c, "--watch", command="check")[0], 2, "check does not watch")


def test_locked(s, c):
    w = follow(c)
    before = trees(os.path.join(c.workspace, "out"))
    for what, args, command in (("a build", (), "build"), ("clean", (), "clean"),
                                ("a second one", ("--watch", "--database", c.url()), "build")):
        code, text = run(c, *args, command=command)
        s.ok(code == 3 and f"(process {w.pid}) keeps it up to date" in text, f"{what} in the same folder is told so", text)
    s.equal(trees(os.path.join(c.workspace, "out")), before, "and touches nothing")
    c.sql(post("5ducks", "locked"))
    s.ok(w.next(tenant="5ducks", ok=True), "it goes on")
    s.equal(w.end(signal.SIGINT), 0, "SIGINT ends it")
    code, text = run(c, "--database", c.url())
    s.equal(code, 0, "then a build may")
    c.sql("delete from tenantry.posts where slug = 'locked'")


def test_reader(s, c, top):
    """Whoever reads the folder under its lock gets the lock, and keeps it from changing."""
    import fcntl
    w = follow(c)
    with open(os.path.join(c.workspace, "out/.tenantry/lock")) as f:
        fcntl.flock(f, fcntl.LOCK_SH | fcntl.LOCK_NB)
        c.sql(post("5ducks", "read-locked"))
        s.equal(w.next(seconds=1), None, "while somebody reads nothing is published")
        fcntl.flock(f, fcntl.LOCK_UN)
    s.ok(w.next(tenant="5ducks", ok=True), "afterwards it is")
    w.end()
    c.sql("delete from tenantry.posts where slug = 'read-locked'")


def test_workers(s, c):
    w = follow(c)
    for i in range(5):
        for pid in w.workers():
            os.kill(pid, signal.SIGKILL)
        c.sql(post("5ducks", f"killed-{i}"))
        end = time.monotonic() + 8
        while not blog(c, "5ducks", f"killed-{i}") and time.monotonic() < end:
            time.sleep(0.01)
        s.ok(blog(c, "5ducks", f"killed-{i}"), "killed workers are replaced", w.said[-2:])
    w.quiet(1)
    s.equal(stages(os.path.join(c.workspace, "out")), [], "no stage stays behind")
    c.sql("delete from tenantry.posts where slug like 'killed-%'")
    w.next(tenant="5ducks")
    w.end()


def test_end(s, c, full):
    """Ended at any moment: status 0, whole trees, no leftovers, and the next one begins."""
    rng = random.Random(3)
    codes, left = set(), []
    for i in range(20 if full else 4):
        w = follow(c)
        for t in SLUGS:
            c.sql(post(t, f"end-{i}"))
        time.sleep(rng.random() * 0.1)
        codes.add(w.end(rng.choice([signal.SIGTERM, signal.SIGINT])))
        left += stages(os.path.join(c.workspace, "out"))
    s.equal((codes, left), ({0}, []), "ended at any moment")
    w = follow(c)
    same_as_fresh(s, c, "and the next one finds all that was committed")
    for t in SLUGS:
        c.sql(f"delete from tenantry.posts where slug like 'end-%' and tenant_id = (select id from tenantry.tenants where slug = '{t}')")
    w.quiet(1)
    w.end(signal.SIGKILL)
    time.sleep(0.2)
    alive = subprocess.run(["pgrep", "-f", f"build --watch -C {c.workspace}"], capture_output=True, text=True).stdout.split()
    s.equal(alive, [], "killed, it takes its workers along")
    s.equal(run(c, "--database", c.url())[0], 0, "and the folder is free")


def test(s, c, top, full):
    test_usage(s, c)
    test_locked(s, c)
    test_reader(s, c, top)
    test_workers(s, c)
    test_end(s, c, full)

"""tenantry build --database when the database is not what it was: rows that change meanwhile, a connection that is lost,
--stale."""
import glob, hashlib, json, os, re, shutil, signal, stat, subprocess, time

import server
from pull import BLOG, Rows, page
from suite import CLOCK, clean_env, read, snapshot, write

NOWHERE = "postgresql://bob:h4nter2@/acme?host=/nonexistent"
WAITING = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and application_name = 'tenantry'"


def build(c, *args, clock=CLOCK, command="build"):
    """(exit code, what it said)"""
    p = subprocess.run(c.program.command(c.workspace, *args, clock=clock, command=command), env=clean_env(), capture_output=True,
                       text=True, timeout=240)
    return p.returncode, p.stderr + p.stdout


def out(c, *path):
    return os.path.join(c.workspace, "out", *path)


def rows(c, tenant=""):
    return out(c, ".tenantry/rows", tenant)


class Held:
    """A build whose workers wait for the posts, which a session has locked."""

    def __init__(self, c, db, *args, jobs=2):
        self.db, self.session = db, c.session(db.name)
        self.session.ask("begin; lock table tenantry.posts in access exclusive mode")
        self.p = subprocess.Popen(c.program.command(c.workspace, "--database", c.url(db.name), "--jobs", str(jobs), *args),
                                  env=clean_env(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        until = time.monotonic() + 20
        # Asked in another database: what is locked must not be touched.
        while c.sql(WAITING, "postgres") != str(jobs) and time.monotonic() < until:
            time.sleep(0.02)

    def end(self, commit=True):
        if commit:
            self.session.ask("commit")
        text = self.p.communicate(timeout=60)[0]
        self.session.close()
        return self.p.returncode, text


def test_one_moment(s, c, db):
    held = Held(c, db)
    held.session.ask("insert into tenantry.posts (tenant_id, slug, title, content, status) select id, 'meanwhile', 'Meanwhile', "
                     "'<p>x</p>', 'PUBLISHED' from tenantry.tenants; update tenantry.plans set price = 99.5 where key = 'duckling'")
    code, text = held.end()
    s.equal(code, 0, "a build into which rows are committed")
    found = glob.glob(out(c, "*", "blog/meanwhile"))
    s.equal(found, [], "no worker sees them")
    s.ok("$99.50" not in (page(c, "fiveducks.ai", "pricing/index.html") or ""), "nor the new price", text)
    build(c, "--database", db.url)
    s.equal(len(glob.glob(out(c, "*", "blog/meanwhile"))), 3, "the next build does, of every tenant")
    s.ok("$99.50" in page(c, "fiveducks.ai", "pricing/index.html"), "and the price")
    db.sql("delete from tenantry.posts where slug = 'meanwhile'; update tenantry.plans set price = 19 where key = 'duckling'")


def test_dropped(s, c, db):
    build(c, "--database", db.url)
    before = snapshot(out(c), inodes=True)
    kept = snapshot(rows(c), inodes=True)
    for who, which in (("every connection", "true"), ("the connection that holds the snapshot", "state = 'idle in transaction'")):
        held = Held(c, db, "--format", "json")
        c.sql("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'tenantry' and " + which, "postgres")
        code, text = held.end(commit=which != "true")
        if which == "true":
            s.equal(code, 3, f"{who} is dropped")
            errors = [json.loads(line)["message"] for line in text.splitlines() if '"error"' in line]
            s.ok(errors and all("terminating connection" in e or "snapshot" in e for e in errors) and len(errors) <= 3,
                 "which is said, and little else", text)
            s.equal(snapshot(out(c), inodes=True), before, "published sites are untouched")
            s.equal(snapshot(rows(c), inodes=True), kept, "and so are the rows that are kept")
        else:
            s.ok(code == 3 and "snapshot" in text, f"{who} is dropped", text)
    s.equal(build(c, "--database", db.url)[0], 0, "the next build is fine")


def test_killed(s, c, db):
    """Postgres dies while a build goes on: under its hands, and at some moment."""
    build(c, "--database", db.url)
    before = snapshot(out(c), inodes=True)
    held = Held(c, db)
    os.kill(server.pid(c), signal.SIGQUIT)
    code, text = held.end(commit=False)
    lines = [line for line in text.splitlines() if ": error: " in line or line.startswith("error: ")]
    s.ok(code == 3 and 1 <= len(lines) <= 3 and all("database" in line for line in lines), "Postgres dies: a clear line", text)
    s.equal(snapshot(out(c), inodes=True), before, "published sites are untouched")
    c.db("start")
    for delay in (0.02, 0.05, 0.08, 0.12):
        p = subprocess.Popen(c.program.command(c.workspace, "--database", db.url, "--jobs", "1"), env=clean_env(),
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        time.sleep(delay)
        os.kill(server.pid(c), signal.SIGQUIT)
        text = p.communicate(timeout=60)[0]
        s.ok(p.returncode in (0, 3), f"Postgres dies {delay} s into a build", text)
        s.equal(snapshot(out(c), inodes=True), before, "and nothing changes")
        c.db("start")


def test_usage(s, c, db):
    code, text = build(c, "--stale")
    s.ok(code == 2 and "DATABASE_URL" in text, "--stale without a URL", text)
    s.equal(build(c, "--stale", "--database", db.url, command="check")[0], 2, "check has no --stale")
    code, text = build(c, "--stale", "--database", "no such thing")
    s.ok(code == 3 and "not a connection string" in text, "what is no connection string has no rows", text)
    shutil.rmtree(rows(c))
    before = snapshot(out(c), inodes=True)
    code, text = build(c, "--stale", "--database", NOWHERE)
    s.ok(code == 3 and "no rows are kept" in text and "/nonexistent" in text and "h4nter2" not in text, "nothing is kept", text)
    s.equal(snapshot(out(c), inodes=True), before, "and nothing changes")


def test_stale(s, c, db):
    code, text = build(c, "--stale", "--database", db.url)
    s.ok(code == 0 and "does not answer" not in text, "--stale with a database that answers", text)
    s.equal((stat.S_IMODE(os.stat(rows(c)).st_mode), {stat.S_IMODE(os.stat(rows(c, t)).st_mode) for t in os.listdir(rows(c))}),
            (0o700, {0o600}), "only their owner may read the rows")
    s.equal(sorted(os.listdir(rows(c))), ["5ducks", "sendclaw", "tidewater"], "each tenant has its own")
    s.equal(os.listdir(out(c, ".tenantry/stage")), [], "nothing is left lying about")
    before = snapshot(out(c))
    code, text = build(c, "--database", NOWHERE)
    s.ok(code == 3 and "building from" not in text, "without --stale there is no answer", text)
    build(c)  # files alone: another site
    s.ok(snapshot(out(c)) != before, "of files alone the sites are others")
    for args, want in (((), 0), (("--strict",), 0), (("-q", "--jobs", "1"), 0)):
        code, text = build(c, "--stale", "--database", NOWHERE, *args)
        s.ok(code == want and re.search(r"the database does not answer \(.*/nonexistent.*\); building from rows of 20\S+Z, \d+ "
                                        r"(second|minute)s? old\n", text) and "h4nter2" not in text,
             f"the age of the rows is said {args}", text)
        s.equal(snapshot(out(c)), before, "the sites are those of the database")
    text = build(c, "--stale", "--database", NOWHERE, "--format", "json", "--explain")[1]
    told = [json.loads(line) for line in text.splitlines()]
    first = next(v for v in told if v["type"] == "stale")
    s.ok(0 <= first["seconds"] < 3600 and first["oldest"] == first["newest"] and "/nonexistent" in first["reason"], "in JSON", text)
    s.ok({v["reason"] for v in told if v["type"] == "reason"} == {"rows that are kept are read"}, "--explain knows", text)
    taken = read(rows(c, "5ducks"))
    build(c, "--stale", "--database", NOWHERE)
    s.equal(read(rows(c, "5ducks")), taken, "such a build does not make its rows younger")


def test_clock(s, c, db):
    hour = "'::timestamptz + interval '1 hour'"
    ids = [db.post("5ducks", "soon", status="'SCHEDULED'", publish_at=f"'{CLOCK}{hour}", published_at="null"),
           db.post("5ducks", "gone-soon", expires_at=f"'{CLOCK}{hour}"),
           db.post("5ducks", "gone", expires_at=f"'{CLOCK}'::timestamptz - interval '1 hour'"),
           db.post("5ducks", "never", status="'DRAFT'", published_at="null", content="'<p>draftcanary</p>'"),
           db.post("5ducks", "ever", expires_at="'infinity'")]
    db.sql("update tenantry.promotions set starts_at = '2026-06-01T13:00:00Z', ends_at = '2026-06-01T14:00:00Z'")
    build(c, "--database", db.url)

    def shown(*args, clock):
        code, text = build(c, *args, clock=clock)
        if code:
            return text
        return ([x for x in ("soon", "gone-soon", "gone", "never", "ever") if page(c, "fiveducks.ai", BLOG.format(x))] +
                ["promotion"] * ("A warm start" in page(c, "fiveducks.ai", "pricing/index.html")))

    for clock, want in (("2026-06-01T10:59:59Z", ["gone-soon", "gone", "ever"]), (CLOCK, ["gone-soon", "ever"]),
                        ("2026-06-01T13:00:00Z", ["soon", "ever", "promotion"]), ("2026-06-01T14:00:00Z", ["soon", "ever"])):
        s.equal(shown("--database", db.url, clock=clock), want, f"at {clock}, from the database")
        s.equal(shown("--stale", "--database", NOWHERE, clock=clock), want, f"at {clock}, from the rows that are kept")
    s.equal(shown("--stale", "--database", NOWHERE, "--drafts", clock=CLOCK), ["soon", "gone-soon", "ever"], "--drafts")
    s.ok(b"draftcanary" not in read(rows(c, "5ducks")), "a draft is not kept")
    for id in ids:
        db.drop(id)
    db.sql("update tenantry.promotions set starts_at = '2026-05-01', ends_at = '2027-01-01'")
    build(c, "--database", db.url)


def test_parts(s, c, db):
    """What is kept is what each tenant's site was made of."""
    time.sleep(1.1)  # ages count seconds
    db.sql("update tenantry.posts set title = 'Title two' where status = 'PUBLISHED'")
    other = read(rows(c, "sendclaw"))
    build(c, "--database", db.url, "--tenant", "5ducks")
    s.ok(b"Title two" in read(rows(c, "5ducks")) and read(rows(c, "sendclaw")) == other, "a build of one tenant keeps its rows")
    code, text = build(c, "--stale", "--database", NOWHERE)
    s.ok(code == 0 and re.search(r"rows of 20\S+Z to 20\S+Z, the oldest \d+ (second|minute)s? old", text), "two ages", text)
    s.ok("Title two" in page(c, "fiveducks.ai", "blog/index.html"), "the one tenant is new")
    build(c, "--database", db.url)
    bad = db.post("5ducks", "a/b")
    db.sql("update tenantry.posts set title = 'Title three' where status = 'PUBLISHED'")
    build(c, "--database", db.url)
    s.ok(b"Title two" in read(rows(c, "5ducks")) and b"Title three" in read(rows(c, "sendclaw")),
         "a tenant that is not published keeps the rows of its site")
    s.equal(build(c, "--stale", "--database", NOWHERE)[0], 0, "which build")
    s.ok("Title two" in page(c, "fiveducks.ai", "blog/index.html"), "as they did")
    db.drop(bad)
    before = snapshot(rows(c), inodes=True)
    build(c, "--database", db.url, command="check")
    s.equal(snapshot(rows(c), inodes=True), before, "check keeps none")
    build(c, "--database", db.url)
    write(rows(c, "former"), "x")
    build(c, "--database", db.url, "--tenant", "5ducks")
    s.ok(os.path.exists(rows(c, "former")), "a build of one tenant forgets nobody")
    build(c, "--database", db.url)
    s.ok(not os.path.exists(rows(c, "former")), "a whole build forgets the rows of a tenant that is gone")


def test_damaged(s, c, db):
    build(c, "--database", db.url)
    good, other, before = read(rows(c, "5ducks")), read(rows(c, "sendclaw")), snapshot(out(c), inodes=True)
    middle = len(good) // 2

    def sealed(bytes):
        return bytes + hashlib.sha256(bytes).digest()

    cases = [("a bit", good[:middle] + bytes([good[middle] ^ 1]) + good[middle + 1:], "damaged"),
             ("an end", good[:-1], "damaged"), ("nothing", b"", "damaged"),
             ("another tenant's rows", other, "damaged"),
             ("a record that is none", sealed(good[:-32] + b"\x77"), "damaged"),
             ("half a record", sealed(good[:middle]), "damaged"),
             ("another program", sealed(good[:20] + b"?" + good[21:-32]), "another version"),
             ("none", None, "no rows of this tenant")]
    for what, text, want in cases:
        os.remove(rows(c, "5ducks"))
        if text is not None:
            write(rows(c, "5ducks"), text)
        code, said = build(c, "--stale", "--database", NOWHERE)
        s.ok(code == 3 and ".tenantry/rows/5ducks: error: " in said and want in said, f"kept rows with {what}", said)
        s.equal(snapshot(out(c), inodes=True), before, "the site stays, the others are as they were")
        write(rows(c, "5ducks"), good)
    os.chmod(rows(c, "5ducks"), 0o600)
    s.equal(build(c, "--stale", "--database", NOWHERE)[0], 0, "the rows as they were")
    s.equal(snapshot(out(c), inodes=True), before, "nothing has changed")
    os.rename(rows(c), rows(c).rstrip("/") + ".away")
    write(rows(c).rstrip("/"), "in the way")
    code, said = build(c, "--database", db.url)
    s.ok(code == 0 and "cannot be kept" in said, "rows that cannot be kept are a warning", said)
    os.remove(rows(c).rstrip("/"))
    os.rename(rows(c).rstrip("/") + ".away", rows(c))


def test_library(s, c):
    said = subprocess.run(["ldd", c.program.path], capture_output=True, text=True).stdout
    s.ok("libc.so" in said and "libpq" not in said, "libpq is not loaded at the start", said)


def test(s, c, top, full):
    db = Rows(c)
    test_library(s, c)
    for part in (test_one_moment, test_dropped, test_killed, test_usage, test_stale, test_clock, test_parts, test_damaged):
        part(s, c, db)

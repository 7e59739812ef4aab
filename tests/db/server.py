"""tenantry db start, stop, url, status, seed."""
import json, os, re, shutil, signal, stat, subprocess, threading, time

from migrations import NAMES
from suite import clean_env, edit, read, write

COUNTS = """select string_agg(name || '=' || n, ' ' order by name) from (select c.relname as name,
    (xpath('/row/n/text()', query_to_xml(format('select count(*) as n from tenantry.%I', c.relname), false, true, '')))[1]::text
    as n from pg_class c where c.relnamespace = 'tenantry'::regnamespace and c.relkind = 'r') x"""
ROWS = """select md5(string_agg(x::text, ',' order by x::text)) from (select p.*::text as x from tenantry.posts p
    union all select p.*::text from tenantry.plans p union all select t.*::text from tenantry.tenants t
    union all select m.*::text from tenantry.memberships m) x"""


def bring_up(s, c):
    began = time.monotonic()
    code, text = c.db("start")
    if not s.ok(code == 0, "db start", text):
        return False
    s.ok("applied" in text and re.search(r"seeded 3 new tenants, 0 plans, \d+ posts", text), "it migrates and seeds", text)
    s.ok(time.monotonic() - began < 45, "and is there within a moment")
    c.connect()
    return True


def pid(c):
    return int(read(os.path.join(c.workspace, ".tenantry/postgres/postmaster.pid")).split()[0])


def test_privileges(s, c):
    s.equal(c.sql("select current_setting('listen_addresses')"), "", "it listens to no network")
    s.ok(os.stat(f"/proc/{pid(c)}").st_uid != 0, "it does not run as root")
    socket = c.sql("select current_setting('unix_socket_directories')")
    s.equal(stat.S_IMODE(os.stat(socket).st_mode), 0o700, "its socket is its user's")
    s.ok(len(socket) < 60, "and has a short path")
    s.equal(subprocess.run(["git", "status", "--porcelain"], cwd=c.workspace, capture_output=True, text=True,
                           env=clean_env()).stdout.count(".tenantry"), 0, "git does not see it")


def test_again(s, c):
    before = c.sql(COUNTS), c.sql(ROWS)
    code, text = c.db("start")
    s.ok(code == 0 and "running already" in text and "up to date" in text, "db start again", text)
    s.ok("seeded 0 new tenants, 0 plans, 0 posts" in text, "seeds nothing again", text)
    s.equal((c.sql(COUNTS), c.sql(ROWS)), before, "no row has changed")
    s.ok("posts=7" in before[0] and "tenants=3" in before[0], "the samples are in", before[0])


def test_stop(s, c):
    code, text = c.db("stop")
    s.ok(code == 0 and text == "stopped\n", "db stop", text)
    s.equal(c.db("stop"), (0, "it was not running\n"), "db stop again")
    code, text = c.db("status")
    s.ok(code == 3 and "tenantry db start" in text, "status without a server says how to have one", text)
    code, text = c.db("url")
    s.ok(code == 3 and "tenantry db start" in text, "url too", text)
    c.db("start")
    os.kill(pid(c), 9)
    time.sleep(0.2)
    s.equal(c.db("stop"), (0, "it was not running\n"), "db stop of one that was killed")
    both = [subprocess.Popen([c.program.path, "db", "start", "-C", c.workspace, "--migrations",
                              os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(__file__))), "db/migrations")],
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=clean_env()) for _ in range(3)]
    texts = [p.communicate()[0] for p in both]
    said = sorted(t.split(":")[0] for t in texts)
    s.ok(not any(p.returncode for p in both) and said == ["running already", "running already", "started"],
         "three starts at once start one server", "".join(texts))
    s.equal(c.sql("select count(*) from tenantry.posts"), "7", "the rows have stayed")


def test_ending(s, c):
    """One that still waits for its clients to go: the next begins when it has ended."""
    client = c.session()
    client.ask("select 1")
    old = pid(c)
    os.kill(old, signal.SIGTERM)  # "smart": nobody comes in, who is there may stay
    said = []
    start = threading.Thread(target=lambda: said.append(c.db("start")))
    start.start()
    time.sleep(1)
    s.ok(start.is_alive() and pid(c) == old, "db start waits for one that is ending", said)
    client.close()
    start.join()
    s.ok(said[0][0] == 0 and pid(c) != old, "and starts it anew", said)


def test_url(s, c):
    code, text = c.db("url")
    s.ok(code == 0 and text.startswith("postgresql:///tenantry?host=") and text.count("\n") == 1, "db url is a line", text)
    s.ok("user=tenantry_api" in c.db("url", "--user", "tenantry_api")[1], "db url --user")
    code, text = c.db("url", "--format", "json")
    s.equal(json.loads(text)["url"], c.base, "db url in JSON")
    s.equal(c.db("url", "--plans")[0], 2, "an option of another command")
    code, text = c.db("strat")
    s.ok(code == 2 and 'did you mean "start"?' in text, "a word that is none", text)
    s.equal(c.db("start", "now")[0], 2, "an argument too many")


def test_status(s, c):
    code, text = c.db("status")
    s.ok(code == 0 and f"{len(NAMES)} of {len(NAMES)} migrations applied" in text and re.search(r"5ducks +active +4 posts", text), "db status", text)
    s.equal(c.db("status", env={"DATABASE_URL": c.base})[1], text, "the same by DATABASE_URL")
    s.equal(c.db("status", "--database", c.base, env={"DATABASE_URL": "postgresql:///nowhere"})[1], text, "and by --database")
    rows = [json.loads(line) for line in c.db("status", "--format", "json")[1].splitlines()]
    s.equal([(r["type"], r.get("tenant")) for r in rows],
            [("database", None), ("tenant", "5ducks"), ("tenant", "sendclaw"), ("tenant", "tidewater")], "status in JSON")
    code, text = c.db("status", "--database", c.url(user="tenantry_migrator"))
    s.ok(code == 0 and "tenantry_migrator" in text and "4 posts" in text, "status by a role behind the wall", text)


def test_unreachable(s, c):
    code, text = c.db("migrate", "--database", "postgresql://bob:h4nter2@/acme?host=/nonexistent")
    s.ok(code == 3 and "does not answer" in text and "acme" in text, "a database that does not answer", text)
    s.ok("h4nter2" not in text, "its password is not said", text)
    code, text = c.db("migrate", "--database", "postgresql//bob:h4nter2@/acme")
    s.ok(code == 3 and "postgresql://" in text and "h4nter2" not in text, "what is no connection string", text)
    code, text = c.db("seed", "--database", c.url("template1"))
    s.ok(code == 1 and "does not take its rows" in text, "a database without the schema", text)


def test_seed(s, c):
    name = c.make("seeded")
    c.db("migrate", "--database", c.url(name))
    migrator = c.url(name, "tenantry_migrator")
    c.sql(f"grant connect on database {name} to tenantry_migrator", name)
    code, text = c.db("seed", "--plans", "--database", migrator)
    s.ok(code == 0 and "seeded 3 new tenants, 8 plans, 7 posts" in text, "seeding behind the wall", text)
    config = json.loads(read(os.path.join(c.workspace, "tenants/5ducks/config.json")))
    rows = c.sql("""select p.key, p.price::float, p.credits, p.highlight, p.coming_soon, jsonb_array_length(p.features)
        from tenantry.plans p join tenantry.tenants t on t.id = p.tenant_id where t.slug = '5ducks' order by p.position""", name)
    want = [f"{p['id']}|{p['price']}|{p['credits']}|{'ft'[p['highlight']]}|{'ft'[p.get('comingSoon', False)]}|{len(p['features'])}"
            for p in config["pricing"]["plans"]]
    s.equal(rows.split("\n"), want, "plans are as in the config")
    c.sql("update tenantry.posts set title = 'Edited' where slug = 'the-sixth-lead';"
          "update tenantry.plans set price = 21 where key = 'duckling';"
          "update tenantry.tenants set status = 'suspended' where slug = 'sendclaw'", name)
    edit(os.path.join(c.workspace, "tenants/tidewater/config.json"), '"name": "Tidewater', '"name": "New Tidewater')
    code, text = c.db("seed", "--plans", "--database", migrator)
    s.ok(code == 0 and "seeded 0 new tenants, 0 plans, 0 posts" in text, "seeding again", text)
    s.equal(c.sql("""select (select title from tenantry.posts where slug = 'the-sixth-lead'),
        (select price from tenantry.plans where key = 'duckling'),
        (select status from tenantry.tenants where slug = 'sendclaw')""", name), "Edited|21.00|suspended",
        "what was edited stays")
    s.ok(c.sql("select name from tenantry.tenants where slug = 'tidewater'", name).startswith("New Tidewater"),
         "a name follows the config")
    write(os.path.join(c.workspace, "tenants/fourth/config.json"), "{}")
    shutil.copytree(os.path.join(c.workspace, "tenants/tidewater"), os.path.join(c.workspace, "tenants/zulu"))
    edit(os.path.join(c.workspace, "tenants/zulu/config.json"), '"id": "tidewater"', '"id": "zulu"')
    write(os.path.join(c.workspace, "db/samples/zulu.json"), '{"posts": [{"slug": "x", "status": "FINISHED"}]}')
    code, text = c.db("seed", "--database", migrator)
    s.ok(code == 1 and "tenants/fourth/config.json" in text, "a broken config is named", text)
    s.ok("db/samples/zulu.json: error" in text and "FINISHED" in text, "so is a sample that cannot be", text)
    s.equal(c.sql("select count(*) from tenantry.tenants", name), "3", "nothing of either is in")
    write(os.path.join(c.workspace, "db/samples/zulu.json"), '{"posts": [')
    s.ok("db/samples/zulu.json:1:" in c.db("seed", "--database", migrator)[1], "and one that is no JSON")
    for path in ("tenants/fourth", "tenants/zulu"):
        shutil.rmtree(os.path.join(c.workspace, path))
    os.remove(os.path.join(c.workspace, "db/samples/zulu.json"))


def test_hidden_workspace(s, c, top):
    """Root's home is closed to others; the server is somebody else's."""
    if os.geteuid():
        s.skip("a workspace that the server's user cannot enter", "needs root")
        return
    closed = os.path.join(top, "closed")
    os.makedirs(os.path.join(closed, "ws", "tenants"))
    os.chmod(closed, 0o700)
    shutil.copytree(os.path.join(c.workspace, "tenants/sendclaw"), os.path.join(closed, "ws/tenants/sendclaw"))
    workspace = os.path.join(closed, "ws")
    code, text = c.db("start", workspace=workspace)
    s.ok(code == 0 and "seeded 1 new tenant," in text, "a workspace that the server's user cannot enter", text)
    data = os.path.realpath(os.path.join(workspace, ".tenantry/postgres"))
    s.ok(data.startswith("/var/tmp/tenantry-"), "has its rows elsewhere", data)
    code, text = c.db("stop", "--discard", workspace=workspace)
    s.ok(code == 0 and not os.path.exists(data), "--discard removes them", text)


def test(s, c, top, full):
    for check in (test_privileges, test_again, test_status, test_url, test_unreachable, test_stop, test_ending, test_seed):
        check(s, c)
    test_hidden_workspace(s, c, top)

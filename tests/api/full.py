"""A full disk: under Postgres, where it can store nothing or not even go on, and under the log."""
import ctypes, os, random, re, signal, subprocess, time

import attack, away, cluster, trpc
from server import Connection
from suite import clean_env, read

CLONE_NEWNS = 0x20000
SIZE = "512m"
BACK_SECONDS = 2.0
DONE = {200, 201, 204}


def missing():
    """Why no file system can be mounted here, or None.  What is mounted from now on is seen by this process and its
    children only, and goes with them."""
    if os.geteuid():
        return "mounting needs root"
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNS):
        return f"no mount namespace: {os.strerror(ctypes.get_errno())}"
    p = subprocess.run(["mount", "--make-rprivate", "/"], capture_output=True, text=True)
    return f"mounting is not permitted here: {p.stderr.strip()}" if p.returncode else None


class Disk:
    """Memory that can be full."""

    def __init__(self, path, size=SIZE):
        self.path, self.size = path, size
        os.makedirs(path)
        self.mount("-t", "tmpfs", "-o", f"size={size},mode=755", "none")

    def mount(self, *args):
        subprocess.run(["mount", *args, self.path], check=True, capture_output=True)

    def fill(self):
        """From now on there is no page left."""
        for _ in range(50):  # somebody may just have taken one more
            st = os.statvfs(self.path)
            try:
                self.mount("-o", f"remount,size={(st.f_blocks - st.f_bfree) * st.f_frsize}")
                return
            except subprocess.CalledProcessError:
                time.sleep(0.02)
        raise AssertionError("it cannot be made small")

    def room(self):
        self.mount("-o", f"remount,size={self.size}")

    def close(self):
        subprocess.run(["umount", "-l", self.path], capture_output=True)


class Writer:
    """An owner whose posts are too long to find room in what is there."""

    def __init__(self, c, api):
        ask = lambda sql: c.sql("set search_path = tenantry;" + sql)  # noqa: E731
        self.c, self.api, self.told = c, api, []
        self.bearer = {"Authorization": "Bearer " + trpc.token(ask("select id from users where email = 'maren@fiveducks.example'"))}
        self.space = ask("select id from spaces where slug = 'pond-notes'")

    def post(self):
        title = f"full {len(self.told)}"
        body = {"json": {"spaceId": self.space, "title": title, "content": f"<p>{random.randbytes(30000).hex()}</p>"}}
        r = self.api.post("/api/trpc/posts.create", body, headers=self.bearer)
        self.told.append((title, r.status))
        return r

    def others(self):
        """The answers to what else writes."""
        n = random.randrange(1 << 40)
        person = {"email": f"full{n}@example.com", "password": "correct horse battery"}
        return [self.api.post("/api/auth/register", person), self.api.post("/api/keys", {"name": f"k{n}"}, headers=self.bearer),
                self.api.post("/api/invitations", {"email": f"guest{n}@example.com"}, headers=self.bearer)]

    def kept(self):
        """Whether what was told to be there is, and nothing else."""
        have = set(self.c.sql("select title from tenantry.posts where title like 'full %'").split("\n")) - {""}
        return have, {t for t, status in self.told if status in DONE}


def reads(api, n):
    """What no memory of the server can answer."""
    return [api.get(f"/api/posts?limit={1 + n % 90}&tag=x{n}"), api.get("/api/posts/the-sixth-lead"), api.get("/api/pricing/config"),
            api.get("/api/auth/session"), api.get("/readyz")]


def expect_unwritable(s, api, w):
    first = next((r for r in (w.post() for _ in range(40)) if r.status not in DONE), None)
    s.ok(first and first.status == 503 and first["Retry-After"] == "1", "full: what cannot be written is 503, try again", first)
    if first:
        s.equal(first.json["error"]["json"]["data"]["httpStatus"], 503, "in tRPC's shape")
    wrong, slow = [], 0.0
    for n in range(12):
        began = time.monotonic()
        wrong += [r for r in [w.post()] if r.status != 503 or not r["Retry-After"]]
        wrong += [r for r in w.others() if r.status not in DONE | {503} or (r.status == 503 and not r["Retry-After"])]
        wrong += [r for r in reads(api, n) if r.status != 200]
        slow = max(slow, time.monotonic() - began)
    s.equal(wrong[:3], [], "so are all that write, and whoever reads is answered")
    s.ok(slow < 3, "and nobody waits", f"{slow:.1f} s for a round")


def expect_writable(s, api, w, what):
    since = time.monotonic()
    while (r := w.post()).status not in DONE and time.monotonic() - since < 10:
        time.sleep(0.02)
    took = time.monotonic() - since
    s.ok(r.status in DONE and took < BACK_SECONDS, f"{what}: written again within 2 s", f"{took:.2f} s {r}")
    have, want = w.kept()
    s.equal(have, want, "what was told to be done is, and nothing else")


def test_database(s, house, disk):
    c = cluster.Cluster(house.program, os.path.join(disk.path, "house"))
    code, text = c.db("start")
    if not s.ok(code == 0, "a database on a small disk", text):
        return
    c.connect()
    try:
        api = house.start(None, "--workers", "1", url=c.url("tenantry", "tenantry_api"), TENANTRY_API_JWT_SECRET=trpc.SECRET)
        w = Writer(c, api)
        s.ok(w.post().status in DONE, "with room a post is written")
        for what in ("room again", "and once more"):
            disk.fill()
            expect_unwritable(s, api, w)
            disk.room()
            expect_writable(s, api, w, what)
        away.test_nothing_left(s, c, api)
        test_no_journal(s, c, api, w, disk)
        s.equal(attack.figures(api)["tenantry_worker_restarts_total"], 0, "no worker has died")
    finally:
        disk.room()
        house.stop_all()
        c.db("stop", "--discard")


def runs(c):
    try:
        return os.path.exists("/proc/" + read(os.path.join(c.workspace, ".tenantry/postgres/postmaster.pid")).split()[0].decode())
    except OSError:
        return False


def test_no_journal(s, c, api, w, disk):
    """Not even the journal can go on: Postgres ends, and whoever looks after it makes room and starts it."""
    disk.fill()
    for _ in range(20):
        said = c.sql("select pg_switch_wal(); create table filled as select 1; drop table filled", check=False)
        if "PANIC" in said or "terminat" in said or "closed" in said or "recovery" in said:
            break
    s.ok(away.until(lambda: api.get("/readyz").status == 503, 10), "no room for the journal: Postgres is gone", said)
    away.expect_away(s, api, "gone for want of room")
    away.until(lambda: not runs(c), 5)  # it may also try again and again, until there is room
    disk.room()
    away.until(lambda: not runs(c) or api.get("/readyz").status == 200, 20)
    code, text = c.db("start")
    s.ok(code == 0, "with room it can be started", text)
    away.expect_back(s, api, "started")
    expect_writable(s, api, w, "started")


def test_log(s, house, disk):
    """The log, stdout and stderr lie on a full disk: requests are answered, and what comes later is written."""
    log, out = os.path.join(disk.path, "requests.log"), os.path.join(disk.path, "out.log")
    with open(out, "wb") as f:
        p = subprocess.Popen([house.api_path, "-C", house.workspace, "--listen", "127.0.0.1:0", "--workers", "1", "--limit", "off", "--log", log],
                             stdin=subprocess.DEVNULL, stdout=f, stderr=f, env=clean_env())
    try:
        away.until(lambda: b"listening" in read(out), 10)
        api = type("Blind", (), {"address": "127.0.0.1", "port": int(re.search(rb":(\d+)\n", read(out))[1])})
        with Connection(api) as c:
            c.ask("GET", "/healthz")
            away.until(lambda: b"/healthz" in read(log), 5)
            disk.fill()
            got = {c.ask("GET", "/api/openapi.json").status for _ in range(6000 if house.full else 1000)}
            s.equal(got, {200}, "a log without room stops nobody")
            for sig in (signal.SIGHUP, signal.SIGUSR1, signal.SIGHUP):
                p.send_signal(sig)
                got |= {c.ask("GET", "/api/openapi.json").status for _ in range(200)}
            s.equal((got, p.poll()), ({200}, None), "nor a reload")
            disk.room()
            r = c.ask("GET", "/healthz")
            s.ok(away.until(lambda: r["X-Request-Id"].encode() in read(log), BACK_SECONDS), "with room the log goes on", read(log)[-300:])
        lines = read(log).decode().splitlines()
        s.ok(all(re.fullmatch(r'\{"time":"[^"]+Z".*\}', line) for line in lines), "in whole lines",
             [line for line in lines if not re.fullmatch(r'\{"time":"[^"]+Z".*\}', line)][:3])
    finally:
        p.terminate()
        s.equal(p.wait(20), 0, "and it ends in order")


def test(s, house):
    why = missing()
    if why:
        s.skip("a full disk", why)
        return
    for name, part in (("log", test_log), ("database", test_database)):
        disk = Disk(os.path.join(house.top, name), SIZE if name == "database" else "8m")
        try:
            part(s, house, disk)
        finally:
            disk.close()

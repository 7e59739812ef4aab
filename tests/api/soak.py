"""Minutes of everything at once against two workers: nothing grows, and nobody is told 5xx but while Postgres is restarted."""
import collections, json, os, random, socket, statistics, struct, threading, time, urllib.parse

import trpc
from money import Desk, Sale
from server import CLAW, DUCKS, TIDE

ALONE = OWN = FULL = True
PASSWORD = "correct horse battery"
BACK_SECONDS = 2.0
HALF_LIVES = ((0.2, 0.5), (0.7, 1.0))  # what is compared, in parts of the whole: the first is spent on getting warm
SIZES = (10, 200, 1500, 3000)  # of posts in words; with every size there is, malloc takes an hour to find its level
GROWS_BY = 1.03  # the margin, and for each process half a MiB and a few descriptors of those who happen to be connected
GROWS_KIB, GROWS_FILES = 512, 6


class Soak:
    def __init__(self, house, seconds):
        self.desk = Desk(house, "soak", "--workers", "2", TENANTRY_API_JWT_SECRET=trpc.SECRET, TENANTRY_API_LOG="off")
        self.house, self.api, self.seconds = house, self.desk.api, seconds
        self.began = time.monotonic()
        self.answers, self.bad, self.broken = collections.Counter(), [], 0
        self.window, self.samples, self.lock = None, [], threading.Lock()
        row = lambda sql: self.desk.sql("set search_path = tenantry;" + sql)  # noqa: E731
        self.bearer = {"Authorization": "Bearer " + trpc.token(row("select id from users where email = 'maren@fiveducks.example'"))}
        self.space = row("select id from spaces where slug = 'pond-notes'")

    def at(self):
        return time.monotonic() - self.began

    def going(self):
        return self.at() < self.seconds

    def count(self, what, answer, since):
        with self.lock:
            self.answers[what, answer.status] += 1
            excused = self.window and self.window[0] <= self.at() and since <= self.window[1]
            if answer.status >= 500 and not excused:
                self.bad.append((round(since, 1), what, answer))

    # ---- who asks ----

    def client(self, what, turn, pause):
        """Asks on a connection that stays, until it breaks."""
        n = 0
        while self.going():
            try:
                with self.api.connect() as c:
                    for _ in range(random.randrange(20, 400)):
                        since = self.at()
                        answer = turn(c, n)
                        if answer is None:
                            break
                        self.count(what, answer, since)
                        n += 1
                        time.sleep(pause)
                        if not self.going():
                            return
            except OSError:
                self.broken += 1

    def read(self, c, n):
        path = random.choice(["/api/posts", f"/api/posts?limit={1 + n % 50}", "/api/posts/the-sixth-lead", "/api/pricing/config", "/api/plans",
                              "/api/openapi.json", "/healthz", "/readyz", f"/api/posts?tag=t{n % 500}", "/api/posts/never-was"])
        return c.ask("GET", path, host=random.choice((DUCKS, CLAW, TIDE)))

    def call(self, c, n):
        calls = ",".join(["posts.list", "members.list", "users.getCurrentUser"][:1 + n % 3])
        batch = {str(i): {"json": {"limit": 5}} if not i else {"json": {}} for i in range(1 + n % 3)}
        return c.ask("GET", f"/api/trpc/{calls}?batch=1&input={urllib.parse.quote(json.dumps(batch))}", headers=self.bearer)

    def write(self, c, n):
        if n % 100 == 99:
            self.desk.sql("delete from tenantry.posts where title like 'soak %'")
        body = {"json": {"spaceId": self.space, "title": f"soak {n}", "content": "<p>" + "word " * SIZES[n % len(SIZES)] + "</p>"}}
        return c.ask("POST", "/api/trpc/posts.create", headers=self.bearer, body=body)

    def login(self, c, n):
        person = {"email": f"soak{n % 40}@example.com", "password": PASSWORD}
        if n < 40:
            return c.ask("POST", "/api/auth/register", body=person)
        if n % 5 == 0:
            return c.ask("POST", "/api/auth/login", body={**person, "email": f"nobody{n}@example.com"})
        answer = c.ask("POST", "/api/auth/login", body=person)
        cookies = "; ".join(v.split(";")[0] for k, v in (answer.all if answer else []) if k.lower() == "set-cookie")
        c.ask("GET", "/api/auth/session", headers={"Cookie": cookies})
        return c.ask("POST", "/api/auth/logout", headers={"Cookie": cookies, "Origin": f"https://{DUCKS}"}, body={})

    def webhook(self, c, n):
        sale = Sale(self.desk.meta(), f"soak{n // 4 % 500}")
        event = (sale.created, sale.updated, sale.paid, sale.created)[n % 4]()
        return self.desk.send(event, connection=c)

    def cut(self):
        """Clients who go in the middle."""
        table = [f"GET /api/posts?limit={n} HTTP/1.1\r\nHost: {DUCKS}\r\n\r\n".encode() for n in (1, 100)]
        table.append(b"POST /api/trpc/posts.create HTTP/1.1\r\nHost: fiveducks.ai\r\nContent-Type: application/json\r\n"
                     b"Content-Length: 9000\r\n\r\n" + b"x" * 4000)
        while self.going():
            data = random.choice(table)
            try:
                with socket.create_connection((self.api.address, self.api.port), timeout=5) as c:
                    c.sendall(data[:random.randrange(1, len(data) + 1)])
                    time.sleep(random.random() * 0.05)
                    if random.random() < 0.5:
                        c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            except OSError:
                self.broken += 1
            time.sleep(0.03)

    def restart(self):
        """Postgres, once, in the first half."""
        time.sleep(0.3 * self.seconds)
        self.window = (self.at(), float("inf"))
        self.house.cluster.db("stop")
        self.house.cluster.db("start")
        self.window = (self.window[0], self.at() + BACK_SECONDS)

    # ---- what it costs ----

    def processes(self):
        with open(f"/proc/{self.api.p.pid}/task/{self.api.p.pid}/children") as f:
            return [self.api.p.pid, *map(int, f.read().split())]

    def sample(self):
        """{process: (KiB, descriptors)}, connections at Postgres."""
        found = {}
        for pid in self.processes():
            with open(f"/proc/{pid}/status") as f:
                kib = next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))
            found[pid] = (kib, len(os.listdir(f"/proc/{pid}/fd")))
        if self.window and self.window[0] <= self.at() <= self.window[1]:
            return
        count = self.desk.sql("select count(*) from pg_stat_activity where usename = 'tenantry_api' and datname = current_database()")
        self.samples.append((self.at(), found, int(count)))

    def run(self):
        turns = [("reads", self.read, 0.01), ("reads", self.read, 0.01), ("reads", self.read, 0.01), ("calls", self.call, 0.03),
                 ("posts", self.write, 0.15), ("logins", self.login, 0.4), ("events", self.webhook, 0.1)]
        threads = [threading.Thread(target=self.client, args=x) for x in turns]
        threads += [threading.Thread(target=f) for f in (self.cut, self.cut, self.restart)]
        for t in threads:
            t.start()
        while self.going():
            time.sleep(min(1, self.seconds / 100))
            try:
                self.sample()
            except AssertionError:  # psql, while Postgres is away
                if not self.window or self.at() > self.window[1] + 1:
                    raise
        for t in threads:
            t.join()

    def halves(self):
        """The samples that are compared."""
        return [[x for x in self.samples if a <= x[0] / self.seconds <= b] for a, b in HALF_LIVES]


def report(soak, first, second):
    total = sum(soak.answers.values())
    print(f"soak: {soak.seconds:.0f} s, {total} answers ({total / soak.seconds:.0f} a second), "
          f"{', '.join(f'{what} {status}: {n}' for (what, status), n in sorted(soak.answers.items()))}; "
          f"{soak.broken} connections broken; Postgres away from {soak.window[0]:.1f} to {soak.window[1] - BACK_SECONDS:.1f} s")
    for n, pid in enumerate(soak.processes()):
        mib = [statistics.median(x[1][pid][0] for x in half) / 1024 for half in (first, second)]
        files = [[x[1][pid][1] for x in half] for half in (first, second)]
        print(f"soak: {f'worker {n}' if n else 'parent'}: {mib[0]:.2f} -> {mib[1]:.2f} MiB, descriptors "
              + " -> ".join(f"{statistics.median(f):.0f} (at most {max(f)})" for f in files))
    print("soak: connections at Postgres " + " -> ".join(f"at most {max(x[2] for x in half)}" for half in (first, second)))


def test(s, house):
    soak = Soak(house, house.soak)
    before = soak.processes()
    soak.run()
    s.equal(soak.processes(), before, "no process has died")
    first, second = soak.halves()
    report(soak, first, second)
    for n, pid in enumerate(before):
        name = f"worker {n}" if n else "the parent"
        kib = [statistics.median(x[1][pid][0] for x in half) for half in (first, second)]
        s.ok(kib[1] <= kib[0] * GROWS_BY + GROWS_KIB, f"{name} does not grow", kib)
        files = [statistics.median(x[1][pid][1] for x in half) for half in (first, second)]
        s.ok(files[1] <= files[0] + GROWS_FILES, f"{name} keeps no descriptor", files)
    held = [max(x[2] for x in half) for half in (first, second)]
    s.ok(held[1] <= held[0] + 1, "nor more connections to Postgres", held)
    s.equal(soak.bad[:3], [], "nobody is told 5xx but while Postgres is restarted")
    s.equal({what for what, status in soak.answers if status < 300}, {"reads", "calls", "posts", "logins", "events"}, "every kind is answered")
    s.equal({what for what, status in soak.answers if status == 429}, set(), "and nobody is sent away")

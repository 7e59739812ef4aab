"""What an attacker would try: clients that go away at every moment, signals at the wrong one, values that want to be more than
values, requests that two readers take for different ones, and more of everything than one client should have."""
import concurrent.futures, contextlib, json, random, re, signal, socket, struct, threading, time, urllib.parse

import away, trpc
from server import CLAW, DUCKS

ALONE = True
PASSWORD = "correct horse battery"
COOKIE = "__Host-tenantry_session"
LOGGED = {"time", "id", "tenant", "method", "route", "status", "bytes", "ms", "client", "note", "worker"}
FORM = "application/x-www-form-urlencoded"
CREATE = "/api/stripe/create-checkout-session"


class Tarpit:
    """In Stripe's place: takes every connection and answers late, or never."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=500)
        self.base = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        self.open, self.seconds = [], 0.05
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                c = self.socket.accept()[0]
                self.open.append(c)
                if self.seconds is not None:
                    threading.Timer(random.random() * self.seconds, self.refuse, [c]).start()

    @staticmethod
    def refuse(c):
        with contextlib.suppress(OSError):
            c.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
            c.close()

    def close(self):
        self.socket.close()
        for c in self.open:
            c.close()


class Scene:
    """A server of one worker, so that every request meets the same pool, queue and loop."""

    def __init__(self, house):
        self.house, self.tarpit = house, Tarpit()
        self.db = house.database("attack")
        house.sql(trpc.FIXTURE, self.db)
        self.ids = dict(r.split("|") for r in self.sql("select split_part(email, '@', 1), id from users where email ~ '@fiveducks'").split("\n"))
        self.api = self.start()

    def start(self, *args, **env):
        return self.house.start(self.db, *args, **{
            "TENANTRY_API_JWT_SECRET": trpc.SECRET, "TENANTRY_API_WORKERS": "1", "STRIPE_API_BASE": self.tarpit.base,
            "STRIPE_SECRET_KEY": "sk_test_attack", "STRIPE_DUCKLING_PRICE_ID": "price_x", **env})

    def sql(self, text):
        return self.house.sql("set search_path = tenantry;" + text, self.db)

    def bearer(self, who="maren"):
        return {"Authorization": "Bearer " + trpc.token(self.ids[who])}


def figures(api):
    found = {}
    for line in api.get("/metrics").text.splitlines():
        if not line.startswith("#"):
            name, _, value = line.rpartition(" ")
            found[name] = float(value)
    return found


def is_quiet(api):
    """Nothing is under way but the question for the figures."""
    f = figures(api)
    return (f["tenantry_connections"] <= 1 and not f['tenantry_pool_connections{state="busy"}'] and not f["tenantry_pool_waiting"])


# ---- clients that go away ----

def requests(scene):
    """The bytes of a request of every route."""
    batch = json.dumps({str(i): {"json": {"limit": 50}} for i in range(20)})
    who = scene.bearer()
    email = lambda: f"cut{random.randrange(1 << 30)}@example.com"  # noqa: E731
    table = [
        ("GET", "/api/pricing/config", {}, None), ("GET", "/api/plans", {}, None), ("GET", "/api/openapi.json", {}, None),
        ("GET", "/api/posts?limit=100&tag=%d" % random.randrange(99), {}, None), ("GET", "/api/posts/second-duck", {}, None),
        ("GET", "/api/trpc/" + ",".join(["posts.list"] * 20) + "?batch=1&input=" + urllib.parse.quote(batch), who, None),
        ("GET", "/api/trpc/members.list,users.getCurrentUser?batch=1", who, None),
        ("POST", "/api/trpc/posts.create", who, {"json": {"spaceId": trpc.NOBODY, "title": "x", "content": "<p>x"}}),
        ("POST", "/api/auth/register", {}, {"email": email(), "password": PASSWORD}),
        ("POST", "/api/auth/login", {}, {"email": "maren@fiveducks.example", "password": PASSWORD}),
        ("POST", "/api/auth/logout", {"Cookie": f"{COOKIE}={'a' * 43}", "Origin": f"https://{DUCKS}"}, {}),
        ("GET", "/api/auth/session", {"Cookie": f"{COOKIE}={'a' * 43}"}, None),
        ("POST", "/api/invitations", who, {"email": email()}), ("POST", "/api/invitations/accept", who, {"token": "x"}),
        ("GET", "/api/keys", who, None), ("POST", "/api/keys", who, {"name": "cut"}), ("DELETE", "/api/keys/" + trpc.NOBODY, who, None),
        ("POST", CREATE, who, {"planId": "duckling", "attempt": email()}), ("POST", CREATE, {}, {"planId": "duckling", "attempt": email()}),
        ("GET", "/api/stripe/checkout-session?session_id=cs_none", {}, None), ("POST", "/api/webhooks/stripe", {}, {"id": "evt_1"}),
        ("GET", "/metrics", {}, None), ("GET", "/readyz", {}, None), ("OPTIONS", "/api/keys", {}, None), ("GET", "/nothing", {}, None)]
    out = []
    for method, path, headers, body in table:
        text = "" if body is None else json.dumps(body)
        lines = [f"{method} {path} HTTP/1.1", f"Host: {DUCKS}"] + [f"{k}: {v}" for k, v in headers.items()]
        if body is not None:
            lines += ["Content-Type: application/json", f"Content-Length: {len(text)}"]
        out.append(("\r\n".join(lines) + "\r\n\r\n" + text).encode())
    return out


def cut_one(api, data):
    """Sends all of it, a part, or it twice, waits or not, and goes: with a word or without."""
    how = random.random()
    data = data[:random.randrange(1, len(data))] if how < 0.3 else data * 2 if how < 0.4 else data
    with contextlib.suppress(OSError), socket.create_connection((api.address, api.port), timeout=5) as c:
        c.sendall(data)
        if random.random() < 0.7:
            time.sleep(random.random() ** 3 * 0.06)
        if random.random() < 0.3:
            c.recv(random.choice([1, 4096]))
        if random.random() < 0.5:
            c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif random.random() < 0.3:
            c.shutdown(socket.SHUT_WR)
            time.sleep(0.005)


def test_cut(s, scene):
    api, n = scene.api, 2000 if scene.house.full else 200
    table = requests(scene)
    with concurrent.futures.ThreadPoolExecutor(24) as pool:
        jobs = [pool.submit(cut_one, api, table[i % len(table)]) for i in range(n)]
        if scene.house.full:
            for _ in range(3):
                time.sleep(0.3)
                api.p.send_signal(signal.SIGHUP)
        for j in jobs:
            j.result()
    s.equal(api.get("/healthz").status, 200, f"{n} clients gone at any moment: it still answers")
    s.ok(away.until(lambda: is_quiet(api), 20), "and nothing of them is left", figures(api))
    s.ok(figures(api)["tenantry_worker_restarts_total"] == 0, "no worker has died", api.errors()[-3000:])


# ---- the wrong moment for a signal ----

def died(api):
    return re.findall(r"worker \d+ \(process.*", api.errors())


def test_signals_at_start(s, scene):
    wrong = []
    for sent in (signal.SIGHUP, signal.SIGUSR1, signal.SIGTERM):
        for i in range(6 if scene.house.full else 2):
            p = scene.house.launch(scene.db, TENANTRY_API_WORKERS="2")
            end = time.monotonic() + 10
            while p.poll() is None and time.monotonic() < end:  # as soon as there are workers
                with open(f"/proc/{p.pid}/task/{p.pid}/children") as f:
                    if f.read().split():
                        break
            time.sleep(0.002 * i)
            p.send_signal(sent)
            text, code = scene.house.end(p, wait=sent == signal.SIGTERM)
            if code or re.search(r"\bworker\b", text):
                wrong.append((sent.name, code, text[-1500:]))
    s.equal(wrong, [], "a signal while it starts ends no worker")


def test_stop_under_way(s, scene):
    """Told to stop, with no time to drain, while everything that can be under way is."""
    for how in ("database", "stripe", "passwords", "reload"):
        scene.tarpit.seconds = None
        api = scene.start("--drain-seconds", "0")
        held, paused = [], contextlib.ExitStack()
        table = {"database": requests(scene), "reload": requests(scene)[:1], "passwords": [x for x in requests(scene) if b"/api/auth/" in x] * 6,
                 "stripe": [x for x in requests(scene) if CREATE.encode() in x] * 3}[how]
        try:
            if how in ("database", "reload"):
                paused.enter_context(scene.house.cluster.paused())
            for data in table:
                c = socket.create_connection((api.address, api.port), timeout=5)
                c.sendall(data)
                held.append(c)
            time.sleep(0.02 if how == "passwords" else 0.3)
            if how == "reload":
                api.p.send_signal(signal.SIGHUP)
                time.sleep(0.3)
            code = api.stop()
        finally:
            paused.close()
            for c in held:
                c.close()
            scene.tarpit.seconds = 0.05
        s.ok(code == 0 and not died(api), f"stopped in the middle ({how}): an orderly end", f"{code}\n{api.errors()[-2500:]}")


# ---- values that want to be more ----

def problem(answer):
    """The answer's problem, which must be proper JSON in UTF-8."""
    return json.loads(answer.body.decode("utf-8"))


BAD = [b"\xff\xfe", b"\xc0\xaf", b"\xed\xa0\x80", b"\x80", b"a\x0bb", b"a\tb", b"\xf4\x90\x80\x80", b"'\"<>&\\"]


def test_bytes(s, scene):
    """Bytes that are no text, wherever text is read: an answer of ours, and JSON all the same."""
    wrong = []

    def one(what, data, host=DUCKS.encode(), allowed=range(200, 500)):
        got = scene.api.raw(data.replace(b"HOST", host), 1.5 if b"close" in data else 0.5)
        head, _, body = got.partition(b"\r\n\r\n")
        m = re.match(rb"HTTP/1\.1 (\d+) ", head)
        if not m or int(m[1]) not in allowed:
            wrong.append((what, head[:120], body[:200]))
            return
        try:
            if body and b"json" in head:
                json.loads(body.decode("utf-8"))
        except ValueError as e:
            wrong.append((what, str(e), body[:300]))

    end = b" HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n"
    who = scene.bearer()["Authorization"].encode()
    for bad in BAD:
        q = urllib.parse.quote_from_bytes(bad).encode()
        for path in (b"/api/posts/" + q, b"/api/posts?tag=" + q, b"/api/posts?space=" + q, b"/api/posts?cursor=" + q, b"/api/trpc/" + q,
                     b"/api/trpc/posts.list," + q + b"?batch=1", b"/api/trpc/posts.list?input=" + q, b"/api/" + q, b"/" + q,
                     b"/api/trpc/posts.list?input=%7B%22json%22%3A%7B%22cursor%22%3A%22" + q + b"%22%7D%7D",
                     b"/api/stripe/checkout-session?session_id=" + q, b"/api/trpc/" + b"a" * 485 + b"%C3%A9" * 20):
            one(path, b"GET " + path + end + b"\r\n")
        for path in (b"/api/keys/" + q,):
            one(path, b"DELETE " + path + end + b"Authorization: " + who + b"\r\n\r\n")
        for name in (b"Authorization", b"Cookie", b"Origin", b"If-None-Match", b"X-Request-Id", b"X-Forwarded-For", b"Accept", b"x-hasura-role"):
            value = {b"Authorization": b"Bearer tk_" + bad * 25, b"Cookie": COOKIE.encode() + b"=" + bad * 22}.get(name, bad)
            one(name, b"GET /api/auth/session" + end + name + b": " + value + b"\r\n\r\n")
        one(b"role", b"GET /api/auth/session" + end + b"Authorization: " + who + b"\r\nx-hasura-role: " + bad + b"\r\n\r\n")
        for path, body in ((b"/api/auth/login", b'{"email":"BAD@x.y","password":"BAD"}'), (b"/api/auth/register", b'{"email":"x@y.z","name":"BAD","password":"12345678"}'),
                           (b"/api/invitations/accept", b'{"token":"BAD"}'), (CREATE.encode(), b'{"planId":"BAD","attempt":"BAD"}'),
                           (b"/api/keys", b'{"name":"BAD"}'), (b"/api/invitations", b'{"email":"BAD@x.y"}'),
                           (b"/api/trpc/posts.create", b'{"json":{"spaceId":"BAD","title":"BAD","content":"BAD"}}'),
                           (b"/api/trpc/posts.create", b'{"json":{"BAD":"BAD"},"meta":{"values":{"BAD":["BAD"]}}}')):
            body = body.replace(b"BAD", bad)
            one((path, body), b"POST " + path + end + b"Authorization: " + who + b"\r\nContent-Type: application/json\r\nUser-Agent: " + bad
                + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        for path, body in ((b"/api/auth/login", b"email=BAD%40x.y&password=BAD"), (b"/api/auth/register", b"email=BAD@x.y&name=BAD&password=BAD12345678"),
                           (CREATE.encode(), b"planId=BAD&attempt=BAD"), (CREATE.encode(), b"planId=duckling&attempt=BAD"), (b"/api/auth/logout", b"everywhere=BAD")):
            body = body.replace(b"BAD", q)
            one((path, body), b"POST " + path + end + b"Content-Type: application/x-www-form-urlencoded\r\nReferer: https://HOST/a" + bad
                + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body, allowed=range(200, 505) if path == CREATE.encode() else range(200, 500))
        one((b"type", bad), b"POST /api/trpc/posts.create" + end + b"Content-Type: " + bad + b"\r\nContent-Length: 2\r\n\r\n{}")
        one((b"type", bad), b"POST /api/auth/login" + end + b"Content-Type: " + bad + b"\r\nContent-Length: 2\r\n\r\n{}")
        one((b"host", bad), b"GET /api/plans" + end + b"\r\n", host=bad)
        one((b"method", bad), bad + b" /api/plans" + end + b"\r\n", allowed=(*range(400, 500), 501))
    for line in scene.api.errors().split("\n"):
        try:
            if line and json.loads(line).keys() - LOGGED:
                wrong.append(("the log", line))
        except ValueError:
            wrong.append(("the log", line))
    s.equal(wrong[:8], [], f"no byte makes it fail or answer what is no JSON ({len(wrong)})")


def test_headers(s, scene):
    """Values of a request that come back in the head of an answer."""
    wrong = []
    for evil in ("https://HOST/a%0d%0aSet-Cookie:%20x=y", "https://HOST//evil.example/", "https://HOST/\\evil.example", "https://HOST/\t/evil.example",
                 "https://evil.example/login", "javascript://HOST/%0aalert(1)", "https://HOST/../..//evil.example", "x" * 9000, "https://HOST/" + "a" * 9000):
        a = scene.api.post("/api/auth/login", "email=x%40example.com&password=wrong", headers={
            "Content-Type": FORM, "Referer": evil.replace("HOST", DUCKS), "Origin": f"https://{DUCKS}"})
        where = a["location"] or ""
        if a.status not in (303, 429) or not re.fullmatch(r"/(?![/\\\t]).*", where) or a["set-cookie"] or re.search(r"[\t\\]", where[:3]):
            wrong.append((evil[:60], a.status, where[:100], a["set-cookie"]))
    s.equal(wrong, [], "a page that sends a form is gone back to, and no other")
    got = scene.api.raw(f"GET /api/plans HTTP/1.1\r\nHost: {DUCKS}\r\nX-Request-Id: chosen-by-me\r\nOrigin: https://{DUCKS}\r\n X: y\r\nConnection: close\r\n\r\n", 1)
    s.ok(b"chosen-by-me" not in got, "nobody but a proxy chooses an id", got[:600])
    for origin in (f"https://{DUCKS}.evil.example", f"https://evil.example/{DUCKS}", f"https://{CLAW}", f"http://{DUCKS}", "null", f"https://{DUCKS}:8443",
                   f"https://x@{DUCKS}", f"https://{DUCKS}/", f"https://shop.{DUCKS}"):
        a = scene.api.get("/api/plans", headers={"Origin": origin})
        s.equal(a["access-control-allow-origin"], None, f"{origin} is told nothing")


# ---- two readers ----

def sign_in(api, email, host=DUCKS):
    a = api.post("/api/auth/register", {"email": email, "password": PASSWORD}, host=host, headers={"Origin": f"https://{host}"})
    for name, value in a.all:
        if name.lower() == "set-cookie" and value.startswith(COOKIE):
            return value.split(";")[0]


def test_credentials(s, scene):
    api, who = scene.api, scene.bearer()["Authorization"]
    cookie = sign_in(api, "twice@example.com")
    user = lambda headers: (lambda a: (a.status, a.json.get("user") and 1))(api.get("/api/auth/session", headers=headers))  # noqa: E731
    s.equal(user([("Authorization", who)]), (200, 1), "a token")
    s.equal(user([("authorization", who.replace("Bearer", "bEARER"))]), (200, 1), "in odd case")
    s.equal(user([("Authorization", who), ("Authorization", "Bearer x")])[0], 400, "two tokens are none")
    s.equal(user([("Authorization", "Basic eDp5"), ("Authorization", who)])[0], 400, "of whatever kind")
    s.equal(user([("Cookie", cookie)]), (200, 1), "a cookie")
    # A prefix such as __Host- sees to it that no other page can set a second one.
    for first in (f"{COOKIE}={'a' * 43}", f"{COOKIE}=", COOKIE):
        s.equal(user([("Cookie", f"{first}; {cookie}")]), (200, None), f"of two cookies of a name the first counts: {first[-3:]}")
    s.equal(user([("Cookie", f"a=b, {cookie}")]), (200, None), "a comma is no end of a cookie")
    s.equal(user([("Cookie", f"{COOKIE.lower()}={cookie.split('=')[1]}")]), (200, None), "names of cookies have a case")


def test_json(s, scene):
    for text in ('{"email":"a@example.com","email":"b@example.com","password":"12345678"}', '{"email":"a@example.com","p\\u0061ssword":"x","password":"y"}',
                 '{"email":"a\\u0000@example.com","password":"12345678"}', '[{"email":"a@example.com"}]', '{"email":"a@example.com","password":"12345678"} {}',
                 '{"email":{"$ne":1},"password":{"$ne":1}}', "[" * 5000, '{"a":' * 1200, '{"email":"\\ud800@example.com","password":"12345678"}',
                 '\ufeff{"email":"a@example.com","password":"12345678"}', '{"email":1e999,"password":"12345678"}', "email=a%40example.com&password=12345678"):
        a = scene.api.post("/api/auth/login", text, headers={"Content-Type": "application/json"})
        s.ok(a.status in (400, 422), f"{text[:60]!r} is refused", a)
    a = scene.api.post("/api/auth/login", '{"email":"a@example.com","password":"12345678"}', headers={"Content-Type": FORM})
    s.ok(a.status == 303 and "error=" in (a["location"] or ""), "JSON sent as a form is a form without fields", a)
    for kind in ("text/plain", "application/json, text/plain", "application/jsonx", "multipart/form-data; boundary=x", ""):
        a = scene.api.post("/api/auth/login", {"email": "a@example.com", "password": "12345678"}, headers={"Content-Type": kind})
        s.equal(a.status, 415, f"what a page of another site may send is no JSON: {kind!r}")


def test_other_site(s, scene):
    cookie = sign_in(scene.api, "other-site@example.com")
    for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"},
                    {"Origin": f"https://{CLAW}"}):
        a = scene.api.post("/api/auth/logout", "", headers={"Content-Type": FORM, **headers})
        s.ok(a.status == 403 and not a["set-cookie"], f"a page of another site logs nobody out {headers}", a)
        a = scene.api.post("/api/auth/logout", "", headers={"Content-Type": FORM, "Cookie": cookie, **headers})
        s.ok(a.status == 403 and not a["set-cookie"], f"with a cookie neither {headers}", a)
    s.ok(scene.api.get("/api/auth/session", headers={"Cookie": cookie}).json["user"], "the session lives")
    a = scene.api.post("/api/auth/logout", "", headers={"Content-Type": FORM, "Cookie": cookie, "Origin": f"https://{DUCKS}"})
    s.ok(a.status == 303 and a["set-cookie"], "the site's own page does", a)


# ---- the wrong tenant ----

def test_hosts(s, scene):
    api = scene.api
    bodies = {h: {p: api.get(p, host=h).body for p in ("/api/plans", "/api/pricing/config", "/api/posts")} for h in (DUCKS, CLAW)}
    wrong = []
    for host in (DUCKS, CLAW):
        other = CLAW if host == DUCKS else DUCKS
        for path, body in bodies[host].items():
            for form in (host, host.upper(), host + ".", host + ":443", host + ":99999", host + ".:8080", "www." + host, "WWW." + host + ".", host + ":"):
                a = api.get(path, host=form, headers={"X-Forwarded-Host": other, "Forwarded": f"host={other}", "X-Original-Host": other, "X-Host": other})
                if a.status == 200 and a.body != body:
                    wrong.append((form, path, a))
            etag = api.get(path, host=other)["etag"]
            a = api.get(path, host=host, headers={"If-None-Match": etag})
            if a.status != 200 or a.body != body:
                wrong.append(("another tenant's ETag", path, a))
            full, head = api.get(path, host=host), api.ask("HEAD", path, host=host)
            drop = ("date", "x-request-id")
            if [x for x in full.all if x[0].lower() not in drop] != [x for x in head.all if x[0].lower() not in drop] or head.body:
                wrong.append(("HEAD", path, full.all, head.all))
        s.ok(bodies[host] == {p: api.get(p, host=host).body for p in bodies[host]}, f"{host} answers as before")
    s.equal(wrong[:5], [], "no form of a name, no header and no ETag leads to another tenant")


# ---- more than one should have ----

def test_batches(s, scene):
    """A batch is as many requests as it has calls."""
    api = scene.start("--limit", "reads=0.1/30")
    batch = "/api/trpc/" + ",".join(["posts.list"] * 20) + "?batch=1"
    got = [api.get(batch).status for _ in range(3)]
    s.ok(got[0] == 200 and got[1:] == [429, 429], "20 calls at once count as 20 requests", got)
    rest = [api.get("/api/plans").status for _ in range(12)]
    s.ok(rest.count(200) in range(4, 10) and rest[-1] == 429, "and what is left can be had", rest)


def test_room(s, scene):
    """A batch has a few of the pool's connections, not all of them."""
    api = scene.start()
    batch = "/api/trpc/" + ",".join(["posts.list"] * 20) + "?batch=1"
    s.equal(api.get(batch).status, 200, "a batch is answered")
    time.sleep(0.7)  # the figures are taken twice a second
    before = figures(api)["tenantry_pool_questions_total"]
    with scene.house.cluster.paused(), api.connect() as c:
        c.send(f"GET {batch} HTTP/1.1\r\nHost: {DUCKS}\r\n\r\n")
        time.sleep(0.7)
        asked = figures(api)["tenantry_pool_questions_total"] - before
    s.ok(1 <= asked <= 4, "no more than two of its questions are under way", asked)


def memory(api):
    """Of the parent and its workers, in KiB."""
    with open(f"/proc/{api.p.pid}/task/{api.p.pid}/children") as f:
        pids = [api.p.pid, *map(int, f.read().split())]
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/status") as f:
            total += int(re.search(r"VmRSS:\s+(\d+)", f.read())[1])
    return total


def test_bodies(s, scene):
    """Long bodies that do not end: only so much of them is taken in."""
    api = scene.start()
    before, held = memory(api), []
    part = b"x" * 900000
    try:
        for i in range(120):
            c = socket.create_connection((api.address, api.port), timeout=5)
            held.append(c)
            with contextlib.suppress(OSError):
                c.settimeout(0.2)
                c.sendall(f"POST /api/trpc/posts.create HTTP/1.1\r\nHost: {DUCKS}\r\nContent-Length: 1000000\r\n\r\n".encode() + part)
        time.sleep(0.5)
        grown = memory(api) - before
        s.ok(grown < 70 << 10, "120 bodies that never end take less than 70 MiB", f"{grown} KiB")
        s.equal(api.get("/api/plans").status, 200, "others are answered")
        a = api.post("/api/auth/login", {"email": "x@example.com", "password": "12345678"})
        s.equal(a.status, 401, "short bodies, too")
    finally:
        for c in held:
            c.close()
    s.ok(away.until(lambda: is_quiet(api), 10), "and they are forgotten with their clients")
    a = api.post("/api/trpc/posts.create", "x" * 900000, headers={"Content-Type": "application/json"})
    s.equal(a.status, 401, "then a long body is read again")


def test(s, house):
    scene = Scene(house)
    try:
        for part in (test_headers, test_bytes, test_credentials, test_json, test_other_site, test_hosts, test_batches, test_room, test_bodies, test_cut,
                     test_stop_under_way, test_signals_at_start):
            part(s, scene)
    finally:
        scene.tarpit.close()

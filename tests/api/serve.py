"""The server around the handlers: workers, signals, proxies, limits, log, figures, settings."""
import contextlib, json, os, re, signal, socket, subprocess, tempfile, threading, time

from server import CLAW, DUCKS, TIDE, Api, Connection
from suite import TOP, clean_env, edit, read, write

PATH = "/api/openapi.json"


def children(api):
    with open(f"/proc/{api.p.pid}/task/{api.p.pid}/children") as f:
        return [int(x) for x in f.read().split()]


def wait_for(test, seconds=10):
    end = time.monotonic() + seconds
    while not (got := test()) and time.monotonic() < end:
        time.sleep(0.02)
    return got


def logged(api, answer):
    """The log's line about a request."""
    id = answer["X-Request-Id"]
    find = lambda: [l for l in api.errors().splitlines() if l.startswith("{") and f'"id":"{id}"' in l]
    return json.loads(wait_for(find)[0])


# ---- settings ----

def ask_program(house, *args, **env):
    p = subprocess.run([house.api_path, *args], capture_output=True, text=True, env=clean_env(**env), timeout=20)
    return p.returncode, p.stdout, p.stderr


def check_settings(s, house):
    code, _, err = ask_program(house, "--workers", "none", "--listen", "localhost", "--trusted-proxy", "10.0.0.0/99", "--limit",
                               "reads=fast", "--bogus", "word", TENANTRY_API_POOL="0", TENANTRY_API_SNAPSHOTS="maybe")
    s.equal(code, 2, "bad settings: 2")
    for part in ("--workers", '"localhost"', '"10.0.0.0/99"', '"reads=fast"', "--bogus", '"word"', "TENANTRY_API_POOL", "TENANTRY_API_SNAPSHOTS"):
        s.equal(sum(part in line for line in err.splitlines()), 1, f"one line about {part}")
    code, out, _ = ask_program(house, "--help")
    s.ok(code == 0 and "--trusted-proxy NETWORK" in out and "TENANTRY_API_LISTEN" in out, "--help", out)
    s.equal(ask_program(house, "--version")[:2], (0, "tenantry-api " + house.program.version.split()[1] + "\n"), "--version")
    options = set(re.findall(r"^  (--[a-z-]+)", out, re.M)) | {"--help", "--version"}
    for name in ("docs/tenantry-api.8", "completions/tenantry-api.bash", "completions/_tenantry-api"):
        text = read(os.path.join(TOP, name)).decode()
        missing = [o for o in options if not re.search(o.replace("--", r"(--|Fl -|, -)") + r"\b", text)]
        s.equal(missing, [], f"{name} knows every option")
    code, out, _ = ask_program(house, "--check-config", "-C", house.workspace)
    s.ok(code == 0 and "all is well" in out, "--check-config of a good workspace", out)
    bad = house.copy_workspace("broken")
    edit(f"{bad}/tenants/sendclaw/config.json", '"branding"', '"brandnew"')
    code, _, err = ask_program(house, "--check-config", "-C", bad)
    s.ok(code == 1 and "tenants/sendclaw/config.json:" in err, "and of one with a mistake", err)
    secret = os.path.join(house.top, "url")
    write(secret, house.url("postgres") + "\n")
    api = house.start(TENANTRY_API_DIRECTORY="/nonexistent", DATABASE_URL_FILE=secret, TENANTRY_API_WORKERS="1")
    s.ok(wait_for(lambda: "the database" not in api.errors()), "the address of the database comes from a file")
    s.equal(len(children(api)), 1, "workers by the environment")
    api.stop()
    api = house.start(None, "--workers", "1")
    taken = subprocess.run([house.api_path, "-C", house.workspace, "--listen", f"127.0.0.1:{api.port}"], capture_output=True,
                           text=True, env=clean_env(), timeout=20)
    s.ok(taken.returncode == 3 and "Address already in use" in taken.stderr, "a port that is taken", taken.stderr)
    two = subprocess.Popen([house.api_path, "-C", house.workspace, "--listen", "127.0.0.1:0", "--listen", "[::1]:0", "--log", "off"],
                           stdout=subprocess.PIPE, text=True, env=clean_env())
    said = [two.stdout.readline(), two.stdout.readline()]
    two.terminate()
    two.wait(20)
    two.stdout.close()
    s.ok("http://127.0.0.1:" in said[0] and "http://[::1]:" in said[1], "two addresses", said)


# ---- workers ----

def check_killed(s, house):
    api = house.start(None, "--workers", "2")
    kept = [api.connect() for _ in range(12)]
    owner = {}
    for c in kept:
        owner[c] = logged(api, c.ask("GET", PATH))["worker"]
    s.equal(set(owner.values()), {0, 1}, "connections are spread over the workers")
    before = children(api)
    os.kill(before[0], signal.SIGKILL)
    s.ok(wait_for(lambda: len(children(api)) == 2 and children(api) != before), "a worker that was killed is replaced")
    fine = [c.ask("GET", PATH).status for c in kept if owner[c] == 1]
    s.ok(fine and set(fine) == {200}, "the other's connections go on", fine)
    s.equal({api.get("/healthz").status for _ in range(20)}, {200}, "and both answer")
    s.ok(re.search(r"worker 0 \(process \d+\) was ended by signal 9; the next one follows", api.errors()), "the log says so", api.errors())
    m = metrics(api)
    s.equal(m["tenantry_worker_restarts_total"], 1, "and the figures")
    for c in kept:
        c.close()
    pids = children(api)
    os.kill(api.p.pid, signal.SIGKILL)
    api.p.wait()
    s.ok(wait_for(lambda: not any(os.path.exists(f"/proc/{p}") for p in pids)), "without the parent the workers end")


class Load:
    """Threads that ask all the while, on connections that stay and on new ones; counts what was lost."""

    def __init__(self, api, threads=4, path=PATH, host=DUCKS):
        self.api, self.path, self.host = api, path, host
        self.going, self.done, self.lost, self.slow = True, 0, [], 0.0
        self.threads = [threading.Thread(target=self.run, args=(i % 2 == 0,)) for i in range(threads)]
        for t in self.threads:
            t.start()
        wait_for(lambda: self.done > 50)

    def run(self, keep):
        c = None
        while self.going:
            fresh = c is None
            try:
                if fresh:
                    c = self.api.connect()
            except OSError:
                break  # nobody listens any more
            try:
                began = time.monotonic()
                answer = c.ask("GET", self.path, host=self.host)
                if answer is None or answer.status != 200:
                    # The end of a connection that rested may cross the next request: clients ask again then.
                    if answer is not None or fresh:
                        self.lost.append(answer)
                        break
                    c.close()
                    c = None
                    continue
                self.done += 1
                self.slow = max(self.slow, time.monotonic() - began)
                if not keep or answer["Connection"] == "close":
                    c.close()
                    c = None
            except OSError as e:
                if fresh:
                    self.lost.append(e)
                    break
                c.close()
                c = None
        if c:
            c.close()

    def stop(self):
        self.going = False
        for t in self.threads:
            t.join()
        return self


def check_drain(s, house, db):
    rounds = 10 if house.full else 3
    lost = done = 0
    for _ in range(rounds):
        api = house.start(db)
        load = Load(api)
        time.sleep(0.2)
        code = api.stop(signal.SIGTERM)
        load.stop()
        lost, done = lost + len(load.lost), done + load.done
        s.equal(code, 0, "SIGTERM under load ends with 0")
    s.ok(not lost and done > 100 * rounds, f"no request is lost ({done} answered)", f"{lost} {load.lost[:3]}")
    api = house.start(db, "--drain-seconds", "1")
    idle = api.connect()
    idle.ask("GET", PATH)
    half = api.connect()
    half.send(f"GET {PATH} HTTP/1.1\r\nHost: {DUCKS}\r\n")
    time.sleep(0.2)
    began = time.monotonic()
    api.p.send_signal(signal.SIGINT)
    s.equal(idle.receive(), None, "an idle connection is closed")
    s.ok(time.monotonic() - began < 0.8, "at once", time.monotonic() - began)
    time.sleep(0.2)
    half.send("\r\n")
    answer = half.receive()
    s.equal((answer.status, answer["Connection"]), (200, "close"), "a request under way is answered, and is the last one")
    s.equal(api.stop(), 0, "SIGINT ends with 0")
    api = house.start(None, "--drain-seconds", "1", "--header-seconds", "60")
    stuck = api.connect()
    stuck.send("GET / HTTP/1.1\r\n")
    time.sleep(0.1)
    began = time.monotonic()
    s.equal(api.stop(), 0, "one that never ends its request")
    s.ok(0.8 < time.monotonic() - began < 4, "is not waited for any longer than was said", time.monotonic() - began)
    for c in (idle, half, stuck):
        c.close()


# ---- reloading ----

def check_reload(s, house, db):
    ws = house.copy_workspace("reload")
    api = house.start(db, workspace=ws)
    load = Load(api)
    config = f"{ws}/tenants/sendclaw/config.json"
    good = read(config)
    s.equal(api.get(PATH, host="claw.example").status, 421, "before: nobody's host")
    changed = json.loads(good)
    changed["domains"].append("claw.example")
    write(config, json.dumps(changed))
    api.p.send_signal(signal.SIGHUP)
    s.ok(wait_for(lambda: all(api.get(PATH, host="claw.example").status == 200 for _ in range(6))), "SIGHUP: the new host is known")
    write(config, b'{"id": "sendclaw",')
    api.p.send_signal(signal.SIGHUP)
    s.ok(wait_for(lambda: "not reloaded" in api.errors()), "a broken workspace is not taken over", api.errors()[-500:])
    s.ok("tenants/sendclaw/config.json:1:" in api.errors(), "and it says why", api.errors()[-500:])
    s.equal({api.get(PATH, host=h).status for h in (CLAW, "claw.example", DUCKS) for _ in range(4)}, {200}, "what was read before stays")
    write(config, good)
    api.p.send_signal(signal.SIGHUP)
    s.ok(wait_for(lambda: all(api.get(PATH, host="claw.example").status == 421 for _ in range(6))), "and it can be mended")
    for _ in range(20 if house.full else 5):
        api.p.send_signal(signal.SIGHUP)
        time.sleep(0.05)
    load.stop()
    s.ok(not load.lost and load.done > 200, f"no request failed meanwhile ({load.done} answered)", load.lost[:3])
    s.ok(metrics(api)["tenantry_reloads_total"] >= 3, "the figures count them")


def check_no_database(s, house):
    api = house.start(url="postgresql://tenantry_api@127.0.0.1:1/none", ready=False)
    s.equal(api.get(PATH).status, 200, "without its database it answers what files can tell")
    answer = api.get("/readyz")
    s.equal((answer.status, answer["Retry-After"]), (503, "1"), "but is not ready")
    s.ok("the database" in api.errors(), "and says so", api.errors())


# ---- proxies ----

def check_proxies(s, house):
    plain, behind = house.start(None, "--limit", "reads=1/1000"), house.start(
        None, "--limit", "reads=1/1000", "--trusted-proxy", "127.0.0.0/8", "--trusted-proxy", "10.0.0.0/8")

    def client(api, **headers):
        return logged(api, api.get(PATH, headers={k.replace("_", "-"): v for k, v in headers.items()}))["client"]

    def status(api, host=DUCKS, headers=()):
        return api.get(PATH, host=host, headers=headers).status

    s.equal(status(plain, "nobody.example", {"X-Forwarded-Host": DUCKS}), 421, "X-Forwarded-Host of anybody is not believed")
    s.equal(status(plain, DUCKS, {"X-Forwarded-Host": "nobody.example"}), 200, "nor does it hurt")
    s.equal(client(plain, X_Forwarded_For="203.0.113.9"), "127.0.0.1", "nor is X-Forwarded-For")
    s.equal(status(plain, DUCKS, {"X-Forwarded-For": "garbage"}), 200, "whatever it says")
    s.equal(status(behind, "nobody.example", {"X-Forwarded-Host": DUCKS}), 200, "of a trusted proxy it counts")
    s.equal(status(behind, DUCKS, {"X-Forwarded-Host": "nobody.example"}), 421, "both ways")
    s.equal(status(behind, "nobody.example", {"Forwarded": f"host={DUCKS}"}), 421, "Forwarded is not looked at")
    for name, value in (("X-Forwarded-Host", f"{DUCKS}, {CLAW}"), ("X-Forwarded-Host", "a b"), ("X-Forwarded-Host", ""),
                        ("X-Forwarded-Proto", "https, http"), ("X-Forwarded-Proto", "gopher"), ("X-Forwarded-For", "garbage"),
                        ("X-Forwarded-For", "203.0.113.9,"), ("X-Forwarded-For", "203.0.113.9, ::g")):
        s.equal(status(behind, headers={name: value}), 400, f"{name}: {value!r} is refused")
    s.equal(status(behind, headers=[("X-Forwarded-Host", DUCKS), ("X-Forwarded-Host", CLAW)]), 400, "two of them as well")
    for hops, wanted in (("203.0.113.9", "203.0.113.9"), ("198.51.100.1, 203.0.113.9", "203.0.113.9"),
                         ("203.0.113.9, 10.1.2.3", "203.0.113.9"), ("6.6.6.6, 203.0.113.9, 10.1.2.3, 10.0.0.1", "203.0.113.9"),
                         ("203.0.113.9:5555", "203.0.113.9"), ("[2001:db8::1]:5555", "2001:db8::1"), ("2001:db8::1", "2001:db8::1"),
                         ("garbage, 203.0.113.9", "203.0.113.9")):
        s.equal(client(behind, X_Forwarded_For=hops), wanted, f"X-Forwarded-For: {hops}")
    ids = {api: api.get("/healthz", headers={"X-Request-Id": "abcdefgh-12345_6"})["X-Request-Id"] for api in (plain, behind)}
    s.ok(ids[plain] != "abcdefgh-12345_6" and re.fullmatch(r"[0-9a-f]{16}", ids[plain]), "a request's id is made", ids)
    s.equal(ids[behind], "abcdefgh-12345_6", "or a trusted proxy's")
    odd = behind.get("/healthz", headers={"X-Request-Id": "short"})["X-Request-Id"]
    s.ok(odd != "short", "when it is one", odd)
    s.equal(len({plain.get("/healthz")["X-Request-Id"] for _ in range(50)}), 50, "no two are the same")


# ---- other origins ----

def check_origins(s, house):
    api = house.start()
    for origin, shared in ((f"https://{DUCKS}", True), (f"https://www.{DUCKS}", True), (f"https://{CLAW}", False),
                           (f"http://{DUCKS}", False), (f"https://{DUCKS}:444", False), (f"https://{DUCKS}.evil.example", False),
                           (f"https://evil{DUCKS}", False), (f"https://shop.{DUCKS}", False), ("null", False)):
        for method in ("GET", "OPTIONS"):
            answer = api.ask(method, PATH, headers={"Origin": origin, "Access-Control-Request-Method": "GET"})
            given = answer["Access-Control-Allow-Origin"]
            s.equal(given, origin if shared else None, f"{method} for a page of {origin}")
            s.equal(answer["Access-Control-Allow-Credentials"], None, "never with its cookies")
    answer = api.ask("OPTIONS", PATH, headers={"Origin": f"https://{DUCKS}", "Access-Control-Request-Headers": "x-client-type"})
    s.ok("x-client-type" in (answer["Access-Control-Allow-Headers"] or ""), "x-client-type may be sent", answer)
    s.ok("Origin" in (api.get(PATH)["Vary"] or ""), "caches are told")
    s.equal(api.ask("OPTIONS", "/api/nothing").status, 404, "OPTIONS of no path")
    s.equal(api.ask("OPTIONS", PATH, host="nobody.example").status, 421, "OPTIONS of nobody's host")


# ---- limits ----

def statuses(api, n, host=DUCKS, headers=(), method="GET"):
    with api.connect() as c:
        return [c.ask(method, PATH, host=host, headers=headers).status for _ in range(n)]


def check_limits(s, house):
    api = house.start(None, "--limit", "reads=0.5/10", "--limit", "tenant-reads=1/30", "--workers", "2", "--trusted-proxy", "127.0.0.1")
    frm = lambda a: {"X-Forwarded-For": a}
    got = statuses(api, 6, headers=frm("203.0.113.1")) + statuses(api, 6, headers=frm("203.0.113.1"))
    s.ok(got[:10] == [200] * 10 and 429 in got[10:], "a client's requests are limited, over all its connections", got)
    answer = api.get(PATH, headers=frm("203.0.113.1"))
    s.ok(answer.status == 429 and 1 <= int(answer["Retry-After"]) <= 3, "429 says when", answer)
    s.equal(answer["Content-Type"], "application/problem+json", "as a problem")
    time.sleep(int(answer["Retry-After"]))
    s.equal(api.get(PATH, headers=frm("203.0.113.1")).status, 200, "and then it is so")
    s.equal(api.get(PATH, headers=frm("203.0.113.2")).status, 200, "another client is not concerned")
    got = statuses(api, 5, headers=frm("2001:db8:1:1::1")) + statuses(api, 6, headers=frm("2001:db8:1:1:ffff::2"))
    s.ok(429 in got, "addresses of one /64 are one client", got)
    s.equal(api.get(PATH, headers=frm("2001:db8:1:2::1")).status, 200, "of another are another")
    got = [api.get(PATH, headers=frm(f"198.51.100.{i}")).status for i in range(40)]
    s.ok(429 in got, "all of a tenant's clients are limited together", got)
    s.equal(api.get(PATH, host=CLAW, headers=frm("198.51.100.99")).status, 200, "another tenant is not concerned")
    m = metrics(api)
    s.ok(m['tenantry_limited_total{by="client"}'] >= 2 and m['tenantry_limited_total{by="tenant"}'] >= 1, "the figures count both", m)
    api = house.start(None, "--limit", "writes=0.1/3")
    got = statuses(api, 6, method="PUT")
    s.ok(got[:3] == [405] * 3 and got[3:] == [429] * 3, "writes have a bucket of their own", got)
    s.equal(set(statuses(api, 60)), {200}, "apart from that of reads")
    api = house.start(None, "--limit", "off")
    s.equal(set(statuses(api, 400)), {200}, "--limit off")


# ---- log and figures ----

def metrics(api):
    """{name with labels: value}; checks that it is Prometheus's form."""
    text, found, typed = api.get("/metrics").text, {}, set()
    for line in text.splitlines():
        if m := re.fullmatch(r"# (HELP|TYPE) ([a-z_]+) (.+)", line):
            typed.add(m[2])
            continue
        m = re.fullmatch(r'([a-z_]+)((?:\{[a-z]+="[^"\\]*"(?:,[a-z]+="[^"\\]*")*\})?) ([0-9.e+]+)', line)
        assert m, f"not of the form: {line}"
        assert m[1] in typed or re.sub(r"_(bucket|sum|count)$", "", m[1]) in typed, f"without a type: {line}"
        assert m[1] + m[2] not in found, f"twice: {line}"
        found[m[1] + m[2]] = float(m[3])
    return found


def check_log(s, house, db):
    log = os.path.join(house.top, "requests.log")
    api = house.start(db, "--log", log)
    canary = "c4n4ry"
    where = {"the path": dict(path=f"/api/{canary}1"), "the query": dict(path=f"{PATH}?token={canary}2"),
             "Authorization": dict(headers={"Authorization": f"Bearer {canary}3"}), "a cookie": dict(headers={"Cookie": f"tenantry_session={canary}4"}),
             "the body": dict(method="POST", body={"password": canary + "5"}), "the host": dict(host=f"{canary}6.example"),
             "Referer": dict(headers={"Referer": f"https://{DUCKS}/{canary}7"}), "User-Agent": dict(headers={"User-Agent": canary + "8"}),
             "the request's id": dict(headers={"X-Request-Id": canary + "9-9999"}), "a key": dict(headers={"X-Api-Key": canary + "10"}),
             "the method": dict(method=canary.upper()), "a part of the path": dict(path=f"/api/posts/{canary}11"),
             "the proxy's header": dict(headers={"X-Forwarded-For": canary + "12"}),
             "a password in Basic": dict(headers={"Authorization": "Basic " + canary + "13"})}
    for what in where.values():
        kw = dict(method="GET", path=PATH) | what
        api.ask(kw.pop("method"), kw.pop("path"), **kw)
    with contextlib.suppress(OSError):
        api.raw(f"GET {PATH} HTTP/1.1\r\nHost: {DUCKS}\r\nHost: {canary}14\r\nAuthorization: {canary}\r\n\r\n", 2)
    wait_for(lambda: read(log).count(b"\n") >= len(where) + 1)
    api.stop()
    text = read(log).decode() + api.errors()
    s.ok(canary not in text.lower(), "nothing secret of a request is in the log", [l for l in text.splitlines() if canary in l.lower()][:3])
    lines = [json.loads(l) for l in read(log).decode().splitlines()]
    s.ok(len(lines) >= len(where), "a line for each request", len(lines))
    keys = {"time", "id", "tenant", "method", "route", "status", "bytes", "ms", "client", "worker"}
    s.ok(all(set(l) <= keys for l in lines), "with no other members", [set(l) - keys for l in lines])
    one = [l for l in lines if l.get("route") == PATH and l["status"] == 200][0]
    s.ok(one["tenant"] == "5ducks" and one["method"] == "GET" and one["bytes"] > 1000 and one["client"] == "127.0.0.1", "what they say", one)
    s.ok(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", one["time"]), "the time", one)
    s.equal(oct(os.stat(log).st_mode & 0o777), "0o640", "not everybody may read the log")
    api = house.start(db, "--log", log, "--workers", "1")
    os.rename(log, log + ".1")
    api.p.send_signal(signal.SIGUSR1)
    s.ok(wait_for(lambda: os.path.exists(log)), "SIGUSR1 opens it anew")
    id = api.get("/healthz")["X-Request-Id"]
    s.ok(wait_for(lambda: id in read(log).decode()), "and goes on there")
    off = house.start(None, "--log", "off")
    off.get("/healthz")
    off.stop()
    s.equal(off.errors(), "", "--log off")
    code, _, err = ask_program(house, "-C", house.workspace, "--listen", "127.0.0.1:0", "--log", "/nonexistent/x.log")
    s.ok(code == 3 and "/nonexistent/x.log" in err, "a log that cannot be written", err)


def check_stuck_log(s, house):
    """Nobody reads the other end of stderr: requests are answered all the same."""
    reader, writer = os.pipe()
    p = subprocess.Popen([house.api_path, "-C", house.workspace, "--listen", "127.0.0.1:0", "--workers", "1", "--limit", "off"],
                         stdout=subprocess.PIPE, stderr=writer, env=clean_env())
    os.close(writer)
    port = int(re.search(rb":(\d+)\n", p.stdout.readline())[1])
    api = type("Stuck", (), {"address": "127.0.0.1", "port": port})
    with Connection(api, timeout=10) as c:
        got = {c.ask("GET", "/healthz").status for _ in range(9000 if house.full else 1500)}
    s.equal(got, {200}, "a log that nobody reads stops nobody")
    p.terminate()
    s.equal(p.wait(20), 0, "nor the end")
    p.stdout.close()
    os.close(reader)


def check_metrics(s, house, db):
    api = house.start(db, "--workers", "2")
    before = metrics(api)
    for _ in range(30):
        api.get(PATH)
        api.get("/api/nothing")
    after = metrics(api)
    key = 'tenantry_requests_total{method="GET",route="/api/openapi.json",status="2xx"}'
    s.equal(after[key] - before.get(key, 0), 30, "requests are counted over both workers")
    key = 'tenantry_requests_total{method="",route="",status="4xx"}'
    s.equal(after[key] - before.get(key, 0), 30, "those without a route, too")
    s.equal(after['tenantry_request_seconds_bucket{le="+Inf"}'], after["tenantry_request_seconds_count"], "the histogram adds up")
    buckets = [v for k, v in after.items() if "_bucket" in k]
    s.equal(buckets, sorted(buckets), "and rises")
    s.equal(after["tenantry_workers"], 2, "so are the workers")
    s.ok(wait_for(lambda: metrics(api)["tenantry_pool_questions_total"] > 0, 3), "and the questions to the database")
    kept = [api.connect() for _ in range(20)]
    for c in kept:
        c.ask("GET", "/healthz")
    s.ok(wait_for(lambda: metrics(api)["tenantry_connections"] >= 20, 3), "open connections are counted")
    for c in kept:
        c.close()
    s.ok(wait_for(lambda: metrics(api)["tenantry_connections"] <= 4, 3), "and closed ones are not")
    for path in ("/metrics", "/readyz"):
        s.equal(api.get(path, headers={"X-Forwarded-For": "203.0.113.9"}).status, 404, f"{path} is not for those behind a proxy")
    behind = house.start(None, "--trusted-proxy", "127.0.0.1", "--metrics-from", "192.0.2.0/24")
    for path in ("/metrics",):
        s.equal(behind.get(path, headers={"X-Forwarded-For": "203.0.113.9"}).status, 404, f"{path}: a client of a trusted proxy")
        s.equal(behind.get(path, headers={"X-Forwarded-For": "127.0.0.1"}).status, 404, f"{path}: one that names this host")
        s.equal(behind.get(path, headers={"X-Forwarded-For": "192.0.2.7"}).status, 200, f"{path}: of --metrics-from")
    s.equal(behind.get("/healthz", headers={"X-Forwarded-For": "203.0.113.9"}).status, 200, "/healthz is for everybody")


# ---- systemd ----

def check_notify(s, house):
    folder = tempfile.mkdtemp(dir=house.top)
    path = os.path.join(folder, "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as n:
        n.bind(path)
        n.settimeout(10)
        api = house.start(None, NOTIFY_SOCKET=path)
        got = [n.recv(200).decode()]
        api.p.send_signal(signal.SIGHUP)
        got += [n.recv(200).decode(), n.recv(200).decode()]
        api.stop()
        got.append(n.recv(200).decode())
    s.ok(got[0] == "READY=1\n" and got[1].startswith("RELOADING=1\nMONOTONIC_USEC=") and got[2:] == ["READY=1\n", "STOPPING=1\n"],
         "systemd is told", got)


def test(s, house):
    db = house.database("api_serve")
    check_settings(s, house)
    check_killed(s, house)
    check_drain(s, house, db)
    check_reload(s, house, db)
    check_no_database(s, house)
    check_proxies(s, house)
    check_origins(s, house)
    check_limits(s, house)
    check_log(s, house, db)
    check_stuck_log(s, house)
    check_metrics(s, house, db)
    check_notify(s, house)

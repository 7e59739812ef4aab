"""Two hundred logins a second by an attacker: the queue of passwords stays short, memory small, everybody else served."""
import os, statistics, threading, time

from server import DUCKS

ALONE = True
PASSWORD = "correct horse battery"


def memory(api):
    """MB of all its processes, at their most."""
    children = open(f"/proc/{api.p.pid}/task/{api.p.pid}/children").read().split()
    most = []
    for pid in children or [str(api.p.pid)]:
        with open(f"/proc/{pid}/status") as f:
            most.append(next(int(line.split()[1]) for line in f if line.startswith("VmHWM")) / 1024)
    return max(most)


class Attack:
    def __init__(self, api, seconds, rate):
        self.codes, self.first, self.lock = {}, time.monotonic(), threading.Lock()
        self.api, self.seconds, self.rate, self.next = api, seconds, rate, 0
        self.threads = [threading.Thread(target=self.run) for _ in range(100)]
        for t in self.threads:
            t.start()

    def run(self):
        with self.api.connect(60) as c:
            while True:
                with self.lock:
                    n, self.next = self.next, self.next + 1
                at = self.first + n / self.rate
                if at > self.first + self.seconds:
                    return
                time.sleep(max(0, at - time.monotonic()))
                # Another e-mail each time, half of them somebody's: no throttle of an account stops it.
                answer = c.ask("POST", "/api/auth/login", body={"email": f"flood{n % 2000}@example.com", "password": f"guess number {n}"})
                with self.lock:
                    self.codes[answer.status] = self.codes.get(answer.status, 0) + 1

    def join(self):
        for t in self.threads:
            t.join()


def test(s, house):
    db = house.database("flood")
    house.sql("insert into tenantry.users (email) select 'flood' || 2 * n || '@example.com' from generate_series(1, 1000) n", db)
    api = house.start(db, TENANTRY_API_WORKERS="1")
    api.post("/api/auth/register", {"email": "calm@example.com", "password": PASSWORD})
    before = memory(api)
    attack = Attack(api, 20 if house.full else 5, 200)
    time.sleep(1)
    took = []
    with api.connect() as c:
        while any(t.is_alive() for t in attack.threads):
            began = time.perf_counter()
            answer = c.ask("GET", "/api/pricing/config")
            took.append(time.perf_counter() - began)
            if answer.status != 200:
                s.ok(False, "other routes are answered", answer)
            time.sleep(0.02)
    attack.join()
    after = memory(api)
    took.sort()
    median, p99 = statistics.median(took), took[int(len(took) * 0.99)]
    print(f"flood: {attack.codes}, {before:.0f} -> {after:.0f} MB, others p50 {median * 1e3:.1f} ms, p99 {p99 * 1e3:.1f} ms of {len(took)}, "
          f"load {os.getloadavg()[0]:.0f}")
    s.ok(set(attack.codes) <= {401, 429}, "logins are refused, or told to come later", attack.codes)
    s.ok(attack.codes.get(429, 0) >= 20, "the queue has an end", attack.codes)
    s.ok(attack.codes.get(401, 0) >= 20, "some are looked at all the while", attack.codes)
    s.ok(after < 200, "memory stays small", f"{after:.0f} MB")
    # On a machine that is busy with other things nobody can say who was slow.
    if os.getloadavg()[0] < 1.5 * (os.cpu_count() or 1):
        s.ok(p99 < 0.05, "others are answered within 50 ms", f"{p99 * 1e3:.1f} ms")
    else:
        s.skip("how fast others are answered meanwhile", f"the machine is busy (load {os.getloadavg()[0]:.0f})")
    answer = api.post("/api/auth/login", {"email": "calm@example.com", "password": PASSWORD})
    s.equal(answer.status, 200, "and when it is over, who knows the password comes in")
    api.stop()
    limited = house.start(db, "--limit", "login=0.1/10", TENANTRY_API_WORKERS="1")
    codes = [limited.post("/api/auth/login", {"email": f"x{i}@example.com", "password": "x" * 9}, host=DUCKS).status for i in range(14)]
    s.ok(codes[:10] == [401] * 10 and codes[-1] == 429, "an address has ten logins at once", codes)
    limited.stop()

"""Postgres stops, is paused, restarted, full: 503 with Retry-After and soon, and back within 2 seconds, asked or not."""
import os, threading, time

import cluster

ALONE = True
BACK_SECONDS = 2.0
HERE_NOW = 0.5  # an answer that waited for nothing


def ready(api):
    began = time.monotonic()
    answer = api.get("/readyz")
    return answer, time.monotonic() - began


def expect_away(s, api, what):
    """503 with Retry-After, and at once once it is known."""
    took = []
    for _ in range(10):
        answer, seconds = ready(api)
        took.append(seconds)
        if answer.status != 503 or not (answer["retry-after"] or "").isdigit():
            s.ok(False, f"{what}: 503 with Retry-After", answer)
            return
    s.ok(True, f"{what}: 503 with Retry-After")
    s.ok(max(took[1:]) < HERE_NOW, f"{what}: and at once", took)
    s.equal(api.get("/healthz").status, 200, f"{what}: the process itself is well")


def expect_back(s, api, what, since=None):
    since = since or time.monotonic()
    answer = api.until(lambda r: r.status == 200, seconds=10)
    seconds = time.monotonic() - since
    s.ok(answer and answer.status == 200 and seconds < BACK_SECONDS, f"{what}: back within 2 s", f"{seconds:.2f} s {answer}")


def ours(c, name):
    return int(c.sql(f"select count(*) from pg_stat_activity where usename = 'tenantry_api' and datname = '{name}'"))


def until(condition, seconds):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    return condition()


class Crowd:
    """Clients who ask all the while; every status, and the slowest answer."""

    def __init__(self, api, n=8):
        self.api, self.going, self.statuses, self.slowest, self.broken, self.bad = api, True, {}, 0.0, 0, None
        self.threads = [threading.Thread(target=self.run) for _ in range(n)]
        for t in self.threads:
            t.start()

    def run(self):
        while self.going:
            try:
                answer, seconds = ready(self.api)
            except OSError:
                self.broken += 1
                continue
            self.statuses[answer.status] = self.statuses.get(answer.status, 0) + 1
            if answer.status != 200:
                self.bad = answer
            self.slowest = max(self.slowest, seconds)
            time.sleep(0.005)

    def stop(self):
        self.going = False
        for t in self.threads:
            t.join()
        return self


def test_stopped(s, c, api):
    c.db("stop")
    expect_away(s, api, "stopped")
    code, text = c.db("start")
    expect_back(s, api, "started again")
    c.db("stop")
    time.sleep(1.5)  # the pauses between attempts are as long as they get
    code, text = c.db("start")
    s.ok(code == 0, "the database starts", text)
    s.ok(until(lambda: ours(c, "tenantry") > 1, BACK_SECONDS),  # one listens
         "it is connected again though nobody asks")
    s.equal(ready(api)[0].status, 200, "and ready")


def test_restarted(s, c, api):
    crowd = Crowd(api)
    time.sleep(0.3)
    c.db("stop")
    c.db("start")
    expect_back(s, api, "restarted under load")
    crowd.stop()
    s.ok(set(crowd.statuses) == {200, 503} and not crowd.broken, "whoever asked meanwhile had an answer or 503",
         f"{crowd.statuses} {crowd.broken} broken")
    s.ok(crowd.slowest < 1.5, "and nobody waited for it", f"{crowd.slowest:.2f} s")


def test_ended(s, c, api, full):
    """Connections that somebody ends, the server being well: nobody notices."""
    crowd = Crowd(api)
    for _ in range(10 if full else 2):
        time.sleep(1.2)
        c.sql("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'tenantry_api'")
    crowd.stop()
    s.ok(set(crowd.statuses) == {200}, "connections are ended under load: nobody notices", f"{crowd.statuses} {crowd.bad}")


def test_paused(s, c, api, full):
    ready(api)
    with c.paused():
        answer, seconds = ready(api)
        s.ok(answer.status == 503 and seconds < 3.5, "paused: 503, once that is plain", f"{seconds:.2f} s {answer}")
        expect_away(s, api, "paused")
        if full:
            time.sleep(12)  # until attempts to connect have been given up, too
            expect_away(s, api, "long paused")
    expect_back(s, api, "going on")


def test_full(s, c, api):
    """No connection is left for the API."""
    c.sql("alter role tenantry_api connection limit 0")
    c.sql("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'tenantry_api'")
    time.sleep(0.3)
    expect_away(s, api, "no connection left")
    c.sql("alter role tenantry_api connection limit 2")  # one listens
    expect_back(s, api, "one connection left")
    crowd = Crowd(api)
    time.sleep(1.5)
    crowd.stop()
    s.equal(set(crowd.statuses), {200}, "one connection serves everybody")
    c.sql("alter role tenantry_api connection limit -1")


def test_nothing_left(s, c, api):
    """After all that: nothing on any connection but what it began with, and no question still worked on."""
    busy = "select count(*) from pg_stat_activity where usename = 'tenantry_api' and state <> 'idle'"
    s.ok(until(lambda: c.sql(busy) == "0", 3), "nothing is under way, and no transaction open")
    s.equal(api.p.poll(), None, "the server is the same process")


def test(s, house):
    c = cluster.Cluster(house.program, os.path.join(house.top, "away"))
    code, text = c.db("start")
    if not s.ok(code == 0, "a database of its own is started", text):
        return
    c.connect()
    try:
        api = house.start(None, "--workers", "1", url=c.url("tenantry", "tenantry_api"))
        test_stopped(s, c, api)
        test_ended(s, c, api, house.full)
        test_full(s, c, api)
        test_restarted(s, c, api)
        test_paused(s, c, api, house.full)
        test_nothing_left(s, c, api)
    finally:
        house.stop_all()
        c.db("stop", "--discard")

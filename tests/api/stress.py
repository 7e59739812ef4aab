"""Thousands who do nothing and hundreds who are slow: everybody else stays fast, and the slow ones are sent away."""
import contextlib, os, re, resource, select, socket, subprocess, threading, time

ALONE = True
SPARE_SECONDS = 2
FAST = 0.020
IDLE_BYTES = 5 << 10


def numbers(full):
    """(idle, slow) connections, fewer where the limit of open files says so."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        soft = hard
    idle, slow = (10000, 2000) if full else (600, 120)
    most = soft - 300
    return (idle, slow) if idle + slow <= most else (most * 5 // 6, most // 6)


def worker(api):
    kids = subprocess.run(["ps", "-o", "pid=", "--ppid", str(api.p.pid)], capture_output=True, text=True).stdout.split()
    return int(kids[0]) if kids else api.p.pid


def memory(pid):
    with open(f"/proc/{pid}/smaps_rollup") as f:
        return int(re.search(r"Private_Dirty: +(\d+)", f.read())[1]) << 10


def connect(api, n):
    found = []
    for _ in range(n):
        s = socket.create_connection((api.address, api.port), timeout=30)
        s.setblocking(False)
        found.append(s)
    return found


class Others(threading.Thread):
    """Clients who want an answer now; how long each took."""

    def __init__(self, api):
        super().__init__()
        self.api, self.going, self.took, self.bad = api, True, [], None
        self.start()

    def run(self):
        with self.api.connect() as a, self.api.connect() as b:
            while self.going:
                for c in (a, b):
                    began = time.perf_counter()
                    answer = c.ask("GET", "/healthz")
                    self.took.append(time.perf_counter() - began)
                    if answer is None or answer.status != 200:
                        self.bad = answer or "closed"
                        return
                time.sleep(0.003)

    def stop(self):
        """The 99th percentile."""
        self.going = False
        self.join()
        return sorted(self.took)[len(self.took) * 99 // 100]


class Slow:
    """Requests of which a byte comes now and then: in the header, in the body, or that are asked and never read."""

    HEADER = b"GET /healthz HTTP/1.1\r\nHost: fiveducks.ai\r\nX-Slow: " + b"a" * 10000
    BODY = b"POST /api/trpc/posts.create HTTP/1.1\r\nHost: fiveducks.ai\r\nContent-Type: application/json\r\n" \
           b"Content-Length: 9000\r\n\r\n"

    def __init__(self, api, n):
        self.began = time.monotonic()
        self.open = {s.fileno(): (s, i % 2) for i, s in enumerate(connect(api, n))}
        self.n, self.at, self.last = n, 0, None
        self.poll = select.epoll()
        for fd, (s, body) in self.open.items():
            s.send(self.BODY if body else self.HEADER[:20])
            self.poll.register(fd, select.EPOLLIN | select.EPOLLHUP | select.EPOLLERR)

    def gone(self, fd):
        s, _ = self.open.pop(fd)
        self.poll.unregister(fd)
        s.close()
        self.last = time.monotonic() - self.began

    def run(self, seconds):
        """Goes on for so long, or until all are gone."""
        end = time.monotonic() + seconds
        while self.open and time.monotonic() < end:
            for fd, (s, body) in list(self.open.items()):
                try:
                    s.send(b"x" if body else self.HEADER[20 + self.at:21 + self.at])
                except BlockingIOError:
                    pass
                except OSError:
                    self.gone(fd)
            self.at += 1
            until = time.monotonic() + 0.5
            while self.open and (left := until - time.monotonic()) > 0:
                for fd, _ in self.poll.poll(left, 4096):
                    with contextlib.suppress(OSError):
                        if fd in self.open and self.open[fd][0].recv(65536):
                            continue
                    if fd in self.open:
                        self.gone(fd)


def test(s, house):
    idle, slow = numbers(house.full)
    deadline = 10 if house.full else 4  # from accepting to the end of the header; bodies have as much
    api = house.start(None, "--workers", "1", "--header-seconds", str(deadline), "--clients", "14000", "--limit", "off", "--log", "off")
    pid = worker(api)
    quiet = Others(api)
    time.sleep(2)
    bound = max(FAST, 3 * quiet.stop())  # a machine that is busy otherwise is slow without a crowd
    before = memory(pid)
    crowd = connect(api, idle)
    time.sleep(1)
    each = (memory(pid) - before) / idle
    others = Others(api)
    slow_ones = Slow(api, slow)
    slow_ones.run(deadline + SPARE_SECONDS + 3)
    p99 = others.stop()
    if house.full:
        print(f"    {idle} idle, {each:.0f} bytes each; {slow} slow, the last gone after {slow_ones.last or 0:.1f} s; "
              f"p99 of {len(others.took)} others {p99 * 1000:.1f} ms (bound {bound * 1000:.0f})")
    s.ok(others.bad is None and p99 < bound, f"beside {idle} idle and {slow} slow ones others stay fast",
         f"p99 {p99 * 1000:.1f} ms, bound {bound * 1000:.1f}; {others.bad}")
    s.ok(not slow_ones.open and slow_ones.last < deadline + SPARE_SECONDS, "the slow ones are gone 2 s after their time",
         f"{len(slow_ones.open)} of {slow} are left, the last went after {slow_ones.last}")
    if house.full:
        s.ok(each < IDLE_BYTES, "an idle connection costs less than 5 KB", f"{each:.0f} bytes")
    alive = 0
    for c in crowd[:100]:
        with contextlib.suppress(OSError):
            alive += c.recv(1) == b""  # those that never sent a byte are gone as well
    s.equal(alive, min(100, idle), "so are those that never began")
    s.equal(api.get("/healthz").status, 200, "and it serves on")
    for c in crowd:
        c.close()
    s.equal(api.p.poll(), None, "by the same process")

"""tenantry-api under test: databases of its own, a port of the kernel's choice, raw bytes where they are needed."""
import contextlib, fcntl, json, os, re, shutil, signal, socket, subprocess, sys, tempfile, time

from cluster import Cluster
from suite import clean_env, copy_sample, read, write

HERE = os.path.dirname(os.path.abspath(__file__))
SANITIZERS = ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "WARNING: ThreadSanitizer", "runtime error:")
FETCH_SECONDS = 120
DUCKS, CLAW, TIDE = "fiveducks.ai", "sendclaw.com", "tidewater.press"  # hosts of the sample tenants


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.all, self.body = status, headers, body
        self.headers = {k.lower(): v for k, v in headers}

    @property
    def text(self):
        return self.body.decode("utf-8", "replace")

    @property
    def json(self):
        return json.loads(self.body)

    def __getitem__(self, name):
        return self.headers.get(name.lower())

    def __repr__(self):
        return f"{self.status} {self.all} {self.body[:300]!r}"


class Connection:
    """One connection that stays, for anything that can be written on it."""

    def __init__(self, api, timeout=20):
        self.socket = socket.create_connection((api.address, api.port), timeout=timeout)
        self.file = self.socket.makefile("rb")

    def send(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else data.encode())

    def receive(self, head=False):
        """The next answer; None when the other side has closed."""
        line = self.file.readline()
        if not line:
            return None
        status, headers = int(line.split()[1]), []
        while (line := self.file.readline().strip()):
            name, _, value = line.decode("latin-1").partition(":")
            headers.append((name, value.strip()))
        given = {k.lower(): v for k, v in headers}
        if head or status in (204, 304) or status < 200:
            body = b""
        elif given.get("transfer-encoding") == "chunked":
            body = b""
            while (size := int(self.file.readline().split(b";")[0], 16)):
                body += self.file.read(size)
                self.file.readline()
            self.file.readline()
        elif "content-length" in given:
            body = self.file.read(int(given["content-length"]))
        else:
            body = self.file.read()
        return Answer(status, headers, body)

    def ask(self, method, path, host=DUCKS, headers=(), body=None):
        """headers: a dict or pairs; body: bytes, text, or what becomes JSON."""
        pairs = list(headers.items() if isinstance(headers, dict) else headers)
        names = {k.lower() for k, _ in pairs}
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
            if "content-type" not in names:
                pairs.append(("Content-Type", "application/json"))
        data = body.encode() if isinstance(body, str) else body or b""
        if (data or method in ("POST", "PUT", "PATCH")) and "content-length" not in names:
            pairs.append(("Content-Length", str(len(data))))
        lines = [f"{method} {path} HTTP/1.1", f"Host: {host}"] + [f"{k}: {v}" for k, v in pairs]
        self.send("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + data)
        return self.receive(method == "HEAD")

    def close(self):
        self.file.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Api:
    """One tenantry-api; ended by its id."""

    def __init__(self, binary, workspace, url, args, env, report=None):
        self.report = report  # of what no test asks for: report(what, details)
        line = [binary, "--listen", "127.0.0.1:0", "-C", workspace, *args]
        if "--limit" not in args:
            line += ["--limit", "off"]  # the tests ask more often than a visitor
        if url:
            line += ["--database", url]
        # On a large machine as on a small one: all connections of all areas are those of one Postgres.
        env = {"TENANTRY_API_WORKERS": "2", **env}
        self.log = tempfile.TemporaryFile()
        self.p = subprocess.Popen(line, env=clean_env(**env), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log)
        self.said = self.p.stdout.readline().decode()
        m = re.search(r"listening on http://([\d.]+):(\d+)", self.said)
        if not m:
            self.p.wait(20)
            raise AssertionError(f"tenantry-api does not listen: {self.said}{self.errors()}")
        self.address, self.port = m[1], int(m[2])
        self.base = f"http://{self.address}:{self.port}"

    def errors(self):
        """What it wrote to stderr so far."""
        self.log.seek(0)
        return self.log.read().decode("utf-8", "replace")

    def connect(self, timeout=20):
        return Connection(self, timeout)

    def ask(self, method, path, **kw):
        with self.connect() as c:
            return c.ask(method, path, **kw)

    def get(self, path, host=DUCKS, **kw):
        return self.ask("GET", path, host=host, **kw)

    def post(self, path, body=None, host=DUCKS, **kw):
        return self.ask("POST", path, host=host, body=body, **kw)

    def raw(self, data, seconds=5):
        """Every byte that comes back until the other side closes or `seconds` are over."""
        got, end = b"", time.monotonic() + seconds
        with socket.create_connection((self.address, self.port), timeout=seconds) as s:
            s.sendall(data if isinstance(data, bytes) else data.encode())
            with contextlib.suppress(OSError):
                while (left := end - time.monotonic()) > 0:
                    s.settimeout(left)
                    part = s.recv(65536)
                    if not part:
                        break
                    got += part
        return got

    def until(self, test, path="/readyz", seconds=10, **kw):
        """The first answer to pass the test, or the last one."""
        end = time.monotonic() + seconds
        while True:
            with contextlib.suppress(OSError):
                answer = self.get(path, **kw)
                if test(answer) or time.monotonic() > end:
                    return answer
            if time.monotonic() > end:
                return None
            time.sleep(0.02)

    def stop(self, how=signal.SIGTERM, seconds=40):
        """Its exit code."""
        if self.p.poll() is None:
            self.p.send_signal(how)
            try:
                self.p.wait(seconds)
            except subprocess.TimeoutExpired:
                self.p.kill()
                self.p.wait()
        if not self.p.stdout.closed:
            self.p.stdout.close()
            self.inspect()
        return self.p.returncode

    def inspect(self):
        """Reports what nobody may overlook: a sanitizer's word, or an end that is none."""
        text = self.errors()
        found = [text.find(word) for word in SANITIZERS if word in text]
        if not self.report:
            return
        if found:
            self.report("a sanitizer finds nothing in the server", text[min(found):][:6000])
        elif self.p.returncode not in (0, -signal.SIGKILL):  # a test's own doing
            self.report("the server ends with status 0", f"{self.p.returncode}\n{text[-3000:]}")


class House:
    """What the areas share: the cluster, the programs, and what must be ended."""

    def __init__(self, program, api, top, full, shared=None, soak=0):
        self.soak, self.program, self.api_path, self.top, self.full = soak, program, os.path.abspath(api), top, full
        self.cluster = shared or Cluster(program, top)
        self.workspace = self.cluster.workspace
        self.running, self.suite = [], None

    def open(self, suite):
        self.suite = suite
        code, text = self.cluster.db("start")
        if not suite.ok(code == 0, "a database is started for the API", text):
            return False
        self.cluster.connect()
        return True

    @contextlib.contextmanager
    def room(self, name, suite, own):
        """The house of one area, with a folder of its own; `own`: and a cluster of its own."""
        top = os.path.join(self.top, name)
        os.mkdir(top)
        room = House(self.program, self.api_path, top, self.full, None if own else self.cluster, self.soak)
        room.suite = suite
        try:
            if not own or room.open(suite):
                yield room
        finally:
            room.close(own)

    @contextlib.contextmanager
    def lock(self, path):
        """Of all areas one at a time."""
        with open(path, "w") as f:
            fcntl.flock(f, fcntl.LOCK_EX)
            yield

    def database(self, name, seed=True):
        """A database of the area's own, with the sample tenants; answers its name."""
        c = self.cluster
        steps = [["migrate"], ["seed", "--plans"]] if seed else [["migrate"]]
        with self.lock(os.path.join(c.workspace, "making")):  # roles belong to the whole cluster
            c.make(name)
            for step in steps:
                code, text = c.db(*step, "--database", c.url(name))
                assert code == 0, text
        c.sql(f"grant connect on database {name} to tenantry_api", name)
        return name

    def url(self, name, user="tenantry_api"):
        return self.cluster.url(name, user)

    def sql(self, sql, name, **kw):
        return self.cluster.sql(sql, name, **kw)

    def copy_workspace(self, name):
        """The sample workspace once more, to be changed."""
        return copy_sample(os.path.join(self.top, name))

    def start(self, name=None, *args, workspace=None, ready=True, url=None, **env):
        """A running server on the database `name` (None: without one)."""
        url = url or (self.url(name) if name else None)
        api = Api(self.api_path, workspace or self.workspace, url, args, env, self.report)
        self.running.append(api)
        if url and ready:
            answer = api.until(lambda r: r.status == 200)
            assert answer and answer.status == 200, f"it is never ready: {answer}\n{api.errors()}"
        return api

    def launch(self, name, *args, **env):
        """The process alone, which may not listen yet; for `end`."""
        line = [self.api_path, "--listen", "127.0.0.1:0", "-C", self.workspace, "--limit", "off", "--database", self.url(name), *args]
        return subprocess.Popen(line, env=clean_env(**env), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    @staticmethod
    def end(p, wait=False):
        """(all it said, its exit code); told to stop as soon as it listens, unless it only has to be waited for."""
        said = b"" if wait else p.stdout.readline()
        if not wait and p.poll() is None:
            time.sleep(0.1)
            p.terminate()
        try:
            said += p.communicate(timeout=40)[0]
        except subprocess.TimeoutExpired:
            p.kill()
            said += p.communicate()[0]
        return said.decode("utf-8", "replace"), p.returncode

    def report(self, what, details):
        self.suite.ok(False, what, details)

    def stop_all(self):
        while self.running:
            self.running.pop().stop()

    def close(self, own=True):
        self.stop_all()
        if own:
            self.cluster.db("stop", "--discard")

    def node(self, *packages):
        """(folder with node_modules of package.json, None), or (None, why there is none).  Fetched once, kept beside
        the program."""
        if not shutil.which("node"):
            return None, "there is no node (apt-get install nodejs npm)"
        folder = os.path.join(os.path.dirname(self.api_path), "api-node")
        os.makedirs(folder, exist_ok=True)
        with self.lock(os.path.join(folder, ".lock")):
            return self.fetch(folder, packages)

    def install(self, folder):
        """What went wrong, or None.  Who fails says so to the other areas, which do not wait for the same again."""
        failed = os.path.join(self.cluster.workspace, "no-packages")
        if os.path.exists(failed):
            return read(failed).decode()
        try:
            p = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--silent"], cwd=folder,
                               stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=FETCH_SECONDS)
            why = (p.stdout + p.stderr).strip()[-200:] or "it does not say why" if p.returncode else None
        except subprocess.TimeoutExpired:
            why = f"no end after {FETCH_SECONDS} s"
        if why:
            write(failed, why)
        return why

    def fetch(self, folder, packages):
        wanted, have = os.path.join(HERE, "package.json"), os.path.join(folder, "package.json")
        same = os.path.exists(have) and open(have).read() == open(wanted).read()
        if not same or not os.path.isdir(os.path.join(folder, "node_modules")):
            if not shutil.which("npm"):
                return None, "there is no npm (apt-get install npm)"
            with contextlib.suppress(OSError):
                os.remove(have)
            shutil.copy(wanted, have + ".new")
            os.rename(have + ".new", have)
            why = self.install(folder)
            if why:
                os.remove(have)
                return None, f"npm cannot fetch the packages ({why})"
        for name in packages:
            if not os.path.isdir(os.path.join(folder, "node_modules", name)):
                return None, f"the package {name} is not there"
        return folder, None

    def run_node(self, script, *args, seconds=120):
        """(exit code, what it printed) of a .mjs file of this folder, run where the packages are."""
        folder, why = self.node()
        if not folder:
            return None, why
        copy = os.path.join(folder, os.path.basename(script))
        shutil.copy(os.path.join(HERE, script), copy)
        env = clean_env(HOME=folder)
        p = subprocess.run(["node", copy, *args], capture_output=True, text=True, env=env, timeout=seconds)
        sys.stdout.flush()
        return p.returncode, p.stdout + p.stderr

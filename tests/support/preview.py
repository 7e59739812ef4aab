"""A preview server under test: started on a port of the kernel's choice, asked over plain sockets, ended by its id."""
import http.client, json, os, queue, re, signal, socket, subprocess, threading, time

from suite import CLOCK, clean_env

BROWSER = {"User-Agent": "Mozilla/5.0 (test)", "Accept": "text/html,application/xhtml+xml"}


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.body = status, body
        self.all = headers
        self.headers = {k.lower(): v for k, v in headers}

    @property
    def text(self):
        return self.body.decode("utf-8", "replace")

    def __getitem__(self, name):
        return self.headers.get(name.lower())

    def __repr__(self):
        return f"{self.status} {self.all} {self.body[:200]!r}"


class Events:
    """A stream of server-sent events, read by a thread."""

    def __init__(self, preview, query, host):
        self.got = queue.Queue()
        self.socket = socket.create_connection((preview.address, preview.port), timeout=30)
        self.socket.sendall(f"GET /.tenantry/events?{query} HTTP/1.1\r\nHost: {host}:{preview.port}\r\n\r\n".encode())
        threading.Thread(target=self._read, daemon=True).start()
        self.hello = self.next(10, "hello")

    def _read(self):
        data = b""
        try:
            while True:
                part = self.socket.recv(65536)
                if not part:
                    break
                now = time.monotonic()
                data += part
                *whole, data = data.split(b"\n\n")
                for event in whole:
                    m = re.search(rb"event: (\w+)\ndata: (.*)", event)
                    if m:
                        self.got.put((m.group(1).decode(), json.loads(m.group(2)), now))
        except OSError:
            pass
        self.got.put((None, None, time.monotonic()))

    def next(self, seconds=5, name="change"):
        """The next event of that name, or None."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            try:
                kind, data, self.when = self.got.get(timeout=left)
            except queue.Empty:
                return None
            if kind is None:
                return None
            if kind == name:
                return data
        return None

    def until(self, test, seconds=5, name="change"):
        """Events until one of them passes the test; that one, or None."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            data = self.next(left, name)
            if data is None or test(data):
                return data
        return None

    def quiet(self, seconds=0.4):
        return self.next(seconds) is None

    def close(self):
        self.socket.close()


class Preview:
    def __init__(self, binary, workspace, *args, clock=CLOCK, port="0", env=None):
        line = [binary, "serve", "-C", workspace, "--port", str(port), "--format", "json", *args]
        if clock:
            line += ["--clock", clock]
        self.process = subprocess.Popen(line, env=env or clean_env(), stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
        self.pid, self.address, self.port, self.said = self.process.pid, "127.0.0.1", 0, []
        for line in self.process.stdout:
            self.said.append(json.loads(line))
            if self.said[-1]["type"] == "listening":
                self.port = self.said[-1]["port"]
                break
        for stream in (self.process.stdout, self.process.stderr):
            threading.Thread(target=self._drain, args=(stream,), daemon=True).start()

    def _drain(self, stream):
        for line in stream:
            self.said.append(line.decode("utf-8", "replace"))

    def get(self, host, path="/", headers=(), method="GET", browser=False, timeout=30):
        c = http.client.HTTPConnection(self.address, self.port, timeout=timeout)
        try:
            c.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            c.putheader("Host", host if ":" in host or "." in host and not host.endswith(".localhost") else f"{host}:{self.port}")
            for k, v in {**(BROWSER if browser else {}), **dict(headers)}.items():
                c.putheader(k, v)
            c.endheaders()
            r = c.getresponse()
            return Answer(r.status, r.getheaders(), r.read())
        finally:
            c.close()

    def raw(self, data, timeout=5):
        """What comes back for these bytes, until the server closes or says no more."""
        with socket.create_connection((self.address, self.port), timeout=timeout) as s:
            s.settimeout(timeout)
            got = b""
            try:
                s.sendall(data)
                s.shutdown(socket.SHUT_WR)
                while part := s.recv(65536):
                    got += part
            except OSError:
                pass
            return got

    def events(self, query="path=/", host="acme.localhost"):
        return Events(self, query, host)

    def wait_for(self, test, seconds=10):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if test():
                return True
            time.sleep(0.02)
        return False

    def alive(self):
        return self.process.poll() is None

    def fds(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def children(self):
        with open(f"/proc/{self.pid}/task/{self.pid}/children") as f:
            return f.read().split()

    def memory(self):
        with open(f"/proc/{self.pid}/status") as f:
            return int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1))

    def end(self, how=signal.SIGTERM):
        """The exit status."""
        if self.alive():
            os.kill(self.pid, how)
        try:
            return self.process.wait(10)
        except subprocess.TimeoutExpired:
            os.kill(self.pid, signal.SIGKILL)
            self.process.wait()
            return "had to be killed"

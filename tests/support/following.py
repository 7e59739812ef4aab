"""A `tenantry build --watch` under test: what it says, a JSON object a line, read by a thread; ended by its id."""
import atexit, json, os, queue, signal, subprocess, threading, time

from suite import clean_env


class Following:
    def __init__(self, program, workspace, url, *args, wait=60):
        line = [program, "build", "--watch", "-C", workspace, "--database", url, "--format", "json", *args]
        self.p = subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  text=True, env=clean_env(), start_new_session=True)
        atexit.register(self.end, signal.SIGKILL)  # whatever fails in between
        self.pid, self.said, self.fresh, self.errors = self.p.pid, [], queue.Queue(), []
        threading.Thread(target=self._read, daemon=True).start()
        threading.Thread(target=lambda: self.errors.extend(self.p.stderr), daemon=True).start()
        self.ready = bool(self.next("following", seconds=wait))
        self.built = list(self.said)  # what the first build said, among it
        self.said.clear()

    def _read(self):
        for line in self.p.stdout:
            v = json.loads(line)
            v["at"] = time.monotonic()
            self.said.append(v)
            self.fresh.put(v)
        self.fresh.put(None)

    def next(self, type="rebuild", seconds=5, **want):
        """The next object of that type with these values; None when none comes in time."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            try:
                v = self.fresh.get(timeout=left)
            except queue.Empty:
                return None
            if v is None:
                return None
            if v["type"] == type and all(v.get(k) == x for k, x in want.items()):
                return v
        return None

    def quiet(self, seconds=1.0):
        """Waits until nothing was said for so long; all that was since the last call."""
        got = []
        while True:
            try:
                v = self.fresh.get(timeout=seconds)
            except queue.Empty:
                return got
            if v is None:
                return got
            got.append(v)

    def memory(self):
        """Resident MiB of it and its workers at their highest."""
        total = 0
        for pid in [self.pid, *self.workers()]:
            with open(f"/proc/{pid}/status") as f:
                total += next(int(line.split()[1]) for line in f if line.startswith("VmHWM")) / 1024
        return total

    def workers(self):
        with open(f"/proc/{self.pid}/task/{self.pid}/children") as f:
            return [int(x) for x in f.read().split()]

    def end(self, sig=signal.SIGTERM, seconds=20):
        """The exit code; None when it had to be killed."""
        if self.p.poll() is None:
            os.kill(self.pid, sig)
        try:
            return self.p.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(self.pid, signal.SIGKILL)
            self.p.wait()
            return None

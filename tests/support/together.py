"""Parts of a suite beside each other: most of what they do is waiting.  Each runs in a process of its own; what it prints
is kept, and shown in the order of the parts."""
import atexit, contextlib, os, signal, sys, tempfile, time, traceback

from suite import Suite

JOBS = (os.cpu_count() or 1) + 1  # at a time, where nobody says


class Part:
    """`work(suite)` under a name.  `alone`: nothing runs beside it, since it measures how long things take or needs much of
    the machine.  `long`: it is among the first to begin."""

    def __init__(self, name, work, alone=False, long=False):
        self.name, self.work, self.alone, self.long = name, work, alone, long
        self.done, self.seconds, self.counts, self.code = False, 0.0, [], None

    def begin(self, verbose):
        """The id of its process."""
        self.said, self.began = tempfile.TemporaryFile(), time.monotonic()
        self.told, writer = os.pipe()
        sys.stdout.flush()
        pid = os.fork()
        if pid == 0:
            os.close(self.told)
            self.live(Suite(verbose), writer)
        os.close(writer)
        return pid

    def live(self, suite, writer):
        """The process; it does not return, since folders and servers that are shared are the parent's to remove."""
        code = 1
        try:
            os.dup2(self.said.fileno(), 1)
            os.dup2(self.said.fileno(), 2)
            try:
                self.work(suite)
            except Exception:
                traceback.print_exc()
                suite.ok(False, f"{self.name} comes to its end")
            os.write(writer, f"{suite.passed} {suite.failed} {suite.skipped}".encode())
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            atexit._run_exitfuncs()
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def ended(self, code):
        self.done, self.code, self.seconds = True, code, time.monotonic() - self.began
        with os.fdopen(self.told) as f:
            self.counts = [int(x) for x in f.read().split()]

    def show(self, suite):
        self.said.seek(0)
        sys.stdout.write(self.said.read().decode("utf-8", "replace"))
        self.said.close()
        if self.code or len(self.counts) != 3:
            suite.ok(False, f"{self.name} comes to its end", f"its process ended with {self.code}")
        else:
            suite.passed, suite.failed, suite.skipped = (
                a + b for a, b in zip((suite.passed, suite.failed, suite.skipped), self.counts))
        if suite.verbose:
            print(f"      {self.name}: {self.seconds:.1f} s")
        sys.stdout.flush()


def run_some(suite, parts, jobs):
    waiting, running, shown = sorted(parts, key=lambda p: not p.long), {}, 0
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                part = waiting.pop(0)
                running[part.begin(suite.verbose)] = part
            pid, status = os.wait()
            if pid in running:
                running.pop(pid).ended(os.waitstatus_to_exitcode(status))
            while shown < len(parts) and parts[shown].done:
                parts[shown].show(suite)
                shown += 1
    finally:
        for pid in running:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        for pid in running:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)


def run(suite, parts, jobs=JOBS):
    """`jobs` at a time, then those that have to be alone."""
    run_some(suite, [p for p in parts if not p.alone], jobs)
    run_some(suite, [p for p in parts if p.alone], 1)

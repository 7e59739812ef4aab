"""What the suites of whole builds share: counting, running the program, looking at a tree."""
import contextlib, hashlib, os, shutil, signal, stat, subprocess, sys, tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CLOCK = "2026-06-01T12:00:00Z"


class Suite:
    """Counts what passed; prints what failed."""

    def __init__(self, verbose=False):
        self.passed = self.failed = self.skipped = 0
        self.verbose = verbose

    def ok(self, condition, what, detail=""):
        if condition:
            self.passed += 1
            if self.verbose:
                print("ok    " + what)
        else:
            self.failed += 1
            print("FAIL  " + what)
            for line in str(detail).splitlines()[:25]:
                print("        " + line[:300])
        sys.stdout.flush()
        return bool(condition)

    def equal(self, got, want, what):
        return self.ok(got == want, what, f"got  {got!r}\nwant {want!r}")

    def skip(self, what, why):
        self.skipped += 1
        print(f"skipped: {what}: {why}", flush=True)

    def finish(self):
        tail = f", {self.skipped} skipped" if self.skipped else ""
        print(f"{self.passed} passed, {self.failed} failed{tail}")
        sys.exit(bool(self.failed))


@contextlib.contextmanager
def scratch():
    """A folder for one suite, removed whatever the modes in it."""
    top = tempfile.mkdtemp(prefix="tenantry-test-")
    os.chmod(top, 0o755)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        yield top
    finally:
        for folder, names, _ in os.walk(top):
            for name in names:
                path = os.path.join(folder, name)
                if not os.path.islink(path):
                    with contextlib.suppress(OSError):
                        os.chmod(path, 0o755)
        shutil.rmtree(top, ignore_errors=True)


def clean_env(**more):
    """The environment of a build: nothing of the caller's but the path."""
    env = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": "/nonexistent"}
    for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LD_LIBRARY_PATH"):
        if name in os.environ:
            env[name] = os.environ[name]
    env.update(more)
    return env


class Program:
    """The binary under test."""

    def __init__(self, path):
        self.path = os.path.abspath(path)
        with open(self.path, "rb") as f:
            self.sanitized = b"__asan_init" in f.read()
        self.version = subprocess.run([self.path, "--version"], capture_output=True, text=True, check=True).stdout.strip()

    def command(self, workspace, *args, clock=CLOCK, out=None, command="build"):
        line = [self.path, command, "-C", workspace, *args]
        if clock:
            line += ["--clock", clock]
        if out:
            line += ["--out", out]
        return line

    def start(self, workspace, *args, env=None, cwd=None, preexec=None, **kw):
        return subprocess.Popen(self.command(workspace, *args, **kw), env=env or clean_env(), cwd=cwd,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                start_new_session=True, preexec_fn=preexec)

    def build(self, workspace, *args, timeout=240, **kw):
        """(exit code, everything it printed)"""
        p = self.start(workspace, *args, **kw)
        try:
            out, err = p.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(p.pid, 9)
            out, err = p.communicate()
            return -1, f"(no end after {timeout} s)\n" + (err + out).decode("utf-8", "replace")
        return p.returncode, (err + out).decode("utf-8", "replace")


def copy_sample(to):
    """The checkout's own workspace."""
    os.makedirs(to, exist_ok=True)
    for name in ("tenants", "content", "templates"):
        shutil.copytree(os.path.join(TOP, name), os.path.join(to, name), symlinks=True, dirs_exist_ok=True)
    shutil.copy(os.path.join(TOP, "tenantry.json"), to)
    return to


def write(path, content):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(content if isinstance(content, bytes) else content.encode())


def read(path):
    with open(path, "rb") as f:
        return f.read()


def edit(path, old, new):
    text = read(path).decode()
    assert old in text, f"{path} has no {old!r}"
    write(path, text.replace(old, new))


def snapshot(top, inodes=False):
    """{relative path: (kind, mode, digest)}; with inodes also inode and mtime of the files.  Of an output folder without
    the cache, which holds inodes and times and is tests/incremental's, and the rows that are kept, which hold times."""
    found = {}
    for folder, folders, files in os.walk(top):
        for name in folders + files:
            path = os.path.join(folder, name)
            if os.path.relpath(path, top) == ".tenantry/cache" or os.path.relpath(path, top).startswith(".tenantry/rows"):
                continue
            st = os.lstat(path)
            if stat.S_ISREG(st.st_mode):
                what = ("file", oct(stat.S_IMODE(st.st_mode)), hashlib.sha256(read(path)).hexdigest())
            elif stat.S_ISDIR(st.st_mode):
                what = ("dir", oct(stat.S_IMODE(st.st_mode)), "")
            else:
                what = ("other", oct(st.st_mode), "")
            if inodes:
                what += (st.st_ino, st.st_mtime_ns if what[0] == "file" else 0)
            found[os.path.relpath(path, top)] = what
    return found


def trees(out):
    """{host: snapshot} of every published tree."""
    hosts = sorted(n for n in os.listdir(out) if not n.startswith(".") and os.path.isdir(os.path.join(out, n)))
    return {h: snapshot(os.path.join(out, h)) for h in hosts}


def differences(a, b):
    """What differs between two snapshots, for a message."""
    lines = []
    for k in sorted(set(a) | set(b)):
        if a.get(k) != b.get(k):
            lines.append(f"{k}: {a.get(k)} / {b.get(k)}")
    return "\n".join(lines)


def stages(out):
    """Folders of builds that left something behind."""
    folder = os.path.join(out, ".tenantry", "stage")
    return sorted(os.listdir(folder)) if os.path.isdir(folder) else []

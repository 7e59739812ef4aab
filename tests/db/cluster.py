"""A Postgres of the suite's own: the one that `tenantry db start` makes, in a throw-away workspace."""
import contextlib, glob, os, shutil, signal, subprocess, threading, time
import urllib.parse

import together
from suite import TOP, clean_env, copy_sample

MIGRATIONS = os.path.join(TOP, "db", "migrations")
HERE = os.path.dirname(os.path.abspath(__file__))


def missing():
    """What is not installed, or None."""
    if not (shutil.which("initdb") or glob.glob("/usr/lib/postgresql/*/bin/initdb")):
        return "Postgres is not installed (package postgresql)"
    return None if shutil.which("psql") else "psql is not installed (package postgresql-client)"


class Cluster:
    def __init__(self, program, top):
        self.program, self.workspace = program, copy_sample(os.path.join(top, "workspace"))
        shutil.copytree(os.path.join(TOP, "db", "samples"), os.path.join(self.workspace, "db", "samples"))

    def db(self, *args, env=None, migrations=MIGRATIONS, workspace=None):
        """(exit code, what it printed) of `tenantry db`."""
        args = list(args)
        if migrations and args[0] in ("start", "migrate", "status"):
            args += ["--migrations", migrations]
        p = subprocess.run([self.program.path, "db", *args, "-C", workspace or self.workspace], capture_output=True,
                           text=True, env=clean_env(**(env or {})), timeout=240)
        return p.returncode, p.stderr + p.stdout

    def start_migrate(self, name, migrations):
        return subprocess.Popen([self.program.path, "db", "migrate", "--database", self.url(name), "--migrations", migrations],
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=clean_env())

    def connect(self):
        code, text = self.db("url")
        assert code == 0, text
        self.base = text.strip()

    def url(self, name="tenantry", user=None):
        parts = urllib.parse.urlsplit(self.base)
        query = dict(urllib.parse.parse_qsl(parts.query))
        query["user"] = user or query["user"]
        return f"postgresql:///{name}?{urllib.parse.urlencode(query)}"

    def sql(self, sql, name="tenantry", user=None, check=True):
        """What the commands print, rows with | between columns; with check=False also what went wrong."""
        p = subprocess.run(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-v", "VERBOSITY=verbose", self.url(name, user), "-f", "-"],
                           input=sql, capture_output=True, text=True, env=clean_env(), timeout=240)
        if check and p.returncode:
            raise AssertionError(p.stderr)
        return p.stdout.strip() + ("\n" + p.stderr.strip() if not check else "")

    def file(self, name, path):
        with open(os.path.join(HERE, path)) as f:
            return self.sql(f.read(), name)

    def make(self, name, template="template1"):
        self.sql(f"drop database if exists {name}", "postgres")
        self.sql(f"create database {name} template {template}", "postgres")
        return name

    @contextlib.contextmanager
    def paused(self):
        """Meanwhile every process of the server stands still: the parent first, which then has no new ones; it goes on last, as
        whoever ends meanwhile keeps the id until the parent hears of it."""
        with open(os.path.join(self.workspace, ".tenantry/postgres/postmaster.pid")) as f:
            parent = int(f.readline())
        stopped = []
        try:
            os.kill(parent, signal.SIGSTOP)
            stopped.append(parent)
            with open(f"/proc/{parent}/task/{parent}/children") as f:
                for pid in map(int, f.read().split()):
                    os.kill(pid, signal.SIGSTOP)
                    stopped.append(pid)
            yield
        finally:
            for pid in reversed(stopped):
                os.kill(pid, signal.SIGCONT)

    def session(self, name="tenantry", user=None):
        return Session(self.url(name, user))


def run_parts(suite, program, top, modules, full, begin):
    """The `test` of each module beside the others, with a cluster of its own; `begin(suite, cluster)` starts that.  Those that
    say LONG begin first."""
    def part(module):
        def work(s):
            folder = os.path.join(top, module.__name__)
            os.mkdir(folder)
            c = Cluster(program, folder)
            try:
                if begin(s, c):
                    module.test(s, c, folder, full)
            finally:
                c.db("stop", "--discard")
        return together.Part(module.__name__, work, long=getattr(module, "LONG", False))
    together.run(suite, [part(m) for m in modules])


class Session:
    """One connection that stays."""

    def __init__(self, url):
        self.p = subprocess.Popen(["psql", "-XqAt", url], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, env=clean_env())

    def ask(self, sql):
        self.p.stdin.write(sql + ";\n\\echo --end--\n")
        self.p.stdin.flush()
        lines = []
        while (line := self.p.stdout.readline()) and line != "--end--\n":
            lines.append(line.rstrip("\n"))
        return "\n".join(lines)

    def tell(self, sql):
        self.p.stdin.write(sql + ";\n")
        self.p.stdin.flush()

    def close(self):
        self.p.stdin.close()
        self.p.wait()
        self.p.stdout.close()


class Traffic:
    """Somebody who uses the database all the while: how long did the slowest command take?"""

    def __init__(self, cluster, name, *commands):
        self.slowest, self.count, self.errors, self.going = 0.0, 0, [], True
        self.threads = [threading.Thread(target=self.run, args=(cluster.session(name), c)) for c in commands]
        for t in self.threads:
            t.start()
        while self.count < 3 * len(commands):
            time.sleep(0.01)

    def run(self, session, command):
        session.ask("select 1")  # connecting does not count
        while self.going:
            began = time.monotonic()
            said = session.ask(command)
            self.slowest = max(self.slowest, time.monotonic() - began)
            self.count += 1
            if "ERROR" in said:
                self.errors.append(said)
            time.sleep(0.01)
        session.close()

    def stop(self):
        self.going = False
        for t in self.threads:
            t.join()
        return self

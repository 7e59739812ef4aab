"""reader.py OUT WANT STOP: what a web server's readers see while builds go on.  Prints what it saw as JSON.

Of every tree it opens the folder once and reads all below that: one snapshot, which must be wholly one version.  When files vanish
from it, the tree must have been replaced meanwhile.  By full path a page is always there."""
import errno, hashlib, json, os, random, sys

out, want_file, stop = sys.argv[1:4]
with open(want_file) as f:
    v = json.load(f)
want, loose = v["want"], v["loose"]
seen = {"snapshots": 0, "superseded": 0, "paths": 0, "versions": [0, 0], "wrong": []}


def digest(path, dir_fd=None):
    fd = os.open(path, os.O_RDONLY, dir_fd=dir_fd)
    with os.fdopen(fd, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


def wrong(what):
    if len(seen["wrong"]) < 20:
        seen["wrong"].append(what)


def walk(fd, prefix, found):
    for entry in os.listdir(fd):
        path = prefix + entry
        st = os.stat(entry, dir_fd=fd, follow_symlinks=False)
        if st.st_mode & 0o170000 == 0o040000:
            inner = os.open(entry, os.O_RDONLY | os.O_DIRECTORY, dir_fd=fd)
            try:
                walk(inner, path + "/", found)
            finally:
                os.close(inner)
        else:
            found[path] = digest(entry, dir_fd=fd)


def snapshot(host):
    tree = os.path.join(out, host)
    try:
        fd = os.open(tree, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as e:
        wrong(f"{host}: the tree cannot be opened: {e}")
        return
    found = {}
    try:
        try:
            walk(fd, "", found)
            vanished = ""
        except OSError as e:
            vanished = str(e)
        complete = [i for i in (0, 1) if found == want[host][i]]
        if complete and not vanished:
            seen["snapshots"] += 1
            for i in complete:
                seen["versions"][i] += 1
            return
        parts = [i for i in (0, 1) if all(want[host][i].get(p) == d for p, d in found.items())]
        if not parts:
            wrong(f"{host}: a mixed tree")
        elif os.stat(tree).st_ino == os.fstat(fd).st_ino:
            missing = sorted(set(want[host][parts[0]]) - set(found))[:3]
            wrong(f"{host}: the current tree lacks {missing} {vanished}")
        else:
            seen["superseded"] += 1
    finally:
        os.close(fd)


def by_path(host, path):
    try:
        got = digest(os.path.join(out, host, path))
    except OSError as e:
        wrong(f"by path: {host}/{path}: {e}")
        return
    seen["paths"] += 1
    if got not in (want[host][0][path], want[host][1][path]):
        wrong(f"by path: {host}/{path}: of neither version")


both = [(h, p) for h in want for p in want[h][0] if p in want[h][1]]
while not os.path.exists(stop):
    snapshot(random.choice(list(want)))
    for host in want:
        by_path(host, "index.html")
    for _ in range(20):
        by_path(*random.choice(both))
    for name, digests in loose.items():
        try:
            if digest(os.path.join(out, name)) not in digests:
                wrong(f"{name} is of neither version")
        except OSError as e:
            wrong(f"{name}: {e}")
print(json.dumps(seen))

"""Two versions of a workspace like the sample, and what their trees shall hold."""
import hashlib, json, os, shutil, struct, zlib

from suite import *

TENANTS = {"5ducks": ["fiveducks.ai", "www.fiveducks.ai", "app.fiveducks.ai"],
           "sendclaw": ["sendclaw.com", "www.sendclaw.com"],
           "tidewater": ["tidewater.press", "www.tidewater.press"]}
MARKS = ("build-mark-aaaa", "build-mark-bbbb")


def mark_file(path, mark):
    """Puts the mark into one input, in a way its format bears."""
    text, kind = read(path), path.rsplit(".", 1)[-1]
    if kind in ("css", "js"):
        text += f"\n/* {mark} */\n".encode()
    elif kind == "svg":
        text += f"<!-- {mark} -->\n".encode()
    elif kind == "json":
        v = json.loads(text)
        v["mark"] = mark
        text = json.dumps(v, indent=2).encode()
    elif kind in ("md", "txt"):
        text += f"\n{mark}\n".encode()
    elif kind in ("png", "webp", "ics"):
        text += mark.encode()
    write(path, text)


def make_version(ws, mark):
    copy_sample(ws)
    for id in TENANTS:
        path = os.path.join(ws, "tenants", id, "config.json")
        v = json.loads(read(path))
        v["branding"]["name"] += " " + mark
        v["meta"]["title"] += " " + mark
        write(path, json.dumps(v, indent=2, ensure_ascii=False))
    for part in ("tenants", "content", "templates"):
        for folder, _, files in os.walk(os.path.join(ws, part)):
            for name in files:
                config = name in ("config.json", "theme.json") or part == "templates" and "/assets" not in folder
                if not config and (part != "tenants" or "/templates" not in folder):
                    mark_file(os.path.join(folder, name), mark)
    second = mark == MARKS[1]
    posts = os.path.join(ws, "content", "sendclaw", "posts")
    write(os.path.join(posts, "only-here.md" if second else "only-there.md"), f"---\ntitle: Only here\ndate: 2026-02-02\n---\n\n{mark}\n")
    # A file in one version, a folder in the other.
    write(os.path.join(ws, "tenants", "tidewater", "static", "turns" + ("/inner.txt" if second else "")), mark)
    return ws


def digests(tree):
    """{path: digest} of one published tree."""
    found = {}
    for folder, _, files in os.walk(tree):
        for name in files:
            path = os.path.join(folder, name)
            found[os.path.relpath(path, tree)] = hashlib.sha256(read(path)).hexdigest()
    return found


class Versions:
    def __init__(self, s, program, top):
        self.hosts = [h for hosts in TENANTS.values() for h in hosts]
        self.ws = [make_version(os.path.join(top, "v" + m[-1]), m) for m in MARKS]
        self.want = {h: [] for h in self.hosts}
        self.loose = {"hosts.json": [], "nginx.conf": []}
        for i, ws in enumerate(self.ws):
            out = os.path.join(top, f"want{i}")
            code, text = program.build(ws, out=out)
            s.ok(code == 0, f"version {i} builds", text)
            for host in self.hosts:
                self.want[host].append(digests(os.path.join(out, host)))
            for name, list_ in self.loose.items():
                list_.append(hashlib.sha256(read(os.path.join(out, name))).hexdigest())
            marked = [p for h in self.hosts for p in self.want[h][i]
                      if p.endswith((".html", ".css", ".svg", ".md")) and MARKS[i].encode() not in read(os.path.join(out, h, p))
                      and p != "favicon.svg" and not p.endswith("page.md")]
            s.ok(not marked, f"version {i}: every page and asset carries its mark", "\n".join(marked))
            foreign = [p for h in self.hosts for p in self.want[h][i] if MARKS[1 - i].encode() in read(os.path.join(out, h, p))]
            s.ok(not foreign, f"version {i}: none carries the other's", "\n".join(foreign))

    def which(self, out, host):
        """0 or 1: the version of a tree; None: neither."""
        found = digests(os.path.join(out, host))
        for i in (0, 1):
            if found == self.want[host][i]:
                return i
        return None

    def state(self, out):
        return {h: self.which(out, h) for h in self.hosts}

    def all(self, i):
        return {h: i for h in self.hosts}

    def torn(self, out):
        """Trees that are neither version, with what is wrong."""
        lines = []
        for host in self.hosts:
            if self.which(out, host) is None:
                found = digests(os.path.join(out, host))
                for i in (0, 1):
                    lines.append(f"{host} is not version {i}:\n" + differences(found, self.want[host][i])[:600])
        return "\n".join(lines)

    def save(self, path):
        write(path, json.dumps({"want": self.want, "loose": self.loose}))
        return path

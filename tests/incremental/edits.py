"""Random edits of a workspace, each as an editor, a person or git might make it."""
import contextlib, json, os, random, shutil, sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from suite import *

WORDS = "river stone paper lamp garden window bread harbour morning letter".split()


def files_below(top):
    """{path: bytes} of the workspace, for going back to it."""
    found = {}
    for folder, folders, files in os.walk(top):
        if folder == top:
            folders[:] = [f for f in folders if not f.startswith("out")]
        for name in files:
            path = os.path.join(folder, name)
            if not os.path.islink(path):
                found[os.path.relpath(path, top)] = read(path)
    return found


def restore(top, state):
    """Makes the files those of `state`, touching none that are right already."""
    now = files_below(top)
    for path in now.keys() - state.keys():
        os.remove(os.path.join(top, path))
    for path, content in state.items():
        if now.get(path) != content:
            write(os.path.join(top, path), content)
    for part in ("tenants", "content"):
        for folder, _, _ in os.walk(os.path.join(top, part), topdown=False):
            if not os.listdir(folder):
                os.rmdir(folder)
            else:
                for name in os.listdir(folder):
                    if os.path.islink(os.path.join(folder, name)):
                        os.remove(os.path.join(folder, name))


class Edits:
    def __init__(self, ws, rng):
        self.ws, self.rng, self.n = ws, rng, 0
        self.past = [files_below(ws)]
        self.drafts = self.noindex = False
        self.templates = None
        self.day = 150

    def clock(self):
        return f"2026-{1 + self.day // 28 % 12:02}-{1 + self.day % 28:02}T12:00:00Z"

    def options(self):
        return (["--drafts"] * self.drafts + ["--noindex"] * self.noindex +
                (["--templates", self.templates] if self.templates else []))

    def path(self, *parts):
        return os.path.join(self.ws, *parts)

    def tenants(self):
        return sorted(os.listdir(self.path("tenants")))

    def tenant(self):
        return self.rng.choice(self.tenants())

    def some(self, test, *below):
        """A file below a folder; None: there is none."""
        found = sorted(os.path.join(f, n) for f, _, names in os.walk(self.path(*below)) for n in names
                       if test(n) and not os.path.islink(os.path.join(f, n)))
        return self.rng.choice(found) if found else None

    def text(self):
        return " ".join(self.rng.choices(WORDS, k=8))

    def post(self, **more):
        lines = {"title": self.text(), "date": f"2026-{self.rng.randint(1, 12):02}-{self.rng.randint(1, 28):02}", **more}
        return "---\n" + "".join(f"{k}: {v}\n" for k, v in lines.items()) + f"---\n{self.text()}\n"

    # ---- content ----

    def add_post(self):
        self.n += 1
        more = self.rng.choice([{}, {}, {"draft": "true"}, {"tags": "[lamp, river]"},
                                {"publish": f"2026-{self.rng.randint(1, 12):02}-15T08:00:00Z"},
                                {"expires": f"2026-{self.rng.randint(1, 12):02}-20"}])
        write(self.path("content", self.tenant(), "posts", f"new-{self.n}.md"), self.post(**more))

    def change_post(self):
        path = self.some(lambda n: n.endswith(".md"), "content", self.tenant())
        if path:
            with open(path, "a") as f:
                f.write(f"\n{self.text()}\n")

    def same_size(self):
        """Within one tick of the clock, and with the old time put back."""
        path = self.some(lambda n: n.startswith("new-") and n.endswith(".md"), "content")
        if path:
            st = os.stat(path)
            text = read(path).decode()
            body = text[text.index("\n---\n"):]
            write(path, text[:len(text) - len(body)] + body.swapcase())
            os.utime(path, ns=(st.st_atime_ns, st.st_mtime_ns))

    def touch(self):
        path = self.some(lambda n: True, self.rng.choice(["content", "tenants", "templates"]))
        os.utime(path)

    def copy_over(self):
        """As by an editor that writes a temporary file and renames it."""
        path = self.some(lambda n: True, self.rng.choice(["content", "tenants", "templates"]))
        shutil.copy(path, path + "~")
        os.rename(path + "~", path)

    def rename_post(self):
        path = self.some(lambda n: n.startswith("new-"), "content")
        if path:
            self.n += 1
            os.rename(path, os.path.join(os.path.dirname(path), f"new-{self.n}.md"))

    def delete_post(self):
        path = self.some(lambda n: n.startswith("new-"), "content")
        if path:
            os.remove(path)

    def shared(self):
        path = self.some(lambda n: n.endswith(".md"), "content", "_shared")
        with open(path, "a") as f:
            f.write(f"\n{self.text()}\n")

    def add_shared(self):
        self.n += 1
        write(self.path("content", "_shared", f"new-{self.n}.md"), self.post())

    def override_shared(self):
        path = self.path("content", self.tenant(), "terms.md")
        if os.path.exists(path):
            os.remove(path)
        else:
            write(path, self.post())

    def empty_folder(self):
        path = self.path("content", self.tenant(), "drawer")
        if os.path.isdir(path):
            shutil.rmtree(path)
        else:
            os.makedirs(path)

    def swap_folders(self):
        a, b = self.rng.sample(self.tenants(), 2)
        a, b = self.path("content", a), self.path("content", b)
        if not (os.path.isdir(a) and os.path.isdir(b)):
            return
        os.rename(a, a + "~"), os.rename(b, a), os.rename(a + "~", b)

    def swap_files(self):
        a = self.some(lambda n: n.startswith("new-"), "content")
        b = self.some(lambda n: n.startswith("new-"), "content")
        if a and a != b:
            os.rename(a, a + "~"), os.rename(b, a), os.rename(a + "~", b)

    # ---- images, modes, links ----

    def image(self):
        svg = f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.rng.randint(10, 99)}" height="10"/>\n'
        write(self.path("tenants", self.tenant(), "images", "new.svg"), svg)

    def link(self):
        folder = self.path("tenants", self.tenant(), "images")
        path = os.path.join(folder, "link.svg")
        if os.path.islink(path):
            os.remove(path)
        elif os.path.exists(os.path.join(folder, "new.svg")):
            os.symlink("new.svg", path)

    def mode(self):
        path = self.some(lambda n: True, self.rng.choice(["content", "tenants", "templates"]))
        os.chmod(path, self.rng.choice([0o600, 0o644, 0o755, 0o440]))

    def static(self):
        write(self.path("tenants", self.tenant(), "static", "proof.txt"), self.text())

    # ---- configs, tenants ----

    def config(self):
        path = self.path("tenants", self.tenant(), "config.json")
        config = json.loads(read(path))
        what = self.rng.randrange(3)
        if what == 0:
            config["branding"]["tagline"] = self.text()
        elif what == 1 and config.get("pricing"):
            config["pricing"]["headline"] = self.text()
        else:
            extra = "extra." + config["domains"][0]
            config["domains"] = [d for d in config["domains"] if d != extra] + [extra] * (extra not in config["domains"])
        write(path, json.dumps(config, indent=2))

    def tenant_folder(self):
        """One comes or goes."""
        if os.path.isdir(self.path("tenants", "zebra")):
            shutil.rmtree(self.path("tenants", "zebra"))
            return
        id = self.tenants()[0]
        shutil.copytree(self.path("tenants", id), self.path("tenants", "zebra"), symlinks=True)
        config = json.loads(read(self.path("tenants", id, "config.json")))
        config.update(id="zebra", domains=["zebra.example", "www.zebra.example"])
        config["meta"]["url"] = "https://zebra.example"
        config.pop("pricing", None)
        for name in os.listdir(self.path("tenants", "zebra")):
            if name.endswith((".md", ".json")):
                os.remove(self.path("tenants", "zebra", name))
        write(self.path("tenants", "zebra", "config.json"), json.dumps(config, indent=2))

    def settings(self):
        path = self.path("tenantry.json")
        v = json.loads(read(path))
        what = self.rng.randrange(3)
        if what == 0:
            v["defaultTenant"] = self.rng.choice([t for t in self.tenants() if t != "zebra"])
        elif what == 1:
            v["trustEditors"] = not v.get("trustEditors", False)
        else:
            v["externalPaths"] = ["/" + self.rng.choice(WORDS)]
        write(path, json.dumps(v))

    # ---- themes ----

    def partial(self):
        path = self.some(lambda n: n.endswith(".html"), "templates", "default", "partials")
        with open(path, "a") as f:
            f.write(f"<!-- {self.text()} -->\n")

    def asset(self):
        path = self.some(lambda n: n.endswith(".css"), "templates", "default", "assets")
        with open(path, "a") as f:
            f.write(f"/* {self.text()} */\n")

    def new_page(self):
        self.n += 1
        write(self.path("templates", "default", "site", f"new-{self.n}.txt"), self.text())

    def own_template(self):
        path = self.path("tenants", self.tenant(), "templates", "site", "humans.txt")
        if os.path.exists(path):
            os.remove(path)
        else:
            write(path, self.text())

    # ---- how it is built ----

    def option(self):
        what = self.rng.randrange(3)
        if what == 0:
            self.drafts = not self.drafts
        elif what == 1:
            self.noindex = not self.noindex
        else:
            self.templates = None if self.templates else self.path("templates")

    def clock_forward(self):
        self.day += self.rng.randint(1, 60)

    def clock_back(self):
        self.day = max(0, self.day - self.rng.randint(1, 60))

    # ---- going back; mistakes ----

    def revert(self):
        restore(self.ws, self.rng.choice(self.past))

    def break_post(self):
        path = self.some(lambda n: n.endswith(".md"), "content", self.tenant())
        if path:
            write(path, "---\ntitle: [\n---\n")

    def break_template(self):
        path = self.some(lambda n: n.endswith(".html"), "templates", "default", "partials")
        with open(path, "a") as f:
            f.write("{{#open}}\n")

    def break_config(self):
        write(self.path("tenants", self.tenant(), "config.json"), "{")

    # ---- the output folder, behind the program's back ----

    def spoil_out(self):
        out = self.path("out")
        trees = sorted(n for n in os.listdir(out) if os.path.isdir(os.path.join(out, n)) and n != ".tenantry")
        what = self.rng.randrange(5)
        if what == 0 and trees:
            shutil.rmtree(os.path.join(out, self.rng.choice(trees)))
        elif what == 1 and trees:
            write(os.path.join(out, self.rng.choice(trees), "stray.txt"), "stray")
        elif what == 2:
            with contextlib.suppress(FileNotFoundError):
                os.remove(os.path.join(out, self.rng.choice(["hosts.json", "nginx.conf"])))
        elif what == 3:
            os.makedirs(os.path.join(out, "stray.example"), exist_ok=True)
        elif trees:
            with contextlib.suppress(FileNotFoundError):
                os.remove(os.path.join(out, self.rng.choice(trees), "index.html"))

    def spoil_cache(self):
        spoil(self.path("out", ".tenantry", "cache"), self.rng)

    COMMON = ("add_post change_post same_size touch copy_over rename_post delete_post config image revert "
              "clock_forward option").split()
    RARE = ("shared add_shared override_shared empty_folder swap_folders swap_files link mode static tenant_folder "
            "settings partial asset new_page own_template clock_back break_post break_template break_config spoil_out "
            "spoil_cache").split()

    def step(self):
        """Makes an edit or a few; says which."""
        names = []
        for _ in range(self.rng.choice([1, 1, 1, 2, 3])):
            name = self.rng.choice(self.COMMON if self.rng.random() < 0.5 else self.RARE)
            # An edit before may have broken what this one would change.
            with contextlib.suppress(json.JSONDecodeError):
                getattr(self, name)()
                names.append(name)
        return ", ".join(names)

    def good(self):
        """The workspace builds: something to go back to."""
        self.past = (self.past + [files_below(self.ws)])[-6:]


def spoil(path, rng):
    """Damages the cache in one of the ways a disk or a person might."""
    if not os.path.exists(path):
        return "nothing"
    data = bytearray(read(path))
    what = rng.choice(["cut", "flip", "garbage", "empty", "longer", "zeros", "gone"])
    if what == "cut":
        data = data[:rng.randrange(len(data))]
    elif what == "flip":
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    elif what == "garbage":
        data = bytearray(rng.randbytes(rng.randrange(1, 5000)))
    elif what == "empty":
        data = bytearray()
    elif what == "longer":
        data += b"x" * 100
    elif what == "zeros":
        at = rng.randrange(len(data))
        data[at:at + 4096] = bytes(len(data[at:at + 4096]))
    if what == "gone":
        os.remove(path)
    else:
        write(path, bytes(data))
    return what

"""The sample workspace as a visitor may expect to find it: read anew here, without any of the program's code."""
import datetime, glob, json, os, re


def front_matter(text):
    """The plain part of a file's front matter: texts, and lists in one line or below."""
    m = re.match(r"---\n(.*?)\n---\n", text, re.S)
    values, key = {}, None
    for line in (m.group(1) if m else "").split("\n"):
        item = re.match(r"\s+- (.*)", line)
        pair = re.match(r"([A-Za-z_]+):\s*(.*)", line)
        if pair:
            key, value = pair.groups()
            value = value.strip()
            if value.startswith("["):
                values[key] = [x.strip().strip("\"'") for x in value.strip("[]").split(",") if x.strip()]
            else:
                values[key] = value.strip("\"'")
        elif item and key and values.get(key) in ("", None) or item and isinstance(values.get(key), list):
            values[key] = (values.get(key) or []) + [item.group(1).strip("\"'")]
    return values


def slug_of(name):
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


class Item:
    def __init__(self, path, rel, now):
        with open(path, encoding="utf-8") as f:
            self.text = f.read()
        self.rel, self.meta = rel, front_matter(self.text)
        self.title = self.meta.get("title", "")
        self.date = self.meta.get("date", "")
        self.tags = self.meta.get("tags") or []
        stem = rel[:-3].split("/")
        self.collection = stem[0] if len(stem) > 1 else "pages"
        self.slug = self.meta.get("slug") or stem[-1]
        begins = self.meta.get("publish") or self.date
        ends = self.meta.get("expires")
        self.hidden = self.meta.get("draft") == "true" or begins[:10] > now or bool(ends and ends[:10] <= now)


class Tenant:
    def __init__(self, top, id, now):
        self.id, self.top = id, top
        with open(f"{top}/tenants/{id}/config.json", encoding="utf-8") as f:
            self.config = json.load(f)
        self.domains = [d.lower() for d in self.config["domains"]]
        host = re.sub(r"^https?://", "", self.config["meta"].get("url", "")).rstrip("/")
        self.host = host if host in self.domains else self.domains[0]
        self.theme = self.config["theme"].get("name", "default")
        self.items = []
        found = {}
        for owner in ("_shared", id):
            for path in glob.glob(f"{top}/content/{owner}/**/*.md", recursive=True):
                found[os.path.relpath(path, f"{top}/content/{owner}")] = path
        for rel, path in sorted(found.items()):
            if rel != "index.md" and not os.path.basename(rel).startswith(("_", "README")):
                self.items.append(Item(path, rel, now))
        self.documents = sorted(os.path.basename(p) for p in glob.glob(f"{top}/tenants/{id}/*")
                                if re.search(r"\.(md|json)$", p)
                                and os.path.basename(p) not in ("config.json", "README.md")
                                and not os.path.basename(p).startswith(("_", ".")))

    def shown(self, collection):
        return sorted((i for i in self.items if i.collection == collection and not i.hidden),
                      key=lambda i: i.date, reverse=True)

    def sources(self):
        """Everything the tenant itself wrote, as one text."""
        out = []
        for folder in (f"tenants/{self.id}", f"content/{self.id}"):
            for path in glob.glob(f"{self.top}/{folder}/**/*", recursive=True):
                if os.path.isfile(path) and not re.search(r"\.(png|webp|jpg|gif|woff2)$", path):
                    with open(path, encoding="utf-8", errors="replace") as f:
                        out.append(f.read())
        return "\n".join(out)


class Workspace:
    def __init__(self, top, now):
        with open(f"{top}/tenantry.json", encoding="utf-8") as f:
            self.settings = json.load(f)
        ids = sorted(d for d in os.listdir(f"{top}/tenants") if os.path.exists(f"{top}/tenants/{d}/config.json"))
        self.tenants = [Tenant(top, i, now) for i in ids]
        self.top, self.now = top, now
        lender = next(t for t in self.tenants if t.id == self.settings.get("defaultTenant", ids[0]))
        for t in self.tenants:
            t.pricing = t.config.get("pricing") or lender.config.get("pricing")
            t.external = self.settings.get("externalPaths", []) + ["/api/", "/login", t.config["routes"]["authLanding"]]


def is_date(text):
    try:
        datetime.date.fromisoformat(text)
        return True
    except ValueError:
        return False


def is_time(text):
    try:
        return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).tzinfo is not None
    except ValueError:
        return False

"""A built site: its files, its pages, and whether an address leads anywhere."""
import os, re, subprocess
from urllib.parse import unquote, urljoin, urlsplit
import edge
from page import Page

ENV = {"PATH": os.environ["PATH"], "LC_ALL": "C"}
ENV.update({k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")})


def build(binary, top, out, *args):
    p = subprocess.run([binary, "build", "-C", top, "--out", out, *args], env=ENV, capture_output=True, text=True,
                       stdin=subprocess.DEVNULL, timeout=60)
    if p.returncode:
        raise SystemExit(f"{p.stderr}\nthe sample workspace does not build\n0 passed, 1 failed")
    return out


def files_below(folder):
    found = {}
    for path, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(path, name), "rb") as f:
                found[os.path.relpath(os.path.join(path, name), folder)] = f.read()
    return found


class Site:
    def __init__(self, workspace, tenant, out):
        self.workspace, self.tenant, self.host = workspace, tenant, tenant.host
        self.url = "https://" + self.host
        self.files = files_below(os.path.join(out, self.host))
        self.headers, self.header_mistakes = edge.headers(self.text("_headers"))
        self.redirects, self.redirect_mistakes = edge.redirects(self.text("_redirects"))
        self.pages = {}
        verbatim = files_below(f"{workspace.top}/tenants/{tenant.id}/static")
        for path in sorted(self.files):
            if path.endswith(".html") and path not in verbatim:
                url = "/" + (path[: -len("index.html")] if os.path.basename(path) == "index.html" else path)
                self.pages[url] = Page(url, self.text(path))

    def text(self, path):
        return self.files[path].decode("utf-8") if path in self.files else ""

    def has(self, path):
        return path in self.files

    def file_of(self, path):
        """The file that answers a URL path, or None."""
        name = unquote(path).lstrip("/")
        if name == "" or name.endswith("/"):
            name += "index.html"
        return name if name in self.files else None

    def is_external(self, path):
        return any(path == p or path.startswith(p if p.endswith("/") else p + "/")
                   for p in self.tenant.external if p.startswith("/"))

    def resolve(self, base, reference):
        """What is wrong with a reference of the page at `base`, or None."""
        if reference.startswith(("mailto:", "data:", "tel:")):
            return None
        parts = urlsplit(urljoin(self.url + base, reference))
        if parts.scheme not in ("http", "https") or not parts.hostname:
            return f"{reference}: no address"
        if parts.hostname != self.host:
            return None if parts.scheme == "https" else f"{reference}: not https"
        if self.is_external(parts.path):
            return None
        name = self.file_of(parts.path)
        if not name:
            gone = any(re.fullmatch(re.escape(source).replace(r"\*", ".*"), parts.path) for source, _, _ in self.redirects)
            return None if gone else f"{reference}: nothing is there"
        page = self.pages.get(parts.path)
        if parts.fragment and page and unquote(parts.fragment) not in page.ids:
            return f"{reference}: no id \"{parts.fragment}\""
        return None

    def csp(self, path="/"):
        values = edge.header_values(self.headers, path, "Content-Security-Policy")
        return edge.policy(values[0]) if len(values) == 1 else {}

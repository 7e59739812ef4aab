"""Files: what a user edits beside the rows is followed as well."""
import json, os, shutil

from common import HOSTS, blog, follow, page, post, rebuilt, same_as_fresh
from suite import edit, read, write


def hosts(c):
    return json.loads(read(os.path.join(c.workspace, "out/hosts.json")))["hosts"]


def test_own(s, c, w):
    path = os.path.join(c.workspace, "content/5ducks/posts/new-file.md")
    write(path, "---\ntitle: New file\ndate: 2026-05-01\n---\n\nText.\n")
    v = w.next(tenant="5ducks")
    s.ok(v and v["reason"] == "its files changed" and blog(c, "5ducks", "new-file"), "a new file of a tenant", v)
    s.equal([t for t in rebuilt(w.quiet(1)) if t != "5ducks"], [], "is that tenant's alone")
    os.remove(path)
    s.ok(w.next(tenant="5ducks") and not blog(c, "5ducks", "new-file"), "a removed one")


def test_shared(s, c, w):
    path = os.path.join(c.workspace, "templates/default/partials/footer.html")
    text = read(path)
    write(path, text + b"<!-- followed -->\n")
    users = ("5ducks", "sendclaw")  # the third has a theme of its own
    s.equal(sorted((w.next() or {}).get("tenant", "") for _ in users), sorted(users), "a template is made anew for all that use it")
    s.ok(all("<!-- followed -->" in page(c, t, "index.html") for t in users), "it is on their pages")
    write(path, text + b"{{nobody_defined_this}}\n")
    s.ok(w.next("diagnostic", level="error"), "a mistake in it is said")
    w.quiet(1)
    s.ok("<!-- followed -->" in page(c, "5ducks", "index.html"), "and all keep their sites")
    write(path, text)
    s.ok(all(w.next(ok=True) for _ in users) and "<!-- followed" not in page(c, "5ducks", "index.html"), "until it is repaired")
    w.quiet(1)


def test_tenants(s, c, w):
    at = os.path.join(c.workspace, "tenants/newcomer")
    config = json.loads(read(os.path.join(c.workspace, "tenants/tidewater/config.json")))
    config.update(id="newcomer", domains=["newcomer.example"])
    config["meta"]["url"] = "https://newcomer.example"
    shutil.copytree(os.path.join(c.workspace, "tenants/tidewater"), at + "-half")
    write(at + "-half/config.json", json.dumps(config).replace("/tenants/tidewater/", "/tenants/newcomer/"))
    os.rename(at + "-half", at)
    v = w.next(tenant="newcomer", ok=True)
    s.ok(v and os.path.exists(os.path.join(c.workspace, "out/newcomer.example/index.html")), "a new folder is a new site", w.said[-3:])
    w.quiet(1)
    s.ok("newcomer.example" in hosts(c), "hosts.json names it")
    edit(at + "/config.json", '"newcomer.example"', '"newcomer.example", "alias.example"')
    w.next(tenant="newcomer", ok=True)
    w.quiet(1)
    s.ok("alias.example" in hosts(c) and os.path.isdir(os.path.join(c.workspace, "out/alias.example")), "another domain, another tree")
    write(at + "/config.json", "{")
    s.ok(w.next("diagnostic", level="error", tenant="newcomer"), "a broken config is said")
    s.ok(w.next(tenant="newcomer", ok=False) and os.path.isdir(os.path.join(c.workspace, "out/alias.example")), "it keeps its trees")
    shutil.rmtree(at)
    v = w.next("removed")
    w.quiet(1)
    left = [h for h in ("newcomer.example", "alias.example") if h in hosts(c) or os.path.exists(os.path.join(c.workspace, "out", h))]
    s.ok(v and not left, "with its folder its trees go", left)
    same_as_fresh(s, c, "all is as a build from nothing makes it")


def test_broken(s, c, w):
    path = os.path.join(c.workspace, "tenantry.json")
    text = read(path)
    write(path, "{")
    s.ok(w.next("diagnostic", level="error"), "a broken tenantry.json is said")
    c.sql(post("5ducks", "while-broken"))
    write(path, "{ ")
    lines = w.quiet(1.5)
    s.ok(not rebuilt(lines) and not blog(c, "5ducks", "while-broken"), "nothing is published meanwhile", lines)
    write(path, text)
    s.ok(w.next(tenant="5ducks", ok=True) and blog(c, "5ducks", "while-broken"), "repaired, what waited is made")
    w.quiet(1)
    c.sql("delete from tenantry.posts where slug = 'while-broken'")
    w.next(tenant="5ducks")


def test(s, c, top, full):
    w = follow(c)
    try:
        for part in (test_own, test_shared, test_tenants, test_broken):
            part(s, c, w)
    finally:
        s.equal(w.end(), 0, "it ends")

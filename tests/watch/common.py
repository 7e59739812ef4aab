"""What the parts share: a build that follows, its rows, and the comparison with a build from nothing."""
import os, shutil, subprocess

from following import Following
from suite import clean_env, differences, read, trees

SLUGS = ("5ducks", "sendclaw", "tidewater")
HOSTS = {"5ducks": "fiveducks.ai", "sendclaw": "sendclaw.com", "tidewater": "tidewater.press"}


def follow(c, *args):
    return Following(c.program.path, c.workspace, c.url(), *args)


def tenant(slug):
    return f"(select id from tenantry.tenants where slug = '{slug}')"


def post(slug, name, **columns):
    """The SQL that inserts a post."""
    columns = {"title": f"'Title of {name}'", "content": "'<p>Text.</p>'", "status": "'PUBLISHED'",
               "published_at": "'2026-05-01T00:00:00Z'", **columns}
    return (f"insert into tenantry.posts (tenant_id, slug, {', '.join(columns)}) values ({tenant(slug)}, '{name}', "
            f"{', '.join(columns.values())})")


def page(c, slug, path):
    path = os.path.join(c.workspace, "out", HOSTS[slug], path)
    return read(path).decode() if os.path.exists(path) else None


def blog(c, slug, name):
    return page(c, slug, f"blog/{name}/index.html")


def same_as_fresh(s, c, what):
    """What is published is what a build from nothing makes now."""
    fresh = os.path.join(os.path.dirname(c.workspace), "fresh")
    shutil.rmtree(fresh, ignore_errors=True)
    subprocess.run([c.program.path, "build", "-C", c.workspace, "--database", c.url(), "--out", fresh, "-q"],
                   env=clean_env(), capture_output=True, timeout=240)
    got, want = trees(os.path.join(c.workspace, "out")), trees(fresh)
    for name in ("hosts.json", "nginx.conf"):
        got[name] = {name: read(os.path.join(c.workspace, "out", name))}
        want[name] = {name: read(os.path.join(fresh, name))}
    diff = "\n".join(f"{h}: {differences(got.get(h, {}), want.get(h, {}))}" for h in sorted(set(got) | set(want))
                     if got.get(h) != want.get(h))
    s.ok(not diff, what, diff)


def rebuilt(lines):
    """Ids of the tenants that were made, in order."""
    return [v["tenant"] for v in lines if v["type"] == "rebuild"]

"""tenantry build --database: what rows become, and what must not happen."""
import json, os, subprocess

from suite import CLOCK, clean_env, read, snapshot, write

BLOG = "blog/{}/index.html"


def build(c, *args, command="build", env=None):
    """(exit code, what it said)"""
    p = subprocess.run(c.program.command(c.workspace, *args, command=command), env=env or clean_env(),
                       capture_output=True, text=True, timeout=240)
    return p.returncode, p.stderr + p.stdout


def page(c, host, path):
    path = os.path.join(c.workspace, "out", host, path)
    return read(path).decode() if os.path.exists(path) else None


class Rows:
    """A database of its own, with the samples, and the tenants' ids."""

    def __init__(self, c):
        self.c, self.name = c, c.make("pulled")
        c.db("migrate", "--database", c.url(self.name))
        c.db("seed", "--plans", "--database", c.url(self.name))
        c.sql(f"grant connect on database {self.name} to tenantry_builder", self.name)
        self.url = c.url(self.name, "tenantry_builder")

    def sql(self, sql):
        return self.c.sql(sql, self.name)

    def post(self, tenant, slug, **columns):
        """Inserts a post, answers its id."""
        columns = {"title": "'A title'", "content": "'<p>Text.</p>'", "status": "'PUBLISHED'",
                   "published_at": "'2026-05-01T00:00:00Z'", **columns}
        return self.sql(f"insert into tenantry.posts (tenant_id, slug, {', '.join(columns)}) select id, '{slug}', "
                        f"{', '.join(columns.values())} from tenantry.tenants where slug = '{tenant}' returning id")

    def drop(self, id):
        self.sql(f"delete from tenantry.posts where id = '{id}'")


def test_posts(s, c, db):
    code, text = build(c, "--strict")
    s.equal(code, 0, "without a URL the samples are built from files")
    before = snapshot(os.path.join(c.workspace, "out"))
    code, text = build(c, "--database", db.url)
    if not s.ok(code == 0, "a build from the database", text):
        return
    post = page(c, "fiveducks.ai", BLOG.format("the-sixth-lead")) or ""
    for want in ("Why there is no sixth lead", "Maren Voss", "2026-05-12", "half as often", "Comments: 2", "Reactions: 2"):
        s.ok(want in post, f"the page of a row has {want}", post[:900])
    post = page(c, "fiveducks.ai", BLOG.format("a-bounce-costs-nothing")) or ""
    s.ok("<li>" in post and "Tomasz Lind" in post, "a row in Markdown is rendered", post[:900])
    s.ok("the-sixth-lead" in page(c, "fiveducks.ai", "blog/index.html"), "the blog lists it beside the files")
    for slug in ("autumn-in-the-pond", "how-we-price-a-region"):
        s.equal(page(c, "fiveducks.ai", BLOG.format(slug)), None, f"{slug} is not for the public")
    build(c, "--database", db.url, "--drafts")
    s.equal(page(c, "fiveducks.ai", BLOG.format("autumn-in-the-pond")), None, "nor with --drafts: its role sees none")
    code, text = build(c)
    s.equal((code, snapshot(os.path.join(c.workspace, "out"))), (0, before), "without the URL: the files alone again")
    code, text = build(c, env=clean_env(DATABASE_URL=db.url))
    s.ok(code == 0 and page(c, "fiveducks.ai", BLOG.format("the-sixth-lead")), "DATABASE_URL does the same", text)
    told = [f for d, _, fs in os.walk(os.path.join(c.workspace, "out")) for f in fs if b"postgresql:" in read(os.path.join(d, f))]
    s.equal(told, [], "and stands in no file")


def test_current(s, c, db):
    """No build calls current what rows have changed."""
    build(c, "--database", db.url)
    db.sql("update tenantry.posts set title = 'Sixth, revised' where slug = 'the-sixth-lead'")
    build(c, "--database", db.url)
    s.ok("Sixth, revised" in (page(c, "fiveducks.ai", BLOG.format("the-sixth-lead")) or ""), "a changed row is built")
    db.sql("update tenantry.posts set status = 'ARCHIVED' where slug = 'the-sixth-lead'")
    build(c, "--database", db.url)
    s.equal(page(c, "fiveducks.ai", BLOG.format("the-sixth-lead")), None, "an archived one goes")
    db.sql("update tenantry.posts set status = 'PUBLISHED' where slug = 'the-sixth-lead'")


def test_scheduled(s, c, db):
    due = db.post("5ducks", "due", status="'SCHEDULED'", publish_at=f"'{CLOCK}'", published_at="null")
    later = db.post("5ducks", "later", status="'SCHEDULED'", publish_at=f"'{CLOCK}'::timestamptz + interval '1 s'",
                    published_at="null")
    code, text = build(c, "--database", db.url)
    s.ok(code == 0 and page(c, "fiveducks.ai", BLOG.format("due")), "a SCHEDULED post appears at its second", text)
    s.equal(page(c, "fiveducks.ai", BLOG.format("later")), None, "and not before")
    build(c, "--database", db.url, "--drafts")
    s.ok(page(c, "fiveducks.ai", BLOG.format("later")), "--drafts shows what is to come")
    db.drop(due)
    db.drop(later)


def test_plans(s, c, db):
    db.sql("update tenantry.plans set price = 23.5, name = 'Row Duckling' where key = 'duckling'")
    code, text = build(c, "--database", db.url)
    pricing = page(c, "fiveducks.ai", "pricing/index.html") or ""
    s.ok(code == 0 and "$23.50" in pricing and "Row Duckling" in pricing, "plans are those of the rows", text)
    s.ok("A warm start" not in pricing, "a promotion that does not run is not named")
    db.sql("update tenantry.promotions set starts_at = '2026-05-01'")
    build(c, "--database", db.url)
    pricing = page(c, "fiveducks.ai", "pricing/index.html") or ""
    s.ok("A warm start" in pricing and "$38" not in pricing, "one that runs is named and changes no price")
    config = json.loads(page(c, "fiveducks.ai", "tenants/5ducks/config.json"))
    s.ok("stripe" not in json.dumps(config).lower() and config["pricing"]["plans"][1]["price"] == 23.5,
         "the public config has the row's price", json.dumps(config["pricing"])[:900])
    db.sql("delete from tenantry.plans p using tenantry.tenants t where t.id = p.tenant_id and t.slug <> '5ducks'")
    config = os.path.join(c.workspace, "tenants/tidewater/config.json")
    saved = read(config)
    v = json.loads(saved)
    v.pop("pricing", None)
    write(config, json.dumps(v))
    code, text = build(c, "--database", db.url)
    host = v["domains"][0]
    tree = [d for d in os.listdir(os.path.join(c.workspace, "out")) if d in v["domains"]
            and page(c, d, "pricing/index.html")]
    lent = page(c, tree[0], "pricing/index.html") if tree else ""
    s.ok("Duckling" in lent and "Row Duckling" not in lent and "23.50" not in lent and "A warm start" not in lent,
         "without plans: those of the default tenant's config, never its rows", f"{host} {tree} {text}")
    write(config, saved)


def test_isolation(s, c, db):
    """A word that only one tenant's rows hold is on that tenant's pages alone."""
    for tenant in ("5ducks", "sendclaw", "tidewater"):
        db.post(tenant, f"canary-{tenant}", title=f"'Canary of {tenant}'", content=f"'<p>canaryword{tenant}</p>'")
        db.sql(f"insert into tenantry.plans (tenant_id, key, name, price) select id, 'canary', 'canaryplan{tenant}', 7 "
               f"from tenantry.tenants where slug = '{tenant}'")
    # The superuser is bound by no policy, unless the build steps down from it.
    for jobs, url, who in (("1", db.url, "builder"), ("4", db.url, "builder"), ("1", c.url(db.name), "superuser")):
        code, text = build(c, "--database", url, "--jobs", jobs)
        s.ok(code == 0, f"three tenants with {jobs} workers as {who}", text)
        s.equal(page(c, "fiveducks.ai", BLOG.format("how-we-price-a-region")), None, "what is for members stays with them")
        found, whole = {}, os.path.join(c.workspace, "out")
        hosts = json.loads(read(os.path.join(whole, "hosts.json")))
        for folder, _, names in os.walk(whole):
            for name in names:
                host = os.path.relpath(os.path.join(folder, name), whole).removeprefix(".tenantry/rows/").split(os.sep)[0]
                text = read(os.path.join(folder, name))
                for tenant in ("5ducks", "sendclaw", "tidewater"):
                    if f"canaryword{tenant}".encode() in text or f"canaryplan{tenant}".encode() in text:
                        found.setdefault(tenant, set()).add(host)
        owners = {t: {o for h in hs for o in owner(hosts, h)} for t, hs in found.items()}
        s.equal(owners, {t: {t} for t in ("5ducks", "sendclaw", "tidewater")}, "every canary is at home, and only there")
    db.sql("delete from tenantry.posts where slug like 'canary-%'; delete from tenantry.plans where key = 'canary'")


def owner(hosts, host):
    if host in ("5ducks", "sendclaw", "tidewater"):  # what is kept of it
        return [host]
    v = hosts.get(host) or hosts.get("hosts", {}).get(host) or {}
    return [v["tenant"]] if isinstance(v, dict) and "tenant" in v else [f"nobody: {host}"]


def test_clash(s, c, db):
    files = sorted(os.listdir(os.path.join(c.workspace, "content/5ducks/posts")))
    slug = next(f[:-3] for f in files if f.endswith(".md"))
    build(c, "--database", db.url)
    before = snapshot(os.path.join(c.workspace, "out/fiveducks.ai"))
    id = db.post("5ducks", slug)
    code, text = build(c, "--database", db.url)
    s.ok(code == 1 and f"posts of 5ducks, id {id}" in text and f"content/5ducks/posts/{slug}.md" in text,
         "a file and a row with the same slug: both are named", text)
    s.equal(snapshot(os.path.join(c.workspace, "out/fiveducks.ai")), before, "the tenant keeps its site")
    db.drop(id)


def test_bad_rows(s, c, db):
    build(c, "--database", db.url)
    before = snapshot(os.path.join(c.workspace, "out/fiveducks.ai"))
    cases = [("no-title", {"title": "null"}, "title: it is missing"),
             ("a/b", {}, "not one part of an address"), ("a b", {}, "do not belong in an address"),
             ("big", {"content": "repeat('x', 5242881)"}, "too long"),
             ("far", {"published_at": "'20000-01-01'"}, "no date of the years 1 to 9999"),
             ("ever", {"status": "'SCHEDULED'", "publish_at": "'infinity'", "published_at": "null"}, "publish_at: infinity"),
             ("control", {"content": "E'<p>\\x01</p>'"}, "control character"),
             ("deep", {"content": "repeat('<div>', 400)"}, "deep"),
             ("markdown", {"format": "'MARKDOWN'", "content": "'[x](javascript:alert(1))'"}, "javascript"),
             ("dead", {"content": "'<p><a href=\"nowhere.md\">x</a></p>'"}, "nowhere.md")]
    ids = [db.post("5ducks", slug, **columns) for slug, columns, _ in cases]
    title = db.post("sendclaw", "is-fine")
    code, text = build(c, "--database", db.url)
    s.equal(code, 1, "bad rows are errors of the input")
    for (slug, _, want), id in zip(cases, ids):
        said = [line for line in text.splitlines() if id in line]
        s.ok(said and f"posts of 5ducks, id {id}" in said[0] and any(want in line for line in said), f"bad row {slug}",
             "\n".join(said) or text)
    s.equal(snapshot(os.path.join(c.workspace, "out/fiveducks.ai")), before, "the tenant keeps its site")
    s.ok(any("is-fine" in f for _, _, fs in os.walk(os.path.join(c.workspace, "out")) for f in fs)
         or any("is-fine" in d for d, _, _ in os.walk(os.path.join(c.workspace, "out"))), "the others are published")
    s.ok(f"posts of 5ducks, id {ids[0]}" in build(c, "--database", db.url, command="check")[1], "check says it, too")
    for id in ids + [title]:
        db.drop(id)
    id = db.sql("""insert into tenantry.plans (tenant_id, key, name, price, features)
        select id, 'odd', 'Odd', 1, '["fine", 7]' from tenantry.tenants where slug = '5ducks' returning id""")
    code, text = build(c, "--database", db.url)
    s.ok(code == 1 and f"plans of 5ducks, id {id}" in text and "features" in text, "a bad plan", text)
    db.sql("delete from tenantry.plans where key = 'odd'")


def test_rich_text(s, c, db):
    id = db.post("5ducks", "rich", content="'<p onclick=\"x()\">Fine</p><script>alert(7)</script>'")
    code, text = build(c, "--database", db.url)
    html = page(c, "fiveducks.ai", BLOG.format("rich")) or ""
    s.ok(code == 0 and "<p>Fine</p>" in html and "alert(7)" not in html, "what is not on the list goes", html[:900])
    s.ok(f"posts of 5ducks, id {id}" in text and "left out" in text, "with a warning", text)
    held = [f for d, _, fs in os.walk(os.path.join(c.workspace, "out/fiveducks.ai")) for f in fs
            if b"alert(7)" in read(os.path.join(d, f))]
    s.equal(held, [], "from every file")
    db.drop(id)


def test_unreachable(s, c, db):
    build(c, "--database", db.url)
    before = snapshot(os.path.join(c.workspace, "out"), inodes=True)
    for url in ("postgresql://bob:h4nter2@/acme?host=/nonexistent", c.url("nosuchdatabase"), "no such thing"):
        code, text = build(c, "--database", url)
        s.ok(code == 3 and "does not answer" in text and "h4nter2" not in text, "a database that does not answer", text)
    code, text = build(c, "--database", c.url("template1"))
    s.equal(code, 3, "a database without the schema")
    s.equal(snapshot(os.path.join(c.workspace, "out"), inodes=True), before, "published sites are untouched")


def test(s, c, top, full):
    db = Rows(c)
    for part in (test_posts, test_current, test_scheduled, test_plans, test_isolation, test_clash, test_bad_rows,
                 test_rich_text, test_unreachable):
        part(s, c, db)

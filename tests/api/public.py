"""What anybody may read: prices, plans, posts; from memory, and never older than the database says."""
import html, json, os, re, threading, time

from server import CLAW, DUCKS, TIDE
from suite import read

LONG = True
OWN = True  # test_away stops Postgres
HOSTS = {"5ducks": DUCKS, "sendclaw": CLAW, "tidewater": TIDE}
TENANT = "(select id from tenantry.tenants where slug = '{}')"


class Scene:
    def __init__(self, s, house, name):
        self.s, self.house, self.name = s, house, house.database(name)
        self.api = house.start(self.name, "--workers", "1")

    def sql(self, sql):
        return self.house.sql(sql, self.name)

    def get(self, path, host=DUCKS, **kw):
        return self.api.get(path, host=host, **kw)

    def post(self, tenant, slug, **columns):
        columns = {"title": f"'{slug}'", "content": "'<p>Text.</p>'", "status": "'PUBLISHED'", **columns}
        return self.sql(f"insert into tenantry.posts (tenant_id, slug, {', '.join(columns)}) values ({TENANT.format(tenant)}, "
                        f"'{slug}', {', '.join(columns.values())}) returning id")

    def promotion(self, tenant, name, overrides, starts, ends):
        self.sql("insert into tenantry.promotions (tenant_id, name, headline, overrides, starts_at, ends_at) values "
                 f"({TENANT.format(tenant)}, '{name}', 'Now', '{json.dumps(overrides)}', now() + interval '{starts}', "
                 f"now() + interval '{ends}')")

    def soon(self, test, seconds=5):
        """Whether the test passes within a moment, and after how long."""
        began = time.monotonic()
        while time.monotonic() < began + seconds:
            if test():
                return time.monotonic() - began
            time.sleep(0.001)
        return None


def windows(answer):
    """Cache-Control as numbers."""
    return {k: int(v) for k, v in re.findall(r"([a-z-]+)=(\d+)", answer["Cache-Control"] or "")}


def slugs(answer):
    return [p["slug"] for p in answer.json["posts"]]


# ---- prices ----

def test_agreement(s, scene):
    """The page and the API say the same base prices, with rows and without."""
    house, c = scene.house, scene.house.cluster
    c.sql(f"grant connect on database {scene.name} to tenantry_builder", scene.name)
    alone = house.start()
    for name, api, more in (("files", alone, []), ("rows", scene.api, ["--database", house.url(scene.name, "tenantry_builder")])):
        code, text = c.program.build(c.workspace, *more, clock=None)
        s.ok(code == 0, f"a build from {name}", text)
        for tenant, host in HOSTS.items():
            page = read(os.path.join(c.workspace, "out", host, "pricing/index.html")).decode()
            answer = api.get("/api/pricing/config", host=host)
            plans = answer.json["plans"]
            s.ok(len(plans) > 1, f"{tenant} has plans from {name}", answer)
            told = [html.unescape(x) for x in re.findall(r'<p class="plan__price"><b>([^<]*)</b>', page)]
            s.equal(told, [p["basePriceText"] for p in plans], f"the page of {tenant} says the same prices from {name}")
            config = json.loads(read(os.path.join(c.workspace, "out", host, "tenants", tenant, "config.json")))
            s.equal([(p["id"], p["basePrice"]) for p in plans], [(p["id"], p["price"]) for p in config["pricing"]["plans"]],
                    f"and the published config of {tenant} from {name}")
    s.equal(alone.get("/api/posts").status, 503, "without a database there are no posts")


def test_lent(s, scene):
    """A tenant without prices of its own shows those of the default tenant's config, never its rows."""
    folder = scene.house.copy_workspace("lent")
    path = os.path.join(folder, "tenants/sendclaw/config.json")
    config = json.loads(read(path))
    config.pop("pricing", None)
    with open(path, "w") as f:
        json.dump(config, f)
    scene.sql(f"delete from tenantry.plans where tenant_id = {TENANT.format('sendclaw')};"
              f"update tenantry.plans set price = 777 where tenant_id = {TENANT.format('5ducks')} and key = 'duckling'")
    api = scene.house.start(scene.name, workspace=folder)
    theirs = {p["id"]: p["price"] for p in json.loads(read(os.path.join(folder, "tenants/5ducks/config.json")))["pricing"]["plans"]}
    answer = api.get("/api/pricing/config", host=CLAW).json
    s.equal({p["id"]: p["basePrice"] for p in answer["plans"]}, theirs, "prices are lent by the default tenant's config")
    s.equal(answer["inherited"], True, "which is told")
    s.equal([p["basePrice"] for p in api.get("/api/plans").json["plans"] if p["id"] == "duckling"], [777], "its own are its rows")
    scene.sql("update tenantry.plans set active = false where tenant_id = " + TENANT.format("5ducks"))
    ok = scene.soon(lambda: {p["id"]: p["basePrice"] for p in api.get("/api/plans").json["plans"]} == theirs)
    s.ok(ok is not None, "without active plans it shows its config", api.get("/api/plans"))
    scene.sql("update tenantry.plans set active = true; update tenantry.plans set price = 19 where key = 'duckling'")


def test_promotions(s, scene):
    def plan(id="duckling"):
        return next(p for p in scene.get("/api/pricing/config").json["plans"] if p["id"] == id)
    scene.sql("delete from tenantry.promotions")
    s.ok(scene.soon(lambda: "promotion" not in plan("mama-duck")) is not None, "a promotion that is deleted is over")
    far = windows(scene.get("/api/pricing/config"))
    s.equal(far, {"max-age": 60, "s-maxage": 300, "stale-while-revalidate": 86400, "stale-if-error": 86400}, "nothing is near")
    scene.promotion("5ducks", "soon", {"duckling": {"price": 9, "bonus": 20}}, "3 seconds", "6 seconds")
    began = time.monotonic()
    s.ok(scene.soon(lambda: windows(scene.get("/api/pricing/config"))["max-age"] < 4) is not None, "one that begins is in the windows")
    s.equal(plan()["price"], 19, "before it begins the price stands")
    seen, bad = [], []
    while time.monotonic() < began + 7.5:
        answer, at = scene.get("/api/pricing/config"), time.monotonic() - began
        p = next(x for x in answer.json["plans"] if x["id"] == "duckling")
        if not seen or seen[-1] != (p["price"], p["bonus"], "promotion" in p):
            seen.append((p["price"], p["bonus"], "promotion" in p))
        w = windows(answer)
        turn = 3 if at < 2.9 else 6 if 3.2 < at < 5.9 else None
        if turn and max(w["max-age"], w["s-maxage"]) + max(w["stale-while-revalidate"], w["stale-if-error"]) > turn - at + 0.2:
            bad.append((at, w))
        if (p["price"] == 9) != (3.2 < at < 5.9) and not (2.6 < at < 3.3 or 5.7 < at < 6.4):
            bad.append((at, p["price"]))
        time.sleep(0.02)
    s.equal(seen, [(19, 10, False), (9, 20, True), (19, 10, False)], "before, within, after")
    s.equal(bad, [], "each in its time, and no window reaches across a boundary")
    scene.promotion("5ducks", "all", {"*": {"price": 5}, "mama-duck": {"price": 7}}, "-1 hour", "1 hour")
    s.ok(scene.soon(lambda: plan()["price"] == 5) is not None, "* is every plan")
    p = plan("mama-duck")
    s.equal((p["price"], p["basePrice"], p["priceText"], p["basePriceText"]), (7, 49, "$7", "$49"), "its own key is nearer")
    s.equal(sorted(p["promotion"]), ["endsAt", "headline", "name"], "it says which promotion")
    s.ok("promotion" not in json.dumps(scene.get("/api/pricing/config", host=CLAW).json), "another tenant has none of it")
    s.ok(windows(scene.get("/api/pricing/config"))["stale-if-error"] <= 3600, "and it ends in an hour")
    scene.sql("delete from tenantry.promotions")


def test_secrets(s, scene):
    scene.sql("update tenantry.plans set stripe_price_id = 'price_1CanaryCanary9' || key, stripe_product_id = 'prod_Canary1',"
              "extra = '{\"priceId\": \"price_1CanaryCanary9\", \"note\": \"price_1CanaryCanary9\"}', limits = '{\"seats\": 3, "
              "\"stripePriceId\": \"price_1CanaryCanary9\"}' where key = 'duckling'")
    scene.promotion("5ducks", "p", {"duckling": {"price": 1, "stripe_price_id": "price_1CanaryCanary9"}}, "-1 hour", "1 hour")
    s.ok(scene.soon(lambda: scene.get("/api/plans").json["plans"][1]["limits"] == {"seats": 3}) is not None, "plans have limits")
    for path in ("/api/plans", "/api/pricing/config"):
        s.ok("Canary" not in scene.get(path).text, f"no price id in {path}", scene.get(path).text)
    scene.sql("delete from tenantry.promotions; update tenantry.plans set extra = '{}' where key = 'duckling'")


# ---- caches ----

def test_headers(s, scene):
    for path in ("/api/pricing/config", "/api/plans", "/api/posts", "/api/posts/the-sixth-lead"):
        full = scene.get(path)
        s.equal(full.status, 200, path)
        s.ok(re.fullmatch(r'"[0-9a-f]{32}"', full["ETag"] or ""), f"a strong ETag of {path}", full)
        s.equal(scene.get(path)["ETag"], full["ETag"], "the same bytes have the same")
        for tag in (full["ETag"], f'"x", {full["ETag"]}', "W/" + full["ETag"], "*"):
            again = scene.get(path, headers={"If-None-Match": tag})
            s.equal((again.status, again.body, again["ETag"]), (304, b"", full["ETag"]), f"304 for {tag[:12]}")
        s.equal(scene.get(path, headers={"If-None-Match": '"other"'}).status, 200, "another tag has the whole")
        head = scene.api.ask("HEAD", path)
        s.equal((head.status, head.body, head["Content-Length"], head["ETag"]), (200, b"", full["Content-Length"], full["ETag"]), "HEAD")
        s.ok((full["Cache-Control"] or "").startswith("public, max-age="), "anybody may keep it")
        for k, v in (("Authorization", "Basic eDp5"), ("Cookie", "__Host-tenantry_session=x")):
            s.equal(scene.get(path, headers={k: v})["Cache-Control"], "private, no-store", f"nobody with {k}")
        s.equal(scene.api.post(path, b"").status, 405, "POST is not for it")
    s.equal(scene.get("/api/posts", host="nobody.example").status, 421, "an unknown host")


# ---- posts ----

def test_bad(s, scene):
    rows = {"limit=0": "limit", "limit=101": "limit", "limit=-1": "limit", "limit=1e1": "limit", "limit=": "limit", "limit=%31%00": "limit",
            "limit=99999999999999999999": "limit", "cursor=": "cursor", "cursor=x": "cursor", "cursor=" + "0" * 47: "cursor",
            "cursor=" + "f" * 48: None, "cursor=" + "7" + "f" * 47: "cursor", "cursor=" + "A" * 48: "cursor", "tag=": "tag", "tag=%ff": "tag",
            "tag=" + "x" * 201: "tag", "tag=%0a": "tag", "space=%00": "space", "space=a&space=b": "space", "limit=%zz": "limit",
            "unknown=1&utm_source=x": None, "tag='%3b+drop+table+posts--": None, "limit=5&": None}
    for query, name in rows.items():
        answer = scene.get("/api/posts?" + query)
        if name:
            s.ok(answer.status == 400 and answer["Content-Type"] == "application/problem+json" and f"{name}: expected" in answer.json["detail"],
                 f"?{query[:40]} is refused", answer)
        else:
            s.equal(answer.status, 200, f"?{query[:40]} is fine")
    detail = scene.get("/api/posts?limit=x&cursor=y&tag=&space=").json["detail"]
    s.equal(re.findall(r"(\w+): expected", detail), ["limit", "cursor", "tag", "space"], "all mistakes at once")
    for slug in ("nothing", "..%2f", "%ff", "x" * 2000, "a%00b", "'%20or%201=1--"):
        s.ok(scene.get("/api/posts/" + slug).status in (400, 404), f"no post {slug[:20]!r}")


def test_seen(s, scene):
    """Drafts, members' posts, another tenant's: not there, and not to be told from what never was."""
    scene.sql(f"update tenantry.spaces set visibility = 'MEMBERS' where slug = 'deal-room'")
    for slug, columns in {"a-draft": {"status": "'DRAFT'"}, "archived": {"status": "'ARCHIVED'"}, "members": {"visibility": "'MEMBERS'"},
                          "paid": {"visibility": "'PAID'"}, "over": {"expires_at": "now() - interval '1 second'"},
                          "later": {"status": "'SCHEDULED'", "publish_at": "now() + interval '1 day'"}}.items():
        scene.post("5ducks", "hidden-" + slug, **columns)
    scene.post("sendclaw", "only-claw")
    hidden = ["hidden-a-draft", "hidden-archived", "hidden-members", "hidden-paid", "hidden-over", "hidden-later",
              "autumn-in-the-pond", "how-we-price-a-region", "only-claw"]
    scene.soon(lambda: "only-claw" in slugs(scene.get("/api/posts", host=CLAW)))
    listed = slugs(scene.get("/api/posts?limit=100"))
    s.ok("the-sixth-lead" in listed and not set(hidden) & set(listed), "none of them is listed", listed)
    def plain(answer):
        return answer.status, re.sub(r'"request_id":"\w+"', "", answer.text)
    never = plain(scene.get("/api/posts/never-was"))
    for slug in hidden:
        s.equal(plain(scene.get("/api/posts/" + slug)), never, f"{slug} is not told from none")
    for space in ("deal-room", "tide-table"):
        s.equal(scene.get(f"/api/posts?space={space}").body, scene.get("/api/posts?space=never-was").body, f"nor space {space}")
    cursor = scene.get("/api/posts?limit=1", host=CLAW).json["nextCursor"]
    s.ok(not set(slugs(scene.get(f"/api/posts?cursor={cursor}"))) - set(listed), "another's cursor is a place in time and no more")
    s.equal(slugs(scene.get("/api/posts?space=pond-notes&tag=ideas")), ["the-sixth-lead"], "space and tag")
    s.equal(slugs(scene.get("/api/posts?tag=never")), [], "a tag that nobody used")
    scene.sql("update tenantry.spaces set archived_at = now() where slug = 'pond-notes'")
    s.ok(scene.soon(lambda: "the-sixth-lead" not in slugs(scene.get("/api/posts?limit=100"))) is not None, "posts go with their space")
    scene.sql("update tenantry.spaces set archived_at = null where slug = 'pond-notes'")


def test_fields(s, scene):
    p = scene.soon(lambda: scene.get("/api/posts/the-sixth-lead").status == 200) is not None and scene.get("/api/posts/the-sixth-lead").json
    s.equal((p["author"], p["comments"], p["reactions"], p["space"], p["tags"], p["format"]), ("Maren Voss", 2, 2, "pond-notes", ["ideas"], "html"),
            "what is known of a post")
    s.equal((p["publishedAt"], p["url"]), ("2026-05-12T08:00:00.000Z", "https://fiveducks.ai/blog/the-sixth-lead/"), "when and where")
    page = os.path.join(scene.house.workspace, "out", DUCKS, "blog/the-sixth-lead/index.html")
    s.ok(os.path.exists(page), "the page is there")
    scene.post("5ducks", "hostile", content="'<p onclick=x>Hi<script>alert(1)</script><img src=x onerror=y><a href=\"javascript:z\">l</a></p>'")
    scene.post("5ducks", "deep", content="repeat('<div>', 400)")
    scene.post("5ducks", "long", content="repeat('word ', 10000)")
    scene.post("5ducks", "sl/ash%", title="e'a\"b<\\\\'")
    scene.soon(lambda: "sl/ash%" in slugs(scene.get("/api/posts?limit=100")))
    by = {x["slug"]: x for x in scene.get("/api/posts?limit=100").json["posts"]}
    s.ok(not re.search(r"onclick|script|onerror|javascript", by["hostile"]["content"]) and "Hi" in by["hostile"]["content"],
         "rich text is harmless", by["hostile"])
    s.equal(scene.get("/api/posts/hostile").json["content"], by["hostile"]["content"], "alone as well")
    s.equal(by["deep"]["content"], None, "what cannot be made harmless is left out")
    s.equal((by["long"]["content"], len(scene.get("/api/posts/long").json["content"])), (None, 50000), "long ones are for their own address")
    s.equal((by["sl/ash%"]["title"], by["sl/ash%"]["url"]), ('a"b<\\', "https://fiveducks.ai/blog/sl%2Fash%25/"), "odd ones are escaped")
    scene.sql("delete from tenantry.posts where slug in ('hostile', 'deep', 'long', 'sl/ash%')")


def test_counts(s, scene):
    """The counts that are kept are those one would count."""
    t = TENANT.format("5ducks")
    wrong = """select count(*) from tenantry.posts p where (p.comment_count, p.reaction_count) <> (
            (select count(*) from tenantry.comments x where x.tenant_id = p.tenant_id and x.post_id = p.id and x.status = 'VISIBLE'),
            (select count(*) from tenantry.reactions x where x.tenant_id = p.tenant_id and x.post_id = p.id))"""
    s.equal(scene.sql(wrong), "0", "after seeding")
    scene.sql(f"""insert into tenantry.comments (tenant_id, post_id, content, status) select p.tenant_id, p.id, 'x',
            (array['VISIBLE', 'HIDDEN'])[1 + n % 2]::tenantry.comment_status from tenantry.posts p, generate_series(1, 7) n;
        update tenantry.comments set status = 'HIDDEN' where content = 'x' and id::text < '4';
        update tenantry.comments set status = 'VISIBLE' where content = 'x' and id::text > 'c';
        delete from tenantry.comments where id::text > '9' and id::text < 'b';
        insert into tenantry.reactions (tenant_id, post_id, user_id, kind) select m.tenant_id, p.id, m.user_id, 'k' || n
            from tenantry.memberships m join tenantry.posts p using (tenant_id), generate_series(1, 3) n;
        delete from tenantry.reactions where kind = 'k2' and user_id::text > '8';
        delete from tenantry.posts where slug = 'hidden-over'""")
    s.equal(scene.sql(wrong), "0", "after comments and reactions came, changed and went")
    was = scene.get("/api/posts/the-sixth-lead").json["reactions"]
    scene.sql("update tenantry.posts set reaction_count = 99 where slug = 'the-sixth-lead'")
    s.ok(scene.sql(wrong) != "0", "the question would notice")
    scene.sql("update tenantry.posts set reaction_count = (select count(*) from tenantry.reactions r where r.tenant_id = posts.tenant_id "
              "and r.post_id = posts.id) where slug = 'the-sixth-lead'")
    scene.sql(f"delete from tenantry.reactions where kind like 'k%' and tenant_id = {t}")
    took = scene.soon(lambda: scene.get("/api/posts/the-sixth-lead").json["reactions"] == 2, 6)
    s.ok(took is not None, f"a reaction shows within moments (was {was})", scene.get("/api/posts/the-sixth-lead"))


def walk(scene, query, meanwhile=lambda: None):
    seen, cursor = [], None
    for _ in range(200):
        answer = scene.get(f"/api/posts?{query}" + (f"&cursor={cursor}" if cursor else ""), host=TIDE)
        assert answer.status == 200, answer
        seen += slugs(answer)
        cursor = answer.json["nextCursor"]
        meanwhile()
        if not cursor:
            return seen
    raise AssertionError("no last page")


def test_pages(s, scene):
    """A walk finds each post that was there all the while once, in order, whatever comes and goes meanwhile."""
    t = TENANT.format("tidewater")
    scene.sql(f"""insert into tenantry.posts (tenant_id, slug, title, status, published_at, publish_at, tags)
        select {t}, 'n' || lpad(n::text, 3, '0'), 'x', (case when n % 3 = 0 then 'SCHEDULED' else 'PUBLISHED' end)::tenantry.post_status,
            case when n % 3 > 0 then ts end, case when n % 3 = 0 then ts end, case when n % 5 = 0 then array['five'] else '{{}}' end
        from generate_series(1, 150) n, lateral (select timestamptz '2026-01-01 00:00:00.123456Z' + (n / 4) * interval '1 microsecond') x (ts)""")
    want = scene.sql(f"""select string_agg(slug, ' ' order by case when status = 'SCHEDULED' then publish_at else published_at end desc, id)
        from tenantry.posts where tenant_id = {t} and slug like 'n%'""").split()
    s.ok(scene.soon(lambda: len(slugs(scene.get("/api/posts?limit=100", host=TIDE))) == 100) is not None, "there are pages")
    for limit in (1, 7, 100):
        got = [x for x in walk(scene, f"limit={limit}") if x.startswith("n")]
        s.equal(got, want, f"pages of {limit} have all, in order")
    s.equal(sorted(walk(scene, "limit=7&tag=five")), sorted(f"n{n:03}" for n in range(5, 151, 5)), "of a tag as well")
    number = iter(range(10000))
    def disturb():
        n = next(number)
        scene.sql(f"""insert into tenantry.posts (tenant_id, slug, title, status, published_at) values
            ({t}, 'm{n}a', 'x', 'PUBLISHED', now()), ({t}, 'm{n}b', 'x', 'PUBLISHED', '2026-01-01 00:00:00.123470Z');
            delete from tenantry.posts where slug = 'm{n - 2}b'""")
    scene.sql("insert into tenantry.posts (tenant_id, slug, title, status, published_at) values " + ", ".join(
        f"({t}, 'm{n}-never', 'x', 'PUBLISHED', '{when}')" for n, when in
        enumerate(("0044-03-15 BC", "0001-12-31 23:59:59Z BC", "-infinity", "infinity", "10000-01-01Z"))))
    got = walk(scene, "limit=10", disturb)
    s.equal([x for x in got if x.endswith("-never")], [], "no date that an answer cannot say")
    s.equal(scene.get("/api/posts/m0-never", host=TIDE).status, 404, "alone as well")
    s.equal(len(got), len(set(got)), "nothing twice while others write")
    s.equal([x for x in got if x.startswith("n")], want, "and nothing left out")
    scene.sql(f"delete from tenantry.posts where slug ~ '^[mn][0-9]' and tenant_id = {t}")


def test_moments(s, scene):
    """A scheduled post comes and an expiring one goes by itself, in its moment."""
    before = time.monotonic()
    scene.post("tidewater", "comes", status="'SCHEDULED'", publish_at="now() + interval '3 seconds'")
    scene.post("tidewater", "goes", expires_at="now() + interval '3 seconds'")
    began = time.monotonic()
    s.ok(scene.soon(lambda: "goes" in slugs(scene.get("/api/posts", host=TIDE))) is not None, "one that expires is there")
    w = windows(scene.get("/api/posts", host=TIDE))
    s.ok(w["s-maxage"] + w["stale-while-revalidate"] <= 3, "no cache keeps it longer", w)
    early = late = None
    while time.monotonic() < began + 4.5:
        sent = time.monotonic()
        have, got = set(slugs(scene.get("/api/posts", host=TIDE))), time.monotonic()
        if got < before + 3 and ("comes" in have or "goes" not in have):
            early = got - before
        if sent > began + 3.1 and ("comes" not in have or "goes" in have):
            late = sent - began
        time.sleep(0.01)
    s.equal((early, late), (None, None), "each in its moment")
    s.equal((scene.get("/api/posts/comes", host=TIDE).status, scene.get("/api/posts/goes", host=TIDE).status), (200, 404), "alone as well")


# ---- memory ----

def metric(api, name):
    return sum(float(x) for x in re.findall(rf"^{re.escape(name)} ([\d.]+)$", api.get("/metrics", host="127.0.0.1").text, re.M))


def test_invalidation(s, scene):
    """What is committed shows, at once and for good."""
    rounds = 500 if scene.house.full else 50
    session = scene.house.cluster.session(scene.name)
    session.ask("select 1")
    going, reads, back = [True], [0], []
    def reader():
        last = -1
        with scene.api.connect() as c:
            while going[0]:
                n = int(c.ask("GET", "/api/posts/the-sixth-lead").json["title"].rpartition(" ")[2] or -1)
                if n < last:
                    back.append((last, n))
                last, reads[0] = n, reads[0] + 1
    session.ask("update tenantry.posts set title = 'round 0' where slug = 'the-sixth-lead'")
    scene.soon(lambda: scene.get("/api/posts/the-sixth-lead").json["title"] == "round 0")
    threads = [threading.Thread(target=reader) for _ in range(3)]
    for t in threads:
        t.start()
    took, lost = [], []
    with scene.api.connect() as c:
        for i in range(1, rounds + 1):
            session.ask(f"update tenantry.posts set title = 'round {i}' where slug = 'the-sixth-lead'")
            one = scene.soon(lambda: c.ask("GET", "/api/posts/the-sixth-lead").json["title"] == f"round {i}", 5)
            lost += [i] if one is None else []
            took.append(one or 5)
    going[0] = False
    for t in threads:
        t.join()
    session.close()
    took.sort()
    s.equal(lost, [], f"{rounds} changes show")
    s.ok(took[len(took) // 2] < 0.1, "within a moment", f"median {took[len(took) // 2] * 1000:.1f} ms, slowest {took[-1] * 1000:.1f} ms")
    s.equal(back, [], f"and nobody of {reads[0]} readers sees an older one again")
    print(f"invalidation: {rounds} rounds, median {took[len(took) // 2] * 1000:.1f} ms, slowest {took[-1] * 1000:.1f} ms")
    hits = metric(scene.api, 'tenantry_snapshot_total{result="hit"}')
    for _ in range(20):
        scene.get("/api/posts")
    s.ok(metric(scene.api, 'tenantry_snapshot_total{result="hit"}') >= hits + 19, "between changes answers come from memory")


def test_coalescing(s, scene):
    """Many ask for one thing while the database is slow: it is asked once."""
    time.sleep(2.5)  # what the tests before have changed is known by then
    missed = 'tenantry_snapshot_total{result="miss"}'
    before = metric(scene.api, missed)
    blocker = scene.house.cluster.session(scene.name)
    blocker.ask("begin; lock table tenantry.posts in access exclusive mode")
    answers = []
    def ask():
        answers.append(scene.get("/api/posts?limit=17"))
    threads = [threading.Thread(target=ask) for _ in range(30)]
    for t in threads:
        t.start()
    time.sleep(0.5)
    blocker.ask("commit")
    for t in threads:
        t.join()
    blocker.close()
    s.equal([a.status for a in answers], [200] * 30, "all are answered")
    s.equal(len({a.body for a in answers}), 1, "with the same")
    s.equal(metric(scene.api, missed) - before, 1, "and the database was asked once")


def test_slow(s, scene):
    """A question that takes long holds up nobody who comes after it."""
    api = scene.house.start(scene.name, "--no-snapshots", "--workers", "1")
    blocker = scene.house.cluster.session(scene.name)
    blocker.ask("begin; lock table tenantry.plans in access exclusive mode")
    with api.connect() as c:
        c.send(f"GET /api/pricing/config HTTP/1.1\r\nHost: {DUCKS}\r\n\r\n")
        time.sleep(0.1)
        began = time.monotonic()
        statuses = {api.get(f"/api/posts?limit={n}").status for n in range(1, 21)}
        took = time.monotonic() - began
        blocker.ask("commit")
        s.ok(statuses == {200} and took < 0.5, "others are answered meanwhile", f"{statuses} {took:.2f} s")
    blocker.close()


def test_away(s, scene):
    """No database: what is in memory for a minute, 503 for the rest, and no older answer once it is back."""
    c = scene.house.cluster
    s.equal((scene.get("/api/posts").status, scene.get("/api/pricing/config").status), (200, 200), "in memory")
    c.db("stop")
    s.equal((scene.get("/api/posts").status, scene.get("/api/pricing/config").status), (200, 200), "still there without the database")
    time.sleep(2.5)
    s.equal((scene.get("/api/posts").status, scene.get("/api/pricing/config").status), (200, 200), "and for a while")
    answer = scene.get("/api/posts?limit=3")
    s.equal((answer.status, bool(answer["Retry-After"])), (503, True), "what is not in memory: 503, try again")
    c.db("start")
    c.connect()
    scene.sql("update tenantry.posts set title = 'after' where slug = 'the-sixth-lead'")
    s.ok(scene.soon(lambda: "after" in scene.get("/api/posts").text, 10) is not None, "it comes back by itself")


def test_off(s, scene):
    # Of other places, or in other forms, dates would be wrong.
    scene.sql(f"alter role tenantry_api in database {scene.name} set timezone = 'Asia/Tokyo'; "
              f"alter role tenantry_api in database {scene.name} set datestyle = 'German'")
    api = scene.house.start(scene.name, "--no-snapshots", "--workers", "1")
    for i in range(5):
        scene.sql(f"update tenantry.posts set title = 'off {i}' where slug = 'the-sixth-lead'")
        s.equal(api.get("/api/posts/the-sixth-lead").json["title"], f"off {i}", "without snapshots the next request shows it")
    s.equal(api.get("/api/posts").body, scene.get("/api/posts").body if scene.soon(
        lambda: "off 4" in scene.get("/api/posts").text) is not None else None, "and answers are the same")
    scene.sql(f"alter role tenantry_api in database {scene.name} reset all")


def test_work(s, scene):
    """A page is read off the index, also where one tenant has far more posts than most: not all of them, to sort."""
    scene.sql(f"""begin; set local session_replication_role = replica;
        insert into tenantry.spaces (tenant_id, id, slug, name, visibility)
            values ({TENANT.format("tidewater")}, md5('work')::uuid, 'work', 'x', 'PUBLIC');
        insert into tenantry.posts (tenant_id, slug, title, content, status, published_at, tags, space_id, space_slug)
            select {TENANT.format("tidewater")}, 'work-' || n, 'x', repeat('x', 800), 'PUBLISHED', now() - n * interval '1 minute', array['work'],
                case when n % 200 = 0 then md5('work')::uuid end, case when n % 200 = 0 then 'work' end
            from generate_series(1, 20000) n order by random();
        insert into tenantry.tenants (id, slug, name, status)
            select md5('many' || n)::uuid, 'many-' || n, 'x', 'active' from generate_series(1, 500) n;
        insert into tenantry.posts (tenant_id, slug, title, status, published_at)
            select id, 'work-x', 'x', 'PUBLISHED', now() from tenantry.tenants where slug like 'many-%';
        commit; analyze tenantry.posts""")
    api = scene.house.start(scene.name, "--no-snapshots", "--workers", "1")
    read = lambda: int(scene.sql("select seq_tup_read + idx_tup_fetch from pg_stat_user_tables where relname = 'posts'"))
    cursor = api.get("/api/posts", host=TIDE).json["nextCursor"]
    time.sleep(1.1)
    api.get("/api/posts", host=TIDE)  # so that what was read before is told
    before = read()
    for query in ("", f"?cursor={cursor}", "?tag=work", "?space=work", "?tag=work&space=work") * 5:
        s.equal(len(api.get(f"/api/posts{query}", host=TIDE).json["posts"]), 20, f"a page: {query[:22]}")
    time.sleep(1.1)
    api.get("/api/posts", host=TIDE)
    s.ok(26 * 20 <= read() - before < 26 * 30, "as many rows are read as are shown", read() - before)
    scene.sql("delete from tenantry.posts where slug like 'work-%'; delete from tenantry.tenants where slug like 'many-%'; delete from tenantry.spaces where slug = 'work'")


def test(s, house):
    scene = Scene(s, house, "api_public")
    for check in (test_agreement, test_promotions, test_secrets, test_headers, test_bad, test_seen, test_fields, test_counts, test_pages,
                  test_moments, test_invalidation, test_coalescing, test_slow, test_lent, test_off, test_work, test_away):
        check(s, scene)

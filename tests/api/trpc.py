"""tRPC: the wire by raw requests, real clients, a real server to compare with, and who may call what."""
import base64, hashlib, hmac, json, os, re, subprocess, time
import urllib.parse

from server import CLAW, DUCKS, TIDE

SECRET, MEDIA = "a secret of the tests, long enough for HS256", "photos"
NOBODY = "3f2b8c1e-0000-4000-8000-000000000000"
FIXTURE = """
set search_path = tenantry;
insert into users (email, name) select w || '@fiveducks.example', initcap(w)
    from unnest(array['free', 'paid', 'trial', 'late', 'ended', 'guest', 'admitted', 'john']) w;
insert into memberships (tenant_id, user_id, role, join_source)
    select tenant_id('5ducks'), id, (case when name in ('Guest', 'Admitted') then 'guest' else 'member' end)::member_role,
        (case name when 'Free' then 'free_signup' when 'John' then 'invite_link' when 'Trial' then 'invite_link'
            else 'free_signup' end)::join_source
    from users where email ~ '^(free|paid|trial|late|ended|guest|admitted|john)@fiveducks.example';
update users set avatar_url = '/media/tomasz.jpg' where email = 'tomasz@fiveducks.example';
update users set avatar_url = 'https://photos.example/maren.jpg' where email = 'maren@fiveducks.example';
insert into subscriptions (tenant_id, user_id, plan_key, status, stripe_subscription_id, stripe_customer_id, grace_until,
        current_period_end)
    select tenant_id('5ducks'), id, 'duckling', s::subscription_status, 'sub_' || name, 'cus_' || name, now() + g, now() + interval '9 days'
    from users join (values ('Paid', 'active', null), ('Trial', 'trialing', null), ('Late', 'past_due', interval '1 day'),
        ('Ended', 'canceled', null)) v (who, s, g) on name = who;
insert into spaces (tenant_id, slug, name, visibility, archived_at) select tenant_id('5ducks'), v.slug, v.slug, v.vis::visibility, v.gone
    from (values ('club', 'MEMBERS', null), ('attic', 'PUBLIC', now())) v (slug, vis, gone);
insert into space_members (tenant_id, space_id, user_id)
    select s.tenant_id, s.id, u.id from spaces s, users u where s.slug = 'club' and u.name = 'Admitted';
insert into posts (tenant_id, space_id, slug, title, content, status, publish_at, expires_at)
    select tenant_id('5ducks'), (select id from spaces where slug = v.space), v.slug, v.slug, v.content, v.status::post_status, v.at, v.until
    from (values ('club', 'club-news', '<p>club</p>', 'PUBLISHED', null::timestamptz, null::timestamptz),
        ('club', 'club-due', '<p>due</p>', 'SCHEDULED', now() - interval '1 hour', null),
        ('club', 'club-soon', '<p>soon</p>', 'SCHEDULED', now() + interval '1 hour', null),
        ('club', 'club-draft', '<p>draft</p>', 'DRAFT', null, null),
        ('attic', 'attic-post', '<p>away</p>', 'PUBLISHED', null, null),
        ('club', 'club-old', '<p>old</p>', 'PUBLISHED', null, now() - interval '1 minute'),
        ('pond-notes', 'evil', '<p onclick="x()">good</p><script>evil()</script>', 'PUBLISHED', null, null)) v
        (space, slug, content, status, at, until);
"""
PEOPLE = {  # e-mail, tenant of the token
    "guest": "guest@fiveducks.example", "admitted": "admitted@fiveducks.example", "free": "free@fiveducks.example",
    "paid": "paid@fiveducks.example", "trial": "trial@fiveducks.example", "late": "late@fiveducks.example",
    "ended": "ended@fiveducks.example", "bought": "priya@fiveducks.example", "admin": "tomasz@fiveducks.example",
    "owner": "maren@fiveducks.example"}


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def token(user, tenant="5ducks", role=None):
    """A JSON Web Token as an application's own login would make it."""
    claims = {"sub": user, "tenant_id": tenant, "exp": int(time.time()) + 600}
    if role:
        claims["https://hasura.io/jwt/claims"] = {"x-hasura-default-role": role, "x-hasura-allowed-roles": [role]}
    signed = b64(b'{"alg":"HS256","typ":"JWT"}') + b"." + b64(json.dumps(claims).encode())
    return (signed + b"." + b64(hmac.new(SECRET.encode(), signed, hashlib.sha256).digest())).decode()


class Scene:
    """A database with the people of the matrix, and a server on it."""

    def __init__(self, house):
        self.house, self.db = house, house.database("trpc")
        house.sql(FIXTURE, self.db)
        self.api = house.start(self.db, TENANTRY_API_JWT_SECRET=SECRET, TENANTRY_API_MEDIA_SECRET=MEDIA, TENANTRY_API_LIMIT="off")
        self.tokens = {who: token(self.user(email)) for who, email in PEOPLE.items()}

    def one(self, sql):
        return self.house.sql("set search_path = tenantry;" + sql, self.db)

    def user(self, email):
        return self.one(f"select id from users where email = '{email}'")

    def space(self, slug):
        return self.one(f"select id from spaces where slug = '{slug}'")

    def call(self, name, data=None, who=None, mutation=False, host=DUCKS, headers=()):
        headers = dict(headers)
        if who:
            headers["Authorization"] = "Bearer " + self.tokens.get(who, who)
        body = {"json": data} if data is not None else None
        if mutation:
            return self.api.post("/api/trpc/" + name, body, host=host, headers=headers)
        query = "?input=" + urllib.parse.quote(json.dumps(body)) if body else ""
        return self.api.get("/api/trpc/" + name + query, host=host, headers=headers)

    def slugs(self, answer):
        return {p["slug"] for p in answer.json["result"]["data"]["json"]["posts"]}


def code(answer):
    """"ok", or the name of the error."""
    said = answer.json
    if "result" in said:
        return "ok"
    return said["error"]["json"]["data"]["code"]


# ---- the wire ----

def quoted(value):
    return urllib.parse.quote(value if isinstance(value, str) else json.dumps(value))


def wire_requests():
    """(what, method, path below /api/trpc/, headers, body); the reference answers the same ones."""
    js = {"Content-Type": "application/json"}
    inp = quoted({"json": {"limit": 1}})
    undefined = {"json": {"cursor": None}, "meta": {"values": {"cursor": ["undefined"]}, "v": 1}}
    return [
        ("a query", "GET", f"posts.list?input={inp}", {}, None),
        ("a query without input", "GET", "posts.list", {}, None),
        ("a query with an empty input", "GET", "posts.list?input=", {}, None),
        ("a query that sends a content type", "GET", f"posts.list?input={inp}", js, None),
        ("a cursor that is undefined", "GET", f"posts.list?input={quoted(undefined)}", {}, None),
        ("input with white space", "GET", f"posts.list?input={quoted(chr(10) + json.dumps(undefined, indent=1))}", {}, None),
        ("input with plus signs", "GET", "posts.list?input=" + quoted({"json": {"limit": 1}}).replace("%20", "+"), {}, None),
        ("malformed input", "GET", "posts.list?input=%7Bx", {}, None),
        ("an unknown procedure", "GET", "posts.nowhere", {}, None),
        ("an unknown one, posted", "POST", "posts.nowhere", js, "{}"),
        ("a mutation by GET", "GET", "posts.create", {}, None),
        ("a query by POST", "POST", "posts.list", js, '{"json":{}}'),
        ("a mutation", "POST", "posts.create", js, '{"json":{}}'),
        ("a mutation without a body", "POST", "posts.create", js, ""),
        ("a mutation without a content type", "POST", "posts.create", {}, '{"json":{}}'),
        ("a mutation of another type", "POST", "posts.create", {"Content-Type": "text/plain"}, '{"json":{}}'),
        ("a content type with a charset", "POST", "posts.create", {"Content-Type": "Application/JSON; charset=utf-8"}, '{"json":{}}'),
        ("who is nobody", "GET", "members.list", {}, None),
        ("a batch", "GET", f"posts.list,posts.list?batch=1&input={quoted({'0': {'json': {}}, '1': {'json': {}}})}", {}, None),
        ("a batch of one", "GET", "posts.list?batch=1", {}, None),
        ("a batch with an escaped comma", "GET", "posts.list%2Cposts.list?batch=1", {}, None),
        ("a mixed batch", "GET", "posts.list,members.list,posts.nowhere?batch=1", {}, None),
        ("a batch of errors that are equal", "GET", "members.list,members.get?batch=1", {}, None),
        ("queries and mutations in one", "GET", "posts.list,posts.create?batch=1", {}, None),
        ("a batch of mutations", "POST", "posts.create,posts.create?batch=1", js, '{"0":{"json":{}}}'),
        ("a list for a batch's input", "GET", "posts.list,posts.list?batch=1&input=%5B%5D", {}, None),
        ("malformed input of a batch", "GET", "posts.list,posts.list?batch=1&input=%7B", {}, None),
        ("a batch with an empty name", "GET", "posts.list,?batch=1", {}, None),
        ("names with a comma, but no batch", "GET", "posts.list,posts.list", {}, None),
        ("a batch of twenty", "GET", ",".join(["posts.list"] * 20) + "?batch=1", {}, None),
        ("a batch of twenty-one", "GET", ",".join(["posts.list"] * 21) + "?batch=1", {}, None),
        ("batch=2", "GET", "posts.list?batch=2", {}, None),
        ("lines", "GET", "posts.list,members.list,posts.nowhere?batch=1", {"trpc-accept": "application/jsonl"}, None),
        ("lines by Accept", "GET", "posts.list?batch=1", {"Accept": "text/html, application/jsonl"}, None),
        ("lines without a batch", "GET", "posts.list", {"trpc-accept": "application/jsonl"}, None),
        ("trpc-accept of something else", "GET", "posts.list", {"trpc-accept": "application/json", "Accept": "application/jsonl"}, None),
        ("HEAD", "HEAD", "posts.list", {}, None),
    ]


# Where the two are meant to differ, and why.
MEANT = {
    "a mutation of another type": "there, a quotation mark is missing",
    "malformed input": "the message is our parser's",
    "malformed input of a batch": "the message is our parser's",
}


def shape(value, text=True):
    """What has to be equal: an error's every word, of an answer only how it is wrapped."""
    if isinstance(value, list):
        return [shape(v, text) for v in value]
    if "error" in value:
        e = value["error"].get("json", value["error"])
        return {"wrapped": list(value["error"]) if "json" in value["error"] else "no", "code": e["code"], "data": e["data"],
                "message": e["message"] if text else "-", "more": sorted(set(e) - {"code", "data", "message"})}
    data = value["result"]["data"]
    return {"keys": sorted(data), "meta": "values" in data.get("meta", {}), "v": data.get("meta", {}).get("v")}


def lines(answer):
    """{number: answer} of a stream, whichever way it is cut up."""
    head, *chunks = [json.loads(line)["json"] for line in answer.text.strip().split("\n")]
    by_id = {c[0]: c[2] for c in chunks}

    def settle(encoded):
        data, *promised = encoded
        value = data[0]
        for key, kind, number in promised:
            assert kind == 0
            if key is None:
                value = settle(by_id[number])
            else:
                value[key] = settle(by_id[number])
        return value
    return {k: settle(v) for k, v in head.items()}


def compare(s, scene, port):
    import http.client
    for what, method, path, headers, body in wire_requests():
        ours = scene.api.ask(method, "/api/trpc/" + path, headers=headers, body=body)
        c = http.client.HTTPConnection("127.0.0.1", port)
        c.request(method, "/api/trpc/" + path, headers=headers, body=body)
        r = c.getresponse()
        their_body, theirs = r.read(), r
        detail = f"{ours}\n{theirs.status} {theirs.getheaders()} {their_body[:600]}"
        s.ok(ours.status == theirs.status, f"{what}: the status is that of @trpc/server", detail)
        if method == "HEAD":
            continue
        # What is refused before any procedure is looked for is plain text there, which it is not.
        theirs_type = theirs.getheader("content-type").replace("text/plain;charset=UTF-8", "application/json")
        s.ok(ours["content-type"] == theirs_type,
             f"{what}: and the content type", detail)
        s.ok(ours["vary"] and ours["vary"].startswith(theirs.getheader("vary")), f"{what}: and Vary", detail)
        s.equal(ours["allow"], theirs.getheader("allow"), f"{what}: and Allow")
        if "jsonl" in str(headers) and "batch=1" in path:
            theirs.body = their_body
            theirs.text = their_body.decode()
            a, b = lines(ours), lines(theirs)
            plain = lambda answers: {k: v.get("error", sorted(v)) for k, v in answers.items()}
            s.equal(plain(a), plain(b), f"{what}: and what the lines amount to")
        else:
            text = what not in MEANT
            s.equal(shape(ours.json, text), shape(json.loads(their_body), text), f"{what}: and the body")


def test_reference(s, scene):
    folder, why = scene.house.node("@trpc/server", "superjson")
    if not folder:
        s.skip("@trpc/server to compare with", why)
        return
    copy = os.path.join(folder, "trpc_reference.mjs")
    with open(os.path.join(os.path.dirname(__file__), "trpc_reference.mjs")) as f, open(copy, "w") as out:
        out.write(f.read())
    p = subprocess.Popen(["node", copy], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        compare(s, scene, int(p.stdout.readline()))
    finally:
        p.stdin.close()
        p.wait(20)
        p.stdout.close()


def test_wire(s, scene):
    """What needs no other server to be judged."""
    answer = scene.call("posts.list", {"limit": 1})
    data = answer.json["result"]["data"]
    s.ok(answer["cache-control"] == "no-store" and answer["vary"].startswith("trpc-accept, accept"), "nothing of it is cached", answer)
    at = data["json"]["posts"][0]["createdAt"]
    s.ok(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", at), "a date has milliseconds and Z", at)
    s.equal(data["meta"]["values"].get("posts.0.createdAt"), ["Date"], "and is said to be one")
    s.equal(data["meta"]["v"], 1, "by the rules of version 1")
    last = scene.call("posts.list", {"limit": 100}).json["result"]["data"]
    s.ok(last["json"]["nextCursor"] is None and last["meta"]["values"]["nextCursor"] == ["undefined"], "no next cursor is undefined")
    put = scene.api.ask("PUT", "/api/trpc/posts.list", headers={"Content-Type": "application/json"}, body="{}")
    s.ok(put.status == 405 and code(put) == "METHOD_NOT_SUPPORTED" and "GET" in put["allow"], "PUT is refused as tRPC does", put)
    foreign = scene.call("posts.list", host="unknown.example")
    s.ok(foreign.status == 421 and code(foreign) == "BAD_REQUEST", "a host that nobody has", foreign)
    s.equal(code(scene.api.get("/api/trpc/")), "NOT_FOUND", "no name at all")
    big = scene.api.post("/api/trpc/posts.create", '{"json":{"content":"' + "x" * (1100 << 10) + '"}}', headers={"Content-Type": "application/json"})
    s.ok(big is None or big.status == 413, "a body has an end", big)
    deep = scene.api.get("/api/trpc/posts.list?input=" + quoted("[" * 2000))
    s.ok(deep.status == 400, "depth, too", deep)
    many = {"json": {"a": ["x"] * 2000}, "meta": {"values": {f"a.{i}": ["Date"] for i in range(2000)}, "v": 1}}
    began = time.monotonic()
    answer = scene.api.post("/api/trpc/posts.create", many, headers={"Authorization": "Bearer " + scene.tokens["free"]})
    s.ok(answer.status == 400 and time.monotonic() - began < 1, "two thousand dates are read in no time", answer)
    for bad in ({"json": {"spaceId": 5}}, {"json": [1]}, {"json": "x"}, {"limit": 1, "meta": 5}, 5, "x", [1],
                {"json": {"limit": "20"}}, {"json": {"limit": 1.5}}, {"json": {"limit": 0}}, {"json": {"limit": 1e300}},
                {"json": {}, "meta": {"values": {"nowhere": ["Date"]}, "v": 1}}):
        answer = scene.api.get("/api/trpc/posts.list?input=" + quoted(bad))
        s.ok(answer.status == 400 and code(answer) == "BAD_REQUEST", f"{json.dumps(bad)} is refused", answer)


# ---- who may ----

def test_matrix(s, scene):
    ids = {name: scene.space(name) for name in ("pond-notes", "club", "deal-room", "attic")}
    foreign = scene.one("select id from posts where tenant_id <> tenant_id('5ducks') and status = 'PUBLISHED' limit 1")
    everybody = [None] + list(PEOPLE)
    members = [w for w in everybody if w not in (None, "guest", "admitted")]
    paying = ("paid", "trial", "late", "bought", "admin", "owner")
    for who in everybody:
        name = who or "anonymous"
        seen = scene.slugs(scene.call("posts.list", {"limit": 100}, who))
        s.equal({"the-sixth-lead", "evil"} <= seen, True, f"{name} reads public posts")
        s.equal("club-news" in seen, who in members or who == "admitted", f"{name} and posts for members")
        s.equal("club-due" in seen, who in members or who == "admitted", f"{name} and what was scheduled and is due")
        s.equal("how-we-price-a-region" in seen, who in paying, f"{name} and posts for who has paid")
        s.ok(not seen & {"club-soon", "club-draft", "club-old", "autumn-in-the-pond", "attic-post"},
             f"{name} and drafts, what is to come, what is over, what is archived", seen)
        spaces = {n: code(scene.call("posts.list", {"spaceId": i}, who)) for n, i in ids.items()}
        s.equal(spaces, {
            "pond-notes": "ok", "attic": "NOT_FOUND", "club": "ok" if who in members or who == "admitted" else "NOT_FOUND",
            "deal-room": "ok" if who in paying else "FORBIDDEN" if who in members else "NOT_FOUND"}, f"{name} and each space")
        listed = scene.call("members.list", {"limit": 100}, who)
        s.equal(code(listed), "ok" if who in members else "FORBIDDEN" if who else "UNAUTHORIZED", f"{name} and the members")
        got = scene.call("members.get", {"userId": scene.user(PEOPLE["paid"])}, who)
        s.equal(code(got), code(listed), f"{name} and one member")
        mails = "@fiveducks.example" in listed.text + got.text
        s.equal(mails, who in ("admin", "owner"), f"{name} and e-mail addresses")
        me = scene.call("users.getCurrentUser", None, who)
        s.equal(code(me), "ok" if who else "UNAUTHORIZED", f"{name} and oneself")
        if who:
            said = me.json["result"]["data"]["json"]
            s.equal((said["email"], said["isFreeMember"], said["role"]),
                    (PEOPLE[who], who not in ("paid", "trial", "bought"), "ADMIN" if who in ("admin", "owner") else "MEMBER"),
                    f"{name} is who they are")
        for space, i in ids.items():
            made = code(scene.call("posts.create", {"spaceId": i, "title": f"{name} was here", "content": "x"}, who, mutation=True))
            want = "UNAUTHORIZED" if not who else "FORBIDDEN" if who not in members else spaces[space]
            s.equal(made, want, f"{name} and a post in {space}")
        for what, call in {
            "a space": lambda i: scene.call("posts.list", {"spaceId": i}, who),
            "a cursor": lambda i: scene.call("posts.list", {"cursor": i}, who),
            "a member": lambda i: scene.call("members.get", {"userId": i}, who),
            "a space to post in": lambda i: scene.call("posts.create", {"spaceId": i, "title": "x", "content": "x"}, who, mutation=True),
        }.items():
            theirs = {"a cursor": foreign, "a member": scene.user("ida@sendclaw.example")}.get(what) or scene.one(
                "select coalesce((select id from spaces where tenant_id <> tenant_id('5ducks') limit 1), gen_random_uuid())")
            answers = [call(i) for i in (theirs, NOBODY, "user_abc123")]
            s.ok(len({(a.status, a.body) for a in answers}) == 1, f"{name}: {what} of another tenant is like none, and like no id", answers)
    outsider = token(scene.user("ida@sendclaw.example"), "5ducks")
    s.equal(code(scene.call("users.getCurrentUser", None, outsider)), "FORBIDDEN", "who is no member is refused")
    s.equal(code(scene.call("members.list", {}, outsider)), "FORBIDDEN", "the members as well")
    s.ok("club-news" not in scene.slugs(scene.call("posts.list", {"limit": 100}, outsider)), "and reads what the public reads")
    s.equal(code(scene.call("posts.list", {}, scene.tokens["admin"], host=CLAW)), "UNAUTHORIZED", "a token of another tenant is none here")
    lowered = token(scene.user(PEOPLE["admin"]), role="guest")
    s.ok("club-news" not in scene.slugs(scene.call("posts.list", {"limit": 100}, lowered)), "a token for a guest is a guest's")
    member = token(scene.user(PEOPLE["admin"]), role="user")
    s.ok("@fiveducks" not in scene.call("members.list", {}, member).text, "and one for a member sees no e-mail")


# ---- what is answered ----

def test_posts(s, scene):
    club, pond = scene.space("club"), scene.space("pond-notes")
    evil = next(p for p in scene.call("posts.list", {"limit": 100}).json["result"]["data"]["json"]["posts"] if p["slug"] == "evil")
    s.equal(evil["content"], "<p>good</p>", "content is harmless")
    hostile = '<p>hi</p><img src=x onerror="x()"><script>x()</script>'
    post = {"spaceId": club, "title": "Über Café & Co.", "content": hostile, "status": "PUBLISHED"}
    made = [scene.call("posts.create", post, "free", mutation=True).json["result"]["data"]["json"] for _ in range(3)]
    s.equal([m["slug"] for m in made], [f"uber-cafe-and-co{n}" for n in ("", "-2", "-3")], "a slug of its own for each")
    s.ok("onerror" not in made[0]["content"] and "<p>hi</p>" in made[0]["content"], "the answer is harmless", made[0])
    s.equal(scene.one(f"select content from posts where id = '{made[0]['id']}'"), hostile, "what was sent is kept")
    s.equal(scene.one(f"select u.name || visibility || (published_at is not null) from posts join users u on u.id = author_id where posts.id = '{made[0]['id']}'"),
            "FreeMEMBERStrue", "in the author's name, for the space's readers")
    long = scene.call("posts.create", dict(post, title="word " * 59 + "end"), "free", mutation=True).json["result"]["data"]["json"]
    s.ok(len(long["slug"]) <= 80 and long["slug"].endswith("word"), "a long title has a short slug", long["slug"])
    wide = scene.call("posts.create", dict(post, title="日" * 300), "free", mutation=True)
    s.ok(code(wide) == "ok" and len(wide.json["result"]["data"]["json"]["slug"]) <= 80, "in any script", wide)
    wrong = {"no title": ({"title": "  "}, "title"), "two lines": ({"title": "a\nb"}, "title"), "too long": ({"title": "x" * 301}, "title"),
             "no content": ({"content": None}, "content"), "a control character": ({"content": "a\u0001"}, "content"),
             "an unknown status": ({"status": "LIVE"}, "status"), "no date": ({"status": "SCHEDULED"}, "scheduledAt"),
             "a date too many": ({"scheduledAt": "2030-01-01T00:00:00Z"}, "scheduledAt"),
             "no such date": ({"status": "SCHEDULED", "scheduledAt": "2030-02-30T00:00:00Z"}, "scheduledAt"),
             "no space": ({"spaceId": None}, "spaceId")}
    for what, (change, field) in wrong.items():
        answer = scene.call("posts.create", {**post, **change}, "free", mutation=True)
        fields = answer.json.get("error", {}).get("json", {}).get("data", {}).get("fieldErrors", {})
        s.ok(answer.status == 400 and list(fields) == [field], f"{what}: the field is named", answer)
    scene.one("insert into posts (tenant_id, space_id, slug, title, content, status, published_at) select tenant_id('5ducks'), "
              f"'{pond}', 'tie-' || i, 'tie', 'x', 'PUBLISHED', '2026-05-15' from generate_series(1, 25) i")
    for size in (1, 7, 100):
        cursor, seen = None, []
        for _ in range(80):
            page = scene.call("posts.list", {"limit": size, "cursor": cursor}, "free").json["result"]["data"]["json"]
            seen += [p["id"] for p in page["posts"]]
            cursor = page["nextCursor"]
            if not cursor:
                break
        wanted = scene.one("select count(*) from posts where tenant_id = tenant_id('5ducks') and (status = 'PUBLISHED' or (status = 'SCHEDULED' "
                           "and publish_at <= now())) and (expires_at is null or expires_at > now()) and visibility <> 'PAID' "
                           "and space_id is distinct from (select id from spaces where archived_at is not null)")
        s.ok(len(seen) == len(set(seen)) == int(wanted), f"by {size}, every post comes once, also of one moment", f"{len(seen)} {wanted}")


    attic = scene.one("update spaces set archived_at = null where slug = 'attic' returning id")
    scene.one("delete from posts where slug = 'attic-post'; "
              "insert into posts (tenant_id, space_id, slug, title, content, status) select tenant_id('5ducks'), "
              f"'{attic}', 'long-' || i, 'long', repeat('<p>x</p>', 15000), 'PUBLISHED' from generate_series(1, 5) i")
    cursor, sizes = None, []
    for _ in range(9):
        page = scene.call("posts.list", {"spaceId": attic, "limit": 100, "cursor": cursor}).json["result"]["data"]["json"]
        sizes.append(len(page["posts"]))
        cursor = page["nextCursor"]
        if not cursor:
            break
    s.equal(sizes, [3, 2], "a page of long posts is a short one")
    scene.one("delete from posts where slug ~ '^long-'")


def test_members(s, scene):
    page = lambda **k: scene.call("members.list", k, "admin").json["result"]["data"]["json"]
    first = page(limit=3)
    s.equal((len(first["members"]), first["total"], first["pages"], first["page"]), (3, 12, 4, 1), "a page of members")
    ids = [m["userId"] for n in range(1, 5) for m in page(limit=3, page=n)["members"]]
    s.equal(len(set(ids)), 12, "the pages hold everybody once")
    s.equal(page(limit=3, page=9)["members"], [], "there is nobody behind the last page")
    s.equal({m["role"] for m in page(role="ADMIN")["members"]}, {"ADMIN"}, "by role")
    s.equal(page(role="MEMBER")["total"] + page(role="ADMIN")["total"], 12, "each has one of the two")
    s.equal([m["name"] for m in page(search="MAREN")["members"]], ["Maren Voss"], "by name, in any case")
    s.equal(page(search="priya@")["total"], 1, "admins find e-mail addresses")
    s.equal(scene.call("members.list", {"search": "priya@"}, "free").json["result"]["data"]["json"]["total"], 0, "members do not")
    s.equal(page(search="%")["total"], 0, "a percent sign is one")
    s.equal(page(search="")["total"], 12, "nothing is looked for in vain")
    photos = {m["name"]: m["profilePhotoUrl"] for m in page(limit=100)["members"]}
    s.equal(photos["Maren Voss"], "https://photos.example/maren.jpg", "an address elsewhere stays")
    path, verify = photos["Tomasz Lind"].split("?verify=")
    at, mac = verify.split("-", 1)
    s.equal(mac.encode(), b64(hmac.new(MEDIA.encode(), (path + at).encode(), hashlib.sha256).digest()), "a path of our own is signed")
    s.ok(int(at) % 3600 == 0 and 0 <= time.time() - int(at) < 3700, "with the hour", at)


def test_batch(s, scene):
    """Each call is answered for itself, in its place."""
    names = "users.getCurrentUser,posts.list,members.list,posts.list"
    data = {"1": {"json": {"limit": 1}}, "2": {"json": {"limit": 2}}, "3": {"json": {"limit": 500}}}
    a = scene.api.get(f"/api/trpc/{names}?batch=1&input={quoted(data)}", headers={"Authorization": "Bearer " + scene.tokens["free"]})
    got = a.json
    s.ok(a.status == 207 and [code(type("A", (), {"json": g})) for g in got] == ["ok", "ok", "ok", "BAD_REQUEST"], "a batch of all kinds", a)
    s.ok(len(got[1]["result"]["data"]["json"]["posts"]) == 1 and len(got[2]["result"]["data"]["json"]["members"]) == 2, "each with its input", a)
    s.ok("email" in got[0]["result"]["data"]["json"] and "fieldErrors" in got[3]["error"]["json"]["data"], "in the order of the calls")


def test_session(s, scene):
    """A browser's cookie counts as well, and only from the site itself."""
    secret = b64(os.urandom(32)).decode()
    scene.one("insert into sessions (tenant_id, user_id, token_hash, expires_at) select tenant_id('5ducks'), "
              f"'{scene.user(PEOPLE['free'])}', sha256('{secret}'), now() + interval '1 hour'")
    cookie = {"Cookie": f"__Host-tenantry_session={secret}"}
    me = scene.call("users.getCurrentUser", headers=cookie)
    s.ok(me.status == 200 and me.json["result"]["data"]["json"]["email"] == PEOPLE["free"], "a session", me)
    post = {"spaceId": scene.space("club"), "title": "By cookie", "content": "x"}
    for origin, want in ((f"https://{DUCKS}", 200), ("https://elsewhere.example", 403), (None, 403)):
        answer = scene.call("posts.create", post, mutation=True, headers={**cookie, **({"Origin": origin} if origin else {})})
        s.ok(answer.status == want, f"a mutation by cookie from {origin}", answer)
        s.equal(code(answer), "ok" if want == 200 else "FORBIDDEN", f"in tRPC's words, from {origin}")


def test_login(s, scene):
    """From signing up in a browser to a post: nothing but what the server itself hands out."""
    origin = {"Origin": f"https://{DUCKS}"}
    joined = scene.api.post("/api/auth/register", {"email": "new@fiveducks.example", "password": "a long enough pass phrase"}, headers=origin)
    if joined.status == 404:
        s.skip("signing up first", "this server has no accounts")
        return
    held = [v.split(";")[0] for k, v in joined.all if k.lower() == "set-cookie" and "session=" in v]
    s.ok(joined.status in (200, 201) and held, "somebody signs up", joined)
    cookie = {**origin, "Cookie": "; ".join(held)}
    me = scene.call("users.getCurrentUser", headers=cookie)
    said = me.json.get("result", {}).get("data", {}).get("json", {})
    s.ok(said.get("email") == "new@fiveducks.example" and said.get("isFreeMember") is True, "and is a free member", me)
    post = {"spaceId": scene.space("club"), "title": "My first", "content": "x", "status": "PUBLISHED"}
    s.equal(code(scene.call("posts.create", post, mutation=True, headers=cookie)), "ok", "and writes a post")
    scene.api.post("/api/auth/logout", {}, headers=cookie)
    s.equal(code(scene.call("users.getCurrentUser", headers=cookie)), "UNAUTHORIZED", "until they go")


def test_clients(s, scene):
    facts = {"base": scene.api.base, "host": DUCKS, "spaceId": scene.space("pond-notes"), "paidSpaceId": scene.space("deal-room"),
             "memberId": scene.user("john@fiveducks.example"),
             "foreignPostId": scene.one("select id from posts where tenant_id <> tenant_id('5ducks') limit 1"), **scene.tokens}
    path = os.path.join(scene.house.top, "trpc.json")
    with open(path, "w") as f:
        json.dump(facts, f)
    status, text = scene.house.run_node("trpc.mjs", path)
    if status is None:
        s.skip("@trpc/client", text)
        return
    found = 0
    for line in text.splitlines():
        try:
            said = json.loads(line)
            found += 1
            s.ok(said["ok"], said["what"], said["detail"])
        except ValueError:
            continue  # of an error, which ends it
    s.ok(status == 0 and found > 60, "the real client went through all of it", text[-2000:])


def test_superjson(s, scene):
    program = os.path.join(os.path.dirname(scene.house.api_path), "unit", "test_api_superjson")
    if not os.path.exists(program):
        s.skip("superjson, value for value", "the unit tests are not built (make tests)")
        return
    count = 20000 if scene.house.full else 2000
    status, text = scene.house.run_node("superjson.mjs", program, str(count))
    if status is None:
        s.skip("superjson, value for value", text)
        return
    s.ok(text.strip() == f"{count} same", "random values come back from superjson as they went", text)


def test(s, house):
    scene = Scene(house)
    for part in (test_matrix, test_wire, test_members, test_batch, test_session, test_posts, test_login, test_reference, test_clients,
                 test_superjson):
        part(s, scene)

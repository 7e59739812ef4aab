"""Every operation of the document x everybody who might call it, with own and with others' ids; each answer is what the
document promises.  A route without an example below fails: the matrix grows with the table."""
import json, os, re, statistics, time, urllib.parse, uuid

import trpc
from server import CLAW, DUCKS

FIXTURE = """
set search_path = tenantry;
insert into users (email, name) select w || '@matrix.example', w
    from unnest(array['guest', 'member', 'admin', 'owner', 'stranger', 'theirs']) w;
insert into memberships (tenant_id, user_id, role) select tenant_id('5ducks'), id, name::member_role
    from users where email ~ '@matrix' and name not in ('stranger', 'theirs');
insert into memberships (tenant_id, user_id, role) select tenant_id('sendclaw'), id, 'admin'
    from users where email ~ '@matrix' and name in ('theirs');
insert into spaces (tenant_id, slug, name, visibility) select tenant_id('sendclaw'), 'theirs', 'Theirs', 'PUBLIC';
insert into posts (tenant_id, space_id, slug, title, status) select tenant_id, id, 'theirs', 'Theirs', 'PUBLISHED'
    from spaces where slug = 'theirs';
insert into posts (tenant_id, slug, title, status) select id, 'same', 'Of ' || slug, 'PUBLISHED' from tenants;
insert into plans (tenant_id, key, name, price, stripe_price_id) select tenant_id('sendclaw'), 'theirs', 'Theirs', 5, 'price_theirs';
insert into checkout_sessions (tenant_id, plan_key, idempotency_key, status, stripe_session_id, stripe_subscription_id)
    values (tenant_id('sendclaw'), 'theirs', 'theirs', 'complete', 'cs_theirs', 'sub_theirs');
insert into subscriptions (tenant_id, plan_key, status, paid_at, stripe_subscription_id, stripe_customer_id)
    values (tenant_id('sendclaw'), 'theirs', 'active', now(), 'sub_theirs', 'cus_theirs');
insert into invitations (tenant_id, email, role, token_hash)
    select tenant_id('sendclaw'), email, 'admin', sha256(('theirs-' || name)::bytea) from users where email ~ '@matrix';
insert into sessions (tenant_id, user_id, token_hash, expires_at) select tenant_id('sendclaw'), id, sha256(repeat('t', 43)::bytea),
    now() + interval '1 day' from users where name = 'theirs' and email ~ '@matrix';
"""
RANKS = ["nobody", "guest", "member", "admin", "owner"]
# Signed in, but no member here; and one who is an admin of another tenant, whose token says so.
OTHERS = ["stranger", "theirs"]
PASSWORD = "correct horse battery"
# By operation: the path's values, the body, the statuses of whoever may call it.
EXAMPLES = {
    "get_healthz": {}, "get_readyz": {}, "get_api_openapi_json": {}, "get_api_pricing_config": {}, "get_api_plans": {},
    "get_api_posts": {"query": "?limit=2"},
    "get_api_posts_slug": {"path": ["second-duck"], "fine": {200, 404}},
    "post_api_auth_register": {"body": {"email": "new@matrix.example", "password": PASSWORD}, "fine": {200, 201}},
    "post_api_auth_login": {"body": {"email": "new@matrix.example", "password": PASSWORD}},
    "post_api_auth_logout": {"body": {}, "fine": {204}},
    "get_api_auth_session": {},
    "post_api_invitations": {"body": {"email": "someone@matrix.example"}, "fine": {201, 409}},
    "post_api_invitations_accept": {"body": {"token": "nothing"}, "fine": {404}},
    "get_api_keys": {},
    "post_api_keys": {"body": {"name": "of the matrix"}, "fine": {201}},
    "delete_api_keys_id": {"path": [str(uuid.uuid4())], "fine": {404}},
    "post_api_stripe_create_checkout_session": {"body": {"planId": "duckling"}, "fine": {503}},  # no key of Stripe's is set
    "get_api_features": {}, "get_api_billing": {},
    "post_api_billing_subscribe": {"body": {"planId": "starter"}, "fine": {503}},
    "post_api_billing_portal": {"fine": {404}}, "post_api_billing_cancel": {"body": {}, "fine": {404}},
    "post_api_billing_change_plan": {"body": {"planId": "duckling"}, "fine": {404}},
    "post_api_billing_resume": {"body": {}, "fine": {404}},
    "get_api_stripe_checkout_session": {"query": "?session_id=cs_none", "fine": {404}},
    "post_api_stripe_claim_checkout_session": {"body": {"sessionId": "cs_none"}, "fine": {404}},
}


def fill(path, values):
    values = iter(values)
    return re.sub(r"\{[^}]*\}", lambda m: next(values), path)


class Scene:
    def __init__(self, house):
        self.house, self.db = house, house.database("matrix")
        house.sql(FIXTURE, self.db)
        self.api = house.start(self.db, TENANTRY_API_JWT_SECRET=trpc.SECRET, TENANTRY_API_LIMIT="off")
        self.ids = dict(r.split("|") for r in self.sql("select name, id from users where email ~ '@matrix'").split("\n"))
        self.document = self.api.get("/api/openapi.json").json
        self.answers = []

    def sql(self, text):
        return self.house.sql("set search_path = tenantry;" + text, self.db)

    def operations(self):
        for path, methods in self.document["paths"].items():
            for method, operation in methods.items():
                yield method.upper(), path, operation

    def ask(self, method, path, who, body=None, tenant="5ducks", host=DUCKS, template=None, headers=()):
        headers = dict(headers)
        if who != "nobody":
            headers["Authorization"] = "Bearer " + trpc.token(self.ids[who], tenant)
        answer = self.api.ask(method, path, host=host, headers=headers, body=body)
        self.answers.append({"method": method, "path": template or path, "status": answer.status, "type": answer["Content-Type"],
                             "body": answer.text, "says": f"{method} {path} by {who}"})
        return answer


def expected(operation, who):
    """None: the handler decides."""
    least = operation.get("x-least-role")
    if who == "theirs":  # what anybody may read does not ask who reads it
        return None if set(operation["tags"]) & {"public", "operation"} else 401
    if who == "nobody":
        return None if {} in operation["security"] else 401
    if not least:
        return None
    if who == "stranger":
        return 403
    return None if RANKS.index(who) >= RANKS.index(least) else 403


def test_ranks(s, scene):
    wrong, n = [], 0
    for method, path, operation in scene.operations():
        example = EXAMPLES.get(operation["operationId"])
        if not s.ok(example is not None, f"{operation['operationId']} has an example in the matrix"):
            continue
        given = fill(path, example.get("path", [])) + example.get("query", "")
        for who in RANKS + OTHERS:
            # What a sign-up changes must not change the next one.
            answer = scene.ask(method, given, who, example.get("body"), "sendclaw" if who == "theirs" else "5ducks", template=path)
            wanted = {expected(operation, who)} - {None} or example.get("fine", {200})
            n += 1
            if answer.status not in wanted:
                wrong.append(f"{method} {path} by {who}: {answer.status}, not {wanted}: {answer.text[:120]}")
    s.equal(wrong, [], f"{n} of route x rank answer as the table says")


def plain(answer):
    """Without what differs from one request to the next."""
    headers = sorted((k, v) for k, v in answer.all if k.lower() not in ("date", "x-request-id"))
    return answer.status, headers, re.sub(r'"request_id":"[^"]*"', "", answer.text)


def called(name, mutation=False, **values):
    """A tRPC call: method, path, body."""
    if mutation:
        return "POST", f"/api/trpc/{name}", {"json": values}
    return "GET", f"/api/trpc/{name}?input=" + urllib.parse.quote(json.dumps({"json": values})), None


def pairs_of(scene, who):
    """What a request may name: one that asks for another tenant's, one that asks for what nobody has."""
    one = scene.sql
    nobodys = str(uuid.uuid4())
    key = one("select id from api_keys where tenant_id = tenant_id('sendclaw') limit 1")
    space = one("select id from spaces where slug = 'theirs'")
    post = one("select id from posts where slug = 'theirs'")
    yield "a key", ("DELETE", f"/api/keys/{key}"), ("DELETE", f"/api/keys/{nobodys}")
    yield "a post", ("GET", "/api/posts/theirs"), ("GET", "/api/posts/nobodys")
    yield "a space of posts", ("GET", "/api/posts?space=theirs"), ("GET", "/api/posts?space=nobodys")
    yield "a checkout", *(("GET", f"/api/stripe/checkout-session?session_id=cs_{x}") for x in ("theirs", "nobodys"))
    yield "a checkout to claim", *(("POST", "/api/stripe/claim-checkout-session", {"sessionId": f"cs_{x}"}) for x in ("theirs", "nobodys"))
    yield "a plan", *(("POST", "/api/stripe/create-checkout-session", {"planId": x}) for x in ("theirs", "nobodys"))
    yield "an invitation", *(("POST", "/api/invitations/accept", {"token": f"{x}-{who}"}) for x in ("theirs", "nobodys"))
    yield "an invitation to register with", *(
        ("POST", "/api/auth/register", {"email": f"{who}@matrix.example", "password": PASSWORD, "invitation": f"{x}-{who}"})
        for x in ("theirs", "nobodys"))
    yield "a space to list", *(called("posts.list", spaceId=x) for x in (space, nobodys))
    yield "a cursor", *(called("posts.list", cursor=x) for x in (post, nobodys))
    yield "a space to post in", *(called("posts.create", True, spaceId=x, title="x", content="x") for x in (space, nobodys))
    yield "a member", *(called("members.get", userId=x) for x in (scene.ids["theirs"], nobodys))
    yield "a name", *(called("members.list", search=x) for x in ("theirs", "nobodys"))


def test_others_ids(s, scene):
    """An id of another tenant is answered as one that nobody has, and not sooner or later."""
    theirs = scene.ask("POST", "/api/keys", "theirs", {"name": "theirs"}, "sendclaw", CLAW).json["id"]
    own = scene.ask("POST", "/api/keys", "admin", {"name": "own"}).json["id"]
    rows = ("select md5(string_agg(x::text, ',' order by x::text)) from (select to_jsonb(i) from invitations i union all "
            "select to_jsonb(k) from api_keys k union all select to_jsonb(c) from checkout_sessions c union all "
            "select to_jsonb(s) from subscriptions s union all select to_jsonb(m) from memberships m union all select to_jsonb(p) from posts p) x (x) "
            "where x ->> 'tenant_id' = tenant_id('sendclaw')::text")
    before, n = scene.sql(rows), 0
    for who in RANKS + ["stranger"]:
        for what, foreign, unknown in pairs_of(scene, who):
            a, b = (scene.ask(x[0], x[1], who, *x[2:]) for x in (foreign, unknown))
            n += 1
            s.ok(plain(a) == plain(b), f"{what} of another tenant, asked for by {who}, is nobody's", f"{plain(a)}\n{plain(b)}")
    s.equal(scene.sql(rows), before, f"and after {n} such pairs the other tenant has what it had")
    cookie = lambda c: {"Cookie": "__Host-tenantry_session=" + c * 43}  # noqa: E731
    s.ok(scene.ask("GET", "/api/auth/session", "nobody", host=CLAW, headers=cookie("t")).json["user"], "a session is one where it was opened")
    s.equal(plain(scene.ask("GET", "/api/auth/session", "nobody", headers=cookie("t"))),
            plain(scene.ask("GET", "/api/auth/session", "nobody", headers=cookie("n"))), "and nobody's elsewhere")
    s.equal(scene.sql(f"select revoked_at is null from api_keys where id = '{theirs}'"), "t", "the other tenant's key stays valid")
    s.equal(scene.ask("DELETE", f"/api/keys/{own}", "admin").status, 204, "one's own goes")


def test_caches(s, scene):
    """One path, two hosts: neither the server's memory nor a validator mixes them up."""
    for path in ("/api/posts/same", "/api/posts?limit=50", "/api/pricing/config", "/api/plans"):
        first = {h: scene.api.get(path, host=h) for h in (DUCKS, CLAW)}
        again = {h: scene.api.get(path, host=h) for h in (CLAW, DUCKS)}
        s.ok(all(first[h].body == again[h].body for h in first) and first[DUCKS].body != first[CLAW].body, f"{path} is each tenant's own")
        crossed = scene.api.get(path, host=DUCKS, headers={"If-None-Match": first[CLAW]["etag"]})
        s.equal((crossed.status, crossed.body), (200, first[DUCKS].body), f"{path} is not confirmed by another tenant's ETag")


def test_timing(s, scene, full):
    """Foreign and unknown in turns; what is compared are the medians."""
    rounds, worst = (200 if full else 30), (0, "")
    for what, foreign, unknown in pairs_of(scene, "admin"):
        if "register" in what:
            continue  # a login limits itself
        took = ([], [])
        for i in range(rounds):
            for j in (0, 1) if i % 2 else (1, 0):
                x = (foreign, unknown)[j]
                began = time.perf_counter()
                scene.ask(x[0], x[1], "admin", *x[2:])
                took[j].append(time.perf_counter() - began)
        a, b = map(statistics.median, took)
        worst = max(worst, (abs(a - b), what))
        s.ok(abs(a - b) < max(0.003, 0.5 * b), f"{what} of another tenant takes as long as nobody's", f"{a * 1e3:.2f} ms, {b * 1e3:.2f} ms")
        if full:
            print(f"{what}: foreign {a * 1e3:.2f} ms, unknown {b * 1e3:.2f} ms")
    print(f"foreign and unknown ids, medians of {rounds}: {worst[0] * 1e3:.2f} ms apart at most ({worst[1]})")


def test_document(s, scene):
    folder, why = scene.house.node("ajv", "@seriousme/openapi-schema-validator")
    if not folder:
        s.skip("the document against the answers", why)
        return
    path = os.path.join(scene.house.top, "answers.json")
    known = [a | {"path": a["path"].split("?")[0]} for a in scene.answers]
    with open(path, "w") as f:
        json.dump({"document": scene.document, "answers": [a for a in known if a["path"] in scene.document["paths"]]}, f)
    code, text = scene.house.run_node("openapi.mjs", path)
    s.equal((code, text.strip()), (0, ""), f"{len(known)} answers are what the document promises")


def test(s, house):
    scene = Scene(house)
    test_ranks(s, scene)
    test_others_ids(s, scene)
    test_caches(s, scene)
    test_timing(s, scene, house.full)
    test_document(s, scene)

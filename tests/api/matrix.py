"""Every operation of the document x everybody who might call it, with own and with others' ids; each answer is what the
document promises.  A route without an example below fails: the matrix grows with the table."""
import json, os, re, uuid

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
    "get_api_stripe_checkout_session": {"query": "?session_id=cs_none", "fine": {404}},
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

    def ask(self, method, path, who, body=None, tenant="5ducks", host=DUCKS, template=None):
        headers = {}
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


def test_others_ids(s, scene):
    """An id of another tenant is answered as one that nobody has."""
    theirs = scene.ask("POST", "/api/keys", "theirs", {"name": "theirs"}, "sendclaw", CLAW).json["id"]
    own = scene.ask("POST", "/api/keys", "admin", {"name": "own"}).json["id"]
    post = scene.sql("select slug from posts where tenant_id = tenant_id('sendclaw') and status = 'PUBLISHED' limit 1")
    space = scene.sql("select slug from spaces where tenant_id = tenant_id('sendclaw') limit 1")
    pairs = [("DELETE", f"/api/keys/{theirs}", f"/api/keys/{uuid.uuid4()}"),
             ("GET", f"/api/posts/{post}", "/api/posts/nobody-wrote-it"),
             ("GET", f"/api/posts?space={space}", "/api/posts?space=nowhere-at-all")]
    for method, foreign, unknown in pairs:
        for who in ("nobody", "member", "admin"):
            s.equal(plain(scene.ask(method, foreign, who)), plain(scene.ask(method, unknown, who)),
                    f"{method} {foreign.split('?')[0].rsplit('/', 1)[0]}/ by {who}: foreign as unknown")
    s.equal(scene.sql(f"select revoked_at is null from api_keys where id = '{theirs}'"), "t", "the other tenant's key stays valid")
    s.equal(scene.ask("DELETE", f"/api/keys/{own}", "admin").status, 204, "one's own goes")


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
    test_document(s, scene)

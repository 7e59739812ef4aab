"""Tokens, judged beside npm's jose; keys that change; roles that a token may only lower."""
import base64, hashlib, hmac, http.server, json, os, threading, time

from server import CLAW, DUCKS

SECRET = "a secret of the tests, and it is long enough"
HASURA = "https://hasura.io/jwt/claims"


def b64(data):
    return base64.urlsafe_b64encode(data if isinstance(data, bytes) else json.dumps(data).encode()).rstrip(b"=").decode()


def token(claims, secret=SECRET, **header):
    text = b64({"alg": "HS256", "kid": "hs", **header}) + "." + b64(claims)
    return text + "." + b64(hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest())


def send(connection, text, host=DUCKS, path="/api/auth/session", **headers):
    return connection.ask("GET", path, host=host, headers={"Authorization": "Bearer " + text, **headers})


def make_user(house, db, email, role, slug="5ducks"):
    return house.sql(f"with u as (insert into tenantry.users (email) values ('{email}') returning id), m as (insert into tenantry.memberships "
                     f"(tenant_id, user_id, role) select t.id, u.id, '{role}' from u, tenantry.tenants t where slug = '{slug}') select id from u", db)


def test_jose(s, house, db):
    folder, why = house.node("jose")
    if not folder:
        s.skip("tokens beside jose", why)
        return
    user = make_user(house, db, "jose@example.com", "member")
    count = 10000 if house.full else 1000
    code, said = house.run_node("jwt.mjs", house.top, str(count), user, seconds=300)
    if not s.ok(code == 0, "jose makes tokens", said[-500:]):
        return
    api = house.start(db, TENANTRY_API_JWT_SECRET=SECRET, TENANTRY_API_JWT_SECRET_ID="hs",
                      TENANTRY_API_JWT_ISSUER="https://id.example", TENANTRY_API_JWT_AUDIENCE="tenantry",
                      TENANTRY_API_JWKS=os.path.join(house.top, "jwks.json"))
    taken, wrong, kinds = 0, {}, {}
    connection = api.connect()
    for line in said.splitlines():
        t = json.loads(line)
        # What no header can carry never gets this far.
        if any(ord(c) < 32 or ord(c) > 126 for c in t["token"]):
            t["token"] = "".join(c if 32 <= ord(c) <= 126 else "~" for c in t["token"])
        text = t["token"].strip()
        # A header's value has no blanks at its ends.
        changed = text != t["token"] and t["want"] is False
        answer = send(connection, text)
        ours = answer.status == 200 and (answer.json["user"] or {}).get("id") == user
        if answer.status not in (200, 401):
            wrong[t["what"]] = f"status {answer.status}: {text[:200]}"
        elif ours and not t["jose"] and not changed:
            wrong[t["what"]] = f"taken, though jose refuses it: {text[:400]}"
        elif ours and t["want"] is False and not changed:
            wrong[t["what"]] = f"taken: {text[:400]}"
        elif t["want"] and not (ours and t["jose"]):
            wrong[t["what"]] = f"refused by {'us' if t['jose'] else 'jose'}: {text[:400]}"
        taken += ours
        kinds[t["what"]] = kinds.get(t["what"], 0) + 1
    connection.close()
    for what, n in kinds.items():
        s.ok(what not in wrong, f"{n} tokens: {what}", wrong.get(what))
    s.ok(taken >= count // 10, "good tokens are taken", taken)
    print(f"tokens: {count}, {taken} taken by both")
    refused = send(api.connect(), "x.y.z")
    s.ok(refused.status == 401 and refused["www-authenticate"] == 'Bearer error="invalid_token"', "what is refused is refused in one way", refused)
    s.ok(all(word not in refused.text for word in ("signature", "kid", "alg", "expired")), "that does not say why", refused)
    log = api.errors()
    s.ok(SECRET not in log and not any(json.loads(line)["token"][-40:] in log for line in said.splitlines()[:50] if len(line) > 200),
         "neither the secret nor a token is in the log")
    api.stop()


def test_roles(s, house, db):
    api = house.start(db, TENANTRY_API_JWT_SECRET=SECRET, TENANTRY_API_JWT_SECRET_ID="hs")
    users = {role: make_user(house, db, f"{role}@roles.example", role) for role in ("owner", "admin", "member", "guest")}
    stranger = house.sql("insert into tenantry.users (email) values ('stranger@roles.example') returning id", db)
    make_user(house, db, "elsewhere@roles.example", "owner", "sendclaw")
    elsewhere = house.sql("select id from tenantry.users where email = 'elsewhere@roles.example'", db)
    connection = api.connect()

    def claims(user, **more):
        return {"sub": user, "exp": int(time.time()) + 60, "tenant_id": "5ducks", **more}

    def keys(text, **headers):  # a route of admins
        return send(connection, text, path="/api/keys", **headers).status
    for role, want in {"owner": 200, "admin": 200, "member": 403, "guest": 403}.items():
        s.equal(keys(token(claims(users[role]))), want, f"a token of a {role} has the membership's rank")
        for claimed in ("owner", "admin", "member", "user", "guest", "anonymous", "superuser"):
            text = token(claims(users[role], **{HASURA: {"x-hasura-default-role": claimed, "x-hasura-allowed-roles": [claimed]}}))
            least = want if claimed in ("owner", "admin") else 403
            s.equal(keys(text), least, f"{role} in the database, {claimed} in the token: the lower one")
    text = token(claims(users["admin"], **{HASURA: {"x-hasura-default-role": "member", "x-hasura-allowed-roles": ["member", "admin"]}}))
    s.equal(keys(text), 403, "the usual role")
    s.equal(keys(text, **{"x-hasura-role": "admin"}), 200, "x-hasura-role picks another")
    s.equal(keys(text, **{"X-Hasura-Role": "owner"}), 401, "of those allowed")
    uuid = house.sql("select id from tenantry.tenants where slug = '5ducks'", db)
    for what, tenant, want in [("slug", "5ducks", 200), ("uuid", uuid, 200), ("upper case", uuid.upper(), 200), ("another", "sendclaw", 401)]:
        hasura = {"X-Hasura-Tenant-Id": tenant, "X-Hasura-User-Id": users["admin"], "X-HASURA-DEFAULT-ROLE": "admin", "x-hasura-allowed-roles": ["admin"]}
        plain = {"exp": int(time.time()) + 60, HASURA: hasura}
        s.equal(keys(token(plain)), want, f"Hasura's claims, tenant by {what}")
        s.equal(keys(token({**plain, HASURA: json.dumps(hasura)})), want, f"the same as text, tenant by {what}")
    s.equal(send(connection, token(claims(users["admin"])), host=CLAW).status, 401, "a token of one tenant is none in another")
    for what, who in {"a stranger": stranger, "an owner elsewhere": elsewhere, "nobody": "00000000-0000-4000-8000-000000000000"}.items():
        s.equal(keys(token(claims(who))), 403, f"{what} is signed in and may nothing")
        s.equal(send(connection, token(claims(who))).json, {"user": {"id": who}, "membership": None, "expires": None}, f"{what} is told no more")
    house.sql("update tenantry.users set disabled_at = now() where email = 'admin@roles.example'", db)
    disabled = send(connection, token(claims(users["admin"])))
    s.equal(disabled.status, 401, "a disabled user's token is not valid")
    a = connection.ask("GET", "/api/keys", headers={"Authorization": "bearer   " + token(claims(users["owner"]))})
    s.equal(a.status, 200, "bearer in any case, and blanks")
    a = connection.ask("GET", "/api/keys", headers={"Authorization": "Basic dTpw"})
    s.equal(a.status, 401, "another scheme is nobody")
    a = connection.ask("POST", "/api/invitations/accept", headers={"Authorization": "Bearer " + token(claims(users["owner"])), "Origin": "https://evil.example"},
                       body={"token": "x"})
    s.equal(a.status, 404, "a token is sent on purpose: no origin is asked for")
    secret = "s" * 31
    try:
        house.start(db, TENANTRY_API_JWT_SECRET=secret)
        s.ok(False, "a short secret is refused")
    except AssertionError as e:
        s.ok("32 bytes" in str(e) and secret not in str(e), "a short secret is refused", e)
    connection.close()
    api.stop()


class Keys(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        house = self.server.house
        house["asked"] += 1
        time.sleep(house.get("slow", 0))
        self.send_response(house.get("status", 200))
        for name, value in house.get("headers", {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(house["body"])

    def log_message(self, *_):
        pass


def test_server_of_keys(s, house, db):
    folder, why = house.node("jose")
    if not folder:
        s.skip("keys from a server", why)
        return
    user = house.sql("select id from tenantry.users where email = 'jose@example.com'", db)
    sets = []
    for name in ("", "new-"):
        folder = os.path.join(house.top, "keys-" + name)
        os.mkdir(folder)
        code, said = house.run_node("jwt.mjs", folder, "200", user, name)
        good = [json.loads(t) for t in said.splitlines()]
        with open(os.path.join(folder, "jwks.json")) as f:
            document = json.load(f)
        texts = [t["token"] for t in good if t["want"] and json.loads(base64.urlsafe_b64decode(t["token"].split(".")[0] + "=="))["kid"] != "hs"]
        sets.append((document, texts))
    state = {"asked": 0, "body": json.dumps(sets[0][0]).encode(), "headers": {"Cache-Control": "max-age=0"}, "slow": 0.5}
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Keys)
    server.house = state
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/keys"
    env = {"TENANTRY_API_WORKERS": "1", "TENANTRY_API_JWT_ISSUER": "https://id.example",
           "TENANTRY_API_JWT_AUDIENCE": "tenantry"}
    try:
        api = house.start(db, TENANTRY_API_JWKS=url, **env)
        c = api.connect()
        s.equal(send(c, sets[0][1][0]).status, 200, "a token that comes before the keys waits for them")
        state["slow"] = 0
        s.equal([send(c, t).status for t in sets[0][1][:10]], [200] * 10, "keys from a server")
        s.equal(state["asked"], 1, "are fetched once")
        unknown = token({"sub": user}, kid="nobody's")
        codes = [send(c, unknown).status for _ in range(30)]
        s.ok(codes == [401] * 30 and state["asked"] <= 2, "an unknown kid does not make us ask again and again", state["asked"])
        # The issuer changes its keys; the pause is over after ten seconds.
        state["body"] = json.dumps(sets[1][0]).encode()
        time.sleep(10.2)
        s.equal([send(c, t).status for t in sets[1][1]], [200] * len(sets[1][1]), "tokens of new keys are taken at once")
        s.equal(send(c, unknown).status, 401, "a kid that the new keys do not have either")
        s.equal(send(c, sets[0][1][0]).status, 401, "an old key is gone when new ones are there")
        asked = state["asked"]
        state["status"], state["body"] = 500, b"no"
        api.p.send_signal(1)
        end = time.monotonic() + 10
        while state["asked"] == asked and time.monotonic() < end:
            time.sleep(0.05)
        s.ok(state["asked"] > asked, "SIGHUP asks anew", state)
        time.sleep(0.2)
        state["body"] = b""
        s.ok("status 500" in api.errors() and "are kept" in api.errors(), "what went wrong is said", api.errors())
        api.stop()
        for what, change, word in [("a redirect", {"status": 302, "headers": {"Location": url + "2"}}, "302"),
                                   ("too long", {"status": 200, "body": b"[" * (300 << 10), "headers": {}}, "too long"),
                                   ("no JSON", {"status": 200, "body": b"hello", "headers": {}}, "keys"),
                                   ("no key of use", {"status": 200, "body": b'{"keys":[{"kty":"oct","k":"eA"}]}', "headers": {}}, "none of"),
                                   ("nobody there", {"gone": True}, "onnect")]:
            state.update(change)
            if "gone" in change:
                server.shutdown()
                server.server_close()
            api = house.start(db, TENANTRY_API_JWKS=url, **env)
            s.equal(send(api.connect(), sets[0][1][0]).status, 401, f"without keys no token is good: {what}")
            s.ok(word in api.errors() and api.errors().count("cannot be read") == 1, f"and it is said once: {what}", api.errors())
            api.stop()
    finally:
        server.shutdown()
        server.server_close()
    for bad in ("http://example.com/keys", "ftp://127.0.0.1/keys", "file:///etc/passwd", "http://127.0.0.1.evil.example/k", "http://localhost.evil.example/"):
        try:
            house.start(db, TENANTRY_API_JWKS=bad, **env)
            s.ok(False, f"refused as a place of keys: {bad}")
        except AssertionError as e:
            s.ok("https" in str(e), f"refused as a place of keys: {bad}", e)


def test(s, house):
    db = house.database("tokens")
    for part in (test_jose, test_roles, test_server_of_keys):
        part(s, house, db)

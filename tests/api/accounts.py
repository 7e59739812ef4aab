"""Coming in, staying, going out: register, login, sessions, logout, invitations, keys."""
import concurrent.futures, hashlib, re, statistics, time, urllib.parse

from server import CLAW, DUCKS

PASSWORD = "correct horse battery"
DENIED = "e-mail or password is wrong"
NAME = "__Host-tenantry_session"


class Browser:
    """Keeps cookies as a browser would, and says what page it is on."""

    def __init__(self, api, host=DUCKS):
        self.api, self.host, self.cookies = api, host, {}

    def send(self, method, path, body=None, headers=(), origin=True):
        sent = dict(headers)
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{k}={v}" for k, v in self.cookies.items())
        if origin:
            sent["Origin"] = f"https://{self.host}"
        answer = self.api.ask(method, path, host=self.host, headers=sent, body=body)
        for name, value in answer.all:
            if name.lower() == "set-cookie":
                key, _, rest = value.partition("=")
                self.cookies[key] = rest.split(";")[0]
                if "Max-Age=0" in rest:
                    del self.cookies[key]
        return answer

    def post(self, path, body=None, **kw):
        return self.send("POST", path, {} if body is None else body, **kw)

    def register(self, email, password=PASSWORD, **more):
        return self.post("/api/auth/register", {"email": email, "password": password, **more})

    def login(self, email, password=PASSWORD, **more):
        return self.post("/api/auth/login", {"email": email, "password": password, **more})

    def session(self):
        return self.send("GET", "/api/auth/session").json

    @property
    def token(self):
        return self.cookies.get(NAME)


def sha(token):
    return hashlib.sha256(token.encode()).hexdigest()


class Case:
    def __init__(self, s, house):
        self.s, self.house = s, house
        self.db = house.database("accounts")
        self.api = house.start(self.db, TENANTRY_API_WORKERS="1")

    def sql(self, text):
        return self.house.sql(text, self.db)

    def browser(self, host=DUCKS):
        return Browser(self.api, host)


def plain(answer):
    """What anybody can tell of an answer: all but its date and id."""
    body = re.sub(rb'"request_id":"[^"]*"', b"", answer.body)
    drop = {"date", "x-request-id", "access-control-allow-origin"}
    return answer.status, sorted((k.lower(), v) for k, v in answer.all if k.lower() not in drop), body


def test_register(s, c):
    b = c.browser()
    a = b.register("Ada@Example.com", name=" Ada ")
    s.equal(a.status, 200, "register")
    cookies = [v for k, v in a.all if k.lower() == "set-cookie"]
    s.ok(len(cookies) == 2, "it sets two cookies", cookies)
    s.ok(re.fullmatch(NAME + r"=[\w-]{43}; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax; Secure", cookies[0]),
         "the session's is out of reach of scripts and other sites", cookies)
    s.ok(cookies[1].startswith("tenantry_signed_in=1; Path=/;") and "HttpOnly" not in cookies[1], "the other is for scripts")
    s.equal(a["cache-control"], "no-store", "and is kept by no cache")
    s.ok(b.token not in a.text, "the token is in the cookie only")
    row = c.sql("select email, name, signup_tenant, password_hash, last_login_at is not null from tenantry.users where email = 'ada@example.com'")
    s.ok(row.startswith("ada@example.com|Ada|5ducks|$argon2id$v=19$m=19456,t=2,p=1$") and row.endswith("|t"), "the user", row)
    s.equal(c.sql("select role, join_source, slug from tenantry.memberships m join tenantry.users u on u.id = user_id "
                  "join tenantry.tenants t on t.id = m.tenant_id where email = 'ada@example.com'"), "member|free_signup|5ducks", "the membership")
    s.equal(c.sql(f"select count(*) from tenantry.sessions where token_hash = decode('{sha(b.token)}', 'hex')"), "1", "kept is the hash of the token")
    s.equal(c.sql(f"select count(*) from tenantry.sessions where token_hash = '{b.token}'::bytea or user_agent like '%{b.token}%'"), "0", "not the token")
    me = b.session()
    s.ok(me["user"]["email"] == "ada@example.com" and me["user"]["name"] == "Ada" and me["membership"]["role"] == "member" and me["expires"],
         "the session says who one is", me)
    s.equal(me["membership"]["isFreeMember"], True, "who signed up for free is a free member")
    c.sql("insert into tenantry.subscriptions (tenant_id, user_id, plan_key, status, stripe_subscription_id, stripe_customer_id) "
          "select tenant_id, user_id, 'x', 'trialing', 'sub_' || t.slug, 'cus' from tenantry.memberships m join tenantry.tenants t on t.id = tenant_id "
          "join tenantry.users u on u.id = user_id where u.email = 'ada@example.com'")
    s.equal(b.session()["membership"]["isFreeMember"], False, "not with a subscription on trial")
    c.sql("update tenantry.subscriptions set status = 'past_due'")
    s.equal(b.session()["membership"]["isFreeMember"], True, "but with one that is past due")
    # The same person in another tenant: the subscription of the first one counts for nothing.
    c.sql("update tenantry.subscriptions set status = 'active'")
    other = c.browser(CLAW)
    s.equal(other.register("ada@example.com", "wrong password!").status, 401, "a known e-mail and a wrong password: refused")
    s.equal(other.register("ada@example.com").status, 200, "the right one joins the second tenant")
    s.equal(other.session()["membership"]["isFreeMember"], True, "and is free there, whatever was paid elsewhere")
    s.equal(c.sql("select signup_tenant from tenantry.users where email = 'ada@example.com'"), "5ducks", "signup_tenant is recorded once")
    s.equal(c.sql("select count(*) from tenantry.users where email = 'ada@example.com'"), "1", "and there is one user")
    stolen = c.browser(CLAW)
    stolen.cookies = dict(b.cookies)
    s.equal(stolen.session()["user"], None, "a session of one tenant is none in another")


def test_rules(s, c):
    b = c.browser()
    for body, word in [({}, "email"), ({"email": "x", "password": PASSWORD}, "email"), ({"email": "a@b@c", "password": PASSWORD}, "email"),
                       ({"email": "a b@c.de", "password": PASSWORD}, "email"), ({"email": "a@b.de", "password": "seven77"}, "8 to 256"),
                       ({"email": "a@b.de", "password": "x" * 257}, "8 to 256"), ({"email": "a@b.de", "password": 12345678}, "8 to 256"),
                       ({"email": "a@b.de", "password": "ööööööö"}, "8 to 256"), ({"email": "a@b.de", "password": PASSWORD, "name": "x" * 201}, "name"),
                       ({"email": "a@" + "b" * 253, "password": PASSWORD}, "email"), ({"email": ["a@b.de"], "password": PASSWORD}, "email")]:
        a = b.post("/api/auth/register", body)
        s.ok(a.status == 422 and word in a.json["detail"], f"refused: {str(body)[:60]}", a)
    both = b.post("/api/auth/register", {"email": "x", "password": "y"}).json["detail"]
    s.ok("email" in both and "password" in both, "all that is wrong is told", both)
    for body, status in [("{", 400), ('{"email":"a@b.de","email":"c@d.de","password":"12345678"}', 400), ("[]", 422), ('"x"', 400)]:
        s.equal(b.post("/api/auth/register", body, headers={"Content-Type": "application/json"}).status, status, f"a body of {body[:30]}")
    s.equal(b.post("/api/auth/login", "x", headers={"Content-Type": "text/plain"}).status, 415, "a body of text")
    s.equal(b.send("GET", "/api/auth/login").status, 405, "login is POST")
    for password in ("ööööööö8", "x" * 256, "        "):
        s.equal(c.browser().register(f"p{len(password)}{ord(password[0])}@example.com", password).status, 200, f"a password of {password[:10]!r}...")
    s.equal(c.browser().login("p8246@example.com", "ööööööö8").status, 200, "and they are the ones to log in with")


def test_login(s, c):
    b = c.browser()
    b.register("login@example.com")
    old = b.token
    s.equal(b.login("LOGIN@example.com").status, 200, "login")
    s.ok(b.token != old, "makes a new token")
    thief = c.browser()
    thief.cookies = {NAME: old}
    s.equal(thief.session()["user"], None, "and the one before is of no use any more")
    s.ok(NAME not in thief.cookies, "a browser is told to forget it")
    c.browser().register("disabled@example.com")
    c.browser(CLAW).register("other@example.com")
    c.sql("update tenantry.users set disabled_at = now() where email = 'disabled@example.com';"
          "update tenantry.tenants set settings = '{\"signup\": \"invite\"}' where slug = '5ducks';"
          "insert into tenantry.users (email) values ('sso@example.com')")
    said = {what: c.browser().login(email, password) for what, email, password in [
        ("a wrong password", "login@example.com", "wrong password"), ("nobody", "nobody@example.com", PASSWORD),
        ("a disabled person", "disabled@example.com", PASSWORD), ("somebody of another tenant", "other@example.com", PASSWORD),
        ("somebody without a password", "sso@example.com", PASSWORD)]}
    for what, answer in said.items():
        s.ok(answer.status == 401 and answer.json["detail"] == DENIED and "set-cookie" not in answer.headers, f"refused: {what}", answer)
        s.equal(plain(answer), plain(said["a wrong password"]), f"... and in the same words: {what}")
    for email in ("new@example.com", "login@example.com", "other@example.com"):
        a = c.browser().register(email)
        s.ok(a.status == 403 and "invitation" in a.json["detail"], f"without open sign-up nobody registers: {email}", a)
    c.sql("update tenantry.tenants set settings = '{}' where slug = '5ducks'")
    s.equal(c.browser().login("other@example.com").status, 200, "with it, a login joins")
    c.sql("update tenantry.tenants set status = 'closed' where slug = '5ducks'")
    closed = {what: c.browser().register(f"{what}@example.com", "not their password") for what in ("closed", "login", "other")}
    s.ok(closed["closed"].status in (403, 404, 503), "nobody joins a closed tenant", closed["closed"])
    s.equal(len({str(plain(x)) for x in closed.values()}), 1, "which does not tell who is somebody")
    c.sql("update tenantry.tenants set status = 'pending' where slug = '5ducks'")
    closed = {str(plain(c.browser().register(f"{what}@example.com", "not their password"))) for what in ("closed", "login", "other")}
    s.equal(len(closed), 1, "nor does one that is being set up")
    c.sql("update tenantry.tenants set status = 'active' where slug = '5ducks'")
    s.equal(c.sql("select count(*) from tenantry.users where email in ('closed@example.com', 'new@example.com')"), "0", "a refused sign-up leaves nothing")
    # A weaker hash of earlier days is replaced when the password is at hand.
    weak = "$argon2id$v=19$m=8192,t=1,p=1$"
    c.sql("update tenantry.users set password_hash = (select password_hash from tenantry.users where email = 'login@example.com') where email = 'sso@example.com'")
    s.equal(c.browser().login("sso@example.com").status, 200, "a hash is what counts")
    s.ok(not c.sql("select password_hash from tenantry.users where email = 'sso@example.com'").startswith(weak), "and is of today's strength")


def test_expiry(s, c):
    def fresh():
        b = c.browser()
        b.login("login@example.com")
        return b
    for what, change in {"expired": "expires_at = now() - interval '1 second'", "idle too long": "last_seen_at = now() - interval '8 days'",
                         "revoked": "revoked_at = now()", "of another hash": "token_hash = sha256('x')"}.items():
        b = fresh()
        c.sql(f"update tenantry.sessions set {change} where token_hash = decode('{sha(b.token)}', 'hex')")
        answer = b.send("GET", "/api/auth/session")
        nobody = c.browser()
        nobody.cookies = {NAME: "A" * 43}
        s.equal(plain(answer), plain(nobody.send("GET", "/api/auth/session")), f"a session that is {what} is as good as none")
        c.sql("delete from tenantry.sessions")
    b = fresh()
    c.sql("update tenantry.sessions set last_seen_at = now() - interval '6 days'")
    s.ok(b.session()["user"], "a session that was idle for a while goes on")
    end = time.monotonic() + 5
    while c.sql("select count(*) from tenantry.sessions where last_seen_at > now() - interval '1 minute'") == "0" and time.monotonic() < end:
        time.sleep(0.02)
    s.equal(c.sql("select count(*) from tenantry.sessions where last_seen_at > now() - interval '1 minute'"), "1", "and its use is noted")
    c.sql("update tenantry.users set disabled_at = now() where email = 'login@example.com'")
    s.equal(b.session()["user"], None, "who is disabled is nobody at once")
    c.sql("update tenantry.users set disabled_at = null where email = 'login@example.com'")
    b = fresh()
    c.sql("delete from tenantry.memberships m using tenantry.users u where u.id = user_id and u.email = 'login@example.com'")
    s.equal(b.session()["user"], None, "so is who was removed")
    for junk in ("", "x", "A" * 43, "A" * 44, "'; drop table x", "%00" * 14 + "A"):
        n = c.browser()
        n.cookies = {NAME: junk}
        s.equal(n.session()["user"], None, f"a cookie of {junk[:20]!r} is nobody's")


def test_logout(s, c):
    one, two, three = c.browser(), c.browser(), c.browser()
    for b in (one, two, three):
        b.login("login@example.com")
    other = c.browser()
    other.register("stays@example.com")
    copy = dict(one.cookies)
    s.equal(one.post("/api/auth/logout").status, 204, "logout")
    s.equal(one.cookies, {}, "takes both cookies away")
    one.cookies = copy
    s.equal(one.session()["user"], None, "and ends the session itself")
    s.ok(two.session()["user"], "the other browser stays signed in")
    s.equal(two.post("/api/auth/logout", {"everywhere": True}).status, 204, "logout everywhere")
    s.equal(three.session()["user"], None, "ends them all")
    s.ok(other.session()["user"], "of this user alone")
    s.equal(c.browser().post("/api/auth/logout").status, 204, "logout of nobody")


def test_origin(s, c):
    b = c.browser()
    b.register("origin@example.com")
    for headers, fine in [({"Origin": f"https://{DUCKS}"}, True), ({"Origin": f"https://{DUCKS}:443"}, True), ({"Origin": f"HTTPS://{DUCKS.upper()}"}, True),
                          ({"Sec-Fetch-Site": "same-origin"}, True), ({}, False), ({"Origin": "null"}, False), ({"Origin": ""}, False),
                          ({"Origin": "https://evil.example"}, False), ({"Origin": f"https://{DUCKS}.evil.example"}, False),
                          ({"Origin": f"https://evil{DUCKS}"}, False), ({"Origin": f"https://{DUCKS}:8443"}, False), ({"Origin": f"https://{DUCKS}@evil.example"}, False),
                          ({"Sec-Fetch-Site": "same-site"}, False), ({"Sec-Fetch-Site": "cross-site"}, False),
                          ({"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"}, False)]:
        keep = dict(b.cookies)
        a = b.send("POST", "/api/auth/logout", {}, headers=headers, origin=False)
        s.equal(a.status, 204 if fine else 403, f"a cookie with {headers}")
        b.cookies = keep
        if fine:
            b.login("origin@example.com")
    s.ok(b.session()["user"], "what was refused had no effect")
    a = c.browser().send("POST", "/api/auth/login", {"email": "origin@example.com", "password": PASSWORD},
                         headers={"Origin": "https://evil.example"}, origin=False)
    s.ok(a.status == 403 and "set-cookie" not in a.headers, "nor can another site sign a browser in", a)
    a = c.browser().send("POST", "/api/auth/login", {"email": "origin@example.com", "password": PASSWORD}, origin=False)
    s.equal(a.status, 200, "what is no browser says no origin")


def test_forms(s, c):
    def submit(path, referer=None, **fields):
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if referer:
            headers["Referer"] = referer
        b = c.browser()
        return b, b.post(path, urllib.parse.urlencode(fields), headers=headers)
    b, a = submit("/api/auth/register", email="form@example.com", password="pass word+&=ö", name="Fö Rm")
    s.ok(a.status == 303 and a["location"] == "/app" and b.session()["user"]["name"] == "Fö Rm", "a form is sent on to the landing page", a)
    b, a = submit("/api/auth/login", email="form@example.com", password="pass word+&=ö")
    s.ok(a.status == 303 and a["location"] == "/app" and b.token, "so is a login", a)
    for referer, back in [(f"https://{DUCKS}/login/?x=1#y", "/login/"), (f"https://{DUCKS}//evil.example", "/"),
                          (None, "/"), ("https://evil.example/login", "/login"), (f"https://{DUCKS}/\\evil.example", "/")]:
        b, a = submit("/api/auth/login", referer, email="nobody@example.org", password="wrong")
        s.ok(a.status == 303 and a["location"] == back + "?error=denied" and not b.token, f"a refused one goes back to {back}", a)
    b, a = submit("/api/auth/register", email="x", password="y")
    s.equal(a["location"], "/?error=invalid", "a wrong one, too")
    b, a = submit("/api/auth/login", email="form@example.com", password="pass word+&=ö")
    a = b.post("/api/auth/logout", "everywhere=1", headers={"Content-Type": "application/x-www-form-urlencoded"})
    s.ok(a.status == 303 and a["location"] == "/" and not b.token, "a logout by form", a)
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    a = c.browser().post("/api/auth/login", "email=form%40example.com&password=%00%ff", headers=headers)
    s.equal(a["location"], "/?error=invalid", "a password that is no text")


def test_throttle(s, c):
    c.browser().register("often@example.com")
    answers = [c.browser().login("often@example.com", "wrong password") for _ in range(8)]
    codes = [a.status for a in answers]
    s.equal(codes, [401] * 5 + [429] * 3, "after five wrong passwords from one address there is a pause")
    s.ok(0 < int(answers[-1]["retry-after"]) <= 31, "which is told", answers[-1])
    s.equal(c.browser().login("often@example.com").status, 429, "and holds for the right one")
    codes = [c.browser().login("nobody-often@example.com", "wrong password").status for _ in range(8)]
    s.equal(codes, [401] * 5 + [429] * 3, "an unknown e-mail is counted like any other")
    codes = [c.browser().login("stays@example.com").status for _ in range(20)]
    s.equal(codes, [200] * 20, "good logins do not count")


def test_timing(s, c):
    """Unknown, wrong and disabled take the same time: within the noise of the two halves of one of them."""
    emails = {"known": [], "unknown": []}
    rounds = 60 if c.house.full else 24
    c.browser().register("stays@example.com")
    for i in range(rounds):
        c.sql(f"insert into tenantry.users (email, password_hash) select 'time{i}@example.com', password_hash from tenantry.users where email = 'stays@example.com'")
    for i in range(rounds):
        for kind in emails:
            email = f"time{i}@example.com" if kind == "known" else f"none{i}@example.com"
            began = time.perf_counter()
            a = c.browser().login(email, "wrong password")
            emails[kind].append(time.perf_counter() - began)
            assert a.status == 401, a
    known, unknown = (statistics.median(emails[k]) for k in ("known", "unknown"))
    noise = statistics.pstdev(sorted(emails["known"])[: rounds * 3 // 4]) + 0.002
    s.ok(abs(known - unknown) < 2 * noise and min(known, unknown) > 0.005,
         "a wrong password takes as long as an unknown e-mail", f"known {known * 1e3:.2f} ms, unknown {unknown * 1e3:.2f} ms, noise {noise * 1e3:.2f} ms")
    print(f"login refused: known {known * 1e3:.1f} ms, unknown {unknown * 1e3:.1f} ms")


def admin(c, host=DUCKS):
    b = c.browser(host)
    b.register(f"admin@{host}")
    c.sql(f"update tenantry.memberships m set role = 'admin' from tenantry.users u where u.id = user_id and u.email = 'admin@{host}'")
    return b


def test_invitations(s, c):
    a = admin(c)
    made = a.post("/api/invitations", {"email": "Guest@Example.com", "role": "guest"})
    s.ok(made.status == 201 and re.fullmatch(r"[\w-]{43}", made.json["token"]), "an admin invites", made)
    token = made.json["token"]
    s.equal(c.sql(f"select count(*) from tenantry.invitations where token_hash = decode('{sha(token)}', 'hex') and email = 'guest@example.com'"), "1", "kept is the hash")
    s.equal(a.post("/api/invitations", {"email": "x@example.com", "role": "owner"}).status, 422, "nobody is invited as owner")
    s.equal(a.post("/api/invitations", {"email": "x"}).status, 422, "or without an address")
    s.equal(a.post("/api/invitations", {"email": f"admin@{DUCKS}"}).status, 409, "or who is a member already")
    member = c.browser()
    member.login("stays@example.com")
    s.equal(member.post("/api/invitations", {"email": "x@example.com"}).status, 403, "a member does not invite")
    s.equal(c.browser().post("/api/invitations", {"email": "x@example.com"}).status, 401, "nor does nobody")
    c.sql("update tenantry.tenants set settings = '{\"signup\": \"invite\"}'")
    unknown = c.browser().register("guest@example.com", invitation="A" * 43)
    s.equal(unknown.status, 404, "a token that there is not")
    for what, answer in {"for somebody else": c.browser().register("else@example.com", invitation=token),
                         "in another tenant": c.browser(CLAW).register("guest@example.com", invitation=token)}.items():
        s.equal(plain(answer), plain(unknown), f"a token {what} is as good as none")
    guest = c.browser()
    s.equal(guest.register("guest@example.com", invitation=token).status, 200, "who is invited comes in")
    me = guest.session()["membership"]
    s.ok(me["role"] == "guest" and me["joinSource"] == "invite_link" and not me["isFreeMember"], "as what they were invited", me)
    s.equal(plain(c.browser().login("guest@example.com", invitation=token)), plain(unknown), "once")
    # Again: the older token ends.
    first = a.post("/api/invitations", {"email": "twice@example.com"}).json["token"]
    second = a.post("/api/invitations", {"email": "twice@example.com"}).json["token"]
    s.equal(c.browser().register("twice@example.com", invitation=first).status, 404, "an invitation anew ends the one before")
    s.equal(c.browser().register("twice@example.com", invitation=second).status, 200, "and is valid itself")
    late = a.post("/api/invitations", {"email": "late@example.com"}).json["token"]
    c.sql("update tenantry.invitations set expires_at = now() - interval '1 second' where email = 'late@example.com'")
    s.equal(plain(c.browser().register("late@example.com", invitation=late)), plain(unknown), "one that has expired is as good as none")
    s.equal(a.post("/api/invitations", {"email": "late@example.com"}).status, 201, "and can be made again")
    for what, sql in {"is no admin any more": "update tenantry.memberships set role = 'member' where user_id = (select id from tenantry.users "
                                              "where email = 'going@example.com')",
                      "has gone": "delete from tenantry.memberships where user_id = (select id from tenantry.users where email = 'going@example.com')"}.items():
        going = c.browser()
        going.post("/api/auth/logout")
        c.sql("delete from tenantry.users where email = 'going@example.com'")
        token = a.post("/api/invitations", {"email": "going@example.com", "role": "admin"}).json["token"]
        s.equal(going.register("going@example.com", invitation=token).status, 200, "somebody is invited as an admin")
        open_one = going.post("/api/invitations", {"email": "chosen@example.com", "role": "admin"}).json["token"]
        c.sql(sql)
        s.equal(plain(c.browser().register("chosen@example.com", invitation=open_one)), plain(unknown), f"who was invited by one who {what} does not come in")
    # A member who is invited as more becomes it, and never less.
    for role, want in (("admin", "admin"), ("guest", "admin")):
        c.sql(f"insert into tenantry.invitations (tenant_id, email, role, token_hash) select id, 'twice@example.com', '{role}', sha256('{role}') "
              "from tenantry.tenants where slug = '5ducks'")
        b = c.browser()
        b.login("twice@example.com")
        s.equal(b.post("/api/invitations/accept", {"token": role}).json, {"role": want}, f"a member invited as {role}")
        s.equal(b.post("/api/invitations/accept", {"token": role}).status, 404, "once")
    s.equal(c.browser().post("/api/invitations/accept", {"token": "x"}).status, 401, "nobody accepts")
    s.equal(member.post("/api/invitations/accept", {"token": "x"}).status, 404, "an unknown token")
    s.equal(member.post("/api/invitations/accept", {"token": 5}).status, 404, "no token")
    c.sql("update tenantry.tenants set settings = '{}'")


def at_once(n, call):
    with concurrent.futures.ThreadPoolExecutor(n) as pool:
        return [f.result() for f in [pool.submit(call, i) for i in range(n)]]


def test_races(s, c):
    a = admin(c, CLAW)
    rounds = 20 if c.house.full else 2
    for i in range(rounds):
        email = f"race{i}@example.com"
        b = c.browser(CLAW)
        b.register(email)
        token = a.post("/api/invitations", {"email": f"not{i}@example.com"}).json["token"]
        c.sql(f"update tenantry.invitations set email = '{email}' where token_hash = decode('{sha(token)}', 'hex')")
        cookies = dict(b.cookies)

        def accept(_):
            mine = c.browser(CLAW)
            mine.cookies = dict(cookies)
            return mine.post("/api/invitations/accept", {"token": token}).status
        s.equal(sorted(at_once(50, accept)), [200] + [404] * 49, "an invitation accepted 50 times at once is taken once")
        new = f"same{i}@example.com"
        codes = at_once(10, lambda _: c.browser(CLAW).register(new).status)
        counts = c.sql(f"select (select count(*) from tenantry.users where email = '{new}'), "
                       f"(select count(*) from tenantry.memberships m join tenantry.users u on u.id = user_id where email = '{new}')")
        s.ok(counts == "1|1" and set(codes) <= {200, 429}, "one person registered ten times at once is one person", f"{codes} {counts}")


def test_keys(s, c):
    a = admin(c)
    a.login(f"admin@{DUCKS}")
    for body, word in [({}, "name"), ({"name": "x", "scopes": ["everything"]}, "scopes"), ({"name": "x", "scopes": []}, "scopes"),
                       ({"name": "x", "scopes": ["users:*"]}, "scopes"), ({"name": "x", "days": 0}, "days"), ({"name": "x", "days": "7"}, "days")]:
        r = a.post("/api/keys", body)
        s.ok(r.status == 422 and word in r.json["detail"], f"no key: {body}", r)

    def make(**body):
        r = a.post("/api/keys", {"name": "test", **body})
        assert r.status == 201, r
        return r.json

    def use(key, method="GET", path="/api/keys", host=DUCKS, **kw):
        return c.api.ask(method, path, host=host, headers={"Authorization": f"Bearer {key}"}, **kw)
    full = make(scopes=["read", "write", "admin"], days=7)
    s.ok(re.fullmatch(r"tk_[\w-]{51}", full["key"]) and full["key"].startswith(full["prefix"]), "a key", full)
    s.equal(c.sql(f"select count(*) from tenantry.api_keys where key_hash = decode('{sha(full['key'])}', 'hex')"), "1", "kept is its hash")
    s.equal(use(full["key"]).status, 200, "an admin's key with all scopes does what an admin does")
    listed = use(full["key"])
    s.ok(full["key"] not in listed.text and full["prefix"] in listed.text, "keys are listed without what opens doors")
    less = make(scopes=["read", "write"])
    s.equal(use(less["key"]).status, 403, "without admin it does not")
    s.equal(use(less["key"], path="/api/auth/session").json["user"]["email"], f"admin@{DUCKS}", "but knows who it is")
    read = make()
    s.equal(read["scopes"], ["read"], "usually a key may read")
    r = use(read["key"], "POST", "/api/invitations/accept", body={"token": "x"})
    s.ok(r.status == 403 and "insufficient_scope" in r["www-authenticate"], "and no more", r)
    s.equal(use(less["key"], "POST", "/api/invitations/accept", body={"token": "x"}).status, 404, "a key needs no origin")
    elsewhere = c.browser()
    elsewhere.login(f"admin@{DUCKS}")
    s.equal(use(less["key"], "POST", "/api/auth/logout", body={}).status, 204, "a key has no session to end")
    s.ok(elsewhere.session()["user"], "and ends nobody's")
    s.equal(use(less["key"], "POST", "/api/auth/logout", body={"everywhere": True}).status, 204, "but it can end them all")
    s.equal(elsewhere.session()["user"], None, "as a session could")
    a.login(f"admin@{DUCKS}")
    bad = use("tk_" + "A" * 51)
    s.ok(bad.status == 401 and bad["www-authenticate"] == 'Bearer error="invalid_token"', "an unknown key", bad)
    elsewhere = use(full["key"], host=CLAW)
    s.equal(plain(elsewhere), plain(bad), "a key of another tenant is as good as none")
    for what, change in {"expired": "expires_at = now() - interval '1 second'", "revoked": "revoked_at = now()"}.items():
        k = make()
        c.sql(f"update tenantry.api_keys set {change} where id = '{k['id']}'")
        s.equal(plain(use(k["key"])), plain(bad), f"so is one that is {what}")
    for text in ("tk_", "tk_" + "A" * 50, "tk_" + "A" * 52, full["key"][:-1] + ("A" if full["key"][-1] != "A" else "B"), "tk_" + "A" * 8 + full["key"][11:]):
        s.equal(plain(use(text)), plain(bad), f"and {text[:14]}... of {len(text)}")
    s.equal(a.send("DELETE", f"/api/keys/{full['id']}").status, 204, "a key is revoked")
    s.equal(plain(use(full["key"])), plain(bad), "and gone")
    gone = a.send("DELETE", f"/api/keys/{full['id']}")
    s.equal(gone.status, 404, "once")
    theirs = admin(c, CLAW)
    theirs.login(f"admin@{CLAW}")
    foreign = theirs.post("/api/keys", {"name": "theirs"}).json["id"]
    for what, path in {"another tenant's": foreign, "nobody's": "00000000-0000-4000-8000-000000000000", "no id": "x", "an injection": "x'--"}.items():
        s.equal(plain(a.send("DELETE", f"/api/keys/{path}")), plain(gone), f"{what} cannot be told from a revoked one")


def test_secrets(s, c):
    log = c.api.errors()
    b = c.browser()
    b.login("stays@example.com")
    for what, canary in {"password": PASSWORD, "token": b.token}.items():
        s.ok(canary not in log + c.api.errors(), f"no {what} is in the log")


def test(s, house):
    c = Case(s, house)
    for part in (test_register, test_rules, test_login, test_expiry, test_logout, test_origin, test_forms, test_throttle, test_invitations,
                 test_races, test_keys, test_secrets):
        part(s, c)


def alone(s, house):
    test_timing(s, Case(s, house))

"""What a plan allows: limits, seats, features, and a tenant that is not paid for."""
import concurrent.futures, json, os, re, signal, sys, threading, time

import trpc
from server import CLAW, DUCKS

LONG = True
STATUS = "select status from tenants where slug = '5ducks'"
PEOPLE = """
set search_path = tenantry;
insert into users (email, name) select w || '@plans.example', w
    from unnest(array['guest', 'member', 'admin', 'owner', 'stranger', 'theirs']) w;
insert into memberships (tenant_id, user_id, role) select tenant_id('5ducks'), id, name::member_role
    from users where email ~ '@plans' and name not in ('stranger', 'theirs');
insert into memberships (tenant_id, user_id, role) select tenant_id('sendclaw'), id, 'owner'
    from users where email ~ '@plans' and name = 'theirs';
"""
# One call of each kind of route; what is asked again must answer the same.
CALLS = {
    "trpc": ("GET", "/api/trpc/users.getCurrentUser", None), "keys": ("GET", "/api/keys", None),
    "invite": ("POST", "/api/invitations", {"email": "x@plans.example"}),
    "checkout": ("POST", "/api/stripe/create-checkout-session", {"planId": "duckling"}),
    "pricing": ("GET", "/api/pricing/config", None), "plans": ("GET", "/api/plans", None), "posts": ("GET", "/api/posts", None),
    "openapi": ("GET", "/api/openapi.json", None), "features": ("GET", "/api/features", None),
    "session": ("GET", "/api/auth/session", None), "healthz": ("GET", "/healthz", None),
}
ALWAYS = {"openapi", "features", "session", "healthz"}


class Scene:
    def __init__(self, house, name, *args, **env):
        self.house, self.name = house, house.database(name)
        house.sql(PEOPLE, self.name)
        self.env = {"TENANTRY_API_JWT_SECRET": trpc.SECRET, **env}
        self.api = house.start(self.name, *args, **self.env)
        self.ids = dict(r.split("|") for r in self.sql("select name, id from users where email ~ '@plans'").split("\n"))
        self.tenant = {t: self.sql(f"select tenant_id('{t}')") for t in ("5ducks", "sendclaw")}

    def sql(self, text, **kw):
        return self.house.sql("set search_path = tenantry;" + text, self.name, **kw)

    def ask(self, who, method, path, body=None, host=DUCKS, connection=None, **headers):
        if who:
            headers["Authorization"] = "Bearer " + trpc.token(self.ids.get(who, who), "sendclaw" if host == CLAW else "5ducks")
        return (connection or self.api).ask(method, path, host=host, headers=headers, body=body)

    def call(self, what, who="admin", **kw):
        method, path, body = CALLS[what]
        return self.ask(who, method, path, body, **kw)

    def status(self, word, why="null", slug="5ducks"):
        self.sql(f"update tenants set status = '{word}', suspended_for = {why} where slug = '{slug}'")

    def plan(self, limits, status="active", slug="5ducks", key="starter", grace="null"):
        """The tenant's own subscription."""
        t = self.tenant[slug]
        self.sql(f"""
            insert into plans (tenant_id, key, name, price, for_tenant, limits) values ('{t}', '{key}', 'S', 29, true, '{json.dumps(limits)}')
                on conflict (tenant_id, key) do update set limits = excluded.limits;
            insert into subscriptions (tenant_id, payer, plan_id, plan_key, status, paid_at, grace_until, stripe_subscription_id,
                    stripe_customer_id) select '{t}', 'tenant', id, key, '{status}', now(), {grace}, 'sub_of_{slug}', 'cus_of_{slug}'
                from plans where key = '{key}' and tenant_id = '{t}'
                on conflict (tenant_id, stripe_subscription_id) do update set status = excluded.status, plan_id = excluded.plan_id,
                    plan_key = excluded.plan_key;
            update subscriptions set grace_until = {grace} where stripe_subscription_id = 'sub_of_{slug}'""")

    def no_plan(self):
        self.sql("delete from subscriptions where payer = 'tenant'; delete from plans where for_tenant; delete from usage;"
                 "update tenants set status = 'active', suspended_for = null")

    def until(self, test, seconds=9):
        end = time.monotonic() + seconds
        while not (done := test()) and time.monotonic() < end:
            time.sleep(0.1)
        return done

    def steady(self, test, seconds=9):
        """So often in a row that both workers have been asked."""
        return self.until(lambda: all(test() for _ in range(12)), seconds)


def test_status(s, x):
    """Every status x every kind of route."""
    cases = [("active", "null", None), ("pending", "null", 402), ("suspended", "'payment'", 402), ("suspended", "'operator'", 403),
             ("suspended", "null", 403), ("closed", "null", 403)]
    for word, why, refusal in cases:
        x.status(word, why)
        public = 403 if word == "suspended" else refusal  # what caches keep goes by the row's status alone
        x.steady(lambda: (x.call("keys").status, x.call("posts").status) == (refusal or 200, public or 200))
        wrong = []
        for what in CALLS:
            answer = x.call(what)
            if what in ALWAYS or refusal is None:
                good = answer.status not in (402, 403)
            else:
                good = answer.status == (public if what in ("pricing", "plans", "posts") else refusal)
            if not good:
                wrong.append(f"{what}: {answer.status} {answer.text[:150]}")
        s.equal(wrong, [], f"{word}, for {why}: {'all is open' if not refusal else refusal}")
        if refusal:
            text = x.call("keys").json["detail"]
            s.ok(word in text or "paid" in text, "with the reason", text)
            error = x.call("trpc").json["error"]["json"]
            s.equal(error["data"]["httpStatus"], refusal, "in tRPC's shape where that is spoken")
        features = x.call("features", None).json
        s.equal((features["status"], features["reason"]), (word, {"'payment'": "payment"}.get(why, "operator") if word == "suspended" else None),
                "the features say so, too")
        s.equal(x.ask("theirs", "GET", "/api/keys", host=CLAW).status, 200, "the neighbour notices nothing")
    x.status("active")
    s.ok(x.until(lambda: x.call("keys").status == 200 and x.call("posts").status == 200), "and active again, all is open")


def test_lapse(s, x):
    """No event tells when a grace ends."""
    x.plan({}, "past_due", grace="now() + interval '3 s'")
    s.equal(x.sql(STATUS), "active", "a failed payment suspends nobody")
    s.equal(x.call("keys").status, 200, "within its grace all is open")
    s.ok(x.until(lambda: x.call("keys").status == 402, 12), "after it: 402")
    r = x.call("features").json
    s.equal((r["status"], r["reason"], r["plan"]), ("suspended", "payment", "starter"), "and the reason")
    x.plan({}, "active")
    s.ok(x.until(lambda: x.call("keys").status == 200), "paid, it is open again")
    x.plan({}, "canceled")
    s.equal(x.sql(STATUS + " and suspended_for = 'payment'"), "suspended", "canceled: the row says suspended")
    s.ok(x.until(lambda: x.call("keys").status == 402), "402")
    x.sql("update tenants set grace_until = now() + interval '1 day' where slug = '5ducks'")
    x.plan({}, "canceled")
    s.ok(x.until(lambda: x.call("keys").status == 200), "the operator may let it run on for a while")
    x.sql("update tenants set grace_until = null")
    x.status("suspended", "'operator'")
    x.plan({}, "active")
    s.equal(x.sql(STATUS), "suspended", "who was suspended by the operator is not freed by paying")
    x.no_plan()


def test_features(s, x):
    x.no_plan()
    x.until(lambda: x.call("features").json["plan"] is None)
    own = x.call("features").json
    s.equal((own["plan"], own["limits"], own["status"]), (None, {}, "active"), "without a plan there are no limits")
    config = json.load(open(os.path.join(x.house.workspace, "tenants", "5ducks", "config.json")))["features"]
    s.equal(own["features"], config, "the features are the config's")
    name = next(iter(config))
    x.plan({"apiCalls": 1000, "seats": -1, "customDomain": False, name: False, "whatever": 7, "extra": True})
    r = x.call("features").json
    s.equal(r["features"], {**config, "customDomain": False, name: False, "extra": True}, "less what the plan refuses")
    seats = int(x.sql(f"select count(*) from memberships where tenant_id = '{x.tenant['5ducks']}' and role <> 'guest'"))
    s.equal((r["plan"], r["limits"]["seats"], r["limits"]["whatever"], r["limits"]["apiCalls"]["limit"]),
            ("starter", {"limit": None, "used": seats}, {"limit": 7, "used": 0}, 1000), "admins see limits and use")
    for who in (None, "guest", "member", "theirs"):
        r = x.call("features", who)
        s.ok(r.status == 200 and "plan" not in r.json and "limits" not in r.json or who == "theirs" and r.status == 401, f"{who}: features only", r)
    r = x.ask("theirs", "GET", "/api/features", host=CLAW).json
    s.equal((r["plan"], r["limits"]), (None, {}), "another tenant has nothing of it")
    x.plan({"apiKeys": False})
    make = lambda: x.ask("admin", "POST", "/api/keys", {"name": "k"})
    s.ok(x.until(lambda: make().status == 402), "what the plan does not have is refused: 402", make())
    s.ok("apiKeys" in make().json["detail"], "by its name")
    x.plan({"apiKeys": True})
    s.ok(x.until(lambda: make().status == 201), "what it has is not")
    shown = x.api.get("/api/plans").text + x.api.get("/api/pricing/config").text
    s.ok("starter" not in shown, "what is offered to the tenant is not offered to visitors")
    s.equal(x.ask("admin", "POST", "/api/stripe/create-checkout-session", {"planId": "starter"}).status, 503, "(no key is set)")
    for role, sql in (("web", "select key from plans where for_tenant"), ("member", "select key from plans where for_tenant")):
        got = x.sql(f"begin; select set_config('app.current_tenant_id', '{x.tenant['5ducks']}', true); set local role tenantry_{role}; {sql}")
        s.ok("starter" not in got, f"tenantry_{role} does not see it", got)
    for sql in ("update plans set limits = '{}' where for_tenant", "delete from plans where for_tenant",
                f"insert into plans (tenant_id, key, name, price, for_tenant) values ('{x.tenant['5ducks']}', 'own', 'o', 0, true)",
                f"insert into invitations (tenant_id, email, role, token_hash) values ('{x.tenant['5ducks']}', 'a@b.example', 'owner', sha256('x'))"):
        x.sql(f"begin; select set_config('app.current_tenant_id', '{x.tenant['5ducks']}', true); set local role tenantry_admin; {sql}; commit",
              check=False)
    s.equal(x.sql("select key, limits from plans where for_tenant"), 'starter|{"apiKeys": true}', "an admin cannot give themselves more")
    s.equal(x.sql("select count(*) from invitations where role = 'owner'"), "0", "nor invite an owner")
    # The operator's price, written into a plan of the admin's own, does not bring that plan's limits.
    event = json.dumps({"id": "evt_own", "type": "customer.subscription.updated", "created": int(time.time()),
                        "data": {"object": {"id": "sub_of_5ducks", "items": {"data": [{"price": {"id": "price_sold"}}]}}}})
    got = x.sql(f"""begin; select set_config('app.current_tenant_id', '{x.tenant['5ducks']}', true); set local role tenantry_admin;
        insert into plans (tenant_id, key, name, price, limits, stripe_price_id)
            values ('{x.tenant['5ducks']}', 'mine', 'm', 0, '{{"seats": 1000000}}', 'price_sold');
        set local role tenantry_owner;
        select stripe_plan('{event}', 'sub_of_5ducks', '{{}}', '{{"price_sold": "starter"}}');
        update subscriptions s set plan_id = (select p.id from plans p where p.key = s.plan_key) where payer = 'tenant';
        select key, limits from tenant_plan(); rollback""")
    s.ok(got.endswith('starter|{"apiKeys": true}'), "nor by naming the operator's price at Stripe", got)
    x.no_plan()


def test_domain(s, x):
    """A plan without customDomain: only hosts of the platform's are open."""
    x.no_plan()
    workspace = x.house.copy_workspace("plans-domain")
    path = os.path.join(workspace, "tenants", "5ducks", "config.json")
    config = json.load(open(path))
    config["domains"] += ["ducks.platform.example", "noplatform.example"]
    json.dump(config, open(path, "w"))
    env, old = {**x.env, "TENANTRY_API_PLATFORM_DOMAIN": "else.example, Platform.example"}, x.api
    x.api = x.house.start(x.name, "--workers", "2", workspace=workspace, **env)
    there = dict(host="ducks.platform.example")
    s.equal([x.call("keys").status, x.call("keys", **there).status], [200, 200], "a tenant without a plan is open at all its hosts")
    for no in (False, 0):
        x.plan({"customDomain": no})
        s.ok(x.steady(lambda: x.call("keys").status == 403), f"customDomain {no}: its own domain is refused")
        wrong = {w: r.status for w in CALLS if ((r := x.call(w)).status == 403) != (w in ("keys", "trpc", "invite", "checkout"))}
        s.equal(wrong, {}, "what needs a plan is, and what is always open, or kept by caches, stays open")
    r = x.call("keys")
    s.ok(r["content-type"] == "application/problem+json" and "customDomain" in r.json["detail"] and "ducks.platform.example" in r.json["detail"],
         "by the name of the limit, and with where it is open", r)
    error = x.call("trpc").json["error"]["json"]
    s.equal((error["data"]["code"], error["data"]["httpStatus"], "customDomain" in error["message"]), ("FORBIDDEN", 403, True), "in tRPC's shape, too")
    for path, body, want in (("/api/billing", None, 200), ("/api/billing/subscribe", {"planId": "starter"}, 503)):
        r = x.ask("owner", "POST" if body else "GET", path, body)
        s.equal(r.status, want, f"{path} is open to its owner (without a key for Stripe: 503)")
    for host in ("ducks.platform.example", "DUCKS.Platform.Example:8080", "www.ducks.platform.example."):
        s.equal(x.call("keys", host=host).status, 200, f"{host} is the platform's")
    for host in ("www." + DUCKS, "noplatform.example", "ducks.platform.example." + DUCKS):
        s.equal(x.call("keys", host=host).status, 403, f"{host} is not")
    for page, want in ((DUCKS, 403), ("www.noplatform.example", 403), ("ducks.platform.example", 200), ("app.example", 200)):
        r = x.ask("admin", "GET", "/api/keys", Origin="https://" + page, **there)
        s.equal(r.status, want, f"a page of {page} asks at the platform's host")
    s.equal(x.ask("theirs", "GET", "/api/keys", host=CLAW).status, 200, "the neighbour without a plan notices nothing")
    s.equal(x.ask("admin", "GET", "/api/keys", connection=old).status, 200, "a server without the setting refuses nobody")
    for yes in (True, -1, 3, None):
        x.plan({"customDomain": False})
        x.steady(lambda: x.call("keys").status == 403)
        began = time.monotonic()
        x.plan({} if yes is None else {"customDomain": yes})
        s.ok(x.until(lambda: x.call("keys").status == 200, 3), f"customDomain {yes}: open", x.call("keys"))
        s.ok(time.monotonic() - began < 2.5, "and that at once", time.monotonic() - began)
    x.api.stop()
    x.api = old
    for text in ("*.example.com", "example.com:443", "exa mple_", "-x.example", ",".join(f"d{n}.example" for n in range(33))):
        p = x.house.launch(x.name, "--platform-domain", text)
        said, code = x.house.end(p, wait=True)
        s.ok(code == 2 and "--platform-domain" in said and "such as example.com" in said, f"--platform-domain {text[:20]}: refused, with what would be right", said)
    x.no_plan()


def test_changing(s, x):
    """A tenant of which something changes all the while is answered nevertheless."""
    x.no_plan()
    x.sql("alter function tenant_standing(timestamptz) rename to tenant_standing_quick; create function tenant_standing(since timestamptz) "
          "returns jsonb language sql as 'select pg_sleep(0.05); select tenantry.tenant_standing_quick(since)'")
    ended, slowest, codes = threading.Event(), 0, set()

    def tell():
        session = x.house.cluster.session(x.name)
        while not ended.wait(0.01):
            session.ask("notify tenantry, '5ducks'")
        session.close()
    teller = threading.Thread(target=tell)
    teller.start()
    end = time.monotonic() + 2
    try:
        while time.monotonic() < end:
            began = time.monotonic()
            codes.add(x.call("keys").status)
            slowest = max(slowest, time.monotonic() - began)
    finally:
        ended.set()
        teller.join()
    x.sql("drop function tenant_standing(timestamptz); alter function tenant_standing_quick(timestamptz) rename to tenant_standing")
    s.ok(codes == {200} and 0.04 < slowest < 1, "who asks while it changes waits for the changes before, no more", f"{codes}, {slowest:.2f} s")


def used(x):
    return int(x.sql("select coalesce(sum(quantity), 0)::int from usage where metric = 'apiCalls'"))


def settle(x):
    """Until nothing more is written."""
    time.sleep(2.4)


def wait_for_hour():
    """Not across the end of an hour."""
    left = 3600 - time.time() % 3600
    if left < 40:
        time.sleep(left + 1)


def test_calls(s, x):
    wait_for_hour()
    x.no_plan()
    x.plan({"apiCalls": 100000})
    x.until(lambda: x.call("features").json["plan"] == "starter")
    x.call("keys")
    settle(x)
    writes = "select n_tup_ins + n_tup_upd from pg_stat_user_tables where relname = 'usage'"
    before, shown = used(x), x.call("features").json["limits"]["apiCalls"]["used"]
    before_writes = int(x.sql("select pg_stat_clear_snapshot();" + writes).split()[-1])
    with x.api.connect() as c:
        for _ in range(500):
            assert x.call("keys", connection=c).status == 200
    got = x.call("features").json["limits"]["apiCalls"]["used"] - shown
    s.equal(got, 500, "calls show before they are written")
    s.ok(x.until(lambda: used(x) == before + 500), "five hundred calls are five hundred in the database", (used(x), before))
    r = x.ask("admin", "GET", "/api/trpc/" + ",".join(["users.getCurrentUser"] * 7) + "?batch=1")
    s.equal((r.status, len(r.json)), (200, 7), "a batch of seven is answered")
    for what in ("features", "session", "pricing", "posts", "healthz"):
        x.call(what)
    settle(x)
    written = int(x.sql("select pg_stat_clear_snapshot();" + writes).split()[-1]) - before_writes
    s.ok(written < 12, f"with {written} writes")
    s.equal(used(x), before + 507, "it is seven calls; what is always open, or what caches keep, does not count")


def test_limit(s, x, rounds):
    """Fifty at once, again and again: never more than the plan has."""
    wrong = []
    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        for n in range(rounds):
            wait_for_hour()
            x.no_plan()
            # What was counted stays counted, so a round's limit is ten more than that.
            x.plan({"apiCalls": 10 ** 6})
            x.until(lambda: fresh(x, 10 ** 6))
            settle(x)
            start = used_now(x)
            x.plan({"apiCalls": start + 10})
            # Each worker has heard of it, and none has asked.  The answer takes a while:
            # nobody may be let in by the plan of before.
            time.sleep(0.5)
            slow = threading.Thread(target=x.sql, args=("begin; lock table plans; select pg_sleep(0.7); commit",))
            slow.start()
            time.sleep(0.3)
            answers = [r.status for r in pool.map(lambda _: x.call("keys"), range(50))]
            good, refused = answers.count(200), answers.count(429)
            slow.join()
            if (good, refused, used_now(x)) != (10, 40, start + 10):
                wrong.append((n, good, refused, used_now(x) - start))
    s.equal(wrong, [], f"{rounds} rounds of 50 callers: as many as are left, never more")
    r = x.call("keys")
    s.ok(r.status == 429 and 0 < int(r["Retry-After"]) <= 3600 and "apiCalls" in r.json["detail"], "who comes later: 429, until the hour is over", r)
    s.equal(x.call("trpc").json["error"]["json"]["data"]["code"], "TOO_MANY_REQUESTS", "so says tRPC")
    s.equal(x.ask("theirs", "GET", "/api/keys", host=CLAW).status, 200, "the neighbour has calls of its own")
    x.no_plan()


def used_now(x):
    return x.call("features").json["limits"]["apiCalls"]["used"]


def fresh(x, limit):
    """Each worker knows of the plan."""
    return x.call("features").json["limits"].get("apiCalls", {}).get("limit") == limit


def test_drain(s, x):
    """What was counted is written at the end, and what a killed worker counted is not lost."""
    x.no_plan()
    settle(x)
    before = used(x)
    for _ in range(37):
        x.call("keys")
    x.api.stop()
    s.equal(used(x) - before, 37, "a server that ends has written all")
    x.api = x.house.start(x.name, "--workers", "2", **x.env)
    before = used(x)
    for _ in range(20):
        x.call("keys")
    children = open(f"/proc/{x.api.p.pid}/task/{x.api.p.pid}/children").read().split()
    os.kill(int(children[0]), signal.SIGKILL)
    time.sleep(0.3)
    for _ in range(8):
        x.call("keys")
    s.ok(x.until(lambda: used(x) - before == 28, 8), "what a worker that was killed had counted is written by another", used(x) - before)


def test_seats(s, x, rounds):
    """Fifty join at once, in several ways; as many as there are seats come in."""
    t, wrong = x.tenant["5ducks"], []
    x.sql("insert into users (email, name) select 'seat' || n || '@plans.example', 'seat' from generate_series(1, 50) n")
    ids = x.sql("select id from users where name = 'seat' order by id").split()
    count = f"select count(*) from memberships where tenant_id = '{t}' and role <> 'guest'"
    taken = int(x.sql(count))
    enter = f"select set_config('app.current_tenant_id', '{t}', false)"
    sessions = [x.house.cluster.session(x.name) for _ in range(50)]
    for y in sessions:
        y.ask("set role tenantry_owner"), y.ask(enter)
    x.plan({"seats": taken + 7})
    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        for n in range(rounds):
            x.sql("delete from memberships m using users u where u.id = m.user_id and u.name = 'seat'")
            join = lambda i: sessions[i].ask(f"select tenantry.member_join('{ids[i]}', 'seat{i}', null)")
            said = list(pool.map(join, range(50)))
            have = int(x.sql(count))
            refused = sum("all seats" in y for y in said)
            if have != taken + 7 or refused != 43:
                wrong.append((n, have - taken, refused, [y for y in said if "all seats" not in y and y != "t"][:1]))
    for y in sessions:
        y.close()
    s.equal(wrong, [], f"{rounds} rounds of 50 who join: 7 of 7 seats are taken")
    r = x.ask(None, "POST", "/api/auth/register", {"email": "late@plans.example", "password": "correct horse battery"})
    s.ok(r.status == 402 and "seats" in r.json["detail"], "who registers later: 402", r)
    s.equal(x.sql("select count(*) from users where email = 'late@plans.example'"), "0", "and is nobody yet")
    s.ok("all seats" in x.sql(f"select set_config('app.current_tenant_id', '{t}', false); update memberships set role = 'member' "
                              f"where tenant_id = '{t}' and role = 'guest'", check=False), "a guest does not become a member either")
    s.equal(x.call("features").json["limits"]["seats"], {"limit": taken + 7, "used": taken + 7}, "which the features show")
    said = x.sql(f"select set_config('app.current_tenant_id', '{t}', false), set_config('app.current_user_id', '{x.ids['stranger']}', false);"
                 f"set role tenantry_webhook; select checkout_begin('duckling', '{x.ids['stranger']}', '', null, 'price_x')", check=False)
    s.ok("PT402" in said, "nobody pays for a seat that there is not", said)
    x.sql("delete from memberships m using users u where u.id = m.user_id and u.name = 'seat'; delete from users where name = 'seat'")
    x.no_plan()


def test_paid_content(s, x):
    """Seed 000: free members read no PAID space; a subscription that counts opens it, its end closes it."""
    t, me = x.tenant["5ducks"], x.ids["member"]
    space = x.sql(f"insert into spaces (tenant_id, slug, name, visibility) values ('{t}', 'vault', 'Vault', 'PAID') returning id")
    listing = "/api/trpc/posts.list?input=" + __import__("urllib.parse").parse.quote(json.dumps({"json": {"spaceId": space}}))
    look = lambda: (x.ask("member", "GET", listing).status,
                    x.call("trpc", "member").json["result"]["data"]["json"]["isFreeMember"])
    s.equal(look(), (403, True), "a free member is told that it costs")
    x.sql(f"insert into subscriptions (tenant_id, user_id, payer, plan_key, status, paid_at, stripe_subscription_id, stripe_customer_id) "
          f"values ('{t}', '{me}', 'member', 'duckling', 'active', now(), 'sub_m', 'cus_m')")
    for status, grace, want in (("active", "null", 200), ("trialing", "null", 200), ("past_due", "now() + interval '1 h'", 200),
                                ("unpaid", "now() + interval '1 h'", 200), ("past_due", "now() - interval '1 s'", 403), ("past_due", "null", 403),
                                ("canceled", "now() + interval '1 h'", 403), ("incomplete", "null", 403), ("paused", "null", 403)):
        x.sql(f"update subscriptions set status = '{status}', grace_until = {grace} where stripe_subscription_id = 'sub_m'")
        s.equal(x.ask("member", "GET", listing).status, want, f"{status}, grace {grace}: {want}")
    x.sql("update subscriptions set status = 'active' where stripe_subscription_id = 'sub_m'")
    s.equal(look(), (200, False), "a paying one is no free member")
    x.sql("delete from subscriptions where stripe_subscription_id = 'sub_m'")


def test(s, house):
    x = Scene(house, "plans", "--workers", "2")
    test_status(s, x)
    test_lapse(s, x)
    test_features(s, x)
    test_domain(s, x)
    test_changing(s, x)
    test_calls(s, x)
    test_limit(s, x, 20 if house.full else 2)
    test_seats(s, x, 200 if house.full else 10)
    test_paid_content(s, x)
    test_drain(s, x)

"""From a plan to a payment: what is for sale, one session for a double click, a Stripe that fails."""
import json, os, sys, threading, time, urllib.parse

from money import Desk
from server import CLAW, DUCKS

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "stripe"))
from parameters import read_form  # noqa: E402
from standin import Standin  # noqa: E402

CREATE, OUTCOME = "/api/stripe/create-checkout-session", "/api/stripe/checkout-session"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
SESSIONS, CUSTOMERS = "/v1/checkout/sessions", "/v1/customers"
PRICES = ("price_row", "price_env", "price_own", "price_mapped", "price_once:once")


class Till(Desk):
    def __init__(self, house, name, standin, **env):
        workspace = house.copy_workspace("till-" + name)
        path = os.path.join(workspace, "tenantry.json")
        with open(path) as f:
            settings = json.load(f)
        settings["stripePriceNames"] = {"flock": "STRIPE_SEAGULL_PRICE_ID"}
        with open(path, "w") as f:
            json.dump(settings, f)
        path = os.path.join(workspace, "tenants", "tidewater", "config.json")
        with open(path) as f:
            config = json.load(f)
        config.pop("pricing", None)
        with open(path, "w") as f:
            json.dump(config, f)
        self.workspace = workspace
        super().__init__(house, name, workspace=workspace, STRIPE_API_BASE=standin.base, STRIPE_5DUCKS_DUCKLING_PRICE_ID="price_own",
                         STRIPE_DUCKLING_PRICE_ID="price_env", STRIPE_SEAGULL_PRICE_ID="price_mapped", **env)
        self.standin, standin.api = standin, (self.api.address, self.api.port)

    def buy(self, plan, host=DUCKS, connection=None, headers=(), **more):
        return (connection or self.api).ask("POST", CREATE, host=host, headers=headers, body={"planId": plan, **more})

    def buy_form(self, plan, host=DUCKS, **more):
        return self.api.ask("POST", CREATE, host=host, headers=FORM, body=urllib.parse.urlencode({"planId": plan, **more}))

    def outcome(self, session, host=DUCKS):
        return self.api.get(f"{OUTCOME}?session_id={urllib.parse.quote(session)}", host=host)

    def asked(self):
        """The last session's parameters."""
        return read_form(self.standin.made(SESSIONS)[-1]["form"])

    def sign_in(self, email):
        r = self.api.post("/api/auth/register", {"email": email, "password": "correct horse battery staple", "name": "Ida"},
                          headers={"Origin": f"https://{DUCKS}"})
        cookies = "; ".join(v.split(";")[0] for k, v in r.all if k.lower() == "set-cookie")
        return {"Cookie": cookies, "Origin": f"https://{DUCKS}"} if r.status < 300 and cookies else None


def plan(t, key, **columns):
    sets = ", ".join(f"{k} = {v}" for k, v in columns.items())
    t.sql(f"update tenantry.plans set {sets} where key = '{key}' and tenant_id = '{t.tenant['5ducks']}'")


def test_what_is_sold(s, t):
    plan(t, "mama-duck", stripe_price_id="'price_row'")
    r = t.buy("mama-duck")
    s.ok(r.status == 200 and r.json["url"].startswith(t.standin.base) and r.json["sessionId"].startswith("cs_"), "a plan is sold", r)
    s.equal(r["cache-control"], "no-store", "and no cache keeps that")
    asked = t.asked()
    s.equal(asked["line_items"]["0"], {"price": "price_row", "quantity": "1"}, "for the price of its row")
    s.equal((asked["mode"], asked["payment_method_types"]), ("subscription", {"0": "card"}), "as a subscription, by card")
    s.equal((asked["success_url"], asked["cancel_url"]), (f"https://{DUCKS}/subscription-success/?session_id={{CHECKOUT_SESSION_ID}}",
            f"https://{DUCKS}/pricing/#checkout-canceled"), "with the ways back")
    rows = {c["id"]: c for c in t.rows("checkout_sessions")}
    meta = asked["metadata"]
    s.ok(meta["tenantId"] == t.tenant["5ducks"] and meta["planId"] == "mama-duck" and meta["checkoutId"] in rows and "userId" not in meta
         and asked["subscription_data"]["metadata"] == meta and asked["client_reference_id"] == meta["checkoutId"], "with whose it is", asked)
    s.equal(rows[meta["checkoutId"]]["stripe_session_id"], r.json["sessionId"], "and it is kept")
    t.buy("duckling")
    s.equal(t.asked()["line_items"]["0"]["price"], "price_own", "without one, the tenant's variable")
    plan(t, "flock", coming_soon="false")
    t.buy("flock")
    s.equal(t.asked()["line_items"]["0"]["price"], "price_mapped", "or the variable that tenantry.json names")
    plan(t, "flock", coming_soon="true")
    plan(t, "duckling", interval="'once'", stripe_price_id="'price_once'")
    t.buy("duckling")
    s.equal((t.asked()["mode"], t.asked()["payment_intent_data"]["metadata"]["planId"]), ("payment", "duckling"), "what is paid once is a payment")
    plan(t, "duckling", interval="'month'", stripe_price_id="null")
    before = len(t.standin.seen)
    unknown = t.buy("no-such-plan")
    for what, r, want in (("a free one", t.buy("ugly-duckling"), 422), ("one that is coming soon", t.buy("flock"), 422)):
        s.equal(r.status, want, f"{what} is refused")
    plan(t, "duckling", active="false")
    theirs = t.sql(f"select key from tenantry.plans where tenant_id = '{t.tenant['sendclaw']}' and price > 0 limit 1")
    for what, r in (("one that is not active", t.buy("duckling")), ("another tenant's", t.buy(theirs or "claw"))):
        same = {k: v for k, v in r.json.items() if k != "request_id"} == {k: v for k, v in unknown.json.items() if k != "request_id"}
        s.ok(r.status == 404 and same, f"{what} is like one that nobody knows", r)
    plan(t, "duckling", active="true")
    for what, body in (("nothing", {}), ("a number", {"planId": 3}), ("an empty one", {"planId": ""}), ("a long one", {"planId": "x" * 300}),
                       ("a list", [])):
        s.equal(t.api.post(CREATE, body).status, 400, f"{what} for a plan: 400")
    s.equal(t.api.post(CREATE, "planId=duckling", headers={"Content-Type": "text/plain"}).status, 415, "neither JSON nor a form: 415")
    s.equal(len(t.standin.seen), before, "and Stripe hears of none of it")
    t.sql("update tenantry.tenants set status = 'suspended' where slug = '5ducks'")
    s.equal(t.buy("mama-duck").status, 403, "a suspended tenant sells nothing")
    t.sql("update tenantry.tenants set status = 'active' where slug = '5ducks'")


def test_config_only(s, t):
    """Without rows the config's plans are sold, and of one without plans the default tenant's."""
    t.sql(f"create table public.kept as select * from tenantry.plans; delete from tenantry.plans")
    r = t.buy("duckling")
    s.ok(r.status == 200 and t.asked()["line_items"]["0"]["price"] == "price_own", "without rows, as the config lists", r)
    s.equal([t.buy(p).status for p in ("ugly-duckling", "flock", "nothing")], [422, 422, 404], "and with its refusals")
    r = t.buy("duckling", host="tidewater.press")
    s.ok(r.status == 200 and t.asked()["line_items"]["0"]["price"] == "price_env", "a tenant without plans sells the default tenant's", r)
    r = t.buy("mama-duck")
    s.ok(r.status == 503 and "cannot be bought" in r.text, "a plan without a price cannot be bought", r)
    t.sql("insert into tenantry.plans select * from public.kept; drop table public.kept")


def test_settings(s, t):
    def methods(list_, key="mama-duck"):
        t.sql(f"update tenantry.tenants set settings = '{json.dumps({'paymentMethods': list_})}' where slug = '5ducks'")
        r = t.buy(key)
        return list(t.asked()["payment_method_types"].values()) if r.status == 200 else r
    s.equal(methods(["card", "ach", "klarna"]), ["card", "us_bank_account", "klarna"], "the tenant's ways to pay")
    s.equal(methods(["afterpay", "card"]), ["card"], "what cannot be billed again is left out of a subscription")
    s.equal(methods(["ach", "us_bank_account", 5, "barter"]), ["us_bank_account"], "what is said twice counts once; nonsense does not")
    s.equal(methods("card"), ["card"], "and without any it is a card")
    plan(t, "duckling", interval="'once'", stripe_price_id="'price_once'")
    s.equal(methods(["afterpay", "card"], "duckling"), ["afterpay_clearpay", "card"], "once it can be paid so")
    plan(t, "duckling", interval="'month'", stripe_price_id="null")
    t.sql("update tenantry.tenants set settings = '{}' where slug = '5ducks'")
    t.sql(f"update tenantry.promotions set active = false where tenant_id = '{t.tenant['5ducks']}'")
    t.buy("mama-duck")
    s.ok("discounts" not in t.asked(), "no promotion, no coupon")
    t.sql("insert into tenantry.promotions (tenant_id, name, overrides, starts_at, ends_at, stripe_coupon_id) values "
          f"('{t.tenant['5ducks']}', 'p', '{{\"mama-duck\": {{\"price\": 9}}}}', now() - interval '1 h', now() + interval '1 h', 'coupon_spring')")
    t.buy("mama-duck")
    s.equal(t.asked().get("discounts"), {"0": {"coupon": "coupon_spring"}}, "an active promotion's coupon goes along")
    t.buy("duckling")
    s.ok("discounts" not in t.asked(), "with its own plans")
    t.sql("update tenantry.promotions set ends_at = now() - interval '1 s' where name = 'p'")
    t.buy("mama-duck")
    s.ok("discounts" not in t.asked(), "and no longer than it lasts")


def test_double_click(s, t):
    def many(n, **how):
        answers, threads = [], []
        for _ in range(n):
            threads.append(threading.Thread(target=lambda: answers.append(t.buy("mama-duck", **how))))
        before = len(t.standin.sessions)
        for x in threads:
            x.start()
        for x in threads:
            x.join()
        return {a.json.get("sessionId") if a.status == 200 else a.status for a in answers}, len(t.standin.sessions) - before
    s.equal(many(8, attempt="form-1")[1], 1, "eight clicks on one form make one session")
    ids, made = many(2)
    s.equal((len(ids), made), (2, 2), "two guests have two")
    s.equal(many(2, attempt="form-2")[1], 1, "another form another one")
    signed = t.sign_in("buyer1@example.com")
    if not signed:
        s.skip("a member's checkout", "nobody can sign in here")
        return
    ids, made = many(6, headers=signed)
    s.equal((len(ids), made), (1, 1), "six clicks of a member make one session")
    asked = t.asked()
    user = t.sql("select id from tenantry.users where email = 'buyer1@example.com'")
    s.ok(asked["metadata"]["userId"] == user and asked["customer"] in t.standin.customers and "customer_email" not in asked, "in their name", asked)
    s.equal(len(t.standin.customers), 1, "with one customer at Stripe")
    t.buy("duckling", headers=signed)
    s.equal((t.asked()["customer"], len(t.standin.made(CUSTOMERS))), (asked["customer"], 1), "who buys again under the same")
    r = t.buy("duckling", headers={**signed, "Origin": "https://evil.example"})
    s.equal(r.status, 403, "a page elsewhere cannot buy in their name")
    t.standin.pay(ids.pop())
    row = [x for x in t.rows() if x["buyer_id"] == user]
    s.ok(len(row) == 1 and row[0]["user_id"] == user and row[0]["status"] == "active" and row[0]["plan_key"] == "mama-duck", "what is paid is theirs", row)
    s.ok(many(1, headers=signed)[1] == 1, "after that a click is a new wish")


def test_form(s, t):
    r = t.buy_form("mama-duck")
    s.ok(r.status == 303 and r["location"].startswith(t.standin.base + "/c/pay/cs_"), "a plain form is sent on to the payment page", r)
    for what, r in {"an unknown plan": t.buy_form("no-such"), "no plan": t.buy_form(""),
                    "rubbish": t.api.ask("POST", CREATE, headers=FORM, body="%zz=%00&&=;planId")}.items():
        s.equal((r.status, r["location"]), (303, f"https://{DUCKS}/pricing/#checkout-failed"), f"{what}: back to the page, which says so")
    t.standin.order("500", "500", "500", "500")
    r = t.buy_form("mama-duck")
    s.equal((r.status, r["location"]), (303, f"https://{DUCKS}/pricing/#checkout-failed"), "a Stripe that fails: the same")


def test_failures(s, t):
    """Whatever Stripe does, there is a clear answer, and at most one session for a wish."""
    def attempt(*orders):
        before, calls = len(t.standin.sessions), len(t.standin.seen)
        t.standin.order(*orders)
        began = time.monotonic()
        r = t.buy("mama-duck", attempt=f"fail-{'-'.join(orders)}")
        return r, len(t.standin.sessions) - before, t.standin.seen[calls:], time.monotonic() - began
    for orders in (("cut before",), ("cut after",), ("409",), ("429",), ("503",), ("cut before", "429", "503"), ("cut after", "cut after")):
        r, made, calls, took = attempt(*orders)
        keys = {c["key"] for c in calls if c.get("key")}
        s.ok(r.status == 200 and made == 1 and len(calls) == len(orders) + 1 and len(keys) == 1,
             f"{' then '.join(orders)}: asked again with the same key: one session", f"{r}\n{made}\n{calls}")
    r, made, calls, took = attempt("slow 1")
    s.ok(r.status == 200 and made == 1 and len(calls) == 1, "slow: waited for", r)
    bad = {("402",): 402, ("500",) * 4: 502, ("cut before",) * 9: 504, ("429",) * 4: 503}  # libcurl itself tries a kept connection twice
    for orders, want in bad.items():
        r, made, calls, took = attempt(*orders)
        t.standin.forget_orders()
        s.ok(r.status == want and r["content-type"] == "application/problem+json" and made == 0 and took < 15
             and ("nothing was charged" in r.json["detail"] or "try again" in r.json["detail"]), f"{orders[0]} for good: {want}, and clear", r)
        s.ok("declined" not in r.text and "sk_test" not in r.text, "nothing of what Stripe said is passed on", r)
        r = t.buy("mama-duck", attempt=f"fail-{'-'.join(orders)}")
        s.equal(r.status, 200, "and the next click works")
    r, made, calls, took = attempt(*["cut after"] * 9)
    t.standin.forget_orders()
    s.ok(r.status == 504 and made == 1, "all answers lost: one session was made", r)
    r = t.buy("mama-duck", attempt="fail-" + "-".join(["cut after"] * 9))
    s.ok(r.status == 200 and t.standin.seen[-1]["replayed"], "and the next click gets that one", t.standin.seen[-1])
    replies = [c for c in t.standin.seen if c["status"] == 400]
    s.ok(not replies, "Stripe never saw a parameter it does not know, nor a key used for two things", replies[:3])


def test_away(s, house, t):
    """Nothing listens where Stripe should be; and a Stripe that never answers does not hold the others up."""
    t.standin.order("slow 6")
    slow = threading.Thread(target=lambda: t.buy("mama-duck", attempt="slow"))
    slow.start()
    time.sleep(0.2)
    began = time.monotonic()
    for _ in range(20):
        t.api.get("/healthz")
        t.outcome("cs_nothing")
    s.ok(time.monotonic() - began < 3, "while one waits for Stripe the others are served", time.monotonic() - began)
    slow.join()
    api = house.start(t.name, "--limit", "off", workspace=t.workspace, STRIPE_SECRET_KEY="sk_test_canary", STRIPE_API_BASE="http://127.0.0.1:9")
    began = time.monotonic()
    r = api.post(CREATE, {"planId": "mama-duck"})
    s.ok(r.status == 504 and time.monotonic() - began < 21, "nobody there: 504", r)
    api.stop()
    wrong = house.start(t.name, "--limit", "off", workspace=t.workspace, STRIPE_SECRET_KEY="sk_test_wrong_canary", STRIPE_API_BASE=t.standin.base)
    r = wrong.post(CREATE, {"planId": "mama-duck"})
    s.ok(r.status == 502 and "sk_test" not in r.text and "canary" not in r.text, "a key that Stripe refuses: 502, without the key", r)
    wrong.stop()
    s.ok("canary" not in wrong.errors() and "stripe: 401" in wrong.errors(), "the log says what Stripe said, without the key", wrong.errors()[-400:])
    none = house.start(t.name, "--limit", "off", workspace=t.workspace)
    s.equal(none.post(CREATE, {"planId": "mama-duck"}).status, 503, "without a key nothing can be bought")


def test_outcome(s, t):
    session = t.buy("mama-duck").json["sessionId"]
    r = t.outcome(session)
    s.equal(r.json, {"status": "open", "paymentStatus": "unpaid", "planId": "mama-duck", "subscription": None, "active": False,
                     "currentPeriodEnd": None}, "before paying it is open")
    api, t.standin.api = t.standin.api, ("127.0.0.1", 9)
    t.standin.pay(session)
    r = t.outcome(session)
    s.equal((r.json["status"], r.json["paymentStatus"], r.json["active"]), ("complete", "paid", False), "paid, before the event: Stripe knows")
    t.standin.order("500")
    s.equal(t.outcome(session).json["status"], "open", "or nobody yet, if Stripe fails")
    t.standin.api = api
    paid = t.buy("mama-duck").json["sessionId"]
    t.standin.pay(paid, order=(3, 2, 1, 0), twice=True)
    r = t.outcome(paid)
    s.ok((r.json["status"], r.json["active"], r.json["subscription"]) == ("complete", True, "active") and r.json["currentPeriodEnd"], "after it: active", r)
    s.equal(r["cache-control"], "no-store", "which no cache keeps")
    theirs = t.outcome(paid, host=CLAW)
    unknown = t.outcome("cs_test_unknown", host=CLAW)
    clean = lambda r: (r.status, {k: v for k, v in r.json.items() if k != "request_id"})
    s.equal(clean(theirs), clean(unknown), "another tenant's checkout is like an unknown one")
    s.equal(theirs.status, 404, "which is 404")
    for bad in ("", "x", "cs_" + "a" * 400, "cs_x' or true --", "../v1/customers", "cs_%00"):
        s.equal(t.api.get(f"{OUTCOME}?session_id={bad if '%' in bad else urllib.parse.quote(bad)}").status, 404, f"a session {bad[:20]!r}: 404")
    s.equal(t.api.get(OUTCOME).status, 404, "and none: 404")


def test_names(s, house):
    """A variable that would stand for two tenants, or two plans, is an error where it is set, and only there."""
    workspace = house.copy_workspace("names")
    tenants = os.path.join(workspace, "tenants")
    config = json.load(open(os.path.join(tenants, "tidewater", "config.json")))
    config["meta"].pop("url", None)

    def tenant(id, *plans):
        path = os.path.join(tenants, id)
        os.makedirs(path)
        own = {"headline": "P", "subheadline": "", "plans": [{"id": p, "name": p, "price": 5, "features": []} for p in plans]}
        json.dump({**config, "id": id, "domains": [f"t{len(os.listdir(tenants))}.example"], "pricing": own}, open(os.path.join(path, "config.json"), "w"))
    tenant("a-b", "c"), tenant("a_b", "x"), tenant("a", "b-c", "p-1", "p_1"), tenant("k", "b"), tenant("l", "k-b"), tenant("a-b-file", "z")
    start = lambda *args, **env: house.end(house.launch("names", "-C", workspace, *args, **env), wait="--check-config" in args)
    secret = os.path.join(workspace, "secret")
    with open(secret, "w") as f:
        f.write("sk_test_canary\n")
    cases = (({"STRIPE_SECRET_KEY_A_B": "sk_test_canary"}, "STRIPE_SECRET_KEY_A_B", "tenant a-b", "tenant a_b", "rename the folder"),
             ({"STRIPE_SECRET_KEY_A_B_FILE": secret}, "STRIPE_SECRET_KEY_A_B", "tenant a-b", "tenant a_b", "rename the folder"),
             ({"STRIPE_WEBHOOK_SECRET_A_B": "whsec_canary"}, "STRIPE_WEBHOOK_SECRET_A_B", "tenant a-b", "tenant a_b", "rename the folder"),
             ({"STRIPE_A_B_C_PRICE_ID": "price_canary"}, "STRIPE_A_B_C_PRICE_ID", "plan b-c of tenant a", "plan c of tenant a-b", "stripePriceNames"),
             ({"STRIPE_P_1_PRICE_ID": "price_canary"}, "STRIPE_P_1_PRICE_ID", "plan p-1", "plan p_1", "rename one"),
             ({"STRIPE_A_P_1_PRICE_ID": "price_canary"}, "STRIPE_A_P_1_PRICE_ID", "plan p-1 of tenant a", "plan p_1 of tenant a", "rename one"),
             ({"STRIPE_K_B_PRICE_ID": "price_canary"}, "STRIPE_K_B_PRICE_ID", "plan b of tenant k", "plan k-b", "rename one"))
    for env, *words in cases:
        for args in ((), ("--check-config",)):
            said, code = start(*args, **env)
            s.ok(code == 1 and all(w in said for w in words) and said.count("stands for") == 1 and "config.json: error:" in said
                 and "canary" not in said, f"{list(env)[0]} {' '.join(args)}: refused, with the two", (code, said))
    for env in ({}, {"STRIPE_SECRET_KEY_A_B": ""}, {"STRIPE_SECRET_KEY": "sk_test_canary", "STRIPE_SECRET_KEY_A": "sk_test_canary",
                "STRIPE_C_PRICE_ID": "price_canary", "STRIPE_A_B_X_PRICE_ID": "price_canary", "STRIPE_DUCKLING_PRICE_ID": "price_canary"}):
        said, code = start("--check-config", **env)
        s.ok(code == 0 and "all is well" in said, f"{', '.join(env) or 'none'}: fine", said)


def test_canaries(s, house, t):
    said = t.api.errors()
    for word in ("canary", "whsec", "sk_test", "price_"):
        s.ok(word not in said, f"no secret in the log ({word})", said[-500:])
    out = os.path.join(t.workspace, "out")
    code, text = house.program.build(t.workspace, "--database", house.url(t.name, "tenantry_builder"), out=out)
    found = [os.path.join(f, n) for f, _, names in os.walk(out) for n in names
             if any(w in open(os.path.join(f, n), "rb").read() for w in (b"price_row", b"price_own", b"canary", b"coupon_spring"))]
    s.ok(os.path.isdir(os.path.join(out, DUCKS)) and not found, "nor a price's id in out/", f"{text[-300:]}\n{found}")


def test(s, house):
    standin = Standin(prices=PRICES)
    try:
        t = Till(house, "till", standin)
        for part in (test_what_is_sold, test_config_only, test_settings, test_double_click, test_form, test_failures, test_outcome):
            part(s, t)
        test_away(s, house, t)
        test_names(s, house)
        test_canaries(s, house, t)
    finally:
        standin.close()

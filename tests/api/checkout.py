"""From a plan to a payment: what is for sale, one session for a double click, a Stripe that fails."""
import json, os, sys, threading, time, urllib.parse

from money import Desk
from server import CLAW, DUCKS

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "stripe"))
import events  # noqa: E402
from events import Sale  # noqa: E402
from parameters import read_form  # noqa: E402
from standin import Standin  # noqa: E402
from suite import TOP  # noqa: E402

LONG = True
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
                     "currentPeriodEnd": None, "claimable": False}, "before paying it is open")
    api, t.standin.api = t.standin.api, ("127.0.0.1", 9)
    t.standin.pay(session, tries=1)
    r = t.outcome(session)
    s.equal((r.json["status"], r.json["paymentStatus"], r.json["active"]), ("complete", "paid", False), "paid, before the event: Stripe knows")
    t.standin.order("500")
    s.equal(t.outcome(session).json["status"], "open", "or nobody yet, if Stripe fails")
    t.standin.api = api
    paid = t.buy("mama-duck").json["sessionId"]
    t.standin.pay(paid, order=(3, 2, 1, 0), twice=True)
    r = t.outcome(paid)
    s.ok((r.json["status"], r.json["active"], r.json["subscription"]) == ("complete", True, "active") and r.json["currentPeriodEnd"], "after it: active", r)
    s.equal(r["cache-control"], "private, no-store", "which no cache keeps")
    theirs = t.outcome(paid, host=CLAW)
    unknown = t.outcome("cs_test_unknown", host=CLAW)
    clean = lambda r: (r.status, {k: v for k, v in r.json.items() if k != "request_id"})
    s.equal(clean(theirs), clean(unknown), "another tenant's checkout is like an unknown one")
    s.equal(theirs.status, 404, "which is 404")
    for bad in ("", "x", "cs_" + "a" * 400, "cs_x' or true --", "../v1/customers", "cs_%00"):
        s.equal(t.api.get(f"{OUTCOME}?session_id={bad if '%' in bad else urllib.parse.quote(bad)}").status, 404, f"a session {bad[:20]!r}: 404")
    s.equal(t.api.get(OUTCOME).status, 404, "and none: 404")


def test_analytics(s, house):
    """The session's id opens what was bought: Google is not told."""
    folder, why = house.node()
    if not folder:
        s.skip("what Google is told", why)
        return
    script = os.path.join(TOP, "templates", "default", "assets", "analytics.js")
    page, id = "https://fiveducks.ai/subscription-success/?a=b", "session_id=cs_test_secret"
    for address, referrer in ((f"{page}&{id}", "https://checkout.stripe.com/"), ("https://fiveducks.ai/", f"{page}&{id}#top"), (f"{page}&{id}", "")):
        code, said = house.run_node("analytics.mjs", script, address, referrer)
        s.ok(code == 0 and "cs_test" not in said and "fiveducks.ai" in said and "G-1" in said, f"on {address[:24]}", said)


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


def test_customer(s, t):
    """A customer that was deleted at Stripe is not used again: another one is made, once."""
    signed = t.sign_in("lost@example.com")
    user = t.sql("select id from tenantry.users where email = 'lost@example.com'")
    rows = lambda: [(r["stripe_customer_id"], bool(r["deleted_at"])) for r in
                    sorted(t.rows("customers"), key=lambda r: r["created_at"]) if r["user_id"] == user]
    made = lambda: len(t.standin.made(CUSTOMERS))
    first = t.buy("mama-duck", headers=signed).json["sessionId"]
    one = t.asked()["customer"]
    t.standin.pay(first)
    kept, t.standin.customers, t.standin.live = t.standin.customers, {}, True
    r = t.buy("duckling", headers=signed)
    s.ok(r.status == 502 and rows() == [(one, False)], "a key of the other mode: nobody is lost by that", r)
    t.standin.customers, t.standin.live = kept, False
    t.sql(f"update tenantry.checkout_sessions set created_at = now() - interval '1 h' where user_id = '{user}'")
    # Nobody has told us.
    t.standin.delete_customer(one)
    before = made()
    r = t.buy("duckling", headers=signed)
    two = t.asked()["customer"]
    s.ok(r.status == 200 and two != one and two in t.standin.customers and made() == before + 1, "deleted without a word: a new one is made", r)
    s.equal(rows(), [(one, True), (two, False)], "and kept in its place")
    t.buy("duckling", headers=signed)
    s.equal((t.asked()["customer"], made()), (two, before + 1), "and used from then on")
    three, wrong, rounds = two, [], 40 if t.house.full else 5
    for n in range(rounds):
        t.standin.delete_customer(three)
        t.sql(f"update tenantry.checkout_sessions set created_at = now() - interval '1 h' where user_id = '{user}'")
        answers, before, sessions = [], made(), len(t.standin.sessions)
        threads = [threading.Thread(target=lambda: answers.append(t.buy("mama-duck", headers=signed))) for _ in range(6)]
        [x.start() for x in threads], [x.join() for x in threads]
        three = t.asked()["customer"]
        got = sorted({r.status for r in answers}), len({r.json.get("sessionId") for r in answers}), len(t.standin.sessions) - sessions, made() - before
        if got != ([200], 1, 1, 1):
            wrong.append((n, got))
    s.equal(wrong, [], f"{rounds} times six clicks at once: one new customer, one session")
    s.equal((len(rows()), rows()[-1], sum(not x[1] for x in rows())), (rounds + 2, (three, False), 1), "kept")
    # Stripe tells.
    t.send(events.event("evt_cus_foreign", "customer.deleted", int(time.time()), {"id": three, "object": "customer", "metadata": {"tenantId": t.tenant["sendclaw"]}}))
    t.send(events.event("evt_cus_unknown", "customer.deleted", int(time.time()), {"id": "cus_unknown", "object": "customer", "metadata": {}}))
    s.equal(rows()[-1], (three, False), "the end of another tenant's customer, or of one that nobody knows, is nothing to this one")
    calls = len(t.standin.seen)
    t.standin.delete_customer(three, DUCKS)
    s.equal((rows()[-1], t.standin.events[-1][1]), ((three, True), 200), "its event is taken")
    gone = events.event("evt_cus_again", "customer.deleted", int(time.time()) + 60, {"id": three, "object": "customer", "metadata": {"tenantId": t.tenant["5ducks"]}})
    when = "select deleted_at from tenantry.customers where stripe_customer_id = '%s'" % three
    at = t.sql(when)
    s.equal([t.send(gone).status, t.send(gone).status, t.sql(when)], [200, 200, at], "said again it changes nothing")
    t.sql(f"update tenantry.checkout_sessions set created_at = now() - interval '1 h' where user_id = '{user}'")
    r = t.buy("mama-duck", headers=signed)
    refused = [c for c in t.standin.seen[calls:] if c["status"] not in (0, 200)]
    s.ok(r.status == 200 and not refused and t.asked()["customer"] not in (one, two, three), "the next checkout has a new one at once", (r, refused))
    s.ok(next(x for x in t.rows() if x["stripe_subscription_id"] == f"sub_{first[8:]}")["user_id"] == user, "what was bought before stays theirs")
    # Stripe loses each customer as soon as it is made.
    keep, t.standin.customers = t.standin.customers, type("Forgetful", (dict,), {"__setitem__": lambda *_: None, "__getitem__": lambda self, id: {"id": id}})()
    calls = len(t.standin.seen)
    r = t.buy("duckling", headers=signed)
    tried = [c["path"] for c in t.standin.seen[calls:]]
    t.standin.customers = keep
    s.ok(r.status == 502 and tried.count(CUSTOMERS) == 1 and tried.count(SESSIONS) == 2, "it is tried once, not again and again", (r, tried))
    r = t.buy("duckling", headers=signed)
    s.ok(r.status == 200 and t.asked()["customer"] in t.standin.customers, "and the next click works", r)
    s.equal(len([x for x in rows() if not x[1]]), 1, "there is one at a time")


def test_claim(s, t):
    """Paid without an account: whoever has the session's id makes it theirs, once; the e-mail alone is nothing."""
    path = "/api/stripe/claim-checkout-session"
    claim = lambda who, session, host=DUCKS: t.api.post(path, {"sessionId": session}, host=host, headers=who)
    plain = lambda r: (r.status, {k: v for k, v in r.json.items() if k != "request_id"})
    person = lambda email: t.sql(f"select id from tenantry.users where email = '{email}'")
    row = lambda session: next((r for r in t.rows() if r["stripe_subscription_id"] in (f"sub_{session[8:]}", session)), None)
    paid = lambda who: t.sql(f"select set_config('app.current_tenant_id', '{t.tenant['5ducks']}', false), set_config('app.current_user_id', '{who}', false);"
                             f"set role tenantry_member; select tenantry.has_paid('{who}'), tenantry.member_is_free('{who}')").split("\n")[-1]
    session = t.buy("mama-duck").json["sessionId"]
    early = t.sign_in("early@example.com")
    r = claim(early, session)
    s.ok(r.status == 409 and "not complete" in r.json["detail"], "what is not paid yet is nobody's to claim", r)
    t.standin.pay(session, email="buyer@example.com")
    r = t.outcome(session)
    s.ok(r.json["claimable"] and r.json["active"], "a guest's purchase can be claimed", r)
    thief = t.sign_in("buyer@example.com")
    s.equal((row(session)["payer"], row(session)["buyer_id"], paid(person("buyer@example.com"))), ("guest", None, "f|t"),
            "an account with the same e-mail, which nobody has verified, has nothing of it")
    s.equal(claim({}, session).status, 401, "who is not signed in claims nothing")
    s.equal(claim({**thief, "Origin": "https://evil.example"}, session).status, 403, "nor does a page elsewhere in their name")
    unknown = plain(claim(thief, "cs_test_unknown"))
    s.equal(unknown[0], 404, "an unknown one: 404")
    for bad in ("", "x", "cs_" + "a" * 400, "cs_x' or true --", 5, None, ["cs_"]):
        s.equal(plain(claim(thief, bad)), unknown, f"{str(bad)[:20]!r}: the same")
    # A foreign tenant's checkout, of which the claimer knows the id.
    t.sql(f"insert into tenantry.checkout_sessions (tenant_id, plan_key, idempotency_key, status, stripe_session_id, stripe_subscription_id) "
                   f"values ('{t.tenant['sendclaw']}', 'x', 'claim', 'complete', 'cs_test_theirs', 'sub_theirs'); insert into tenantry.subscriptions "
                   "(tenant_id, plan_key, status, paid_at, stripe_subscription_id, stripe_customer_id) "
                   f"values ('{t.tenant['sendclaw']}', 'x', 'active', now(), 'sub_theirs', 'cus_theirs')")
    s.equal(plain(claim(thief, "cs_test_theirs")), unknown, "another tenant's is like an unknown one")
    tenants = f"select count(*) from tenantry.subscriptions where buyer_id is not null and tenant_id = '{t.tenant['sendclaw']}'"
    s.equal(t.sql(tenants), "0", "and stays a guest's")
    # The buyer, among others who have got hold of the id.
    crowd = [t.sign_in(f"claimer{n}@example.com") for n in range(8)]
    answers, threads = {}, []
    for n, who in enumerate(crowd):
        threads.append(threading.Thread(target=lambda n=n, who=who: answers.__setitem__(n, claim(who, session))))
    [x.start() for x in threads], [x.join() for x in threads]
    good = [n for n, r in answers.items() if r.status == 200]
    s.ok(len(good) == 1 and all(plain(answers[n]) == unknown for n in answers if n not in good), "of eight at once one has it, for the others it is not there", answers)
    owner, mine = crowd[good[0]], person(f"claimer{good[0]}@example.com")
    s.equal((row(session)["payer"], row(session)["buyer_id"], row(session)["user_id"], paid(mine)), ("member", mine, mine, "t|f"), "who is a paying member now")
    r = claim(owner, session)
    s.ok(r.status == 200 and r.json == answers[good[0]].json and r.json["active"] and not r.json["claimable"], "asked again it is theirs as before", r)
    s.equal(plain(claim(thief, session)), unknown, "and nobody else's")
    s.equal(t.outcome(session).json["claimable"], False, "as the page says")
    customer = t.standin.sessions[session]["customer"]
    t.buy("duckling", headers=owner)
    s.equal(t.asked()["customer"], customer, "what they buy next is bought by the same customer")
    # What Stripe says later, and again, changes nothing of whose it is.
    sale = Sale({k: v for k, v in t.standin.sessions[session]["metadata"].items()}, session[8:], began=int(time.time()), price="price_row", customer=customer)
    sale.session = session
    for e in (sale.updated(5), sale.completed(6), sale.paid(7, "in_more"), sale.created(1)):
        s.equal(t.send(e).status, 200, f"later: {e['type']}")
    s.equal((row(session)["buyer_id"], row(session)["user_id"], paid(mine)), (mine, mine, "t|f"), "leaves it theirs")
    t.send(sale.deleted(50))
    s.equal((row(session)["user_id"], paid(mine)), (mine, "f|t"), "its end is theirs, too")
    t.sql(f"delete from tenantry.memberships where user_id = '{mine}' and tenant_id = '{t.tenant['5ducks']}'")
    t.send(sale.updated(8))
    s.equal(t.sql(f"select count(*) from tenantry.memberships where user_id = '{mine}'"), "0", "who was sent away does not come back by it")
    # What is paid once; what a member has bought; what the tenant itself buys; what has expired.
    plan(t, "duckling", interval="'once'", stripe_price_id="'price_once'")
    once = t.buy("duckling").json["sessionId"]
    t.standin.pay(once)
    r = claim(thief, once)
    s.ok(r.status == 200 and r.json["active"] and paid(person("buyer@example.com")) == "t|f", "what was paid once is claimed in the same way", r)
    plan(t, "duckling", interval="'month'", stripe_price_id="null")
    own = t.buy("mama-duck", headers=early).json["sessionId"]
    s.equal(plain(claim(thief, own)), unknown, "a checkout of somebody who is signed in: 404 before it is paid")
    t.standin.pay(own)
    s.equal((plain(claim(thief, own)), claim(early, own).status), (unknown, 200), "and after; for themselves it is theirs")
    t.sql(f"insert into tenantry.checkout_sessions (tenant_id, plan_key, idempotency_key, status, stripe_session_id, stripe_subscription_id) values "
          f"('{t.tenant['5ducks']}', 'pro', 'tenant-x', 'complete', 'cs_test_tenant', 'sub_tenant'), ('{t.tenant['5ducks']}', 'pro', 'gone', 'expired', 'cs_test_gone', null);"
          "insert into tenantry.subscriptions (tenant_id, payer, plan_key, status, paid_at, stripe_subscription_id, stripe_customer_id) "
          f"values ('{t.tenant['5ducks']}', 'tenant', 'pro', 'active', now(), 'sub_tenant', 'cus_tenant')")
    s.equal((plain(claim(thief, "cs_test_tenant")), t.outcome("cs_test_tenant").json["claimable"]), (unknown, False), "the tenant's own is no member's")
    r = claim(thief, "cs_test_gone")
    s.ok(r.status == 409 and "expired" in r.json["detail"], "what has expired stays so", r)
    t.sql("delete from tenantry.subscriptions where stripe_subscription_id in ('sub_tenant', 'sub_theirs'); delete from tenantry.checkout_sessions where stripe_session_id ~ 'tenant|gone|theirs'")
    ended = t.buy("mama-duck").json["sessionId"]
    t.standin.pay(ended)
    for status, code, words in (("closed", 403, "at the moment"), ("suspended", 403, "at the moment")):
        t.sql(f"update tenantry.tenants set status = '{status}' where slug = '5ducks'")
        said = t.house.sql(f"select set_config('app.current_tenant_id', '{t.tenant['5ducks']}', false); set role tenantry_webhook; "
                           f"select tenantry.checkout_claim('{ended}', '{person('early@example.com')}')", t.name, check=False)
        s.ok("PT403" in said and words in said, f"in a tenant that is {status} nothing is claimed", said)
    t.sql("update tenantry.tenants set status = 'active' where slug = '5ducks'")
    t.sql(f"update tenantry.subscriptions set status = 'canceled' where stripe_subscription_id = 'sub_{ended[8:]}'")
    r = claim(early, ended)
    s.ok(r.status == 409 and "has ended" in r.json["detail"], "what has ended is no membership", r)
    # A seat that there is not: known before anything is theirs.
    stranger = t.sql("insert into tenantry.users (email) values ('claims@example.com') returning id")
    late = t.buy("mama-duck").json["sessionId"]
    t.standin.pay(late)
    call = f"select set_config('app.current_tenant_id', '{t.tenant['5ducks']}', false); set role tenantry_webhook; select tenantry.checkout_claim('{late}', '%s')"
    seats = ("insert into tenantry.plans (tenant_id, key, name, price, for_tenant, limits) values ('{0}', 'tiny', 'T', 1, true, '{{\"seats\": 1}}');"
             "insert into tenantry.subscriptions (tenant_id, payer, plan_id, plan_key, status, paid_at, stripe_subscription_id, stripe_customer_id) "
             "select '{0}', 'tenant', id, key, 'active', now(), 'sub_seats', 'cus_seats' from tenantry.plans where key = 'tiny'").format(t.tenant["5ducks"])
    t.sql(seats)
    said = t.house.sql(call % stranger, t.name, check=False)
    s.ok("PT402" in said and row(late)["buyer_id"] is None, "who is no member yet needs a seat", said)
    t.sql("delete from tenantry.subscriptions where stripe_subscription_id = 'sub_seats'; delete from tenantry.plans where key = 'tiny'")
    said = t.house.sql(call % "00000000-0000-4000-8000-000000000000", t.name, check=False)
    s.ok("PT403" in said and row(late)["buyer_id"] is None, "an account that there is not claims nothing", said)
    said = t.house.sql(call % stranger, t.name, check=False)
    joined = t.sql(f"select role, join_source from tenantry.memberships where user_id = '{stranger}'")
    s.equal((joined, row(late)["user_id"]), ("member|paid", stranger), "with one they become a paying member")


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
        for part in (test_what_is_sold, test_config_only, test_settings, test_double_click, test_form, test_failures, test_outcome, test_customer, test_claim):
            part(s, t)
        test_away(s, house, t)
        test_names(s, house)
        test_analytics(s, house)
        test_canaries(s, house, t)
    finally:
        standin.close()

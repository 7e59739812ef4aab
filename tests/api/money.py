"""Stripe's events: whose they are, once, in any order, whatever breaks."""
import json, os, subprocess, sys, threading, time

from server import CLAW, DUCKS

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "stripe"))
import events  # noqa: E402
import killer  # noqa: E402
import orders  # noqa: E402
from events import DAY, Sale, signature, text  # noqa: E402

LONG = True

PATH = "/api/webhooks/stripe"
SECRET, OLD_SECRET, CLAW_SECRET = "whsec_canary_shared", "whsec_canary_before", "whsec_canary_claw"
KEYS = {"STRIPE_WEBHOOK_SECRET": f"{SECRET},{OLD_SECRET}", "STRIPE_SECRET_KEY": "sk_test_canary"}
RECEIVED = {"received": True}


class Desk:
    """An API on a database of its own, and Stripe's side of the line."""

    def __init__(self, house, name, *args, workspace=None, **env):
        self.house, self.name = house, name
        self.database = house.database(name)
        self.api = house.start(name, "--limit", "off", *args, workspace=workspace, **{**KEYS, **env})
        self.tenant = {slug: self.sql(f"select id from tenantry.tenants where slug = '{slug}'") for slug in ("5ducks", "sendclaw")}
        self.user = self.sql("select m.user_id from tenantry.memberships m join tenantry.users u on u.id = m.user_id "
                             f"where m.tenant_id = '{self.tenant['5ducks']}' and m.role = 'member' order by u.email limit 1")

    def sql(self, sql):
        return self.house.sql(sql, self.name)

    def meta(self, slug="5ducks", **more):
        return {"tenantId": self.tenant[slug], "userId": self.user, "planId": "duckling", **more}

    def send(self, event, host=DUCKS, secret=SECRET, header=None, connection=None, at=None):
        body = event if isinstance(event, bytes) else text(event)
        headers = {"Content-Type": "application/json; charset=utf-8", "Stripe-Signature": header or signature(body, secret, at)}
        if connection:
            return connection.ask("POST", PATH, host=host, headers=headers, body=body)
        return self.api.post(PATH, body, host=host, headers=headers)

    def rows(self, table="subscriptions", slug="5ducks"):
        return json.loads(self.sql(f"select coalesce(jsonb_agg(to_jsonb(x)), '[]') from tenantry.{table} x "
                                   f"where x.tenant_id = '{self.tenant[slug]}'"))

    def row(self, sale, slug="5ducks"):
        return next((r for r in self.rows(slug=slug) if r["stripe_subscription_id"] == sale.subscription), None)

    def counts(self):
        return self.sql("select (select count(*) from tenantry.subscriptions), (select count(*) from tenantry.webhook_events), "
                        "(select count(*) from tenantry.invoices), (select count(*) from tenantry.memberships)")


def test_signatures(s, house):
    binary = os.path.join(os.path.dirname(house.api_path), "unit", "test_api_stripe")
    folder, why = house.node("stripe")
    if not folder or not os.path.exists(binary):
        s.skip("signatures beside the package stripe", why or "the unit tests are not built")
        return
    code, said = house.run_node("stripe-signatures.mjs", "10000" if house.full else "1000")
    cases = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    if not s.ok(code == 0 and len(cases) >= 1000, "the package stripe judges headers", said[-500:]):
        return
    judged = subprocess.run([binary, "--judge"], input="\n".join(map(json.dumps, cases)) + "\n", capture_output=True, text=True).stdout.split()
    different = [c for c, mine in zip(cases, judged) if (mine == "1") != c["good"]]
    s.ok(len(judged) == len(cases) and not different, f"{len(cases)} mutated headers are judged as the package judges them",
         "\n".join(json.dumps(c)[:400] for c in different[:5]))
    good = sum(c["good"] for c in cases)
    s.ok(len(cases) / 20 < good < len(cases) * 19 / 20, "some are good and some are bad", good)
    print(f"signatures: {len(cases)} judged, {good} good, {len(different)} judged differently")


def test_door(s, d):
    sale = Sale(d.meta(), "door")
    body = text(sale.created())
    before = d.counts()
    bad = {
        "no signature": {}, "another secret": {"header": signature(body, "whsec_wrong")},
        "another tenant's secret": {"header": signature(body, CLAW_SECRET)},
        "an old signature": {"at": int(time.time()) - 310}, "a scheme of tests": {"header": signature(body, SECRET, scheme="v0")},
        "rubbish": {"header": "t=,v1=,,=="}, "another body": {"header": signature(body + b" ", SECRET)},
    }
    for what, how in bad.items():
        if what == "no signature":
            r = d.api.post(PATH, body, headers={"Content-Type": "application/json"})
        else:
            r = d.send(body, **how)
        s.ok(r.status == 400 and r.json == {"error": "Invalid signature"}, f"{what}: 400", r)
    for what, raw in {"no JSON": b"{", "a list": b"[]", "an escaped NUL": b'{"id":"e","type":"x","created":1,"a":"\\u0000"}',
                      "no id": b'{"type":"customer.subscription.created","created":1}', "no time": b'{"id":"evt_x","type":"invoice.paid"}'}.items():
        r = d.send(raw)
        s.ok(r.status == 400 and "error" in r.json, f"{what}: 400", r)
    for what, e in {"an unknown type": events.event("evt_new", "billing.alert.triggered", 1780000000, {"id": "x"}),
                    "an invoice of no subscription": sale.event("invoice.paid", 1, {"id": "in_x", "metadata": {}})}.items():
        r = d.send(e)
        s.ok(r.status == 200 and r.json == RECEIVED, f"{what}: 200", r)
    s.equal(d.counts(), before, "none of it has an effect")
    s.equal(d.send(body, at=int(time.time()) - 290).json, RECEIVED, "a signature may be some minutes old")
    s.equal(d.send(sale.updated(), secret=OLD_SECRET).json, RECEIVED, "the secret from before the rotation is taken")
    s.equal(d.send(text(sale.paid()), header=f"t=1,v1=00,{signature(text(sale.paid()), SECRET)},v1=11").json, RECEIVED,
            "one good signature of several is enough")
    s.equal((d.row(sale) or {}).get("status"), "active", "and they have their effect")
    r = d.send(sale.event("customer.subscription.updated", 9, {**sale.subscription_object("dormant")}))
    s.ok(r.status == 500 and "error" in r.json, "a status nobody knows is not taken for done", r)
    s.equal(d.api.get(PATH).status, 405, "it takes POST only")


def test_walls(s, d):
    """What belongs to somebody else looks like what nobody knows, and does nothing."""
    theirs = Sale(d.meta("sendclaw"), "theirs")
    d.send(Sale(d.meta("sendclaw"), "claw").created(), host=CLAW, secret=CLAW_SECRET)
    s.equal(len(d.rows(slug="sendclaw")), 1, "a tenant's own secret opens its door")
    s.equal(d.send(Sale(d.meta("sendclaw"), "claw2").created(), host=CLAW).status, 400, "and the shared one no longer does")
    before = d.counts()
    bare = Sale({}, "claw", customer="cus_claw")
    nobody = Sale({"tenantId": "nobody"}, "nobody")
    unknown = Sale({}, "unknown")
    kinds = ("completed", "created", "updated", "deleted", "paid", "failed")
    answers = set()
    for sale in (theirs, bare, nobody, unknown):
        for kind in kinds:
            r = d.send(getattr(sale, kind)())
            answers.add((r.status, r.body, tuple(sorted(k.lower() for k, _ in r.all))))
    s.equal(len(answers), 1, "events of another tenant, of nobody, and unknown ones get one answer")
    s.equal(d.counts(), before, "and have no effect")
    known = Sale(d.meta(), "bound")
    d.send(known.created())
    d.send(Sale(d.meta("sendclaw"), "bound").updated(), secret=SECRET)
    s.equal(d.row(known)["status"], "incomplete", "metadata of another tenant outweighs a known subscription")
    d.send(Sale({}, "bound").updated(3))
    s.equal(d.row(known)["status"], "active", "without metadata a known subscription is enough")
    r = d.send(known.created(), host="nobody.example")
    s.equal(r.status, 421, "an unknown host is refused")


def test_people(s, d):
    stranger = d.sql("insert into tenantry.users (email) values ('stranger@example.com') returning id")
    members = len(d.rows("memberships"))
    sale = Sale(d.meta(userId=stranger), "stranger")
    for e in (sale.created(), sale.updated(), sale.paid(), sale.completed()):
        d.send(e)
    row = d.row(sale)
    s.equal((row["status"], row["payer"], row["user_id"], row["email"]), ("active", "guest", None, "buyer@example.com"),
            "metadata alone makes no member of a stranger")
    s.equal(len(d.rows("memberships")), members, "and lets nobody in")
    checkout = d.sql("insert into tenantry.checkout_sessions (tenant_id, buyer_id, plan_key, idempotency_key, stripe_session_id) values "
                     f"('{d.tenant['5ducks']}', '{stranger}', 'duckling', 'k1', 'cs_test_buyer') returning id")
    sale = Sale(d.meta(userId=stranger, checkoutId=checkout), "buyer")
    d.send(sale.created())
    s.equal((d.row(sale)["payer"], d.row(sale)["user_id"]), ("member", None), "who began a checkout is not let in before it is paid")
    d.send(sale.updated())
    s.equal(d.row(sale)["user_id"], stranger, "and is when it is")
    new = [m for m in d.rows("memberships") if m["user_id"] == stranger]
    s.ok(len(new) == 1 and new[0]["join_source"] == "paid" and new[0]["role"] == "member", "as a paying member", new)
    d.send(sale.completed())
    done = [c for c in d.rows("checkout_sessions") if c["id"] == checkout][0]
    s.equal((done["status"], done["payment_status"], done["stripe_subscription_id"]), ("complete", "paid", sale.subscription),
            "the checkout is complete")
    d.sql(f"delete from tenantry.memberships where user_id = '{stranger}' and tenant_id = '{d.tenant['5ducks']}'")
    d.send(sale.paid(30 * DAY, "in_later"))
    s.equal(len(d.rows("memberships")), members, "who was sent away does not come back with the next invoice")
    d.sql(f"delete from tenantry.users where id = '{stranger}'")
    r = d.send(sale.paid(60 * DAY, "in_last"))
    s.equal(r.status, 200, "an account that is gone stops no event")


def test_plans(s, d):
    d.sql(f"update tenantry.plans set stripe_price_id = 'price_row' where key = 'mama-duck' and tenant_id = '{d.tenant['5ducks']}'")
    rows = {}
    for name, price in (("row", "price_row"), ("env", "price_env"), ("own", "price_own"), ("meta", "price_unheard")):
        sale = Sale(d.meta(planId="flock"), f"plan-{name}", price=price)
        d.send(sale.created())
        d.send(sale.completed())
        rows[name] = d.row(sale)["plan_key"]
    s.equal(rows, {"row": "mama-duck", "env": "ugly-duckling", "own": "duckling", "meta": "flock"},
            "a plan is known by its price: of the row, of the environment; else by what was bought")
    sale = Sale(d.meta(planId="flock"), "plan-change", price="price_row")
    d.send(sale.created())
    sale.price = "price_env"
    d.send(sale.updated())
    s.equal(d.row(sale)["plan_key"], "ugly-duckling", "another price is another plan")
    sale = Sale(d.meta(), "once")
    d.send(sale.event("checkout.session.completed", 1, sale.session_object(mode="payment", subscription=None, payment_status="unpaid")))
    sale.subscription = sale.session
    s.equal(d.row(sale)["status"], "incomplete", "a single payment on its way gives nothing yet")
    d.send(sale.event("checkout.session.async_payment_succeeded", 2, sale.session_object(mode="payment", subscription=None)))
    d.send(sale.event("checkout.session.completed", 1, sale.session_object(mode="payment", subscription=None, payment_status="unpaid"), "evt_again"))
    s.equal(d.row(sale)["status"], "active", "and when it has come, it does")


def test_refunds(s, d):
    """Money that goes back is not the end of a subscription: that has an event of its own."""
    sale = Sale(d.meta(), "refund")
    for e in (sale.created(), sale.updated(), sale.paid(), sale.completed()):
        d.send(e)
    before, row = d.counts(), d.row(sale)
    charge = {"id": "ch_refund", "object": "charge", "customer": sale.customer, "invoice": sale.invoice, "amount": 1900, "amount_refunded": 1900,
              "refunded": True, "metadata": sale.metadata, "payment_intent": "pi_refund", "status": "succeeded"}
    refund = {"id": "re_refund", "object": "refund", "charge": "ch_refund", "amount": 1900, "status": "succeeded", "metadata": sale.metadata}
    for n, (kind, o) in enumerate((("charge.refunded", charge), ("charge.refund.updated", refund), ("refund.created", refund), ("refund.updated", refund),
                                   ("refund.failed", refund), ("charge.dispute.created", {**refund, "object": "dispute"}))):
        r = d.send(sale.event(kind, 10 + n, o))
        s.ok(r.status == 200 and r.json == RECEIVED, f"{kind}: 200", r)
    s.equal((d.counts(), d.row(sale)), (before, row), "and nothing is changed by them")
    d.send(sale.deleted(20))
    s.equal(d.row(sale)["status"], "canceled", "what ends it is its own end")


def test_grace(s, d):
    def counts(sale):
        return d.sql(f"select tenantry.subscription_counts(status, grace_until) from tenantry.subscriptions "
                     f"where stripe_subscription_id = '{sale.subscription}'")
    now = int(time.time())
    late, gone = Sale(d.meta(), "late", began=now - 30 * DAY), Sale(d.meta(), "gone", began=now - 60 * DAY)
    for sale in (late, gone):
        for e in (sale.created(), sale.updated(), sale.paid(), sale.failed(id="in_" + sale.name), sale.updated(30 * DAY + 1, "past_due")):
            d.send(e)
    s.equal((d.row(late)["status"], counts(late)), ("past_due", "t"), "a payment that failed does not end access at once")
    s.equal((d.row(gone)["status"], counts(gone)), ("past_due", "f"), "but after the grace")
    d.send(late.paid(30 * DAY + 60, "in_late"))
    d.send(late.updated(30 * DAY + 61, "active"))
    s.equal((d.row(late)["grace_until"], counts(late)), (None, "t"), "paying ends the grace")
    d.sql(f"update tenantry.tenants set settings = '{{\"graceDays\": 40}}' where slug = '5ducks'")
    d.send(gone.failed(31 * DAY, "in_gone"))
    s.equal(counts(gone), "t", "a tenant may give more")
    for days in ('"x"', "-5", "null", "1e9", "[]"):
        d.sql(f"update tenantry.tenants set settings = '{{\"graceDays\": {days}}}' where slug = '5ducks'")
        r = d.send(gone.event("invoice.payment_failed", 31 * DAY, gone.invoice_object("in_gone"), f"evt_days_{days}"))
        s.equal(r.status, 200, f"graceDays {days} stops no event")
    d.sql("update tenantry.tenants set settings = '{}' where slug = '5ducks'")
    d.send(gone.event("invoice.voided", 35 * DAY, gone.invoice_object("in_gone")))
    s.equal(d.sql(f"select count(*) from tenantry.invoices where stripe_invoice_id = 'in_gone' and settled_at is null"), "0",
            "what is no longer owed is settled")
    for status in ("trialing", "unpaid", "paused", "incomplete_expired"):
        sale = Sale(d.meta(), status, began=now)
        d.send(sale.created(status=status))
        s.equal((d.row(sale)["status"], counts(sale)), (status, "t" if status in ("trialing", "unpaid") else "f"), f"status {status}")


def test_orders(s, d, full):
    tenant, states = d.tenant["5ducks"], {}
    for shape in ("acacia", "basil"):
        sale = Sale(d.meta(), "order", shape=shape)
        for name, (list_, want) in list(orders.lives(sale).items())[:None if full else 2]:
            found = orders.ends(d.sql, tenant, list_)
            s.ok(len(found) == 1 and found[0][1] == 120, f"{shape}: {name}: 120 orders end in one state", json.dumps(found)[:3000])
            row = [r for r in found[0][0]["subscriptions"] if r["stripe_subscription_id"] == sale.subscription][0]
            want = {k: d.sql(f"select to_json(to_timestamp({v}))#>>'{{}}'") if k == "grace_until" and v else v for k, v in want.items()}
            s.equal({k: row[k] for k in want}, want, f"{shape}: {name}: in the right one")
            states.setdefault(name, []).append(found[0][0])
    s.ok(all(a == b for a, b in states.values()), "acacia and basil give the same rows")
    # A sample of them over HTTP.
    ends = []
    for n, order in enumerate(((0, 1, 2, 3, 4), (4, 3, 2, 1, 0), (2, 4, 0, 3, 1), (3, 0, 4, 1, 2))):
        sale = Sale(d.meta(), f"wire{n}", shape=("acacia", "basil")[n % 2])
        list_ = orders.lives(sale)["a renewal that fails"][0]
        for i in order + order[::2]:
            s.equal(d.send(list_[i]).status, 200, f"order {n}, event {i}")
        row = d.row(sale)
        ends.append({k: row[k] for k in row if not k.startswith("stripe") and not k.endswith(("_order", "ed_at")) and k != "id"})
    s.ok(all(e == ends[0] for e in ends), "over HTTP, too", ends)


def test_crowd(s, d, full):
    """50 senders, 500 events (a tenth without --full), each sent by all of them."""
    count = 500 if full else 50
    sales = [Sale(d.meta(), f"crowd{n}") for n in range(count)]
    bodies = [text((sale.created, sale.updated, sale.paid, sale.completed)[n % 4]()) for n, sale in enumerate(sales)]
    seen, lock = {}, threading.Lock()

    def sender(n):
        mine = {}
        with d.api.connect(60) as c:
            for i in range(count):
                body = bodies[(i + n * 7) % count]
                for _ in range(20):  # as Stripe does when it is told 503
                    status = d.send(body, connection=c).status
                    mine[status] = mine.get(status, 0) + 1
                    if status == 200:
                        break
                    time.sleep(0.05)
        with lock:
            for k, v in mine.items():
                seen[k] = seen.get(k, 0) + v
    began = time.monotonic()
    # An effect is a transaction that touches a subscription.
    d.sql("create table public.effects (subscription text, transaction xid8); grant insert on public.effects to tenantry_webhook;"
          "create function public.effect() returns trigger language plpgsql as "
          "'begin insert into public.effects values (new.stripe_subscription_id, pg_current_xact_id()); return new; end';"
          "create trigger effect after insert or update on tenantry.subscriptions for each row execute function public.effect()")
    threads = [threading.Thread(target=sender, args=(n,)) for n in range(50)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    took = time.monotonic() - began
    s.equal(seen.get(200), 50 * count, "every sender is told 200 in the end")
    s.equal(d.sql("select count(distinct subscription), count(distinct transaction) from public.effects"), f"{count}|{count}", f"50 senders, {count} events: {count} effects")
    s.equal(d.sql("select count(*) from tenantry.subscriptions where stripe_subscription_id like 'sub\\_crowd%'"), str(count), "and as many subscriptions")
    d.sql("drop trigger effect on tenantry.subscriptions; drop table public.effects")
    print(f"crowd: 50 senders x {count} events, {sum(seen.values())} requests in {took:.1f} s, answers {seen}")


def test_away(s, d):
    """200 only after COMMIT: a database that refuses or is gone is answered so that Stripe says it again."""
    sale = Sale(d.meta(), "away")
    d.sql("create function public.full() returns trigger language plpgsql as $$begin raise exception using errcode = '53100'; end$$;"
          "create constraint trigger full_up after insert on tenantry.webhook_events deferrable initially deferred "
          "for each row execute function public.full()")
    r = d.send(sale.created())
    s.ok(r.status in (500, 503) and "error" in r.json, "what fails at COMMIT is not taken", r)
    s.equal(d.row(sale), None, "and has no effect")
    d.sql("drop trigger full_up on tenantry.webhook_events; drop function public.full()")
    s.equal(d.send(sale.created()).status, 200, "said again it is taken")
    s.ok(d.row(sale), "with its effect")
    d.sql(f"revoke connect on database {d.name} from public, tenantry_api; "
          "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'tenantry_api' and datname = current_database()")
    r = d.send(sale.updated())
    s.ok(r.status == 503 and r["retry-after"], "a database that is gone: 503", r)
    d.sql(f"grant connect on database {d.name} to tenantry_api")
    r = None
    for _ in range(60):
        r = d.send(sale.updated())
        if r.status == 200:
            break
        time.sleep(0.1)
    s.equal((r.status, d.row(sale)["status"]), (200, "active"), "and when it is back, it is taken")


def workers(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as f:
        return [int(p) for p in f.read().split()]


def send_once(d, connection, event):
    """The status, or None: the other side is gone."""
    try:
        r = d.send(event, connection=connection)
        return r and r.status
    except OSError:
        return None


def warm(d):
    """A connection to the one worker, whose own to the database is up, with every statement prepared."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        try:
            c = d.api.connect(20)
            if c.ask("GET", "/readyz").status == 200 and send_once(d, c, Sale(d.meta(), "warm").created()) == 200:
                return c
            c.close()
        except (OSError, AttributeError):
            pass
        time.sleep(0.02)
    states = [[l for l in open(f"/proc/{w}/status") if l.startswith(("State", "TracerPid"))] for w in workers(d.api.p.pid)]
    raise AssertionError(f"no worker comes back: {states} {d.api.errors()[-500:]}")


def test_kills(s, house, d):
    """The worker is killed at every system call from reading an event to answering it."""
    d.api.stop()
    d.api = house.start(d.name, "--limit", "off", "--workers", "1", **KEYS)
    c = warm(d)
    try:
        watch = killer.Killer(workers(d.api.p.pid)[0])
    except (OSError, IndexError) as e:
        s.skip("kills at every system call", f"the worker cannot be traced: {e}")
        return
    s.equal(send_once(d, c, Sale(d.meta(), "count").created()), 200, "a watched worker answers")
    stops, done = watch.end(), {"told 200": 0, "taken, not told": 0, "not taken": 0}
    c.close()
    lost, doubled = [], []
    for at in range(1, stops + 1):
        # A new server each time: one whose worker dies again and again waits longer and longer for the next.
        d.api.stop()
        d.api = house.start(d.name, "--limit", "off", "--workers", "1", **KEYS)
        c, sale = warm(d), Sale(d.meta(), f"kill{at}")
        watch = killer.Killer(workers(d.api.p.pid)[0], at)
        status = send_once(d, c, sale.created())
        watch.end()
        c.close()
        time.sleep(0.05)  # the server may still be at the commit that nobody waits for
        there = d.row(sale) is not None
        done["told 200" if status == 200 else "taken, not told" if there else "not taken"] += 1
        if status == 200 and not there:
            lost.append(at)
        c = warm(d)
        again = send_once(d, c, sale.created())
        c.close()
        records = d.sql(f"select count(*) from tenantry.webhook_events where event_id like 'evt\\_kill{at}\\_%'")
        if again != 200 or not d.row(sale):
            lost.append(at)
        if records != "1":
            doubled.append(at)
    s.ok(stops > 10 and not lost, f"{stops} stops at system calls: a worker killed there loses no event", lost)
    s.ok(not doubled, "and doubles none", doubled)
    s.ok(done["not taken"] and done["taken, not told"], "they were killed before and after the commit", done)
    print(f"kills: {sum(done.values())} of {stops} stops, {done}")


def test_canaries(s, d):
    said = d.api.errors()
    for word in ("canary", "whsec", "sk_test"):
        s.ok(word not in said, f"no secret in the log ({word})", said[-500:])


def test(s, house):
    test_signatures(s, house)
    d = Desk(house, "money", STRIPE_WEBHOOK_SECRET_SENDCLAW=CLAW_SECRET, STRIPE_UGLY_DUCKLING_PRICE_ID="price_env",
             STRIPE_5DUCKS_DUCKLING_PRICE_ID="price_own")
    for part in (test_door, test_walls, test_people, test_plans, test_refunds, test_grace):
        part(s, d)
    test_orders(s, d, house.full)
    test_crowd(s, d, house.full)
    test_away(s, d)
    test_canaries(s, d)
    test_kills(s, house, d)

#!/usr/bin/env python3
"""standin.py [--secret WHSEC] [--api HOST:PORT] [--price ID[:once]]...: a stand-in for Stripe on loopback.

It refuses parameters that Stripe does not document, keeps idempotency keys as Stripe says it does (a result is
repeated for 24 hours, errors after the work began included; other parameters are an error; a key in use is 409),
plays the hosted checkout page, and sends signed events.  What it cannot show: cards and banks themselves, the
moments at which the real one sends, and parameters that the real one takes but Tenantry does not send."""
import argparse, contextlib, html, http.client, json, queue, re, socket, sys, threading, time, urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from events import Sale, event, signature, text
from parameters import CUSTOMER, PORTAL, SUBSCRIPTION, Refused, check_session, fields, read_form

DAY = 86400
VERSION = r"20\d\d-\d\d-\d\d(\.[a-z]+)?"


class Kept:
    """The result under one idempotency key."""

    def __init__(self, request):
        self.request, self.result, self.at = request, None, time.time()


class Standin:
    def __init__(self, key="sk_test_canary", secret="whsec_canary_shared", api=None, prices=(), shape="basil"):
        self.key, self.secret, self.api, self.shape = key, secret, api, shape
        self.prices = {p.split(":")[0]: "one_time" if p.endswith(":once") else "recurring" for p in prices}
        self.coupons = {"coupon_spring"}
        self.live = False  # the key is for tests, and what it asks for is there in live mode
        self.customers, self.sessions, self.subscriptions, self.kept = {}, {}, {}, {}
        self.seen, self.orders, self.events, self.lock, self.serial = [], queue.Queue(), [], threading.RLock(), 0
        handler = type("Bound", (Handler,), {"standin": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # a client that was killed
        self.port = self.server.server_address[1]
        self.base = f"http://127.0.0.1:{self.port}"
        self.pages = self.base  # where a browser finds the payment page
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def order(self, *what):
        """How the next calls go, one each: "slow SECONDS", "cut before", "cut after", or a status such as "402"; "ok"."""
        for w in what:
            self.orders.put(w)

    def forget_orders(self):
        with contextlib.suppress(queue.Empty):
            while True:
                self.orders.get_nowait()

    def new_id(self, prefix):
        with self.lock:
            self.serial += 1
            return f"{prefix}_{'test_' if prefix == 'cs' else ''}{self.port}{self.serial:06d}"

    def made(self, what):
        return [s for s in self.seen if s["path"] == what and s["status"] == 200 and not s["replayed"]]

    # ---- the calls ----

    def find(self, table, id, what, status=400):
        if id not in table:
            raise Refused(f"No such {what}: '{id}'", status, code="resource_missing", param=what)
        return table[id]

    def create_customer(self, p):
        fields(CUSTOMER)(p, "")
        id = self.new_id("cus")
        self.customers[id] = {"id": id, "object": "customer", "email": p.get("email"), "name": p.get("name"),
                              "metadata": p.get("metadata", {}), "livemode": False}
        return self.customers[id]

    def create_session(self, p):
        check_session(p)
        if "customer" in p and p["customer"] not in self.customers:
            # Whether Stripe keeps this under the key is not documented; who survives that survives the other, too.
            other = "; a similar object exists in live mode, but a test mode key was used to make this request." if self.live else ""
            raise Refused(f"No such customer: '{p['customer']}'{other}", code="resource_missing", param="customer", saved=True)
        for n, item in p.get("line_items", {}).items():
            kind = self.find(self.prices, item["price"], "price")
            if (kind == "recurring") != (p["mode"] == "subscription"):
                raise Refused(f"You specified `{p['mode']}` mode but passed a {kind} price.", param=f"line_items[{n}]")
        for d in p.get("discounts", {}).values():
            if d.get("coupon") not in self.coupons:
                raise Refused(f"No such coupon: '{d.get('coupon')}'", code="resource_missing", param="discounts")
        id = self.new_id("cs")
        self.sessions[id] = {
            "id": id, "object": "checkout.session", "mode": p["mode"], "status": "open", "payment_status": "unpaid",
            "url": f"{self.pages}/c/pay/{id}", "success_url": p["success_url"], "cancel_url": p.get("cancel_url"),
            "customer": p.get("customer"), "customer_email": p.get("customer_email"), "customer_details": None,
            "client_reference_id": p.get("client_reference_id"), "metadata": p.get("metadata", {}), "subscription": None,
            "payment_method_types": list(p.get("payment_method_types", {"0": "card"}).values()), "livemode": False}
        self.sessions[id]["_asked"] = p
        return self.public(id)

    def public(self, id):
        return {k: v for k, v in self.sessions[id].items() if not k.startswith("_")}

    def create_portal(self, p):
        fields(PORTAL, ("customer",))(p, "")
        self.find(self.customers, p["customer"], "customer")
        id = self.new_id("bps")
        return {"id": id, "object": "billing_portal.session", "customer": p["customer"], "url": f"{self.base}/p/{id}",
                "return_url": p.get("return_url")}

    def update_subscription(self, id, p):
        fields(SUBSCRIPTION)(p, "")
        s = self.find(self.subscriptions, id, "subscription", 404)
        if "cancel_at_period_end" in p:
            s["cancel_at_period_end"] = p["cancel_at_period_end"] == "true"
        for n, change in p.get("items", {}).items():
            item = next((i for i in s["items"]["data"] if i["id"] == change.get("id")), None)
            if not item:
                raise Refused(f"No such subscription item: '{change.get('id')}'", code="resource_missing", param=f"items[{n}][id]")
            if self.find(self.prices, change.get("price"), "price") != "recurring":
                raise Refused("The price specified is set to `type=one_time`.", param=f"items[{n}][price]")
            item["price"] = {**item["price"], "id": change["price"]}
        s["metadata"] = {**s["metadata"], **p.get("metadata", {})}
        return s

    def call(self, method, path, p):
        parts = path.strip("/").split("/")[1:]
        if (method, parts) == ("POST", ["customers"]):
            return self.create_customer(p)
        if (method, parts) == ("POST", ["checkout", "sessions"]):
            return self.create_session(p)
        if (method, parts) == ("POST", ["billing_portal", "sessions"]):
            return self.create_portal(p)
        if method == "GET" and parts[:2] == ["checkout", "sessions"] and len(parts) == 3:
            self.find(self.sessions, parts[2], "checkout.session", 404)
            return self.public(parts[2])
        if parts[:1] == ["subscriptions"] and len(parts) == 2:
            return self.update_subscription(parts[1], p) if method == "POST" else self.find(self.subscriptions, parts[1], "subscription", 404)
        if method == "GET" and parts[:1] == ["prices"] and len(parts) == 2:
            return {"id": parts[1], "object": "price", "type": self.find(self.prices, parts[1], "price", 404), "active": True}
        raise Refused(f"Unrecognized request URL ({method}: {path}).", 404)

    # ---- what happens at Stripe ----

    def pay(self, id, email="buyer@example.com", order=None, twice=False, tries=5):
        """Somebody pays on the hosted page: the session is complete, and the events go out in this order."""
        s = self.sessions[id]
        if s["status"] != "open":
            return s
        customer = s["customer"] or self.new_id("cus")
        asked = s["_asked"]
        sale = Sale(s["metadata"], id[8:], self.shape, int(time.time()) - 1, customer=customer, checkout=id,
                    price=asked["line_items"]["0"]["price"])
        self.customers.setdefault(customer, {"id": customer, "object": "customer", "metadata": {}})
        s.update(status="complete", payment_status="paid", customer=customer, customer_details={"email": email},
                 subscription=sale.subscription if s["mode"] == "subscription" else None)
        sale.metadata = asked.get("subscription_data", {}).get("metadata", {})
        self.subscriptions[sale.subscription] = sale.subscription_object("active")
        events = [sale.created(), sale.updated(), sale.paid()] if s["mode"] == "subscription" else []
        events.append(sale.event("checkout.session.completed", 2, self.public(id)))
        for n in order or range(len(events)):
            for _ in range(2 if twice else 1):
                self.send(events[n], urllib.parse.urlsplit(s["success_url"]).netloc, tries)
        return s

    def delete_customer(self, id, host=None):
        """Somebody deletes a customer in Stripe's dashboard; without a host no event of it comes."""
        gone = self.customers.pop(id)
        ended = [s for s in self.subscriptions.values() if s["customer"] == id and s["status"] != "canceled"]
        for s in ended:
            s["status"] = "canceled"
        now = int(time.time())
        for kind, object in [("customer.subscription.deleted", s) for s in ended] + [("customer.deleted", gone)]:
            if host:
                self.send(event(self.new_id("evt"), kind, now, object, self.shape), host)

    def send(self, event, host, tries=5):
        """Delivers one event to the tenant's endpoint, again until it is taken."""
        body = text(event)
        for n in range(tries):
            with contextlib.suppress(OSError):
                c = http.client.HTTPConnection(*self.api, timeout=20)
                c.request("POST", "/api/webhooks/stripe", body, {"Host": host, "Content-Type": "application/json; charset=utf-8",
                                                                "Stripe-Signature": signature(body, self.secret)})
                status = c.getresponse().status
                c.close()
                self.events.append((event["id"], status))
                if status == 200:
                    return
            time.sleep(0.2 * (n + 1))


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    standin = None

    def log_message(self, *_):
        pass

    def answer(self, status, body, type="application/json", **headers):
        data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_response(status)
        for k, v in {"Content-Type": type, "Content-Length": str(len(data)), "Request-Id": "req_standin", **headers}.items():
            self.send_header(k.replace("_", "-"), v)
        self.end_headers()
        self.wfile.write(data)

    def cut(self):
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def do_GET(self):
        self.serve("GET")

    def do_POST(self):
        self.serve("POST")

    def serve(self, method):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode("utf-8")
        path, _, query = self.path.partition("?")
        if path.startswith("/v1/"):
            self.api(method, path, body if method == "POST" else query)
        elif m := re.fullmatch(r"/c/pay/(\w+)(/pay)?", path):
            self.page(m[1], method == "POST" and m[2])
        elif path == "/favicon.ico":
            self.answer(200, "", "image/x-icon")
        elif path == "/_order":
            self.standin.order(*query.split(","))
            self.answer(200, {})
        elif path == "/_count":
            self.answer(200, {"sessions": len(self.standin.sessions), "events": self.standin.events})
        else:
            self.answer(404, "there is no such page", "text/plain")

    def page(self, id, paid):
        s = self.standin.sessions.get(id)
        if not s:
            return self.answer(404, "there is no such checkout", "text/plain")
        if paid:
            self.standin.pay(id)
            return self.answer(303, "", Location=s["success_url"].replace("{CHECKOUT_SESSION_ID}", id))
        back = html.escape(s["cancel_url"] or "", True)
        self.answer(200, f"<!doctype html><html lang=en><title>Checkout</title><h1>Pay</h1><p>{html.escape(s['metadata'].get('planId', ''))}"
                    f"<form method=post action=/c/pay/{id}/pay><button>Pay</button></form><p><a href=\"{back}\">Back</a>", "text/html")

    def api(self, method, path, form):
        st = self.standin
        fault = "ok"
        with contextlib.suppress(queue.Empty):
            fault = st.orders.get_nowait()
        if fault.startswith("slow"):
            time.sleep(float(fault.split()[1]))
        if fault == "cut before":
            st.seen.append({"path": path, "status": 0, "replayed": False, "form": form})
            return self.cut()
        status, result, replayed = self.judge(method, path, form, fault)
        st.seen.append({"path": path, "status": status, "replayed": replayed, "form": form, "error": result.get("error"),
                        "key": self.headers.get("Idempotency-Key")})
        if fault == "cut after":
            return self.cut()
        more = {"Idempotent-Replayed": "true"} if replayed else {}
        if status in (409, 429):
            more["Stripe-Should-Retry"] = "true"
        with contextlib.suppress(OSError):
            self.answer(status, result, **more)

    def judge(self, method, path, form, fault):
        """(status, answer, whether it is repeated)"""
        st, h = self.standin, self.headers
        key = h.get("Idempotency-Key")
        kept = None
        try:
            if h.get("Authorization") != f"Bearer {st.key}":
                raise Refused("Invalid API Key provided: sk_test_***", 401)
            if not re.fullmatch(VERSION, h.get("Stripe-Version") or ""):
                raise Refused(f"Invalid Stripe API version: {h.get('Stripe-Version')}")
            if method == "POST" and not (h.get("Content-Type") or "").startswith("application/x-www-form-urlencoded"):
                raise Refused("The request's content type must be application/x-www-form-urlencoded")
            if fault == "429":
                raise Refused("Too many requests", 429, code="rate_limit")
            if key is not None and (len(key) > 255 or not key):
                raise Refused("Idempotency keys must be 1 to 255 characters long")
            with st.lock:
                kept = st.kept.get(key) if key else None
                if kept and time.time() - kept.at > DAY:
                    kept = None
                if kept and kept.request != (method, path, form):
                    raise Refused("Keys for idempotent requests can only be used with the same parameters they were first used with.",
                                  type="idempotency_error")
                if kept and kept.result is None or fault == "409":
                    raise Refused("There is currently another in-progress request using this Idempotent Key.", 409,
                                  type="idempotency_error", code="idempotency_key_in_use")
                if kept:
                    return (*kept.result, True)
                kept = Kept((method, path, form))
                if key and method == "POST":
                    st.kept[key] = kept
            if fault == "503":
                raise Refused("Service unavailable", 503, type="api_error")
            if fault in ("402", "500"):
                raise Refused("Your card was declined." if fault == "402" else "An unknown error occurred", int(fault),
                              "card_error" if fault == "402" else "api_error", "card_declined" if fault == "402" else None, saved=True)
            with st.lock:
                result = 200, st.call(method, path, read_form(form))
            kept.result = result
            return (*result, False)
        except Refused as e:
            result = e.status, {"error": e.error}
            if kept and kept.result is None and st.kept.get(key) is kept:
                if e.saved:
                    kept.result = result
                else:
                    del st.kept[key]
            return (*result, False)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--key", default="sk_test_canary")
    ap.add_argument("--secret", default="whsec_canary_shared")
    ap.add_argument("--api", default="127.0.0.1:0", help="where events go")
    ap.add_argument("--price", action="append", default=[])
    a = ap.parse_args()
    host, port = a.api.split(":")
    st = Standin(a.key, a.secret, (host, int(port)), a.price)
    print(st.port, flush=True)
    for line in sys.stdin:  # "api HOST:PORT" once it is known; ends with its standard input
        if line.startswith("api "):
            host, port = line.split()[1].split(":")
            st.api = host, int(port)


if __name__ == "__main__":
    main()

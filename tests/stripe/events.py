"""Events as Stripe sends them: before (acacia) and since (basil) 2025-03-31, and their signatures."""
import hashlib, hmac, json, time

DAY = 86400
VERSIONS = {"acacia": "2024-12-18.acacia", "basil": "2025-03-31.basil"}


def signature(body, secret, at=None, scheme="v1"):
    """A Stripe-Signature header for these bytes."""
    at = int(time.time()) if at is None else at
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},{scheme}={digest}"


def event(id, kind, at, object, shape="basil"):
    return {"id": id, "object": "event", "api_version": VERSIONS[shape], "created": at, "livemode": False,
            "pending_webhooks": 1, "request": {"id": None, "idempotency_key": None}, "type": kind, "data": {"object": object}}


class Sale:
    """One subscription's life: the objects and events that belong together."""

    def __init__(self, metadata, name="1", shape="basil", began=1780000000, price="price_basic", customer=None, checkout=None):
        self.metadata, self.shape, self.began, self.price = metadata, shape, began, price
        self.name, self.subscription, self.invoice = name, f"sub_{name}", f"in_{name}"
        self.customer, self.session = customer or f"cus_{name}", checkout or f"cs_test_{name}"

    def event(self, kind, after, object, id=None):
        id = id or f"evt_{self.name}_{kind}_{after}"
        return event(id, kind, self.began + after, object, self.shape)

    def subscription_object(self, status, **changes):
        period = {"current_period_start": self.began, "current_period_end": self.began + 30 * DAY}
        item = {"id": f"si_{self.name}", "object": "subscription_item", "quantity": 1, "subscription": self.subscription,
                "price": {"id": self.price, "object": "price", "currency": "usd", "type": "recurring", "unit_amount": 1900}}
        o = {"id": self.subscription, "object": "subscription", "customer": self.customer, "status": status,
             "cancel_at": None, "cancel_at_period_end": False, "canceled_at": None, "trial_end": None,
             "metadata": self.metadata, "items": {"object": "list", "data": [item]}}
        for key in list(changes):
            if key in period:
                period[key] = changes.pop(key)
        (item if self.shape == "basil" else o).update(period)
        return {**o, **changes}

    def invoice_object(self, id=None, **changes):
        details = {"metadata": self.metadata}
        o = {"id": id or self.invoice, "object": "invoice", "customer": self.customer, "currency": "usd", "metadata": {},
             "attempt_count": 1, "billing_reason": "subscription_cycle"}
        if self.shape == "basil":
            o["parent"] = {"type": "subscription_details", "quote_details": None,
                           "subscription_details": {**details, "subscription": self.subscription}}
        else:
            o["subscription"], o["subscription_details"] = self.subscription, details
        return {**o, **changes}

    def session_object(self, **changes):
        o = {"id": self.session, "object": "checkout.session", "mode": "subscription", "customer": self.customer,
             "customer_details": {"email": "Buyer@Example.com", "name": "B"}, "metadata": self.metadata,
             "payment_status": "paid", "status": "complete", "subscription": self.subscription}
        return {**o, **changes}

    def completed(self, after=2, **changes):
        return self.event("checkout.session.completed", after, self.session_object(**changes))

    def created(self, after=1, status="incomplete", **changes):
        return self.event("customer.subscription.created", after, self.subscription_object(status, **changes))

    def updated(self, after=2, status="active", **changes):
        return self.event("customer.subscription.updated", after, self.subscription_object(status, **changes))

    def deleted(self, after=40 * DAY, **changes):
        return self.event("customer.subscription.deleted", after,
                          self.subscription_object("canceled", canceled_at=self.began + after, **changes))

    def paid(self, after=2, id=None):
        return self.event("invoice.paid", after, self.invoice_object(id, status="paid"))

    def failed(self, after=30 * DAY, id=None):
        return self.event("invoice.payment_failed", after, self.invoice_object(id, status="open"))


def text(event):
    return json.dumps(event, separators=(",", ":")).encode()

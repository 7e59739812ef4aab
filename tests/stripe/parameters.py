"""What Stripe documents about the parameters of the calls that Tenantry makes, and how it refuses others."""
import re
import urllib.parse


class Refused(Exception):
    def __init__(self, message, status=400, type="invalid_request_error", code=None, param=None, saved=False):
        super().__init__(message)
        self.status, self.saved = status, saved
        self.error = {"message": message, "type": type}
        if code:
            self.error["code"] = code
        if param:
            self.error["param"] = param


def text(limit=5000):
    def check(value, at):
        if not isinstance(value, str):
            raise Refused(f"Invalid string: {at}", param=at)
        if len(value) > limit:
            raise Refused(f"Invalid string: {at} must be at most {limit} characters", param=at)
    return check


def integer(low=None, high=None):
    def check(value, at):
        if not isinstance(value, str) or not re.fullmatch(r"-?\d+", value):
            raise Refused(f"Invalid integer: {value}", code="parameter_invalid_integer", param=at)
        if low is not None and int(value) < low or high is not None and int(value) > high:
            raise Refused(f"This value must be between {low} and {high}", param=at)
    return check


def boolean(value, at):
    if value not in ("true", "false"):
        raise Refused(f"Invalid boolean: {value}", param=at)


def one_of(*words):
    def check(value, at):
        if value not in words:
            raise Refused(f"Invalid {at}: must be one of {', '.join(words)}", param=at)
    return check


def url(value, at):
    if not isinstance(value, str) or not re.match(r"https?://[^/\s]+", value):
        raise Refused("Not a valid URL", code="url_invalid", param=at)


def email(value, at):
    if not isinstance(value, str) or not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", value):
        raise Refused(f"Invalid email address: {value}", code="email_invalid", param=at)


def metadata(value, at):
    if value == "":
        return
    if not isinstance(value, dict) or len(value) > 50:
        raise Refused(f"Invalid {at}", param=at)
    for key, item in value.items():
        if len(key) > 40 or not isinstance(item, str) or len(item) > 500:
            raise Refused(f"Metadata keys can be up to 40 characters long, values up to 500: {key}", param=f"{at}[{key}]")


def list_of(item, most=100):
    def check(value, at):
        if not isinstance(value, dict) or list(value) != [str(i) for i in range(len(value))]:
            raise Refused(f"Invalid array: {at}", param=at)
        if len(value) > most:
            raise Refused(f"Array {at} exceeded maximum {most} allowed elements.", param=at)
        for key, each in value.items():
            (item if callable(item) else fields(item))(each, f"{at}[{key}]")
    return check


def fields(known, required=()):
    def check(value, at):
        if not isinstance(value, dict):
            raise Refused(f"Invalid object: {at}", code="parameter_invalid_empty", param=at)
        for key, each in value.items():
            name = f"{at}[{key}]" if at else key
            if key not in known:
                raise Refused(f"Received unknown parameter: {name}", code="parameter_unknown", param=name)
            (known[key] if callable(known[key]) else fields(known[key]))(each, name)
        for key in required:
            if key not in value:
                name = f"{at}[{key}]" if at else key
                raise Refused(f"Missing required param: {name}.", code="parameter_missing", param=name)
    return check


METHODS = one_of("card", "us_bank_account", "afterpay_clearpay", "klarna", "affirm", "link", "paypal", "cashapp",
                 "sepa_debit", "ideal", "bancontact", "eps", "p24", "bacs_debit", "au_becs_debit", "acss_debit",
                 "alipay", "wechat_pay", "amazon_pay", "revolut_pay", "twint", "mobilepay", "crypto")
NOT_FOR_SUBSCRIPTIONS = {"afterpay_clearpay", "affirm", "alipay", "wechat_pay", "eps", "p24", "twint", "mobilepay"}
EXPAND = list_of(text())
CUSTOMER = {"email": email, "name": text(256), "phone": text(20), "description": text(), "metadata": metadata,
            "expand": EXPAND}
SESSION = {
    "mode": one_of("payment", "subscription", "setup"), "success_url": url, "cancel_url": url, "customer": text(),
    "customer_email": email, "client_reference_id": text(200), "metadata": metadata, "locale": text(10),
    "line_items": list_of({"price": text(), "quantity": integer(1, 999999)}), "allow_promotion_codes": boolean,
    "payment_method_types": list_of(METHODS), "expires_at": integer(0), "expand": EXPAND,
    "discounts": list_of({"coupon": text(), "promotion_code": text()}, 1),
    "billing_address_collection": one_of("auto", "required"),
    "subscription_data": {"metadata": metadata, "trial_period_days": integer(1), "description": text(500)},
    "payment_intent_data": {"metadata": metadata, "description": text(1000), "receipt_email": email},
    "customer_update": {"address": one_of("auto", "never"), "name": one_of("auto", "never")},
}
PORTAL = {"customer": text(), "return_url": url, "configuration": text(), "locale": text(10), "expand": EXPAND}
SUBSCRIPTION = {
    "cancel_at_period_end": boolean, "metadata": metadata, "expand": EXPAND,
    "items": list_of({"id": text(), "price": text(), "quantity": integer(0), "deleted": boolean}),
    "proration_behavior": one_of("always_invoice", "create_prorations", "none"),
    "payment_behavior": one_of("allow_incomplete", "default_incomplete", "error_if_incomplete", "pending_if_incomplete"),
}


def read_form(body):
    """a[b][0][c]=d as nested objects; refuses what Stripe's own clients would never send."""
    tree = {}
    for pair in body.split("&") if body else []:
        name, eq, value = pair.partition("=")
        name, value = urllib.parse.unquote_plus(name), urllib.parse.unquote_plus(value)
        m = re.fullmatch(r"([A-Za-z_]\w*)((?:\[[^\[\]]+\])*)", name)
        if not eq or not m:
            raise Refused(f"Invalid request: {name}")
        keys = [m[1]] + re.findall(r"\[([^\[\]]+)\]", m[2])
        at = tree
        for key in keys[:-1]:
            at = at.setdefault(key, {})
            if not isinstance(at, dict):
                raise Refused(f"Invalid request: {name}")
        if keys[-1] in at:
            raise Refused(f"Received parameter twice: {name}")
        at[keys[-1]] = value
    return tree


def check_session(p):
    fields(SESSION, ("mode", "success_url"))(p, "")
    if p["mode"] != "setup" and "line_items" not in p:
        raise Refused("Missing required param: line_items.", code="parameter_missing", param="line_items")
    for a, b in (("customer", "customer_email"), ("discounts", "allow_promotion_codes")):
        if a in p and b in p:
            raise Refused(f"You may only specify one of these parameters: {a}, {b}.")
    for name, mode in (("subscription_data", "subscription"), ("payment_intent_data", "payment")):
        if name in p and p["mode"] != mode:
            raise Refused(f"You can not pass `{name}` in `{p['mode']}` mode.", param=name)
    if "customer_update" in p and "customer" not in p:
        raise Refused("`customer_update` can only be used with `customer`.", param="customer_update")
    for n, method in (p.get("payment_method_types") or {}).items():
        if p["mode"] == "subscription" and method in NOT_FOR_SUBSCRIPTIONS:
            raise Refused(f"The payment method type `{method}` cannot be used in `subscription` mode.",
                          param=f"payment_method_types[{n}]")
    for n, item in p.get("line_items", {}).items():
        for key in ("price", "quantity"):
            if key not in item:
                raise Refused(f"Missing required param: line_items[{n}][{key}].", code="parameter_missing")

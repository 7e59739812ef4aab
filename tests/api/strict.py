"""HTTP as strictly as evhttp lets: what two readers of the same bytes might take for different requests is refused."""
import re, socket, time

from server import DUCKS

PATH = "/api/openapi.json"


def request(*lines, target=PATH, method="GET", version="HTTP/1.1", body=""):
    return "\r\n".join([f"{method} {target} {version}", *lines, "", body]).encode("latin-1")


HOST = f"Host: {DUCKS}"
# what it is, its bytes, the status of the first answer (0: closed without one)
TABLE = [
    ("a proper request", request(HOST), {200}),
    ("no Host", request(), {400}),
    ("two Hosts", request(HOST, "Host: sendclaw.com"), {400}),
    ("the same Host twice", request(HOST, HOST), {400}),
    ("two Hosts of different case", request(HOST, "hOST: sendclaw.com"), {400}),
    ("an empty Host", request("Host:"), {400}),
    ("a Host of nobody", request("Host: nobody.example"), {421}),
    ("a Host with a port", request(HOST + ":8443"), {200}),
    ("a Host with a final dot", request(HOST + "."), {200}),
    ("www. before it", request("Host: www." + DUCKS), {200}),
    ("a Host in capitals", request("Host: " + DUCKS.upper()), {200}),
    ("a name below it", request("Host: shop." + DUCKS), {200}),
    ("a Host with a user", request("Host: x@" + DUCKS), {421}),
    ("a Host that is a list", request(f"Host: {DUCKS}, sendclaw.com"), {421}),
    ("a Host with a path", request(f"Host: {DUCKS}/x"), {421}),
    ("an address", request("Host: 127.0.0.1"), {421}),
    ("the absolute form", request(HOST, target=f"http://{DUCKS}{PATH}"), {400}),
    ("the absolute form of another tenant", request(HOST, target=f"http://sendclaw.com{PATH}"), {400}),
    ("OPTIONS *", request(HOST, method="OPTIONS", target="*"), {400}),
    ("a length and chunks", request(HOST, "Content-Length: 5", "Transfer-Encoding: chunked", method="POST", body="0\r\n\r\n"), {400}),
    ("two lengths", request(HOST, "Content-Length: 0", "Content-Length: 3", method="POST", body="abc"), {400}),
    ("the same length twice", request(HOST, "Content-Length: 3", "Content-Length: 3", method="POST", body="abc"), {400}),
    ("an unknown coding", request(HOST, "Transfer-Encoding: xchunked", method="POST", body="0\r\n\r\n"), {400}),
    ("two codings", request(HOST, "Transfer-Encoding: gzip, chunked", method="POST", body="0\r\n\r\n"), {400, 501}),
    ("a negative length", request(HOST, "Content-Length: -1", method="POST"), {400, 0}),
    ("a length that is no number", request(HOST, "Content-Length: 0x5", method="POST", body="abcde"), {400, 413, 0}),
    ("an endless length", request(HOST, "Content-Length: 99999999999999999999", method="POST"), {400, 413, 0}),
    ("more than any body may have", request(HOST, "Content-Length: 99999999", method="POST"), {413}),
    ("a chunk that is no number", request(HOST, "Transfer-Encoding: chunked", method="POST", body="zz\r\nabc\r\n0\r\n\r\n"), {400, 413, 0}),
    ("NUL in the path", request(HOST, target="/api/\0"), {400, 404, 0}),
    ("an escaped NUL in the path", request(HOST, target="/api/%00"), {400}),
    ("an escaped line end in the path", request(HOST, target="/api/%0d%0aX:%20y"), {400}),
    ("half an escape in the path", request(HOST, target="/api/%4"), {400}),
    ("a header beyond the limit", request(HOST, "X-Long: " + "a" * 20000), {400, 413, 431}),
    ("an unknown method", request(HOST, method="BREW"), {400, 405, 501}),
    ("TRACE", request(HOST, method="TRACE"), {400, 405, 501}),
    ("CONNECT", request(HOST, method="CONNECT", target="example.com:443"), {400, 405, 501}),
    ("a method that the path does not take", request(HOST, "Content-Length: 0", method="DELETE"), {405}),
    ("a body where none may be", request(HOST, "Content-Length: 3", body="abc"), {413}),
    ("a length of zero on GET", request(HOST, "Content-Length: 0"), {200}),
    ("no HTTP at all", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", {400, 0}),
    ("a header without a colon", request(HOST, "nonsense"), {400, 0}),
]


def first(data):
    m = re.match(rb"HTTP/1\.[01] (\d\d\d) ", data)
    return int(m[1]) if m else 0


def answer_and_end(api, data):
    """(what came back, whether the connection was ended)"""
    got = b""
    with socket.create_connection((api.address, api.port), timeout=1) as c:
        c.sendall(data)
        try:
            got = part = c.recv(65536)
            while part and first(got) == 400:
                part = c.recv(65536)
                got += part
            return got, not part
        except TimeoutError:
            return got, False
        except OSError:
            return got, True


def check_table(s, api):
    for what, data, wanted in TABLE:
        got, ended = answer_and_end(api, data)
        s.ok(first(got) in wanted, f"{what}: {sorted(wanted)}", got[:200])
        if first(got) == 400:
            s.ok(ended and got.count(b"HTTP/1.") == 1, f"{what}: the connection ends", got[:400])


def check_framing(s, api):
    with api.connect() as c:
        c.send(request(HOST) + request(HOST, target="/api/nothing") + request(HOST, method="HEAD") + request(HOST))
        s.equal([c.receive().status, c.receive().status, c.receive(head=True).status, c.receive().status],
                [200, 404, 200, 200], "requests sent at once are answered in order")
    with api.connect() as c:
        got, head = c.ask("GET", PATH), c.ask("HEAD", PATH)
        s.equal(head.body, b"", "HEAD has no body")
        s.equal((head["Content-Length"], head["Content-Type"]), (str(len(got.body)), got["Content-Type"]), "but its headers")
        s.equal(c.ask("GET", PATH).status, 200, "and the connection goes on")
        options = c.ask("OPTIONS", PATH)
        s.equal((options.status, options["Allow"], options["Content-Length"]), (204, "GET, HEAD, OPTIONS", None), "OPTIONS")
        wrong = c.ask("PUT", PATH, body="")
        s.equal((wrong.status, wrong["Allow"]), (405, "GET, HEAD"), "405 says what is allowed")
        s.equal(wrong["Content-Type"], "application/problem+json", "as a problem")
    got = api.raw(request(HOST, "Connection: close") + request(HOST, target="/api/nothing"), 3)
    s.equal(got.count(b"HTTP/1.1 "), 1, "nothing is answered after Connection: close")
    got = api.raw(request(version="HTTP/1.0") + b"", 3)
    s.equal(first(got), 400, "HTTP/1.0 needs its Host, too")
    got = api.raw(request(HOST, version="HTTP/1.0"), 3)
    s.ok(first(got) == 200 and got.rstrip().endswith(b"}"), "HTTP/1.0 ends with its answer", got[:200])


def gone_after(api, before, dribble, most):
    """Seconds until the server closes on one who sends a byte now and then."""
    with socket.create_connection((api.address, api.port), timeout=5) as c:
        c.sendall(before)
        if b"\r\n\r\n" in before:
            c.settimeout(5)
            c.recv(65536)
        began = time.monotonic()
        c.settimeout(0.1)
        while time.monotonic() - began < most:
            try:
                c.sendall(dribble)
                if not c.recv(4096):
                    return time.monotonic() - began
            except TimeoutError:
                continue
            except OSError:
                return time.monotonic() - began
    return most


def check_slow(s, house):
    api = house.start(None, "--header-seconds", "1")
    for what, before in (("slow header", f"GET {PATH} HTTP/1.1\r\nX: ".encode()), ("nothing but a connection", b""),
                         ("slow header after an answer", request(HOST))):
        seconds = gone_after(api, before, b"a", 8)
        s.ok(0.7 < seconds < 3, f"{what}: gone 2 s after the deadline", seconds)
    body = request(HOST, "Content-Length: 1000", method="POST")
    with socket.create_connection((api.address, api.port), timeout=5) as c:
        c.sendall(body)
        began, c_closed = time.monotonic(), False
        c.settimeout(0.1)
        while time.monotonic() - began < 8 and not c_closed:
            try:
                c.sendall(b"x")
                c_closed = not c.recv(4096)
            except TimeoutError:
                continue
            except OSError:
                c_closed = True
        s.ok(time.monotonic() - began < 3, "a body that trickles in is not waited for", time.monotonic() - began)
    with api.connect() as c:
        s.equal(c.ask("GET", PATH).status, 200, "first request of a connection that stays")
        time.sleep(2.5)
        s.equal(c.ask("GET", PATH).status, 200, "one that rests longer than a header may take is kept")


def test(s, house):
    api = house.start()
    check_table(s, api)
    check_framing(s, api)
    check_slow(s, house)
    s.equal(api.get("/healthz").status, 200, "after all that it answers")

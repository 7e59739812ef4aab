"""The nginx site of nginx/: TLS, HTTP/2, the built trees and the API behind one name, with a real nginx."""
import http.client, os, re, shutil, signal, socket, ssl, subprocess, time

from server import DUCKS
from suite import CLOCK, TOP, read, write

NGINX = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
NOBODY = 65534


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def make_certificate(folder):
    """A certificate of our own for every host of the samples."""
    names = ",".join(f"DNS:{h},DNS:www.{h}" for h in (DUCKS, "sendclaw.com", "tidewater.press"))
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-subj", "/CN=tenantry test", "-addext", f"subjectAltName={names}", "-keyout", f"{folder}/tenantry.key",
                    "-out", f"{folder}/tenantry.crt"], check=True, capture_output=True)
    os.chmod(f"{folder}/tenantry.key", 0o644)


class Site:
    """The shipped files, with the ports and folders of the test in place of the usual."""

    def __init__(self, folder, out, api_port):
        self.plain, self.tls, self.folder = free_port(), free_port(), folder
        os.makedirs(folder)
        make_certificate(folder)
        text = lambda name: read(os.path.join(TOP, "nginx", name)).decode()
        ports = lambda t: re.sub(r"listen (?:\[::\]:)?443 .*\n", lambda m: m[0].replace("443", f"127.0.0.1:{self.tls}", 1)
                                 if "[" not in m[0] else "", t)
        site = text("tenantry-site.conf").replace("include /srv/tenantry/out/", f"include {folder}/sites-").replace(
            "/srv/tenantry/out", out).replace("127.0.0.1:8080", f"127.0.0.1:{api_port}")
        sites = read(os.path.join(out, "nginx.conf")).decode().replace("listen 80", f"listen 127.0.0.1:{self.plain}")
        temps = "".join(f"    {k}_temp_path {folder}/{k};\n" for k in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        write(f"{folder}/sites-nginx.conf", sites)
        write(f"{folder}/tenantry-site.conf", site)
        write(f"{folder}/tenantry-server.conf", ports(text("tenantry-server.conf")))
        write(f"{folder}/tenantry-default.conf", ports(text("tenantry-default.conf")))
        write(f"{folder}/nginx.conf", f"daemon off;\nworker_processes 1;\npid {folder}/pid;\nerror_log {folder}/error.log notice;\n"
              f"events {{ worker_connections 256; }}\nhttp {{\n    access_log off;\n{temps}    include {folder}/tenantry-site.conf;\n}}\n")

    def start(self):
        as_user = {"user": NOBODY, "group": NOBODY} if os.geteuid() == 0 else {}
        if as_user:
            os.chown(self.folder, NOBODY, NOBODY)
        command = [NGINX, "-e", f"{self.folder}/error.log", "-p", self.folder, "-c", f"{self.folder}/nginx.conf"]
        tried = subprocess.run(command + ["-t"], capture_output=True, text=True, **as_user)
        complaints = [l for l in tried.stderr.splitlines() if re.search(r"\[(warn|error|crit|alert|emerg)\]", l)]
        self.p = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **as_user)
        end = time.monotonic() + 10
        while time.monotonic() < end and self.p.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.tls), 1).close()
                break
            except OSError:
                time.sleep(0.02)
        return complaints

    def stop(self):
        self.p.send_signal(signal.SIGTERM)
        self.p.wait(20)

    def ask(self, path, host=DUCKS, method="GET", body=None, tls=True, check=True, **headers):
        context = ssl.create_default_context(cafile=f"{self.folder}/tenantry.crt")
        if not check:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        raw = socket.create_connection(("127.0.0.1", self.tls if tls else self.plain), timeout=20)
        c = http.client.HTTPConnection("127.0.0.1")
        c.sock = context.wrap_socket(raw, server_hostname=host) if tls else raw
        c.request(method, path, body=body, headers={"Host": host} | {k.replace("_", "-"): v for k, v in headers.items()})
        r = c.getresponse()
        r.body = r.read()
        c.close()
        return r


def check_pages(s, site):
    page = site.ask("/")
    s.ok(page.status == 200 and b"<html" in page.body, "a page over TLS", page.status)
    s.ok(page.getheader("Strict-Transport-Security") or page.getheader("Content-Security-Policy"), "with its headers", page.getheaders())
    again = site.ask("/", If_None_Match=page.getheader("ETag") or "")
    s.equal(again.status, 304, "and 304 when it is known")
    packed = site.ask("/", Accept_Encoding="gzip")
    s.equal(packed.getheader("Content-Encoding"), "gzip", "packed for whom can unpack it")
    plain = site.ask("/pricing/?a=b", tls=False)
    s.equal((plain.status, plain.getheader("Location")), (301, f"https://{DUCKS}/pricing/?a=b"), "plain HTTP leads to TLS")
    s.equal(site.ask("/nothing-here").status, 404, "a page that is not there")
    alias = site.ask("/", host="www." + DUCKS)
    s.equal((alias.status, alias.getheader("Location")), (301, f"https://{DUCKS}/"), "www. redirects")
    for tls in (True, False):
        s.equal(site.ask("/", host="nobody.example", check=False, tls=tls).status, 421, f"a host of nobody, TLS {tls}")
        s.equal(site.ask("/api/openapi.json", host="nobody.example", check=False, tls=tls).status, 421, "and its API")


def check_api(s, site, api):
    r = site.ask("/api/openapi.json")
    s.ok(r.status == 200 and r.getheader("Content-Type").startswith("application/json"), "the API behind the same name", r.status)
    s.ok(len(r.msg.get_all("Cache-Control") or []) == 1, "its cache headers are its own", r.getheaders())
    s.equal(r.getheader("Content-Security-Policy"), None, "the pages' headers are not its")
    id = r.getheader("X-Request-Id")
    s.ok(re.fullmatch(r"[0-9a-f]{32}", id or ""), "the request's id is nginx's", id)
    pricing = site.ask("/api/pricing/config")
    s.ok(pricing.status in (200, 404), "prices come from the API", pricing.status)
    if pricing.status == 200:
        s.equal(site.ask("/api/pricing/config", If_None_Match=pricing.getheader("ETag")).status, 304, "304 through nginx")
    r = site.ask("/api/openapi.json", X_Forwarded_For="6.6.6.6", X_Forwarded_Host="sendclaw.com", Forwarded="for=6.6.6.6")
    id, line, end = r.getheader("X-Request-Id") or "?", [], time.monotonic() + 5
    while not line and time.monotonic() < end:  # lines are written together, a moment later
        line = [l for l in api.errors().splitlines() if id in l]
    s.ok(r.status == 200 and line and '"client":"127.0.0.1"' in line[0] and '"tenant":"5ducks"' in line[0],
         "what a client says of proxies does not pass", line)
    s.equal(site.ask("/api/nothing", method="POST", body="{}").status, 404, "problems pass")
    s.equal(site.ask("/api/openapi.json", method="POST", body="x" * (2 << 20)).status, 413, "a body that is too large")
    for path in ("/metrics", "/readyz", "/healthz"):
        s.equal(site.ask(path).status, 404, f"{path} is not for the world")


def check_http2(s, site):
    curl = shutil.which("curl")
    if not curl or "HTTP2" not in subprocess.run([curl, "-V"], capture_output=True, text=True).stdout:
        s.skip("HTTP/2", "there is no curl that speaks it")
        return
    for path in ("/", "/api/openapi.json"):
        p = subprocess.run([curl, "-s", "-o", os.devnull, "--http2", "-w", "%{http_version} %{http_code}", "--cacert",
                            f"{site.folder}/tenantry.crt", "--connect-to", f"{DUCKS}:443:127.0.0.1:{site.tls}", f"https://{DUCKS}{path}"],
                           capture_output=True, text=True)
        s.equal(p.stdout, "2 200", f"HTTP/2 {path}")


def test(s, house):
    for tool in (NGINX, shutil.which("openssl")):
        if not tool:
            s.skip("the nginx site", "there is no nginx, or no openssl")
            return
    out = os.path.join(house.top, "site-out")
    code, text = house.program.build(house.workspace, clock=CLOCK, out=out)
    s.ok(code == 0, "the sites are built", text)
    api = house.start(house.database("api_site"), "--trusted-proxy", "127.0.0.1")
    site = Site(os.path.join(house.top, "nginx"), out, api.port)
    s.equal(site.start(), [], "nginx -t has nothing to say")
    try:
        check_pages(s, site)
        check_api(s, site, api)
        check_http2(s, site)
        api.stop()
        s.equal(site.ask("/api/openapi.json").status, 502, "without the API its paths are 502")
        s.equal(site.ask("/").status, 200, "and the pages go on")
    finally:
        site.stop()

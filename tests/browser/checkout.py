#!/usr/bin/env python3
"""checkout.py TENANTRY TENANTRY_API FOLDER: what checkout.mjs needs: the built site and the API behind a real nginx with TLS,
a Postgres of its own, and a stand-in for Stripe whose payment page is checkout.stripe.com."""
import os, re, subprocess, sys

sys.dont_write_bytecode = True
here = os.path.dirname(os.path.abspath(__file__))
for name in ("stripe", "support", "db", "api"):
    sys.path.insert(0, os.path.join(os.path.dirname(here), name))
import cluster, front, server  # noqa: E402
from standin import Standin  # noqa: E402
from suite import CLOCK, Program, Suite, read, scratch, write  # noqa: E402

binary, api_binary, folder = sys.argv[1:4]
suite = Suite()
missing = cluster.missing() or (None if front.NGINX else "nginx is not installed")
if missing:
    suite.skip("paying in the browser", missing)
    suite.finish()
with scratch() as top:
    house = server.House(Program(binary), api_binary, top, False)
    standin, site = Standin(prices=("price_test",)), None
    standin.pages = "https://checkout.stripe.com"
    try:
        if not house.open(suite):
            suite.finish()
        name = house.database("browser")
        out = os.path.join(top, "out")
        code, text = house.program.build(house.workspace, "--clock", CLOCK, out=out)
        api = house.start(name, "--limit", "off", STRIPE_API_BASE=standin.base, STRIPE_SECRET_KEY=standin.key,
                          STRIPE_WEBHOOK_SECRET=standin.secret, STRIPE_DUCKLING_PRICE_ID="price_test")
        standin.api = api.address, api.port
        site = front.Site(os.path.join(top, "nginx"), out, api.port)
        path = f"{site.folder}/nginx.conf"
        pay = (f"    server {{ listen 127.0.0.1:{site.tls} ssl; server_name checkout.stripe.com; ssl_certificate tenantry.crt; "
               f"ssl_certificate_key tenantry.key; location / {{ proxy_pass {standin.base}; }} }}\n}}\n")
        write(path, re.sub(r"\}\n$", lambda m: pay, read(path).decode()))
        site.start()
        p = subprocess.run(["node", os.path.join(folder, "checkout.mjs"), str(site.tls), standin.base, os.path.join(folder, "screenshots")],
                           capture_output=True, text=True, timeout=240)
        sys.stdout.write(re.sub(r"(?m)^\d+ passed, \d+ failed\n", "", p.stdout) + p.stderr)
        m = re.search(r"^(\d+) passed, (\d+) failed", p.stdout, re.M)
        suite.passed += int(m[1]) if m else 0
        suite.failed += int(m[2]) if m else 1
    finally:
        if site and hasattr(site, "p"):
            site.stop()
        house.close()
        standin.close()
suite.finish()

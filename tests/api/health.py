"""Whether it runs, and whether it can answer."""


def test(s, house):
    db = house.database("api_health")
    api = house.start(db)
    s.equal(api.get("/healthz").status, 200, "GET /healthz")
    s.equal(api.get("/readyz").status, 200, "GET /readyz with a database")
    s.equal(api.get("/healthz", host="nobody.example").status, 200, "of any host")
    s.equal(api.get("/api/nothing").status, 404, "an unknown path")
    s.equal(api.get("/api/openapi.json", host="nobody.example").status, 421, "an unknown host")
    s.equal(api.ask("HEAD", "/healthz").body, b"", "HEAD has no body")
    with api.connect() as c:
        s.equal([c.ask("GET", "/healthz").status for _ in range(3)], [200] * 3, "a connection is kept")
    alone = house.start()
    s.equal(alone.get("/healthz").status, 200, "without a database it runs")
    s.equal(alone.get("/readyz").status, 503, "but is not ready")

"""The same workspace with its switches turned over, and with content that must not show."""
import json, os, shutil
import edge
from tree import Site, build
from workspace import Workspace

SECTION = '<section class="section" id="pricing">'


def copy_of(top, folder):
    for name in ("tenants", "content", "templates"):
        shutil.copytree(f"{top}/{name}", f"{folder}/{name}")
    shutil.copy(f"{top}/tenantry.json", folder)
    return folder


def edit(folder, tenant, change):
    path = f"{folder}/tenants/{tenant}/config.json"
    with open(path, encoding="utf-8") as f:
        config = json.load(f)
    change(config)
    with open(path, "w", encoding="utf-8") as f:
        json.dump(config, f, ensure_ascii=False)


def remake(binary, folder, tmp, clock, *args):
    out = build(binary, folder, f"{tmp}/out-{os.path.basename(folder)}", "--clock", clock, *args)
    workspace = Workspace(folder, clock)
    return {t.id: Site(workspace, t, out) for t in workspace.tenants}


def switch_features(binary, top, tmp, clock, sites):
    folder = copy_of(top, f"{tmp}/features")
    for s in sites:
        def turn(config):
            config["features"] = {k: not v for k, v in config["features"].items()}
            config["features"]["allowAiTraining"] = True
        edit(folder, s.tenant.id, turn)
    changed = remake(binary, folder, tmp, clock)
    seen = set()
    for s in sites:
        t, after = s.tenant, changed[s.tenant.id]
        if t.config["routes"]["guestLanding"].strip("/") in ("landing-simple3", "lobster"):
            flag = t.config["features"]["showCredits"]
            seen.add(flag)
            for site, wanted in ((s, flag), (after, not flag)):
                if (SECTION in site.text("index.html")) != wanted:
                    yield f"{site.host}: showCredits {wanted}, and the prices are {'missing' if wanted else 'shown'}"
        if "ai-train=no" not in s.text("robots.txt") or "ai-train=yes" not in after.text("robots.txt"):
            yield f"{s.host}: allowAiTraining does not reach robots.txt"
    if seen != {True, False}:
        yield "the sample has no longer one tenant with showCredits and one without"


def switch_tracking(binary, top, tmp, clock, sites):
    """Google's tag comes with the id, and nothing of it without."""
    folder = copy_of(top, f"{tmp}/tracking")
    edit(folder, "sendclaw", lambda c: c.update(tracking={"gaId": "G-TEST12345"}))
    changed = remake(binary, folder, tmp, clock)
    for id, site in changed.items():
        has = "googletagmanager" in "".join(p.text for p in site.pages.values())
        allowed = all("googletagmanager" in str(site.csp().get(d)) for d in ("script-src", "connect-src"))
        if (has, allowed) != (id == "sendclaw", id == "sendclaw"):
            yield f"{site.host}: tag {has}, policy {allowed}"
    if "G-TEST12345" in changed["sendclaw"].text("tenants/sendclaw/config.json"):
        yield "the id stands in the public config"


def switch_pricing(binary, top, tmp, clock, sites):
    """Without any pricing there is no page of it, no link to it, and no checkout in the policy."""
    folder = copy_of(top, f"{tmp}/pricing")
    for s in sites:
        edit(folder, s.tenant.id, lambda c: c.pop("pricing", None))
    for path in [os.path.join(d, f) for d, _, names in os.walk(f"{folder}/content") for f in names if f.endswith(".md")]:
        with open(path, encoding="utf-8") as f:
            text = f.read()
        with open(path, "w", encoding="utf-8") as f:
            f.write(text.replace("/pricing/", "/"))
    for site in remake(binary, folder, tmp, clock).values():
        for path in ("pricing/index.html", "subscription-success/index.html"):
            if site.has(path):
                yield f"{site.host}/{path} is there"
        for page in site.pages.values():
            if any(v.endswith("/pricing/") for _, _, v in page.references):
                yield f"{site.host}{page.path} links to prices"
        if "stripe" in " ".join(edge.header_values(site.headers, "/", "Content-Security-Policy")):
            yield f"{site.host}: checkout in the policy"


def switch_hidden_content(binary, top, tmp, clock, sites):
    """Words that only a draft, a future and an expired file hold are nowhere; with --drafts the first two are."""
    folder = copy_of(top, f"{tmp}/hidden")
    words = {"draftquokka": "draft: true\ndate: 2026-01-01", "futurequokka": "date: 2031-05-05",
             "expiredquokka": "date: 2026-01-01\nexpires: 2026-02-01"}
    for word, meta in words.items():
        for where in ("5ducks/posts", "tidewater/prints", "_shared"):
            with open(f"{folder}/content/{where}/{word}.md", "w", encoding="utf-8") as f:
                f.write(f"---\ntitle: The {word}\ntags: [tag{word}]\naliases: [/old-{word}-{where[-5:]}/]\n"
                        f"technique: {word}\nedition: 1\n{meta}\n---\n\n## {word}\n")
    for args, wanted in ((), set()), (("--drafts",), {"draftquokka", "futurequokka"}):
        for site in remake(binary, folder, tmp, clock, *args).values():
            everything = "\n".join(p + "\n" + d.decode("utf-8", "replace") for p, d in site.files.items())
            found = {w for w in words if w in everything}
            if found != wanted:
                yield f"{site.host} {' '.join(args)}: {sorted(found)} instead of {sorted(wanted)}"


def switch_noindex(binary, top, tmp, clock, sites):
    folder = copy_of(top, f"{tmp}/noindex")
    for site in remake(binary, folder, tmp, clock, "--noindex").values():
        if not all(p.noindex for p in site.pages.values()):
            yield f"{site.host}: a page without noindex"
        if "Disallow: /\n" not in site.text("robots.txt"):
            yield f"{site.host}: robots.txt lets in"
        if edge.header_values(site.headers, "/skill.md", "X-Robots-Tag") != ["noindex"]:
            yield f"{site.host}: no X-Robots-Tag"

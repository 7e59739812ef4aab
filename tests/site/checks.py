"""Checks of what a site consists of, and of all sites together."""
import hashlib, html, json, os, re
import xml.etree.ElementTree as xml
import edge
from tree import files_below
from workspace import is_date, is_time, slug_of

ATOM = "{http://www.w3.org/2005/Atom}"
MAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
PER_PAGE = 10
SUBPAGES = re.compile(r"^/blog/(?!page/|tags/)([^/]+)/$")


def check_files(site):
    for path in ("index.html", "pricing/index.html", "subscription-success/index.html", "blog/index.html", "404.html",
                 "sitemap.xml", "feed.xml", "feed.json", "robots.txt", "llms.txt", "manifest.webmanifest",
                 "favicon.svg", "_headers", "_redirects", f"tenants/{site.tenant.id}/config.json"):
        if not site.files.get(path):
            yield f"/{path} is missing"
    for path, data in site.files.items():
        if not data:
            yield f"/{path} is empty"


def check_landing(site):
    """The template that routes.guestLanding names is the one at /."""
    key = site.tenant.config["routes"]["guestLanding"].strip("/")
    for theme in (site.tenant.theme, "default"):
        path = f"{site.workspace.top}/templates/{theme}/landings/{key}.html"
        if os.path.exists(path):
            with open(path, encoding="utf-8") as f:
                first = re.search(r"<section class=\"[^\"{]+\">", f.read())
            if first and first.group(0) not in site.text("index.html"):
                yield f"/ does not show {first.group(0)} of {key}.html"
            break
    else:
        yield f"no theme has {key}.html"
    if site.pages["/"].titles != [site.tenant.config["meta"]["title"]]:
        yield f"title {site.pages['/'].titles}"


def price_text(price, currency):
    sign = {"USD": "$", "EUR": "€"}[currency]
    return "Free" if price == 0 else f"{sign}{price:,.0f}" if price == int(price) else f"{sign}{price:,.2f}"


def check_pricing(site):
    pricing, text = site.tenant.pricing, html.unescape(site.text("pricing/index.html"))
    for plan in pricing["plans"]:
        for what in (plan["name"], price_text(plan["price"], pricing.get("currency", "USD")), *plan.get("features", [])):
            if f">{what}<" not in text:
                yield f"the page does not show {what} of {plan['id']}"
        form = f'name="planId" value="{plan["id"]}"' in text
        if form != bool(plan["price"] and not plan.get("comingSoon")):
            yield f"{plan['id']}: {'sold though it cannot be bought' if form else 'cannot be bought'}"
    if pricing.get("headline") and site.pages["/pricing/"].h1 != [pricing["headline"]]:
        yield f"heading {site.pages['/pricing/'].h1}"
    if "price_" in text.replace("price_text", ""):
        yield "a Stripe price id?"


def check_pages_not_for_search_engines(site):
    hidden = {"/404.html", "/subscription-success/"}
    for p in site.pages.values():
        if p.noindex != (p.path in hidden):
            yield f"{p.path}: noindex {p.noindex}"


def check_posts(site):
    posts = site.tenant.shown("posts")
    if not posts:
        yield "no posts"
    built = sorted(m.group(1) for m in map(SUBPAGES.match, site.pages) if m)
    if built != sorted(p.slug for p in posts):
        yield f"{built} instead of {sorted(p.slug for p in posts)}"
    for post in posts:
        page = site.pages.get(f"/blog/{post.slug}/")
        if page and page.h1 != [post.title]:
            yield f"{page.path}: heading {page.h1}"
        if page and post.date[:10] not in page.times:
            yield f"{page.path}: {post.date} is not shown"
        markdown = f"blog/{post.slug}/index.html.md"
        if not site.text(markdown).startswith(f"# {post.title}\n"):
            yield f"/{markdown} does not begin with the title"
        if page and page.rel("alternate").count("/" + markdown) != 1:
            yield f"{page.path} does not name its Markdown"


def listed(site, page):
    """The posts a list page shows, in its order."""
    main = page.text[page.text.index("<main"): page.text.index("</main>")]
    found = []
    for href in re.findall(r'href="(/blog/[^"#]*)"', main):
        m = SUBPAGES.match(href)
        if m and m.group(1) not in found:
            found.append(m.group(1))
    return found


def check_pagination(site):
    posts = [p.slug for p in site.tenant.shown("posts")]
    total = -(-len(posts) // PER_PAGE)
    paths = ["/blog/"] + [f"/blog/page/{n}/" for n in range(2, total + 1)]
    if [p for p in site.pages if re.match(r"^/blog/page/", p)] != sorted(paths[1:]):
        yield f"pages {[p for p in site.pages if p.startswith('/blog/page')]}"
    for i, path in enumerate(paths):
        page = site.pages[path]
        wanted = posts[i * PER_PAGE:(i + 1) * PER_PAGE]
        if listed(site, page) != wanted:
            yield f"{path} shows {listed(site, page)} instead of {wanted}"
        for rel, n in (("prev", i - 1), ("next", i + 1)):
            want = [site.url + paths[n]] if 0 <= n < total else []
            if page.rel(rel) != want:
                yield f"{path}: {rel} {page.rel(rel)} instead of {want}"


def check_tags(site):
    by_tag = {}
    for post in site.tenant.shown("posts"):
        for tag in post.tags:
            by_tag.setdefault(slug_of(tag), []).append(post.slug)
    built = sorted({m.group(1) for m in (re.match(r"^/blog/tags/([^/]+)/", p) for p in site.pages) if m})
    if built != sorted(by_tag) or not built:
        yield f"{built} instead of {sorted(by_tag)}"
    for tag, slugs in by_tag.items():
        page = site.pages.get(f"/blog/tags/{tag}/")
        if page and listed(site, page) != slugs[:PER_PAGE]:
            yield f"{page.path} shows {listed(site, page)} instead of {slugs}"


def check_content_pages(site):
    for item in site.tenant.shown("pages"):
        page = site.pages.get(f"/{item.slug}/")
        if not page or page.h1 != [item.title]:
            yield f"/{item.slug}/: {page and page.h1}"
        if not site.has(f"{item.slug}/index.html.md"):
            yield f"/{item.slug}/index.html.md is missing"
    for name in ("terms", "privacy", "about"):
        if not site.has(f"{name}/index.html"):
            yield f"no /{name}/"


def check_nothing_hidden_shows(site):
    hidden = [i for i in site.tenant.items if i.hidden]
    for item in hidden:
        for path, data in site.files.items():
            text = html.unescape(data.decode("utf-8", "replace"))
            if item.title in text or f"/{item.slug}/" in text or item.slug in path:
                yield f"{item.rel} shows in /{path}"


def check_sitemap(site):
    urls = xml.fromstring(site.files["sitemap.xml"])
    locations = [u.findtext(MAP + "loc") for u in urls]
    wanted = sorted(site.url + p.path for p in site.pages.values() if not p.noindex)
    if sorted(locations) != wanted:
        yield f"differs in {sorted(set(locations) ^ set(wanted))}"
    for u in urls:
        last = u.findtext(MAP + "lastmod")
        if last is not None and not (is_date(last) and "2020" < last <= site.workspace.now):
            yield f"lastmod {last}"
    dates = {p.slug: p for p in site.tenant.shown("posts")}
    for u in urls:
        m = SUBPAGES.match(u.findtext(MAP + "loc")[len(site.url):])
        if m and u.findtext(MAP + "lastmod") != (dates[m.group(1)].meta.get("updated") or dates[m.group(1)].date)[:10]:
            yield f"{u.findtext(MAP + 'loc')}: lastmod {u.findtext(MAP + 'lastmod')}"
        if u.findtext(MAP + "loc") == site.url + "/blog/":
            newest = max((p.meta.get("updated") or p.date)[:10] for p in site.tenant.shown("posts")[:PER_PAGE])
            if u.findtext(MAP + "lastmod") != newest:
                yield f"/blog/: lastmod {u.findtext(MAP + 'lastmod')} instead of {newest}"


def feed_slugs(site):
    return [p.slug for p in site.tenant.shown("posts")][:20]


def check_atom(site):
    feed = xml.fromstring(site.files["feed.xml"])
    entries = feed.findall(ATOM + "entry")
    ids = [e.findtext(ATOM + "id") for e in entries] + [feed.findtext(ATOM + "id")]
    if len(ids) != len(set(ids)) or None in ids:
        yield f"ids {ids}"
    if feed.findtext(ATOM + "title") != site.tenant.config["branding"]["name"]:
        yield f"title {feed.findtext(ATOM + 'title')}"
    if [l.get("href") for l in feed.findall(ATOM + "link") if l.get("rel") == "self"] != [site.url + "/feed.xml"]:
        yield "no link to itself"
    links = [e.find(ATOM + "link").get("href") for e in entries]
    if links != [f"{site.url}/blog/{s}/" for s in feed_slugs(site)]:
        yield f"entries {links}"
    for e in [feed, *entries]:
        for name in ("id", "title", "updated"):
            if not e.findtext(ATOM + name):
                yield f"{name} is missing"
        if not is_time(e.findtext(ATOM + "updated")):
            yield f"updated {e.findtext(ATOM + 'updated')}"
    for e in entries:
        if not (e.findtext(ATOM + "content") or "").startswith("<"):
            yield "an entry without content"
    if feed.findtext(ATOM + "updated") != max(e.findtext(ATOM + "updated") for e in entries):
        yield "updated is not that of the newest entry"


def check_json_feed(site):
    feed = json.loads(site.text("feed.json"))
    if feed.get("version") != "https://jsonfeed.org/version/1.1" or feed.get("feed_url") != site.url + "/feed.json":
        yield f"{feed.get('version')} {feed.get('feed_url')}"
    items = feed["items"]
    if [i["url"] for i in items] != [f"{site.url}/blog/{s}/" for s in feed_slugs(site)]:
        yield f"items {[i['url'] for i in items]}"
    if len({i["id"] for i in items}) != len(items):
        yield "ids are not unique"
    for i in items:
        if not i.get("content_html") or not is_time(i.get("date_published", "")) or not i.get("title"):
            yield f"{i['id']} lacks content, date or title"


def check_feed_references(site):
    """References inside the feeds' content are looked up from the entry's own address."""
    for i in json.loads(site.text("feed.json"))["items"]:
        for value in re.findall(r'(?:href|src)="([^"]*)"', i["content_html"]):
            wrong = site.resolve(i["url"][len(site.url):], html.unescape(value))
            if wrong:
                yield f"{i['url']}: {wrong}"


def check_robots(site):
    text = site.text("robots.txt")
    if f"Sitemap: {site.url}/sitemap.xml\n" not in text or "Disallow: /\n" in text or "User-agent: *\n" not in text:
        yield text


def check_llms(site):
    text = site.text("llms.txt")
    if not text.startswith(f"# {site.tenant.config['branding']['name']}\n\n> "):
        yield "no heading and summary"
    for url in re.findall(r"\]\(([^)]*)\)", text):
        wrong = site.resolve("/", url) if url.startswith("https://") else f"{url}: not absolute"
        if wrong:
            yield wrong
    for item in site.tenant.shown("posts") + site.tenant.shown("pages"):
        if f"[{item.title}]" not in text:
            yield f"{item.title} is missing"


def check_markdown_references(site):
    """The Markdown twins of pages: what they link to is there."""
    for path, data in site.files.items():
        if not path.endswith("index.html.md"):
            continue
        text = re.sub(r"```.*?```", "", data.decode("utf-8"), flags=re.S)
        for value in re.findall(r"\]\(<?([^)\s>]+)", text):
            wrong = site.resolve("/" + path, value)
            if wrong:
                yield f"/{path}: {wrong}"


def check_manifest(site):
    manifest = json.loads(site.text("manifest.webmanifest"))
    if manifest.get("name") != site.tenant.config["branding"]["name"] or not manifest.get("start_url"):
        yield f"name {manifest.get('name')}"
    if not re.match(r"^#[0-9a-f]{6}$", manifest.get("theme_color", "")):
        yield f"theme_color {manifest.get('theme_color')}"
    for icon in manifest["icons"]:
        wrong = site.resolve("/", icon["src"])
        data = site.files.get(icon["src"].lstrip("/"), b"")
        if data.startswith(b"\x89PNG") and icon["sizes"] != "x".join(
                str(int.from_bytes(data[i:i + 4], "big")) for i in (16, 20)):
            wrong = f"{icon['src']} is not {icon['sizes']}"
        if wrong:
            yield wrong
    if not {"192x192", "512x512"} <= {i["sizes"] for i in manifest["icons"]}:
        yield "no icons of 192 and 512"


def check_favicon(site):
    svg = xml.fromstring(site.files["favicon.svg"])
    if svg.tag != "{http://www.w3.org/2000/svg}svg" or "".join(svg.itertext()).strip() != site.tenant.config["branding"]["logoEmoji"]:
        yield site.text("favicon.svg")


PUBLIC = re.compile(r"""^(id|domains(\.\*)?|branding(\.(name|tagline|logo|logoEmoji|favicon|supportEmail|mascot))?
    |meta(\.(title|description|ogImage|twitterImage|url))?
    |theme(\.(primaryColor|primaryForeground|accentColor|secondaryColor|name))?|routes(\.(guestLanding|authLanding))?
    |features(\.\w+)?|pricing(\.(headline|subheadline|creditsLabel|currency
        |creditsExplanation(\.(title|subtitle|items(\.\*(\.(value|label))?)?))?
        |ctaSection(\.(title|subtitle|buttonText|buttonLink))?
        |plans(\.\*(\.(id|name|credits|bonus|price|description|features(\.\*)?|highlight|cta|comingSoon))?)?))?)$""", re.X)


def keys_of(value, at=""):
    children = value.items() if isinstance(value, dict) else (("*", v) for v in value) if isinstance(value, list) else ()
    for key, child in children:
        yield f"{at}.{key}".lstrip("."), child
        yield from keys_of(child, f"{at}.{key}".lstrip("."))


def check_public_config(site):
    public, own = json.loads(site.text(f"tenants/{site.tenant.id}/config.json")), site.tenant.config
    for key, _ in keys_of(public):
        if not PUBLIC.match(key):
            yield f"{key} is not public"
    for key in ("id", "domains", "branding", "meta", "theme", "routes", "features"):
        if public.get(key) != own.get(key):
            yield f"{key} differs from the config"
    plans = [(p["id"], p["price"]) for p in public["pricing"]["plans"]]
    if plans != [(p["id"], p["price"]) for p in site.tenant.pricing["plans"]]:
        yield f"plans {plans}"
    others = [p for p in site.files if p.startswith("tenants/") and p != f"tenants/{site.tenant.id}/config.json"]
    if others:
        yield f"{others} beside it"


def check_documents(site):
    folder = f"{site.workspace.top}/tenants/{site.tenant.id}"
    for name in site.tenant.documents:
        with open(f"{folder}/{name}", "rb") as f:
            if site.files.get(name) != f.read():
                yield f"/{name} is not the file's bytes"
    for path, data in files_below(folder + "/static").items():
        if site.files.get(path) != data:
            yield f"/{path} is not the file's bytes"


def check_agent_skills(site):
    index = "well-known/agent-skills/index.json"
    if "skill.md" not in site.tenant.documents:
        if any("agent-skills" in p for p in site.files):
            yield "a skill without skill.md"
        return
    data = json.loads(site.text("." + index))
    if not data.get("$schema") or not data["skills"]:
        yield "no $schema or no skills"
    for skill in data["skills"]:
        name = site.file_of(re.sub(r"^https://[^/]*", "", skill["url"]))
        if not name:
            yield f"{skill['url']} is not there"
            continue
        if skill["digest"] != "sha256:" + hashlib.sha256(site.files[name]).hexdigest():
            yield f"{skill['name']}: the digest is not that of the bytes"
        if name.split("/")[-2:] != [skill["name"], "SKILL.md"] or skill.get("type") != "skill-md":
            yield f"{name} {skill.get('type')}"
        yield from strict_front_matter(site.text(name), skill)


def strict_front_matter(text, skill):
    m = re.match(r"---\n(.*?)\n---\n\n?\S", text, re.S)
    if not m:
        yield "no front matter or no body"
        return
    allowed = {"name", "description", "license", "compatibility", "metadata", "allowed-tools"}
    top, values = [], {}
    for line in m.group(1).split("\n"):
        key, _, value = line.partition(":")
        if line.startswith("  "):
            if top[-1] != "metadata" or not value.strip().startswith('"'):
                yield f"{line}: only metadata holds keys, and they are texts"
        else:
            top.append(key)
            value = value.strip()
            values[key] = json.loads(value) if value.startswith('"') else value
    if set(top) - allowed or len(top) != len(set(top)):
        yield f"keys {top}"
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", values.get("name", "")) or len(values["name"]) > 64:
        yield f"name {values.get('name')}"
    if values.get("name") != skill["name"] or values.get("description") != skill["description"]:
        yield "name or description differs from the index"
    if not 0 < len(values.get("description", "")) <= 1024:
        yield f"description of {len(values.get('description', ''))} characters"


def check_headers(site):
    yield from site.header_mistakes
    for path, name, wanted in (("/", "Content-Security-Policy", "default-src"), ("/x", "X-Content-Type-Options", "nosniff"),
                               ("/x", "Referrer-Policy", ""), ("/", "Strict-Transport-Security", "max-age="),
                               ("/assets/x.css", "Cache-Control", "immutable"), ("/skill.md", "Content-Type", "text/markdown"),
                               ("/feed.json", "Content-Type", "application/feed+json")):
        values = edge.header_values(site.headers, path, name)
        if len(values) != 1 or wanted not in values[0]:
            yield f"{path} {name}: {values}"
    for path in site.files:
        if not path.startswith("assets/") and any("immutable" in v for v in edge.header_values(site.headers, "/" + path, "Cache-Control")) \
                and not re.search(r"\.[0-9a-f]{8}\.", path):
            yield f"/{path} is cached for ever without a fingerprint"


def check_redirects(site):
    yield from site.redirect_mistakes
    sources = [r[0] for r in site.redirects]
    for item in site.tenant.items:
        for alias in item.meta.get("aliases") or []:
            if (alias in sources) == item.hidden:
                yield f"{alias} of {item.rel}: {'leads to what is hidden' if item.hidden else 'no redirect'}"
    for source, target, code in site.redirects:
        if site.file_of(source):
            yield f"{source} is a page too"
        if "*" not in source and not site.file_of(target):
            yield f"{source} leads to {target}, where nothing is"
        if target in sources:
            yield f"{source} leads to {target}, which redirects again"
    seed = f"/tenants/{site.tenant.id}/images/logo.svg"
    if not any(re.fullmatch(re.escape(s).replace(r"\*", ".*"), seed) for s in sources) or not site.has("images/logo.svg"):
        yield f"{seed} leads nowhere"


def check_fingerprints(site):
    """Every name that claims a hash holds that of its bytes; style sheets refer to such names."""
    seen = 0
    for path, data in site.files.items():
        m = re.match(r"^(?:assets|images|media)/.*\.([0-9a-f]{8})\.[^./]+$", path)
        if m:
            seen += 1
            if hashlib.sha256(data).hexdigest()[:8] != m.group(1):
                yield f"/{path}: the name does not hold the hash of the bytes"
        elif not path.startswith("images/") and re.match(r"^(assets|media)/", path):
            yield f"/{path}: no fingerprint"
        if path.endswith(".css"):
            for value in re.findall(r"url\(\s*[\"']?([^\"')]+)", data.decode("utf-8")):
                wrong = site.resolve("/" + path, value)
                if wrong:
                    yield f"/{path}: {wrong}"
    if not seen:
        yield "nothing is fingerprinted"


def all_hosts(workspace, sites, out):
    with open(out + "/hosts.json", encoding="utf-8") as f:
        hosts = json.load(f)["hosts"]
    wanted = {}
    for t in workspace.tenants:
        mirror = t.config.get("aliases") == "mirror"
        for d in t.domains:
            wanted[d] = {"tenant": t.id, "tree": d, "canonical": t.host, "redirect": d != t.host and not mirror}
    for host in sorted(hosts.keys() | wanted.keys()):
        if hosts.get(host) != wanted.get(host):
            yield f"{host}: {hosts.get(host)} instead of {wanted.get(host)}"
    folders = sorted(d for d in os.listdir(out) if os.path.isdir(f"{out}/{d}") and d != ".tenantry")
    if folders != sorted(wanted):
        yield f"trees {folders}"


def all_redirect_trees(workspace, sites, out):
    for t in workspace.tenants:
        for domain in (d for d in t.domains if d != t.host and t.config.get("aliases") != "mirror"):
            files = files_below(f"{out}/{domain}")
            if set(files) != {"_redirects", "index.html", "404.html"}:
                yield f"{domain} holds {sorted(files)}"
            rules, wrong = edge.redirects(files["_redirects"].decode())
            yield from (f"{domain}: {w}" for w in wrong)
            if rules != [("/*", f"https://{t.host}/:splat", "301")]:
                yield f"{domain}: {rules}"
            for name in ("index.html", "404.html"):
                text = files[name].decode()
                hrefs = set(re.findall(r'(?:href|url)="?=?(https?://[^"\s]*)', text))
                if hrefs != {f"https://{t.host}/"} or 'http-equiv="refresh"' not in text:
                    yield f"{domain}/{name} leads to {hrefs}"


def all_tenants_stay_apart(workspace, sites, out):
    """The host of another tenant stands in a tree only where the tenant's own files name it."""
    for site in sites:
        own = site.tenant.sources()
        for other in workspace.tenants:
            for domain in other.domains if other is not site.tenant else ():
                mentions = re.compile(r"[\w.@/:-]*\b" + re.escape(domain) + r"\b[\w/.-]*")
                for path, data in site.files.items():
                    for m in mentions.finditer(data.decode("utf-8", "replace")):
                        if m.group(0).strip("./") not in own:
                            yield f"{site.host}/{path}: {m.group(0)}"
            if other is not site.tenant and any(p.startswith(f"tenants/{other.id}") for p in site.files):
                yield f"{site.host} holds files of {other.id}"


def all_nginx(workspace, sites, out):
    with open(out + "/nginx.conf", encoding="utf-8") as f:
        names = re.findall(r"server_name ([^;]+);", f.read())
    for t in workspace.tenants:
        for d in t.domains:
            if names.count(d) != 1:
                yield f"{names.count(d)} servers for {d}"

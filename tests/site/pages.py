"""Checks of every HTML page of a site."""
import base64, hashlib, json, re
from urllib.parse import urlsplit

NEEDS = {  # what each type of structured data must say
    "Organization": {"name", "url"}, "WebSite": {"name", "url"}, "Brand": {"name"}, "Person": {"name"},
    "Product": {"name", "offers", "description"}, "Offer": {"price", "priceCurrency", "availability", "url"},
    "BlogPosting": {"headline", "datePublished", "author", "publisher", "mainEntityOfPage"},
    "BreadcrumbList": {"itemListElement"}, "ListItem": {"position", "name", "item"},
    "ContactPoint": {"contactType", "email"}, "VisualArtwork": {"name", "url", "creator"},
    "FAQPage": {"mainEntity"}, "Question": {"name", "acceptedAnswer"}, "Answer": {"text"},
}


def each(site, check):
    for page in site.pages.values():
        for wrong in check(page):
            yield f"{page.path}: {wrong}"


def check_one_of_each(site):
    def look(p):
        for what, found in (("title", p.titles), ("h1", p.h1), ("description", p.meta("description")),
                            ("canonical", p.rel("canonical")), ("viewport", p.meta("viewport"))):
            if len(found) != 1 or not found[0]:
                yield f"{len(found)} x {what}: {found}"
        if not p.lang:
            yield "no lang"
        if not re.match(r"<!doctype html>", p.text, re.I):
            yield "no doctype"
    return each(site, look)


def check_canonical(site):
    """Absolute, https, the site's own host, and the page itself."""
    for p in site.pages.values():
        if p.rel("canonical") != [site.url + p.path]:
            yield f"{p.path}: {p.rel('canonical')}"


def check_titles_differ(site):
    seen = {}
    for p in site.pages.values():
        if not p.noindex and p.titles and p.titles[0] in seen:
            yield f"{p.path} and {seen[p.titles[0]]}: {p.titles[0]}"
        seen[p.titles[0]] = p.path


def check_link_previews(site):
    def look(p):
        for name in ("og:title", "og:description", "og:type", "og:site_name", "og:url", "og:image",
                     "twitter:card", "twitter:image"):
            if len(p.meta(name)) != 1 or not p.meta(name)[0]:
                yield f"{name}: {p.meta(name)}"
        if p.meta("og:title") != p.titles or p.meta("og:description") != p.meta("description"):
            yield "og:title or og:description differs from the page's own"
        if p.meta("og:url") != p.rel("canonical"):
            yield f"og:url {p.meta('og:url')}"
        for image in p.meta("og:image") + p.meta("twitter:image"):
            if not image.startswith("https://"):
                yield f"not absolute: {image}"
            wrong = site.resolve(p.path, image)
            if wrong:
                yield wrong
        if not p.meta("theme-color"):
            yield "no theme-color"
    return each(site, look)


def check_brand_colours(site):
    theme = site.tenant.config["theme"]
    wanted = {"--primary": "primaryColor", "--on-primary": "primaryForeground", "--accent": "accentColor",
              "--secondary": "secondaryColor"}
    def look(p):
        css = "".join(text for _, text, _ in p.styles)
        for name, key in wanted.items():
            if theme.get(key) and f"{name}:hsl({theme[key]})" not in css:
                yield f"{name} is not hsl({theme[key]})"
    return each(site, look)


def check_ids_are_unique(site):
    def look(p):
        for i in sorted({i for i in p.ids if p.ids.count(i) > 1}):
            yield f"id {i} stands {p.ids.count(i)} times"
    return each(site, look)


def check_elements_are_closed(site):
    return each(site, lambda p: p.unclosed)


def check_table_headers_have_words(site):
    return each(site, lambda p: re.findall(r"<th\b[^>]*>\s*</th>", p.text))


def check_no_style_or_handler_attributes(site):
    return each(site, lambda p: p.bad_attributes)


def digest(text):
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


def check_inline_code_is_in_the_policy(site):
    def look(p):
        policy = site.csp(p.path)
        if "'unsafe-inline'" in str(policy) or "'unsafe-eval'" in str(policy) or policy.get("default-src") != ["'none'"]:
            yield "the policy is loose"
        for a, text, _ in p.scripts:
            if "src" in a or a.get("type") == "application/ld+json":
                continue
            if digest(text) not in policy.get("script-src", []):
                yield f"a script that the policy refuses: {text[:60]}"
        for _, text, _ in p.styles:
            if digest(text) not in policy.get("style-src", []):
                yield f"a style that the policy refuses: {text[:60]}"
    return each(site, look)


def check_no_third_party(site):
    """Nothing is fetched from anywhere else, and forms stay at home."""
    def look(p):
        for url in p.resources():
            if urlsplit(url).hostname not in (None, site.host):
                yield url
    return each(site, look)


def check_references_lead_somewhere(site):
    def look(p):
        for tag, name, value in p.references:
            wrong = site.resolve(p.path, value) if value else "empty"
            if wrong:
                yield f"<{tag} {name}>: {wrong}"
    return each(site, look)


def check_images(site):
    def look(p):
        for a in p.images:
            src = a.get("src", "")
            if "alt" not in a:
                yield f"{src}: no alt"
            if not (a.get("width", "").isdigit() and a.get("height", "").isdigit() and int(a["width"]) and int(a["height"])):
                yield f"{src}: width {a.get('width')} height {a.get('height')}"
    return each(site, look)


def check_what_pages_use_is_fingerprinted(site):
    def look(p):
        own = [x[len(site.url):] if x.startswith(site.url + "/") else x
               for x in p.resources() + p.meta("og:image") + p.meta("twitter:image")]
        for path in own:
            m = re.match(r"^/(?:assets|images|media)/(.*)$", path)
            if not m:
                continue
            name = re.search(r"\.([0-9a-f]{8})(?:\.[^./]+)?$", m.group(1))
            data = site.files.get(path.lstrip("/"))
            if not name:
                yield f"{path}: no fingerprint"
            elif data is None or hashlib.sha256(data).hexdigest()[:8] != name.group(1):
                yield f"{path}: the name does not hold the hash of the bytes"
    return each(site, look)


def check_structured_data(site):
    def walk(v, path):
        if isinstance(v, list):
            for x in v:
                yield from walk(x, path)
        if not isinstance(v, dict):
            return
        kind = v.get("@type")
        if kind and kind not in NEEDS:
            yield f"{kind}: say in NEEDS what it requires"
        missing = sorted(k for k in NEEDS.get(kind, ()) if v.get(k) in (None, "", []))
        if missing:
            yield f"{kind} without {', '.join(missing)}"
        for key in ("url", "item", "logo", "image", "mainEntityOfPage"):
            if isinstance(v.get(key), str):
                wrong = site.resolve(path, v[key]) if v[key].startswith("https://") else f"{v[key]}: not absolute"
                if wrong:
                    yield f"{kind}.{key}: {wrong}"
        for k, x in v.items():
            yield from walk(x, path)

    def look(p):
        blocks = [text for a, text, _ in p.scripts if a.get("type") == "application/ld+json"]
        for text in blocks:
            data = json.loads(text)
            if data.get("@context") != "https://schema.org":
                yield "no @context"
            yield from walk(data, p.path)
            for v in data.get("@graph", []):
                trail = [x["name"] for x in v.get("itemListElement", [])]
                if p.path.startswith("/blog/") and len(trail) > 2 and trail[1] != site.pages["/blog/"].h1[0]:
                    yield f"the blog is called {trail[1]} here"
                if not isinstance(v.get("wordCount", 0), int):
                    yield f"wordCount {v['wordCount']!r}"
        post = re.match(r"^/blog/(?!page/|tags/)[^/]+/$", p.path)
        if not blocks and (post or p.path in ("/", "/pricing/")):
            yield "no structured data"
    return each(site, look)


def check_signed_in_people_skip_the_landing(site):
    """The script stands in the head of / alone, before anything that could be seen or waited for."""
    marker = "tenantry_signed_in"
    for p in site.pages.values():
        if p.path != "/" and marker in p.text:
            yield f"{p.path}: the script is here too"
    home = site.pages["/"]
    scripts = [text for a, text, in_head in home.scripts if marker in text and in_head and "src" not in a]
    if len(scripts) != 1:
        yield f"/: {len(scripts)} scripts read the cookie"
        return
    if home.order[0][0] != "script" or marker not in home.text[: home.text.index("</script>")]:
        yield f"/: it comes after <{home.order[0][0]}>"
    target = json.dumps(site.tenant.config["routes"]["authLanding"])
    if f"location.replace({target})" not in scripts[0] or "tenantry_signed_in=1" not in scripts[0]:
        yield f"/: it does not lead to {target}"

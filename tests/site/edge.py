"""_headers and _redirects as Cloudflare Pages reads them: rules, limits, and what the checks of a site ask of them."""
import re

CODES = {"200", "301", "302", "303", "307", "308"}
TOKEN = re.compile(r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")


def headers(text):
    """([(path, [(name, value)])], [mistake])"""
    rules, wrong = [], []
    for n, line in enumerate(text.split("\n"), 1):
        if len(line) > 2000:
            wrong.append(f"_headers:{n}: {len(line)} characters")
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if line[0] not in " \t":
            if not re.match(r"^(/|https://)\S*$", line):
                wrong.append(f"_headers:{n}: no path: {line}")
            if line.count("*") > 1:
                wrong.append(f"_headers:{n}: more than one splat")
            rules.append((line, []))
            continue
        name, colon, value = line.strip().partition(":")
        if not rules:
            wrong.append(f"_headers:{n}: a header before any path")
        elif name.startswith("! "):
            rules[-1][1].append((name[2:], None))
        elif not colon or not TOKEN.match(name) or not value.strip():
            wrong.append(f"_headers:{n}: no header: {line}")
        else:
            rules[-1][1].append((name, value.strip()))
    if len(rules) > 100:
        wrong.append(f"_headers: {len(rules)} rules")
    wrong += [f"_headers: {p} sets nothing" for p, h in rules if not h]
    return rules, wrong


def header_values(rules, path, name):
    """The values a request for `path` gets of one header."""
    found = []
    for pattern, pairs in rules:
        if re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), path):
            found += [v for n, v in pairs if n.lower() == name.lower() and v is not None]
    return found


def redirects(text):
    """([(from, to, code)], [mistake])"""
    rules, wrong, dynamic = [], [], 0
    for n, line in enumerate(text.split("\n"), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        parts = line.split()
        if len(line) > 1000 or len(parts) not in (2, 3):
            wrong.append(f"_redirects:{n}: {len(line)} characters, {len(parts)} parts")
            continue
        source, target, code = parts[0], parts[1], parts[2] if len(parts) == 3 else "302"
        moving = "*" in source or re.search(r"/:[A-Za-z]", source)
        if code not in CODES:
            wrong.append(f"_redirects:{n}: status {code}")
        if not source.startswith("/") or "?" in source or "#" in source or source.count("*") > 1:
            wrong.append(f"_redirects:{n}: source {source}")
        if not re.match(r"^(/|https?://)", target):
            wrong.append(f"_redirects:{n}: target {target}")
        if ":splat" in target and "*" not in source:
            wrong.append(f"_redirects:{n}: :splat without a splat")
        if dynamic and not moving:
            wrong.append(f"_redirects:{n}: a static rule after a dynamic one")
        if source == target or source in [r[0] for r in rules]:
            wrong.append(f"_redirects:{n}: {source} leads to itself or stands twice")
        dynamic += bool(moving)
        rules.append((source, target, code))
    if dynamic > 100 or len(rules) - dynamic > 2000:
        wrong.append(f"_redirects: {len(rules) - dynamic} static, {dynamic} dynamic rules")
    return rules, wrong


def policy(value):
    """A Content-Security-Policy as {directive: [source]}; a directive twice is a mistake."""
    out = {}
    for part in value.split(";"):
        words = part.split()
        if words:
            if words[0] in out:
                raise ValueError(f"{words[0]} stands twice")
            out[words[0]] = words[1:]
    return out

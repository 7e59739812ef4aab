"""What a browser, a crawler or a checker sees in one HTML page."""
import re
from html.parser import HTMLParser

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
RESOURCE_RELS = {"stylesheet", "icon", "apple-touch-icon", "manifest", "preload", "modulepreload"}


class Page(HTMLParser):
    def __init__(self, path, text):
        super().__init__(convert_charrefs=True)
        self.path, self.text = path, text        # path: "/blog/"
        self.lang = None
        self.titles, self.h1, self.ids = [], [], []
        self.metas, self.links, self.images = [], [], []
        self.anchors, self.forms, self.times = [], [], []
        self.references = []                      # (element, attribute, value)
        self.bad_attributes = []
        self.scripts, self.styles = [], []        # (attributes, text, in head)
        self.order = []                           # what the head brings, in order
        self.unclosed = []
        self.stack, self.capture = [], None
        self.feed(text)
        self.close()
        self.unclosed = [t for t in self.stack]

    def handle_starttag(self, tag, attributes):
        names = [n for n, _ in attributes]
        a = {n: v or "" for n, v in attributes}
        if len(names) != len(set(names)):
            self.bad_attributes.append(f"<{tag}> has an attribute twice")
        for n in names:
            if n == "style" or n.startswith("on"):
                self.bad_attributes.append(f"<{tag} {n}=...>")
        if "id" in a:
            self.ids.append(a["id"])
        for n in ("href", "src", "action", "poster"):
            if n in a and not (tag == "base"):
                self.references.append((tag, n, a[n]))
        for n in ("srcset", "imagesrcset"):
            for part in a.get(n, "").split(","):
                if part.strip():
                    self.references.append((tag, n, part.split()[0]))
        in_head = "head" in self.stack
        if tag == "html":
            self.lang = a.get("lang")
        elif tag == "meta":
            self.metas.append(a)
        elif tag == "link":
            self.links.append(a)
        elif tag == "img":
            self.images.append(a)
        elif tag == "a":
            self.anchors.append(a)
        elif tag == "form":
            self.forms.append(a)
        elif tag == "time":
            self.times.append(a.get("datetime", ""))
        if tag == "body" or in_head and (tag in ("script", "style") or tag == "link" and "stylesheet" in a.get("rel", "")):
            self.order.append((tag, a))
        if tag in ("title", "h1", "script", "style") and "svg" not in self.stack:
            self.capture = (tag, a, [], in_head)
        if tag not in VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.stack.pop()

    def handle_endtag(self, tag):
        if self.stack and self.stack[-1] == tag:
            self.stack.pop()
        elif tag not in VOID:
            self.unclosed.append(f"</{tag}> closes <{self.stack[-1] if self.stack else ''}>")
        if self.capture and self.capture[0] == tag:
            kind, a, parts, in_head = self.capture
            text = "".join(parts)
            self.capture = None
            if kind == "title":
                self.titles.append(text.strip())
            elif kind == "h1":
                self.h1.append(re.sub(r"\s+", " ", text).strip())
            elif kind == "script":
                self.scripts.append((a, text, in_head))
            else:
                self.styles.append((a, text, in_head))

    def handle_data(self, data):
        if self.capture:
            self.capture[2].append(data)

    def meta(self, name):
        """Every content of <meta name=...> or <meta property=...>."""
        return [m.get("content", "") for m in self.metas if name in (m.get("name"), m.get("property"))]

    def rel(self, name):
        return [l.get("href", "") for l in self.links if name in l.get("rel", "").split()]

    @property
    def noindex(self):
        return any("noindex" in x for x in self.meta("robots"))

    def resources(self):
        """What the browser fetches by itself, and where forms go."""
        out = [v for tag, n, v in self.references if tag not in ("a", "link", "area")]
        return out + [l.get("href", "") for l in self.links if set(l.get("rel", "").split()) & RESOURCE_RELS]

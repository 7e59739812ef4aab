/* A strict judge of what the sanitizer wrote.  It knows nothing of the sanitizer: its
 * own tokens, its own list.  What it does not understand is a fault. */
#ifndef SUPPORT_HTML_JUDGE_H
#define SUPPORT_HTML_JUDGE_H
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/str.h"

struct judge {
    const char *p, *end;
    const char *open[600];
    size_t n;
    const char *fault; /* NULL: none so far */
};

static const char *const judge_elements[] = {"a", "abbr", "address", "article", "aside",
    "b", "bdi", "bdo", "blockquote", "br", "caption", "cite", "code", "dd", "del",
    "details", "dfn", "div", "dl", "dt", "em", "figcaption", "figure", "footer", "h1",
    "h2", "h3", "h4", "h5", "h6", "header", "hr", "i", "img", "ins", "kbd", "li",
    "mark", "ol", "p", "pre", "q", "rp", "rt", "ruby", "s", "samp", "section", "small",
    "span", "strong", "sub", "summary", "sup", "table", "tbody", "td", "tfoot", "th",
    "thead", "time", "tr", "u", "ul", "var", "wbr", NULL};
/* "element:attribute", or an attribute that all but br, hr and wbr may have. */
static const char *const judge_attributes[] = {"title", "lang", "dir", "a:href",
    "a:rel", "img:src", "img:alt", "img:width", "img:height", "img:loading",
    "img:decoding", "td:colspan", "td:rowspan", "th:colspan", "th:rowspan", "th:scope",
    "ol:start", "ol:type", "ol:reversed", "li:value", "code:class", "time:datetime",
    "del:datetime", "ins:datetime", "details:open", "h1:id", "h2:id", "h3:id", "h4:id",
    "h5:id", "h6:id", NULL};

static inline bool judge_among(const char *const *list, const char *word) {
    for (; *list; list++)
        if (!strcmp(*list, word)) return true;
    return false;
}

static inline const char *judge_known(const char *name, size_t len) {
    for (const char *const *e = judge_elements; *e; e++)
        if (strlen(*e) == len && !memcmp(*e, name, len)) return *e;
    return NULL;
}

static inline bool judge_say(struct judge *j, const char *fault) {
    if (!j->fault) j->fault = fault;
    return false;
}

static inline bool judge_starts(const struct judge *j, const char *s) {
    size_t n = strlen(s);
    return (size_t)(j->end - j->p) >= n && !memcmp(j->p, s, n);
}

/* One character of text or value; *c: what it stands for. */
static inline bool judge_char(struct judge *j, char *c) {
    static const struct {
        const char *name, stands_for;
    } entities[] = {
        {"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&#39;", '\''}};
    *c = *j->p;
    if (*c == '<' || *c == '>' || *c == '"' || *c == '\'')
        return judge_say(j, "a character that should be escaped");
    if (((unsigned char)*c < ' ' && *c != '\n' && *c != '\t') || *c == 0x7F)
        return judge_say(j, "a control character");
    if (*c != '&') {
        j->p++;
        return true;
    }
    for (size_t i = 0; i < sizeof entities / sizeof *entities; i++) {
        if (!judge_starts(j, entities[i].name)) continue;
        j->p += strlen(entities[i].name);
        *c = entities[i].stands_for;
        return true;
    }
    return judge_say(j, "an & that is not one of the five entities");
}

/* As a careless browser would read it. */
static inline bool judge_url(struct judge *j, const char *value, bool image) {
    static const char *const schemes[] = {"http://", "https://", "mailto:", "tel:"};
    char seen[32];
    size_t n = 0;
    for (const char *p = value; *p; p++)
        if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 0x7F || *p == '\\')
            return judge_say(j, "an address with a byte that should be encoded");
    for (; value[n] && n < sizeof seen - 1; n++)
        seen[n] = (char)tolower((unsigned char)value[n]);
    seen[n] = '\0';
    for (size_t i = 0; i < (image ? 2 : 4); i++)
        if (!strncmp(seen, schemes[i], strlen(schemes[i]))) return true;
    if (value[strcspn(value, ":/?#")] == ':')
        return judge_say(j, "an address with a scheme off the list");
    return !image || *value || judge_say(j, "an image without an address");
}

static inline bool judge_value(
    struct judge *j, const char *element, const char *attribute, const char *value) {
    if (!strcmp(attribute, "href")) return judge_url(j, value, false);
    if (!strcmp(attribute, "src")) return judge_url(j, value, true);
    if (!strcmp(attribute, "class") && strncmp(value, "language-", 9))
        return judge_say(j, "a class");
    if (!strcmp(attribute, "class") && strpbrk(value, " \t\n<>\"'&"))
        return judge_say(j, "more than one class");
    if (!strcmp(attribute, "rel") && strcmp(value, "noopener nofollow ugc"))
        return judge_say(j, "another rel");
    if (!strcmp(attribute, "loading") && strcmp(value, "lazy"))
        return judge_say(j, "another loading");
    (void)element;
    return true;
}

struct judge_seen {
    char names[12][16];
    size_t n;
    bool external, rel, src, lazy;
};

static inline bool judge_attribute(
    struct judge *j, const char *element, struct judge_seen *seen) {
    char name[16], full[40], c;
    size_t n = 0;
    struct buf value;
    j->p++;
    while (j->p < j->end && *j->p >= 'a' && *j->p <= 'z' && n < 15) name[n++] = *j->p++;
    name[n] = '\0';
    if (!judge_starts(j, "=\"")) return judge_say(j, "an attribute without =\"");
    j->p += 2;
    snprintf(full, sizeof full, "%s:%s", element, name);
    bool plain = !strcmp(element, "br") || !strcmp(element, "hr") ||
                 !strcmp(element, "wbr") || strchr(name, ':');
    if (!judge_among(judge_attributes, full) &&
        (plain || !judge_among(judge_attributes, name)))
        return judge_say(j, "an attribute off the list");
    for (size_t i = 0; i < seen->n; i++)
        if (!strcmp(seen->names[i], name)) return judge_say(j, "an attribute twice");
    if (seen->n == 12) return judge_say(j, "too many attributes");
    snprintf(seen->names[seen->n++], 16, "%s", name);
    buf_init(&value, 0);
    buf_cstr(&value, "");
    while (j->p < j->end && *j->p != '"' && judge_char(j, &c)) buf_char(&value, c);
    bool ok = !j->fault && (j->p < j->end || judge_say(j, "a value without an end")) &&
              judge_value(j, element, name, value.ptr ? value.ptr : "");
    j->p++;
    if (value.ptr && !strcmp(name, "href"))
        seen->external = !strncmp(value.ptr, "http://", 7) ||
                         !strncmp(value.ptr, "https://", 8) ||
                         !strncmp(value.ptr, "//", 2);
    seen->rel |= !strcmp(name, "rel");
    seen->src |= !strcmp(name, "src");
    seen->lazy |= !strcmp(name, "loading");
    buf_dispose(&value);
    return ok;
}

static inline const char *judge_parent(const struct judge *j) {
    return j->n ? j->open[j->n - 1] : "";
}

static inline bool judge_is_open(const struct judge *j, const char *name) {
    for (size_t i = j->n; i; i--)
        if (!strcmp(j->open[i - 1], name)) return true;
    return false;
}

/* Where an HTML parser would move things about. */
static inline bool judge_place(struct judge *j, const char *name) {
    static const char *const around[] = {
        "table", "tbody", "thead", "tfoot", "tr", NULL};
    static const char *const sections[] = {"tbody", "thead", "tfoot", NULL};
    const char *in = judge_parent(j);
    if (!strcmp(name, "caption") || judge_among(sections, name))
        return !strcmp(in, "table") || judge_say(j, "a section outside a table");
    if (!strcmp(name, "tr"))
        return judge_among(sections, in) || judge_say(j, "a row outside a section");
    if (!strcmp(name, "td") || !strcmp(name, "th"))
        return !strcmp(in, "tr") || judge_say(j, "a cell outside a row");
    if (judge_among(around, in)) return judge_say(j, "an element between cells");
    if (!strcmp(name, "li") && strcmp(in, "ul") && strcmp(in, "ol"))
        return judge_say(j, "an item outside a list");
    if (!strcmp(name, "a") && judge_is_open(j, "a"))
        return judge_say(j, "a link in a link");
    return true;
}

static inline bool judge_close(struct judge *j) {
    j->p += 2;
    const char *gt = memchr(j->p, '>', (size_t)(j->end - j->p));
    if (!gt) return judge_say(j, "an end tag without an end");
    const char *name = judge_known(j->p, (size_t)(gt - j->p));
    if (!name || !j->n || j->open[j->n - 1] != name)
        return judge_say(j, "an end tag of what is not open");
    j->n--;
    j->p = gt + 1;
    return true;
}

static inline bool judge_tag(struct judge *j) {
    static const char *const voids[] = {"br", "hr", "img", "wbr", NULL};
    struct judge_seen seen = {0};
    if (judge_starts(j, "</")) return judge_close(j);
    const char *start = ++j->p;
    while (j->p < j->end &&
           (islower((unsigned char)*j->p) || isdigit((unsigned char)*j->p)))
        j->p++;
    const char *name = judge_known(start, (size_t)(j->p - start));
    if (!name) return judge_say(j, "an element off the list");
    while (judge_starts(j, " "))
        if (!judge_attribute(j, name, &seen)) return false;
    if (!judge_starts(j, ">")) return judge_say(j, "a tag that does not end in >");
    j->p++;
    if (seen.external && !seen.rel) return judge_say(j, "an external link without rel");
    if (!strcmp(name, "img") && (!seen.src || !seen.lazy))
        return judge_say(j, "an image without src or loading");
    if (!judge_place(j, name)) return false;
    if (judge_among(voids, name)) return true;
    if (j->n == sizeof j->open / sizeof *j->open) return judge_say(j, "too deep");
    j->open[j->n++] = name;
    return true;
}

/* NULL, or what is wrong with the HTML. */
static inline const char *judge_html(struct str html) {
    struct judge j = {.p = html.ptr, .end = html.ptr + html.len};
    size_t bad;
    char c;
    if (!str_is_utf8(html, &bad)) return "not UTF-8";
    while (j.p < j.end && !j.fault) {
        if (*j.p == '<')
            judge_tag(&j);
        else
            judge_char(&j, &c);
    }
    if (!j.fault && j.n) judge_say(&j, "an element without an end tag");
    return j.fault;
}
#endif

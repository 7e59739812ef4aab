#include "generator/view.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/mem.h"
#include "generator/assets.h"
#include "generator/partials.h"
#include "generator/pull.h"
#include "model/pricing.h"

/* ---- small things ---- */

json_t *view_date(struct site *s, int64_t t) {
    json_t *v = json_object();
    json_set_str(v, "iso", clock_iso_date(&s->arena, t));
    json_set_str(v, "rfc3339", clock_rfc3339(&s->arena, t));
    json_set_str(v, "rfc822", clock_rfc822(&s->arena, t));
    json_set_str(v, "text", clock_long(&s->arena, t));
    return v;
}

/* Characters that cannot stand as they are in the path of a URL (RFC 3986; % stays, of
 * what is escaped already). */
static const bool escaped[256] = {[0 ... ' '] = true,
    ['"'] = true,
    ['<'] = true,
    ['>'] = true,
    ['\\'] = true,
    ['^'] = true,
    ['`'] = true,
    ['{' ... '}'] = true,
    [127 ... 255] = true};

char *view_absolute(struct site *s, const char *path) {
    static const char hex[] = "0123456789ABCDEF";
    size_t n = strlen(path), base = strlen(s->tenant.url);
    char *url = arena_take(&s->arena, base + 3 * n + 1), *to = url + base;
    memcpy(url, s->tenant.url, base);
    for (const unsigned char *c = (const unsigned char *)path; *c; c++) {
        if (!escaped[*c]) {
            *to++ = (char)*c;
            continue;
        }
        *to++ = '%';
        *to++ = hex[*c >> 4];
        *to++ = hex[*c & 15];
    }
    *to = 0;
    return url;
}

size_t view_stack(
    json_t *stack[3], const struct site *s, json_t *element, json_t *names) {
    size_t n = 0;
    bool whole = json_is_object(element);
    stack[n++] = s->view;
    if (whole) stack[n++] = element;
    stack[n++] = names;
    if (element && !whole) stack[n++] = element;
    return n;
}

void view_set_address(struct site *s, json_t *view, const char *path) {
    json_set_str(view, "path", path);
    json_set_str(view, "url", view_absolute(s, path));
}

/* The object at `key`, made when it is missing. */
static json_t *section(json_t *view, const char *key) {
    json_t *v = json_object_get(view, key);
    if (json_is_object(v)) return v;
    v = json_object();
    json_object_set_new(view, key, v);
    return v;
}

static void default_texts(json_t *object, const char *const *keys, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!json_is_string(json_object_get(object, keys[i])))
            json_set_str(object, keys[i], "");
}

/* ---- images the config names ---- */

/* The file behind a config value, or NULL; what nobody has is a warning. */
static struct media *config_image(
    struct site *s, const char *pointer, const char *value) {
    if (media_is_external(str_from(value))) return NULL;
    struct media *m = media_find(&s->media, str_from(value), NULL);
    if (!m && str_is(str_from(value), "/favicon.svg")) return NULL;
    if (!m)
        diag_add(s->diags, DIAG_WARNING, tenant_place(&s->tenant, pointer, false),
            "image \"%s\" is not there: expected tenants/%s/images/...; left out",
            value, s->tenant.id);
    return m;
}

static void view_branding(struct site *s) {
    static const char *const texts[] = {
        "name", "tagline", "logo", "logoEmoji", "favicon", "supportEmail", "mascot"};
    static const char *const images[] = {"logo", "favicon", "mascot"};
    json_t *branding = section(s->view, "branding");
    default_texts(branding, texts, sizeof texts / sizeof *texts);
    for (size_t i = 0; i < sizeof images / sizeof *images; i++) {
        const char *value = json_string_value(json_object_get(branding, images[i]));
        char *pointer = arena_printf(&s->arena, "/branding/%s", images[i]);
        struct media *m = config_image(s, pointer, value);
        if (m) {
            json_set_str(branding, images[i], m->url);
            json_share(
                branding, arena_printf(&s->arena, "%s_image", images[i]), m->view);
        } else if (!media_is_external(str_from(value)))
            json_set_str(branding, images[i], "");
    }
}

/* meta.ogImage and the like: an absolute URL, and its measures as meta.<name>. */
static void meta_image(
    struct site *s, json_t *meta, const char *key, const char *name) {
    const char *value = json_string_value(json_object_get(meta, key));
    struct media *m = config_image(s, arena_printf(&s->arena, "/meta/%s", key), value);
    if (!m) {
        if (!media_is_external(str_from(value))) json_set_str(meta, key, "");
        return;
    }
    json_t *view = json_copy(m->view);
    json_set_str(view, "url", view_absolute(s, m->url));
    json_set_str(meta, key, view_absolute(s, m->url));
    json_object_set_new(meta, name, view);
}

static void view_meta(struct site *s) {
    static const char *const texts[] = {
        "title", "description", "ogImage", "twitterImage"};
    json_t *meta = section(s->view, "meta");
    default_texts(meta, texts, sizeof texts / sizeof *texts);
    json_set_str(meta, "url", s->tenant.url);
    meta_image(s, meta, "ogImage", "og");
    meta_image(s, meta, "twitterImage", "twitter");
    if (json_truthy(json_object_get(meta, "twitterImage"))) return;
    json_object_set(meta, "twitterImage", json_object_get(meta, "ogImage"));
    if (json_object_get(meta, "og"))
        json_share(meta, "twitter", json_object_get(meta, "og"));
}

/* ---- colours ---- */

static void set_hsl(struct site *s, json_t *theme, const char *key, struct hsl c) {
    json_set_str(theme, key, arena_printf(&s->arena, "%g %g%% %g%%", c.h, c.s, c.l));
}

/* The hex form of a colour and the two shades of it that read as text. */
static void theme_colour(
    struct site *s, json_t *theme, const char *key, const char *name, bool text) {
    static const struct hsl white = {0, 0, 100}, night = {0, 0, 7};
    struct hsl c, passing;
    char hex[8];
    const char *value = json_string_value(json_object_get(theme, key));
    if (!value || !hsl_parse(str_from(value), &c)) return;
    hsl_hex(c, hex);
    json_set_str(theme, arena_printf(&s->arena, "%s_hex", name), hex);
    if (!text) return;
    passing = c;
    hsl_passing(c, white, 4.5, &passing);
    set_hsl(s, theme, arena_printf(&s->arena, "%s_text", name), passing);
    passing = c;
    hsl_passing(c, night, 4.5, &passing);
    set_hsl(s, theme, arena_printf(&s->arena, "%s_text_dark", name), passing);
}

static void view_theme(struct site *s) {
    static const char *const texts[] = {"secondaryColor"};
    json_t *theme = section(s->view, "theme");
    default_texts(theme, texts, 1);
    theme_colour(s, theme, "primaryColor", "primary", true);
    theme_colour(s, theme, "primaryForeground", "foreground", false);
    theme_colour(s, theme, "accentColor", "accent", true);
    theme_colour(s, theme, "secondaryColor", "secondary", false);
}

/* ---- documents ---- */

static bool view_documents(struct site *s) {
    json_t *list = json_array(), *has = json_object(), *skills = NULL;
    static const char *const known[][2] = {{"skill.md", "skill"},
        {"skill.json", "skill_json"}, {"heartbeat.md", "heartbeat"}};
    for (size_t k = 0; k < 3; k++) json_set_bool(has, known[k][1], false);
    for (size_t i = 0; i < s->n_documents; i++) {
        json_t *d = json_object();
        json_set_str(d, "name", s->documents[i].name);
        view_set_address(s, d, path_to_url(&s->arena, str_from(s->documents[i].name)));
        json_array_append_new(list, d);
        for (size_t k = 0; k < 3; k++)
            if (!strcmp(s->documents[i].name, known[k][0]))
                json_set_bool(has, known[k][1], true);
    }
    bool ok =
        documents_skills(s->documents, s->n_documents, &s->tenant, &skills, s->diags);
    json_object_set_new(s->view, "documents", list);
    json_object_set_new(s->view, "has", has);
    json_object_set_new(s->view, "skills", skills ? skills : json_array());
    return ok;
}

/* ---- what the theme brings ---- */

static void view_images(struct site *s) {
    json_t *images = json_object();
    for (size_t i = 0; i < s->n_images; i++) {
        struct media *m = media_tenant(&s->media, s->images[i]);
        struct str below = str_from(s->images[i] + strlen("images/"));
        const char *wrong = NULL;
        if (!path_is_safe(str_from(s->images[i])))
            wrong = "a backslash or a control character in its name: rename it";
        else if (m && !names_put(images, below, json_incref(m->view)))
            wrong = "its name is also that of another image's part: rename one";
        if (wrong)
            diag_add(s->diags, DIAG_ERROR,
                DIAG_FILE(arena_printf(
                    &s->arena, "tenants/%s/%s", s->tenant.id, s->images[i])),
                "%s", wrong);
    }
    json_object_set_new(s->view, "images", images);
}

static json_t *inline_view(const struct buf *text) {
    char digest[45], csp[64];
    struct str t = buf_view(text);
    while (t.len && t.ptr[t.len - 1] == '\n') t.len--;
    sha256_base64(t, digest);
    snprintf(csp, sizeof csp, "'sha256-%s'", digest);
    json_t *v = json_object();
    json_set_text(v, "text_html", t);
    json_set_str(v, "csp", csp);
    return v;
}

/* Renders inline/ for this tenant, so that pages and _headers can hold text and hash.
 */
static bool view_inline(struct site *s) {
    struct theme_files files = theme_below(s->theme, "inline/", &s->arena);
    json_t *inlines = json_object();
    struct buf text;
    bool ok = true;
    buf_init(&text, 1 << 20);
    json_object_set_new(s->view, "inline", inlines);
    for (size_t i = 0; i < files.n; i++) {
        struct str path = str_from(files.items[i]->path);
        struct str name = str_slice(path, strlen("inline/"), path.len);
        struct partials p;
        struct template_env env = partials_env(&p, s, path);
        buf_reset(&text);
        if (!files.items[i]->body || !template_render(files.items[i]->body,
                                         escape_for(path), &s->view, 1, &env, &text)) {
            ok = false;
            continue;
        }
        name.len -= path_suffix(path).len + 1;
        json_object_set_new(inlines, arena_str(&s->arena, name), inline_view(&text));
    }
    buf_dispose(&text);
    return ok;
}

/* ---- the whole ---- */

static void view_site(struct site *s) {
    json_t *site = json_object(), *aliases = json_array();
    json_set_str(site, "url", s->tenant.url);
    json_set_str(site, "host", s->tenant.canonical);
    json_set_bool(site, "noindex", s->build->options->noindex);
    json_object_set_new(s->view, "site", site);
    for (size_t i = 0; i < s->tenant.n_domains; i++) {
        if (!strcmp(s->tenant.domains[i], s->tenant.canonical)) continue;
        json_t *alias = json_object();
        json_set_str(alias, "host", s->tenant.domains[i]);
        json_array_append_new(aliases, alias);
    }
    json_object_set_new(s->view, "aliases", aliases);
}

/* routes.guestLanding "/lobster" -> the partial landings/lobster */
static void view_landing_name(struct site *s) {
    const char *route = json_path_string(s->view, "routes.guestLanding");
    struct str key = str_from(route ? route : "");
    while (key.len && key.ptr[0] == '/') key = str_slice(key, 1, key.len);
    while (key.len && key.ptr[key.len - 1] == '/') key.len--;
    char *name = arena_printf(&s->arena, "landings/" STR_FMT, STR_ARG(key));
    char *path = arena_printf(&s->arena, "%s.html", name);
    if (!key.len || !theme_find(s->theme, str_from(path))) {
        bool has_landings = theme_below(s->theme, "landings/", &s->arena).n > 0;
        if (key.len && has_landings)
            diag_add(s->diags, DIAG_WARNING,
                tenant_place(&s->tenant, "/routes/guestLanding", false),
                "the theme \"%s\" has no %s; its default landing is used",
                s->theme->name, path);
        name = arena_strdup(&s->arena, "landings/default");
    }
    json_set_str(json_object_get(s->view, "site"), "landing", name);
}

static void view_pricing(struct site *s) {
    bool inherited = false;
    const json_t *lender = s->build->has_lender ? s->build->lender.config : NULL;
    json_t *rows = pull_pricing(s);
    json_t *source = rows ? rows : pricing_source(s->tenant.config, lender, &inherited);
    s->pricing = source ? pricing_view(source, inherited) : NULL;
    json_decref(rows);
    if (s->pricing) {
        json_object_set_new(s->pricing, "promotions",
            s->rows.promotions ? json_incref(s->rows.promotions) : json_array());
        json_share(s->view, "pricing", s->pricing);
    } else
        json_object_del(s->view, "pricing");
}

bool view_tenant(struct site *s) {
    static const char *const tracking[] = {"gaId"};
    s->view = json_deep_copy(s->tenant.config);
    view_branding(s);
    view_meta(s);
    view_theme(s);
    section(s->view, "routes");
    section(s->view, "features");
    default_texts(section(s->view, "tracking"), tracking, 1);
    view_pricing(s);
    view_site(s);
    view_landing_name(s);
    view_images(s);
    json_share(s->view, "assets", s->theme->asset_urls);
    bool ok = view_documents(s);
    return view_inline(s) && ok;
}

/* tenantry new tenant: a config that is valid, legible and the tenant's own, from its
 * id. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/json.h"
#include "base/slug.h"
#include "generator/build.h"
#include "generator/command_new.h"
#include "generator/content.h"
#include "model/hosts.h"
#include "model/tenant.h"

#define TEXT_RATIO 4.5 /* WCAG 2 AA, text */

struct brand {                              /* what the files of a tenant are made of */
    const char *id, *name, *domain, *other; /* other: with or without www. */
    const char *emoji;
    struct hsl primary, foreground, accent;
    bool schema;
};

static const struct hsl white = {0, 0, 100}, ink = {0, 0, 7};

/* ---- from what was given, or else the id ---- */

/* "acme-tools" -> "Acme Tools" */
static const char *name_of(struct arena *a, const char *id) {
    char *name = arena_strdup(a, id);
    bool start = true;
    for (char *c = name; *c; c++) {
        if (*c == '-' || *c == '_') *c = ' ';
        if (start && *c >= 'a' && *c <= 'z') *c = (char)(*c - 32);
        start = *c == ' ';
    }
    return arena_str(a, str_trim(str_from(name)));
}

static bool hex_digit(char c, unsigned *v) {
    const char *digits = "0123456789abcdef", *at;
    at = strchr(digits, c >= 'A' && c <= 'F' ? c + 32 : c);
    *v = c && at ? (unsigned)(at - digits) : 0;
    return c && at;
}

static double larger(double a, double b) {
    return a > b ? a : b;
}

static struct hsl hsl_from_rgb(double r, double g, double b) {
    double high = larger(r, larger(g, b)), low = -larger(-r, larger(-g, -b));
    double range = high - low, l = (high + low) / 2, h = 0;
    if (range > 0 && high == r)
        h = (g - b) / range + (g < b ? 6 : 0);
    else if (range > 0)
        h = high == g ? (b - r) / range + 2 : (r - g) / range + 4;
    double s = range > 0 ? range / (l > 0.5 ? 2 - high - low : high + low) : 0;
    return (struct hsl){h * 60, s * 100, l * 100};
}

/* "#e7b008", "e7b", "45 93% 47%" */
static bool read_colour(const char *text, struct hsl *out) {
    unsigned v[6];
    if (hsl_parse(str_from(text), out)) return true;
    text += *text == '#';
    size_t n = strlen(text);
    if (n != 3 && n != 6) return false;
    for (size_t i = 0; i < n; i++)
        if (!hex_digit(text[i], &v[i])) return false;
    double rgb[3];
    for (size_t i = 0; i < 3; i++)
        rgb[i] = (n == 3 ? v[i] * 17 : v[2 * i] * 16 + v[2 * i + 1]) / 255.0;
    *out = hsl_from_rgb(rgb[0], rgb[1], rgb[2]);
    return true;
}

/* Without a colour, each id has one of its own, always the same. */
static void choose_look(struct maker *m, struct brand *b, bool given) {
    static const char *const emojis[] = {"🌱", "🌻", "🦊", "🐙", "🚀", "🎈", "🍋", "🧭",
        "🪁", "🐝", "🌊", "🦉", "🍀", "⛵", "🎨", "🐢"};
    unsigned char hash[32];
    sha256_raw(str_from(b->id), hash);
    b->emoji = m->emoji ? m->emoji : emojis[hash[2] % 16];
    if (!given) {
        b->primary = (struct hsl){(hash[0] * 256 + hash[1]) % 360, 70, 45};
        hsl_passing(b->primary, white, TEXT_RATIO, &b->primary);
    }
    bool light = hsl_contrast(white, b->primary) < TEXT_RATIO;
    b->foreground = light ? ink : white;
    b->accent = (struct hsl){(int)(b->primary.h + 160) % 360, 65, 40};
    hsl_passing(b->accent, white, TEXT_RATIO, &b->accent);
}

static int choose_domain(struct maker *m, struct brand *b) {
    const char *label = slug_make(&m->arena, str_from(b->id));
    const char *given =
        m->domain ? m->domain : arena_printf(&m->arena, "%s.example", label);
    b->domain = strchr(given, ':') ? NULL : host_clean(&m->arena, str_from(given));
    if (!b->domain || !strchr(b->domain, '.'))
        return command_misuse(m->command,
            "--domain is a bare host name such as acme.example, not \"%s\"", given);
    bool www = !strncmp(b->domain, "www.", 4) && strchr(b->domain + 4, '.');
    b->other = www ? b->domain + 4 : arena_printf(&m->arena, "www.%s", b->domain);
    return -1;
}

static int choose_brand(struct maker *m, const char *id, struct brand *b) {
    *b = (struct brand){.id = id};
    b->name = m->name ? m->name : name_of(&m->arena, id);
    if (m->colour && !read_colour(m->colour, &b->primary))
        return command_misuse(m->command,
            "--color is #e7b008 or an HSL triple such as \"45 93%% 47%%\", not \"%s\"",
            m->colour);
    choose_look(m, b, m->colour != NULL);
    return choose_domain(m, b);
}

/* ---- config.json ---- */

static void member(struct buf *t, const char *key, const char *value, bool last) {
    buf_printf(t, "    \"%s\": \"", key);
    buf_json(t, str_from(value), false);
    buf_cstr(t, last ? "\"\n" : "\",\n");
}

static void colour(struct buf *t, const char *key, struct hsl c, bool last) {
    char text[64];
    snprintf(text, sizeof text, "%.0f %.0f%% %.0f%%", c.h, c.s, c.l);
    member(t, key, text, last);
}

static void write_config(struct maker *m, const struct brand *b, struct buf *t) {
    struct arena *a = &m->arena;
    buf_cstr(t, "{\n");
    if (b->schema) buf_cstr(t, "  \"$schema\": \"../../config.schema.json\",\n");
    buf_printf(t, "  \"id\": \"%s\",\n  \"domains\": [\"%s\", \"%s\"],\n", b->id,
        b->domain, b->other);
    buf_cstr(t, "  \"branding\": {\n");
    member(t, "name", b->name, false);
    member(t, "tagline", "One line that says what we do", false);
    member(t, "logo", "", false);
    member(t, "logoEmoji", b->emoji, false);
    member(t, "favicon", "", false);
    member(t, "supportEmail",
        arena_printf(
            a, "hello@%s", strncmp(b->domain, "www.", 4) ? b->domain : b->other),
        false);
    member(t, "mascot", "", true);
    buf_cstr(t, "  },\n  \"meta\": {\n");
    member(t, "title", b->name, false);
    member(t, "description",
        arena_printf(a,
            "What %s offers, and to whom, in one or two sentences: search "
            "engines and link previews show them.",
            b->name),
        false);
    member(t, "ogImage", "", false);
    member(t, "twitterImage", "", false);
    member(t, "url", arena_printf(a, "https://%s", b->domain), true);
    buf_cstr(t, "  },\n  \"theme\": {\n");
    colour(t, "primaryColor", b->primary, false);
    colour(t, "primaryForeground", b->foreground, false);
    colour(t, "accentColor", b->accent, true);
    buf_cstr(t, "  },\n  \"routes\": {\n");
    member(t, "guestLanding", "/", false);
    member(t, "authLanding", "/login", true);
    buf_cstr(t, "  },\n  \"features\": {}\n}\n");
}

/* What was given on the command line may still be no emoji, or no name. */
static bool check_config(struct maker *m, const char *id, struct str text) {
    struct diag_list found;
    struct tenant t;
    diag_init(&found);
    bool ok = tenant_parse(&t, id, text, &found);
    for (const struct diag *d = found.first; d; d = d->next)
        if (d->level == DIAG_ERROR)
            diag_add(&m->diags, DIAG_ERROR, DIAG_NOWHERE, "%s", d->message);
    tenant_dispose(&t);
    diag_dispose(&found);
    return ok;
}

/* ---- content ---- */

static void write_landing(struct maker *m, const struct brand *b, struct buf *t) {
    const char *path = arena_printf(&m->arena, "content/%s/index.md", b->id);
    buf_cstr(t, "---\n");
    maker_yaml(t, "title", b->name);
    buf_cstr(t, "hero:\n  ");
    maker_yaml(t, "title", arena_printf(&m->arena, "Welcome to %s", b->name));
    buf_printf(t,
        "  subtitle: This page is made from %s. Every part of it may be left out.\n"
        "  primary_text: Who we are\n  primary_link: /about/\n"
        "  secondary_text: Read the blog\n  secondary_link: /blog/\n"
        "features:\n  title: Three good reasons\n  items:\n",
        path);
    static const char *const items[][3] = {
        {"🎯", "First", "What a visitor gains, in one sentence."},
        {"🧰", "Second", "What makes it easy, in one sentence."},
        {"🤝", "Third", "Why to trust you with it, in one sentence."},
    };
    for (size_t i = 0; i < 3; i++)
        buf_printf(t, "    - icon: \"%s\"\n      title: %s\n      text: %s\n",
            items[i][0], items[i][1], items[i][2]);
    buf_cstr(t, "faq:\n  items:\n    - question: What do people ask first?\n"
                "      answer: Put the answer here, and add as many as there are.\n"
                "---\n");
}

static void write_about(const struct brand *b, struct maker *m, struct buf *t) {
    buf_cstr(t, "---\n");
    maker_yaml(t, "title", arena_printf(&m->arena, "About %s", b->name));
    buf_cstr(t, "nav: true\n---\n\nWho you are, and why you do this.\n");
}

static void write_post(const struct brand *b, struct maker *m, struct buf *t) {
    buf_cstr(t, "---\ntitle: Hello\n");
    maker_yaml(
        t, "description", arena_printf(&m->arena, "%s has a new site.", b->name));
    buf_printf(t,
        "date: %s\ntags: [news]\n---\n\nOur new site is here. "
        "[About us](../about.md) says who we are.\n",
        clock_iso_date(&m->arena, m->options->now));
}

int maker_tenant_files(
    struct maker *m, const char *prefix, const char *id, bool schema) {
    struct arena *a = &m->arena;
    struct brand b;
    struct buf t;
    int code = choose_brand(m, id, &b);
    if (code >= 0) return code;
    b.schema = schema;
    buf_init(&t, 0);
    write_config(m, &b, &t);
    if (!check_config(m, id, buf_view(&t))) {
        buf_dispose(&t);
        return EXIT_INPUT;
    }
    maker_add_buf(m, arena_printf(a, "%stenants/%s/config.json", prefix, id), &t);
    write_landing(m, &b, &t);
    maker_add_buf(m, arena_printf(a, "%scontent/%s/index.md", prefix, id), &t);
    write_about(&b, m, &t);
    maker_add_buf(m, arena_printf(a, "%scontent/%s/about.md", prefix, id), &t);
    write_post(&b, m, &t);
    maker_add_buf(m, arena_printf(a, "%scontent/%s/posts/hello.md", prefix, id), &t);
    return -1;
}

/* ---- beside the tenants that are there ---- */

static bool domain_free(struct maker *m, struct build_inputs *in, const char *id) {
    struct tenant t;
    struct diag_list ignored;
    bool ok = true;
    diag_init(&ignored);
    tenant_parse(&t, id, m->files[0].bytes, &ignored);
    for (size_t i = 0; i < t.n_domains && ok; i++) {
        const struct host *h = hosts_find(&in->build.hosts, str_from(t.domains[i]));
        if (!h || !strcmp(h->tenant, id)) continue;
        if (strcmp(h->key, host_key(&m->arena, str_from(t.domains[i])))) continue;
        diag_add(&m->diags, DIAG_ERROR, h->place,
            "\"%s\" belongs to the tenant \"%s\" already; choose another --domain",
            t.domains[i], h->tenant);
        ok = false;
    }
    tenant_dispose(&t);
    diag_dispose(&ignored);
    return ok;
}

static bool check_workspace(struct maker *m, const char *id) {
    struct options o = *m->options;
    struct build_inputs in;
    struct diag_list ignored;
    bool ok = true;
    diag_init(&ignored);
    build_open(&in, &o, &ignored);
    if (in.build.workspace.tenants.fd < 0) {
        diag_add(&m->diags, DIAG_ERROR, DIAG_FILE(m->options->dir),
            "there is no folder \"tenants\" here; go to a workspace, name one with -C, "
            "or "
            "make one: tenantry new workspace DIR");
        ok = false;
    } else
        ok = domain_free(m, &in, id);
    build_close(&in);
    diag_dispose(&ignored);
    return ok;
}

int maker_tenant(struct maker *m, const char *id) {
    struct stat st;
    if (!tenant_id_valid(str_from(id)))
        return command_misuse(m->command,
            "\"%s\" cannot be an id: use a-z, 0-9, - and _, first a letter or digit, "
            "at "
            "most 63",
            id);
    int fd = root_open_file(&m->dir, "config.schema.json", &st);
    if (fd >= 0) close(fd);
    int code = maker_tenant_files(m, "", id, fd >= 0);
    if (code >= 0) return code;
    if (!check_workspace(m, id)) return EXIT_INPUT;
    m->next = arena_printf(&m->arena,
        "edit tenants/%s/config.json, then: tenantry build --tenant %s", id, id);
    return -1;
}

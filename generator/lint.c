/* Brand lint: what is valid in a config.json and would still disappoint. */
#include "generator/lint.h"

#include <math.h>
#include <string.h>

#define TEXT_RATIO 4.5 /* WCAG 2 AA, text */
#define ICON_RATIO 3.0 /* WCAG 2 AA, large text, icons, borders */
#define TITLE_MAX 60
#define DESCRIPTION_MIN 50
#define DESCRIPTION_MAX 160
#define OG_WIDTH 1200
#define OG_HEIGHT 630
#define OG_MIN_WIDTH 600
#define OG_MIN_HEIGHT 315
#define OG_MAX_BYTES (5u * 1024 * 1024)

struct lint {
    const struct tenant *tenant;
    bool (*image)(void *ctx, const char *path, struct lint_image *out);
    void *ctx;
    struct diag_list *diags;
    struct arena arena;
};

static const char *value_of(const struct lint *l, const char *dotted) {
    const char *s = json_path_string(l->tenant->config, dotted);
    return s ? s : "";
}

static struct diag_place place_of(const struct lint *l, const char *pointer) {
    return tenant_place(l->tenant, pointer, false);
}

/* Of a value that may be absent: then its section is the place. */
static struct diag_place place_or_section(const struct lint *l, const char *dotted,
    const char *pointer, const char *section) {
    return json_path(l->tenant->config, dotted)
               ? place_of(l, pointer)
               : tenant_place(l->tenant, section, true);
}

static size_t count_chars(const char *s) {
    size_t n = 0;
    for (; *s; s++)
        if (((unsigned char)*s & 0xC0) != 0x80) n++;
    return n;
}

/* ---- contrast ---- */

/* "1.98:1", "10.6:1"; rounded, but a failing 4.497 must not read 4.50. */
static char *ratio_text(struct lint *l, double ratio) {
    if (ratio >= 10) return arena_printf(&l->arena, "%.1f:1", ratio);
    double shown = round(ratio * 100) / 100;
    if ((ratio < TEXT_RATIO && shown >= TEXT_RATIO) ||
        (ratio < ICON_RATIO && shown >= ICON_RATIO))
        shown -= 0.01;
    return arena_printf(&l->arena, "%.2f:1", shown);
}

/* A whole percentage that passes, as config.json would say it; NULL: none does. */
static char *nearest_passing(
    struct lint *l, struct hsl colour, struct hsl other, double ratio) {
    struct hsl best;
    if (!hsl_passing(colour, other, ratio, &best)) return NULL;
    double step = best.l < colour.l ? -1 : 1;
    best.l = step < 0 ? floor(best.l) : ceil(best.l);
    while (hsl_contrast(best, other) < ratio && best.l > 0 && best.l < 100)
        best.l += step;
    if (hsl_contrast(best, other) < ratio) return NULL;
    return arena_printf(&l->arena, "%g %g%% %g%%", best.h, best.s, best.l);
}

static void check_button(struct lint *l, struct hsl primary) {
    struct hsl text;
    const char *raw = value_of(l, "theme.primaryForeground");
    if (!hsl_parse(str_from(raw), &text)) return;
    double ratio = hsl_contrast(text, primary);
    if (ratio >= TEXT_RATIO) return;
    const char *as_text = nearest_passing(l, text, primary, TEXT_RATIO);
    const char *as_ground = nearest_passing(l, primary, text, TEXT_RATIO);
    const char *key = as_text ? "primaryForeground" : "primaryColor";
    diag_add(l->diags, DIAG_WARNING, place_of(l, "/theme/primaryForeground"),
        "theme.primaryForeground: \"%s\" has contrast %s on primaryColor \"%s\", too "
        "low "
        "for the text of buttons (4.5:1); %s \"%s\" is the nearest that passes%s%s%s",
        raw, ratio_text(l, ratio), value_of(l, "theme.primaryColor"), key,
        as_text     ? as_text
        : as_ground ? as_ground
                    : "0 0% 0%",
        as_text && as_ground ? ", or primaryColor \"" : "",
        as_text && as_ground ? as_ground : "", as_text && as_ground ? "\"" : "");
}

/* Themes darken or lighten the colour where it is text; this says that they must. */
static void check_ground(
    struct lint *l, struct hsl primary, bool white, enum diag_level level) {
    struct hsl ground = {0, 0, white ? 100 : 0}, other = {0, 0, white ? 0 : 100};
    double ratio = hsl_contrast(primary, ground);
    const char *passing = nearest_passing(l, primary, ground, TEXT_RATIO);
    diag_add(l->diags, level, place_of(l, "/theme/primaryColor"),
        "theme.primaryColor: \"%s\" has contrast %s on %s (%s on %s); used as it is "
        "for "
        "%s there it would be too low (%s); \"%s\" is the nearest that passes, and the "
        "themes use such a shade for text",
        value_of(l, "theme.primaryColor"), ratio_text(l, ratio),
        white ? "white" : "black", ratio_text(l, hsl_contrast(primary, other)),
        white ? "black" : "white", ratio < ICON_RATIO ? "text or icons" : "text",
        ratio < ICON_RATIO ? "4.5:1 and 3:1" : "4.5:1",
        passing ? passing : (white ? "0 0% 0%" : "0 0% 100%"));
}

static void lint_colours(struct lint *l) {
    static const struct hsl white = {0, 0, 100}, black = {0, 0, 0};
    struct hsl primary;
    if (!hsl_parse(str_from(value_of(l, "theme.primaryColor")), &primary)) return;
    check_button(l, primary);
    double on_white = hsl_contrast(primary, white);
    if (on_white < TEXT_RATIO)
        check_ground(
            l, primary, true, on_white < ICON_RATIO ? DIAG_WARNING : DIAG_NOTICE);
    if (hsl_contrast(primary, black) < ICON_RATIO)
        check_ground(l, primary, false, DIAG_WARNING);
}

/* ---- texts ---- */

static void lint_texts(struct lint *l) {
    size_t title = count_chars(value_of(l, "meta.title"));
    size_t text = count_chars(value_of(l, "meta.description"));
    if (title > TITLE_MAX)
        diag_add(l->diags, DIAG_WARNING, place_of(l, "/meta/title"),
            "meta.title has %zu characters; search results show about %d", title,
            TITLE_MAX);
    if (text > DESCRIPTION_MAX)
        diag_add(l->diags, DIAG_WARNING, place_of(l, "/meta/description"),
            "meta.description has %zu characters; search results show about %d", text,
            DESCRIPTION_MAX);
    if (text < DESCRIPTION_MIN)
        diag_add(l->diags, DIAG_WARNING,
            place_or_section(l, "meta.description", "/meta/description", "/meta"),
            "meta.description has %zu characters; below %d, search engines make up "
            "their "
            "own",
            text, DESCRIPTION_MIN);
}

/* ---- images ---- */

static bool is_absolute(const char *path) {
    return strncmp(path, "https://", 8) == 0 || strncmp(path, "http://", 7) == 0;
}

static void check_og_size(
    struct lint *l, const struct lint_image *image, struct diag_place place) {
    unsigned w = image->info.width, h = image->info.height;
    if (image->size > OG_MAX_BYTES)
        diag_add(l->diags, DIAG_WARNING, place,
            "meta.ogImage has %.1f MB; some sites refuse more than 5 MB",
            (double)image->size / (1024.0 * 1024.0));
    if (w == 0 || h == 0 || (w == OG_WIDTH && h == OG_HEIGHT)) return;
    bool small = w < OG_MIN_WIDTH || h < OG_MIN_HEIGHT;
    diag_add(l->diags, DIAG_WARNING, place,
        "meta.ogImage is %u x %u pixels; %s, make it %d x %d", w, h,
        small ? "below 600 x 315 it is shown as a small square"
              : "link previews cut it to 1.91:1",
        OG_WIDTH, OG_HEIGHT);
}

static void lint_og_image(struct lint *l) {
    const char *path = value_of(l, "meta.ogImage");
    struct lint_image image = {0};
    struct diag_place place =
        place_or_section(l, "meta.ogImage", "/meta/ogImage", "/meta");
    if (!*path) {
        diag_add(l->diags, DIAG_WARNING, place,
            "meta.ogImage is missing; shared links have no picture (PNG or JPEG, "
            "%d x %d)",
            OG_WIDTH, OG_HEIGHT);
        return;
    }
    /* What the config names and nobody has is reported where the view is made. */
    if (is_absolute(path) || !l->image(l->ctx, path, &image)) return;
    const char *type = image.info.type ? image.info.type : "of an unknown type";
    if (strcmp(type, "image/png") != 0 && strcmp(type, "image/jpeg") != 0)
        diag_add(l->diags, DIAG_WARNING, place,
            "meta.ogImage is %s; link previews show PNG and JPEG only (%d x %d)", type,
            OG_WIDTH, OG_HEIGHT);
    else
        check_og_size(l, &image, place);
}

static void lint_marks(struct lint *l) {
    bool favicon = *value_of(l, "branding.favicon"),
         logo = *value_of(l, "branding.logo");
    bool emoji = *value_of(l, "branding.logoEmoji");
    if (!favicon)
        diag_add(l->diags, DIAG_WARNING,
            place_or_section(l, "branding.favicon", "/branding/favicon", "/branding"),
            "branding.favicon is missing; %s",
            emoji ? "the emoji stands in, which not every browser shows in its tabs"
                  : "browser tabs show no mark");
    if (!logo)
        diag_add(l->diags, emoji ? DIAG_NOTICE : DIAG_WARNING,
            place_or_section(l, "branding.logo", "/branding/logo", "/branding"),
            "branding.logo is missing; %s",
            emoji ? "the emoji stands in" : "the header shows the name alone");
    if (!emoji)
        diag_add(l->diags, DIAG_WARNING,
            place_or_section(
                l, "branding.logoEmoji", "/branding/logoEmoji", "/branding"),
            "branding.logoEmoji is missing; it stands in wherever an image is absent");
}

void lint_brand(const struct tenant *t,
    bool (*image)(void *ctx, const char *path, struct lint_image *out), void *ctx,
    struct diag_list *diags) {
    struct lint l = {.tenant = t, .image = image, .ctx = ctx, .diags = diags};
    arena_init(&l.arena);
    lint_colours(&l);
    lint_texts(&l);
    lint_og_image(&l);
    lint_marks(&l);
    arena_dispose(&l.arena);
}

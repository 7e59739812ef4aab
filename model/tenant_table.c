#include "model/tenant_table.h"

#include <string.h>

#define REQ FIELD_REQUIRED
#define PUB FIELD_PUBLIC
#define EMPTY FIELD_EMPTY

static const struct field fields[] = {
    {"", FIELD_OBJECT, REQ | PUB,
        .help = "The single source of truth about one brand: its names, colours, "
                "domains, prices."},
    {"/$schema", FIELD_STRING, 0, .examples = "[\"../../config.schema.json\"]",
        .help = "Where an editor finds the schema that \"tenantry schema\" prints."},
    {"/id", FIELD_ID, REQ | PUB, .examples = "[\"5ducks\", \"sendclaw\"]",
        .help = "The name of the folder this file is in."},
    {"/domains", FIELD_LIST, REQ | PUB,
        .examples = "[[\"fiveducks.ai\", \"www.fiveducks.ai\", \"app.fiveducks.ai\"]]",
        .help = "Every domain of the brand, bare: no scheme, no path. Names below a "
                "domain belong to it too."},
    {"/domains/-", FIELD_HOST, REQ | PUB, .examples = "[\"fiveducks.ai\"]",
        .help = "A host name; an international one in its xn-- form."},
    {"/aliases", FIELD_ENUM, 0, .words = "redirect mirror", .fallback = "\"redirect\"",
        .help = "What the domains beside the canonical one serve: a permanent redirect "
                "to it, or a copy of the site."},

    {"/branding", FIELD_OBJECT, REQ | PUB, .help = "How the brand presents itself."},
    {"/branding/name", FIELD_STRING, REQ | PUB, .examples = "[\"5Ducks\"]",
        .help = "The brand's name as people read it."},
    {"/branding/tagline", FIELD_STRING, PUB | EMPTY,
        .examples = "[\"Find your next customers\"]",
        .help = "One short line under the name."},
    {"/branding/logo", FIELD_IMAGE, PUB | EMPTY,
        .examples = "[\"images/logo.svg\", \"/tenants/5ducks/images/logo.png\"]",
        .help = "The logo: an image of the tenant's folder, or a URL."},
    {"/branding/logoEmoji", FIELD_EMOJI, PUB | EMPTY,
        .help =
            "The brand as an emoji; it also serves as icon where there is no favicon."},
    {"/branding/favicon", FIELD_IMAGE, PUB | EMPTY,
        .examples = "[\"images/favicon.svg\"]",
        .help = "The icon of the browser's tab."},
    {"/branding/supportEmail", FIELD_EMAIL, PUB | EMPTY,
        .help = "Where customers write to."},
    {"/branding/mascot", FIELD_IMAGE, PUB | EMPTY,
        .examples = "[\"images/mascot.png\"]", .help = "A picture of the mascot."},

    {"/meta", FIELD_OBJECT, REQ | PUB,
        .help = "What search engines and link previews show."},
    {"/meta/title", FIELD_STRING, REQ | PUB,
        .examples = "[\"5Ducks: find your next customers\"]",
        .help = "The title of the home page; up to 60 characters are shown."},
    {"/meta/description", FIELD_STRING, REQ | PUB,
        .examples = "[\"Tell us who you sell to, and get five new leads every day.\"]",
        .help = "What the site offers, in 50 to 160 characters."},
    {"/meta/ogImage", FIELD_IMAGE, PUB | EMPTY, .examples = "[\"images/og-image.png\"]",
        .help = "The picture of link previews: PNG or JPEG, 1200 x 630."},
    {"/meta/twitterImage", FIELD_IMAGE, PUB | EMPTY,
        .examples = "[\"images/twitter.png\"]",
        .help =
            "Another picture for Twitter cards; ogImage serves where there is none."},
    {"/meta/url", FIELD_URL, PUB | EMPTY, .examples = "[\"https://fiveducks.ai\"]",
        .help = "The canonical address. Its host must be one of the domains; when "
                "absent, the first domain is meant."},

    {"/theme", FIELD_OBJECT, REQ | PUB,
        .help = "Colours, as bare HSL triples: hue in degrees, saturation and "
                "lightness in percent."},
    {"/theme/primaryColor", FIELD_COLOUR, REQ | PUB,
        .help = "The brand's colour: buttons, links, highlights."},
    {"/theme/primaryForeground", FIELD_COLOUR, REQ | PUB, .examples = "[\"0 0% 100%\"]",
        .help = "The colour of text on primaryColor."},
    {"/theme/accentColor", FIELD_COLOUR, REQ | PUB, .examples = "[\"38 92% 50%\"]",
        .help = "A second colour for small accents."},
    {"/theme/secondaryColor", FIELD_COLOUR, PUB | EMPTY,
        .examples = "[\"210 40% 96%\"]",
        .help = "A quiet colour for areas and borders."},
    {"/theme/name", FIELD_ID, PUB, .fallback = "\"default\"",
        .examples = "[\"default\"]",
        .help = "The folder of templates/ that decides what the site consists of."},

    {"/routes", FIELD_OBJECT, REQ | PUB, .help = "Where visitors are led."},
    {"/routes/guestLanding", FIELD_PATH, REQ | PUB,
        .examples = "[\"/lobster\", \"/landing-simple3\"]",
        .help = "Chooses the landing page that visitors see at the root: \"/lobster\" "
                "is landings/lobster.html."},
    {"/routes/authLanding", FIELD_TARGET, REQ | PUB,
        .examples = "[\"/app\", \"/dashboard\"]",
        .help = "Where people go after signing in: a path of an application on the "
                "same domain, or an https address."},

    {"/features", FIELD_FLAGS, PUB, .fallback = "{}",
        .examples = "[{\"showProspecting\": true, \"showCredits\": false}]",
        .help = "Switches of any name, each true or false, for templates and "
                "applications."},

    {"/tracking", FIELD_OBJECT, 0,
        .help = "Third parties that may count visits. Without it a page talks to "
                "nobody else."},
    {"/tracking/gaId", FIELD_TAG, EMPTY, .old = "googleAnalyticsId",
        .help =
            "Google's tag; it also widens the site's Content-Security-Policy for it."},

    {"/pricing", FIELD_OBJECT, PUB,
        .help = "The plans on sale, for display. When absent, the default tenant's "
                "section counts, whole. "
                "Stripe's price ids belong in the environment or the database, never "
                "here."},
    {"/pricing/headline", FIELD_STRING, PUB | EMPTY, .examples = "[\"Simple pricing\"]",
        .help = "The heading of the pricing page."},
    {"/pricing/subheadline", FIELD_STRING, PUB | EMPTY,
        .examples = "[\"Pay for what you use.\"]",
        .help = "The line under the heading."},
    {"/pricing/creditsLabel", FIELD_STRING, PUB | EMPTY,
        .examples = "[\"credits\", \"emails\"]", .help = "What one unit is called."},
    {"/pricing/currency", FIELD_CURRENCY, PUB, .fallback = "\"USD\"",
        .examples = "[\"USD\", \"EUR\"]",
        .help = "The currency of every price: a code of ISO 4217."},
    {"/pricing/creditsExplanation", FIELD_OBJECT, PUB,
        .help = "A box that says what a unit buys."},
    {"/pricing/creditsExplanation/title", FIELD_STRING, PUB | EMPTY,
        .examples = "[\"What is a credit?\"]", .help = "The heading of the box."},
    {"/pricing/creditsExplanation/subtitle", FIELD_STRING, PUB | EMPTY,
        .examples = "[\"Credits never expire.\"]", .help = "The line under it."},
    {"/pricing/creditsExplanation/items", FIELD_LIST, PUB, .help = "What things cost."},
    {"/pricing/creditsExplanation/items/-", FIELD_OBJECT, PUB,
        .help = "One line of the box."},
    {"/pricing/creditsExplanation/items/-/value", FIELD_LABEL, PUB | EMPTY,
        .examples = "[1, \"5 credits\"]", .help = "How much."},
    {"/pricing/creditsExplanation/items/-/label", FIELD_STRING, PUB | EMPTY,
        .examples = "[\"one verified e-mail address\"]", .help = "For what."},
    {"/pricing/ctaSection", FIELD_OBJECT, PUB,
        .help = "The invitation at the end of the page."},
    {"/pricing/ctaSection/title", FIELD_STRING, PUB | EMPTY,
        .examples = "[\"Ready when you are\"]", .help = "Its heading."},
    {"/pricing/ctaSection/subtitle", FIELD_STRING, PUB | EMPTY,
        .examples = "[\"Start free, no card needed.\"]", .help = "The line under it."},
    {"/pricing/ctaSection/buttonText", FIELD_STRING, PUB | EMPTY,
        .examples = "[\"Get started\"]", .help = "What the button says."},
    {"/pricing/ctaSection/buttonLink", FIELD_LINK, PUB | EMPTY,
        .examples = "[\"/signup\"]", .help = "Where the button leads."},
    {"/pricing/plans", FIELD_LIST, REQ | PUB,
        .examples = "[[{\"id\": \"duckling\", \"name\": \"Duckling\", \"price\": 19}]]",
        .help = "The plans, in the order shown."},
    {"/pricing/plans/-", FIELD_OBJECT, PUB, .help = "One plan."},
    {"/pricing/plans/-/id", FIELD_SLUG, REQ | PUB,
        .examples = "[\"duckling\", \"mama-duck\"]",
        .help = "Names the plan at checkout; no two plans share it."},
    {"/pricing/plans/-/name", FIELD_STRING, REQ | PUB, .examples = "[\"Duckling\"]",
        .help = "The plan's name as people read it."},
    {"/pricing/plans/-/price", FIELD_NUMBER, REQ | PUB, .examples = "[0, 19, 49.5]",
        .help = "The price in the section's currency; 0 is free."},
    {"/pricing/plans/-/credits", FIELD_NUMBER, PUB, .fallback = "0",
        .examples = "[250]", .help = "Units that come with the plan."},
    {"/pricing/plans/-/bonus", FIELD_NUMBER, PUB, .fallback = "0", .examples = "[50]",
        .help = "Units on top of them."},
    {"/pricing/plans/-/description", FIELD_STRING, PUB | EMPTY,
        .examples = "[\"For a first try.\"]", .help = "Whom the plan is for."},
    {"/pricing/plans/-/features", FIELD_LIST, PUB, .fallback = "[]",
        .help = "What is in it."},
    {"/pricing/plans/-/features/-", FIELD_STRING, PUB, .examples = "[\"Daily leads\"]",
        .help = "One line of the list."},
    {"/pricing/plans/-/highlight", FIELD_BOOL, PUB, .fallback = "false",
        .help = "Whether the plan is set off as the recommended one."},
    {"/pricing/plans/-/cta", FIELD_STRING, PUB | EMPTY,
        .examples = "[\"Choose Duckling\"]", .help = "What the plan's button says."},
    {"/pricing/plans/-/comingSoon", FIELD_BOOL, PUB, .fallback = "false",
        .help = "Shown, but not for sale yet."},
    {0},
};

const struct field *field_root(void) {
    return fields;
}

const struct field *field_next(
    const struct field *parent, const struct field *previous) {
    size_t n = strlen(parent->pointer);
    const struct field *f = previous ? previous + 1 : parent + 1;
    for (; f->pointer && strncmp(f->pointer, parent->pointer, n) == 0; f++) {
        if (f->pointer[n] != '/') break;
        if (!strchr(f->pointer + n + 1, '/')) return f;
    }
    return NULL;
}

const struct field *field_find(const struct field *parent, const char *key) {
    size_t n = strlen(parent->pointer);
    if (strchr(key, '/')) return NULL;
    for (const struct field *f = parent + 1; f->pointer; f++) {
        if (strncmp(f->pointer, parent->pointer, n) != 0 || f->pointer[n] != '/') break;
        if (strcmp(f->pointer + n + 1, key) == 0) return f;
    }
    return NULL;
}

const char *field_name(const struct field *f) {
    const char *slash = strrchr(f->pointer, '/');
    return slash ? slash + 1 : f->pointer;
}

bool field_word(const char **words, struct str *word) {
    if (!*words || !**words) return false;
    size_t n = strcspn(*words, " ");
    *word = (struct str){*words, n};
    *words += n + ((*words)[n] == ' ');
    return true;
}

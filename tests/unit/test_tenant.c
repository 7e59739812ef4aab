/* config.json: what loads, what is said about what does not, schema and man page. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/tenant.h"
#include "model/tenant_table.h"
#include "model/workspace.h"

#define BRANDING "\"branding\":{\"name\":\"Acme\"}"
#define META "\"meta\":{\"title\":\"Acme\",\"description\":\"All for coyotes.\"}"
#define COLOURS                                                                        \
    "\"primaryColor\":\"45 93% 47%\",\"primaryForeground\":\"0 0% 100%\","             \
    "\"accentColor\":\"38 92% 50%\""
#define THEME "\"theme\":{" COLOURS "}"
#define ROUTES "\"routes\":{\"guestLanding\":\"/lobster\",\"authLanding\":\"/app\"}"
#define HEAD "\"id\":\"acme\",\"domains\":[\"acme.example\"]"
#define WITH(extra) "{" HEAD "," BRANDING "," META "," THEME "," ROUTES "," extra "}"
#define PLANS(plans) WITH("\"pricing\":{\"plans\":[" plans "]}")
#define PLAN "\"id\":\"a\",\"name\":\"A\",\"price\":1"

/* What is said about a text, a line each: "3:1 error: ...". */
static char *said_about(struct arena *a, const char *text) {
    struct diag_list diags;
    struct tenant t;
    struct buf out;
    buf_init(&out, 0);
    diag_init(&diags);
    bool ok = tenant_parse(&t, "acme", str_from(text), &diags);
    assert_int_equal(ok, diags.errors == 0);
    for (const struct diag *d = diags.first; d; d = d->next) {
        assert_string_equal(d->place.file, "tenants/acme/config.json");
        buf_printf(&out, "%u:%u %s: %s\n", d->place.line, d->place.col,
            d->level == DIAG_ERROR ? "error" : "warning", d->message);
    }
    char *said = arena_str(a, buf_view(&out));
    buf_dispose(&out);
    tenant_dispose(&t);
    diag_dispose(&diags);
    return said;
}

static void loads_a_small_one(void **state) {
    (void)state;
    struct diag_list diags;
    struct tenant t;
    diag_init(&diags);
    assert_true(tenant_parse(&t, "acme",
        STR("{\"id\":\"acme\",\"domains\":[\"Acme.Example:443\",\"www.acme.example\","
            "\"app.acme.example.\"]," BRANDING ",\"meta\":{\"title\":\"A\","
            "\"description\":\"B\",\"url\":\"https://WWW.acme.example/\"},"
            "\"theme\":{" COLOURS ",\"name\":\"dark\"}," ROUTES
            ",\"aliases\":\"mirror\"}"),
        &diags));
    assert_null(diags.first);
    assert_string_equal(t.id, "acme");
    assert_int_equal(t.n_domains, 3);
    assert_string_equal(t.domains[0], "acme.example");
    assert_string_equal(t.domains[2], "app.acme.example");
    assert_string_equal(t.canonical, "www.acme.example");
    assert_string_equal(t.url, "https://www.acme.example");
    assert_string_equal(t.theme, "dark");
    assert_true(t.mirror);
    tenant_dispose(&t);
    assert_true(tenant_parse(&t, "acme", STR(WITH("\"features\":{}")), &diags));
    assert_string_equal(t.url, "https://acme.example");
    assert_string_equal(t.theme, "default");
    assert_false(t.mirror);
    tenant_dispose(&t);
    diag_dispose(&diags);
}

/* The shape of the seeds, with all that real files add to it. */
static void loads_the_shape_of_the_seeds(void **state) {
    (void)state;
    static const char text[] =
        "{\"$schema\":\"x.json\",\"id\":\"acme\",\"domains\":[\"acme.example\"],"
        "\"branding\":{\"name\":\"5Ducks\",\"tagline\":\"\",\"logo\":\"\","
        "\"logoEmoji\":\"\U0001f425\",\"favicon\":\"/tenants/acme/images/my icon.png\","
        "\"supportEmail\":\"help@acme.example\",\"mascot\":\"images/duck.png\"},"
        "\"meta\":{\"title\":\"T\",\"description\":\"D\",\"ogImage\":\"images/og.png\","
        "\"twitterImage\":\"https://cdn.example:8443/t.png\","
        "\"url\":\"https://acme.example\"}," THEME "," ROUTES ","
        "\"features\":{\"showSendClaw\":true,\"anything at/all~\":false},"
        "\"tracking\":{\"gaId\":\"G-ABC1234567\"},"
        "\"pricing\":{\"headline\":\"H\",\"creditsLabel\":\"c\",\"currency\":\"eur\","
        "\"creditsExplanation\":{\"title\":\"t\",\"items\":["
        "{\"value\":1,\"label\":\"x\"},{\"value\":\"1.5\",\"label\":\"y\"}]},"
        "\"ctaSection\":{\"buttonText\":\"Go\",\"buttonLink\":\"mailto:a@acme."
        "example\"},"
        "\"plans\":[{\"id\":\"mama-duck\",\"name\":\"M\",\"credits\":250,\"bonus\":0,"
        "\"price\":49.5,\"description\":\"\",\"features\":[\"a\",\"b\"],"
        "\"highlight\":true,\"cta\":\"Buy\",\"comingSoon\":false}]}}";
    struct arena a;
    arena_init(&a);
    assert_string_equal(said_about(&a, text), "");
    arena_dispose(&a);
}

/* One text a row, and all that is said about it. */
static const struct {
    const char *text, *said;
} rows[] = {
    {"[]", "1:1 error: the configuration: expected an object, found a list\n"},
    {"{}", "1:1 error: id: missing; for example \"5ducks\"\n"
           "1:1 error: domains: missing; for example "
           "[\"fiveducks.ai\",\"www.fiveducks.ai\",\"app.fiveducks.ai\"]\n"
           "1:1 error: branding: missing; write an object with name\n"
           "1:1 error: meta: missing; write an object with title, description\n"
           "1:1 error: theme: missing; write an object with primaryColor, "
           "primaryForeground, accentColor\n"
           "1:1 error: routes: missing; write an object with guestLanding, "
           "authLanding\n"},
    {"{" HEAD
     ",\n\"branding\":{\"name\":5},\n\"theme\":{\"primaryColor\":\"45 93 47%\","
     "\"accentColor\":\"#e7b008\"},\n" META "," ROUTES "}",
        "2:20 error: branding.name: expected a string, found the number 5\n"
        "3:9 error: theme.primaryForeground: missing; for example \"0 0% 100%\"\n"
        "3:25 error: theme.primaryColor: \"45 93 47%\" is not an HSL triple such as "
        "\"45 93% 47%\"\n"
        "3:51 error: theme.accentColor: \"#e7b008\" is not an HSL triple; write "
        "\"45 93% 47%\"\n"},
    {"{\"id\":\"other\",\"domains\":[]," BRANDING "," META "," THEME "," ROUTES "}",
        "1:7 error: id: \"other\" is not the name of the folder; write \"acme\"\n"
        "1:25 error: domains: is empty; write at least one, for example "
        "[\"fiveducks.ai\",\"www.fiveducks.ai\",\"app.fiveducks.ai\"]\n"},
    {"{\"id\":\"acme\",\"domains\":[\"https://acme.example/\",\n\"acme.example/shop\","
     "\n\"*.acme.example\",\n\"ACME.example:80\",\n\"acme.example.\",\n\"\",\n"
     "\"b\u00fccher.example\",\n\"a b\"]," BRANDING "," META "," THEME "," ROUTES "}",
        "1:25 error: domains[0]: \"https://acme.example/\" is not a host name; write "
        "\"acme.example\"\n"
        "2:1 error: domains[1]: \"acme.example/shop\" is not a host name; write "
        "\"acme.example\"\n"
        "3:1 error: domains[2]: \"*.acme.example\" is not a host name; write "
        "\"acme.example\"\n"
        "5:1 error: domains[4]: \"acme.example\" already stands at domains[3]; list it "
        "once\n"
        "6:1 error: domains[5]: \"\" is not a host name such as \"fiveducks.ai\"\n"
        "7:1 error: domains[6]: \"b\u00fccher.example\" is not a host name; write an "
        "international name in its xn-- form\n"
        "8:1 error: domains[7]: \"a b\" is not a host name such as \"fiveducks.ai\"\n"},
    {"{" HEAD ",\"branding\":{\"name\":\"\",\n\"tagine\":\"x\",\n\"logo\":"
     "\"javascript:alert(1)\",\n\"mascot\":null,\n\"favicon\":\"../x.png\",\n"
     "\"supportEmail\":\"help at acme\",\n\"logoEmoji\":\"Duck\"}," META "," THEME
     "," ROUTES "}",
        "1:60 error: branding.name: must not be empty; for example \"5Ducks\"\n"
        "2:1 warning: branding.tagine: unknown key; did you mean \"tagline\"?\n"
        "3:8 error: branding.logo: \"javascript:alert(1)\" is not an image (a path, "
        "http or https) such as \"images/logo.svg\"\n"
        "4:10 error: branding.mascot: expected a string, found null; leave the key out "
        "when there is none\n"
        "5:11 error: branding.favicon: \"../x.png\" is not an image (a path, http or "
        "https) such as \"images/favicon.svg\"\n"
        "6:16 error: branding.supportEmail: \"help at acme\" is not an e-mail address "
        "such as \"help@acme.example\"\n"
        "7:13 error: branding.logoEmoji: \"Duck\" is not an emoji such as "
        "\"\U0001f986\"\n"},
    {"{" HEAD "," BRANDING ",\"meta\":{\"title\":\"T\",\"description\":\"D\",\n"
     "\"url\":\"http://acme.example/x\"}," THEME "," ROUTES "}",
        "2:7 error: meta.url: \"http://acme.example/x\" is not the https address of a "
        "whole site; write \"https://acme.example\"\n"},
    {"{" HEAD "," BRANDING ",\"meta\":{\"title\":\"T\",\"description\":\"D\",\n"
     "\"url\":\"https://other.example\"}," THEME "," ROUTES "}",
        "2:7 warning: meta.url: \"other.example\" is not among the domains, so the "
        "canonical address is \"https://acme.example\"; list it there or write that\n"},
    {"{" HEAD "," BRANDING "," META "," THEME ",\n\"routes\":{\"guestLanding\":"
     "\"lobster\",\n\"authLanding\":\"http://x.example\"}}",
        "2:26 error: routes.guestLanding: \"lobster\" is not a path that begins with "
        "/; write \"/lobster\"\n"
        "3:15 error: routes.authLanding: \"http://x.example\" is not a path that "
        "begins "
        "with / or an https address such as \"/app\"\n"},
    {"{" HEAD "," BRANDING "," META "," THEME ",\n\"routes\":{\"guestLanding\":"
     "\"//evil.example\",\"authLanding\":\"https://app.acme.example/x?y\"}}",
        "2:26 error: routes.guestLanding: \"//evil.example\" is not a path that begins "
        "with / such as \"/lobster\"\n"},
    {WITH("\n\"features\":{\"a\":true,\n\"b\":\"yes\"}"),
        "3:5 error: features.b: expected true or false, found the string \"yes\"\n"},
    {WITH("\n\"aliases\":\"redirects\""),
        "2:11 error: aliases: \"redirects\" is not \"redirect\" or \"mirror\"\n"},
    {WITH("\n\"themes\":{\"deep\":{\"x\":1}},\n\"zzzzzz\":1"),
        "2:1 warning: themes: unknown key; did you mean \"theme\"?\n"
        "3:1 warning: zzzzzz: unknown key, passed on to the templates as it is\n"},
    {WITH("\n\"plans/-\":1,\"a~b\":2"),
        "2:1 warning: plans/-: unknown key, passed on to the templates as it is\n"
        "2:13 warning: a~b: unknown key, passed on to the templates as it is\n"},
    {WITH("\n\"tracking\":{\"googleAnalyticsId\":\"G-ABC1234567\"}"),
        "2:13 warning: tracking.googleAnalyticsId: this key is now called \"gaId\"\n"},
    {WITH("\n\"tracking\":{\"gaId\":\"<script>\"}"),
        "2:20 error: tracking.gaId: \"<script>\" is not a Google tag such as "
        "\"G-ABC1234567\"\n"},
    {WITH("\n\"about_html\":\"<b>\",\n\"branding2\":{\"x_md\":\"x\"}"),
        "2:1 warning: about_html: left out: names ending in _html and _md are reserved "
        "for what the generator makes; choose another name\n"
        "3:1 warning: branding2: unknown key; did you mean \"branding\"?\n"
        "3:14 warning: branding2.x_md: left out: names ending in _html and _md are "
        "reserved for what the generator makes; choose another name\n"},
    {WITH("\n\"pricing\":{}"),
        "2:11 error: pricing.plans: missing; for example "
        "[{\"id\":\"duckling\",\"name\":\"Duckling\",\"price\":19}]\n"},
    {PLANS("\n{\"id\":\"a\",\"name\":\"A\",\"price\":-1},\n{\"id\":\"A!\",\"name\":"
           "\"B\",\"price\":\"9\"},\n{" PLAN "}"),
        "2:30 error: pricing.plans[0].price: -1 is negative; write a number of 0 or "
        "more\n"
        "3:7 error: pricing.plans[1].id: \"A!\" is not a name of a-z, 0-9, - and _ (at "
        "most 63) such as \"duckling\"\n"
        "3:31 error: pricing.plans[1].price: expected a number, found the string "
        "\"9\"\n"
        "4:7 error: pricing.plans[2].id: \"a\" already stands at pricing.plans[0]; "
        "list "
        "it once\n"},
    {PLANS("\n{" PLAN ",\"features\":[1],\n\"highlight\":\"no\"}"),
        "2:44 error: pricing.plans[0].features[0]: expected a string, found the number "
        "1\n"
        "3:13 error: pricing.plans[0].highlight: expected true or false, found the "
        "string \"no\"\n"},
    {WITH("\n\"pricing\":{\"currency\":\"EURO\",\"plans\":[]}"),
        "2:23 error: pricing.currency: \"EURO\" is not a currency of ISO 4217 such as "
        "\"USD\"\n"},
    {PLANS("\n{" PLAN ",\"stripePriceId\":\"x\"},\n{\"id\":\"b\",\"name\":\"B\","
           "\"price\":2,\"cta\":\"price_1AbCdEfGh\"}"),
        "2:32 error: pricing.plans[0].stripePriceId: Stripe price ids and secrets do "
        "not belong here; they go into the environment or the database\n"
        "3:38 error: pricing.plans[1].cta: Stripe price ids and secrets do not belong "
        "here; they go into the environment or the database\n"},
    {WITH("\n\"other\":{\"price_id\":\"x\",\"list\":[\"price_1AbCdEfGh\"]}"),
        "2:1 warning: other: unknown key, passed on to the templates as it is\n"
        "2:10 error: other.price_id: Stripe price ids and secrets do not belong here; "
        "they go into the environment or the database\n"
        "2:33 error: other.list[0]: Stripe price ids and secrets do not belong here; "
        "they go into the environment or the database\n"},
};

static void says_what_is_wrong(void **state) {
    (void)state;
    struct arena a;
    arena_init(&a);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_string_equal(said_about(&a, rows[i].text), rows[i].said);
    arena_dispose(&a);
}

static void reports_bad_json(void **state) {
    (void)state;
    static const char *const bad[] = {
        "", "{", "{\"id\":}", "nul", "{\"a\":1,\"a\":2}", "{\"a\":\"\xff\"}", "{} x"};
    struct arena a;
    arena_init(&a);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_non_null(strstr(said_about(&a, bad[i]), "error: "));
    arena_dispose(&a);
}

static void drops_what_is_reserved(void **state) {
    (void)state;
    struct diag_list diags;
    struct tenant t;
    diag_init(&diags);
    assert_true(tenant_parse(&t, "acme",
        STR(WITH("\"x\":{\"body_html\":\"<b>\",\"a\":[{\"b_md\":1,\"c\":2}]},"
                 "\"tracking\":{\"googleAnalyticsId\":\"G-ABC1234567\"}")),
        &diags));
    assert_null(json_path(t.config, "x.body_html"));
    json_t *item = json_array_get(json_path(t.config, "x.a"), 0);
    assert_null(json_object_get(item, "b_md"));
    assert_non_null(json_object_get(item, "c"));
    assert_string_equal(json_path_string(t.config, "tracking.gaId"), "G-ABC1234567");
    assert_null(json_path(t.config, "tracking.googleAnalyticsId"));
    tenant_dispose(&t);
    diag_dispose(&diags);
}

static void finds_places(void **state) {
    (void)state;
    struct diag_list diags;
    struct tenant t;
    diag_init(&diags);
    assert_true(
        tenant_parse(&t, "acme", STR(WITH("\n\"features\":{\"a\":true}")), &diags));
    struct diag_place p = tenant_place(&t, "/features/a", false);
    assert_int_equal(p.line, 2);
    assert_int_equal(p.col, 17);
    assert_int_equal(tenant_place(&t, "/features/a", true).col, 13);
    assert_int_equal(tenant_place(&t, "/features/none/deeper", true).col, 12);
    assert_int_equal(tenant_place(&t, "/none", false).line, 1);
    assert_string_equal(p.file, "tenants/acme/config.json");
    tenant_dispose(&t);
    diag_dispose(&diags);
}

static void publishes_by_allowlist(void **state) {
    (void)state;
    struct diag_list diags;
    struct tenant t;
    diag_init(&diags);
    assert_true(tenant_parse(&t, "acme",
        STR(WITH("\"internal\":{\"note\":\"SECRET\"},\"tracking\":{\"gaId\":\"\"},"
                 "\"features\":{\"showBlog\":true},\"pricing\":{\"margin\":\"SECRET\","
                 "\"plans\":[{" PLAN ",\"cost\":\"SECRET\",\"features\":[\"f\"]}]}")),
        &diags));
    struct buf out;
    buf_init(&out, 0);
    json_t *shown = tenant_public(&t, json_object_get(t.config, "pricing"));
    json_write(&out, shown, 0);
    assert_string_equal(out.ptr,
        "{" HEAD "," BRANDING "," META "," THEME "," ROUTES
        ",\"features\":{\"showBlog\":"
        "true},\"pricing\":{\"plans\":[{" PLAN ",\"features\":[\"f\"]}]}}");
    json_decref(shown);
    shown = tenant_public(&t, NULL);
    assert_null(json_object_get(shown, "pricing"));
    json_decref(shown);
    buf_dispose(&out);
    tenant_dispose(&t);
    diag_dispose(&diags);
}

static void judges_ids(void **state) {
    (void)state;
    static const char *const good[] = {"a", "5ducks", "a-b_c", "0"};
    static const char *const bad[] = {"", "A", "-a", "_a", "a.b", "a/b", "..", "a b",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(tenant_id_valid(str_from(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(tenant_id_valid(str_from(bad[i])));
}

/* Every object of the schema says what it is and allows what it does not know. */
static void check_schema(const json_t *schema) {
    const char *key;
    json_t *child;
    assert_non_null(json_string_value(json_object_get(schema, "description")));
    json_object_foreach(json_object_get(schema, "properties"), key, child) {
        if (!json_object_get(child, "deprecated")) check_schema(child);
    }
    if (json_object_get(schema, "properties"))
        assert_true(json_is_true(json_object_get(schema, "additionalProperties")));
    if (json_object_get(schema, "items"))
        check_schema(json_object_get(schema, "items"));
}

static void prints_the_schema(void **state) {
    (void)state;
    struct diag_list diags;
    struct buf out;
    buf_init(&out, 0);
    diag_init(&diags);
    tenant_schema_json(&out);
    json_t *schema = json_parse(buf_view(&out), "schema.json", &diags);
    assert_non_null(schema);
    check_schema(schema);
    assert_int_equal(json_array_size(json_object_get(schema, "required")), 6);
    json_t *theme = json_path(schema, "properties.theme");
    assert_int_equal(json_array_size(json_object_get(theme, "required")), 3);
    assert_string_equal(json_path_string(schema, "$schema"),
        "https://json-schema.org/draft/2020-12/schema");
    json_decref(schema);
    diag_dispose(&diags);
    buf_dispose(&out);
}

static void prints_the_man_page(void **state) {
    (void)state;
    struct buf out;
    buf_init(&out, 0);
    tenant_schema_man(&out);
    assert_non_null(strstr(out.ptr, ".Dt TENANTRY-CONFIG 5\n"));
    assert_non_null(strstr(out.ptr, ".It Li pricing.plans[].price\n"));
    assert_non_null(strstr(out.ptr, ".It Li domains[]\n"));
    for (const char *p = out.ptr; *p; p++) assert_true((unsigned char)*p < 0x80);
    buf_dispose(&out);
}

/* What the table shows as right is right. */
static void check_examples(const struct field *f) {
    const struct field_text *form = field_text(f->type);
    if (form->what) assert_true(form->valid(str_from(form->sample)));
    json_t *examples = f->examples ? json_loads(f->examples, 0, NULL) : json_array();
    assert_non_null(examples);
    for (size_t i = 0; form->what && i < json_array_size(examples); i++) {
        const char *example = json_string_value(json_array_get(examples, i));
        assert_true(form->valid(str_from(example)));
    }
    json_decref(examples);
    if (f->fallback) {
        json_t *fallback = json_loads(f->fallback, JSON_DECODE_ANY, NULL);
        assert_non_null(fallback);
        json_decref(fallback);
    }
    for (const struct field *g = NULL; (g = field_next(f, g));) {
        assert_non_null(g->help);
        assert_ptr_equal(field_find(f, field_name(g)), g);
        check_examples(g);
    }
}

static void shows_right_examples(void **state) {
    (void)state;
    check_examples(field_root());
}

/* ---- on disk ---- */

static void put(int dir, const char *path, const char *text) {
    assert_int_equal(file_make_parents(dir, path), 0);
    assert_int_equal(file_write_new(dir, path, str_from(text)), 0);
}

static int make_folder(char *path) {
    assert_non_null(mkdtemp(path));
    int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(dir >= 0);
    return dir;
}

static void remove_folder(const char *path, int dir) {
    close(dir);
    file_remove_tree(AT_FDCWD, path);
}

static void opens_a_workspace(void **state) {
    (void)state;
    char path[] = "/tmp/test_tenant.XXXXXX";
    int dir = make_folder(path);
    struct diag_list diags;
    struct workspace w;
    struct tenant t;
    diag_init(&diags);
    put(dir, "tenants/beta/config.json", "{}");
    put(dir, "tenants/acme/config.json", WITH("\"features\":{}"));
    put(dir, "tenants/_draft/x", "");
    put(dir, "tenants/.hidden/x", "");
    put(dir, "tenants/README.md", "");
    assert_true(workspace_open(&w, path, NULL, &diags));
    assert_int_equal(w.n_ids, 2);
    assert_string_equal(w.ids[0], "acme");
    assert_string_equal(w.ids[1], "beta");
    assert_string_equal(w.default_tenant, "acme");
    assert_false(w.trust_html);
    assert_int_equal(w.content.fd, -1);
    assert_true(tenant_load(&t, &w.tenants, "acme", &diags));
    assert_string_equal(t.file, "tenants/acme/config.json");
    tenant_dispose(&t);
    assert_false(tenant_load(&t, &w.tenants, "nobody", &diags));
    tenant_dispose(&t);
    assert_int_equal(diags.errors, 1);
    workspace_close(&w);
    diag_dispose(&diags);
    remove_folder(path, dir);
}

static void reads_the_settings(void **state) {
    (void)state;
    char path[] = "/tmp/test_tenant.XXXXXX";
    int dir = make_folder(path);
    struct diag_list diags;
    struct workspace w;
    diag_init(&diags);
    put(dir, "tenants/acme/config.json", "{}");
    put(dir, "tenants/beta/config.json", "{}");
    put(dir, "tenantry.json",
        "{\"defaultTenant\":\"beta\",\"trustEditors\":true,"
        "\"externalPaths\":[\"/app\",\"/x/\"],\"externalPath\":1,"
        "\"stripePriceNames\":{\"a\":\"STRIPE_A1_PRICE_ID\"},"
        "\"tenantPlans\":[{\"id\":\"pro\",\"name\":\"Pro\",\"price\":29.5,"
        "\"interval\":\"year\",\"limits\":{\"seats\":3,\"sso\":false}}]}");
    assert_true(workspace_open(&w, path, NULL, &diags));
    assert_string_equal(w.default_tenant, "beta");
    assert_true(w.trust_html);
    assert_int_equal(w.n_external_paths, 2);
    assert_string_equal(w.external_paths[1], "/x/");
    assert_string_equal(json_path_string(w.price_names, "a"), "STRIPE_A1_PRICE_ID");
    assert_int_equal(json_array_size(w.tenant_plans), 1);
    assert_int_equal(diags.warnings, 1);
    assert_string_equal(diags.first->message,
        "externalPath: unknown key; did you mean \"externalPaths\"?");
    workspace_close(&w);
    diag_dispose(&diags);
    remove_folder(path, dir);
}

/* The place of what is wrong in a list of plans, and that it says what would be right.
 */
static void reports_bad_plans(void **state) {
    (void)state;
    static const struct {
        const char *plans, *key;
    } cases[] = {{"{}", "tenantPlans: "}, {"[1]", "tenantPlans[0]: "},
        {"[{\"id\":\"A B\",\"name\":\"x\",\"price\":1}]", "tenantPlans[0].id: "},
        {"[{\"id\":\"a\",\"name\":5,\"price\":1}]", "tenantPlans[0].name: "},
        {"[{\"id\":\"a\",\"name\":\"x\",\"price\":-1}]", "tenantPlans[0].price: "},
        {"[{\"id\":\"a\",\"name\":\"x\"}]", "tenantPlans[0]: "},
        {"[{\"id\":\"a\",\"name\":\"x\",\"price\":1,\"interval\":\"once\"}]",
            "tenantPlans[0].interval: "},
        {"[{\"id\":\"a\",\"name\":\"x\",\"price\":1,\"limits\":{\"seats\":\"3\"}}]",
            "tenantPlans[0].limits: "},
        {"[{\"id\":\"a\",\"name\":\"x\",\"price\":1,\"limits\":[]}]",
            "tenantPlans[0].limits: "}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char path[] = "/tmp/test_tenant.XXXXXX", text[256];
        int dir = make_folder(path);
        struct diag_list diags;
        struct workspace w;
        diag_init(&diags);
        put(dir, "tenants/acme/config.json", "{}");
        snprintf(text, sizeof text, "{\"tenantPlans\":%s}", cases[i].plans);
        put(dir, "tenantry.json", text);
        assert_false(workspace_open(&w, path, NULL, &diags));
        assert_int_equal(diags.errors, 1);
        assert_memory_equal(diags.first->message, cases[i].key, strlen(cases[i].key));
        assert_non_null(strstr(diags.first->message, "plan"));
        workspace_close(&w);
        diag_dispose(&diags);
        remove_folder(path, dir);
    }
}

static void reports_a_bad_workspace(void **state) {
    (void)state;
    char path[] = "/tmp/test_tenant.XXXXXX";
    int dir = make_folder(path);
    struct diag_list diags;
    struct workspace w;
    diag_init(&diags);
    assert_false(workspace_open(&w, "/nonexistent/folder", NULL, &diags));
    workspace_close(&w);
    assert_false(workspace_open(&w, path, NULL, &diags));
    workspace_close(&w);
    assert_int_equal(diags.errors, 2);
    diag_reset(&diags);
    put(dir, "tenants/Bad Name/config.json", "{}");
    put(dir, "tenants/acme/skill.md", "");
    put(dir, "tenantry.json",
        "{\"defaultTenant\":\"acne\",\"trustEditors\":1,\"externalPaths\":[\"app\",2]"
        "}");
    assert_false(workspace_open(&w, path, "/nonexistent/theme", &diags));
    workspace_close(&w);
    assert_int_equal(diags.errors, 1);
    diag_reset(&diags);
    assert_false(workspace_open(&w, path, NULL, &diags));
    assert_int_equal(
        diags.errors, 5); /* a missing config.json is found by tenant_load */
    assert_int_equal(w.n_ids, 1);
    assert_true(w.unclear);
    workspace_close(&w);
    diag_dispose(&diags);
    remove_folder(path, dir);
}

int main(void) {
    json_setup();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loads_a_small_one),
        cmocka_unit_test(loads_the_shape_of_the_seeds),
        cmocka_unit_test(says_what_is_wrong),
        cmocka_unit_test(reports_bad_json),
        cmocka_unit_test(drops_what_is_reserved),
        cmocka_unit_test(finds_places),
        cmocka_unit_test(publishes_by_allowlist),
        cmocka_unit_test(judges_ids),
        cmocka_unit_test(prints_the_schema),
        cmocka_unit_test(prints_the_man_page),
        cmocka_unit_test(shows_right_examples),
        cmocka_unit_test(opens_a_workspace),
        cmocka_unit_test(reads_the_settings),
        cmocka_unit_test(reports_bad_plans),
        cmocka_unit_test(reports_a_bad_workspace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "model/tenant_check.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/hosts.h"
#include "model/secret.h"
#include "model/tenant_table.h"

/* Where in the tree a value is; the pointer is spelled out only for a message. */
struct spot {
    const struct spot *up; /* NULL: the whole file */
    const char *key;       /* NULL: an element of a list */
    size_t index;
};
struct check {
    struct tenant *tenant;
    struct arena arena;     /* texts for messages */
    struct diag_list found; /* in the order of discovery */
};

static void spot_write(struct buf *b, const struct spot *at) {
    if (!at->up) return;
    spot_write(b, at->up);
    buf_char(b, '/');
    if (!at->key) {
        buf_printf(b, "%zu", at->index);
        return;
    }
    for (const char *p = at->key; *p; p++) {
        if (*p == '~' || *p == '/')
            buf_cstr(b, *p == '~' ? "~0" : "~1");
        else
            buf_char(b, *p);
    }
}

static const char *spot_pointer(struct check *c, const struct spot *at) {
    struct buf b;
    buf_init(&b, 0);
    spot_write(&b, at);
    const char *pointer = arena_str(&c->arena, buf_view(&b));
    buf_dispose(&b);
    return pointer;
}

enum side { AT_KEY, AT_VALUE };

static void report(struct check *c, enum diag_level level, const struct spot *at,
    enum side side, const char *fmt, ...) __attribute__((format(printf, 5, 6)));

static void report(struct check *c, enum diag_level level, const struct spot *at,
    enum side side, const char *fmt, ...) {
    struct buf b;
    va_list ap;
    const char *pointer = spot_pointer(c, at);
    buf_init(&b, 0);
    va_start(ap, fmt);
    buf_vprintf(&b, fmt, ap);
    va_end(ap);
    bool key = side == AT_KEY && at->up && at->key;
    const char *name =
        *pointer ? json_pointer_human(&c->arena, pointer) : "the configuration";
    diag_add(&c->found, level, tenant_place(c->tenant, pointer, key), "%s: " STR_FMT,
        name, STR_ARG(buf_view(&b)));
    buf_dispose(&b);
}

static struct str text_of(const json_t *v) {
    return (struct str){json_string_value(v), json_string_length(v)};
}

/* The text in quotes, cut short for a message. */
static const char *quoted(struct check *c, struct str s) {
    static const size_t most = 80;
    struct buf b;
    size_t n = s.len;
    if (n > most) {
        for (n = most; n && ((unsigned char)s.ptr[n] & 0xc0) == 0x80;) n--;
    }
    buf_init(&b, 0);
    buf_char(&b, '"');
    buf_json(&b, str_slice(s, 0, n), false);
    buf_cstr(&b, n < s.len ? "...\"" : "\"");
    const char *text = arena_str(&c->arena, buf_view(&b));
    buf_dispose(&b);
    return text;
}

static const char *described(struct check *c, const json_t *v) {
    if (json_is_string(v))
        return arena_printf(&c->arena, "the string %s", quoted(c, text_of(v)));
    if (json_is_integer(v))
        return arena_printf(
            &c->arena, "the number %" JSON_INTEGER_FORMAT, json_integer_value(v));
    if (json_is_real(v))
        return arena_printf(&c->arena, "the number %.15g", json_real_value(v));
    if (json_is_boolean(v)) return json_is_true(v) ? "true" : "false";
    if (json_is_null(v)) return "null";
    return json_is_array(v) ? "a list" : "an object";
}

/* ---- what may not be there at all ---- */

static void report_secret(struct check *c, const struct spot *at, enum side side) {
    report(c, DIAG_ERROR, at, side,
        "Stripe price ids and secrets do not belong here; "
        "they go into the environment or the database");
    diag_secret(&c->found);
}

static bool scan(struct check *c, const struct spot *at, json_t *value);

/* True: the member is to be taken out. */
static bool scan_member(
    struct check *c, const struct spot *at, const char *key, json_t *value) {
    struct str name = str_from(key);
    bool secret = secret_key(key) && !json_is_boolean(value);
    if (secret || secret_text(name)) {
        report_secret(c, at, AT_KEY);
        return true;
    }
    if (str_ends(name, "_html") || str_ends(name, "_md")) {
        report(c, DIAG_WARNING, at, AT_KEY,
            "left out: names ending in _html and _md are reserved for what the "
            "generator "
            "makes; choose another name");
        return true;
    }
    return !scan(c, at, value);
}

static void check_control(struct check *c, const struct spot *at, struct str s) {
    size_t i;
    if (str_find_control(s, &i))
        report(c, DIAG_ERROR, at, AT_VALUE,
            "the control character U+%04X cannot stand in a page; take it out",
            (unsigned char)s.ptr[i]);
}

/* False: the value is a secret. */
static bool scan(struct check *c, const struct spot *at, json_t *value) {
    if (json_is_string(value)) {
        check_control(c, at, text_of(value));
        if (!secret_text(text_of(value))) return true;
        report_secret(c, at, AT_VALUE);
        return false;
    }
    if (json_is_object(value)) {
        const char *key;
        json_t *member;
        void *next;
        json_object_foreach_safe(value, next, key, member) {
            struct spot here = {at, key, 0};
            if (scan_member(c, &here, key, member)) json_object_del(value, key);
        }
    }
    for (size_t i = 0; i < json_array_size(value); i++) {
        struct spot here = {at, NULL, i};
        /* An element stays where it is so that the pointers of the others stay true;
         * the error keeps the file from being used. */
        if (!scan(c, &here, json_array_get(value, i)))
            json_array_set_new(value, i, json_string(""));
    }
    return true;
}

/* ---- values against the table ---- */

static void check_value(
    struct check *c, const struct field *f, const struct spot *at, json_t *value);

static const char *sample_of(struct check *c, const struct field *f) {
    const char *sample = field_text(f->type)->sample;
    if (!f->examples) return sample ? arena_printf(&c->arena, "\"%s\"", sample) : NULL;
    json_t *examples = json_loads(f->examples, JSON_DECODE_ANY, NULL);
    struct buf b;
    buf_init(&b, 0);
    json_write(&b, json_array_get(examples, 0), 0);
    const char *text = arena_str(&c->arena, buf_view(&b));
    buf_dispose(&b);
    json_decref(examples);
    return text;
}

static bool is_word(const char *words, struct str s) {
    const char *rest = words;
    struct str word;
    while (field_word(&rest, &word)) {
        if (str_equal(word, s)) return true;
    }
    return false;
}

static void check_word(
    struct check *c, const struct field *f, const struct spot *at, struct str s) {
    if (is_word(f->words, s)) return;
    struct buf b;
    const char *rest = f->words;
    struct str word;
    buf_init(&b, 0);
    while (field_word(&rest, &word))
        buf_printf(&b, "%s\"" STR_FMT "\"", b.len ? " or " : "", STR_ARG(word));
    report(c, DIAG_ERROR, at, AT_VALUE, "%s is not " STR_FMT, quoted(c, s),
        STR_ARG(buf_view(&b)));
    buf_dispose(&b);
}

static void check_text(
    struct check *c, const struct field *f, const struct spot *at, struct str s) {
    const struct field_text *form = field_text(f->type);
    if (!s.len && (f->flags & FIELD_EMPTY)) return;
    if (f->type == FIELD_ENUM) {
        check_word(c, f, at, s);
    } else if (!form->what) {
        /* Optional prose may be empty; a name or a title says nothing then. */
        if (!s.len && (f->flags & FIELD_REQUIRED))
            report(c, DIAG_ERROR, at, AT_VALUE, "must not be empty; for example %s",
                sample_of(c, f));
    } else if (!form->valid(s)) {
        const char *advice = form->advice ? form->advice(&c->arena, s) : NULL;
        report(c, DIAG_ERROR, at, AT_VALUE, "%s is not %s%s%s", quoted(c, s),
            form->what, advice ? "; " : " such as ", advice ? advice : sample_of(c, f));
    }
}

static void check_number(struct check *c, const struct field *f, const struct spot *at,
    const json_t *value) {
    static const double most = 1e12;
    double n = json_number_value(value);
    if (n < 0 || n > most)
        report(c, DIAG_ERROR, at, AT_VALUE, "%s is %s; write a number of 0 or more%s",
            described(c, value) + strlen("the number "),
            n < 0 ? "negative" : "too large",
            f->type == FIELD_INTEGER ? " without decimals" : "");
}

static void check_flags(struct check *c, const struct spot *at, json_t *value) {
    const char *key;
    json_t *flag;
    json_object_foreach(value, key, flag) {
        struct spot here = {at, key, 0};
        if (!json_is_boolean(flag))
            report(c, DIAG_ERROR, &here, AT_VALUE, "expected true or false, found %s",
                described(c, flag));
    }
}

static void report_unknown(
    struct check *c, const struct field *f, const struct spot *at) {
    const char *known[32];
    size_t n = 0;
    for (const struct field *g = NULL; n < 32 && (g = field_next(f, g));)
        known[n++] = field_name(g);
    const char *near = diag_suggest(str_from(at->key), known, n);
    report(c, DIAG_WARNING, at, AT_KEY, "unknown key%s%s%s",
        near ? "; did you mean \"" : ", passed on to the templates as it is",
        near ? near : "", near ? "\"?" : "");
}

/* Former names become today's, so that nobody downstream has to know them. */
static void adopt_old_names(
    struct check *c, const struct field *f, const struct spot *at, json_t *object) {
    for (const struct field *g = NULL; (g = field_next(f, g));) {
        const char *rest = g->old;
        struct str word;
        while (field_word(&rest, &word)) {
            const char *old = arena_str(&c->arena, word), *now = field_name(g);
            json_t *value = json_object_get(object, old);
            struct spot here = {at, old, 0};
            if (!value) continue;
            report(
                c, DIAG_WARNING, &here, AT_KEY, "this key is now called \"%s\"", now);
            if (!json_object_get(object, now)) json_object_set(object, now, value);
            json_object_del(object, old);
        }
    }
}

/* "name, price": what an object of this row cannot do without. */
static const char *required_keys(struct check *c, const struct field *f) {
    struct buf b;
    buf_init(&b, 0);
    for (const struct field *g = NULL; (g = field_next(f, g));) {
        if (!(g->flags & FIELD_REQUIRED)) continue;
        if (b.len) buf_cstr(&b, ", ");
        buf_cstr(&b, field_name(g));
    }
    const char *keys = arena_str(&c->arena, buf_view(&b));
    buf_dispose(&b);
    return keys;
}

static void report_missing(
    struct check *c, const struct field *f, const struct spot *at) {
    struct spot here = {at, field_name(f), 0};
    if (f->type == FIELD_OBJECT)
        report(c, DIAG_ERROR, &here, AT_KEY, "missing; write an object with %s",
            required_keys(c, f));
    else
        report(
            c, DIAG_ERROR, &here, AT_KEY, "missing; for example %s", sample_of(c, f));
}

static void check_object(
    struct check *c, const struct field *f, const struct spot *at, json_t *object) {
    const char *key;
    json_t *value;
    adopt_old_names(c, f, at, object);
    json_object_foreach(object, key, value) {
        struct spot here = {at, key, 0};
        const struct field *child = field_find(f, key);
        if (child)
            check_value(c, child, &here, value);
        else
            report_unknown(c, f, &here);
    }
    for (const struct field *g = NULL; (g = field_next(f, g));) {
        if ((g->flags & FIELD_REQUIRED) && !json_object_get(object, field_name(g)))
            report_missing(c, g, at);
    }
}

static void check_list(
    struct check *c, const struct field *f, const struct spot *at, json_t *list) {
    const struct field *item = field_find(f, "-");
    size_t n = json_array_size(list);
    for (size_t i = 0; i < n; i++) {
        struct spot here = {at, NULL, i};
        check_value(c, item, &here, json_array_get(list, i));
    }
    if (!n && (item->flags & FIELD_REQUIRED))
        report(c, DIAG_ERROR, at, AT_VALUE,
            "is empty; write at least one, for example %s", sample_of(c, f));
}

static bool type_fits(enum field_type type, const json_t *v) {
    switch (type) {
    case FIELD_BOOL:
        return json_is_boolean(v);
    case FIELD_NUMBER:
        return json_is_number(v);
    case FIELD_INTEGER:
        return json_is_integer(v);
    case FIELD_LABEL:
        return json_is_string(v) || json_is_number(v);
    case FIELD_LIST:
        return json_is_array(v);
    case FIELD_OBJECT:
    case FIELD_FLAGS:
        return json_is_object(v);
    default:
        return json_is_string(v);
    }
}

static void check_value(
    struct check *c, const struct field *f, const struct spot *at, json_t *value) {
    if (!type_fits(f->type, value)) {
        bool optional = json_is_null(value) && !(f->flags & FIELD_REQUIRED);
        report(c, DIAG_ERROR, at, AT_VALUE, "expected %s, found %s%s",
            field_expects(f->type), described(c, value),
            optional && at->key ? "; leave the key out when there is none" : "");
    } else if (f->type == FIELD_OBJECT) {
        check_object(c, f, at, value);
    } else if (f->type == FIELD_LIST) {
        check_list(c, f, at, value);
    } else if (f->type == FIELD_FLAGS) {
        check_flags(c, at, value);
    } else if (json_is_string(value)) {
        check_text(c, f, at, text_of(value));
    } else if (f->type == FIELD_NUMBER || f->type == FIELD_INTEGER) {
        check_number(c, f, at, value);
    }
}

/* ---- rules between values ---- */

static void rule_id(struct check *c, const struct spot *root) {
    const char *id = json_path_string(c->tenant->config, "id");
    struct spot at = {root, "id", 0};
    if (id && tenant_id_valid(str_from(id)) && strcmp(id, c->tenant->id) != 0)
        report(c, DIAG_ERROR, &at, AT_VALUE,
            "\"%s\" is not the name of the folder; write \"%s\"", id, c->tenant->id);
}

/* The texts of a list that mean the same name the same thing twice. */
static void rule_unique(struct check *c, const struct spot *list,
    const char *const *names, size_t n, const char *below) {
    for (size_t i = 1; i < n; i++) {
        for (size_t k = 0; names[i] && k < i; k++) {
            if (!names[k] || strcmp(names[i], names[k]) != 0) continue;
            struct spot item = {list, NULL, i}, member = {&item, below, 0};
            struct spot first = {list, NULL, k};
            const char *pointer = spot_pointer(c, &first);
            report(c, DIAG_ERROR, below ? &member : &item, AT_VALUE,
                "\"%s\" already stands at %s; list it once", names[i],
                json_pointer_human(&c->arena, pointer));
            break;
        }
    }
}

static void rule_domains(struct check *c, const struct spot *root) {
    json_t *list = json_object_get(c->tenant->config, "domains");
    size_t n = json_array_size(list);
    const char **names = arena_alloc(&c->arena, n * sizeof *names);
    for (size_t i = 0; i < n; i++) {
        json_t *v = json_array_get(list, i);
        if (json_is_string(v)) names[i] = host_clean(&c->arena, text_of(v));
    }
    struct spot at = {root, "domains", 0};
    rule_unique(c, &at, names, n, NULL);
}

static void rule_plans(struct check *c, const struct spot *root) {
    json_t *list = json_path(c->tenant->config, "pricing.plans");
    size_t n = json_array_size(list);
    const char **names = arena_alloc(&c->arena, n * sizeof *names);
    for (size_t i = 0; i < n; i++)
        names[i] = json_path_string(json_array_get(list, i), "id");
    struct spot pricing = {root, "pricing", 0}, at = {&pricing, "plans", 0};
    rule_unique(c, &at, names, n, "id");
}

static void rule_url(struct check *c, const struct spot *root) {
    const struct tenant *t = c->tenant;
    const char *url = json_path_string(t->config, "meta.url");
    if (!url || !field_text(FIELD_URL)->valid(str_from(url)) || !t->n_domains) return;
    const char *host = tenant_url_host(&c->arena, url);
    for (size_t i = 0; i < t->n_domains; i++) {
        if (strcmp(t->domains[i], host) == 0) return;
    }
    struct spot meta = {root, "meta", 0}, at = {&meta, "url", 0};
    report(c, DIAG_WARNING, &at, AT_VALUE,
        "\"%s\" is not among the domains, so the canonical address is \"https://%s\"; "
        "list it there or write that",
        host, t->domains[0]);
}

/* ---- the report, in the order of the file ---- */

struct ranked {
    const struct diag *diag;
    size_t rank;
};

static int compare_ranked(const void *x, const void *y) {
    const struct ranked *a = x, *b = y;
    const struct diag_place *p = &a->diag->place, *q = &b->diag->place;
    if (p->line != q->line) return p->line < q->line ? -1 : 1;
    if (p->col != q->col) return p->col < q->col ? -1 : 1;
    return a->rank < b->rank ? -1 : a->rank > b->rank;
}

static void hand_over(const struct check *c, struct diag_list *diags) {
    size_t n = c->found.errors + c->found.warnings + c->found.notices, i = 0;
    if (!n) return;
    struct ranked *all = mem_alloc(n * sizeof *all);
    for (const struct diag *d = c->found.first; d; d = d->next, i++)
        all[i] = (struct ranked){d, i};
    qsort(all, n, sizeof *all, compare_ranked);
    for (i = 0; i < n; i++) {
        const struct diag *d = all[i].diag;
        diag_add(diags, d->level, d->place, "%s", d->message);
        if (d->secret) diag_secret(diags);
    }
    mem_free(all);
}

bool tenant_check(struct tenant *t, struct diag_list *diags) {
    struct check c = {.tenant = t};
    struct spot root = {0};
    arena_init(&c.arena);
    diag_init(&c.found);
    scan(&c, &root, t->config);
    check_value(&c, field_root(), &root, t->config);
    if (json_is_object(t->config)) {
        rule_id(&c, &root);
        rule_domains(&c, &root);
        rule_plans(&c, &root);
        rule_url(&c, &root);
    }
    hand_over(&c, diags);
    bool ok = !c.found.errors;
    diag_dispose(&c.found);
    arena_dispose(&c.arena);
    return ok;
}

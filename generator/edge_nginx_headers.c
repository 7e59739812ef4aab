/* Header rules for nginx.
 *
 * nginx forgets all add_header lines of a level as soon as the level below has one of
 * its own, so every one stands in the server block.  A header that depends on the path
 * is a variable there, filled by `set` lines in the order of the rules: an empty
 * variable adds no header.  The variables have the same names in all servers, because
 * each costs memory in every request. */
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/mem.h"
#include "generator/edge_nginx.h"

enum state { NONE, SOME, MAYBE }; /* is the variable filled when a rule is reached? */

enum action { SKIP, UNSET, REPLACE, JOIN };

struct slot { /* one header name of the site */
    struct str name;
    enum state state;
    bool varies;      /* a rule for some paths only speaks of it */
    bool joins_maybe; /* ", " is needed when the variable is filled */
    unsigned number;  /* of the variable */
    struct buf fixed; /* the value, unless it varies */
};
struct slots {
    struct slot *items;
    size_t n, cap;
};

static bool names_match(struct str a, struct str b) {
    return a.len == b.len && strncasecmp(a.ptr, b.ptr, a.len) == 0;
}

static bool same_name(struct str a, const char *b) {
    return names_match(a, str_from(b));
}

/* nginx makes these itself; a second one would be sent beside its own. */
static bool is_managed(struct str name) {
    static const char *const names[] = {"Content-Type", "Content-Length",
        "Content-Encoding", "Transfer-Encoding", "Connection", "Date", "Server", "ETag",
        "Last-Modified", "Location"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (same_name(name, names[i])) return true;
    return false;
}

static bool is_everywhere(const struct edge_header_rule *rule) {
    return str_is(rule->pattern.path, "/*");
}

static struct slot *find_slot(struct slots *slots, struct str name) {
    for (size_t i = 0; i < slots->n; i++)
        if (names_match(slots->items[i].name, name)) return &slots->items[i];
    slots->items =
        mem_grow(slots->items, &slots->cap, slots->n + 1, sizeof *slots->items);
    struct slot *slot = &slots->items[slots->n++];
    *slot = (struct slot){.name = name};
    buf_init(&slot->fixed, 0);
    return slot;
}

/* A rule that takes a header away and sets it as well replaces it. */
static enum action action_of(
    const struct edge_header_rule *rule, const struct edge_header *h) {
    for (size_t i = 0; i < rule->n; i++) {
        const struct edge_header *other = &rule->headers[i];
        if (other->unset == h->unset || !names_match(other->name, h->name)) continue;
        return h->unset ? SKIP : REPLACE;
    }
    return h->unset ? UNSET : JOIN;
}

static enum state state_after(enum state before, enum action action, bool everywhere) {
    enum state certain = action == UNSET ? NONE : SOME;
    return everywhere || before == certain ? certain : MAYBE;
}

static void track(struct slot *slot, const struct edge_header *h, enum action action,
    bool everywhere) {
    if (!everywhere) slot->varies = true;
    if (action == SKIP) return;
    if (action == JOIN && slot->state == MAYBE) slot->joins_maybe = true;
    if (action != JOIN) buf_reset(&slot->fixed);
    if (slot->fixed.len) buf_cstr(&slot->fixed, ", ");
    nginx_value(&slot->fixed, h->value);
    slot->state = state_after(slot->state, action, everywhere);
}

static void collect(struct nginx_server *s, struct slots *slots) {
    unsigned number = 0;
    for (size_t i = 0; i < s->headers->n; i++) {
        const struct edge_header_rule *rule = &s->headers->rules[i];
        if (!nginx_host_matches(&rule->pattern, s->site->host)) continue;
        for (size_t j = 0; j < rule->n; j++)
            if (!is_managed(rule->headers[j].name))
                track(find_slot(slots, rule->headers[j].name), &rule->headers[j],
                    action_of(rule, &rule->headers[j]), is_everywhere(rule));
    }
    for (size_t i = 0; i < slots->n; i++) {
        struct slot *slot = &slots->items[i];
        if (!slot->varies) continue;
        slot->number = ++number;
        slot->state = NONE;
        buf_printf(s->out, "    set $tenantry_h%u \"\";\n", number);
    }
}

static void write_set(struct nginx_server *s, struct slot *slot,
    const struct edge_header_rule *rule, const struct edge_header *h) {
    bool everywhere = is_everywhere(rule);
    enum action action = action_of(rule, h);
    if (action == SKIP) return;
    buf_printf(
        s->out, "%s    set $tenantry_h%u \"", everywhere ? "" : "    ", slot->number);
    if (action == JOIN && (slot->joins_maybe || slot->state == SOME))
        buf_printf(s->out, "${tenantry_h%u}, ", slot->number);
    else if (action == REPLACE && slot->joins_maybe)
        buf_cstr(s->out, ", ");
    nginx_substitute(s->out, h->value, rule->pattern.path);
    buf_cstr(s->out, "\";\n");
    slot->state = state_after(slot->state, action, everywhere);
}

static bool uses_captures(const struct edge_header_rule *rule) {
    for (size_t i = 0; i < rule->n; i++)
        if (nginx_uses_captures(rule->headers[i].value, rule->pattern.path))
            return true;
    return false;
}

/* "if (...) {".  False: the path can never be asked for. */
static bool write_condition(
    struct nginx_server *s, const struct edge_header_rule *rule) {
    struct str path = rule->pattern.path;
    if (!rule->pattern.dynamic) {
        const char *decoded = nginx_path(s->arena, path);
        if (!decoded) return false;
        buf_cstr(s->out, "    if ($uri = \"");
        nginx_value(s->out, str_from(decoded));
        buf_cstr(s->out, "\") {\n");
        return true;
    }
    /* What is copied into a header must not be decoded: "%0A" would end the line. */
    if (uses_captures(rule)) {
        buf_cstr(s->out, "    if ($tenantry_path ~ ");
        nginx_raw_regex(s->out, path, 0);
    } else {
        buf_cstr(s->out, "    if ($uri ~ ");
        nginx_regex(s->out, path, false);
    }
    buf_cstr(s->out, ") {\n");
    return true;
}

static void write_rule(
    struct nginx_server *s, struct slots *slots, const struct edge_header_rule *rule) {
    bool open = false;
    for (size_t i = 0; i < rule->n; i++) {
        const struct edge_header *h = &rule->headers[i];
        if (is_managed(h->name)) continue;
        struct slot *slot = find_slot(slots, h->name);
        if (!slot->varies) continue;
        if (!open && !is_everywhere(rule) && !write_condition(s, rule)) return;
        open = true;
        write_set(s, slot, rule, h);
    }
    if (open && !is_everywhere(rule)) buf_cstr(s->out, "    }\n");
}

static void write_slot(struct nginx_server *s, struct slot *slot) {
    if (slot->varies && slot->joins_maybe)
        buf_printf(s->out,
            "    if ($tenantry_h%u ~ \"^, (?<tenantry_1>.*)\") {\n"
            "        set $tenantry_h%u $tenantry_1;\n    }\n",
            slot->number, slot->number);
    if (!slot->varies && slot->fixed.len == 0) return;
    buf_cstr(s->out, "    add_header ");
    nginx_plain(s->out, slot->name);
    if (slot->varies)
        buf_printf(s->out, " $tenantry_h%u always;\n", slot->number);
    else {
        buf_cstr(s->out, " \"");
        buf_str(s->out, buf_view(&slot->fixed));
        buf_cstr(s->out, "\" always;\n");
    }
}

void nginx_headers(struct nginx_server *s) {
    struct slots slots = {0};
    collect(s, &slots);
    for (size_t i = 0; i < s->headers->n; i++)
        if (nginx_host_matches(&s->headers->rules[i].pattern, s->site->host))
            write_rule(s, &slots, &s->headers->rules[i]);
    for (size_t i = 0; i < slots.n; i++) {
        write_slot(s, &slots.items[i]);
        buf_dispose(&slots.items[i].fixed);
    }
    mem_free(slots.items);
}

/* The Content-Type that a rule gives, or empty. */
static struct str rule_type(const struct edge_header_rule *rule) {
    for (size_t i = 0; i < rule->n; i++)
        if (!rule->headers[i].unset && same_name(rule->headers[i].name, "Content-Type"))
            return rule->headers[i].value;
    return STR("");
}

static void write_type(struct nginx_server *s, struct str type, bool one_file) {
    buf_cstr(s->out, "        types { }\n        default_type \"");
    /* default_type takes no variables: a `$` stays one. */
    nginx_plain(s->out, type);
    buf_cstr(s->out, "\";\n");
    if (!one_file) nginx_serve_files(s->out);
    buf_cstr(s->out, "    }\n");
}

/* Whether the path names one file as it stands on the disk. */
static bool is_one_file(struct str path, bool dynamic) {
    size_t dot;
    return !dynamic && str_find_char(path_base(path), '.', &dot) &&
           !str_ends(path, "/index.html");
}

static void write_rule_types(struct nginx_server *s, bool dynamic) {
    /* Backwards: nginx takes the first regex that matches, and the last rule counts. */
    for (size_t i = s->headers->n; i-- > 0;) {
        const struct edge_header_rule *rule = &s->headers->rules[i];
        struct str path = rule->pattern.path, type = rule_type(rule);
        if (type.len == 0 || rule->pattern.dynamic != dynamic) continue;
        if (!nginx_host_matches(&rule->pattern, s->site->host)) continue;
        if (nginx_type_is_default(path, type)) continue;
        if (dynamic) {
            buf_cstr(s->out, "    location ~ ");
            nginx_regex(s->out, path, false);
            buf_cstr(s->out, " {\n");
        } else {
            const char *decoded = nginx_path(s->arena, path);
            if (!decoded || !nginx_exact_location(s, decoded, false)) continue;
        }
        /* A folder needs its index.html looked up, and a name may lack ".html". */
        write_type(s, type, is_one_file(path, dynamic));
    }
}

void nginx_type_locations(struct nginx_server *s) {
    write_rule_types(s, false);
    if (nginx_exact_location(s, "/feed.xml", false))
        write_type(s, STR("application/atom+xml"), true);
    if (nginx_exact_location(s, "/feed.json", false))
        write_type(s, STR("application/feed+json"), true);
    write_rule_types(s, true);
}

#include "api/entry.h"

#include <strings.h>

#include "api/form.h"
#include "base/crypto.h"

#define EMAIL_MAX 254
#define NAME_MAX 200
#define PASSWORD_MIN 8 /* characters */
#define PASSWORD_MAX 256

/* ---- answers ---- */

void entry_send_on(struct call *c, const char *path) {
    call_header(c, "Location", path);
    call_reply(c, 303, "text/plain; charset=utf-8", STR(""));
}

void entry_welcome(struct call *c, struct str json) {
    const struct entry *e = c->handler;
    if (!e->form) {
        call_reply_json(c, 200, json);
        return;
    }
    const char *landing =
        json_path_string(c->tenant->config.config, "routes.authLanding");
    entry_send_on(c, landing && *landing == '/' ? landing : "/");
}

/* Whether a browser would take it for the path it looks like: some drop tabs, read a
 * backslash as a slash, and take a second slash for the beginning of a host. */
static bool is_path(struct str path) {
    if (path.len > 1 && path.ptr[1] == '/') return false;
    for (size_t i = 0; i < path.len; i++)
        if (path.ptr[i] <= ' ' || path.ptr[i] > '~' || path.ptr[i] == '\\')
            return false;
    return path.len > 0;
}

/* The path of the page that sent a form, without its query; "/" when that is not
 * told. */
static const char *came_from(struct call *c) {
    const char *text = http_header(c->request, "Referer");
    const char *path = text ? strstr(text, "://") : NULL;
    path = path ? strchr(path + 3, '/') : NULL;
    struct str only = {path, path ? strcspn(path, "?#") : 0};
    return is_path(only) ? arena_str(&c->request->arena, only) : "/";
}

void entry_refuse(struct call *c, int status, const char *detail) {
    static const struct {
        int status;
        const char *name;
    } errors[] = {{401, "denied"}, {403, "closed"}, {404, "invitation"},
        {422, "invalid"}, {429, "busy"}};
    const struct entry *e = c->handler;
    const char *name = "unavailable";
    if (!e->form) {
        if (status == 401) call_header(c, "WWW-Authenticate", "Bearer");
        call_problem(c, status, "%s", detail);
        return;
    }
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        if (errors[i].status == status) name = errors[i].name;
    entry_send_on(
        c, arena_printf(&c->request->arena, "%s?error=%s", came_from(c), name));
}

/* ---- what was sent ---- */

bool entry_is_form(const struct call *c) {
    static const char form[] = "application/x-www-form-urlencoded";
    const char *type = http_header(c->request, "Content-Type");
    size_t n = type ? strcspn(type, "; \t") : 0;
    return n == sizeof form - 1 && !strncasecmp(type, form, n);
}

static const char *field(struct call *c, const struct entry *e, const char *name) {
    if (e->form) return form_field(&c->request->arena, call_body(c), name);
    return json_string_value(json_object_get(c->sent, name));
}

static size_t characters(struct str s) {
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++) n += (s.ptr[i] & 0xC0) != 0x80;
    return n;
}

bool entry_email_fits(struct str email) {
    struct str rest = email, name;
    if (email.len > EMAIL_MAX || !str_cut(&rest, '@', &name)) return false;
    for (size_t i = 0; i < email.len; i++)
        if ((unsigned char)email.ptr[i] <= ' ' || email.ptr[i] == 127) return false;
    return name.len && rest.len && !str_find_char(rest, '@', &(size_t){0});
}

/* Only ASCII: the database does the rest, by its own rules. */
static char *lower(struct arena *a, struct str s) {
    char *out = arena_str(a, s);
    for (char *p = out; *p; p++)
        if (*p >= 'A' && *p <= 'Z') *p = (char)(*p + 32);
    return out;
}

/* What is wrong with it, all of it; "": nothing. */
static const char *check(struct call *c, const struct entry *e) {
    struct arena *a = &c->request->arena;
    size_t n = characters(e->password);
    char *wrong = "";
    if (!entry_email_fits(str_from(e->email)))
        wrong = arena_printf(
            a, "%semail must be an address such as ada@example.com; ", wrong);
    if (e->joining ? n < PASSWORD_MIN || n > PASSWORD_MAX : !n || n > PASSWORD_MAX)
        wrong = arena_printf(a, "%spassword must have %d to %d characters; ", wrong,
            PASSWORD_MIN, PASSWORD_MAX);
    if (characters(str_from(e->name)) > NAME_MAX ||
        str_find_control(str_from(e->name), &(size_t){0}))
        wrong = arena_printf(
            a, "%sname must be text of %d characters at most; ", wrong, NAME_MAX);
    return arena_str(
        a, str_slice(str_from(wrong), 0, strlen(wrong) - (*wrong ? 2 : 0)));
}

struct entry *entry_read(struct call *c, bool joining) {
    struct arena *a = &c->request->arena;
    struct entry *e = arena_alloc(a, sizeof *e);
    char hash[SHA256_HEX_SIZE];
    e->form = entry_is_form(c);
    e->joining = joining;
    c->handler = e;
    if (!e->form && !call_json(c)) return NULL;
    e->email = lower(a, str_trim(str_from(field(c, e, "email"))));
    e->name = arena_str(a, str_trim(str_from(joining ? field(c, e, "name") : "")));
    e->password = str_from(field(c, e, "password"));
    const char *invitation = field(c, e, "invitation");
    if (invitation && *invitation) {
        sha256_hex(str_from(invitation), hash);
        e->invitation = arena_strdup(a, hash);
    }
    const char *wrong = check(c, e);
    if (!*wrong) return e;
    entry_refuse(c, 422, wrong);
    return NULL;
}

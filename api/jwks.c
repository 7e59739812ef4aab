#include "api/jwks.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fetch.h"
#include "base/file.h"
#include "base/mem.h"

#define KEYS_MAX 100
#define BYTES_MAX (256u << 10)
#define FETCH_SECONDS 10
#define AGE_MIN 60 /* seconds that a set is kept, whatever its server says */
#define AGE_MAX (24 * 60 * 60)
#define AGE_USUAL (60 * 60)
#define AGE_FAILED 30
#define PAUSE 10 /* between two looks because of an unknown kid */

struct waiting {
    struct waiting *next;
    void (*done)(void *ctx);
    void *ctx;
};
struct jwks {
    const struct settings *settings;
    struct jwk_set set; /* of the source; the secret, if there is one, comes last */
    struct jwk *secret;
    struct jwt_key *all;
    size_t n;
    struct fetch *fetch; /* NULL: the source is a file */
    struct loop_event *timer;
    struct waiting *waiting;
    double looked; /* when it was read last */
    bool looking, silent;
};

/* ---- a document ---- */

void jwk_set_dispose(struct jwk_set *set) {
    for (size_t i = 0; i < set->n; i++) {
        mem_free((char *)set->items[i].id);
        jwk_free(set->items[i].key);
    }
    mem_free(set->items);
    *set = (struct jwk_set){0};
}

static bool has_id(const struct jwk_set *set, const char *id) {
    for (size_t i = 0; i < set->n; i++)
        if (id && set->items[i].id && !strcmp(set->items[i].id, id)) return true;
    return false;
}

/* What cannot be used is left out: a set may hold keys for other things. */
static void add_key(struct jwk_set *set, const json_t *json, const char **why) {
    const json_t *kid = json_object_get(json, "kid");
    const char *id = json_string_value(kid);
    if ((kid && !id) || has_id(set, id)) {
        *why = "its kid is no text, or another key's";
        return;
    }
    struct jwk *key = jwk_new(json, why);
    if (key) set->items[set->n++] = (struct jwt_key){id ? mem_strdup(id) : NULL, key};
}

bool jwk_set_read(struct jwk_set *set, struct str text, const char **why) {
    struct diag_list diags;
    diag_init(&diags);
    json_t *document = json_parse(text, "jwks", &diags), *one;
    const json_t *keys = json_object_get(document, "keys");
    size_t i;
    diag_dispose(&diags);
    *set = (struct jwk_set){0};
    *why = "it is no JSON object with a list \"keys\"";
    if (json_is_array(keys) && json_array_size(keys) <= KEYS_MAX) {
        *why = "it has no keys";
        set->items = mem_calloc(KEYS_MAX, sizeof *set->items);
        json_array_foreach(keys, i, one) add_key(set, one, why);
    }
    json_decref(document);
    if (set->n) return true;
    jwk_set_dispose(set);
    return false;
}

/* ---- the source ---- */

static void gather(struct jwks *k) {
    mem_free(k->all);
    k->all = mem_calloc(k->set.n + 1, sizeof *k->all);
    if (k->set.n) memcpy(k->all, k->set.items, k->set.n * sizeof *k->all);
    k->n = k->set.n;
    if (k->secret)
        k->all[k->n++] = (struct jwt_key){k->settings->jwt_secret_id, k->secret};
}

static void tell_waiting(struct jwks *k) {
    struct waiting *list = k->waiting, *next;
    k->waiting = NULL;
    for (; list; list = next) {
        next = list->next;
        list->done(list->ctx);
        mem_free(list);
    }
}

/* Once for each time that it goes wrong. */
static void complain(struct jwks *k, const char *why) {
    if (!k->silent)
        fprintf(stderr,
            "tenantry-api: the keys at %s cannot be read, those from before are kept: "
            "%s\n",
            k->settings->jwks, why);
    k->silent = true;
}

static void looked(struct jwks *k, const char *why, struct str text, long max_age) {
    struct jwk_set set;
    double age = max_age < 0 ? AGE_USUAL : (double)max_age;
    k->looking = false;
    if (!why && jwk_set_read(&set, text, &why)) {
        jwk_set_dispose(&k->set);
        k->set = set;
        k->silent = false;
        gather(k);
    } else {
        complain(k, why);
        age = AGE_FAILED;
    }
    if (age < AGE_MIN && !k->silent) age = AGE_MIN;
    loop_arm(k->timer, age < AGE_MAX ? age : AGE_MAX);
    tell_waiting(k);
}

static void fetched(void *ctx, const struct fetch_answer *a) {
    char status[64];
    snprintf(status, sizeof status, "the answer has status %d", a->status);
    const char *why = a->status == 200 ? NULL : a->status ? status : a->why;
    looked(ctx, why, a->body, a->max_age);
}

static void read_file(struct jwks *k) {
    struct buf text;
    int fd = open(k->settings->jwks, O_RDONLY | O_CLOEXEC);
    buf_init(&text, 0);
    int err = fd < 0 ? errno : file_read_fd(fd, 0, BYTES_MAX, &text);
    if (fd >= 0) close(fd);
    looked(k, err ? file_error(err) : NULL, buf_view(&text), AGE_MIN);
    buf_dispose(&text);
}

static void look(void *ctx) {
    struct jwks *k = ctx;
    if (k->looking) return;
    k->looking = true;
    k->looked = clock_seconds();
    if (!k->fetch) {
        read_file(k);
        return;
    }
    const struct fetch_question q = {
        .url = k->settings->jwks, .seconds = FETCH_SECONDS, .max = BYTES_MAX};
    fetch_ask(k->fetch, &q, fetched, k);
}

/* ---- the module ---- */

struct jwks *jwks_new(struct loop *l, struct fetch *f, const struct settings *s) {
    struct jwks *k = mem_calloc(1, sizeof *k);
    k->settings = s;
    if (s->jwt_secret) k->secret = jwk_secret(str_from(s->jwt_secret));
    gather(k);
    if (!s->jwks) return k;
    if (strstr(s->jwks, "://")) k->fetch = f;
    k->timer = loop_timer(l, look, k);
    look(k);
    return k;
}

void jwks_free(struct jwks *k) {
    if (!k) return;
    k->looking = true;
    tell_waiting(k);
    loop_event_free(k->timer);
    jwk_set_dispose(&k->set);
    jwk_free(k->secret);
    mem_free(k->all);
    mem_free(k);
}

struct jwt_keys jwks_keys(const struct jwks *k) {
    return (struct jwt_keys){k->all, k->n};
}

void jwks_reload(struct jwks *k) {
    if (k->settings->jwks) look(k);
}

void jwks_renew(struct jwks *k, void (*done)(void *ctx), void *ctx) {
    bool soon = k->settings->jwks && clock_seconds() < k->looked + PAUSE;
    if (!k->settings->jwks || (soon && !k->looking)) {
        done(ctx);
        return;
    }
    struct waiting *w = mem_alloc(sizeof *w);
    *w = (struct waiting){k->waiting, done, ctx};
    k->waiting = w;
    look(k);
}

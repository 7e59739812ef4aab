/* From a request's calls to their answers. */
#include "api/trpc.h"

#include <stdarg.h>
#include <stdio.h>

#include "api/problem.h"
#include "api/trpc_internal.h"

#define AT_ONCE 2 /* questions of a batch */
#define NOTHING "nothing is kept of this tenant"

void trpc_fail(struct trpc_call *t, int status, const char *fmt, ...) {
    char message[512];
    va_list ap;
    if (t->error) return;
    va_start(ap, fmt);
    vsnprintf(message, sizeof message, fmt, ap);
    va_end(ap);
    t->status = status;
    t->error = problem_trpc(status, message, t->path);
    if (t->wrong)
        json_object_set(json_object_get(t->error, "data"), "fieldErrors", t->wrong);
}

void trpc_add_value(struct trpc_call *t, const char *value) {
    t->values[t->n_values++] = value;
}

const char *trpc_value(const struct trpc_call *t, const char *field) {
    for (int i = 0; t->procedure->input[i].name; i++)
        if (!strcmp(t->procedure->input[i].name, field)) return t->values[i];
    return NULL;
}

static void go_on(struct trpc_batch *b);

/* ---- the answer ---- */

/* Marks what `path` leads to; "*" stands for every element. */
static void mark(struct superjson *s, json_t *in, const char *path, const char *type) {
    size_t len = strcspn(path, "."), i;
    const char *below = path[len] ? path + len + 1 : NULL;
    json_t *v;
    if (*path == '*') {
        json_array_foreach(in, i, v) mark(s, v, below, type);
        return;
    }
    char *name = arena_str(s->arena, (struct str){path, len});
    bool undefined = !strcmp(type, "undefined");
    v = json_object_get(in, name);
    if (v && below)
        mark(s, v, below, type);
    else if (json_is_null(v) && undefined)
        json_object_set_new(in, name, superjson_undefined(s));
    else if (v && !json_is_null(v) && !undefined)
        superjson_mark(s, v, type);
}

static void take(struct trpc_call *t, const char *text) {
    struct diag_list diags;
    diag_init(&diags);
    json_t *answer = text ? json_parse(str_from(text), "answer", &diags) : NULL;
    diag_dispose(&diags);
    t->output.json = answer;
    if (!answer)
        trpc_fail(t, 500, "%s", "");
    else if (!t->procedure->finish || t->procedure->finish(t, answer))
        for (const struct trpc_mark *m = t->procedure->marks; m && m->path; m++)
            mark(&t->output, answer, m->path, m->type);
}

static void answered(struct call *c, const struct pool_answer *a) {
    struct trpc_call *t = c->handler;
    take(t, call_value(a));
    t->batch->asking--;
    go_on(t->batch);
}

static void refused(struct call *c, const struct pool_answer *a) {
    struct trpc_call *t = c->handler;
    const char *detail;
    int status = call_failure(a, &detail);
    trpc_fail(t, status, "%s", detail);
    t->batch->asking--;
    go_on(t->batch);
}

/* ---- one call ---- */

static bool may_call(struct trpc_call *t) {
    const struct principal *p = &t->call.principal;
    if (p->rank >= t->procedure->who) return true;
    if (p->user)
        trpc_fail(t, 403, "this is not for you to call");
    else
        trpc_fail(t, 401, "sign in first");
    return false;
}

static bool prepare(struct trpc_call *t) {
    const char *field;
    json_t *messages;
    if (t->unreadable) {
        trpc_fail(t, 400, "%s", t->unreadable);
        return false;
    }
    bool fine =
        trpc_input_read(t) && (!t->procedure->prepare || t->procedure->prepare(t));
    if (!t->wrong || t->error) return fine && !t->error;
    /* The first to go wrong is what a client shows that knows no fields. */
    json_object_foreach(t->wrong, field, messages) {
        trpc_fail(
            t, 400, "%s: %s", field, json_string_value(json_array_get(messages, 0)));
        break;
    }
    return false;
}

static void begin(struct trpc_call *t) {
    const struct trpc_procedure *p = t->procedure;
    if (t->error || !may_call(t) || !prepare(t)) return;
    if (!*t->call.tenant->uuid) { /* no more, since the batch began */
        trpc_fail(t, 404, "%s", NOTHING);
        return;
    }
    t->batch->asking++;
    call_ask(&t->call, &(struct call_question){.writes = p->mutation,
                           .sql = p->sql,
                           .values = t->values,
                           .n_values = t->n_values,
                           .done = answered,
                           .failed = refused});
}

static void go_on(struct trpc_batch *b) {
    while (b->next < b->n && b->asking < AT_ONCE) begin(&b->calls[b->next++]);
    if (!b->asking) trpc_wire_reply(b);
}

void handle_trpc(struct call *c) {
    struct trpc_batch *b = arena_alloc(&c->request->arena, sizeof *b);
    b->call = c;
    if (c->request->head) { /* is anybody there? */
        call_reply(c, 204, "application/json", STR(""));
        return;
    }
    call_header(c, "Vary", "trpc-accept, accept");
    if (!c->server->pool)
        call_problem(c, 503, "this server has no database");
    else if (!c->server->listed)
        call_problem(c, 503, "the database does not answer; try again");
    else if (!*c->tenant->uuid)
        call_problem(c, 404, NOTHING);
    else if (trpc_wire_read(b))
        go_on(b);
}

/* What a request asks for, and how the answers go back.  The format is that of
 * @trpc/server 11. */
#include <stdio.h>
#include <strings.h>

#include "api/guard.h"
#include "api/trpc_internal.h"

/* ---- reading ---- */

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    c = (char)(c | 32);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The parameter "input" as it was meant, line breaks and all; false: there is none. */
static bool query_input(struct http_request *r, struct str *input) {
    struct str rest = str_from(r->query), part;
    while (str_cut(&rest, '&', &part)) {
        if (!str_starts(part, "input=")) continue;
        char *out = arena_alloc(&r->arena, part.len);
        size_t n = 0;
        for (size_t i = strlen("input="); i < part.len; i++) {
            int high = i + 2 < part.len ? hex_digit(part.ptr[i + 1]) : -1;
            int low = i + 2 < part.len ? hex_digit(part.ptr[i + 2]) : -1;
            bool escape = part.ptr[i] == '%' && high >= 0 && low >= 0;
            out[n++] = escape               ? (char)(high * 16 + low)
                       : part.ptr[i] == '+' ? ' '
                                            : part.ptr[i];
            if (escape) i += 2;
        }
        *input = (struct str){out, n};
        return n > 0;
    }
    return false;
}

static bool is_json(const char *type) {
    size_t n = type ? strcspn(type, "; \t") : 0;
    return n == strlen("application/json") && !strncasecmp(type, "application/json", n);
}

static const struct trpc_procedure *find_procedure(const char *name) {
    const struct trpc_procedure *const *p = trpc_procedures;
    while (*p && strcmp((*p)->name, name)) p++;
    return *p;
}

static void add_call(struct trpc_batch *b, struct str name) {
    struct trpc_call *t = &b->calls[b->n++];
    struct arena *a = &b->call->request->arena;
    t->call = *b->call;
    t->call.handler = t;
    t->call.sent = NULL;
    t->batch = b;
    t->status = 200;
    t->path = arena_str(a, name);
    t->procedure = find_procedure(t->path);
    superjson_init(&t->input, a);
    superjson_init(&t->output, a);
}

/* False: the request was answered. */
static bool read_names(struct trpc_batch *b) {
    struct call *c = b->call;
    struct str names = str_from(c->path[0]), name;
    size_t n = 1;
    for (size_t i = 0; b->batch && i < names.len; i++) n += names.ptr[i] == ',';
    if (n > TRPC_BATCH_MAX) {
        call_problem(c, 400, "Batch call exceeds maximum size");
        return false;
    }
    if (n > 1 && !guard_limit_more(c, (unsigned)n - 1)) return false;
    b->calls = arena_alloc(&c->request->arena, n * sizeof *b->calls);
    if (!b->batch) add_call(b, names);
    while (b->n < n) {
        if (!str_cut(&names, ',', &name)) name = STR("");
        add_call(b, name);
    }
    return true;
}

static bool check_kinds(struct trpc_batch *b) {
    const struct trpc_procedure *first = NULL;
    for (size_t i = 0; i < b->n; i++) {
        const struct trpc_procedure *p = b->calls[i].procedure;
        if (first && p && p->mutation != first->mutation) {
            call_problem(b->call, 400, "Cannot mix procedure types in call: %s",
                first->mutation ? "mutation, query" : "query, mutation");
            return false;
        }
        if (!first) first = p;
    }
    return true;
}

static void check_method(struct trpc_call *t) {
    const struct trpc_procedure *p = t->procedure;
    const char *method = t->call.request->method;
    const char *takes = p && p->mutation ? "POST" : "GET";
    if (!p)
        trpc_fail(t, 404, "No procedure found on path \"%s\"", t->path);
    else if (strcmp(method, takes))
        trpc_fail(t, 405, "Unsupported %s-request to %s procedure at path \"%s\"",
            method, p->mutation ? "mutation" : "query", t->path);
}

static void read_input(struct trpc_call *t, const json_t *input) {
    const char *why;
    if (input && !superjson_read(&t->input, input, &why)) t->unreadable = why;
}

static void read_inputs(struct trpc_batch *b, struct str text) {
    struct diag_list diags;
    char index[24];
    diag_init(&diags);
    json_t *all = json_parse(text, "input", &diags);
    bool object = !b->batch || json_is_object(all);
    for (size_t i = 0; i < b->n; i++) {
        struct trpc_call *t = &b->calls[i];
        snprintf(index, sizeof index, "%zu", i);
        if (!all)
            t->unreadable = arena_printf(&b->call->request->arena,
                "the input is not JSON: %s", diags.first ? diags.first->message : "");
        else if (!object)
            t->unreadable = "\"input\" needs to be an object when doing a batch call";
        else
            read_input(t, b->batch ? json_object_get(all, index) : all);
    }
    json_decref(all);
    diag_dispose(&diags);
}

static bool wants_lines(const struct http_request *r) {
    const char *trpc = http_header(r, "trpc-accept");
    struct str rest = str_from(http_header(r, "Accept")), type;
    if (trpc) return !strcmp(trpc, "application/jsonl");
    while (str_cut(&rest, ',', &type))
        if (str_is(str_trim(type), "application/jsonl")) return true;
    return false;
}

static bool check_post(struct trpc_batch *b) {
    const char *type = http_header(b->call->request, "Content-Type");
    if (is_json(type)) return true;
    if (type)
        call_problem(b->call, 415, "Unsupported content-type \"%.80s\"", type);
    else
        call_problem(b->call, 415, "Missing content-type header");
    return false;
}

bool trpc_wire_read(struct trpc_batch *b) {
    struct http_request *r = b->call->request;
    const char *batch = http_parameter(r, "batch");
    bool post = !strcmp(r->method, "POST");
    struct str input = post ? call_body(b->call) : STR("");
    b->batch = batch && !strcmp(batch, "1");
    b->lines = wants_lines(r);
    if ((post && !check_post(b)) || !read_names(b) || !check_kinds(b)) return false;
    if (b->lines && !b->batch) {
        call_problem(b->call, 400,
            "Streaming requests must be batched (you can do a batch of 1)");
        return false;
    }
    for (size_t i = 0; i < b->n; i++) check_method(&b->calls[i]);
    if (post ? input.len > 0 : query_input(r, &input)) read_inputs(b, input);
    return true;
}

/* ---- answering ---- */

static void put_plain(struct buf *out, struct trpc_call *t) {
    if (t->error) {
        buf_cstr(out, "{\"error\":{\"json\":");
        json_write(out, t->error, 0);
        buf_cstr(out, "}}");
    } else {
        buf_cstr(out, "{\"result\":{\"data\":");
        superjson_write(out, &t->output, t->output.json);
        buf_cstr(out, "}}");
    }
}

static int put_all(struct buf *out, struct trpc_batch *b) {
    int status = b->calls[0].status;
    if (b->batch) buf_char(out, '[');
    for (size_t i = 0; i < b->n; i++) {
        if (i) buf_char(out, ',');
        if (b->calls[i].status != status) status = 207;
        put_plain(out, &b->calls[i]);
    }
    if (b->batch) buf_char(out, ']');
    return status;
}

/* First what is promised, {"0": [[0], [null, 0, 0]], ...}: of each call one chunk of
 * its number.  Then each chunk, [number, 0, [[answer]]]. */
static void put_lines(struct buf *out, struct trpc_batch *b) {
    buf_cstr(out, "{\"json\":{");
    for (size_t i = 0; i < b->n; i++)
        buf_printf(out, "%s\"%zu\":[[0],[null,0,%zu]]", i ? "," : "", i, i);
    buf_cstr(out, "}}\n");
    for (size_t i = 0; i < b->n; i++) {
        struct trpc_call *t = &b->calls[i];
        json_t *chunk = t->error
                            ? json_pack("[ii[[{sO}]]]", (int)i, 0, "error", t->error)
                            : json_pack("[ii[[{s{sO}}]]]", (int)i, 0, "result", "data",
                                  t->output.json);
        superjson_write(out, &t->output, chunk);
        buf_char(out, '\n');
        json_decref(chunk);
    }
}

/* RFC 9110 15.5.6 */
static void allow(struct trpc_batch *b) {
    for (size_t i = 0; i < b->n; i++)
        if (b->calls[i].status == 405) {
            call_header(
                b->call, "Allow", b->calls[i].procedure->mutation ? "POST" : "GET");
            return;
        }
}

void trpc_wire_reply(struct trpc_batch *b) {
    struct buf out;
    int status = 200;
    buf_init(&out, 0);
    if (b->lines)
        put_lines(&out, b);
    else
        status = put_all(&out, b);
    allow(b);
    if (status == 503) call_header(b->call, "Retry-After", "1");
    for (size_t i = 0; i < b->n; i++) {
        superjson_dispose(&b->calls[i].input);
        superjson_dispose(&b->calls[i].output);
        json_decref(b->calls[i].error);
        json_decref(b->calls[i].wrong);
    }
    call_reply(b->call, status, "application/json", buf_view(&out));
    buf_dispose(&out);
}

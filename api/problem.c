#include "api/problem.h"

#include <stddef.h>

static const struct {
    int status;
    const char *title;
} titles[] = {{400, "Bad Request"}, {401, "Unauthorized"}, {402, "Payment Required"},
    {403, "Forbidden"}, {404, "Not Found"}, {405, "Method Not Allowed"},
    {406, "Not Acceptable"}, {408, "Request Timeout"}, {409, "Conflict"},
    {412, "Precondition Failed"}, {413, "Content Too Large"},
    {415, "Unsupported Media Type"}, {421, "Misdirected Request"},
    {422, "Unprocessable Content"}, {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"}, {500, "Internal Server Error"},
    {501, "Not Implemented"}, {502, "Bad Gateway"}, {503, "Service Unavailable"},
    {504, "Gateway Timeout"}};

const char *problem_title(int status) {
    for (size_t i = 0; i < sizeof titles / sizeof *titles; i++)
        if (titles[i].status == status) return titles[i].title;
    return "Error";
}

/* The text as far as it is UTF-8: it may quote what was sent, or have been cut off. */
static struct str proper(const char *text) {
    struct str s = str_from(text);
    size_t at;
    return str_is_utf8(s, &at) ? s : str_slice(s, 0, at);
}

static void put(struct buf *b, const char *name, const char *text) {
    if (!text || !*text) return;
    buf_printf(b, ",\"%s\":\"", name);
    buf_json(b, proper(text), true);
    buf_char(b, '"');
}

void problem_write(struct buf *b, int status, const char *detail, const char *request) {
    buf_printf(b, "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%d",
        problem_title(status), status);
    put(b, "detail", detail);
    put(b, "request_id", request);
    buf_char(b, '}');
}

/* ---- tRPC ---- */

static const struct trpc_code {
    int status;
    const char *name;
    int code; /* JSON-RPC's, or tRPC's own */
} codes[] = {{500, "INTERNAL_SERVER_ERROR", -32603}, {400, "BAD_REQUEST", -32600},
    {401, "UNAUTHORIZED", -32001}, {402, "PAYMENT_REQUIRED", -32002},
    {403, "FORBIDDEN", -32003}, {404, "NOT_FOUND", -32004},
    {405, "METHOD_NOT_SUPPORTED", -32005}, {408, "TIMEOUT", -32008},
    {409, "CONFLICT", -32009}, {412, "PRECONDITION_FAILED", -32012},
    {413, "PAYLOAD_TOO_LARGE", -32013}, {415, "UNSUPPORTED_MEDIA_TYPE", -32015},
    {422, "UNPROCESSABLE_CONTENT", -32022}, {428, "PRECONDITION_REQUIRED", -32028},
    {429, "TOO_MANY_REQUESTS", -32029}, {499, "CLIENT_CLOSED_REQUEST", -32099},
    {501, "NOT_IMPLEMENTED", -32603}, {502, "BAD_GATEWAY", -32603},
    {503, "SERVICE_UNAVAILABLE", -32603}, {504, "GATEWAY_TIMEOUT", -32603}};

/* A status that tRPC has no name for is that of its class. */
static const struct trpc_code *code_of(int status) {
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (codes[i].status == status) return &codes[i];
    return &codes[status >= 400 && status < 500];
}

json_t *problem_trpc(int status, const char *message, const char *path) {
    const struct trpc_code *c = code_of(status);
    json_t *error = json_object(), *data = json_object();
    json_set_text(error, "message", proper(*message ? message : c->name));
    json_set_int(error, "code", c->code);
    json_set_str(data, "code", c->name);
    json_set_int(data, "httpStatus", status);
    if (path) json_set_text(data, "path", proper(path));
    json_object_set_new(error, "data", data);
    return error;
}

bool problem_is_trpc(const char *path) {
    return str_starts(str_from(path), "/api/trpc/");
}

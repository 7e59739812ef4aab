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

static void put(struct buf *b, const char *name, const char *text) {
    if (!text || !*text) return;
    buf_printf(b, ",\"%s\":\"", name);
    buf_json(b, str_from(text), true);
    buf_char(b, '"');
}

void problem_write(struct buf *b, int status, const char *detail, const char *request) {
    buf_printf(b, "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%d",
        problem_title(status), status);
    put(b, "detail", detail);
    put(b, "request_id", request);
    buf_char(b, '}');
}

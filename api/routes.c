#include "api/handle.h"
#include "api/openapi.h"
#include "api/route.h"
#include "api/trpc.h"

const struct route routes[] = {
    {.method = "GET",
        .path = "/healthz",
        .anywhere = true,
        .handle = handle_healthz,
        .tag = "operation",
        .summary = "Whether the process runs",
        .gives = "Text",
        .gives_type = "text/plain"},
    {.method = "GET",
        .path = "/readyz",
        .anywhere = true,
        .handle = handle_readyz,
        .tag = "operation",
        .summary = "Whether the database answers",
        .gives = "Text",
        .gives_type = "text/plain"},
    {.method = "GET",
        .path = "/api/openapi.json",
        .handle = handle_openapi,
        .tag = "operation",
        .summary = "This document",
        .gives = "Document"},
    {.method = "GET", .path = "/api/trpc/{procedures*}", .handle = handle_trpc},
    {.method = "POST",
        .path = "/api/trpc/{procedures*}",
        .body = 1u << 20,
        .handle = handle_trpc},
    {0},
};

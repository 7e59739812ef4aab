#include "api/handle.h"
#include "api/route.h"

const struct route routes[] = {
    {.method = "GET",
        .path = "/healthz",
        .anywhere = true,
        .handle = handle_healthz,
        .tag = "operation",
        .summary = "Whether the process runs"},
    {.method = "GET",
        .path = "/readyz",
        .anywhere = true,
        .handle = handle_readyz,
        .tag = "operation",
        .summary = "Whether the database answers"},
    {0},
};

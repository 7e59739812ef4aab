/* All that one worker process of the API has: nothing of it lives at file scope. */
#ifndef API_SERVER_H
#define API_SERVER_H
#include "api/settings.h"
#include "api/tenants.h"
#include "base/http.h"
#include "base/pool.h"

struct server {
    const struct settings *settings;
    struct loop *loop;
    struct http *http;
    struct pool *pool; /* NULL: no database was named */
    struct tenants *tenants;
    struct identity *identity;
};
#endif

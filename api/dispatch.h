/* From a request to its handler: the host, the route, the guard. */
#ifndef API_DISPATCH_H
#define API_DISPATCH_H
#include "api/server.h"

/* http_settings.handle; ctx is the struct server. */
void dispatch(void *ctx, struct http_request *r);
#endif

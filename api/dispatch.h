/* From a request to its handler: the host, the route, the guard; and from its answer to
 * the log and the figures. */
#ifndef API_DISPATCH_H
#define API_DISPATCH_H
#include "api/server.h"

/* http_settings.handle, .refuse and .answered; ctx is the struct server. */
void dispatch(void *ctx, struct http_request *r);
void dispatch_refuse(void *ctx, struct http_request *r, const char *why);
void dispatch_answered(void *ctx, struct http_request *r, int status, size_t bytes);
#endif

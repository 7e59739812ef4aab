/* The OpenAPI 3.1 document of the REST routes, made from the route table. */
#ifndef API_OPENAPI_H
#define API_OPENAPI_H
#include "api/call.h"

/* The document, for the server at `url` ("" when it is not known).  New reference. */
json_t *openapi_document(const char *url);
/* GET /api/openapi.json */
void handle_openapi(struct call *c);
#endif

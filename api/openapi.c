#include "api/openapi.h"

#include <string.h>

#include "api/route.h"
#include "base/crypto.h"
#include "base/mem.h"

#define JSON "application/json"
#define PROBLEM "application/problem+json"

/* api/schemas.json as it is, put into the program by the linker. */
extern const char schemas_start[] __asm__("_binary_api_schemas_json_start");
extern const char schemas_end[] __asm__("_binary_api_schemas_json_end");

static json_t *reference(const char *name) {
    struct buf path;
    json_t *v = json_object();
    buf_init(&path, 0);
    buf_printf(&path, "#/components/schemas/%s", name);
    json_set_text(v, "$ref", buf_view(&path));
    buf_dispose(&path);
    return v;
}

/* {"description": ..., "content": {type: {"schema": {"$ref": ...}}}} */
static json_t *answer(const char *description, const char *type, const char *schema) {
    json_t *v = json_object();
    json_set_str(v, "description", description);
    if (!schema) return v;
    json_t *media = json_object(), *content = json_object();
    json_object_set_new(media, "schema", reference(schema));
    json_object_set_new(content, type, media);
    json_object_set_new(v, "content", content);
    return v;
}

static json_t *parameter(
    const char *name, const char *in, const char *type, const char *summary) {
    json_t *v = json_object(), *schema = json_object();
    json_set_str(v, "name", name);
    json_set_str(v, "in", in);
    if (!strcmp(in, "path")) json_set_bool(v, "required", true);
    if (summary) json_set_str(v, "description", summary);
    json_set_str(schema, "type", type);
    json_object_set_new(v, "schema", schema);
    return v;
}

static json_t *parameters_of(const struct route *r) {
    json_t *list = json_array();
    for (const char *at = strchr(r->path, '{'); at; at = strchr(at, '{')) {
        char name[64];
        size_t n = strcspn(++at, "*}");
        if (n >= sizeof name) break;
        memcpy(name, at, n);
        name[n] = '\0';
        json_array_append_new(list, parameter(name, "path", "string", NULL));
    }
    for (const struct route_parameter *p = r->query; p && p->name; p++)
        json_array_append_new(list, parameter(p->name, "query", p->type, p->summary));
    return list;
}

static json_t *body_of(const struct route *r) {
    json_t *body = json_object(), *media = json_object(), *content = json_object();
    json_object_set_new(media, "schema", reference(r->sends));
    json_object_set_new(content, r->sends_type ? r->sends_type : JSON, media);
    json_object_set_new(body, "content", content);
    json_set_bool(body, "required", true);
    return body;
}

static json_t *answers_of(const struct route *r) {
    json_t *v = json_object();
    const char *status = r->gives_status ? r->gives_status : "200";
    json_object_set_new(v, status,
        answer("The answer", r->gives_type ? r->gives_type : JSON, r->gives));
    if (r->cached)
        json_object_set_new(v, "304", answer("What you have is current", NULL, NULL));
    json_object_set_new(v, "default", answer("What went wrong", PROBLEM, "Problem"));
    return v;
}

static const char *const ranks[] = {[RANK_NONE] = NULL,
    [RANK_GUEST] = "guest",
    [RANK_MEMBER] = "member",
    [RANK_ADMIN] = "admin",
    [RANK_OWNER] = "owner"};

/* Without credentials where anybody may call, else one of the three kinds. */
static json_t *security_of(const struct route *r) {
    static const char *const schemes[] = {"session", "token"};
    json_t *list = json_array();
    if (!ranks[r->who] && !r->signed_in) json_array_append_new(list, json_object());
    for (size_t i = 0; i < 2; i++) {
        json_t *one = json_object();
        json_object_set_new(one, schemes[i], json_array());
        json_array_append_new(list, one);
    }
    return list;
}

static void set_operation_id(json_t *v, const struct route *r) {
    struct buf id;
    buf_init(&id, 0);
    for (const char *p = r->method; *p; p++) buf_char(&id, (char)(*p | ' '));
    for (const char *p = r->path; *p; p++) {
        bool part = strchr("/.-{}_*", *p) != NULL;
        if (!part)
            buf_char(&id, *p);
        else if (id.ptr[id.len - 1] != '_')
            buf_char(&id, '_');
    }
    while (id.ptr[id.len - 1] == '_') id.ptr[--id.len] = '\0';
    json_set_text(v, "operationId", buf_view(&id));
    buf_dispose(&id);
}

static json_t *operation(const struct route *r) {
    json_t *v = json_object(), *tags = json_array();
    set_operation_id(v, r);
    json_set_str(v, "summary", r->summary);
    json_array_append_new(tags, json_string(r->tag));
    json_object_set_new(v, "tags", tags);
    if (ranks[r->who]) json_set_str(v, "x-least-role", ranks[r->who]);
    json_object_set_new(v, "security", security_of(r));
    json_object_set_new(v, "parameters", parameters_of(r));
    if (r->sends) json_object_set_new(v, "requestBody", body_of(r));
    json_object_set_new(v, "responses", answers_of(r));
    return v;
}

static json_t *paths_of(void) {
    json_t *paths = json_object();
    char method[16];
    for (const struct route *r = routes; r->path; r++) {
        if (!r->summary) continue;
        json_t *path = json_object_get(paths, r->path);
        if (!path) {
            path = json_object();
            json_object_set_new(paths, r->path, path);
        }
        size_t n = 0;
        for (; r->method[n] && n < sizeof method - 1; n++)
            method[n] = (char)(r->method[n] | ' ');
        method[n] = '\0';
        json_object_set_new(path, method, operation(r));
    }
    return paths;
}

static json_t *components(void) {
    struct diag_list diags;
    struct str text = {schemas_start, (size_t)(schemas_end - schemas_start)};
    diag_init(&diags);
    json_t *v = json_parse(text, "api/schemas.json", &diags);
    diag_dispose(&diags);
    return v ? v : json_object();
}

json_t *openapi_document(const char *url) {
    json_t *v = json_object(), *info = json_object();
    json_set_str(v, "openapi", "3.1.0");
    json_set_str(info, "title", "Tenantry API");
    json_set_str(info, "version", TENANTRY_VERSION);
    json_set_str(info, "description",
        "What a site cannot answer as a file.  The host says which tenant is meant.");
    json_object_set_new(v, "info", info);
    if (*url) {
        json_t *server = json_object(), *servers = json_array();
        json_set_str(server, "url", url);
        json_array_append_new(servers, server);
        json_object_set_new(v, "servers", servers);
    }
    json_object_set_new(v, "paths", paths_of());
    json_object_set_new(v, "components", components());
    return v;
}

void handle_openapi(struct call *c) {
    char etag[SHA256_HEX_SIZE + 2] = "\"";
    struct buf text;
    json_t *v = openapi_document(c->tenant->config.url);
    buf_init(&text, 0);
    json_write(&text, v, 2);
    json_decref(v);
    sha256_hex(buf_view(&text), etag + 1);
    memcpy(etag + SHA256_HEX_SIZE, "\"", 2);
    call_header(c, "Cache-Control", "public, max-age=300");
    call_header(c, "Content-Type", "application/json");
    call_reply_file(c, 200,
        &(struct http_file){.bytes = buf_view(&text),
            .etag = etag,
            .release = mem_free,
            .ctx = text.ptr});
}

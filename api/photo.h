/* Addresses of profile photos.
 *
 * One that says where it is (https://...) goes out as it is stored.  One that is a path
 * ("/media/priya.jpg") is of the tenant's own store; with TENANTRY_API_MEDIA_SECRET it
 * is signed so that an edge can check it: path?verify=<unix time>-<base64url of
 * HMAC-SHA256(secret, path + time)>, what is_timed_hmac_valid_v0() of Cloudflare's
 * rules reads with the flag "s".  How long it holds is the edge's to say; the time
 * changes once an hour, so that what is cached is found again.  Without the secret the
 * path goes out as it is. */
#ifndef API_PHOTO_H
#define API_PHOTO_H
#include "api/call.h"

/* Signs profilePhotoUrl of `person`; NULL or JSON's null is allowed. */
void photo_sign(const struct call *c, json_t *person);
/* The address to give out at `now` (seconds since 1970); secret NULL: none. */
char *photo_address(struct arena *a, const char *stored, const char *secret, long now);
#endif

/* The cookies of a browser's session. */
#ifndef API_SESSION_H
#define API_SESSION_H
#include "api/call.h"

/* 256 random bits, as text. */
char *session_token(struct arena *a);
/* For the answer that follows: the browser holds the token, and its scripts learn that
 * somebody is signed in.  `token` NULL: both are taken away. */
void session_cookies(struct call *c, const char *token);
/* SHA-256, in hex, of the token that came with the request; NULL: none did. */
const char *session_sent(struct call *c);
#endif

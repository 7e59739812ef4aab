/* UUIDs as text, such as 0b0c1a52-6a5c-4c0e-9d3e-0f6a3a1f0001. */
#ifndef BASE_UUID_H
#define BASE_UUID_H
#include "base/arena.h"
#include "base/str.h"

/* In lower case; NULL: it is none. */
char *uuid_read(struct arena *a, struct str text);
#endif

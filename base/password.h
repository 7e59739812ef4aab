/* Passwords, hashed and compared by libsodium's argon2id in threads of their own, so
 * that the loop never waits for one; only so many may wait. */
#ifndef BASE_PASSWORD_H
#define BASE_PASSWORD_H
#include <stdbool.h>
#include "base/loop.h"
#include "base/str.h"

struct passwords;
/* In the process that asks: threads do not outlive a fork.  `waiting` is how many may
 * wait for a thread. */
struct passwords *passwords_new(struct loop *l, unsigned threads, unsigned waiting);
/* Whatever still waits is never answered.  NULL is allowed. */
void passwords_free(struct passwords *p);

struct password_answer {
    bool right;       /* of a comparison */
    const char *hash; /* to be kept from now on; NULL: the one there is; borrowed until
                         `done` returns */
};
struct password_question {
    const char *hash;    /* to compare with; NULL: nobody's, which takes as long and is
                            never right */
    bool make;           /* rather hash it anew */
    struct str password; /* at most 1024 bytes */
    void (*done)(void *ctx, const struct password_answer *a);
    void *ctx;
};
/* Copies what it is given.  False: too many wait, and `done` will not be called. */
bool password_ask(struct passwords *p, const struct password_question *q);
#endif

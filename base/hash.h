/* 64-bit hashes for tables; none is for secrets (base/crypto.h). */
#ifndef BASE_HASH_H
#define BASE_HASH_H
#include <stdint.h>
#include "base/str.h"

/* FNV-1a (Fowler, Noll, Vo): short names of the user's own files. */
uint64_t hash_name(struct str s);
/* A bijection of 64 bits that scatters (the finalizer of splitmix64). */
uint64_t hash_mix(uint64_t x);
/* With a random seed nobody outside can choose whom to collide with; never 0. */
uint64_t hash_seeded(uint64_t seed, struct str s);
#endif

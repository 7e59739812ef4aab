#include "base/hash.h"

uint64_t hash_name(struct str s) {
    uint64_t h = 14695981039346656037u;
    for (size_t i = 0; i < s.len; i++)
        h = (h ^ (unsigned char)s.ptr[i]) * 1099511628211u;
    return h ^ h >> 32;
}

uint64_t hash_mix(uint64_t x) {
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

uint64_t hash_seeded(uint64_t seed, struct str s) {
    uint64_t h = hash_mix(seed + s.len);
    for (size_t i = 0; i < s.len; i++) h = hash_mix(h ^ (unsigned char)s.ptr[i]);
    return h ? h : 1;
}

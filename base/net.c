#include "base/net.h"

#include <arpa/inet.h>
#include <string.h>

static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool net_read_address(struct str text, struct net_address *a) {
    char copy[INET6_ADDRSTRLEN];
    if (!text.len || text.len >= sizeof copy || memchr(text.ptr, 0, text.len))
        return false;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    if (strchr(copy, ':')) return inet_pton(AF_INET6, copy, a->bytes) == 1;
    memcpy(a->bytes, mapped, sizeof mapped);
    return inet_pton(AF_INET, copy, a->bytes + sizeof mapped) == 1;
}

bool net_is_v4(const struct net_address *a) {
    return !memcmp(a->bytes, mapped, sizeof mapped);
}

static bool read_bits(struct str text, unsigned most, unsigned *bits) {
    *bits = 0;
    if (!text.len || text.len > 3) return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9') return false;
        *bits = *bits * 10 + (unsigned)(text.ptr[i] - '0');
    }
    return *bits <= most;
}

bool net_read(struct str text, struct net *n) {
    size_t slash;
    bool whole = !str_find_char(text, '/', &slash);
    struct str address = whole ? text : str_slice(text, 0, slash);
    if (!net_read_address(address, &n->address)) return false;
    /* "::ffff:192.0.2.0/120" counts its bits as IPv6 does. */
    bool v4 = !memchr(address.ptr, ':', address.len);
    n->bits = v4 ? 32 : 128;
    if (!whole && !read_bits(str_slice(text, slash + 1, text.len), n->bits, &n->bits))
        return false;
    if (v4) n->bits += 96;
    return true;
}

bool net_has(const struct net *n, const struct net_address *a) {
    size_t whole = n->bits / 8;
    if (memcmp(n->address.bytes, a->bytes, whole)) return false;
    unsigned rest = n->bits % 8;
    if (!rest) return true;
    unsigned char mask = (unsigned char)(0xff << (8 - rest));
    return !((n->address.bytes[whole] ^ a->bytes[whole]) & mask);
}

bool net_is_loopback(const struct net_address *a) {
    static const unsigned char one[16] = {[15] = 1};
    return net_is_v4(a) ? a->bytes[12] == 127 : !memcmp(a->bytes, one, sizeof one);
}

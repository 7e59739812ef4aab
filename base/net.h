/* Numeric addresses and networks, IPv4 and IPv6 alike. */
#ifndef BASE_NET_H
#define BASE_NET_H
#include <stdbool.h>
#include "base/str.h"

struct net_address {
    unsigned char bytes[16]; /* IPv4 as ::ffff:a.b.c.d */
};
struct net { /* a network */
    struct net_address address;
    unsigned bits; /* of the 128 */
};
/* "192.0.2.1", "2001:db8::1"; false: no such address. */
bool net_read_address(struct str text, struct net_address *a);
/* "192.0.2.0/24", "2001:db8::/32", or an address, which is a network of one. */
bool net_read(struct str text, struct net *n);
bool net_has(const struct net *n, const struct net_address *a);
bool net_is_v4(const struct net_address *a);
bool net_is_loopback(const struct net_address *a);
#endif

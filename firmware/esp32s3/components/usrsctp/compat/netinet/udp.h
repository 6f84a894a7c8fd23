/* The UDP header (RFC 768). Only its size is used. */
#ifndef COMPAT_NETINET_UDP_H
#define COMPAT_NETINET_UDP_H

#include <stdint.h>

struct udphdr {
    uint16_t uh_sport, uh_dport, uh_ulen, uh_sum;
};

#endif

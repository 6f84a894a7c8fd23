/* The IPv4 header (RFC 791, section 3.1). Only its size is used, since nothing is sent over IP. */
#ifndef COMPAT_NETINET_IP_H
#define COMPAT_NETINET_IP_H

#include <netinet/in.h>
#include <stdint.h>

struct ip {
    uint8_t ip_hl : 4, ip_v : 4;
    uint8_t ip_tos;
    uint16_t ip_len, ip_id, ip_off;
    uint8_t ip_ttl, ip_p;
    uint16_t ip_sum;
    struct in_addr ip_src, ip_dst;
};

#endif

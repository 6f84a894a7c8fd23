/* libpeer's socket and clock, in bounds. See libpeer.h. */
#include <string.h>

#include "clock.h"
#include "libpeer.h"
#include "network.h"
#include "socket.h"

#define STUN_HEADER 20
#define STUN_BINDING_REQUEST 0x0001

int __real_udp_socket_recvfrom(UdpSocket *socket, Address *address, uint8_t *bytes, int capacity);
int __real_udp_socket_sendto(UdpSocket *socket, Address *address, const uint8_t *bytes, int length);
int __wrap_udp_socket_recvfrom(UdpSocket *socket, Address *address, uint8_t *bytes, int capacity);
int __wrap_udp_socket_sendto(UdpSocket *socket, Address *address, const uint8_t *bytes, int length);
int __wrap_ports_get_host_addr(Address *address, const char *prefix);
uint32_t __wrap_ports_get_epoch_time(void);

tc_guard_address libpeer_address(const Address *address) {
    tc_guard_address out = {.port = ntohs(address->sin.sin_port)};
    memcpy(out.ip, &address->sin.sin_addr.s_addr, sizeof out.ip);
    return out;
}

/* 0 is what libpeer takes for "nothing came". */
int __wrap_udp_socket_recvfrom(UdpSocket *socket, Address *address, uint8_t *bytes, int capacity) {
    Address from;
    int length = __real_udp_socket_recvfrom(socket, &from, bytes, capacity);
    libpeer.packets++;
    if (length <= 0 || !libpeer.guarded) {
        return 0;
    }
    tc_guard_address sender = libpeer_address(&from);
    switch (tc_guard_check(&libpeer.guard, &sender, bytes, (size_t)length, clock_ms())) {
    case TC_GUARD_PASS_STUN_REQUEST:
    case TC_GUARD_PASS_STUN_RESPONSE:
    case TC_GUARD_PASS_DTLS:
    case TC_GUARD_PASS_RTP:
    case TC_GUARD_PASS_RTCP:
        break;
    default:
        return 0;
    }
    if (address != NULL) {
        *address = from;
    }
    return length;
}

int __wrap_udp_socket_sendto(UdpSocket *socket, Address *address, const uint8_t *bytes,
                             int length) {
    if (libpeer.guarded && length >= STUN_HEADER &&
        (bytes[0] << 8 | bytes[1]) == STUN_BINDING_REQUEST) {
        tc_guard_address to = libpeer_address(address);
        tc_guard_sent_request(&libpeer.guard, bytes + 8, &to, clock_ms());
    }
    return __real_udp_socket_sendto(socket, address, bytes, length);
}

/* libpeer would take the first interface that has an address, which may be the loopback. */
int __wrap_ports_get_host_addr(Address *address, const char *prefix) {
    uint8_t ip[4];
    (void)prefix;
    if (address->family != AF_INET || !network_address(ip)) {
        return 0;
    }
    memcpy(&address->sin.sin_addr.s_addr, ip, sizeof ip);
    return 1;
}

/* libpeer's own is the wall clock: a step by SNTP would end the call. */
uint32_t __wrap_ports_get_epoch_time(void) {
    return (uint32_t)clock_ms();
}

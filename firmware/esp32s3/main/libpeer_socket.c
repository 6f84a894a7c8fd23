/* libpeer's socket and clock, in bounds. See libpeer.h. */
#include <string.h>

#include "clock.h"
#include "libpeer.h"
#include "network.h"
#include "socket.h"

#define STUN_HEADER 20
#define STUN_BINDING_REQUEST 0x0001
#define DTLS_HANDSHAKE 22
#define DROPS_IN_A_ROW 64

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

static void keep_early(tc_guard_address from, const uint8_t *bytes, size_t length) {
    if (length <= sizeof libpeer.early.bytes && bytes[0] == DTLS_HANDSHAKE) {
        memcpy(libpeer.early.bytes, bytes, length);
        libpeer.early.length = length;
        libpeer.early.from = from;
    }
}

size_t libpeer_early(uint8_t *bytes, size_t capacity) {
    size_t length = libpeer.early.length;
    libpeer.early.length = 0;
    if (length == 0 || length > capacity ||
        tc_guard_check(&libpeer.guard, &libpeer.early.from, libpeer.early.bytes, length,
                       clock_ms()) != TC_GUARD_PASS_DTLS) {
        return 0;
    }
    memcpy(bytes, libpeer.early.bytes, length);
    return length;
}

/* libpeer takes a response for one of the pair that it tries now: a late one would make the wrong
 * pair the chosen one. */
static void nominate(const tc_guard_address *sender) {
    Agent *agent = libpeer.agent;
    for (int i = 0; agent->selected_pair == NULL && i < agent->candidate_pairs_num; i++) {
        tc_guard_address remote = libpeer_address(&agent->candidate_pairs[i].remote->addr);
        if (remote.port == sender->port && memcmp(remote.ip, sender->ip, sizeof remote.ip) == 0) {
            agent->nominated_pair = &agent->candidate_pairs[i];
            agent->nominated_pair->state = ICE_CANDIDATE_STATE_INPROGRESS;
        }
    }
}

/* Reads without waiting; libpeer has asked select() before. */
static int receive(const UdpSocket *socket, Address *from, uint8_t *bytes, int capacity) {
    socklen_t size = sizeof from->sin;
    int length = (int)recvfrom(socket->fd, bytes, (size_t)capacity, MSG_DONTWAIT,
                               (struct sockaddr *)&from->sin, &size);
    from->family = AF_INET;
    from->port = ntohs(from->sin.sin_port);
    return length;
}

/* The next datagram that passes, of those that are there. 0 is what libpeer takes for "nothing
 * came". What the guard drops costs libpeer no turn: it counts turns as time. */
int __wrap_udp_socket_recvfrom(UdpSocket *socket, Address *address, uint8_t *bytes, int capacity) {
    Address from;
    for (int i = 0; i < DROPS_IN_A_ROW; i++) {
        int length = receive(socket, &from, bytes, capacity);
        if (length <= 0) {
            return 0;
        }
        libpeer.packets++;
        if (!libpeer.guarded) {
            continue;
        }
        tc_guard_address sender = libpeer_address(&from);
        tc_guard_verdict verdict =
            tc_guard_check(&libpeer.guard, &sender, bytes, (size_t)length, clock_ms());
        if (verdict == TC_GUARD_PASS_STUN_RESPONSE) {
            nominate(&sender);
        }
        if (verdict < TC_GUARD_FIRST_DROP) {
            if (address != NULL) {
                *address = from;
            }
            return length;
        }
        if (verdict == TC_GUARD_DROP_EARLY) {
            keep_early(sender, bytes, (size_t)length);
        }
    }
    return 0;
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

/*
 * How libpeer is kept in bounds. It is compiled as it is; the functions below stand in the place of
 * its own, by the linker's --wrap (the list is LIBPEER_WRAPPED in peer.cmake).
 *
 * libpeer_socket.c
 *   udp_socket_recvfrom        no datagram passes that the guard has not checked
 *   udp_socket_sendto          the guard learns which STUN requests went out
 *   ports_get_host_addr        the address of the interface in use
 *   ports_get_epoch_time       a clock that never steps
 * libpeer_ice.c
 *   utils_random_string        credentials from the hardware's generator, not from rand()
 *   stun_msg_create, stun_msg_write_attr
 *                              transaction ids, tie-breaker, bounds
 *   stun_parse_msg_buf, stun_msg_is_valid
 *                              what the guard has verified is not parsed again
 *   agent_create               where the agent lies
 *   agent_select_candidate_pair
 *                              the time that a pair has is time, not turns
 * libpeer_dtls.c
 *   dtls_srtp_init, _handshake, _probe, _read, _write, agent_recv
 *                              a deadline, each datagram once, no spinning
 *   dtls_srtp_decrypt_rtp_packet, _rtcp_packet
 *                              what SRTP refuses goes nowhere
 *   mbedtls_x509write_crt_set_validity
 *                              a certificate that does not end in 2028
 * libpeer_log.c
 *   peer_log                   its lines go where all logs go
 * libpeer_sctp.c
 *   sctp_*                     the data channel is firmware/peer/channel.c, on usrsctp
 *
 * Peer task only.
 */
#ifndef LIBPEER_H
#define LIBPEER_H

#include <stdbool.h>

#include "agent.h"
#include "dtls_srtp.h"
#include "peer/channel.h"
#include "peer/guard.h"

/** What the replaced functions know of the call that runs; peer_call.c fills and clears it. */
typedef struct {
    Agent *agent;   /* set by agent_create */
    DtlsSrtp *dtls; /* set by dtls_srtp_init */
    bool no_socket;
    bool guarded; /* the answer is known: the guard decides. Before, nothing is received */
    tc_guard guard;
    tc_channel *channel;      /* once DTLS is up */
    uint64_t handshake_until; /* ms; when a handshake that has not ended has failed */
    bool handshake_failed, closed_by_peer, dtls_up;
    /* A server may begin DTLS before our check of its address was answered; it would repeat itself
     * after a second only. So the last such datagram is kept. */
    struct {
        uint8_t bytes[CONFIG_MTU];
        size_t length;
        tc_guard_address from;
    } early;
    uint32_t packets; /* datagrams that were received, whatever became of them */
    uint32_t srtp_refused;
    /** Whether the call is still wanted: a handshake ends early if not. */
    bool (*wanted)(void);
    /** One RTP packet, decrypted. */
    void (*rtp)(const uint8_t *bytes, size_t length);
    /** DTLS is up; the association may begin. */
    void (*up)(void);
} libpeer_link;

extern libpeer_link libpeer;

/** Address and port of libpeer's as the guard has them. */
tc_guard_address libpeer_address(const Address *address);
/** ICE's tie-breaker, 8 random bytes, not 0 (RFC 8445 section 16.1). */
const uint8_t *libpeer_tie_breaker(void);
/** A DTLS datagram that came before ICE had chosen, if there was one and it passes now: copies it,
 * and returns its length, else 0. */
size_t libpeer_early(uint8_t *bytes, size_t capacity);

#endif

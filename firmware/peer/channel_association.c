/*
 * The SCTP under the data channel: usrsctp for one association at a time, small, and with limits
 * that fit a call.
 */
#include "channel_association.h"

#include <errno.h>
#include <string.h>

/* Streams each way: usrsctp allocates for as many as the peer may use, and its default of 2048 (the
 * peers say 65535) takes 64 KB on a 32-bit machine. */
enum { STREAMS = TC_CHANNEL_STREAMS };

/* The retransmissions of RFC 9260 section 8.1. usrsctp counts data and heartbeats together: a peer
 * that is gone is known after 16 to 22 s while something is to be sent, after 50 s or so while
 * nothing is; then consent (RFC 7675, 30 s) is faster. An INIT without an answer is given up after
 * 24 s. RTO.min stays above the 200 ms for which a peer may delay a SACK. */
enum { RTO_INITIAL_MS = 1000, RTO_MIN_MS = 400, RTO_MAX_MS = 3000 };
enum { ATTEMPTS = 12, INIT_ATTEMPTS = 8, HEARTBEAT_MS = 1000, SACK_DELAY_MS = 20 };

/* Addresses in usrsctp are pointers. These stay registered for ever: to take one back, usrsctp
 * wakes a thread. A packet that is late finds no channel behind its address. */
static tc_channel *slots[4];
enum { SLOTS = sizeof slots / sizeof slots[0] };

static bool initialised;
static uint64_t ticked_ms;

static int send_packet(void *address, void *packet, size_t length, uint8_t tos, uint8_t df) {
    (void)tos;
    (void)df;
    tc_channel *channel = *(tc_channel **)address;
    if (channel != NULL) {
        channel->stats.packets_out++;
        channel->config.send(channel->config.context, packet, length);
    }
    return 0;
}

void tc_channel_global_init(void) {
    if (initialised) {
        return;
    }
    initialised = true;
    /* Read when the tables are made: for one association, not for thousands. */
    usrsctp_tunable_set_sctp_hashtblsize(1);
    usrsctp_tunable_set_sctp_pcbtblsize(1);
    usrsctp_tunable_set_sctp_chunkscale(1);
    usrsctp_init_nothreads(0, send_packet, NULL);
    usrsctp_sysctl_set_sctp_ecn_enable(0);
    usrsctp_sysctl_set_sctp_auto_asconf(0);
    usrsctp_sysctl_set_sctp_asconf_enable(0);
    usrsctp_sysctl_set_sctp_auth_enable(0);
    usrsctp_sysctl_set_sctp_nrsack_enable(0);
    usrsctp_sysctl_set_sctp_pktdrop_enable(0);
    usrsctp_sysctl_set_sctp_reconfig_enable(1);
    /* Nothing is kept for reuse after a burst. */
    usrsctp_sysctl_set_sctp_system_free_resc_limit(0);
    usrsctp_sysctl_set_sctp_asoc_free_resc_limit(0);
    /* Each association has a DTLS connection of its own: no packet of an old one can come. */
    usrsctp_sysctl_set_sctp_vtag_time_wait(0);
    for (size_t i = 0; i < SLOTS; i++) {
        usrsctp_register_address(&slots[i]);
    }
}

static struct sockaddr_conn address_of(tc_channel **slot, uint16_t port) {
    struct sockaddr_conn address;
    memset(&address, 0, sizeof address);
    address.sconn_family = AF_CONN;
#ifdef HAVE_SCONN_LEN
    address.sconn_len = sizeof address;
#endif
    address.sconn_port = htons(port == 0 ? TC_CHANNEL_PORT : port);
    address.sconn_addr = slot;
    return address;
}

/* ---- the socket ---- */

static bool set(struct socket *socket, int option, const void *value, size_t size) {
    return usrsctp_setsockopt(socket, IPPROTO_SCTP, option, value, (socklen_t)size) == 0;
}

static bool set_limits(struct socket *socket) {
    int window = TC_CHANNEL_WINDOW, yes = 1, no = 0;
    struct linger abort_on_close = {.l_onoff = 1, .l_linger = 0};
    struct sctp_initmsg init = {.sinit_num_ostreams = STREAMS,
                                .sinit_max_instreams = STREAMS,
                                .sinit_max_attempts = INIT_ATTEMPTS,
                                .sinit_max_init_timeo = RTO_MAX_MS};
    struct sctp_rtoinfo rto = {
        .srto_initial = RTO_INITIAL_MS, .srto_min = RTO_MIN_MS, .srto_max = RTO_MAX_MS};
    struct sctp_assocparams association = {.sasoc_asocmaxrxt = ATTEMPTS};
    struct sctp_paddrparams path;
    memset(&path, 0, sizeof path);
    path.spp_flags = SPP_PMTUD_DISABLE | SPP_HB_ENABLE;
    path.spp_pathmtu = TC_CHANNEL_PACKET - 12; /* usrsctp adds the common header */
    path.spp_hbinterval = HEARTBEAT_MS;
    path.spp_pathmaxrxt = ATTEMPTS;
    struct sctp_sack_info sack = {.sack_delay = SACK_DELAY_MS, .sack_freq = 2};
    struct sctp_assoc_value reset = {.assoc_id = SCTP_FUTURE_ASSOC,
                                     .assoc_value = SCTP_ENABLE_RESET_STREAM_REQ};
    return usrsctp_setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &window, sizeof window) == 0 &&
           usrsctp_setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &window, sizeof window) == 0 &&
           usrsctp_setsockopt(socket, SOL_SOCKET, SO_LINGER, &abort_on_close,
                              sizeof abort_on_close) == 0 &&
           set(socket, SCTP_INITMSG, &init, sizeof init) &&
           set(socket, SCTP_RTOINFO, &rto, sizeof rto) &&
           set(socket, SCTP_ASSOCINFO, &association, sizeof association) &&
           set(socket, SCTP_PEER_ADDR_PARAMS, &path, sizeof path) &&
           set(socket, SCTP_DELAYED_SACK, &sack, sizeof sack) &&
           set(socket, SCTP_ENABLE_STREAM_RESET, &reset, sizeof reset) &&
           set(socket, SCTP_NODELAY, &yes, sizeof yes) &&
           set(socket, SCTP_RECVRCVINFO, &yes, sizeof yes) &&
           /* What is read is the head of the queue: no message starts inside another. */
           set(socket, SCTP_FRAGMENT_INTERLEAVE, &no, sizeof no);
}

static bool subscribe(struct socket *socket) {
    static const uint16_t events[] = {SCTP_ASSOC_CHANGE, SCTP_STREAM_RESET_EVENT};
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
        struct sctp_event event = {
            .se_assoc_id = SCTP_FUTURE_ASSOC, .se_type = events[i], .se_on = 1};
        if (!set(socket, SCTP_EVENT, &event, sizeof event)) {
            return false;
        }
    }
    return true;
}

static bool connect_socket(tc_channel *channel) {
    struct socket *socket = usrsctp_socket(AF_CONN, SOCK_STREAM, IPPROTO_SCTP, NULL, NULL, 0, NULL);
    if (socket == NULL) {
        return false;
    }
    channel->socket = socket;
    tc_channel **slot = &slots[channel->slot];
    struct sockaddr_conn local = address_of(slot, channel->config.local_port);
    struct sockaddr_conn remote = address_of(slot, channel->config.remote_port);
    return usrsctp_set_non_blocking(socket, 1) == 0 && set_limits(socket) && subscribe(socket) &&
           usrsctp_bind(socket, (struct sockaddr *)&local, sizeof local) == 0 &&
           (usrsctp_connect(socket, (struct sockaddr *)&remote, sizeof remote) == 0 ||
            errno == EINPROGRESS);
}

tc_err tc_association_start(tc_channel *channel) {
    channel->slot = 0;
    while (channel->slot < SLOTS && slots[channel->slot] != NULL) {
        channel->slot++;
    }
    if (channel->slot == SLOTS) {
        return TC_ERR_FULL;
    }
    slots[channel->slot] = channel;
    if (!connect_socket(channel)) {
        tc_association_stop(channel);
        return TC_ERR_FULL;
    }
    return TC_OK;
}

void tc_association_stop(tc_channel *channel) {
    struct socket *socket = channel->socket;
    channel->socket = NULL;
    if (socket != NULL) {
        usrsctp_close(socket);
    }
    if (channel->slot < SLOTS && slots[channel->slot] == channel) {
        slots[channel->slot] = NULL;
    }
}

void tc_association_input(tc_channel *channel, const uint8_t *packet, size_t length) {
    usrsctp_conninput(&slots[channel->slot], packet, length, 0);
}

void tc_association_time(uint64_t now_ms) {
    if (ticked_ms == 0 || now_ms < ticked_ms) {
        ticked_ms = now_ms;
    }
    uint64_t passed = now_ms - ticked_ms;
    ticked_ms = now_ms;
    if (initialised && passed > 0) {
        usrsctp_handle_timers(passed < 60000 ? (uint32_t)passed : 60000);
    }
}

ssize_t tc_association_send(tc_channel *channel, uint16_t stream, uint32_t ppid, const void *bytes,
                            size_t length) {
    struct sctp_sndinfo info;
    if (channel->unacked > 0 && tc_association_is_dry(channel)) {
        channel->unacked = 0;
    }
    memset(&info, 0, sizeof info);
    info.snd_sid = stream;
    info.snd_ppid = htonl(ppid);
    ssize_t sent = usrsctp_sendv(channel->socket, bytes, length, NULL, 0, &info, sizeof info,
                                 SCTP_SENDV_SNDINFO, 0);
    if (sent > 0) {
        channel->unacked += (size_t)sent;
    }
    return sent;
}

void tc_association_reset(tc_channel *channel, uint16_t stream) {
    uint64_t aligned[2] = {0};
    struct sctp_reset_streams *request = (struct sctp_reset_streams *)aligned;
    request->srs_flags = SCTP_STREAM_RESET_OUTGOING;
    request->srs_number_streams = 1;
    request->srs_stream_list[0] = stream;
    (void)set(channel->socket, SCTP_RESET_STREAMS, request,
              sizeof *request + sizeof request->srs_stream_list[0]);
}

bool tc_association_is_dry(tc_channel *channel) {
    struct sctp_status status;
    socklen_t size = sizeof status;
    memset(&status, 0, sizeof status);
    return usrsctp_getsockopt(channel->socket, IPPROTO_SCTP, SCTP_STATUS, &status, &size) == 0 &&
           status.sstat_unackdata == 0 && status.sstat_penddata == 0;
}

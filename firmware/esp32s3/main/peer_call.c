#include "peer_call.h"

#include <string.h>

#include "clock.h"
#include "core/board.h"
#include "core/core.h"
#include "esp_log.h"
#include "esp_random.h"
#include "generated/link_gen.h"
#include "libpeer.h"
#include "mbedtls/md.h"
#include "network.h"
#include "peer/rtp_out.h"
#include "peer/stun.h"
#include "peer_connection.h"

static const char *TAG = "peer";

#define ICE_MS 8000u       /* until a pair answers */
#define HANDSHAKE_MS 8000u /* DTLS */
#define CONSENT_MS 5000u   /* between requests: RFC 7675 section 5.1 */
#define CONSENT_LOST_MS 30000u
#define TICK_MS 10u
#define BURST_MS 10u
#define BURST 32 /* packets in one step; audio and texts wait that long at most */
#define DATAGRAM 1500
#define SDP_MAX 4096
#define OPUS_PAYLOAD 111
#define STREAM 1 /* the DTLS server's streams are odd: RFC 8832 section 6 */

enum { DOWN_CLOSED = 0, DOWN_FAILED = 1, DOWN_CHANNEL = 2 };

libpeer_link libpeer;

static const peer_call_events *events;
static struct {
    uint32_t id;
    PeerConnection *connection;
    bool running, down, waited;
    uint64_t ice_until, consent_at, tick_at;
    char label[65];
    tc_sdp_offer offer;
    tc_sdp_answer answer;
    tc_guard_address peer;
    tc_rtp_out rtp;
} call;
static tc_channel channel;
static TC_BIG uint8_t message[TC_LINK_MAX_EVENT]; /* of the data channel, while it comes in */

uint32_t peer_call_id(void) {
    return call.id;
}

const tc_sdp_offer *peer_call_offer(void) {
    return &call.offer;
}

bool peer_call_runs(void) {
    return call.running && !call.down;
}

bool peer_call_waited(void) {
    return call.waited;
}

static void go_down(int32_t code, const char *why) {
    if (call.down) {
        return;
    }
    call.down = true;
    ESP_LOGI(TAG, "call %lu is down: %s", (unsigned long)call.id, why);
    events->down(call.id, code);
}

/* ---- the data channel ---- */

static void send_packet(void *context, const uint8_t *packet, size_t length) {
    (void)context;
    if (libpeer.dtls_up) {
        (void)mbedtls_ssl_write(&libpeer.dtls->ssl, packet,
                                length); /* what is lost, SCTP sends again */
    }
}

static void on_open(void *context) {
    (void)context;
    events->channel_open(call.id);
}

static void on_text(void *context, const uint8_t *text, size_t length) {
    (void)context;
    events->text(call.id, text, length);
}

static void on_too_large(void *context, size_t size, const uint8_t *begin, size_t length) {
    (void)context;
    events->too_large(call.id, size, begin, length);
}

static void on_closed(void *context) {
    (void)context;
    go_down(DOWN_CHANNEL, "the data channel was closed");
}

/* ---- what libpeer's replaced functions ask and say ---- */

static bool is_wanted(void) {
    return events->wanted(call.id);
}

static void on_rtp(const uint8_t *bytes, size_t length) {
    tc_core_rtp(call.id, bytes, length, clock_ms());
}

static void on_up(void) {
    tc_channel_config config = {
        .send = send_packet,
        .on_open = on_open,
        .on_text = on_text,
        .on_too_large = on_too_large,
        .on_closed = on_closed,
        .label = call.label,
        .stream = STREAM,
        .buffer = message,
        .buffer_size = sizeof message,
        .peer_limit = call.answer.max_message_size,
        .now_ms = clock_ms(),
    };
    tc_guard_dtls_up(&libpeer.guard);
    events->up(call.id);
    if (tc_channel_open(&channel, &config) != TC_OK) {
        go_down(DOWN_CHANNEL, "the data channel could not be made");
        return;
    }
    libpeer.channel = &channel;
}

static void hmac_sha1(const uint8_t *key, size_t key_length, const uint8_t *data, size_t length,
                      uint8_t out[20], void *context) {
    (void)context;
    (void)mbedtls_md_hmac(mbedtls_md_info_from_type(MBEDTLS_MD_SHA1), key, key_length, data, length,
                          out);
}

/* ---- offer and answer ---- */

void peer_call_init(const peer_call_events *with) {
    events = with;
    srtp_init();
    tc_channel_global_init();
}

static void describe(void) {
    tc_sdp_offer *offer = &call.offer;
    memset(offer, 0, sizeof *offer);
    esp_fill_random(&offer->session_id, sizeof offer->session_id);
    strlcpy(offer->ufrag, libpeer.agent->local_ufrag, sizeof offer->ufrag);
    strlcpy(offer->pwd, libpeer.agent->local_upwd, sizeof offer->pwd);
    strlcpy(offer->fingerprint, libpeer.dtls->local_fingerprint, sizeof offer->fingerprint);
    offer->opus = OPUS_PAYLOAD;
    offer->ssrc = call.rtp.ssrc;
    offer->max_message_size = TC_LINK_MAX_EVENT;
    for (int i = 0; i < libpeer.agent->local_candidates_count && i < TC_SDP_CANDIDATES; i++) {
        offer->candidates[offer->candidate_count++] =
            libpeer_address(&libpeer.agent->local_candidates[i].addr);
    }
}

/* libpeer changes its state only where somebody wants to hear of it. */
static void on_state(PeerConnectionState state, void *context) {
    (void)state;
    (void)context;
}

bool peer_call_open(uint32_t id, const char *label) {
    static TC_BIG char sdp[SDP_MAX];
    memset(&call, 0, sizeof call);
    memset(&libpeer, 0, sizeof libpeer);
    libpeer.wanted = is_wanted;
    libpeer.rtp = on_rtp;
    libpeer.up = on_up;
    call.id = id;
    strlcpy(call.label, label, sizeof call.label);

    uint8_t start[6];
    esp_fill_random(start, sizeof start);
    tc_rtp_out_init(&call.rtp, start);
    PeerConfiguration configuration = {.audio_codec = CODEC_OPUS,
                                       .datachannel = DATA_CHANNEL_STRING};
    call.connection = peer_connection_create(&configuration);
    if (call.connection != NULL) {
        peer_connection_oniceconnectionstatechange(call.connection, on_state);
    }
    if (call.connection == NULL || peer_connection_create_offer(call.connection) == NULL ||
        libpeer.no_socket || libpeer.agent->local_candidates_count == 0) {
        go_down(DOWN_FAILED, "no offer could be made");
        return false;
    }
    describe();
    int length = tc_sdp_write_offer(&call.offer, sdp, sizeof sdp);
    if (length <= 0) {
        go_down(DOWN_FAILED, "the offer is too long");
        return false;
    }
    events->offer(id, sdp, (size_t)length);
    return true;
}

void peer_call_answer(const tc_sdp_answer *answer) {
    static char sdp[SDP_MAX];
    if (call.down || call.connection == NULL || call.running) {
        return;
    }
    call.answer = *answer;
    if (tc_sdp_write_for_libpeer(answer, sdp, sizeof sdp) <= 0) {
        go_down(DOWN_FAILED, "the answer is too long");
        return;
    }
    tc_guard_config config = {
        .local_ufrag = call.offer.ufrag,
        .local_pwd = call.offer.pwd,
        .remote_ufrag = call.answer.ufrag,
        .remote_pwd = call.answer.pwd,
        .candidates = call.answer.candidates,
        .candidate_count = call.answer.candidate_count,
        .payload_type = OPUS_PAYLOAD,
        .hmac = hmac_sha1,
    };
    uint64_t now = clock_ms();
    if (tc_guard_init(&libpeer.guard, &config, now) != TC_OK) {
        go_down(DOWN_FAILED, "the answer's credentials are too long");
        return;
    }
    libpeer.guarded = true;
    call.ice_until = now + ICE_MS;
    libpeer.handshake_until = call.ice_until + HANDSHAKE_MS;
    peer_connection_set_remote_description(call.connection, sdp, SDP_TYPE_ANSWER);
    call.running = true;
}

/* ---- while it runs ---- */

/* ICE has found the pair: from here on only its datagrams pass. */
static void choose(void) {
    call.peer = libpeer_address(&libpeer.agent->selected_pair->remote->addr);
    if (tc_guard_choose(&libpeer.guard, &call.peer) != TC_OK) {
        go_down(DOWN_FAILED, "ICE chose an address that has not answered");
    }
    libpeer.handshake_until = clock_ms() + HANDSHAKE_MS;
    call.consent_at = clock_ms() + CONSENT_MS;
}

static void ask_consent(uint64_t now) {
    uint8_t bytes[TC_STUN_MAX], transaction[TC_STUN_ID], chance;
    esp_fill_random(transaction, sizeof transaction);
    esp_fill_random(&chance, sizeof chance);
    tc_stun_request request = {
        .transaction = transaction,
        .local_ufrag = call.offer.ufrag,
        .remote_ufrag = call.answer.ufrag,
        .remote_pwd = call.answer.pwd,
        .tie_breaker = libpeer_tie_breaker(),
        .hmac = hmac_sha1,
    };
    int length = tc_stun_write_request(&request, bytes, sizeof bytes);
    if (length > 0) {
        tc_guard_sent_request(&libpeer.guard, transaction, &call.peer, now);
        (void)agent_send(libpeer.agent, bytes, length);
    }
    /* 0.8 to 1.2 of the time, so that many devices do not ask at once: RFC 7675 section 5.1 */
    call.consent_at = now + CONSENT_MS * (80u + chance % 41u) / 100u;
}

static void watch(uint64_t now) {
    PeerConnectionState state = peer_connection_get_state(call.connection);
    if (libpeer.closed_by_peer) {
        go_down(DOWN_CLOSED, "the peer said goodbye");
    } else if (libpeer.handshake_failed) {
        go_down(DOWN_FAILED, "DTLS failed");
    } else if (state == PEER_CONNECTION_CHECKING && now >= call.ice_until) {
        go_down(DOWN_FAILED, "no address of the peer answers");
    } else if (state == PEER_CONNECTION_FAILED || state == PEER_CONNECTION_CLOSED) {
        if (libpeer.guard.stun_error != 0) {
            ESP_LOGW(TAG, "the peer refuses our checks: STUN error %u",
                     (unsigned)libpeer.guard.stun_error);
        }
        go_down(DOWN_FAILED, "ICE failed");
    } else if (libpeer.dtls_up && tc_guard_consent_age(&libpeer.guard, now) >= CONSENT_LOST_MS) {
        go_down(DOWN_FAILED, "the peer is gone");
    } else if (libpeer.dtls_up && now >= call.consent_at) {
        ask_consent(now);
    }
}

void peer_call_step(void) {
    uint64_t until = clock_ms() + BURST_MS;
    for (int i = 0; i < BURST && !call.down && clock_ms() < until; i++) {
        uint32_t before = libpeer.packets;
        PeerConnectionState state = peer_connection_get_state(call.connection);
        peer_connection_loop(call.connection);
        if (state == PEER_CONNECTION_CHECKING &&
            peer_connection_get_state(call.connection) == PEER_CONNECTION_CONNECTED) {
            choose();
        }
        call.waited = libpeer.packets == before;
        if (call.waited) {
            break;
        }
    }
    uint64_t now = clock_ms();
    if (libpeer.channel != NULL && now >= call.tick_at) {
        tc_channel_tick(libpeer.channel, now);
        call.tick_at = now + TICK_MS;
    }
    watch(now);
}

tc_err peer_call_send_text(const uint8_t *text, size_t length) {
    return libpeer.channel != NULL && !call.down
               ? tc_channel_send_text(libpeer.channel, text, length)
               : TC_ERR_STATE;
}

tc_err peer_call_send_audio(const uint8_t *packet, size_t length, uint32_t timestamp) {
    static uint8_t rtp[DATAGRAM] __attribute__((aligned(8)));
    if (!libpeer.dtls_up || call.down) {
        return TC_ERR_STATE;
    }
    int size =
        tc_rtp_write(&call.rtp, packet, length, timestamp, rtp, sizeof rtp - SRTP_MAX_TRAILER_LEN);
    if (size <= 0) {
        return TC_ERR_SIZE;
    }
    if (srtp_protect(libpeer.dtls->srtp_out, rtp, &size) != srtp_err_status_ok) {
        return TC_ERR_IO;
    }
    return agent_send(libpeer.agent, rtp, size) < 0 ? TC_ERR_IO : TC_OK;
}

void peer_call_close(void) {
    call.down = true; /* nothing is said any more */
    if (libpeer.channel != NULL) {
        tc_channel_close(libpeer.channel);
        libpeer.channel = NULL;
    }
    if (libpeer.dtls_up) {
        (void)mbedtls_ssl_close_notify(&libpeer.dtls->ssl);
    }
    if (call.connection != NULL) {
        peer_connection_destroy(call.connection);
    }
    memset(&libpeer, 0, sizeof libpeer);
    memset(&call, 0, sizeof call);
}

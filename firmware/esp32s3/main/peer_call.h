/*
 * One call: a libpeer connection, its guard, and its data channel. The peer task owns it: nothing
 * here may be called from another one. libpeer has no lock and no thread of its own; its callbacks
 * run inside peer_call_step().
 */
#ifndef PEER_CALL_H
#define PEER_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "peer/sdp.h"

/** What a call tells its owner. `id` is the call's. */
typedef struct {
    void (*offer)(uint32_t id, const char *sdp, size_t length);
    /** ICE and DTLS are up. */
    void (*up)(uint32_t id);
    void (*channel_open)(uint32_t id);
    /** One whole message of the data channel; valid during the call only. */
    void (*text)(uint32_t id, const uint8_t *text, size_t length);
    /** A message of `size` bytes was dropped; `begin` are its first bytes. */
    void (*too_large)(uint32_t id, size_t size, const uint8_t *begin, size_t length);
    /** Once, and last. `code` as TC_EVENT_PEER_DOWN has it: 0 closed by the peer, 1 failed, 2
     * channel closed. */
    void (*down)(uint32_t id, int32_t code);
    /** Whether the core still wants this call: asked while a handshake blocks. Any task may have
     * changed it. */
    bool (*wanted)(uint32_t id);
} peer_call_events;

/** Once, before the first call. */
void peer_call_init(const peer_call_events *events);
/** Makes a connection and its offer. False: it could not be made, and `down` was said. */
bool peer_call_open(uint32_t id, const char *label);
/** Id of the call, 0 for none. */
uint32_t peer_call_id(void);
/** What the offer said; other tasks may read it once the offer was made. */
const tc_sdp_offer *peer_call_offer(void);
/** Applies the answer: from here on packets flow. */
void peer_call_answer(const tc_sdp_answer *answer);
/** Whether it has to be stepped all the time: an answer was applied, and it is not down. */
bool peer_call_runs(void);
/** Takes what has arrived, at most some tens of packets, and looks at the time; waits for a packet
 * up to 1 ms. */
void peer_call_step(void);
/** Whether the last step found nothing to take, and so has waited. */
bool peer_call_waited(void);
/** TC_ERR_FULL: again after the next step. TC_ERR_STATE: there is no channel. */
tc_err peer_call_send_text(const uint8_t *text, size_t length);
/** One Opus packet as RTP. TC_ERR_STATE before DTLS is up. */
tc_err peer_call_send_audio(const uint8_t *packet, size_t length, uint32_t timestamp);
/** Says goodbye to the peer (SCTP abort, DTLS close_notify) and frees all. Nothing is said after
 * it. */
void peer_call_close(void);

#endif

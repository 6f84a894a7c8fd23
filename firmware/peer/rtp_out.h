/* RTP packets out (RFC 3550 section 5.1), for one Opus stream (RFC 7587). */
#ifndef TC_RTP_OUT_H
#define TC_RTP_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../core/err.h"

#define TC_RTP_OUT_HEADER 12
/** Payload type of Opus in our offer. */
#define TC_RTP_OUT_OPUS 111

typedef struct {
    uint32_t ssrc;
    uint16_t sequence; /* of the next packet */
    bool started;
    uint32_t timestamp; /* of the last packet */
} tc_rtp_out;

/**
 * Begins a stream. SSRC and first sequence number come from six random bytes; the first sequence
 * number is below 32,768, so that its first wrap cannot be lost on an SRTP receiver (RFC 3711
 * section 3.3.1).
 */
void tc_rtp_out_init(tc_rtp_out *out, const uint8_t random[6]);

/**
 * Writes header and payload. `timestamp` counts samples at 48 kHz. The marker is set on the first
 * packet, and where more than 20 ms went by since the last one: the talkspurt begins there (RFC
 * 3551 section 4.1). Returns the length; TC_ERR_SIZE where the payload is empty or the packet
 * longer than `capacity`, which leaves the stream as it was. Room for the SRTP tag is the caller's
 * affair.
 */
int tc_rtp_write(tc_rtp_out *out, const uint8_t *payload, size_t length, uint32_t timestamp,
                 uint8_t *buffer, size_t capacity);

#endif

/* RTP headers (RFC 3550 section 5.1), with CSRC list, extension and padding. */
#ifndef TC_RTP_H
#define TC_RTP_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

typedef struct {
    uint32_t ssrc;
    uint32_t timestamp; /* 48 kHz for Opus (RFC 7587) */
    uint16_t sequence;
    uint8_t payload_type;
    uint8_t marker;
    const uint8_t *payload;
    size_t length;
} tc_rtp_packet;

/** Reads a packet; RTCP (RFC 5761 section 4: types 64 to 95) and anything malformed is
 * TC_ERR_FORMAT. */
tc_err tc_rtp_read(const uint8_t *bytes, size_t length, tc_rtp_packet *out);

#endif

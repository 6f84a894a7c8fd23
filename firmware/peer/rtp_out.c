#include "rtp_out.h"

#include <string.h>

#include "bytes.h"

#define FRAME 960u /* 20 ms at 48 kHz */

void tc_rtp_out_init(tc_rtp_out *out, const uint8_t random[6]) {
    memset(out, 0, sizeof *out);
    for (int i = 0; i < 4; i++) {
        out->ssrc = out->ssrc << 8 | random[i];
    }
    out->sequence = (uint16_t)((random[4] << 8 | random[5]) & 0x7FFF);
}

int tc_rtp_write(tc_rtp_out *out, const uint8_t *payload, size_t length, uint32_t timestamp,
                 uint8_t *buffer, size_t capacity) {
    if (length == 0 || capacity < TC_RTP_OUT_HEADER || length > capacity - TC_RTP_OUT_HEADER) {
        return TC_ERR_SIZE;
    }
    bool marker = !out->started || timestamp - out->timestamp > FRAME;
    buffer[0] = 2 << 6; /* version; no padding, extension, CSRC */
    buffer[1] = (uint8_t)(TC_RTP_OUT_OPUS | (marker ? 0x80 : 0));
    tc_write_u16(buffer + 2, out->sequence++);
    tc_write_u32(buffer + 4, timestamp);
    tc_write_u32(buffer + 8, out->ssrc);
    memcpy(buffer + TC_RTP_OUT_HEADER, payload, length);
    out->started = true;
    out->timestamp = timestamp;
    return (int)(TC_RTP_OUT_HEADER + length);
}

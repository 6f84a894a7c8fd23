#include "rtp.h"

#define RTP_HEADER 12

static uint32_t read_u32(const uint8_t *at) {
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

tc_err tc_rtp_read(const uint8_t *bytes, size_t length, tc_rtp_packet *out) {
    if (bytes == NULL || length < RTP_HEADER || bytes[0] >> 6 != 2) {
        return TC_ERR_FORMAT;
    }
    uint8_t type = bytes[1] & 0x7f;
    if (type >= 64 && type <= 95) { /* RTCP on the same port: RFC 5761 section 4 */
        return TC_ERR_FORMAT;
    }

    size_t start = RTP_HEADER + 4u * (bytes[0] & 0x0f); /* CSRC list */
    if (start > length) {
        return TC_ERR_FORMAT;
    }
    if (bytes[0] & 0x10) { /* extension: RFC 3550 section 5.3.1 */
        if (length - start < 4) {
            return TC_ERR_FORMAT;
        }
        size_t words = (size_t)bytes[start + 2] << 8 | bytes[start + 3];
        start += 4;
        if (words * 4 > length - start) {
            return TC_ERR_FORMAT;
        }
        start += words * 4;
    }
    size_t end = length;
    if (bytes[0] & 0x20) { /* padding: its last octet counts it, itself included */
        uint8_t padding = bytes[length - 1];
        if (padding == 0 || padding > length - start) {
            return TC_ERR_FORMAT;
        }
        end -= padding;
    }
    out->marker = bytes[1] >> 7;
    out->payload_type = type;
    out->sequence = (uint16_t)(bytes[2] << 8 | bytes[3]);
    out->timestamp = read_u32(bytes + 4);
    out->ssrc = read_u32(bytes + 8);
    out->payload = bytes + start;
    out->length = end - start;
    return TC_OK;
}

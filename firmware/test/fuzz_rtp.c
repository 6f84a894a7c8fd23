/* The input is a list of packets, each behind its length; they go through header, jitter buffer,
 * and out. */
#include "../core/playout.h"
#include "../core/rtp.h"
#include "check.h"
#include "fake_port.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static uint8_t copy[256];
    uint64_t now = 1000;
    fake.locked = false;
    tc_playout_init();
    for (size_t at = 0; at + 2 <= size;) {
        uint8_t what = data[at];
        size_t length = size - at - 2 < data[at + 1] ? size - at - 2 : data[at + 1];
        memcpy(copy, data + at + 2, length);
        at += 2 + length;
        if (length >= 12 &&
            what & 1) { /* without help hardly any header is one of a known stream */
            copy[0] = 0x80;
            copy[1] = 111;
            copy[2] = 0;
            memset(copy + 8, 0, 4);
        }
        tc_rtp_packet packet;
        if (tc_rtp_read(copy, length, &packet) == TC_OK) {
            CHECK(packet.payload >= copy + 12 && packet.payload + packet.length <= copy + length);
            tc_playout_put(&packet, now);
        }
        if (what & 2) {
            int16_t pcm[TC_FRAME_SAMPLES];
            tc_playout_pull(pcm);
        }
        if ((what & 0x1c) == 0x1c) {
            tc_playout_flush(now);
        }
        if ((what & 0xe0) == 0xe0) {
            tc_playout_open();
        }
        now += what >> 3;
    }
    tc_playout_stats s;
    tc_playout_get_stats(&s);
    CHECK(s.depth_ms <= 64 * 120 + 140);
    CHECK(s.target_ms >= 40 && s.target_ms <= 200);
    for (int i = 0; i < 1000 && !tc_playout_drained(); i++) {
        int16_t pcm[TC_FRAME_SAMPLES];
        tc_playout_pull(pcm);
    }
    CHECK(tc_playout_drained());
    return 0;
}

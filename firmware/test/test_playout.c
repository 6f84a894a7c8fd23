#include "../core/playout.h"
#include "check.h"
#include "fake_port.h"

/* In the fake port a packet is one sample; its low byte is also the TOC: 20 ms of SILK (RFC 6716
 * section 3.1). */
#define TOC_20MS 0x48
#define SSRC 77u
#define TICKS 960u

static int16_t frame[TC_FRAME_SAMPLES];
static uint64_t now;

static int16_t sound_of(unsigned n) {
    return (int16_t)((n % 126 + 1) << 8 | TOC_20MS);
}

static void put_at(uint32_t ssrc, uint16_t sequence, uint32_t timestamp, int16_t sound) {
    uint8_t bytes[2];
    memcpy(bytes, &sound, sizeof bytes);
    tc_rtp_packet packet = {
        .ssrc = ssrc, .sequence = sequence, .timestamp = timestamp, .payload = bytes, .length = 2};
    tc_playout_put(&packet, now);
}

/* Packet `n` of an even stream. */
static void put(unsigned n) {
    put_at(SSRC, (uint16_t)(65530 + n), 0xfffff000u + n * TICKS, sound_of(n));
}

/* The next 20 ms; all 320 samples are alike. Returns them. */
static int16_t pull(void) {
    memset(frame, 0x55, sizeof frame);
    bool sound = tc_playout_pull(frame);
    for (int i = 1; i < TC_FRAME_SAMPLES; i++) {
        CHECK_EQ(frame[i], frame[0]);
    }
    CHECK(sound || frame[0] == 0);
    now += 20;
    return frame[0];
}

static tc_playout_stats stats(void) {
    tc_playout_stats s;
    tc_playout_get_stats(&s);
    return s;
}

static void begin(void) {
    fake_reset();
    now = 1000;
    tc_playout_init();
}

/* Three packets, which is what it waits for; the first of them sounds. */
static void begin_playing(void) {
    begin();
    for (unsigned n = 0; n < 3; n++) {
        put(n);
    }
    CHECK_EQ(pull(), sound_of(0));
}

TC_TEST(playout_silence_without_packets) {
    begin();
    for (int i = 0; i < 10; i++) {
        CHECK_EQ(pull(), 0);
    }
    CHECK(tc_playout_drained());
    CHECK_EQ(stats().concealed, 0);
}

TC_TEST(playout_waits_for_60_ms_and_plays_in_order_over_the_wrap) {
    begin();
    put(0);
    put(1);
    CHECK_EQ(stats().depth_ms, 40);
    CHECK_EQ(stats().target_ms, 60);
    CHECK_EQ(pull(), 0);
    put(2);
    for (unsigned n = 0; n < 20; n++) {
        CHECK_EQ(pull(), sound_of(n));
        put(n + 3);
    }
    CHECK_EQ(stats().played, 20);
    CHECK_EQ(stats().lost, 0);
}

TC_TEST(playout_a_short_word_is_played_although_it_never_fills_the_target) {
    begin();
    put(0);
    put(1);
    int played = 0;
    for (int i = 0; i < 10; i++) {
        played += pull() != 0;
    }
    CHECK_EQ(played, 2);
    CHECK(tc_playout_drained());
    CHECK_EQ(stats().lost, 0);
    CHECK_EQ(stats().concealed, 0);
}

TC_TEST(playout_one_packet_of_a_new_source_is_not_believed) {
    begin();
    put_at(SSRC, 40000, 5, 0x7f48);
    for (int i = 0; i < 10; i++) {
        CHECK_EQ(pull(), 0);
    }
    CHECK_EQ(stats().stray, 1);
    /* The real stream is not lost by it. */
    for (unsigned n = 0; n < 3; n++) {
        put(n);
    }
    CHECK_EQ(pull(), sound_of(0));
}

TC_TEST(playout_a_stray_packet_far_ahead_does_not_derail) {
    begin_playing();
    put_at(SSRC, 20000, 99, 0x7f48);
    put_at(SSRC + 1, 3, 99, 0x7f48);
    for (unsigned n = 1; n < 10; n++) {
        put(n + 2);
        CHECK_EQ(pull(), sound_of(n));
    }
    CHECK_EQ(stats().stray, 2);
}

TC_TEST(playout_two_packets_in_sequence_are_a_new_source) {
    begin_playing();
    put_at(9, 100, 0, 0x1148);
    put_at(9, 101, 960, 0x1248);
    put_at(9, 102, 1920, 0x1348);
    CHECK_EQ(pull(), 0x1148);
    CHECK_EQ(pull(), 0x1248);
    CHECK_EQ(pull(), 0x1348);
    CHECK_EQ(stats().stray, 0);
    CHECK_EQ(stats().flushed, 2);
}

TC_TEST(playout_orders) {
    begin();
    put(0);
    put(1);
    put(4);
    put(3);
    put(2);
    for (unsigned n = 0; n < 5; n++) {
        CHECK_EQ(pull(), sound_of(n));
    }
    CHECK_EQ(stats().late, 0);
    CHECK_EQ(stats().lost, 0);
}

TC_TEST(playout_counts_duplicates_and_late_packets) {
    begin_playing();
    put(1); /* waits already */
    put(0); /* was played */
    CHECK_EQ(stats().duplicate, 2);
    put(5);
    CHECK_EQ(pull(), sound_of(1));
    CHECK_EQ(pull(), sound_of(2));
    CHECK_EQ(pull(), FAKE_CONCEALED); /* 3 */
    put(3);
    CHECK_EQ(stats().late, 1);
    CHECK_EQ(stats().duplicate, 2);
    put(4);
    CHECK_EQ(pull(), sound_of(4));
    CHECK_EQ(pull(), sound_of(5));
}

TC_TEST(playout_conceals_100_ms_and_then_is_silent) {
    begin_playing();
    put(12);
    CHECK_EQ(pull(), sound_of(1));
    CHECK_EQ(pull(), sound_of(2));
    for (int i = 0; i < 5; i++) {
        CHECK_EQ(pull(), FAKE_CONCEALED);
    }
    for (int i = 0; i < 4; i++) {
        CHECK_EQ(pull(), 0);
    }
    CHECK_EQ(pull(), sound_of(12));
    CHECK_EQ(stats().lost, 9);
    CHECK_EQ(stats().concealed, 5);
}

TC_TEST(playout_the_end_of_a_talkspurt_is_no_loss) {
    begin_playing();
    CHECK_EQ(pull(), sound_of(1));
    CHECK_EQ(pull(), sound_of(2));
    for (int i = 0; i < 50; i++) {
        CHECK_EQ(pull(), 0);
    }
    CHECK_EQ(stats().lost, 0);
    CHECK_EQ(stats().concealed, 0);
    /* The next one goes on in sequence and waits again before it starts. */
    put(3);
    CHECK_EQ(pull(), 0);
    put(4);
    put(5);
    CHECK_EQ(pull(), sound_of(3));
    CHECK_EQ(stats().lost, 0);
}

TC_TEST(playout_a_jump_of_the_timestamp_primes_again) {
    begin_playing();
    put_at(SSRC, (uint16_t)(65530 + 3), 0xfffff000u + 3 * TICKS + 48000, sound_of(3));
    CHECK_EQ(pull(), sound_of(1));
    CHECK_EQ(pull(), sound_of(2));
    CHECK_EQ(pull(), 0);
    put_at(SSRC, (uint16_t)(65530 + 4), 0xfffff000u + 4 * TICKS + 48000, sound_of(4));
    put_at(SSRC, (uint16_t)(65530 + 5), 0xfffff000u + 5 * TICKS + 48000, sound_of(5));
    CHECK_EQ(pull(), sound_of(3));
    CHECK_EQ(stats().lost, 0);
}

TC_TEST(playout_flush_is_silence_at_once) {
    begin_playing();
    tc_playout_flush(now);
    CHECK_EQ(pull(), 0);
    CHECK(tc_playout_drained());
    CHECK_EQ(stats().flushed, 2);
    put(3); /* of the old answer, still on its way */
    put(4);
    CHECK_EQ(pull(), 0);
    CHECK_EQ(stats().flushed, 4);
    tc_playout_open();
    for (unsigned n = 5; n < 8; n++) {
        put(n);
    }
    CHECK_EQ(pull(), sound_of(5));
    CHECK_EQ(stats().lost, 0);
    CHECK_EQ(stats().late, 0);
}

static void flush_meanwhile(void) {
    tc_playout_flush(now);
}

TC_TEST(playout_flush_while_a_packet_is_decoded) {
    begin_playing();
    fake.decoding =
        flush_meanwhile; /* the core task, while the audio task decodes without the lock */
    CHECK_EQ(pull(), 0);
    fake.decoding = NULL;
    CHECK_EQ(pull(), 0);
    CHECK(tc_playout_drained());
}

TC_TEST(playout_the_gate_opens_by_itself_after_a_second) {
    begin_playing();
    tc_playout_flush(now);
    uint64_t flushed_at = now;
    now = flushed_at + 999;
    put(3);
    CHECK_EQ(stats().depth_ms, 0);
    now = flushed_at + 1000;
    put(4);
    CHECK_EQ(stats().depth_ms, 20);
}

TC_TEST(playout_durations_of_packets) {
    static const struct {
        uint8_t toc, second;
        uint16_t ms10; /* tenths */
    } cases[] = {
        {0 << 3, 0, 100},        {1 << 3, 0, 200},      {2 << 3, 0, 400},
        {3 << 3, 0, 600},        {12 << 3, 0, 100},     {13 << 3, 0, 200},
        {16 << 3, 0, 25},        {17 << 3, 0, 50},      {18 << 3, 0, 100},
        {31 << 3, 0, 200},       {9 << 3 | 1, 0, 400},  {9 << 3 | 2, 0, 400},
        {9 << 3 | 3, 0x83, 600}, {9 << 3 | 3, 6, 1200}, {16 << 3 | 3, 48, 1200},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        begin();
        for (uint16_t n = 0; n < 8; n++) {
            uint8_t bytes[2] = {cases[i].toc, cases[i].second};
            tc_rtp_packet packet = {.ssrc = 1, .sequence = n, .payload = bytes, .length = 2};
            tc_playout_put(&packet, now);
        }
        CHECK_EQ(stats().depth_ms, cases[i].ms10 * 8 / 10);
    }
}

TC_TEST(playout_malformed_packets_are_stray) {
    static uint8_t bytes[1281] = {TOC_20MS};
    begin();
    tc_rtp_packet packet = {.ssrc = 1, .payload = bytes, .length = 0};
    tc_playout_put(&packet, now);
    packet.length = 1281;
    tc_playout_put(&packet, now);
    bytes[0] =
        TOC_20MS | 3; /* seven frames of 20 ms are too many; none are too few; a count is missing */
    bytes[1] = 7;
    packet.length = 2;
    tc_playout_put(&packet, now);
    bytes[1] = 0;
    tc_playout_put(&packet, now);
    packet.length = 1;
    tc_playout_put(&packet, now);
    CHECK_EQ(stats().stray, 5);
    CHECK_EQ(pull(), 0);
}

TC_TEST(playout_a_packet_that_does_not_decode_is_concealed) {
    begin();
    uint8_t bytes[3] = {TOC_20MS, 0, 0}; /* the fake decoder takes two bytes only */
    for (uint16_t n = 0; n < 3; n++) {
        tc_rtp_packet packet = {
            .ssrc = 1, .sequence = n, .timestamp = n * TICKS, .payload = bytes, .length = 3};
        tc_playout_put(&packet, now);
    }
    CHECK_EQ(pull(), FAKE_CONCEALED);
    CHECK_EQ(stats().played, 0);
    CHECK_EQ(stats().concealed, 1);
}

TC_TEST(playout_a_full_buffer_loses_its_oldest) {
    begin();
    for (unsigned n = 0; n < 70; n++) {
        put(n);
    }
    CHECK_EQ(stats().overflow, 6);
    CHECK_EQ(pull(), sound_of(6));
}

TC_TEST(playout_depth_follows_the_jitter) {
    begin();
    unsigned seed = 5;
    for (unsigned n = 0; n < 400; n++) {
        now = 1000 + n * 20 + tc_test_random(&seed) % 80;
        put(n);
        tc_playout_pull(frame);
    }
    CHECK(stats().jitter_ms >= 15 && stats().jitter_ms <= 40);
    CHECK(stats().target_ms > 80 && stats().target_ms <= 200);
    for (unsigned n = 400; n < 3000; n++) {
        now = 1000 + n * 20;
        put(n);
        tc_playout_pull(frame);
    }
    CHECK_EQ(stats().jitter_ms, 0);
    CHECK_EQ(stats().target_ms, 40);
}

TC_TEST(playout_a_fast_sender_costs_one_quiet_frame_in_two_seconds) {
    begin();
    unsigned n = 0;
    for (; n < 10; n++) {
        put(n);
    }
    for (int i = 0; i < 300; i++) { /* loud: nothing is left out */
        pull();
        put(n++);
    }
    CHECK_EQ(stats().overflow, 0);
    uint16_t before = stats().depth_ms;
    for (int i = 0; i < 20; i++) {
        pull();
        put_at(SSRC, (uint16_t)(65530 + n), 0xfffff000u + n * TICKS, TOC_20MS); /* an RMS of 72 */
        n++;
    }
    CHECK_EQ(stats().overflow, 1);
    CHECK_EQ(stats().depth_ms, before - 20);
}

/* Network traces. */

typedef struct {
    unsigned jitter, loss, duplicates; /* ms; per thousand */
} network;

#define TRACE 1500u

static tc_playout_stats play_trace(const network *net, unsigned seed, unsigned *heard) {
    static uint64_t arrival[TRACE][2];
    begin();
    for (unsigned n = 0; n < TRACE; n++) {
        uint64_t sent = now + 20 * n;
        bool lost = n > 4 && tc_test_random(&seed) % 1000 < net->loss;
        bool twice = tc_test_random(&seed) % 1000 < net->duplicates;
        /* The first ones arrive evenly, so that the stream is known. */
        unsigned jitter = net->jitter == 0 || n < 3 ? 0 : tc_test_random(&seed) % (net->jitter + 1);
        arrival[n][0] = lost ? UINT64_MAX : sent + jitter;
        arrival[n][1] = lost || !twice ? UINT64_MAX : sent + tc_test_random(&seed) % 100;
    }
    int last = -1;
    *heard = 0;
    for (unsigned tick = 0; tick < TRACE + 100; tick++) {
        uint64_t begin_at = now, end_at = now + 20;
        unsigned first = tick > 40 ? tick - 40 : 0;
        for (now = begin_at; now < end_at; now++) {
            for (unsigned n = first; n < TRACE && n < tick + 2; n++) {
                for (int copy = 0; copy < 2; copy++) {
                    if (arrival[n][copy] == now) {
                        put(n);
                    }
                }
            }
        }
        now = begin_at;
        int16_t value = pull();
        if (value == 0 || value == FAKE_CONCEALED) {
            continue;
        }
        int n = last + 1; /* in order, each once: the next with this sound within reach */
        while (n < last + 120 && sound_of((unsigned)n) != value) {
            n++;
        }
        CHECK(n < last + 120);
        last = n;
        ++*heard;
    }
    CHECK(tc_playout_drained());
    return stats();
}

TC_TEST(playout_any_network_plays_in_order_and_counts_every_packet) {
    for (unsigned seed = 1; seed <= 60; seed++) {
        unsigned mixed = seed * 2654435761u, heard;
        network net = {.jitter = tc_test_random(&mixed) % 150,
                       .loss = tc_test_random(&mixed) % 200,
                       .duplicates = tc_test_random(&mixed) % 100};
        tc_playout_stats s = play_trace(&net, mixed, &heard);
        CHECK_EQ(s.received, s.played + s.late + s.duplicate + s.stray + s.overflow + s.flushed);
        CHECK_EQ(s.played, heard);
        CHECK_EQ(s.stray, 0);
    }
}

TC_TEST(playout_what_arrives_in_time_is_played) {
    for (unsigned seed = 1; seed <= 30; seed++) {
        unsigned heard;
        network net = {.jitter = seed % 20, .loss = 0, .duplicates = 50};
        tc_playout_stats s = play_trace(&net, seed * 2654435761u, &heard);
        CHECK_EQ(s.late, 0);
        CHECK_EQ(s.lost, 0);
        CHECK_EQ(s.concealed, 0);
        CHECK_EQ(heard, TRACE);
    }
}

TC_TEST(playout_a_sender_that_counts_anew_is_believed_after_two_packets) {
    begin_playing();
    for (uint16_t i = 0; i < 3; i++) {
        put_at(SSRC, (uint16_t)(60000 + i), 5000 + i * TICKS, sound_of(60 + i));
    }
    CHECK_EQ(pull(), sound_of(60));
    CHECK_EQ(pull(), sound_of(61));
    CHECK_EQ(pull(), sound_of(62));
}

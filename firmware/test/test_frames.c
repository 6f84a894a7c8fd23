#include "../esp32s3/portable/frames.h"
#include "check.h"

static int blocks;

/* Near minus far, as a perfect echo canceller would. */
static void subtract(int16_t *near, int16_t *far, int16_t *out, void *context) {
    CHECK(context == &blocks);
    CHECK_EQ((uintptr_t)near % 16, 0);
    CHECK_EQ((uintptr_t)far % 16, 0);
    CHECK_EQ((uintptr_t)out % 16, 0);
    for (int i = 0; i < FRAMES_BLOCK; i++) {
        out[i] = (int16_t)(near[i] - far[i]);
    }
    blocks++;
}

TC_TEST(frames_bridge_lengths_without_a_gap_and_a_fixed_delay_late) {
    static frames bridge;
    frames_reset(&bridge);
    int in = 0, out = 0;
    for (int call = 0; call < 800; call++) {
        int16_t near[FRAMES_IN], far[FRAMES_IN];
        for (int i = 0; i < FRAMES_IN; i++, in++) {
            far[i] = (int16_t)(in * 7 % 1000);
            near[i] = (int16_t)(in % 20011 + far[i]);
        }
        frames_run(&bridge, near, far, subtract, &blocks);
        for (int i = 0; i < FRAMES_IN; i++, out++) {
            CHECK_EQ(near[i], out < FRAMES_DELAY ? 0 : (out - FRAMES_DELAY) % 20011);
        }
    }
    CHECK_EQ(blocks, 800 * FRAMES_IN / FRAMES_BLOCK);
}

TC_TEST(frames_forget_what_was_before_a_reset) {
    static frames bridge;
    int16_t near[FRAMES_IN], far[FRAMES_IN] = {0};
    frames_reset(&bridge);
    for (int call = 0; call < 7; call++) {
        memset(near, 0x11, sizeof near);
        frames_run(&bridge, near, far, subtract, &blocks);
    }
    frames_reset(&bridge);
    memset(near, 0, sizeof near);
    for (int call = 0; call < 7; call++) {
        frames_run(&bridge, near, far, subtract, &blocks);
        for (int i = 0; i < FRAMES_IN; i++) {
            CHECK_EQ(near[i], 0);
        }
    }
}

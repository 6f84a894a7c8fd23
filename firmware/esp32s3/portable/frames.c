#include "frames.h"

#include <string.h>

void frames_reset(frames *bridge) {
    memset(bridge, 0, sizeof *bridge);
    bridge->out_count = FRAMES_DELAY;
}

static void drop(int16_t *samples, size_t *count, size_t gone) {
    *count -= gone;
    memmove(samples, samples + gone, *count * sizeof *samples);
}

void frames_run(frames *bridge, int16_t *near, const int16_t *far, frames_process *process,
                void *context) {
    memcpy(bridge->near + bridge->in_count, near, FRAMES_IN * sizeof *near);
    memcpy(bridge->far + bridge->in_count, far, FRAMES_IN * sizeof *far);
    bridge->in_count += FRAMES_IN;
    if (bridge->in_count >= FRAMES_BLOCK) {
        process(bridge->near, bridge->far, bridge->block, context);
        memcpy(bridge->out + bridge->out_count, bridge->block, sizeof bridge->block);
        bridge->out_count += FRAMES_BLOCK;
        size_t rest = bridge->in_count;
        drop(bridge->near, &rest, FRAMES_BLOCK);
        drop(bridge->far, &bridge->in_count, FRAMES_BLOCK);
    }
    memcpy(near, bridge->out, FRAMES_IN * sizeof *near);
    drop(bridge->out, &bridge->out_count, FRAMES_IN);
}

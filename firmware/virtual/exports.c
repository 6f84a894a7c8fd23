/* The core as WebAssembly: what the host of the virtual board calls (ARCHITECTURE.md, "The
 * WebAssembly world"). */
#include "../core/core.h"
#include "../core/playout.h"

#define EXPORT(name) __attribute__((export_name(name)))

#define BUFFER_SIZE 131072u

static uint8_t buffer[BUFFER_SIZE];
static int16_t pcm[TC_FRAME_SAMPLES];

static size_t bounded(uint32_t length) {
    return length < BUFFER_SIZE ? length : BUFFER_SIZE;
}

EXPORT("tc_virtual_buffer") uint8_t *tc_virtual_buffer(void) {
    return buffer;
}

EXPORT("tc_virtual_buffer_size") uint32_t tc_virtual_buffer_size(void) {
    return BUFFER_SIZE;
}

EXPORT("tc_virtual_pcm") int16_t *tc_virtual_pcm(void) {
    return pcm;
}

EXPORT("tc_virtual_init") void tc_virtual_init(double now) {
    tc_core_init((uint64_t)now);
}

EXPORT("tc_virtual_post")
int32_t tc_virtual_post(int32_t kind, uint32_t id, int32_t code, uint32_t extra, uint32_t length) {
    tc_event event = {.kind = kind, .id = id, .code = code, .extra = extra};
    event.data = buffer;
    event.length = bounded(length);
    return tc_core_post(&event);
}

EXPORT("tc_virtual_step") uint32_t tc_virtual_step(double now) {
    return tc_core_step((uint64_t)now);
}

EXPORT("tc_virtual_audio_in") void tc_virtual_audio_in(double now) {
    tc_core_audio_in(pcm, (uint64_t)now);
}

EXPORT("tc_virtual_audio_out") void tc_virtual_audio_out(void) {
    tc_core_audio_out(pcm);
}

EXPORT("tc_virtual_rtp") void tc_virtual_rtp(uint32_t id, uint32_t length, double now) {
    tc_core_rtp(id, buffer, bounded(length), (uint64_t)now);
}

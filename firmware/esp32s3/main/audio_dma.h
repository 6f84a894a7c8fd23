/*
 * What all I2S ports share: DMA buffers, waiting, and a count of what was lost. The DMA paces the
 * audio task: its buffers are 10 ms, two of them are a frame.
 */
#ifndef AUDIO_DMA_H
#define AUDIO_DMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "driver/i2s_common.h"

/*
 * 80 ms, of which AUDIO_DMA_PRIME are filled before the first frame: it is read after 20 ms and
 * worked on for 10, so that the task may then be late by 30, say for the erasing of a flash sector.
 */
#define AUDIO_DMA_BUFFERS 8
#define AUDIO_DMA_SAMPLES 160
#define AUDIO_DMA_PRIME 6

/** Makes the channels of a port (`transmit` or `receive` may be NULL) as clock master; false, and
 * logged, without memory or where the port is taken. */
bool audio_dma_new(i2s_port_t port, i2s_chan_handle_t *transmit, i2s_chan_handle_t *receive);
/** Counts what this channel loses from now on. */
void audio_dma_watch(i2s_chan_handle_t channel, bool transmits);
/** Starts a channel, a transmitting one with silence in all its buffers. */
bool audio_dma_start(i2s_chan_handle_t channel, bool transmits);
/** Puts AUDIO_DMA_PRIME buffers of silence before what is written next to a channel (of 16 bits,
 * mono) that has been transmitting for some time. */
bool audio_dma_prime(i2s_chan_handle_t channel);
/** Stops a channel that was started. */
void audio_dma_stop(i2s_chan_handle_t channel);
/** Moves exactly `size` bytes; false if that takes more than 100 ms. */
bool audio_dma_read(i2s_chan_handle_t channel, void *out, size_t size);
bool audio_dma_write(i2s_chan_handle_t channel, const void *bytes, size_t size);

#endif

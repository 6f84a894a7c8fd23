/*
 * A person at the microphone of an emulated board, who says one sentence after the other and
 * listens in between: the first one when the device has greeted and is quiet, or when it says
 * nothing for some time; each further one when the device has answered and is quiet. A sentence
 * during which the audio is switched off is said again from its start next time. The virtual
 * board's person (boards/virtual/runtime/person.ts) does the same.
 *
 * The sentences come from a microphone image (shared-protocol/src/formats/mic-image.ts), all
 * little endian: "TCMC", u32 version 1, u32 count; then for each sentence u32 samples, and so many
 * samples of 16 bits, 16 kHz, mono.
 */
#ifndef PERSON_H
#define PERSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

#define PERSON_FRAME 320        /* samples: 20 ms */
#define PERSON_QUIET_MS 700     /* of silence: the device has finished */
#define PERSON_PATIENCE_MS 2500 /* then a person speaks to a device that says nothing */

/** Reads bytes of the image; false if that is not possible. */
typedef bool person_read(void *context, size_t offset, void *out, size_t length);

/* The caller's memory. */
typedef struct {
    person_read *read;
    void *context;
    uint32_t count; /* of sentences */
    uint32_t index; /* of the one that is said, or comes next */
    bool speaking;
    /* inner state */
    size_t offset;            /* of its samples in the image */
    uint32_t samples, spoken; /* of them */
    bool on, opening, heard;
    uint64_t on_since, heard_at;
} person;

/**
 * Looks at an image of `size` bytes, of which each sentence must lie within. TC_ERR_FORMAT: it is
 * none, or damaged; TC_ERR_IO: it cannot be read. Then the person has nothing to say, and is
 * silent.
 */
tc_err person_open(person *who, person_read *read, void *context, size_t size);
/** The audio was switched on or off. */
void person_active(person *who, bool on, uint64_t now_ms);
/** Fills the next PERSON_FRAME samples of the microphone. `sound`: whether the loudspeaker sounds.
 * TC_ERR_IO: the image cannot be read; then they are silence. */
tc_err person_frame(person *who, uint64_t now_ms, bool sound, int16_t *pcm);

#endif

/*
 * A stand-in for libFuzzer where the compiler has none: inputs made of the pieces below, from a
 * fixed seed, for FUZZ_SECONDS (10). It follows no coverage, and so finds less. ./fuzz_x FILE runs
 * one input.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const pieces[] = {
    "{",
    "}",
    "[",
    "]",
    "\"",
    ":",
    ",",
    "\\u00",
    "\\ud83d",
    "\\n",
    "true",
    "false",
    "null",
    "-1.5e3",
    "100",
    "\x1E",
    "\t00000000",
    "\n",
    "\"type\":",
    "\"wifi.ssid\":\"net\"",
    "\"audio.volume\":50",
    "\"response.done\"",
    "\xC3\xA9",
    "\xF0\x9F\x98\x80",
    "\1\2\5voice\x21\3\0ash",
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"settings.set\",",
    "IMPROV\1\3",
    "\5\x11\1\x0f\4cafe\x09opensesam",
};

static size_t make(uint8_t *out, size_t capacity, unsigned *state) {
    size_t length = 0, wanted = tc_test_random(state) % capacity;
    wanted >>= tc_test_random(state) % 8;
    while (length < wanted) {
        unsigned roll = tc_test_random(state);
        if (roll % 3 == 0) {
            out[length++] = (uint8_t)(roll >> 8);
            continue;
        }
        const char *piece = pieces[roll / 4 % (sizeof pieces / sizeof pieces[0])];
        for (size_t i = 0; piece[i] != '\0' && length < wanted; i++) {
            out[length++] = (uint8_t)piece[i];
        }
    }
    return length;
}

static int run_file(const char *path, uint8_t *bytes, size_t capacity) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        return 2;
    }
    size_t length = fread(bytes, 1, capacity, file);
    fclose(file);
    return LLVMFuzzerTestOneInput(bytes, length);
}

int main(int argc, char **argv) {
    static uint8_t bytes[4096];
    unsigned state = 20250919;
    const char *limit = getenv("FUZZ_SECONDS");
    time_t end = time(NULL) + (limit == NULL ? 10 : atoi(limit));
    long runs = 0;
    if (argc > 1) {
        return run_file(argv[1], bytes, sizeof bytes);
    }
    do {
        for (int i = 0; i < 100; i++, runs++) {
            /* Exactly as much memory as input, so that a read past its end is seen. */
            size_t length = make(bytes, sizeof bytes, &state);
            uint8_t *input = malloc(length == 0 ? 1 : length);
            memcpy(input, bytes, length);
            LLVMFuzzerTestOneInput(input, length);
            free(input);
        }
    } while (time(NULL) < end);
    printf("%ld inputs\n", runs);
    return 0;
}

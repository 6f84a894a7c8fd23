/*
 * A channel as a process, for test/channel.test.ts. On standard input and output go frames: a
 * letter, a length (4 bytes, little-endian), as many bytes. in   O label: open   P packet   S text:
 * send   C: close out  P packet   o: open   t text   l size (4 bytes), begin: too large   c reason:
 * closed s result (one signed byte): of S
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../peer/channel.h"

static tc_channel channel;
static uint8_t buffer[TC_CHANNEL_MESSAGE];
static uint8_t input[2 * TC_CHANNEL_MESSAGE];
static size_t held;

static uint64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void put_u32(uint8_t at[4], size_t value) {
    for (int i = 0; i < 4; i++) {
        at[i] = (uint8_t)(value >> 8 * i);
    }
}

static void write_all(const uint8_t *bytes, size_t length) {
    while (length > 0) {
        ssize_t put = write(STDOUT_FILENO, bytes, length);
        if (put < 0 && errno != EINTR) {
            exit(0); /* the test is over */
        }
        bytes += put > 0 ? put : 0;
        length -= put > 0 ? (size_t)put : 0;
    }
}

static void say(char letter, const void *first, size_t first_length, const void *rest,
                size_t length) {
    uint8_t head[5] = {(uint8_t)letter};
    put_u32(head + 1, first_length + length);
    write_all(head, sizeof head);
    write_all(first, first_length);
    write_all(rest, length);
}

static void on_send(void *context, const uint8_t *packet, size_t length) {
    (void)context;
    say('P', NULL, 0, packet, length);
}

static void on_open(void *context) {
    (void)context;
    say('o', NULL, 0, NULL, 0);
}

static void on_text(void *context, const uint8_t *text, size_t length) {
    (void)context;
    say('t', NULL, 0, text, length);
}

static void on_too_large(void *context, size_t size, const uint8_t *begin, size_t length) {
    uint8_t first[4];
    (void)context;
    put_u32(first, size);
    say('l', first, sizeof first, begin, length);
}

static void on_closed(void *context) {
    const char *why = tc_channel_ending_text(tc_channel_end(&channel));
    (void)context;
    say('c', NULL, 0, why, strlen(why));
}

static void open_channel(const uint8_t *label, size_t length) {
    char name[TC_CHANNEL_LABEL + 1] = {0};
    memcpy(name, label, length < TC_CHANNEL_LABEL ? length : TC_CHANNEL_LABEL);
    tc_channel_config config = {.send = on_send,
                                .on_open = on_open,
                                .on_text = on_text,
                                .on_too_large = on_too_large,
                                .on_closed = on_closed,
                                .label = name,
                                .stream = 1,
                                .buffer = buffer,
                                .buffer_size = sizeof buffer,
                                .now_ms = now_ms()};
    if (tc_channel_open(&channel, &config) != TC_OK) {
        exit(1);
    }
}

static void take(char letter, const uint8_t *bytes, size_t length) {
    int8_t result;
    switch (letter) {
    case 'O':
        open_channel(bytes, length);
        break;
    case 'P':
        tc_channel_receive(&channel, bytes, length);
        break;
    case 'S':
        result = (int8_t)tc_channel_send_text(&channel, bytes, length);
        say('s', NULL, 0, &result, sizeof result);
        break;
    case 'C':
        tc_channel_close(&channel);
        break;
    default:
        exit(2);
    }
}

static void take_frames(void) {
    size_t at = 0;
    while (held - at >= 5) {
        const uint8_t *head = input + at;
        size_t length =
            head[1] | (size_t)head[2] << 8 | (size_t)head[3] << 16 | (size_t)head[4] << 24;
        if (length > sizeof input - 5) {
            exit(2);
        }
        if (held - at - 5 < length) {
            break;
        }
        take((char)head[0], head + 5, length);
        at += 5 + length;
    }
    memmove(input, input + at, held - at);
    held -= at;
}

int main(void) {
    for (;;) {
        struct pollfd ready = {.fd = STDIN_FILENO, .events = POLLIN};
        if (poll(&ready, 1, 5) > 0) {
            ssize_t got = read(STDIN_FILENO, input + held, sizeof input - held);
            if (got <= 0) {
                tc_channel_close(&channel);
                return 0;
            }
            held += (size_t)got;
            take_frames();
        }
        tc_channel_tick(&channel, now_ms());
    }
}

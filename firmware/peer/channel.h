/*
 * The data channel: one SCTP association (RFC 9260, over DTLS as RFC 8261 says) and in it one
 * channel that we open (RFC 8831, RFC 8832), reliable and ordered, on usrsctp's public API.
 *
 * No thread, no blocking: everything happens inside the functions below, which one task calls.
 * usrsctp keeps global state, so all channels of a process belong to the same task.
 *
 * Which channel: the one we open. RFC 8832 lets each side open channels, and every peer that
 * follows it acknowledges ours without asking its application, so there is never a need to take
 * another one; and one that was taken because its DATA_CHANNEL_OPEN overtook the ACK of ours would
 * be the wrong one. A channel that the peer opens is therefore refused as RFC 8832 section 6
 * refuses: no ACK, and our half of the stream is reset, which the peer's application sees as a
 * closed channel. Nothing is acknowledged and then ignored.
 */
#ifndef TC_CHANNEL_H
#define TC_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../core/err.h"

enum {
    TC_CHANNEL_PACKET = 1184,     /* bytes of the longest SCTP packet: with DTLS (at most 77),
                                     UDP and IPv4 headers it stays below 1300 */
    TC_CHANNEL_MESSAGE = 65536,   /* bytes of the longest message out */
    TC_CHANNEL_WINDOW = 131072,   /* bytes of the send buffer, and of the receive window */
    TC_CHANNEL_BUFFER_MIN = 4096, /* bytes of the smallest buffer for messages in */
    TC_CHANNEL_BEGIN = 1024,      /* bytes that on_too_large gets to see */
    TC_CHANNEL_STREAMS = 16,      /* streams each way */
    TC_CHANNEL_LABEL = 64,        /* bytes of the longest label */
    TC_CHANNEL_PORT = 5000,       /* SCTP port where the config says 0 (RFC 8841) */
};

/** What a channel needs and whom it tells. The callbacks come from inside tc_channel_open,
 * _receive, _send_text, _tick and _close; `send` must call none of them, the others may call
 * _send_text and _close. */
typedef struct {
    void *context; /* first argument of each callback */
    /** One SCTP packet for DTLS, valid during the call only. It may get lost. */
    void (*send)(void *context, const uint8_t *packet, size_t length);
    /** The peer has acknowledged the channel, or sent its first message. Once. */
    void (*on_open)(void *context);
    /** One whole text message (PPID 51, or 56: length 0), valid during the call only. */
    void (*on_text)(void *context, const uint8_t *text, size_t length);
    /** A text message that is longer than the buffer was skipped: its size, and its begin. */
    void (*on_too_large)(void *context, size_t size, const uint8_t *begin, size_t length);
    /** Nothing comes or goes any more; tc_channel_end says why. Once, and not after
     * tc_channel_close. */
    void (*on_closed)(void *context);
    const char *label;    /* of the channel, UTF-8 */
    uint16_t stream;      /* odd for a DTLS server, even for a client (RFC 8832 section 6); below
                             TC_CHANNEL_STREAMS */
    uint16_t local_port;  /* 0: TC_CHANNEL_PORT */
    uint16_t remote_port; /* 0: TC_CHANNEL_PORT */
    uint32_t peer_limit;  /* the answer's a=max-message-size (RFC 8841); 0: none */
    uint8_t *buffer;      /* for the message that comes in; stays the caller's */
    size_t buffer_size;   /* and so the longest message in; at least TC_CHANNEL_BUFFER_MIN */
    uint64_t now_ms;      /* monotonic clock */
} tc_channel_config;

/** Why a channel ended. */
typedef enum {
    TC_CHANNEL_RUNS = 0,
    TC_CHANNEL_UNANSWERED, /* no association came up: about 20 s of INIT */
    TC_CHANNEL_LOST,       /* the peer acknowledged nothing: about 20 s of data or heartbeats */
    TC_CHANNEL_RESET,      /* the peer closed the channel (RFC 8831 section 6.7) */
    TC_CHANNEL_ABORTED,    /* the peer ended the association: ABORT, SHUTDOWN, or a new INIT */
    TC_CHANNEL_REFUSED,    /* the peer allows no stream with our number, or opened it itself */
} tc_channel_ending;

/** Counts since tc_channel_open. */
typedef struct {
    uint32_t texts_in, texts_out;
    uint32_t too_large;
    uint32_t
        ignored; /* binary messages (PPID 53, 57), unknown PPIDs, other streams: events are text */
    uint32_t refused; /* channels that the peer opened */
    uint32_t packets_in, packets_out;
} tc_channel_stats;

/** Fields are private. The caller's memory, zero before the first open. */
typedef struct {
    tc_channel_config config;
    tc_channel_stats stats;
    void *socket; /* struct socket of usrsctp */
    char label[TC_CHANNEL_LABEL + 1];
    size_t used;      /* bytes of the message so far, in the buffer or skipped */
    size_t unacked;   /* bytes sent since nothing was outstanding */
    uint8_t slot;     /* usrsctp's address of this channel */
    bool established; /* the association is up */
    bool open;
    tc_channel_ending ending;
} tc_channel;

/** Prepares usrsctp, once for the process; tc_channel_open does it, too. Calling it early keeps the
 * few kilobytes that stay out of the way of what comes and goes. */
void tc_channel_global_init(void);

/** Starts an association and asks for the channel in it. A channel that is open is closed first.
 * TC_ERR_SIZE: label or buffer. TC_ERR_RANGE: stream, or no callback. TC_ERR_FULL: no memory, or
 * more channels than there are slots for. */
tc_err tc_channel_open(tc_channel *channel, const tc_channel_config *config);

/** Takes one SCTP packet that came out of DTLS. Anything may be in it. */
void tc_channel_receive(tc_channel *channel, const uint8_t *packet, size_t length);

/** Queues one text message, whole or not at all. TC_ERR_FULL: no room for all of it now; again
 * after the next packet came in. TC_ERR_SIZE: longer than TC_CHANNEL_MESSAGE or the peer's limit.
 * TC_ERR_STATE: not open. */
tc_err tc_channel_send_text(tc_channel *channel, const uint8_t *text, size_t length);

/** Runs the timers up to now (all channels' timers: usrsctp has one clock). Every 10 ms is right;
 * 100 ms still works. */
void tc_channel_tick(tc_channel *channel, uint64_t now_ms);

/** Bytes that wait or travel: never too few. Counts messages that are acknowledged in part, until
 * all is acknowledged. */
size_t tc_channel_buffered(tc_channel *channel);

/** Whether messages can be sent. */
bool tc_channel_is_open(const tc_channel *channel);

/** Why on_closed was called. */
tc_channel_ending tc_channel_end(const tc_channel *channel);

/** The reason in a few words, for a log. */
const char *tc_channel_ending_text(tc_channel_ending ending);

tc_channel_stats tc_channel_get_stats(const tc_channel *channel);

/** Ends the association with an ABORT (RFC 9260 section 9.1), which tells the peer at once, and
 * gives all its memory back; nothing is left of it for the next one to meet. What was not
 * acknowledged is lost. Harmless on a closed channel; needed after on_closed. */
void tc_channel_close(tc_channel *channel);

#endif

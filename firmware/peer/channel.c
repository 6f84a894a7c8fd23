#include "channel.h"

#include <errno.h>
#include <string.h>

#include "channel_association.h"

/* RFC 8831 section 8: payload protocol identifiers. */
enum { PPID_DCEP = 50, PPID_STRING = 51, PPID_STRING_EMPTY = 56 };

/* RFC 8832 sections 5 and 8.2. */
enum { DCEP_ACK = 2, DCEP_OPEN = 3, DCEP_OPEN_LENGTH = 12, DCEP_PRIORITY_NORMAL = 256 };

/* Room for any notification that we ask for. */
enum { NOTIFICATION = 512 };

/* ---- the channel ---- */

static void end(tc_channel *channel, tc_channel_ending why) {
    if (channel->ending == TC_CHANNEL_RUNS) {
        channel->ending = why;
        channel->open = false;
        channel->config.on_closed(channel->config.context);
    }
}

static void opened(tc_channel *channel) {
    if (!channel->open && channel->ending == TC_CHANNEL_RUNS) {
        channel->open = true;
        channel->config.on_open(channel->config.context);
    }
}

/* RFC 8832 section 5.1: DATA_CHANNEL_OPEN, reliable and ordered, without a protocol. */
static void ask(tc_channel *channel) {
    size_t label = strlen(channel->label);
    uint8_t message[DCEP_OPEN_LENGTH + TC_CHANNEL_LABEL] = {DCEP_OPEN, 0, DCEP_PRIORITY_NORMAL >> 8,
                                                            DCEP_PRIORITY_NORMAL & 0xff};
    message[9] = (uint8_t)label;
    memcpy(message + DCEP_OPEN_LENGTH, channel->label, label);
    if (tc_association_send(channel, channel->config.stream, PPID_DCEP, message,
                            DCEP_OPEN_LENGTH + label) < 0) {
        end(channel, TC_CHANNEL_REFUSED);
    }
}

static void take_dcep(tc_channel *channel, uint16_t stream) {
    const uint8_t *message = channel->config.buffer;
    if (channel->used >= DCEP_OPEN_LENGTH && message[0] == DCEP_OPEN) {
        channel->stats.refused++;
        tc_association_reset(channel, stream);
        if (stream == channel->config.stream) { /* section 6: that number was not the peer's */
            end(channel, TC_CHANNEL_REFUSED);
        }
    } else if (channel->used == 1 && message[0] == DCEP_ACK && stream == channel->config.stream) {
        opened(channel);
    } else {
        channel->stats.ignored++;
    }
}

/* One whole message, of which the buffer holds the begin at least. */
static void take_message(tc_channel *channel, uint16_t stream, uint32_t ppid) {
    const tc_channel_config *config = &channel->config;
    if (ppid == PPID_DCEP) {
        take_dcep(channel, stream);
        return;
    }
    if (stream != config->stream || channel->ending != TC_CHANNEL_RUNS) {
        channel->stats.ignored++;
        return;
    }
    opened(channel); /* whoever sends in it, has it: RFC 8832 section 6 */
    if (channel->socket == NULL) {
        return;
    }
    if (ppid != PPID_STRING && ppid != PPID_STRING_EMPTY) {
        channel->stats.ignored++;
    } else if (channel->used > config->buffer_size) {
        channel->stats.too_large++;
        config->on_too_large(config->context, channel->used, config->buffer, TC_CHANNEL_BEGIN);
    } else {
        channel->stats.texts_in++;
        config->on_text(config->context, config->buffer,
                        ppid == PPID_STRING_EMPTY ? 0 : channel->used);
    }
}

static void take_change(tc_channel *channel, const struct sctp_assoc_change *change) {
    switch (change->sac_state) {
    case SCTP_COMM_UP:
        channel->established = true;
        ask(channel);
        break;
    case SCTP_CANT_STR_ASSOC:
        end(channel, TC_CHANNEL_UNANSWERED);
        break;
    case SCTP_COMM_LOST: /* the peer's ABORT comes along, if there was one */
        end(channel, !channel->established                 ? TC_CHANNEL_UNANSWERED
                     : change->sac_length > sizeof *change ? TC_CHANNEL_ABORTED
                                                           : TC_CHANNEL_LOST);
        break;
    case SCTP_RESTART: /* the peer knows nothing of our channel any more */
    case SCTP_SHUTDOWN_COMP:
        end(channel, TC_CHANNEL_ABORTED);
        break;
    default:
        break;
    }
}

static void take_reset(tc_channel *channel, const struct sctp_stream_reset_event *event) {
    if ((event->strreset_flags & SCTP_STREAM_RESET_INCOMING_SSN) == 0 ||
        event->strreset_length < sizeof *event) {
        return;
    }
    size_t count = (event->strreset_length - sizeof *event) / sizeof event->strreset_stream_list[0];
    bool ours = count == 0; /* an empty list means all */
    for (size_t i = 0; i < count; i++) {
        ours |= event->strreset_stream_list[i] == channel->config.stream;
    }
    if (ours && channel->ending == TC_CHANNEL_RUNS) {
        tc_association_reset(channel, channel->config.stream); /* RFC 8831 section 6.7 */
        end(channel, TC_CHANNEL_RESET);
    }
}

static void take_notification(tc_channel *channel, const union sctp_notification *what,
                              size_t length) {
    if (length < sizeof what->sn_header || what->sn_header.sn_length > length) {
        return;
    }
    if (what->sn_header.sn_type == SCTP_ASSOC_CHANGE && length >= sizeof what->sn_assoc_change) {
        take_change(channel, &what->sn_assoc_change);
    } else if (what->sn_header.sn_type == SCTP_STREAM_RESET_EVENT) {
        take_reset(channel, &what->sn_strreset_event);
    }
}

/* ---- reading ---- */

static void take_error(tc_channel *channel, int error) {
    tc_channel_ending why = TC_CHANNEL_ABORTED;
    if (!channel->established) {
        why = TC_CHANNEL_UNANSWERED;
    } else if (error == ETIMEDOUT) {
        why = TC_CHANNEL_LOST;
    }
    end(channel, why);
}

/* Reads one piece: a notification, or the next bytes of a message. False: there is nothing more. */
static bool read_piece(tc_channel *channel) {
    static union {
        union sctp_notification notification;
        uint8_t bytes[NOTIFICATION];
    } small;
    const tc_channel_config *config = &channel->config;
    /* The part of a message that has no place any more goes over the middle of the buffer. */
    size_t at = channel->used <= config->buffer_size ? channel->used : TC_CHANNEL_BEGIN;
    size_t room = config->buffer_size - at;
    uint8_t *into = config->buffer + at;
    /* Between two messages a notification may come, and near the end it would have no place. */
    bool aside = channel->used == 0 || room < NOTIFICATION;
    if (aside) {
        into = small.bytes;
        room = sizeof small.bytes;
    }

    struct sctp_rcvinfo info = {0};
    socklen_t size = sizeof info;
    unsigned int type = SCTP_RECVV_NOINFO;
    int flags = 0;
    ssize_t got =
        usrsctp_recvv(channel->socket, into, room, NULL, NULL, &info, &size, &type, &flags);
    if (got < 0) {
        if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINPROGRESS &&
            (errno != ENOTCONN || channel->established)) {
            take_error(channel, errno);
        }
        return false;
    }
    if (flags & MSG_NOTIFICATION) {
        if (!aside) { /* for its alignment */
            memcpy(small.bytes, into,
                   (size_t)got < sizeof small.bytes ? (size_t)got : sizeof small.bytes);
        }
        if ((size_t)got <= sizeof small.bytes) {
            take_notification(channel, &small.notification, (size_t)got);
        }
        return true;
    }
    if (got == 0) { /* the end of the stream: a SHUTDOWN */
        take_error(channel, 0);
        return false;
    }
    if (aside && channel->used < config->buffer_size) {
        size_t fits = config->buffer_size - channel->used;
        memcpy(config->buffer + channel->used, small.bytes,
               (size_t)got < fits ? (size_t)got : fits);
    }
    channel->used += (size_t)got;
    if (flags & MSG_EOR) {
        /* A message whose association broke off ends in the middle. */
        if ((flags & MSG_TRUNC) == 0) {
            take_message(channel, info.rcv_sid, ntohl(info.rcv_ppid));
        }
        channel->used = 0;
    }
    return true;
}

static void drain(tc_channel *channel) {
    while (channel->socket != NULL && read_piece(channel)) {
    }
}

/* ---- what the caller does ---- */

tc_err tc_channel_open(tc_channel *channel, const tc_channel_config *config) {
    tc_channel_close(channel);
    if (config->send == NULL || config->on_open == NULL || config->on_text == NULL ||
        config->on_too_large == NULL || config->on_closed == NULL ||
        config->stream >= TC_CHANNEL_STREAMS) {
        return TC_ERR_RANGE;
    }
    if (config->label == NULL || strlen(config->label) > TC_CHANNEL_LABEL ||
        config->buffer == NULL || config->buffer_size < TC_CHANNEL_BUFFER_MIN) {
        return TC_ERR_SIZE;
    }
    tc_channel_global_init();
    memset(channel, 0, sizeof *channel);
    channel->config = *config;
    strcpy(channel->label, config->label);
    tc_association_time(config->now_ms);
    return tc_association_start(channel);
}

void tc_channel_receive(tc_channel *channel, const uint8_t *packet, size_t length) {
    /* A common header and one chunk header (RFC 9260 section 3), and no more than DTLS carries. */
    if (channel->socket == NULL || length < 16 || length > 16384) {
        return;
    }
    channel->stats.packets_in++;
    tc_association_input(channel, packet, length);
    drain(channel);
}

tc_err tc_channel_send_text(tc_channel *channel, const uint8_t *text, size_t length) {
    if (!channel->open) {
        return TC_ERR_STATE;
    }
    if (length > TC_CHANNEL_MESSAGE ||
        (channel->config.peer_limit != 0 && length > channel->config.peer_limit)) {
        return TC_ERR_SIZE;
    }
    /* SCTP has no empty messages: RFC 8831 section 6.6. */
    ssize_t sent =
        length == 0
            ? tc_association_send(channel, channel->config.stream, PPID_STRING_EMPTY, "", 1)
            : tc_association_send(channel, channel->config.stream, PPID_STRING, text, length);
    if (sent == (ssize_t)(length == 0 ? 1 : length)) {
        channel->stats.texts_out++;
        return TC_OK;
    }
    return sent < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != ENOBUFS &&
                   errno != ENOMEM
               ? TC_ERR_STATE
               : TC_ERR_FULL;
}

void tc_channel_tick(tc_channel *channel, uint64_t now_ms) {
    tc_association_time(now_ms);
    drain(channel);
}

size_t tc_channel_buffered(tc_channel *channel) {
    if (channel->socket == NULL) {
        return 0;
    }
    if (tc_association_is_dry(channel)) {
        channel->unacked = 0;
    }
    return channel->unacked;
}

bool tc_channel_is_open(const tc_channel *channel) {
    return channel->open;
}

tc_channel_ending tc_channel_end(const tc_channel *channel) {
    return channel->ending;
}

const char *tc_channel_ending_text(tc_channel_ending ending) {
    switch (ending) {
    case TC_CHANNEL_RUNS:
        return "runs";
    case TC_CHANNEL_UNANSWERED:
        return "no SCTP association came up";
    case TC_CHANNEL_LOST:
        return "the peer acknowledges nothing";
    case TC_CHANNEL_RESET:
        return "the peer closed the channel";
    case TC_CHANNEL_ABORTED:
        return "the peer ended the association";
    case TC_CHANNEL_REFUSED:
        return "the peer did not allow our stream";
    }
    return "unknown";
}

tc_channel_stats tc_channel_get_stats(const tc_channel *channel) {
    return channel->stats;
}

void tc_channel_close(tc_channel *channel) {
    channel->open = false;
    tc_association_stop(channel);
}

/* What channel.c asks of usrsctp. Private to the two. */
#ifndef TC_CHANNEL_ASSOCIATION_H
#define TC_CHANNEL_ASSOCIATION_H

#include "channel.h"

/* On ESP-IDF components/usrsctp gives its struct sockaddr_conn the layout of lwIP's addresses (with
 * a length byte). */
#include <usrsctp.h>

/** Sends an INIT for the channel's config. TC_ERR_FULL: no memory, or no slot. */
tc_err tc_association_start(tc_channel *channel);

/** ABORT to the peer, and everything given back. Harmless without an association. */
void tc_association_stop(tc_channel *channel);

void tc_association_input(tc_channel *channel, const uint8_t *packet, size_t length);

/** Runs usrsctp's timers up to now. */
void tc_association_time(uint64_t now_ms);

/** Queues a message whole, or returns -1 with errno. */
ssize_t tc_association_send(tc_channel *channel, uint16_t stream, uint32_t ppid, const void *bytes,
                            size_t length);

/** Resets our half of a stream (RFC 6525). A peer that does not know how cannot be told. */
void tc_association_reset(tc_channel *channel, uint16_t stream);

/** Whether all that was sent is acknowledged. */
bool tc_association_is_dry(tc_channel *channel);

#endif

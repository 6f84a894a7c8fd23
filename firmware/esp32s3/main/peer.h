/* The peer connection of firmware/port.h: tc_port_peer_open(), _answer(), _send_text(),
 * _send_audio(), _close(). */
#ifndef PEER_H
#define PEER_H

/** Starts the peer task, and what libpeer and the data channel need once. */
void peer_init(void);

#endif

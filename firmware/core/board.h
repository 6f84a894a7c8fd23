/*
 * What the core must know of the board it is built for. A build says it by a generated header
 * (TC_BOARD_HEADER) or by definitions of the compiler; the defaults are the virtual board's.
 */
#ifndef TC_BOARD_H
#define TC_BOARD_H

#ifdef TC_BOARD_HEADER
#include TC_BOARD_HEADER
#endif

/* Id of the board, as `hello` says it. */
#ifndef TC_BOARD_ID
#define TC_BOARD_ID "virtual"
#endif
/* Whether the microphone has an echo reference, so that the device may listen while it speaks. */
#ifndef TC_BOARD_ECHO
#define TC_BOARD_ECHO 1
#endif
/* Version of the firmware, semver. */
#ifndef TC_FIRMWARE_VERSION
#define TC_FIRMWARE_VERSION "0.0.0"
#endif
/* Puts a large static object into external RAM; empty where there is only one kind. */
#ifndef TC_BIG
#define TC_BIG
#endif

#endif

/* Generated from the definition of the board "qemu" in boards/definitions; do not edit. */
#ifndef TC_BOARD_GENERATED_H
#define TC_BOARD_GENERATED_H

#include "esp_attr.h"

/* Large static objects live in the PSRAM. */
#define TC_BIG EXT_RAM_BSS_ATTR

#define TC_BOARD_ID "qemu"
#define TC_BOARD_NAME "ESP32-S3 emulated by QEMU"
#define TC_BOARD_ECHO 1

#define TC_BOARD_CONSOLE_UART 1
#define TC_BOARD_CONSOLE_BAUD 115200

#define TC_BOARD_NETWORK_OPENETH 1

#define TC_BOARD_SPEAKER_LEVEL 1

#define TC_BOARD_MICROPHONE_PARTITION 1
#define TC_BOARD_MICROPHONE_LABEL "mic"

#endif

/* Generated from the definition of the board "atoms3r-echo-base" in boards/definitions; do not edit. */
#ifndef TC_BOARD_GENERATED_H
#define TC_BOARD_GENERATED_H

#include "esp_attr.h"

/* Large static objects live in the PSRAM. */
#define TC_BIG EXT_RAM_BSS_ATTR

#define TC_BOARD_ID "atoms3r-echo-base"
#define TC_BOARD_NAME "M5Stack AtomS3R with Atomic Echo Base"
#define TC_BOARD_ECHO 1

#define TC_BOARD_CONSOLE_USB 1

#define TC_BOARD_NETWORK_WIFI 1

#define TC_BOARD_I2C_PORT 1
#define TC_BOARD_I2C_SDA 38
#define TC_BOARD_I2C_SCL 39
#define TC_BOARD_I2C_WRITE_COUNT 4
#define TC_BOARD_I2C_WRITES { \
    /* PI4IOE5V6408: Drive outputs instead of leaving them at high impedance. */ \
    {0x43, 0x07, 0x00, 0}, \
    /* PI4IOE5V6408: Pull inputs up, not down. */ \
    {0x43, 0x0d, 0xff, 0}, \
    /* PI4IOE5V6408: P1, P2, P3, P5 and P6 are outputs; one of them un-mutes the amplifier. */ \
    {0x43, 0x03, 0x6e, 0}, \
    /* PI4IOE5V6408: All outputs high: the amplifier is on. */ \
    {0x43, 0x05, 0xff, 10}, \
}

#define TC_BOARD_SPEAKER_ES8311 1
#define TC_BOARD_SPEAKER_ADDRESS 0x18

#define TC_BOARD_MICROPHONE_ES8311 1
#define TC_BOARD_MICROPHONE_ADDRESS 0x18
#define TC_BOARD_MICROPHONE_CHANNEL 0
#define TC_BOARD_ECHO_CHANNEL 1

#define TC_BOARD_I2S_BCLK 8
#define TC_BOARD_I2S_WS 6
#define TC_BOARD_I2S_DOUT 5
#define TC_BOARD_I2S_DIN 7

#define TC_BOARD_BUTTON_PIN 41
#define TC_BOARD_BUTTON_LEVEL 0

#endif

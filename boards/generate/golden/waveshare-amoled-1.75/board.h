/* Generated from the definition of the board "waveshare-amoled-1.75" in boards/definitions; do not edit. */
#ifndef TC_BOARD_GENERATED_H
#define TC_BOARD_GENERATED_H

#include "esp_attr.h"

/* Large static objects live in the PSRAM. */
#define TC_BIG EXT_RAM_BSS_ATTR

#define TC_BOARD_ID "waveshare-amoled-1.75"
#define TC_BOARD_NAME "Waveshare ESP32-S3-Touch-AMOLED-1.75"
#define TC_BOARD_ECHO 1

#define TC_BOARD_CONSOLE_USB 1

#define TC_BOARD_NETWORK_WIFI 1

#define TC_BOARD_I2C_PORT 0
#define TC_BOARD_I2C_SDA 15
#define TC_BOARD_I2C_SCL 14
#define TC_BOARD_I2C_WRITE_COUNT 2
#define TC_BOARD_I2C_WRITES { \
    /* AXP2101: ALDO1 at 3.3 V: supplies codecs and microphones. */ \
    {0x34, 0x92, 0x1c, 0}, \
    /* AXP2101: ALDO1 on, the other LDOs off: nothing that is used hangs on them. */ \
    {0x34, 0x90, 0x01, 20}, \
}

#define TC_BOARD_SPEAKER_ES8311 1
#define TC_BOARD_SPEAKER_ADDRESS 0x18

#define TC_BOARD_MICROPHONE_ES7210 1
#define TC_BOARD_MICROPHONE_ADDRESS 0x40
#define TC_BOARD_MICROPHONE_CHANNEL 0
#define TC_BOARD_ECHO_CHANNEL 1

#define TC_BOARD_I2S_MCLK 42
#define TC_BOARD_I2S_BCLK 9
#define TC_BOARD_I2S_WS 45
#define TC_BOARD_I2S_DOUT 8
#define TC_BOARD_I2S_DIN 10

#define TC_BOARD_AMPLIFIER_PIN 46
#define TC_BOARD_AMPLIFIER_LEVEL 1

#define TC_BOARD_BUTTON_PIN 0
#define TC_BOARD_BUTTON_LEVEL 0

#endif

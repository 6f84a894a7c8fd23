/* Generated from the definition of the board "waveshare-audio" in boards/definitions; do not edit. */
#ifndef TC_BOARD_GENERATED_H
#define TC_BOARD_GENERATED_H

#include "esp_attr.h"

/* Large static objects live in the PSRAM. */
#define TC_BIG EXT_RAM_BSS_ATTR

#define TC_BOARD_ID "waveshare-audio"
#define TC_BOARD_NAME "Waveshare ESP32-S3-AUDIO-Board"
#define TC_BOARD_ECHO 1

#define TC_BOARD_CONSOLE_USB 1

#define TC_BOARD_NETWORK_WIFI 1

#define TC_BOARD_I2C_PORT 0
#define TC_BOARD_I2C_SDA 11
#define TC_BOARD_I2C_SCL 10
#define TC_BOARD_I2C_WRITE_COUNT 2
#define TC_BOARD_I2C_WRITES { \
    /* TCA9555: EXIO8 (P1.0) high: the amplifier will be on. */ \
    {0x20, 0x03, 0xff, 0}, \
    /* TCA9555: EXIO8 is an output, the keys on EXIO9 to EXIO11 stay inputs. Port 0 is left alone: a pin there cuts the USB off. */ \
    {0x20, 0x07, 0xfe, 10}, \
}

#define TC_BOARD_SPEAKER_ES8311 1
#define TC_BOARD_SPEAKER_ADDRESS 0x18

#define TC_BOARD_MICROPHONE_ES7210 1
#define TC_BOARD_MICROPHONE_ADDRESS 0x40
#define TC_BOARD_MICROPHONE_CHANNEL 0
#define TC_BOARD_ECHO_CHANNEL 1

#define TC_BOARD_I2S_MCLK 12
#define TC_BOARD_I2S_BCLK 13
#define TC_BOARD_I2S_WS 14
#define TC_BOARD_I2S_DOUT 16
#define TC_BOARD_I2S_DIN 15

#define TC_BOARD_BUTTON_PIN 0
#define TC_BOARD_BUTTON_LEVEL 0

#define TC_BOARD_LIGHT_WS2812 1
#define TC_BOARD_LIGHT_PIN 38
#define TC_BOARD_LIGHT_COUNT 7
#define TC_BOARD_LIGHT_RED_FIRST 1

#endif

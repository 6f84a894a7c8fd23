/* Generated from the definition of the board "esp-box-3" in boards/definitions; do not edit. */
#ifndef TC_BOARD_GENERATED_H
#define TC_BOARD_GENERATED_H

#include "esp_attr.h"

/* Large static objects live in the PSRAM. */
#define TC_BIG EXT_RAM_BSS_ATTR

#define TC_BOARD_ID "esp-box-3"
#define TC_BOARD_NAME "Espressif ESP32-S3-BOX-3"
#define TC_BOARD_ECHO 1

#define TC_BOARD_CONSOLE_USB 1

#define TC_BOARD_NETWORK_WIFI 1

#define TC_BOARD_I2C_PORT 0
#define TC_BOARD_I2C_SDA 8
#define TC_BOARD_I2C_SCL 18

#define TC_BOARD_SPEAKER_ES8311 1
#define TC_BOARD_SPEAKER_ADDRESS 0x18

#define TC_BOARD_MICROPHONE_ES7210 1
#define TC_BOARD_MICROPHONE_ADDRESS 0x40
#define TC_BOARD_MICROPHONE_CHANNEL 0
#define TC_BOARD_ECHO_CHANNEL 1

#define TC_BOARD_I2S_MCLK 2
#define TC_BOARD_I2S_BCLK 17
#define TC_BOARD_I2S_WS 45
#define TC_BOARD_I2S_DOUT 15
#define TC_BOARD_I2S_DIN 16

#define TC_BOARD_AMPLIFIER_PIN 46
#define TC_BOARD_AMPLIFIER_LEVEL 1

#define TC_BOARD_BUTTON_PIN 0
#define TC_BOARD_BUTTON_LEVEL 0

#define TC_BOARD_MUTE_PIN 1
#define TC_BOARD_MUTE_LEVEL 0

#endif

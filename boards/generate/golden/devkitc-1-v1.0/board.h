/* Generated from the definition of the board "devkitc-1-v1.0" in boards/definitions; do not edit. */
#ifndef TC_BOARD_GENERATED_H
#define TC_BOARD_GENERATED_H

#include "esp_attr.h"

/* Large static objects live in the PSRAM. */
#define TC_BIG EXT_RAM_BSS_ATTR

#define TC_BOARD_ID "devkitc-1-v1.0"
#define TC_BOARD_NAME "Espressif DevKitC-1 v1.0, INMP441, MAX98357A"
#define TC_BOARD_ECHO 0

#define TC_BOARD_CONSOLE_UART 1
#define TC_BOARD_CONSOLE_BAUD 115200

#define TC_BOARD_NETWORK_WIFI 1

#define TC_BOARD_SPEAKER_I2S 1
#define TC_BOARD_I2S_BCLK 15
#define TC_BOARD_I2S_WS 16
#define TC_BOARD_I2S_DOUT 7

#define TC_BOARD_MICROPHONE_I2S 1
#define TC_BOARD_MICROPHONE_CHANNEL 0
#define TC_BOARD_I2S_MIC_BCLK 5
#define TC_BOARD_I2S_MIC_WS 4
#define TC_BOARD_I2S_MIC_DIN 6

#define TC_BOARD_BUTTON_PIN 0
#define TC_BOARD_BUTTON_LEVEL 0

#define TC_BOARD_LIGHT_WS2812 1
#define TC_BOARD_LIGHT_PIN 48
#define TC_BOARD_LIGHT_COUNT 1

#endif

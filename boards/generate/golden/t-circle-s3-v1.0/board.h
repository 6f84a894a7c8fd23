/* Generated from the definition of the board "t-circle-s3-v1.0" in boards/definitions; do not edit. */
#ifndef TC_BOARD_GENERATED_H
#define TC_BOARD_GENERATED_H

#include "esp_attr.h"

/* Large static objects live in the PSRAM. */
#define TC_BIG EXT_RAM_BSS_ATTR

#define TC_BOARD_ID "t-circle-s3-v1.0"
#define TC_BOARD_NAME "LilyGO T-Circle-S3 v1.0"
#define TC_BOARD_ECHO 0

#define TC_BOARD_CONSOLE_USB 1

#define TC_BOARD_NETWORK_WIFI 1

#define TC_BOARD_SPEAKER_I2S 1
#define TC_BOARD_I2S_BCLK 5
#define TC_BOARD_I2S_WS 4
#define TC_BOARD_I2S_DOUT 6

#define TC_BOARD_MICROPHONE_I2S 1
#define TC_BOARD_MICROPHONE_CHANNEL 0
#define TC_BOARD_I2S_MIC_BCLK 7
#define TC_BOARD_I2S_MIC_WS 9
#define TC_BOARD_I2S_MIC_DIN 8

#define TC_BOARD_AMPLIFIER_PIN 45
#define TC_BOARD_AMPLIFIER_LEVEL 1

#define TC_BOARD_BUTTON_PIN 0
#define TC_BOARD_BUTTON_LEVEL 0

#define TC_BOARD_LIGHT_APA102 1
#define TC_BOARD_LIGHT_DATA 38
#define TC_BOARD_LIGHT_CLK 39
#define TC_BOARD_LIGHT_COUNT 1

#endif

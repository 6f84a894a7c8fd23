/* Generated from the definition of the board "korvo-2" in boards/definitions; do not edit. */
#ifndef TC_BOARD_GENERATED_H
#define TC_BOARD_GENERATED_H

#include "esp_attr.h"

/* Large static objects live in the PSRAM. */
#define TC_BIG EXT_RAM_BSS_ATTR

#define TC_BOARD_ID "korvo-2"
#define TC_BOARD_NAME "Espressif ESP32-S3-Korvo-2 v3"
#define TC_BOARD_ECHO 1

#define TC_BOARD_CONSOLE_UART 1
#define TC_BOARD_CONSOLE_BAUD 115200

#define TC_BOARD_NETWORK_WIFI 1

#define TC_BOARD_I2C_PORT 0
#define TC_BOARD_I2C_SDA 17
#define TC_BOARD_I2C_SCL 18

#define TC_BOARD_SPEAKER_ES8311 1
#define TC_BOARD_SPEAKER_ADDRESS 0x18

#define TC_BOARD_MICROPHONE_ES7210 1
#define TC_BOARD_MICROPHONE_ADDRESS 0x40
#define TC_BOARD_MICROPHONE_CHANNEL 0
#define TC_BOARD_ECHO_CHANNEL 1

#define TC_BOARD_I2S_MCLK 16
#define TC_BOARD_I2S_BCLK 9
#define TC_BOARD_I2S_WS 45
#define TC_BOARD_I2S_DOUT 8
#define TC_BOARD_I2S_DIN 10

#define TC_BOARD_AMPLIFIER_PIN 48
#define TC_BOARD_AMPLIFIER_LEVEL 1

#define TC_BOARD_BUTTON_ADC_CHANNEL 4
#define TC_BOARD_BUTTON_ADC_MIN_MV 2310
#define TC_BOARD_BUTTON_ADC_MAX_MV 2510

#endif

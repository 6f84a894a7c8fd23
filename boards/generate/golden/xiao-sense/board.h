/* Generated from the definition of the board "xiao-sense" in boards/definitions; do not edit. */
#ifndef TC_BOARD_GENERATED_H
#define TC_BOARD_GENERATED_H

#include "esp_attr.h"

/* Large static objects live in the PSRAM. */
#define TC_BIG EXT_RAM_BSS_ATTR

#define TC_BOARD_ID "xiao-sense"
#define TC_BOARD_NAME "Seeed Studio XIAO ESP32S3 Sense"
#define TC_BOARD_ECHO 1

#define TC_BOARD_CONSOLE_USB 1

#define TC_BOARD_NETWORK_WIFI 1

#define TC_BOARD_SPEAKER_NONE 1

#define TC_BOARD_MICROPHONE_PDM 1
#define TC_BOARD_MICROPHONE_CHANNEL 0
#define TC_BOARD_PDM_CLK 42
#define TC_BOARD_PDM_DATA 41

#define TC_BOARD_BUTTON_PIN 0
#define TC_BOARD_BUTTON_LEVEL 0

#define TC_BOARD_LIGHT_PWM 1
#define TC_BOARD_LIGHT_PIN 21
#define TC_BOARD_LIGHT_LEVEL 0

#endif

/* Generated from the definition of the board "cores3" in boards/definitions; do not edit. */
#ifndef TC_BOARD_GENERATED_H
#define TC_BOARD_GENERATED_H

#include "esp_attr.h"

/* Large static objects live in the PSRAM. */
#define TC_BIG EXT_RAM_BSS_ATTR

#define TC_BOARD_ID "cores3"
#define TC_BOARD_NAME "M5Stack CoreS3"
#define TC_BOARD_ECHO 0

#define TC_BOARD_CONSOLE_USB 1

#define TC_BOARD_NETWORK_WIFI 1

#define TC_BOARD_I2C_PORT 1
#define TC_BOARD_I2C_SDA 12
#define TC_BOARD_I2C_SCL 11
#define TC_BOARD_I2C_WRITE_COUNT 11
#define TC_BOARD_I2C_WRITES { \
    /* AXP2101: ALDO1 at 1.8 V: supplies the AW88298. */ \
    {0x34, 0x92, 0x0d, 0}, \
    /* AXP2101: ALDO2 at 3.3 V: supplies the ES7210. */ \
    {0x34, 0x93, 0x1c, 0}, \
    /* AXP2101: ALDO1 to ALDO4, BLDO1 and BLDO2 on; DLDO1, the backlight of a screen that nobody uses, off. */ \
    {0x34, 0x90, 0x3f, 20}, \
    /* AW9523: Port 0 drives both ways instead of only down. */ \
    {0x58, 0x11, 0x10, 0}, \
    /* AW9523: Port 0 is plain input and output, no LED current sink. */ \
    {0x58, 0x12, 0xff, 0}, \
    /* AW9523: Port 1 is plain input and output, no LED current sink. */ \
    {0x58, 0x13, 0xff, 0}, \
    /* AW9523: P1.7 switches the 5 V booster on; P1.0 and P1.1 hold camera and screen out of reset. */ \
    {0x58, 0x03, 0x83, 0}, \
    /* AW9523: P0.2 low: the AW88298 is in reset. P0.0 is the touch chip, P0.1 the 5 V of the bus. */ \
    {0x58, 0x02, 0x03, 0}, \
    /* AW9523: P0.3 and P0.4 are inputs, the rest of port 0 outputs. */ \
    {0x58, 0x04, 0x18, 0}, \
    /* AW9523: P1.2 and P1.3 are inputs, the rest of port 1 outputs. */ \
    {0x58, 0x05, 0x0c, 10}, \
    /* AW9523: P0.2 high: the AW88298 leaves its reset. */ \
    {0x58, 0x02, 0x07, 50}, \
}

#define TC_BOARD_SPEAKER_AW88298 1
#define TC_BOARD_SPEAKER_ADDRESS 0x36

#define TC_BOARD_MICROPHONE_ES7210 1
#define TC_BOARD_MICROPHONE_ADDRESS 0x40
#define TC_BOARD_MICROPHONE_CHANNEL 0

#define TC_BOARD_I2S_MCLK 0
#define TC_BOARD_I2S_BCLK 34
#define TC_BOARD_I2S_WS 33
#define TC_BOARD_I2S_DOUT 13
#define TC_BOARD_I2S_DIN 14

#endif

import type { BoardLight, BoardMicrophone, BoardSpeaker, ChipBoard, DuplexI2s, I2cBus } from '../define.ts';
import { listensWhileSpeaking } from '../define.ts';

/** One line of the header; an absent value leaves the line out, so that what is not defined is not there. */
type Macro = readonly [name: string, value: string | number | undefined];

/**
 * board.h: the board as macros, for `firmware/esp32s3` and, by TC_BOARD_HEADER, for the core. Only what the board has
 * is defined. Pins are GPIO numbers, addresses have 7 bits, a `_LEVEL` is what the pin shows when the thing is on,
 * pressed or muted.
 */
export function boardHeader(board: ChipBoard): string {
  const { i2c, i2s, amplifier, mute, console: port, button } = board;
  const groups: Macro[][] = [
    [
      ['ID', JSON.stringify(board.id)],
      ['NAME', JSON.stringify(board.name)],
      ['ECHO', listensWhileSpeaking(board) ? 1 : 0],
    ],
    port.kind === 'uart'
      ? [
          ['CONSOLE_UART', 1],
          ['CONSOLE_BAUD', port.baud],
        ]
      : [['CONSOLE_USB', 1]],
    [[board.network === 'wifi' ? 'NETWORK_WIFI' : 'NETWORK_OPENETH', 1]],
    i2c ? busMacros(i2c) : [],
    speakerMacros(board.speaker),
    microphoneMacros(board.microphone),
    i2s ? i2sMacros(i2s) : [],
    [
      ['AMPLIFIER_PIN', amplifier?.pin],
      ['AMPLIFIER_LEVEL', amplifier?.on],
    ],
    button?.kind === 'adc'
      ? [
          // ADC1 has its channels on GPIO 1 to 10 in order (ESP32-S3 datasheet, table of IO MUX pins).
          ['BUTTON_ADC_CHANNEL', button.pin - 1],
          ['BUTTON_ADC_MIN_MV', button.minMv],
          ['BUTTON_ADC_MAX_MV', button.maxMv],
        ]
      : [
          ['BUTTON_PIN', button?.pin],
          ['BUTTON_LEVEL', button?.pressed],
        ],
    [
      ['MUTE_PIN', mute?.pin],
      ['MUTE_LEVEL', mute?.muted],
    ],
    lightMacros(board.light),
  ];
  const body = groups
    .map((group) =>
      group
        .filter(([, value]) => value !== undefined)
        .map(([name, value]) => `#define TC_BOARD_${name} ${value}\n`)
        .join(''),
    )
    .filter((text) => text !== '')
    .join('\n');
  return `/* Generated from the definition of the board "${board.id}" in boards/definitions; do not edit. */
#ifndef TC_BOARD_GENERATED_H
#define TC_BOARD_GENERATED_H

#include "esp_attr.h"

/* Large static objects live in the PSRAM. */
#define TC_BIG EXT_RAM_BSS_ATTR

${body}
#endif
`;
}

function busMacros({ port, sda, scl, chips = [] }: I2cBus): Macro[] {
  const rows = chips.flatMap(({ name, address, writes = [] }) =>
    writes.map(({ register, value, why, delayMs = 0 }) => ({
      cells: `{${hex(address)}, ${hex(register)}, ${hex(value)}, ${delayMs}}`,
      remark: `${name}: ${why.replaceAll('*/', '* /')}`,
    })),
  );
  const list = rows.map(({ cells, remark }) => `    /* ${remark} */ \\\n    ${cells}, \\\n`).join('');
  return [
    ['I2C_PORT', port],
    ['I2C_SDA', sda],
    ['I2C_SCL', scl],
    ['I2C_WRITE_COUNT', rows.length || undefined],
    // {address, register, value, milliseconds to wait behind it}
    ['I2C_WRITES', rows.length ? `{ \\\n${list}}` : undefined],
  ];
}

function i2sMacros({ mclk, bclk, ws, dout, din }: DuplexI2s): Macro[] {
  return [
    ['I2S_MCLK', mclk],
    ['I2S_BCLK', bclk],
    ['I2S_WS', ws],
    ['I2S_DOUT', dout],
    ['I2S_DIN', din],
  ];
}

function speakerMacros(speaker: BoardSpeaker): Macro[] {
  const kind: Macro = [`SPEAKER_${speaker.kind.toUpperCase()}`, 1];
  switch (speaker.kind) {
    case 'es8311':
    case 'aw88298':
      return [kind, ['SPEAKER_ADDRESS', hex(speaker.address)]];
    case 'i2s':
      return [kind, ['I2S_BCLK', speaker.bclk], ['I2S_WS', speaker.ws], ['I2S_DOUT', speaker.dout]];
    case 'level':
    case 'none':
      return [kind];
  }
}

function microphoneMacros(microphone: BoardMicrophone): Macro[] {
  const kind: Macro = [`MICROPHONE_${microphone.kind.toUpperCase()}`, 1];
  switch (microphone.kind) {
    case 'es7210':
    case 'es8311':
      return [
        kind,
        ['MICROPHONE_ADDRESS', hex(microphone.address)],
        ['MICROPHONE_CHANNEL', microphone.channel],
        ['ECHO_CHANNEL', microphone.echoChannel],
      ];
    case 'i2s':
      return [
        kind,
        ['MICROPHONE_CHANNEL', microphone.channel],
        ['I2S_MIC_BCLK', microphone.bclk],
        ['I2S_MIC_WS', microphone.ws],
        ['I2S_MIC_DIN', microphone.din],
      ];
    case 'pdm':
      return [
        kind,
        ['MICROPHONE_CHANNEL', microphone.channel],
        ['PDM_CLK', microphone.clk],
        ['PDM_DATA', microphone.data],
      ];
    case 'partition':
      return [kind, ['MICROPHONE_LABEL', JSON.stringify(microphone.label)]];
    case 'none':
      return [kind];
  }
}

function lightMacros(light: BoardLight): Macro[] {
  const kind: Macro = [`LIGHT_${light.kind.toUpperCase()}`, 1];
  switch (light.kind) {
    case 'ws2812':
      return [
        kind,
        ['LIGHT_PIN', light.pin],
        ['LIGHT_COUNT', light.count],
        ['LIGHT_RED_FIRST', light.order === 'rgb' ? 1 : undefined],
      ];
    case 'apa102':
      return [kind, ['LIGHT_DATA', light.data], ['LIGHT_CLK', light.clock], ['LIGHT_COUNT', light.count]];
    case 'pwm':
    case 'gpio':
      return [kind, ['LIGHT_PIN', light.pin], ['LIGHT_LEVEL', light.on]];
    case 'none':
      return [];
  }
}

function hex(value: number): string {
  return `0x${value.toString(16).padStart(2, '0')}`;
}

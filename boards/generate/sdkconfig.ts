import type { ChipBoard } from '../define.ts';

const MB = 1024 * 1024;

/**
 * sdkconfig.board: what depends on the board alone. What all boards share stands in
 * `firmware/esp32s3/sdkconfig.defaults`; an option stands in one of the two only. `partitionsPath` is where the
 * generated partition table lies: absolute, since ESP-IDF looks for a relative one beside its own files.
 */
export function boardSdkconfig(board: ChipBoard, partitionsPath: string): string {
  const lines: string[] = [
    `# Generated from the definition of the board "${board.id}" in boards/definitions; do not edit.`,
  ];
  const group = (why: string, ...options: string[]) =>
    lines.push('', `# ${why}`, ...options.map((o) => `CONFIG_${o}`));
  group(
    `Flash: ${board.flash.bytes / MB} MB.`,
    `ESPTOOLPY_FLASHMODE_${board.flash.mode.toUpperCase()}=y`,
    'ESPTOOLPY_FLASHFREQ_80M=y',
    `ESPTOOLPY_FLASHSIZE_${board.flash.bytes / MB}MB=y`,
  );
  group(
    'Partition table.',
    'PARTITION_TABLE_CUSTOM=y',
    `PARTITION_TABLE_CUSTOM_FILENAME=${JSON.stringify(partitionsPath)}`,
  );
  if (board.psram)
    group(
      // An image for octal PSRAM does not boot on a quad one, and the reverse.
      `PSRAM: ${board.psram.bytes / MB} MB, ${board.psram.mode}. 80 MHz: 120 MHz is not stable over temperature.`,
      'SPIRAM=y',
      `SPIRAM_MODE_${board.psram.mode === 'octal' ? 'OCT' : 'QUAD'}=y`,
      'SPIRAM_SPEED_80M=y',
    );
  group('Console.', ...consoleOptions(board));
  if (board.network === 'openeth')
    group(
      "QEMU's network card. With 4 receive buffers (the default) every flight of a DTLS handshake is lost.",
      'ETH_USE_OPENETH=y',
      'ETH_OPENETH_DMA_RX_BUFFER_NUM=32',
    );
  if (board.network === 'openeth')
    group(
      'The emulated AES and SHA cannot read PSRAM, where mbedTLS has its memory: they would wait for ever.',
      'MBEDTLS_HARDWARE_AES=n',
      'MBEDTLS_HARDWARE_SHA=n',
    );
  return `${lines.join('\n')}\n`;
}

function consoleOptions({ console: port }: ChipBoard): string[] {
  if (port.kind === 'usb') return ['ESP_CONSOLE_USB_SERIAL_JTAG=y'];
  // The secondary console would copy every line to the native USB, which waits where no computer listens.
  const secondary = 'ESP_CONSOLE_SECONDARY_NONE=y';
  if (port.baud === 115_200) return ['ESP_CONSOLE_UART_DEFAULT=y', secondary];
  return [
    'ESP_CONSOLE_UART_CUSTOM=y',
    'ESP_CONSOLE_UART_NUM=0',
    `ESP_CONSOLE_UART_BAUDRATE=${port.baud}`,
    secondary,
  ];
}

import type { Board } from '../define.ts';
import {
  buttonWords,
  echoWords,
  lightWords,
  memoryWords,
  microphoneWords,
  muteWords,
  speakerWords,
  usbWords,
} from '../words.ts';

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function list(title: string, sentences: readonly string[]): string {
  return sentences.length ? `\n${title}\n\n${sentences.map((text) => `- ${text}`).join('\n')}\n` : '';
}

function writes(board: Board): string[] {
  if (board.kind !== 'esp32s3') return [];
  return (board.i2c?.chips ?? []).flatMap(({ name, address, writes = [] }) =>
    writes.map(
      ({ register, value, why }) => `${name} (${hex(address)}): ${hex(register)} = ${hex(value)}. ${why}`,
    ),
  );
}

const hex = (value: number) => `0x${value.toString(16).padStart(2, '0')}`;

/** docs/boards.md: what each board has, where that was read, and where the sources disagree. */
export function boardPage(boards: readonly Board[]): string {
  const chips = boards.filter((board) => board.kind === 'esp32s3');
  const rows = chips.map((board) => [
    `\`${board.id}\``,
    board.name,
    memoryWords(board),
    microphoneWords(board),
    speakerWords(board),
    echoWords(board),
    lightWords(board),
    [buttonWords(board), muteWords(board)].filter((text) => text !== '').join('; '),
    usbWords(board),
  ]);
  const sections = chips.map((board) =>
    [
      `## ${board.name}\n\n\`tincan build --board ${board.id}\`\n`,
      list('Written over I2C at each boot:', writes(board)),
      list(
        'Strapping pins that it drives:',
        Object.entries(board.strapping ?? {}).map(([pin, why]) => `GPIO ${pin}: ${why}`),
      ),
      list('Where the sources disagree:', board.conflicts),
      list('What no source says for certain:', board.unverified),
      list('To know:', board.notes ?? []),
      list('Read from:', board.sources),
    ].join(''),
  );
  return `# Boards

Generated from \`boards/definitions/\` by \`npm run generate\`; do not edit.

No board has met this firmware on silicon yet; \`qemu\` is an emulated one. What stands here was read in the sources
named under each board. A new board is one file in \`boards/definitions/\` and one word in \`boards/registry.ts\`; a
wrong one is refused with the pin's name.

${table(
  ['id', 'board', 'flash, PSRAM', 'microphone', 'loudspeaker', 'while it speaks', 'light', 'button', 'USB'],
  rows,
)}

${sections.join('\n')}`;
}
